package prove

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

// mixTools are those of Elixir.
var mixTools = []tool{
	{
		commands: []string{"mix deps.get", "mix deps.compile", "mix deps"}, manifests: []string{"mix.exs"}, system: true,
		options: options{switches: "--force --no-archives-check --all --check-locked --skip-umbrella-children --skip-local-deps",
			values: "--only"},
		beside: []string{"deps", "_build"}, also: []string{"mix.lock"}, alters: true,
	},
	{
		commands: []string{"mix local.hex", "mix local.rebar"}, manifests: []string{"mix.exs"}, system: true,
		options: options{switches: "--force --if-missing"}, also: []string{"mix.lock"},
	},
}

var (
	// elixirPure are calls that look at no file.
	elixirPure = pattern.New(`\b(Mix\.(env|target|compilers)|System\.(get_env|fetch_env!|version|otp_release)|` +
		`(String|Enum|Keyword|Map|List|Version|Regex|Integer)\.[a-z_]\w*[!?]?|Mix\.Project(\.(build|deps)_path)?|Mix\.Config)\b`)
	// elixirPath is a path that is made, not followed.
	elixirPath = pattern.New(`Path\.expand\("[\w./-]*", __DIR__\)`)
	// elixirRead is a file that is read and named in full.
	elixirRead = pattern.New(`File\.read!?\("([\w./-]+)"\)`)
	// elixirKept is the head of a file of settings and imports of those beside it.
	elixirKept = pattern.New(`\bimport Config\b|` +
		`\bimport_config\s*\(?"(\w[\w.-]*|#\{(config_env\(\)|Mix\.env\(?\)?)\}(\.secret)?)\.exs"\)?`)
	// elixirActs matches what may read a file, whatever stands before or behind: functions of modules, modules that have
	// such functions, modules of Erlang, and code that makes code.
	elixirActs = pattern.New(`\b[A-Z][\w.]*\.[a-z_]|\b(File|Code|Path|System|Port|IO|Module|Kernel|EEx|Config|Macro)\b|` +
		`:["']?\w+["']?\.[a-z"']|\b[a-z_]\w*\.[a-z_]\w*[!?]?\(|\.\(|` +
		`\b(apply|spawn\w*|quote|unquote\w*|eval\w*|import\w*|require|alias|__DIR__|__ENV__|binary_to_term|to_atom|` +
		`\w+_existing_atom|` +
		`defmacro\w*|defdelegate)\b|\buse\s+[^M\s]|\\[xu]`)
	// elixirPlaces are settings that name places.
	elixirPlaces = pattern.New(`\b(path|in_umbrella|config_path|lockfile|deps_path|build_path|apps|compile)` +
		`(: |["']?\s*=>)\s*([^,\n\]}]*)`)
	elixirAtoms = pattern.New(`(:["']?|~[wW][^\w\s][\w\s]*\b)(path|in_umbrella|\w+_path|lockfile)\b|` +
		`\bto_(existing_)?atom\b`)
	elixirApps = pattern.New(`\bapps_path: "([\w./-]+)"`)
	// elixirAliases are tasks of an install that a project gives another meaning.
	elixirAliases = pattern.New(`["'](deps(\.\w+)?|local\.\w+|hex(\.\w+)?|loadpaths|loadconfig|do)["']\s*(:|=>)|` +
		`:["'](deps|local|hex)\b`)
	elixirNote = pattern.New(`(?m)^([^"'~#\n]*)#[^\n]*$`)
)

// mixProject checks that a mix.exs and the settings beside it declare things and name nothing of the sources
// (hexdocs.pm/mix/Mix.Project.html).
func mixProject(fsys fs.FS, name string, inputs []string, e effect) error {
	text, err := elixirText(fsys, name)
	if err != nil {
		return err
	}
	for _, m := range elixirRead.FindAllStringSubmatch(text, -1) {
		if file := path.Join(path.Dir(name), m[1]); !covered(file, inputs) {
			return fmt.Errorf("the install also reads %s, which is not copied before", file)
		}
	}
	if err := elixirDeclares(name, elixirRead.ReplaceAllString(text, "")); err != nil {
		return err
	}
	if atom := elixirAtoms.FindString(text); atom != "" {
		return fmt.Errorf("%s has the setting %s, which may name part of the sources", name, atom)
	}
	if alias := elixirAliases.FindString(text); alias != "" {
		return fmt.Errorf("%s gives %s another meaning", name, strings.Trim(alias, ":=> "))
	}
	apps := elixirApps.FindStringSubmatch(text)
	if strings.Contains(text, "apps_path") && apps == nil {
		return fmt.Errorf("%s keeps its apps where it is not known", name)
	}
	for _, m := range elixirPlaces.FindAllStringSubmatch(text, -1) {
		up := strings.HasPrefix(m[3], `"../../`) && !strings.Contains(m[3][7:], "..")
		child := m[1] == "in_umbrella" || up && m[1] != "path"
		if !(m[1] == "compile" && m[3] == "false") && (!child || apps != nil) {
			return fmt.Errorf("%s has the setting %s, which may name part of the sources", name, m[1])
		}
	}
	if err := mixSettings(fsys, path.Join(path.Dir(name), "config"), inputs); err != nil {
		return err
	}
	if apps == nil {
		return nil
	}
	return mixApps(fsys, path.Join(path.Dir(name), apps[1]), inputs, e)
}

// mixApps checks that the manifests of an umbrella's apps are inputs; those are checked like the others.
func mixApps(fsys fs.FS, dir string, inputs []string, e effect) error {
	skips := slices.Contains(e.words, "--skip-umbrella-children") || slices.Contains(e.words, "--skip-local-deps")
	if e.name == "mix deps.compile" && !skips {
		return fmt.Errorf("%s compiles the apps of the umbrella", e.name)
	}
	found, err := fs.Glob(fsys, path.Join(dir, "*", "mix.exs"))
	if err != nil || strings.ContainsAny(dir, `*?[\`) {
		return fmt.Errorf("the apps in %s cannot be listed", dir)
	}
	for _, app := range found {
		if !covered(app, inputs) {
			return fmt.Errorf("the install also reads %s, which is not copied before", app)
		}
	}
	return nil
}

// mixSettings checks that the settings that are compiled in are inputs and only declare.
func mixSettings(fsys fs.FS, dir string, inputs []string) error {
	entries, err := fs.ReadDir(fsys, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list %s in the build context: %w", dir, err)
	}
	for _, entry := range entries {
		name := path.Join(dir, entry.Name())
		if path.Ext(name) != ".exs" || entry.Name() == "runtime.exs" || entry.Name() == "releases.exs" {
			continue
		}
		if !covered(name, inputs) {
			return fmt.Errorf("the install also reads %s, which is not copied before", name)
		}
		text, err := elixirText(fsys, name)
		if err != nil {
			return err
		}
		if err := elixirDeclares(name, elixirKept.ReplaceAllString(text, "")); err != nil {
			return err
		}
	}
	return nil
}

// elixirText is a program without the comments on lines that have no text.
func elixirText(fsys fs.FS, name string) (string, error) {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return "", fmt.Errorf("read %s in the build context: %w", name, err)
	}
	text := string(data)
	if !strings.Contains(text, `"""`) && !strings.Contains(text, "'''") {
		text = elixirNote.ReplaceAllString(text, "$1")
	}
	return text, nil
}

// elixirDeclares checks that nothing of a program may read a file.
func elixirDeclares(name, text string) error {
	text = elixirPure.ReplaceAllString(elixirPath.ReplaceAllString(text, ""), "pure")
	text = strings.ReplaceAll(text, "use pure", "")
	if odd := elixirActs.FindString(text); odd != "" {
		return fmt.Errorf("%s holds Elixir code that may read the sources: %s", name, odd)
	}
	return nil
}

// mixDoEffect knows several tasks in one command: "mix do deps.get, deps.compile". All that are known read and write the
// same; compiling reads the most.
func mixDoEffect(program string, words []string, dir string) (effect, bool, error) {
	if program != "mix" || len(words) < 3 || words[1] != "do" {
		return effect{}, false, nil
	}
	var out effect
	task := []string{program}
	for k, w := range words[2:] {
		before, ends := strings.CutSuffix(w, ",")
		if ends = ends || w == "+"; w != "+" {
			task = append(task, before)
		}
		if !ends && k < len(words)-3 {
			continue
		}
		e, ok, err := toolEffect(program, task, dir)
		if err != nil || !ok {
			return e, false, err
		}
		if out.name != "mix deps.compile" {
			out = e
		}
		task = []string{program}
	}
	return out, true, nil
}
