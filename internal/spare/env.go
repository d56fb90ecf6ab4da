package spare

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/pattern"
)

// readers are, by manifest, the names of libraries and frameworks that read files of environment variables by themselves,
// when the program is built or when it starts.
var readers = pattern.New(`(?i)dotenv|env-cmd|envalid|decouple|environs|django-environ|pydantic|dynaconf|starlette|` +
	`fastapi|flask|symfony|laravel|godotenv|viper|envy|"(next|vite|nuxt|astro|gatsby|react-scripts|@nestjs/config|` +
	`nx|umi|@rsbuild/core|react-app-rewired|@craco/craco|storybook|quasar|@quasar/app-vite|@11ty/eleventy|@strapi/strapi|` +
	`@medusajs/medusa|@adonisjs/core|@redwoodjs/core|@vue/cli-service|parcel|expo|prisma|@prisma/client|@remix-run/dev|` +
	`@sveltejs/kit|@angular/cli|turbo|wrangler)"|` +
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
	if why := loads(f); why != "" {
		return why, false
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
	return readBySources(b, envName), false
}

// loaders are the programs that read a file of variables by themselves.
var loaders = strings.Fields("bun bunx pipenv foreman honcho forego overmind hivemind dotenv dotenvx dotenvy just task nx")

// loads is which command of the file reads variables by itself.
func loads(f *dockerfile.File) string {
	for _, i := range f.Instructions {
		at := i
		if i.Inner != nil {
			i = i.Inner
		}
		if !slices.Contains([]string{"RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK"}, i.Keyword) {
			continue
		}
		for _, words := range commands(i) {
			if name := path.Base(words[0]); slices.Contains(loaders, name) {
				return fmt.Sprintf("%s on line %d reads it by itself; set the values where the container starts first", name, at.Line())
			}
		}
	}
	return ""
}

// envName finds a file of variables by its name, and not process.env or os.environ.
var envName = pattern.New(`(?:^|[^\w)\]?])\.env(?:\W|$)|(?i:dotenv|loadEnvFile|load_env)\b`)

// sources are the endings of the files that programs and their scripts are made of.
var sources = strings.Fields(".go .py .js .jsx .cjs .mjs .ts .tsx .cts .mts .rb .php .rs .java .kt .kts .scala .cs .ex .exs .sh " +
	".bash .toml .json .mk .pl .swift .dart")

const (
	// maxSources is how many files of a program are looked into, maxSourceNames among how many names they are looked for.
	maxSources     = 200
	maxSourceNames = 20_000
)

// readBySources is which file of the program speaks of a name, "" when none does.
func readBySources(b buildcontext.Build, name *pattern.Pattern) string {
	files, complete := sourceFiles(b.Context)
	if !complete {
		return "the program has too many files to see whether one of them reads it"
	}
	if repo, ok := b.Context.(buildcontext.Prefetcher); ok {
		_ = repo.Prefetch(files) // what could not be fetched together is read one by one
	}
	for _, at := range files {
		text, err := readSmall(b.Context, at)
		if err != nil {
			continue // too large for a source
		}
		if name.Match(text) {
			return "the program may read it: " + at + " names it; set the values where the container starts first"
		}
	}
	return ""
}

// sourceFiles lists the program's files; complete is false when there are too many.
func sourceFiles(context fs.FS) (out []string, complete bool) {
	seen := 0
	err := fs.WalkDir(context, ".", func(name string, d fs.DirEntry, err error) error {
		if seen++; err != nil || seen > maxSourceNames || len(out) > maxSources {
			return fs.ErrInvalid
		}
		if d.IsDir() && slices.Contains([]string{".git", "node_modules", "vendor", ".venv", "testdata"}, d.Name()) {
			return fs.SkipDir
		}
		base := d.Name()
		if !d.IsDir() && (slices.Contains(sources, path.Ext(base)) || base == "Makefile" || base == "Procfile") {
			out = append(out, name)
		}
		return nil
	})
	return out, err == nil
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
