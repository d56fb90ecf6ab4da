package ecosystem

import (
	"maps"
	"path"
	"slices"
	"strings"
)

var pdmOptions = options{
	switches: []string{"--prod", "--production", "--no-self", "--no-editable", "--check", "--no-lock", "--frozen-lockfile",
		"--no-default", "--dev", "-d", "-q", "--quiet", "-v", "-vv", "--verbose", "--no-isolation", "--fail-fast", "-x",
		"--reinstall", "--only-keep", "--clean", "--no-cache", "--non-interactive", "-n"},
	values: []string{"-G", "--group", "--with", "--without", "-p", "--project", "--python"},
}

// pdm knows the pdm command; see https://pdm-project.org/latest/reference/cli/#install.
func pdm(words []string) verdict {
	words = asModule(words, "pdm")
	if path.Base(words[0]) != "pdm" {
		return verdict{}
	}
	o := pdmOptions
	o.switches = append(slices.Clone(o.switches), "--version", "-V")
	p := o.parse(words[1:])
	switch sub := first(p.rest); {
	case sub == "" && p.has("--version", "-V"), sub == "cache":
		return verdict{kind: harmless}
	case sub == "config" && len(p.rest) == 3 && p.unknown == "":
		name := "PDM_" + strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(p.rest[1], "python."), ".", "_"))
		return verdict{kind: harmless, sets: name + "=" + p.rest[2]}
	case sub == "install", sub == "sync":
		return pdmInstall(p)
	case sub == "add", sub == "update", sub == "lock":
		v := pdmInstall(p)
		v.unknown = "pdm " + sub + " changes pdm.lock, which a later copy of the sources would undo"
		return v
	}
	return verdict{}
}

func pdmInstall(p parsed) verdict {
	v := verdict{kind: install, manager: "pdm", addsTo: []string{"pdm"}, unknown: p.doubt(),
		dir: p.value("-p", "--project")}
	if len(p.rest) > 1 {
		v.unknown = either(v.unknown, "its word "+p.rest[1]+" is not known")
	}
	v.read = func(r *reading) {
		project, ok := r.pyproject(r.dir)
		r.optional(r.dir, "pdm.lock", "pdm.toml")
		r.writes(path.Join(r.dir, ".pdm-python"))
		r.pdmSettings()
		use, packages := strings.ToLower(r.variable("PDM_USE_VENV")), path.Join(r.dir, "__pypackages__")
		if use == "false" || use == "0" || r.there(packages) {
			r.writes(packages)
		} else {
			r.writes(path.Join(r.dir, ".venv"))
		}
		if ok {
			r.pdmProject(project, p)
		}
	}
	return v
}

// pdmSettings reads pdm.toml, the settings of pdm for one project.
func (r *reading) pdmSettings() {
	name := path.Join(r.dir, "pdm.toml")
	var settings map[string]any
	if !r.exists(name) || !r.toml(name, &settings) {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		if !slices.Contains([]string{"check_update", "install", "strategy", "use_uv"}, key) {
			r.refuse("%s sets %s, which may name other files", name, key)
		}
	}
}

// pdmTame are the settings of a project that name no file, or one that is looked at; see
// https://pdm-project.org/latest/reference/pep621/.
var pdmTame = []string{"distribution", "dev-dependencies", "source", "resolution", "scripts", "build", "version",
	"publish", "ignore_package_warnings", "plugins", "package-type"}

// pdmProject refuses what a project makes pdm read besides its manifest.
func (r *reading) pdmProject(p pyproject, given parsed) {
	p.requirements()
	settings := table(p.all, "tool.pdm")
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		if !slices.Contains(pdmTame, key) {
			p.refuse("%s sets %s, which may name other files", p.name, key)
		}
	}
	for _, group := range slices.Sorted(maps.Keys(table(settings, "dev-dependencies"))) {
		for _, requirement := range texts(table(settings, "dev-dependencies")[group]) {
			p.requirement(requirement)
		}
	}
	for _, source := range tables(settings["source"]) {
		address, _ := source["url"].(string)
		p.remote(p.name, address)
	}
	for _, event := range []string{"pre_install", "post_install", "pre_lock", "post_lock"} {
		if table(settings, "scripts")[event] != nil {
			p.refuse("the install runs the %s script of %s, which may read the sources", event, p.name)
		}
	}
	if why := p.computed("dependencies", "optional-dependencies"); why != "" {
		p.refuse("%s", why)
	}
	if packaged, said := p.flag("tool.pdm", "distribution"); !given.has("--no-self") && (packaged || !said) {
		p.refuse("pdm install without --no-self installs the project itself, which is part of the sources; with --no-self " +
			"before the copy and without it behind it, the dependencies stay cached")
	}
}
