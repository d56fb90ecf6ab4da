package ecosystem

import (
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lighterman/lighterman/internal/pattern"
)

var condaOptions = options{
	switches: []string{"-y", "--yes", "-q", "--quiet", "-v", "--verbose", "--prune", "--force", "--override-channels",
		"--no-deps", "--freeze-installed", "--update-deps", "--only-deps", "--copy", "--no-default-packages",
		"--strict-channel-priority", "--no-channel-priority", "-S", "--satisfied-skip-solve", "--download-only", "--all",
		"--use-local-cache", "--no-pyc", "--always-softlink", "--no-rc"},
	values: []string{"-f", "--file", "-n", "--name", "-p", "--prefix", "-c", "--channel", "--solver", "--platform",
		"--subdir", "--experimental-solver", "-r", "--root-prefix"},
}

// conda knows the conda, mamba and micromamba commands; see
// https://docs.conda.io/projects/conda/en/stable/commands/env/create.html.
func conda(words []string) verdict {
	if !slices.Contains([]string{"conda", "mamba", "micromamba"}, path.Base(words[0])) {
		return verdict{}
	}
	o := condaOptions
	o.switches = append(slices.Clone(o.switches), "--version", "-V")
	p := o.parse(words[1:])
	sub := first(p.rest)
	if sub == "env" && len(p.rest) > 1 {
		p.rest = p.rest[1:]
		sub = "env " + p.rest[0]
	}
	switch sub {
	case "clean", "config", "init", "info", "list":
		return verdict{kind: harmless}
	case "env create", "env update", "create", "install", "update":
		return condaInstall(sub, p)
	}
	if sub == "" && p.has("--version", "-V") {
		return verdict{kind: harmless}
	}
	return verdict{}
}

func condaInstall(sub string, p parsed) verdict {
	v := verdict{kind: install, manager: "conda", unknown: p.doubt()}
	files := slices.Concat(p.given["-f"], p.given["--file"])
	if strings.HasPrefix(sub, "env ") && len(files) == 0 {
		files = []string{"environment.yml"}
	}
	for _, spec := range slices.Concat(p.rest[1:], p.given["-c"], p.given["--channel"]) {
		if condaPlace(spec) {
			v.unknown = either(v.unknown, "it takes packages from "+spec)
		}
	}
	prefixes := slices.Concat(p.given["-p"], p.given["--prefix"])
	if v.unknown == "" && len(files)+len(prefixes) == 0 {
		return verdict{kind: harmless}
	}
	v.anywhere = len(prefixes) == 0 && !slices.ContainsFunc(files, func(f string) bool { return !path.IsAbs(f) })
	v.read = func(r *reading) {
		for _, dir := range prefixes {
			r.writes(join(r.dir, dir))
		}
		for _, file := range files {
			r.condaFile(file)
		}
	}
	return v
}

// condaPlace reports whether a package or a channel is a place in the file system.
func condaPlace(spec string) bool {
	return strings.Contains(spec, "file:") || spec == "local" ||
		spec != "" && strings.ContainsRune("./~$", rune(spec[0])) ||
		!strings.Contains(spec, "://") && (strings.HasSuffix(spec, ".conda") || strings.HasSuffix(spec, ".tar.bz2"))
}

// condaFile reads the description of an environment, or a list of packages.
func (r *reading) condaFile(file string) {
	if strings.Contains(file, "://") {
		return
	}
	name, ok := r.within(r.dir, file)
	if !ok {
		return
	}
	data, ok := r.content(name)
	if !ok {
		return
	}
	if ext := path.Ext(name); ext == ".yml" || ext == ".yaml" {
		r.condaEnvironment(name, data)
		return
	}
	for _, line := range requirementLines(string(data)) {
		if line != "" && !condaSpec.MatchString(line) || condaPlace(line) {
			r.refuse("%s has the line %q, which may name part of the sources", name, line)
		}
	}
}

// condaSpec matches a package in a list: by name, with a version and a build, or by address.
var condaSpec = pattern.New(`^(@EXPLICIT|https?://\S+|` +
	`([\w.-]+(/[\w.-]+)?::)?[A-Za-z0-9_][\w.-]*[\w .=<>!~,|*\[\]'"+-]*)$`)

// An environment is what is read of an environment.yml; see
// https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html.
type environment struct {
	Channels     []string             `yaml:"channels"`
	Dependencies []yaml.Node          `yaml:"dependencies"`
	Name         string               `yaml:"name"`
	Variables    map[string]any       `yaml:"variables"`
	Other        map[string]yaml.Node `yaml:",inline"`
}

// condaEnvironment reads an environment.yml. Its lists for pip follow pip's rules.
func (r *reading) condaEnvironment(name string, data []byte) {
	var e environment
	if err := yaml.Load(data, &e); err != nil {
		r.refuse("%s cannot be read: %v", name, err)
		return
	}
	for _, key := range slices.Sorted(maps.Keys(e.Other)) {
		if key == "prefix" {
			continue // where the environment was exported from
		}
		r.refuse("%s sets %s, which may name other files", name, key)
	}
	for _, channel := range e.Channels {
		if condaPlace(channel) {
			r.refuse("%s takes packages from %s", name, channel)
		}
	}
	for _, node := range e.Dependencies {
		var spec string
		var other map[string][]string
		switch {
		case node.Load(&spec) == nil:
			if condaPlace(spec) || !condaSpec.MatchString(spec) {
				r.refuse("%s depends on %s, which may be part of the sources", name, spec)
			}
		case node.Load(&other) == nil && len(other) == 1 && other["pip"] != nil:
			for _, line := range other["pip"] {
				r.requirementLine(name, line)
			}
		default:
			r.refuse("%s has dependencies of a kind that is not known", name)
		}
	}
}
