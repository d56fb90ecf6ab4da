package ecosystem

import (
	"path"
	"regexp"
	"slices"
	"strings"
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
		"--proxy"},
}

var (
	pipName    = regexp.MustCompile(`^pip(\d(\.\d+)?)?$`)
	pythonName = regexp.MustCompile(`^python(\d(\.\d+)?)?$`)
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
		if len(a) > 2 && a[0] == '-' && strings.IndexByte("rcftei", a[1]) >= 0 {
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
	v := verdict{kind: install, manager: "venv", unknown: p.doubt()}
	v.read = func(r *reading) {
		for _, dir := range p.rest {
			r.writes(join(r.dir, dir))
		}
	}
	return v
}

func pipInstall(program string, p parsed) verdict {
	v := verdict{kind: install, manager: "pip", unknown: p.doubt()}
	v.unknown = either(v.unknown, installsPath(p))
	if v.unknown == "" && !p.has("-r", "--requirement", "-c", "--constraint", "-f", "--find-links") {
		if dirs := targets(p); len(dirs) == 0 && !strings.Contains(program, "/") {
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
		name, _, _ = strings.Cut(name, "[")
		if !isPath(name) || path.IsAbs(name) || strings.HasPrefix(path.Join(r.dir, name), "..") {
			continue
		}
		r.optional(path.Join(r.dir, name), "pyproject.toml", "setup.py", "setup.cfg")
	}
}

func targets(p parsed) []string {
	return slices.Concat(p.given["-t"], p.given["--target"], p.given["--prefix"], p.given["--root"])
}

// pipTargets says where the packages go when that is not the interpreter's own directory.
func (r *reading) pipTargets(program string, p parsed) {
	for _, dir := range targets(p) {
		r.writes(join(r.dir, dir))
	}
	if strings.Contains(program, "/") {
		r.writes(join(r.dir, path.Dir(path.Dir(program)))) // .venv/bin/pip
	}
}

// requirements reads the files that the command names, and those that they name.
func (r *reading) requirements(p parsed) {
	for _, link := range slices.Concat(p.given["-f"], p.given["--find-links"]) {
		if !strings.Contains(link, "://") {
			r.refuse("it looks for packages in %s", link)
		}
	}
	for _, file := range slices.Concat(p.given["-r"], p.given["--requirement"], p.given["-c"], p.given["--constraint"]) {
		r.requirement(r.dir, file)
	}
}

// requirement reads one requirements or constraints file. Once the answer is unknown nothing more is read: files that
// each name two others would be read twice as often at every step.
func (r *reading) requirement(dir, file string) {
	if r.unknown != "" || strings.Contains(file, "://") {
		return // fetched, not read from the repository
	}
	name, ok := r.within(dir, file)
	if !ok || r.inputs[name] {
		return
	}
	data, ok := r.content(name)
	if !ok {
		return
	}
	text := strings.ReplaceAll(strings.ReplaceAll(string(data), "\r\n", "\n"), "\\\n", "")
	for _, line := range strings.Split(text, "\n") {
		r.requirementLine(name, uncomment(line))
	}
}

// uncomment takes a comment off a line: "#" at its start or behind white space.
func uncomment(line string) string {
	if k := strings.Index(line, " #"); k >= 0 {
		line = line[:k]
	}
	line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
	if strings.HasPrefix(line, "#") {
		return ""
	}
	return line
}

// requirementLine reads one line; see https://pip.pypa.io/en/stable/reference/requirements-file-format/.
func (r *reading) requirementLine(name, line string) {
	if !strings.HasPrefix(line, "-") {
		requirement, _, _ := strings.Cut(line, ";")
		if isPath(strings.TrimSpace(requirement)) {
			r.refuse("%s names %s, which is part of the sources", name, line)
		}
		return
	}
	p := requirementOptions.parse(shortened(strings.Fields(line)))
	if p.unknown != "" || len(p.rest) > 0 || p.has("-e", "--editable") {
		r.refuse("%s has the line %q, which may name part of the sources", name, line)
		return
	}
	if link := p.value("-f", "--find-links"); link != "" && !strings.Contains(link, "://") {
		r.refuse("%s looks for packages in %s", name, link)
	}
	for _, file := range slices.Concat(p.given["-r"], p.given["--requirement"], p.given["-c"], p.given["--constraint"]) {
		r.requirement(path.Dir(name), file)
	}
}

var requirementOptions = options{
	switches: []string{"--no-index", "--pre", "--prefer-binary", "--require-hashes"},
	values: []string{"-r", "--requirement", "-c", "--constraint", "-i", "--index-url", "--extra-index-url",
		"--trusted-host",
		"--no-binary", "--only-binary", "--use-feature", "-f", "--find-links", "-e", "--editable"},
}

// isPath reports whether a requirement is a place in the file system rather than a name or an address.
func isPath(requirement string) bool {
	target := requirement
	if before, after, ok := strings.Cut(requirement, "@"); ok && !strings.Contains(before, "/") {
		target = strings.TrimSpace(after)
		if target == "" || !strings.Contains(target, "/") && !strings.HasPrefix(target, "file:") {
			return false
		}
	}
	if strings.HasPrefix(target, "file:") || strings.HasPrefix(target, ".") || strings.HasPrefix(target, "/") {
		return true
	}
	archive := strings.HasSuffix(target, ".whl") || strings.HasSuffix(target, ".tar.gz") ||
		strings.HasSuffix(target, ".zip")
	return !strings.Contains(target, "://") && (archive || strings.Contains(target, "/"))
}
