package checks

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

var unfrozenInstall = &check.Check{
	Name:     "unfrozen-install",
	Family:   check.Pinning,
	Summary:  "an install may change what the lock file next to it says",
	Severity: check.Warning,
	Run:      runUnfrozenInstall,
}

var devDependenciesShipped = &check.Check{
	Name:     "dev-dependencies-shipped",
	Family:   check.SmallerImage,
	Summary:  "packages for development are installed in the image that ships",
	Severity: check.Warning,
	Run:      runDevDependenciesShipped,
}

// An unfrozen command installs without holding on to its lock file.
type unfrozen struct {
	program string // with its verb, "" for the program alone
	lock    string // the file it may pass over
	says    string // what has to be said instead
	settled string // options, one of which settles it
}

const yarnFrozen = "--frozen-lockfile --immutable --pure-lockfile --no-lockfile --immutable-cache"

// unfrozens are known by the first words of a command. Managers that keep to their lock file by themselves are not here.
var unfrozens = []unfrozen{
	{"npm install", "package-lock.json", "npm ci", "--no-package-lock"},
	{"npm i", "package-lock.json", "npm ci", "--no-package-lock"},
	{"yarn install", "yarn.lock", "--frozen-lockfile", yarnFrozen},
	{"yarn", "yarn.lock", "--frozen-lockfile", yarnFrozen},
	{"pnpm install", "pnpm-lock.yaml", "--frozen-lockfile", "--frozen-lockfile --no-frozen-lockfile --offline"},
	{"pnpm i", "pnpm-lock.yaml", "--frozen-lockfile", "--frozen-lockfile --no-frozen-lockfile --offline"},
	{"bun install", "bun.lock", "--frozen-lockfile", "--frozen-lockfile"},
	{"uv sync", "uv.lock", "--locked", "--locked --frozen"},
	{"pipenv install", "Pipfile.lock", "--deploy", "--deploy --ignore-pipfile --skip-lock"},
	{"bundle install", "Gemfile.lock", "bundle config set frozen true", "--frozen --deployment"},
}

func runUnfrozenInstall(p *check.Pass) error {
	for _, s := range p.File.Stages {
		if frozenByEnvironment(s) {
			continue
		}
		for _, i := range s.Instructions {
			if i.Keyword == "RUN" {
				unfrozenIn(p, i)
			}
		}
	}
	return nil
}

// frozenByEnvironment reports whether a variable or a setting makes the managers keep to their lock files.
func frozenByEnvironment(s *dockerfile.Stage) bool {
	text := stageText(s)
	for _, word := range []string{"BUNDLE_FROZEN", "BUNDLE_DEPLOYMENT", "config set frozen", "config set --local frozen",
		"config set deployment", "config set --local deployment", "config --global frozen", "UV_LOCKED", "UV_FROZEN",
		"YARN_ENABLE_IMMUTABLE_INSTALLS", "ENV CI", "ARG CI"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

func unfrozenIn(p *check.Pass, run *dockerfile.Instruction) {
	cmds, _ := commands(run)
	for _, c := range cmds {
		u, ok := unfrozenOf(c)
		if !ok || !hasLock(p, u.lock) {
			continue
		}
		r := rewording{
			message: "`" + spoken(c) + "` may install other versions than `" + u.lock + "` says, so that two builds of one commit differ",
			title:   "Install exactly what the lock file says", rule: fixes.FrozenInstall,
		}
		switch c.Words[0].Text {
		case "npm":
			r.words = []fixes.Rewording{{At: c.Words[1].Span, How: fixes.Instead, Text: "ci"}}
		case "yarn":
			r.words = []fixes.Rewording{{At: c.Words[len(strings.Fields(u.program))-1].Span, Text: u.says}}
		default:
			r.refused = "whether the lock file agrees with its manifest is not known; `" + u.says + "` stops when it does not"
		}
		r.report(p, run, run)
		return
	}
}

// unfrozenOf is what a command is that installs the project without holding on to its lock file. One that names packages
// changes the project on purpose.
func unfrozenOf(c dockerfile.Command) (unfrozen, bool) {
	words, ok := c.Texts()
	if !ok {
		return unfrozen{}, false
	}
	for _, u := range unfrozens {
		first := strings.Fields(u.program)
		if len(words) < len(first) || !slices.Equal(words[:len(first)], first) {
			continue
		}
		plain := !slices.ContainsFunc(words[len(first):], func(w string) bool {
			name, _, _ := strings.Cut(w, "=")
			return !strings.HasPrefix(w, "-") || name == "-g" || name == "--global" || slices.Contains(strings.Fields(u.settled), name)
		})
		return u, plain
	}
	return unfrozen{}, false
}

// hasLock reports whether every context in which the file is built has a lock file of that name, outside other people's
// packages.
func hasLock(p *check.Pass, name string) bool {
	for _, b := range p.Builds {
		if b.Unknown != "" || b.Context == nil {
			return false
		}
		if _, err := fs.Stat(b.Context, name); err == nil {
			continue
		}
		if _, err := fs.Stat(b.Context, path.Join(path.Dir(p.File.Path), name)); err != nil {
			return false
		}
	}
	return len(p.Builds) > 0
}

func runDevDependenciesShipped(p *check.Pass) error {
	for _, s := range p.File.Stages {
		if !shipped(p, s) || productionStage(s) {
			continue
		}
		for _, i := range s.Instructions {
			if i.Keyword == "RUN" {
				developmentIn(p, i)
			}
		}
	}
	return nil
}

// developmentName matches the names of stages that are for developing or testing.
var developmentName = pattern.New(`(?i)dev|test|debug|lint|build|ci$`)

// productionStage reports whether a variable says what is installed, or the stage is for development.
func productionStage(s *dockerfile.Stage) bool {
	text := stageText(s)
	return strings.Contains(text, "NODE_ENV") || strings.Contains(text, "npm_config") || strings.Contains(text, "NPM_CONFIG") ||
		strings.Contains(text, "prune --prod") || strings.Contains(text, "npm prune") || developmentName.MatchString(s.Name)
}

func developmentIn(p *check.Pass, run *dockerfile.Instruction) {
	cmds, _ := commands(run)
	for _, c := range cmds {
		words, ok := c.Texts()
		if !ok || len(words) < 2 {
			continue
		}
		option := ""
		switch {
		case words[0] == "npm" && slices.Contains([]string{"ci", "install", "i"}, words[1]):
			option = "--omit=dev"
		case words[0] == "yarn" && words[1] == "install":
			option = "--production"
		}
		if option == "" || decidesDevelopment(words[2:]) || laterWork(run) || !hasDevelopment(p) {
			continue
		}
		rewording{
			message: "`" + spoken(c) + "` also installs what only developing needs, and ships it",
			title:   "Leave development packages out", rule: fixes.NoDevelopment,
			words: []fixes.Rewording{{At: c.Words[1].Span, Text: option}},
		}.report(p, run, run)
		return
	}
}

// decidesDevelopment reports whether options say which packages are installed, or packages are named.
func decidesDevelopment(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		name, _, _ := strings.Cut(w, "=")
		return !strings.HasPrefix(w, "-") || slices.Contains([]string{"-g", "--global", "--omit", "--only", "--production",
			"--prod", "--include", "--dev", "-D", "--also"}, name)
	})
}

// laterWork reports whether the step or a later one of the stage builds or tests, which development packages are for.
func laterWork(run *dockerfile.Instruction) bool {
	for _, i := range append([]*dockerfile.Instruction{run}, following(run)...) {
		if i.Keyword != "RUN" {
			continue
		}
		cmds, ok := commands(i)
		if !ok {
			return true
		}
		for _, c := range cmds {
			if works(c) {
				return true
			}
		}
	}
	return false
}

// works reports whether a command runs something of the project or of its packages.
func works(c dockerfile.Command) bool {
	verb := ""
	if len(c.Words) > 1 {
		verb = c.Words[1].Text
	}
	switch c.Name() {
	case "npm", "yarn", "pnpm":
		return !slices.Contains([]string{"ci", "install", "i", "cache", "config", "set", "version", "--version"}, verb)
	case "chown", "chmod", "mkdir", "rm", "ls", "echo", "cp", "mv", "apt-get", "apk", "useradd", "groupadd", "adduser", "addgroup",
		"ln", "touch", "cd", "set", "true", "curl", "wget", "tar", "corepack":
		return false
	}
	return true
}

// hasDevelopment reports whether the package of every context has packages for development.
func hasDevelopment(p *check.Pass) bool {
	for _, b := range p.Builds {
		if b.Unknown != "" || b.Context == nil {
			return false
		}
		for _, name := range []string{"package.json", path.Join(path.Dir(p.File.Path), "package.json")} {
			if text, err := fs.ReadFile(b.Context, name); err == nil && strings.Contains(string(text), `"devDependencies"`) {
				return true
			}
		}
	}
	return false
}
