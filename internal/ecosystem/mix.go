package ecosystem

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

var mixOptions = options{
	switches: []string{"--force", "--no-archives-check", "--no-deps-check", "--all", "--no-compile", "--check-locked",
		"--skip-umbrella-children", "--skip-local-deps", "--if-missing", "--no-lock", "--include-children"},
	values: []string{"--only", "--sha512"},
}

// mix knows the mix command; see https://hexdocs.pm/mix/Mix.Tasks.Deps.Get.html. It takes tasks joined by "do", too.
func mix(words []string) verdict {
	if path.Base(words[0]) != "mix" {
		return verdict{}
	}
	if len(words) > 1 && words[1] == "do" {
		return mixDo(words[2:])
	}
	return mixTask(words[1:])
}

// mixDo is several tasks in one command: "mix do deps.get, deps.compile".
func mixDo(words []string) verdict {
	out, task := verdict{kind: harmless}, []string{}
	var reads []func(*reading)
	finish := func() bool {
		v := mixTask(task)
		task = nil
		if v.kind == install {
			out.kind, out.manager, out.unknown = install, v.manager, either(out.unknown, v.unknown)
			reads = append(reads, v.read)
		}
		return v.kind != other
	}
	for _, w := range words {
		before, ends := strings.CutSuffix(w, ",")
		if ends = ends || w == "+"; w != "+" {
			task = append(task, before)
		}
		if ends && !finish() {
			return verdict{}
		}
	}
	if len(task) == 0 || !finish() {
		return verdict{}
	}
	out.read = func(r *reading) {
		for _, read := range reads {
			read(r)
		}
	}
	return out
}

// mixTask is one task with its options.
func mixTask(words []string) verdict {
	p := mixOptions.parse(words)
	switch first(p.rest) {
	case "local.hex", "local.rebar", "hex.info", "help":
		return verdict{kind: harmless}
	case "deps.get", "deps.compile", "deps":
		return mixDeps(first(p.rest), p)
	case "deps.update", "deps.unlock":
		v := mixDeps(first(p.rest), p)
		v.unknown = "mix " + p.rest[0] + " changes mix.lock, which a later copy of the sources would undo"
		return v
	}
	return verdict{}
}

func mixDeps(task string, p parsed) verdict {
	v := verdict{kind: install, manager: "mix", unknown: p.doubt()}
	v.read = func(r *reading) {
		r.optional(r.dir, "mix.lock")
		r.writes(path.Join(r.dir, "deps"), path.Join(r.dir, "_build"))
		for _, home := range []string{r.variable("MIX_HOME"), r.variable("HEX_HOME")} {
			if home != "" {
				r.writes(join(r.dir, home))
			}
		}
		m := mixfile{reading: r, task: task}
		m.project(r.dir, false)
		m.settings(path.Join(r.dir, "config"))
		if m.umbrella && task == "deps.compile" && !p.has("--skip-umbrella-children", "--skip-local-deps") {
			r.refuse("mix deps.compile without --skip-umbrella-children compiles the apps of the umbrella")
		}
	}
	return v
}

// A mixfile is the reading of a mix.exs, a program of which only what declares a project is known.
type mixfile struct {
	*reading
	task     string
	umbrella bool
}

var (
	// elixirComment matches a comment on a line on which no text has begun.
	elixirComment = pattern.New(`(?m)^([^"'~#\n]*)#[^\n]*$`)
	// elixirCall matches a call of a module's function, a module, and a capture of either.
	elixirCall = pattern.New(`(^|[^\w.@:])([A-Z]\w*(?:\.[A-Z]\w*)*)(?:\.([a-z_]\w*[?!]?))?`)
	// elixirOdd matches what is not needed to declare a project: modules of Erlang, calls of what a variable holds, code
	// that makes code.
	elixirOdd = pattern.New(`(^|[^\w:]):["']?[\w.]+["']?\.[a-z"']|` +
		`(^|[^\w.@)\]])[a-z_]\w*\.[a-z_]\w*[?!]?\s*\(|\.\(|` +
		`\b(apply|spawn\w*|quote|unquote\w*|eval\w*|import|require|alias|defmacro\w*|__DIR__|__ENV__|to_atom|` +
		`to_existing_atom|` +
		`binary_to_term|defdelegate)\b|\\[xu]`)
	elixirUse = pattern.New(`\buse\s+([\w.]+)`)
	// mixPlaces are the keys of a project and of its dependencies that name places.
	mixPlaces = pattern.New(`\b(path|in_umbrella|apps_path|config_path|lockfile|deps_path|build_path|elixirc_paths|` +
		`erlc_paths|archives|compilers|aliases|apps|manager|compile|system_env)(?::\s|["']?\s*=>)\s*([^,\n\]}]*)`)
	// mixAtoms matches them written as atoms: {:path, "lib"}.
	mixAtoms = pattern.New(`:["']?(path|in_umbrella|apps_path|config_path|lockfile|deps_path|build_path)\b|` +
		`~[wW][^\w\s][\w\s]*\b(path|in_umbrella|apps_path|config_path|lockfile|deps_path|build_path)\b`)
	mixReads = pattern.New(`File\.read!?\(\s*"([\w./-]+)"\s*\)`)
)

// elixirModules are the modules of Elixir that a program may use in full, and the functions of others that it may.
var (
	elixirModules = strings.Fields("String Enum Keyword Map List Version Regex Integer Atom Date DateTime Tuple MapSet Float")
	elixirCalls   = strings.Fields("Mix.env Mix.target System.get_env System.fetch_env! System.version System.otp_release " +
		"Mix.Project Mix.Project.build_path Mix.Project.deps_path Mix.compilers Mix.Config Config")
	// elixirWary are modules of Elixir with functions that do more.
	elixirWary = strings.Fields("Mix System File Code Path Port IO Module Kernel Node Process Task Agent Application EEx " +
		"Function GenServer Config URI Macro Protocol Supervisor Stream StringIO Registry ExUnit IEx Hex")
)

// elixirText is a program without its comments. Where texts go over several lines, a "#" may stand in one: all is kept.
func elixirText(data []byte) string {
	if strings.Contains(string(data), `"""`) || strings.Contains(string(data), "'''") {
		return string(data)
	}
	return elixirComment.ReplaceAllString(string(data), "$1")
}

// project reads the mix.exs of a directory.
func (m *mixfile) project(dir string, child bool) {
	name := path.Join(dir, "mix.exs")
	data, ok := m.content(name)
	if !ok {
		return
	}
	text := elixirText(data)
	text = mixReads.ReplaceAllStringFunc(text, func(call string) string {
		if file, ok := m.within(m.dir, mixReads.FindStringSubmatch(call)[1]); ok {
			m.required(file)
		}
		return `""`
	})
	m.program(name, text)
	if atom := mixAtoms.FindString(text); atom != "" {
		m.refuse("%s has the setting %s, which may name part of the sources", name, atom)
	}
	apps := ""
	for _, found := range mixPlaces.FindAllStringSubmatch(text, -1) {
		if key, value := found[1], strings.TrimSpace(found[2]); key == "apps_path" {
			apps = strings.Trim(value, `"`)
		} else if !m.place(key, value, child) {
			m.refuse("%s has the setting %s: %s, which may name part of the sources", name, key, value)
		}
	}
	if apps != "" && !child {
		m.apps(name, apps)
	}
}

// place reports whether a key of a project names nothing of the sources that fetching and compiling the dependencies
// look at.
func (m *mixfile) place(key, value string, child bool) bool {
	switch key {
	case "elixirc_paths", "erlc_paths", "aliases", "compilers", "archives":
		return true // what compiles the project itself
	case "in_umbrella", "compile", "manager", "system_env":
		return key != "in_umbrella" && key != "compile" || key == "in_umbrella" && child || value == "false"
	case "config_path", "lockfile", "deps_path", "build_path":
		return child && strings.HasPrefix(value, `"../../`) && !strings.Contains(value[7:], "..")
	}
	return false
}

// apps reads the projects of an umbrella; see https://hexdocs.pm/elixir/dependencies-and-umbrella-projects.html.
func (m *mixfile) apps(name, dir string) {
	m.umbrella = true
	at, ok := m.within(path.Dir(name), dir)
	if !ok || strings.ContainsAny(dir, `*?[\`) {
		m.refuse("%s keeps its apps in %s", name, dir)
		return
	}
	found, err := fs.Glob(m.context, path.Join(at, "*", "mix.exs"))
	if err != nil || len(found) == 0 {
		m.refuse("%s keeps its apps in %s, where there are none", name, dir)
	}
	for _, app := range found {
		m.project(path.Dir(app), true)
	}
}

// program refuses what a program does besides declaring things.
func (m *mixfile) program(name, text string) {
	if odd := elixirOdd.FindString(text); odd != "" {
		m.refuse("%s holds Elixir code that may read other files: %s", name, strings.TrimSpace(odd))
	}
	for _, use := range elixirUse.FindAllStringSubmatch(text, -1) {
		if use[1] != "Mix.Project" && use[1] != "Mix.Config" {
			m.refuse("%s uses %s, which may read other files", name, use[1])
		}
	}
	for _, call := range elixirCall.FindAllStringSubmatch(text, -1) {
		module, function := call[2], call[3]
		full := strings.TrimSuffix(module+"."+function, ".")
		top, _, _ := strings.Cut(module, ".")
		switch {
		case slices.Contains(elixirCalls, full), slices.Contains(elixirModules, module):
		case function == "" && !slices.Contains(elixirWary, top):
		default:
			m.refuse("%s holds Elixir code that may read other files: %s", name, full)
		}
	}
}

// settings adds the settings that are compiled in, and refuses those that read other files. What is read when the
// program starts is left out.
func (m *mixfile) settings(dir string) {
	if info, err := fs.Stat(m.context, dir); err != nil || !info.IsDir() {
		return
	}
	entries, err := fs.ReadDir(m.context, dir)
	if err != nil {
		m.refuse("%s cannot be listed", dir)
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if e.IsDir() || path.Ext(name) != ".exs" || e.Name() == "runtime.exs" || e.Name() == "releases.exs" {
			continue
		}
		data, ok := m.content(name)
		if !ok {
			return
		}
		text := configPlace.ReplaceAllString(elixirText(data), `""`)
		text = configImport.ReplaceAllString(text, "")
		m.program(name, text)
		if strings.Contains(text, "import_config") || configReads.MatchString(text) {
			m.refuse("%s may read other files", name)
		}
	}
}

var (
	// configImport matches the imports of settings that lie beside the others, and the two forms of their head.
	configImport = pattern.New(`import_config\s*\(?\s*"(\w[\w.-]*|` +
		`#\{(config_env\(\)|Mix\.env\(?\)?|Mix\.target\(?\)?)\}(\.secret)?)\.exs"\s*\)?|` +
		`\bimport Config\b|\buse Mix\.Config\b|\bconfig_env\(\)|\brequire Logger\b`)
	// configPlace matches the making of a path, which looks at nothing.
	configPlace = pattern.New(`Path\.expand\("[\w./-]*", __DIR__\)`)
	configReads = pattern.New(`\b(read|open|stream|ls|cmd|wildcard|glob)!?\(`)
)
