package spare

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/pattern"
)

// readers are, by manifest, the names of libraries and frameworks that read files of environment variables by themselves,
// when the program is built or when it starts.
var readers = pattern.New(`(?i)dotenv|env-cmd|envalid|decouple|environs|django-environ|pydantic|dynaconf|starlette|` +
	`fastapi|flask|symfony|laravel|godotenv|viper|envy|"(next|vite|nuxt|astro|gatsby|react-scripts|@nestjs/config|` +
	`@vue/cli-service|parcel|expo|prisma|@prisma/client|@remix-run/dev|@sveltejs/kit|@angular/cli|turbo|wrangler)"|` +
	`rails|sinatra|figaro|envied|flutter_dotenv|config\.exs|dotenvy|vlucas|bun`)

var envManifests = []string{
	"package.json", "requirements*.txt", "pyproject.toml", "Pipfile", "setup.py", "go.mod", "Gemfile", "composer.json",
	"Cargo.toml", "mix.exs", "pom.xml", "build.gradle", "build.gradle.kts",
}

// envNeeded: a file of variables is needed when a step names it or the program may read it by itself.
func envNeeded(f *dockerfile.File, b buildcontext.Build, p Pattern) (why string, sure bool) {
	if why, sure := mentioned(f, ".env"); why != "" {
		return why, sure
	}
	known := false
	for _, dir := range []string{"", "*/"} {
		for _, name := range envManifests {
			found, _ := fs.Glob(b.Context, dir+name) // the patterns are well formed
			for _, at := range found {
				text, err := readSmall(b.Context, at)
				if err != nil {
					return fmt.Sprintf("%s cannot be read", at), false
				}
				if m := readers.Find(text); m != nil {
					const reads = "the program may read it: %s names %s; set the values where the container starts first"
					return fmt.Sprintf(reads, at, strings.Trim(string(m), `"`)), false
				}
				known = true
			}
		}
	}
	if !known {
		return "whether the program reads it is not known", false
	}
	return "", false
}

// mentioned is where an instruction speaks of a name.
func mentioned(f *dockerfile.File, name string) (why string, sure bool) {
	for _, i := range f.Instructions {
		text := i.Text()
		for _, h := range i.Heredocs {
			text += "\n" + h.Content
		}
		for _, fl := range i.Flags {
			text += "\n" + fl.Value
		}
		if strings.Contains(text, name) {
			return fmt.Sprintf("the %s on line %d speaks of %s", i.Keyword, i.Line(), name), true
		}
	}
	return "", false
}

// maxRead is the size in bytes above which a file is not looked into.
const maxRead = 256 << 10

// readSmall reads a regular file of the context.
func readSmall(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxRead {
		return nil, &fs.PathError{Op: "read", Path: path.Base(name), Err: fs.ErrInvalid}
	}
	return fs.ReadFile(fsys, name)
}
