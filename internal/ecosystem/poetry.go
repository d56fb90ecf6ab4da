package ecosystem

import (
	"maps"
	"path"
	"slices"
	"strings"
)

var poetryOptions = options{
	switches: []string{"--no-root", "--no-dev", "--sync", "--no-interaction", "-n", "--no-ansi", "--ansi", "-q", "--quiet",
		"-v", "-vv", "-vvv", "--verbose", "--compile", "--all-extras", "--all-groups", "--no-cache", "--only-root",
		"--remove-untracked", "--no-plugins", "--default"},
	values: []string{"--only", "--without", "--with", "-E", "--extras", "-C", "--directory", "-P", "--project"},
}

// poetry knows the poetry command; see https://python-poetry.org/docs/cli/#install.
func poetry(words []string) verdict {
	words = asModule(words, "poetry")
	if path.Base(words[0]) != "poetry" {
		return verdict{}
	}
	o := poetryOptions
	o.switches = append(slices.Clone(o.switches), "--version", "-V")
	p := o.parse(words[1:])
	switch sub := first(p.rest); {
	case sub == "" && p.has("--version", "-V"), sub == "cache", sub == "about":
		return verdict{kind: harmless}
	case sub == "self" && len(p.rest) > 2 && p.rest[1] == "add":
		return tool(p.rest[2:])
	case sub == "config":
		return poetryConfig(p, words)
	case sub == "install", sub == "sync":
		return poetryInstall(p)
	case sub == "add", sub == "update":
		v := poetryInstall(p)
		v.unknown = "poetry " + sub + " changes poetry.lock, which a later copy of the sources would undo"
		return v
	}
	return verdict{}
}

// asModule takes "python -m" away before a program that can be run in that way.
func asModule(words []string, program string) []string {
	if pythonName.MatchString(path.Base(words[0])) && len(words) > 2 && words[1] == "-m" && words[2] == program {
		return words[2:]
	}
	return words
}

// poetryConfig is "poetry config", which writes the user's own settings.
func poetryConfig(p parsed, words []string) verdict {
	if p.unknown != "" || len(p.rest) < 2 || slices.Contains(words, "--local") {
		return verdict{}
	}
	if len(p.rest) != 3 {
		return verdict{kind: harmless}
	}
	name := "POETRY_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(p.rest[1]))
	return verdict{kind: harmless, sets: name + "=" + p.rest[2]}
}

func poetryInstall(p parsed) verdict {
	v := verdict{kind: install, manager: "poetry", addsTo: []string{"poetry"}, unknown: p.doubt(),
		dir: p.value("-C", "--directory", "-P", "--project")}
	if len(p.rest) > 1 {
		v.unknown = either(v.unknown, "its word "+p.rest[1]+" is not known")
	}
	if p.has("--only-root") {
		v.unknown = "it installs the project itself, which is part of the sources"
	}
	v.read = func(r *reading) {
		project, ok := r.pyproject(r.dir)
		r.optional(r.dir, "poetry.lock", "poetry.toml")
		r.poetryEnvironment()
		if !ok {
			return
		}
		r.poetryProject(project)
		if packaged, ok := project.flag("tool.poetry", "package-mode"); !p.has("--no-root") && (packaged || !ok) {
			r.refuse("poetry install without --no-root installs the project itself, which is part of the sources; with " +
				"--no-root before the copy and without it behind it, the dependencies stay cached")
		}
	}
	return v
}

// poetryProject refuses what a project makes poetry read besides its manifest; see
// https://python-poetry.org/docs/pyproject/.
func (r *reading) poetryProject(p pyproject) {
	poetry := table(p.all, "tool.poetry")
	for _, set := range []string{"dependencies", "dev-dependencies"} {
		p.places(poetry[set], "path", "file")
	}
	for _, group := range slices.Sorted(maps.Keys(table(poetry, "group"))) {
		p.places(table(poetry, "group."+group)["dependencies"], "path", "file")
	}
	p.places(poetry["source"])
	p.requirements()
	if poetry["requires-plugins"] != nil {
		p.refuse("%s asks for plugins of poetry, which may read the sources", p.name)
	}
	plugins := []string{"poetry-dynamic-versioning", "poetry-monorepo-dependency-plugin", "poetry-version-plugin"}
	for _, plugin := range plugins {
		if p.has("tool." + plugin) {
			p.refuse("%s sets up the plugin %s, which reads more than manifests", p.name, plugin)
		}
	}
}

// poetryEnvironment says where poetry installs; see https://python-poetry.org/docs/configuration/. An environment in the
// project is used, too, when one is there already.
func (r *reading) poetryEnvironment() {
	create := strings.ToLower(r.variable("POETRY_VIRTUALENVS_CREATE"))
	inProject := r.truthy("POETRY_VIRTUALENVS_IN_PROJECT")
	if name := path.Join(r.dir, "poetry.toml"); r.exists(name) {
		var settings map[string]any
		if !r.toml(name, &settings) {
			return
		}
		for _, key := range slices.Sorted(maps.Keys(settings)) {
			if key != "virtualenvs" && key != "installer" && key != "repositories" && key != "requests" && key != "solver" {
				r.refuse("%s sets %s, which may name other files", name, key)
			}
		}
		if table(settings, "virtualenvs")["path"] != nil {
			r.refuse("%s says where environments are made", name)
		}
		in, ok := table(settings, "virtualenvs")["in-project"].(bool)
		inProject = inProject || ok && in
	}
	if at := r.variable("POETRY_VIRTUALENVS_PATH"); at != "" {
		r.writes(join(r.dir, strings.ReplaceAll(at, "{project-dir}", ".")))
	}
	if at := r.variable("POETRY_CACHE_DIR"); at != "" {
		r.writes(join(r.dir, at))
	}
	if venv := path.Join(r.dir, ".venv"); inProject && create != "false" && create != "0" || r.there(venv) {
		r.writes(venv)
	}
}
