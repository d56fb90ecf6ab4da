package ecosystem

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// uvOptions are flags of "uv sync" and of "uv pip install"; see https://docs.astral.sh/uv/reference/cli/.
var uvOptions = options{
	switches: []string{"--locked", "--frozen", "--no-dev", "--dev", "--only-dev", "--no-install-project",
		"--no-install-workspace", "--no-install-local", "--no-editable", "--all-extras", "--all-groups",
		"--no-default-groups", "--compile-bytecode", "--no-cache", "-n", "--no-cache-dir", "--quiet", "-q", "-qq",
		"--verbose", "-v", "-vv", "--no-progress", "--no-python-downloads", "--inexact", "--exact", "--all-packages",
		"--no-build", "--native-tls", "--system-certs", "--offline", "--no-managed-python", "--managed-python", "--active",
		"--system", "--break-system-packages", "--upgrade", "-U", "--no-deps", "--require-hashes", "--strict",
		"--reinstall", "--force-reinstall", "--prerelease-allow", "--pre", "--no-binary", "--no-build-isolation",
		"--no-index", "--no-compile-bytecode", "--no-sources", "--refresh"},
	values: []string{"--extra", "--group", "--no-group", "--only-group", "--python", "-p", "--link-mode", "--index-url",
		"-i", "--default-index", "--index", "--extra-index-url", "--python-preference", "--package",
		"--no-install-package", "--directory", "--project", "--cache-dir", "--resolution", "--color", "--index-strategy",
		"--keyring-provider", "--prerelease", "--python-version", "--python-platform", "--no-binary-package",
		"--no-build-package", "--only-binary", "--upgrade-package", "-P", "--reinstall-package", "--refresh-package",
		"--torch-backend", "--exclude-newer", "-r", "--requirement", "--requirements", "-c", "--constraint",
		"--constraints", "--target", "-t", "--prefix", "-e", "--editable", "-f", "--find-links", "--allow-insecure-host",
		"--trusted-host"},
}

// uv knows the uv command.
func uv(words []string) verdict {
	words = asModule(words, "uv")
	if path.Base(words[0]) != "uv" {
		return verdict{}
	}
	o := uvOptions
	o.switches = append(slices.Clone(o.switches), "--version", "-V", "--seed", "--clear", "--allow-existing",
		"--system-site-packages", "--relocatable", "--default")
	o.values = append(slices.Clone(o.values), "--prompt", "--with", "-w", "--mirror")
	p := o.parse(shortened(words[1:]))
	switch sub := first(p.rest); {
	case sub == "" && p.has("--version", "-V"), sub == "cache":
		return verdict{kind: harmless}
	case sub == "tool" && len(p.rest) > 2 && p.rest[1] == "install" && !p.has("-r", "--with", "-e", "--editable", "-w"):
		return tool(p.rest[2:])
	case sub == "python" && len(p.rest) > 2 && p.rest[1] == "install":
		return tool(p.rest[2:])
	case sub == "venv":
		return uvEnvironment(p)
	case sub == "sync":
		return uvSync(p)
	case sub == "pip" && len(p.rest) > 1:
		return uvPip(p)
	case sub == "add", sub == "remove", sub == "lock":
		v := uvSync(p)
		v.unknown = "uv " + sub + " changes uv.lock, which a later copy of the sources would undo"
		return v
	}
	return verdict{}
}

// uvEnvironment is the making of a virtual environment, for which uv looks at .python-version and at the project.
func uvEnvironment(p parsed) verdict {
	v := verdict{kind: install, manager: "uv venv", prepares: true, unknown: p.doubt(), dir: p.value("--directory")}
	v.read = func(r *reading) {
		at := ".venv"
		if len(p.rest) > 1 {
			at = p.rest[1]
		}
		r.writes(join(r.dir, at))
		r.pythonVersion()
		r.uvSettings()
		if name := r.upward(r.dir, "pyproject.toml"); name != "" {
			r.add(name)
		}
	}
	return v
}

// pythonVersion adds the file that says which Python is meant.
func (r *reading) pythonVersion() {
	for _, name := range []string{".python-version", ".python-versions"} {
		if found := r.upward(r.dir, name); found != "" {
			r.add(found)
		}
	}
}

func uvSync(p parsed) verdict {
	v := verdict{kind: install, manager: "uv", addsTo: []string{"uv"}, unknown: p.doubt(),
		dir: p.value("--directory", "--project")}
	v.unknown = either(v.unknown, p.indexes())
	if len(p.rest) > 1 {
		v.unknown = either(v.unknown, "its word "+p.rest[1]+" is not known")
	}
	v.read = func(r *reading) {
		r.outsideWorkspace()
		project, ok := r.pyproject(r.dir)
		r.optional(r.dir, "uv.lock")
		r.pythonVersion()
		r.uvSettings()
		if at := r.variable("UV_PROJECT_ENVIRONMENT"); at != "" {
			r.writes(join(r.dir, at))
		} else if !p.has("--active") {
			r.writes(path.Join(r.dir, ".venv"))
		}
		if ok {
			r.uvProject(project, p)
		}
	}
	return v
}

// outsideWorkspace refuses a directory above which a workspace may stand.
func (r *reading) outsideWorkspace() {
	for dir := r.dir; dir != "."; {
		dir = path.Dir(dir)
		name := path.Join(dir, "pyproject.toml")
		if data, ok := r.peek(name); ok && strings.Contains(string(data), "workspace") {
			r.refuse("%s above it may make it part of a workspace", name)
		}
		if r.exists(path.Join(dir, "uv.toml")) {
			r.refuse("the install reads %s above it as well", path.Join(dir, "uv.toml"))
		}
	}
}

// uvProject refuses what a project makes uv read besides its manifest, and adds the manifests of its workspace.
func (r *reading) uvProject(root pyproject, p parsed) {
	all := p.has("--no-install-workspace", "--no-install-local")
	r.uvMember(root, p, all || p.has("--no-install-project", "--only-group", "--only-dev"))
	workspace := table(root.all, "tool.uv.workspace")
	for _, dir := range r.uvMembers(root, workspace) {
		if member, ok := r.pyproject(dir); ok {
			r.uvMember(member, p, all)
		}
	}
}

// uvMember looks at one project. left is set when the command leaves it out.
func (r *reading) uvMember(m pyproject, p parsed, left bool) {
	m.requirements()
	r.uvTable(m.name, table(m.all, "tool.uv"))
	if why := m.computed("dependencies", "optional-dependencies", "version"); why != "" && !p.has("--frozen") {
		r.refuse("%s; uv sync --frozen does not look", why)
	}
	if packaged, said := m.flag("tool.uv", "package"); !left && (packaged || !said && m.has("build-system")) {
		flag, what := "--no-install-project", "the project itself"
		if path.Dir(m.name) != r.dir {
			flag, what = "--no-install-workspace", path.Dir(m.name)
		}
		r.refuse("uv sync without %s installs %s, which is part of the sources", flag, what)
	}
}

// uvMembers are the directories of a workspace; see https://docs.astral.sh/uv/concepts/projects/workspaces/.
func (r *reading) uvMembers(root pyproject, workspace map[string]any) []string {
	var out []string
	for _, pattern := range texts(workspace["members"]) {
		if strings.ContainsAny(pattern, `{}[]\`) || strings.Contains(pattern, "**") || !fs.ValidPath(path.Clean(pattern)) {
			r.refuse("the workspace pattern %s is not known", pattern)
			continue
		}
		found, err := fs.Glob(r.context, path.Join(r.dir, path.Clean(pattern)))
		if err != nil {
			r.refuse("the workspace pattern %s is not known", pattern)
		}
		for _, dir := range found {
			if r.exists(path.Join(dir, "pyproject.toml")) && dir != r.dir {
				out = append(out, dir)
			}
		}
	}
	if workspace["exclude"] != nil {
		r.refuse("%s excludes members of its workspace", root.name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// uvSettings reads uv.toml, which stands in for the tables of pyproject.toml.
func (r *reading) uvSettings() {
	name := path.Join(r.dir, "uv.toml")
	var settings map[string]any
	if r.exists(name) && r.toml(name, &settings) {
		r.uvTable(name, settings)
	}
}

// uvTame are uv's settings that name no file; see https://docs.astral.sh/uv/reference/settings/. Those that do are
// looked at in uvTable.
var uvTame = strings.Fields(`package managed default-groups environments required-environments required-version
	python-downloads python-preference compile-bytecode link-mode resolution prerelease conflicts cache-keys exclude-newer
	exclude-newer-package index-strategy keyring-provider native-tls system-certs no-binary no-binary-package no-build
	no-build-package no-build-isolation-package dependency-metadata build-backend dependency-groups fork-strategy
	concurrent-builds concurrent-downloads concurrent-installs offline preview no-cache allow-insecure-host
	extra-build-dependencies extra-build-variables reinstall reinstall-package upgrade upgrade-package torch-backend
	python-install-mirror pypy-install-mirror add-bounds trusted-publishing publish-url check-url no-index workspace
	system break-system-packages extra all-extras no-deps strict universal python-version python-platform generate-hashes
	only-binary`)

// uvTable refuses the settings that name places in the file system.
func (r *reading) uvTable(name string, settings map[string]any) {
	p := pyproject{reading: r, name: name}
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		switch v := settings[key]; {
		case slices.Contains(uvTame, key):
		case key == "sources":
			p.places(v, "path")
		case key == "dev-dependencies", strings.HasSuffix(key, "constraint-dependencies"), key == "override-dependencies",
			key == "exclude-dependencies":
			for _, requirement := range texts(v) {
				p.requirement(requirement)
			}
		case key == "index":
			for _, index := range tables(v) {
				address, _ := index["url"].(string)
				r.remote(name, address)
			}
		case key == "index-url", key == "extra-index-url", key == "find-links":
			for _, address := range append(texts(v), texts([]any{v})...) {
				r.remote(name, address)
			}
		case key == "pip":
			pip, _ := v.(map[string]any)
			r.uvTable(name, pip)
		default:
			r.refuse("%s sets %s, which may name other files", name, key)
		}
	}
}

// tables are the tables of a decoded list of tables.
func tables(v any) []map[string]any {
	if list, ok := v.([]map[string]any); ok {
		return list
	}
	var out []map[string]any
	list, _ := v.([]any)
	for _, item := range list {
		if t, ok := item.(map[string]any); ok {
			out = append(out, t)
		}
	}
	return out
}

// uvPip is "uv pip", which reads what pip reads; a manifest can stand for a list of requirements as well.
func uvPip(p parsed) verdict {
	v := verdict{kind: install, manager: "uv pip", dir: p.value("--directory", "--project"), unknown: p.doubt()}
	v.unknown = either(v.unknown, p.indexes())
	p.rest = p.rest[1:]
	lists := slices.Concat(p.given["-r"], p.given["--requirement"], p.given["--requirements"])
	switch p.rest[0] {
	case "install":
		own := installsPath(p)
		if own != "" && p.has("--no-deps") && len(lists) == 0 {
			return verdict{} // the sources, and nothing else
		}
		if v.unknown = either(v.unknown, own); own != "" {
			v.addsTo = pythonManagers
		}
	case "sync":
		lists = append(lists, p.rest[1:]...)
	case "list", "show", "check":
		return verdict{kind: harmless}
	default:
		return verdict{}
	}
	constraints := slices.Concat(p.given["-c"], p.given["--constraint"], p.given["--constraints"])
	named := v.unknown == "" && len(lists)+len(constraints) == 0
	if named && p.has("--system") && len(targets(p)) == 0 {
		return verdict{kind: harmless}
	}
	v.read = func(r *reading) {
		if p.rest[0] == "install" {
			r.projects(p)
		}
		if r.uvTarget(p); named {
			return
		}
		r.uvSettings()
		r.uvProjectSettings()
		r.pythonVersion()
		for _, list := range lists {
			r.uvList(list, p)
		}
		for _, list := range constraints {
			r.requirement(r.dir, list)
		}
	}
	return v
}

// uvTarget says where "uv pip" installs: into the environment that is active or stands in the directory.
func (r *reading) uvTarget(p parsed) {
	venv := r.variable("VIRTUAL_ENV")
	switch dirs := targets(p); {
	case len(dirs) > 0:
		for _, dir := range dirs {
			r.writes(join(r.dir, dir))
		}
	case p.has("--system"), r.truthy("UV_SYSTEM_PYTHON"):
	case p.has("--python", "-p"):
		if python := p.value("--python", "-p"); strings.Contains(python, "/") {
			r.writes(join(r.dir, strings.TrimSuffix(strings.TrimSuffix(python, path.Base(python)), "bin/")))
		}
	case venv != "":
		r.writes(join(r.dir, venv))
	default:
		r.writes(path.Join(r.dir, ".venv"))
	}
}

// uvProjectSettings looks at the settings in a pyproject.toml beside or above, which "uv pip" follows too.
func (r *reading) uvProjectSettings() {
	name := r.upward(r.dir, "pyproject.toml")
	if name == "" {
		return
	}
	data, ok := r.peek(name)
	if !ok || !strings.Contains(string(data), "uv") {
		return
	}
	if project, ok := r.pyproject(path.Dir(name)); ok && project.has("tool.uv") {
		r.uvTable(name, table(project.all, "tool.uv"))
	} else {
		delete(r.inputs, name)
	}
}

// uvList reads a list of requirements, or the dependencies of a manifest.
func (r *reading) uvList(file string, p parsed) {
	switch path.Base(file) {
	case "pyproject.toml":
		name, ok := r.within(r.dir, file)
		if !ok {
			return
		}
		project, ok := r.pyproject(path.Dir(name))
		if !ok {
			return
		}
		project.requirements()
		r.uvTable(name, table(project.all, "tool.uv"))
		if why := project.computed("dependencies", "optional-dependencies"); why != "" {
			r.refuse("%s", why)
		}
		if !project.has("project") {
			r.refuse("%s has no table of the project, so its dependencies are left to a program that reads the sources", name)
		}
	case "setup.py", "setup.cfg":
		r.refuse("what %s depends on is known to a program that reads the sources", file)
	default:
		r.requirement(r.dir, file)
	}
}
