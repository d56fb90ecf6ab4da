package ecosystem

import (
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

var pipOptions = options{
	switches: []string{"--no-cache-dir", "--upgrade", "-U", "--no-deps", "-q", "-qq", "--quiet", "-v", "-vv",
		"--verbose", "--pre",
		"--require-hashes", "--no-compile", "--compile", "--force-reinstall", "--ignore-installed", "-I",
		"--break-system-packages",
		"--disable-pip-version-check", "--no-input", "--no-warn-script-location", "--no-warn-conflicts", "--use-pep517",
		"--no-build-isolation", "--prefer-binary", "--user", "--no-index", "--no-clean", "--ignore-requires-python",
		"--no-color", "--isolated", "--no-python-version-warning"},
	values: []string{"-r", "--requirement", "-c", "--constraint", "-i", "--index-url", "--extra-index-url",
		"--trusted-host",
		"--no-binary", "--only-binary", "--progress-bar", "--root-user-action", "--retries", "--timeout", "--cache-dir", "-t",
		"--target", "--prefix", "--root", "--platform", "--python-version", "--implementation", "--abi", "--upgrade-strategy",
		"--use-feature", "--use-deprecated", "-f", "--find-links", "-e", "--editable", "--config-settings", "--log",
		"--proxy", "-w", "--wheel-dir", "-d", "--dest"},
}

var (
	pipName    = pattern.New(`^pip(\d(\.\d+)?)?$`)
	pythonName = pattern.New(`^python(\d(\.\d+)?)?$`)
)

// pip knows pip and "python -m pip"; see https://pip.pypa.io/en/stable/cli/pip_install/. It also knows "python -m
// venv", which reads nothing and writes its directory.
func pip(words []string) verdict {
	program, args := words[0], words[1:]
	if pythonName.MatchString(path.Base(program)) && len(args) > 1 && args[0] == "-m" {
		if args[1] == "venv" {
			return venv(args[2:])
		}
		program, args = path.Join(path.Dir(program), args[1]), args[2:]
	}
	if !pipName.MatchString(path.Base(program)) {
		return verdict{}
	}
	p := pipOptions.parse(shortened(args))
	switch first(p.rest) {
	case "install":
		return pipInstall(program, p)
	case "wheel", "download":
		v := pipInstall(program, p)
		if v.kind == install && len(made(p)) == 0 {
			v.unknown = either(v.unknown, "it writes packages where it runs")
		}
		return v
	case "config", "cache":
		return verdict{kind: harmless}
	}
	if len(args) == 1 && (args[0] == "--version" || args[0] == "-V") {
		return verdict{kind: harmless}
	}
	return verdict{}
}

// shortened separates values that are written directly behind a short flag: -rrequirements.txt.
func shortened(args []string) []string {
	var out []string
	for _, a := range args {
		if len(a) > 2 && a[0] == '-' && strings.IndexByte("rcfteiw", a[1]) >= 0 {
			out = append(out, a[:2], a[2:])
			continue
		}
		out = append(out, a)
	}
	return out
}

// venv is the creation of a virtual environment.
func venv(args []string) verdict {
	p := options{switches: []string{"--system-site-packages", "--upgrade-deps", "--copies", "--symlinks", "--clear",
		"--without-pip"}}.parse(args)
	v := verdict{kind: install, manager: "venv", prepares: true, unknown: p.doubt()}
	v.read = func(r *reading) {
		for _, dir := range p.rest {
			r.writes(join(r.dir, dir))
		}
	}
	return v
}

// pythonManagers install what a project of Python depends on.
var pythonManagers = []string{"pip", "uv pip", "uv", "poetry", "pdm", "pipenv", "conda"}

func pipInstall(program string, p parsed) verdict {
	v := verdict{kind: install, manager: "pip", unknown: p.doubt()}
	if own := installsPath(p); own != "" {
		if p.has("--no-deps") && !p.has("-r", "--requirement") {
			return verdict{} // the sources, and nothing else
		}
		v.unknown, v.addsTo = either(v.unknown, own), pythonManagers
	}
	if v.unknown == "" && !p.has("-r", "--requirement", "-c", "--constraint", "-f", "--find-links") {
		if len(targets(p))+len(made(p)) == 0 && !strings.Contains(program, "/") {
			return verdict{kind: harmless}
		}
	}
	v.anywhere = everywhere(program, p)
	v.read = func(r *reading) {
		r.pipTargets(program, p)
		r.projects(p)
		r.requirements(p)
	}
	return v
}

// everywhere reports whether all the paths a command names are absolute.
func everywhere(program string, p parsed) bool {
	relative := func(name string) bool { return !path.IsAbs(name) && !strings.Contains(name, "://") }
	named := slices.Concat(p.given["-r"], p.given["--requirement"], p.given["-c"], p.given["--constraint"], targets(p))
	return len(named) > 0 && !slices.ContainsFunc(named, relative) &&
		(!strings.Contains(program, "/") || path.IsAbs(program))
}

// installsPath is why a command installs part of the sources, "" when it does not.
func installsPath(p parsed) string {
	if p.has("-e", "--editable") {
		return "it installs the project itself, which is part of the sources"
	}
	for _, name := range p.rest[1:] {
		if isPath(name) {
			return "it installs " + name + ", which is part of the sources"
		}
	}
	return ""
}

// either is the first text that is not empty.
func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// projects adds the manifests of the projects that are installed from the sources.
func (r *reading) projects(p parsed) {
	for _, name := range slices.Concat(p.rest[1:], p.given["-e"], p.given["--editable"]) {
		name, extras, _ := strings.Cut(name, "[")
		if !isPath(name) || path.IsAbs(name) || strings.HasPrefix(path.Join(r.dir, name), "..") {
			continue
		}
		r.optional(path.Join(r.dir, name), "pyproject.toml", "setup.py", "setup.cfg")
		if extras == "" && !p.has("-r", "--requirement") && len(p.rest)+len(p.given["-e"])+len(p.given["--editable"]) == 2 {
			r.withoutDependencies(path.Join(r.dir, name))
		}
	}
}

// withoutDependencies says that a project which is installed by itself brings no package along.
func (r *reading) withoutDependencies(dir string) {
	data, ok := r.peek(path.Join(dir, "pyproject.toml"))
	p := pyproject{reading: &reading{}, name: "pyproject.toml"}
	if !ok || !p.parseTOML(p.name, data, &p.all) || !p.has("project") {
		return
	}
	project := table(p.all, "project")
	if project["dependencies"] == nil && !slices.Contains(texts(project["dynamic"]), "dependencies") {
		r.idle = p.name + " depends on no package"
	}
}

func targets(p parsed) []string {
	return slices.Concat(p.given["-t"], p.given["--target"], p.given["--prefix"], p.given["--root"])
}

// made are the directories that "pip wheel" and "pip download" write packages to.
func made(p parsed) []string {
	return slices.Concat(p.given["-w"], p.given["--wheel-dir"], p.given["-d"], p.given["--dest"])
}

// pipTargets says where the packages go when that is not the interpreter's own directory.
func (r *reading) pipTargets(program string, p parsed) {
	for _, dir := range slices.Concat(targets(p), made(p), p.given["--log"]) {
		r.writes(join(r.dir, dir))
	}
	if strings.Contains(program, "/") {
		r.writes(join(r.dir, path.Dir(path.Dir(program)))) // .venv/bin/pip
	}
}
