package ecosystem

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lighterman/lighterman/internal/pattern"
)

var haskellFiles = files{
	read: []string{"stack.yaml", "*.cabal", "cabal.project", "cabal.project.freeze", "cabal.project.local",
		"package.yaml"},
	locks: []string{"stack.yaml.lock"},
}

var (
	stackOptions = options{
		switches: []string{"--only-dependencies", "--dependencies-only", "--system-ghc", "--install-ghc", "--no-install-ghc",
			"--allow-different-user", "--fast", "--no-terminal", "--silent", "--verbose", "-v", "--test", "--no-run-tests",
			"--no-docker", "--no-nix", "--haddock", "--no-haddock"},
		values: []string{"--resolver", "--snapshot", "--jobs", "--flag", "--ghc-options", "--stack-root"},
	}
	cabalOptions = options{
		switches: []string{"--only-dependencies", "--dependencies-only", "--enable-tests", "--disable-tests",
			"--enable-benchmarks", "--disable-benchmarks", "--disable-documentation", "--disable-profiling", "-v", "-v1", "-v0",
			"-O", "-O1", "-O2", "-O0", "--ghc", "--enable-executable-static", "--enable-split-sections"},
		values: []string{"--jobs", "--ghc-options", "-f", "--flags", "-w", "--with-compiler", "--verbose"},
	}
)

var onlyDependencies = []string{"--only-dependencies", "--dependencies-only"}

var jobsFlag = pattern.New(`^-j\d*$`)

// withoutJobs takes out how many jobs run at a time.
func withoutJobs(args []string) []string {
	return slices.DeleteFunc(slices.Clone(args), jobsFlag.MatchString)
}

// stack knows the command stack; see https://docs.haskellstack.org/en/stable/commands/build_command.
func stack(words []string) verdict {
	if path.Base(words[0]) != "stack" {
		return verdict{}
	}
	p := stackOptions.parse(withoutJobs(words[1:]))
	v := verdict{kind: install, manager: "stack", stays: []string{".stack"}, unknown: p.doubt()}
	switch sub := first(p.rest); sub {
	case "update", "upgrade", "":
		return verdict{kind: harmless}
	case "setup", "build", "install", "test":
		if sub != "setup" && !p.has(onlyDependencies...) {
			v.implicit = true
			v.unknown = "stack " + sub + " builds the dependencies and the project in one step; " +
				"stack build --only-dependencies needs stack.yaml and the package's description only"
		}
	default:
		return verdict{}
	}
	if len(p.rest) > 1 {
		v.unknown = either(v.unknown, "it names targets")
	}
	v.read = readStack
	return v
}

// cabal knows the command cabal; see https://cabal.readthedocs.io/en/stable/cabal-commands.html.
func cabal(words []string) verdict {
	if path.Base(words[0]) != "cabal" {
		return verdict{}
	}
	p := cabalOptions.parse(withoutJobs(words[1:]))
	v := verdict{kind: install, manager: "cabal", stays: []string{".cabal", "cabal/packages", "cabal/store"},
		unknown: p.doubt()}
	switch sub := first(p.rest); sub {
	case "update", "v2-update", "new-update", "--version":
		return verdict{kind: harmless}
	case "build", "v2-build", "new-build", "install", "v2-install", "new-install", "test", "v2-test":
		if !p.has(onlyDependencies...) {
			v.implicit = true
			v.unknown = "cabal " + sub + " builds the dependencies and the project in one step; " +
				"cabal build --only-dependencies needs the package's description only"
		}
	default:
		return verdict{}
	}
	if slices.ContainsFunc(p.rest[1:], func(target string) bool { return target != "all" }) {
		v.unknown = either(v.unknown, "it names targets")
	}
	v.read = readCabal
	return v
}

// stackSettings are the settings of stack.yaml that name no file; see
// https://docs.haskellstack.org/en/stable/configure/yaml.
var stackSettings = []string{"resolver", "snapshot", "packages", "extra-deps", "flags", "ghc-options", "system-ghc",
	"install-ghc", "allow-newer", "allow-newer-deps", "compiler", "compiler-check", "extra-package-dbs",
	"save-hackage-creds", "require-stack-version", "arch", "skip-ghc-check", "notify-if-nix-on-path", "notify-if-ghc-untested"}

func readStack(r *reading) {
	name := path.Join(r.dir, "stack.yaml")
	data, ok := r.content(name)
	if !ok {
		return
	}
	r.optional(r.dir, "stack.yaml.lock")
	r.writes("/root/.stack")
	var settings map[string]any
	if err := yaml.Load(data, &settings); err != nil {
		r.refuse("%s cannot be read", name)
		return
	}
	for key, value := range settings {
		switch {
		case !slices.Contains(stackSettings, key):
			r.refuse("%s sets %s, which may name other files", name, key)
		case key != "packages" && namesFile(value, 0):
			r.refuse("%s names a file in %s", name, key)
		}
	}
	packages := texts(settings["packages"])
	if settings["packages"] == nil {
		packages = []string{"."}
	}
	for _, p := range packages {
		if at, ok := r.within(r.dir, p); ok {
			r.haskell(at, ".stack-work")
		}
	}
}

// namesFile reports whether a setting may name a file of the repository.
func namesFile(v any, depth int) bool {
	switch v := v.(type) {
	case string:
		return strings.HasPrefix(v, ".") || strings.HasPrefix(v, "/") || strings.HasPrefix(v, "file:") ||
			!strings.Contains(v, "://") && (strings.HasSuffix(v, ".yaml") || strings.Contains(v, "/"))
	case []any:
		return slices.ContainsFunc(v, func(item any) bool { return depth > maxNested || namesFile(item, depth+1) })
	case map[string]any:
		for key, item := range v {
			git := key == "git" || key == "github" || key == "subdirs" || key == "archive" || key == "url"
			if depth > maxNested || !git && namesFile(item, depth+1) {
				return true
			}
		}
	}
	return false
}

var customBuild = pattern.New(`(?im)^\s*build-type\s*:\s*(custom|configure|make|hooks)`)

// haskell reads the description of one package. Names of modules in it are not looked up before the package is built.
func (r *reading) haskell(dir, output string) {
	if r.exists(path.Join(dir, "package.yaml")) {
		r.add(path.Join(dir, "package.yaml"))
		r.refuse("%s is made complete from the modules among the sources", path.Join(dir, "package.yaml"))
	}
	found, _ := fs.Glob(r.context, path.Join(dir, "*.cabal")) // the pattern is well formed
	if len(found) != 1 {
		r.refuse("there are %d descriptions of packages in %s", len(found), dir)
	}
	for _, name := range found {
		data, _ := r.content(name)
		if customBuild.Match(data) {
			r.refuse("%s is built by a program of its own", name)
		}
	}
	r.writes(path.Join(dir, output))
}

var (
	cabalPackages = pattern.New(`^packages\s*:(.*)$`)
	// cabalSetting matches the lines of cabal.project that name no file.
	cabalSetting = pattern.New(`^(\s*--.*|\s*|(with-compiler|index-state|tests|benchmarks|documentation|` +
		`optimization|jobs|constraints|allow-newer|allow-older|active-repositories|profiling|executable-\w+|split-sections|` +
		`preferences|multi-repl|test-show-details)\s*:.*|\s+[\w.,:<>=^&|* ()+-]+)$`)
)

func readCabal(r *reading) {
	r.writes("/root/.cabal", path.Join(r.dir, "dist-newstyle"))
	project := path.Join(r.dir, "cabal.project")
	r.optional(r.dir, "cabal.project.freeze")
	if local := project + ".local"; r.exists(local) {
		r.add(local)
		r.refuse("%s may name other files", local)
	}
	if !r.exists(project) {
		r.haskell(r.dir, "dist-newstyle")
		return
	}
	data, _ := r.content(project)
	for _, line := range strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n") {
		m := cabalPackages.FindStringSubmatch(line)
		switch {
		case m != nil:
			for _, p := range strings.FieldsFunc(m[1], func(c rune) bool { return c == ' ' || c == ',' || c == '\t' }) {
				r.cabalPackage(project, p)
			}
		case !cabalSetting.MatchString(line):
			r.refuse("%s has the line %q, which may name other files", project, line)
		}
	}
}

// cabalPackage reads one entry of "packages": a directory, or the description in one.
func (r *reading) cabalPackage(project, text string) {
	dir, base := path.Split(text)
	if base != "*.cabal" && !strings.HasSuffix(base, ".cabal") {
		dir = text
	}
	if strings.ContainsAny(dir, "*?[{") || strings.Contains(dir, "://") {
		r.refuse("%s names the packages %s, which are not known", project, text)
		return
	}
	if at, ok := r.within(r.dir, dir); ok {
		r.haskell(at, "dist-newstyle")
	}
}
