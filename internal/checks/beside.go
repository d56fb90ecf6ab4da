package checks

import (
	"io/fs"
	"path"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

// maxBeside is how many files are looked at to find what runs in an image besides its program.
const maxBeside = 300

// ranBeside says what else of the repository may run something in the image, or take something out of it, than the program
// that it starts; "" when nothing is found.
func ranBeside(p *check.Pass) string {
	if reason := heirWorks(p, func(*dockerfile.File) bool { return true }); reason != "" {
		return reason
	}
	for _, line := range p.Once("which workflows run their jobs in images of the repository", jobs) {
		name, in, _ := strings.Cut(line, "\n")
		return name + " runs jobs in " + in + ", which may be this image"
	}
	for _, line := range p.Once("what runs in images of the repository besides their programs", runsBeside) {
		return line
	}
	return ""
}

// runsBeside lists what may run something else in an image of the repository.
func runsBeside(repo fs.FS) (out []string) {
	var names []string
	err := fs.WalkDir(repo, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || len(names) > maxBeside:
			return fs.ErrInvalid
		case d.IsDir() && oneOf("node_modules vendor testdata .git", d.Name()):
			return fs.SkipDir
		case d.Type().IsRegular() && tellsOfRuns.MatchString(name):
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return []string{"the repository has too many files to see what else runs in the image"}
	}
	if r, ok := repo.(buildcontext.Prefetcher); ok {
		_ = r.Prefetch(names) // what could not be fetched together is read one by one
	}
	for _, name := range names {
		text, err := fs.ReadFile(repo, name)
		if err != nil || runsInImage(name, text) {
			out = append(out, name+" may run something else in the image, or take something out of it")
		}
	}
	return out
}

func oneOf(list, word string) bool { return strings.Contains(" "+list+" ", " "+word+" ") }

// runsInImage reports whether a file may run something in an image.
func runsInImage(name string, text []byte) bool {
	base := path.Base(name)
	return runsInside.Match(text) || oneOf("Tiltfile heroku.yml heroku.yaml", base) ||
		base == "devcontainer.json" && strings.Contains(strings.ToLower(string(text)), "dockerfile") ||
		oneOf(".yml .yaml .tpl .toml", path.Ext(name)) && deployed.Match(text) && ownCommand.Match(text) ||
		overriding.MatchString(base) && ownCommand.Match(text)
}

var (
	tellsOfRuns = pattern.New(`(?i)\.(ya?ml|tpl|sh|bash|mk|toml)$|(^|/)(makefile|gnumakefile|justfile|rakefile|tiltfile|` +
		`devcontainer\.json|jenkinsfile)$`)
	// runsInside matches commands that run something in a container, or copy something out of one.
	runsInside = pattern.New(`\b(docker|podman|nerdctl|docker[- ]compose|kubectl|oc)\s+(compose\s+)?(exec|cp)\b|` +
		`\b(docker|podman|nerdctl)[^\n]*\brun\b[^\n]*(--entrypoint|\s(sh|bash|go|ls|cat|env|make|test)\s)`)
	// deployed matches files of Kubernetes and of services that run containers; ownCommand what they say of them.
	deployed   = pattern.New(`(?m)^\s*(kind:|dockerCommand:|release_command\s*=|\s*sync:|\s*develop:)`)
	ownCommand = pattern.New(`(?m)^\s*(-\s*)?(command|exec|entrypoint|preStop|postStart|dockerCommand|release_command|manual|` +
		`infer|auto|watch)\s*[:=]`)
	overriding = pattern.New(`^(docker-)?compose\.[\w.-]+\.ya?ml$`)
)
