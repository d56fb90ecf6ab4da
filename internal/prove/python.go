package prove

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/lighterman/lighterman/internal/pattern"
)

var (
	poetryOptions = options{
		switches: `--no-interaction -n --no-ansi --ansi --no-root --no-dev --sync -q -v -vv -vvv --quiet --verbose --compile
			--all-extras --all-groups --no-cache --no-plugins`,
		values: "--only --without --with -E --extras", dirs: "-C --directory -P --project",
	}
	uvOptions = options{
		switches: `--locked --frozen --no-dev --dev --only-dev --no-install-project --no-install-workspace
			--no-install-local --no-editable --all-extras --all-groups --no-default-groups --compile-bytecode --no-cache -n
			-q --quiet -v --verbose --no-progress --no-python-downloads --inexact --exact --no-build --native-tls
			--system-certs --no-managed-python --managed-python --active --all-packages`,
		values: `--extra --group --no-group --only-group --link-mode --python-preference --package --no-install-package
			--resolution --color --index-strategy --python -p`,
		dirs: "--directory --project", places: "--cache-dir",
	}
)

// pythonTools are those of Python other than pip.
var pythonTools = []tool{
	{
		commands: []string{"poetry install", "poetry sync"}, manifests: []string{"pyproject.toml"}, options: poetryOptions,
		needs: []string{"--no-root"}, beside: []string{".venv"}, system: true,
		also: []string{"poetry.lock", "poetry.toml"},
	},
	{
		commands: []string{"uv sync"}, manifests: []string{"pyproject.toml"}, options: uvOptions,
		needs:  []string{"--no-install-project|--no-install-workspace|--no-install-local|--only-group|--only-dev"},
		beside: []string{".venv"}, alters: true,
		also: []string{"uv.lock", "uv.toml", ".python-version", ".python-versions"},
	},
	{
		commands: []string{"pipenv install", "pipenv sync"}, manifests: []string{"Pipfile"}, alters: true, system: true,
		options: options{
			switches: `--deploy --system --dev -d --ignore-pipfile --verbose -v --quiet -q --clear --site-packages --pre
				--keep-outdated`,
			values: "--python --categories",
		},
		beside: []string{".venv"}, also: []string{"Pipfile.lock", ".env", "pylock.toml"},
	},
	{
		commands: []string{"pdm install", "pdm sync"}, manifests: []string{"pyproject.toml"}, alters: true, system: true,
		options: options{
			switches: `--prod --production --no-self --no-editable --check --no-lock --frozen-lockfile --no-default --dev -d
				-q --quiet -v -vv --verbose --no-isolation --fail-fast -x --clean --no-cache --non-interactive -n`,
			values: "-G --group --with --without", dirs: "-p --project",
		},
		needs: []string{"--no-self"}, beside: []string{".venv", "__pypackages__", ".pdm-python"},
		also: []string{"pdm.lock", "pdm.toml"},
	},
	{
		commands: strings.Split("conda install,conda create,conda update,mamba install,mamba create,micromamba install,"+
			"micromamba create,conda env create,conda env update,mamba env create,mamba env update,micromamba env create,"+
			"micromamba env update", ","),
		options: options{
			switches: `-y --yes -q --quiet -v --verbose --prune --override-channels --no-deps --freeze-installed --update-deps
				--only-deps --copy --strict-channel-priority --all`,
			values: "-n --name -c --channel --solver --platform", lists: "-f --file", places: "-p --prefix",
		},
		words: condaSpec, usually: "environment.yml", system: true,
	},
	{commands: []string{"poetry config", "pdm config"}, free: true, forbids: []string{"--local"}},
	{
		commands: []string{"conda clean", "mamba clean", "micromamba clean", "conda init", "conda config", "pipenv --version",
			"pdm --version", "conda --version"},
		free: true, system: true, forbids: []string{"--file", "--env"},
	},
	{
		commands: []string{"poetry --version", "uv --version", "uv cache clean", "poetry cache clear", "poetry self add",
			"pipx install", "uv tool install", "uv python install"},
		also: uvSettings, free: true, system: true,
		forbids: []string{"-r", "--with", "--editable", "-e", "--with-requirements"},
	},
}

// condaSpec matches a package by name, with a version.
var condaSpec = pattern.New(`^([\w-]+(/[\w-]+)?::)?[A-Za-z0-9_][\w.-]*([=<>!~][\w.=<>!~,|*]*)?$`)

// maxBrackets bounds how many tables and lists a TOML file may have: the parser goes down one level for each.
const maxBrackets = 20_000

// tables reads a TOML file.
func tables(fsys fs.FS, name string) (map[string]any, error) {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("read %s in the build context: %w", name, err)
	}
	var out map[string]any
	if bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) > maxBrackets || toml.Unmarshal(data, &out) != nil {
		return nil, fmt.Errorf("%s cannot be read", name)
	}
	return out, nil
}

// table is a table below another; nil when there is none.
func table(t map[string]any, keys ...string) map[string]any {
	for _, key := range keys {
		t, _ = t[key].(map[string]any)
	}
	return t
}

// ownFiles are keys of tables that say what a project itself is made of, and to whom. An install that leaves the project
// out does not follow them.
var ownFiles = []string{"include", "exclude", "packages", "build", "build-backend", "scripts", "urls", "cache-keys",
	"readme", "license", "entry-points", "plugins", "workspace"}

// pythonProject checks that a pyproject.toml names nothing of the sources that its install would follow.
func pythonProject(fsys fs.FS, name string, inputs []string, e effect) error {
	all, err := tables(fsys, name)
	if err != nil {
		return err
	}
	tools := table(all, "tool")
	for _, t := range []any{
		dependencies(all["project"]), all["dependency-groups"], dependencies(tools["poetry"]), dependencies(tools["uv"]),
		dependencies(tools["pdm"]),
	} {
		if place := placeIn(t); place != "" {
			return fmt.Errorf("%s depends on %s, which is part of the sources", name, place)
		}
	}
	if len(e.lacks) > 0 && installsItself(all, e.name) {
		return fmt.Errorf("%s reads the sources without %s", e.name, strings.Split(e.lacks[0], "|")[0])
	}
	for _, plugin := range []any{table(tools, "poetry")["requires-plugins"], tools["poetry-dynamic-versioning"]} {
		if plugin != nil && strings.HasPrefix(e.name, "poetry") {
			return fmt.Errorf("%s sets up a plugin of poetry, which may read the sources", name)
		}
	}
	if strings.HasPrefix(e.name, "pdm") {
		for _, key := range []string{"pre_install", "post_install", "pre_lock", "post_lock"} {
			if table(tools, "pdm", "scripts")[key] != nil || table(tools, "pdm")["options"] != nil {
				return fmt.Errorf("%s sets up more than an install: %s", name, key)
			}
		}
	}
	dynamic, _ := table(all, "project")["dynamic"].([]any)
	for _, field := range dynamic {
		needed := field == "dependencies" || field == "optional-dependencies" || field == "version" && e.name == "uv sync"
		if needed && !slices.Contains(e.words, "--frozen") && !strings.HasPrefix(e.name, "poetry") {
			return fmt.Errorf("%s leaves its %v to a program that may read the sources", name, field)
		}
	}
	return workspaceOf(fsys, name, table(tools, "uv", "workspace"), inputs, e)
}

// dependencies is a table without what says what the project itself is made of.
func dependencies(t any) any {
	set, ok := t.(map[string]any)
	if !ok {
		return t
	}
	set = maps.Clone(set)
	maps.DeleteFunc(set, func(key string, _ any) bool { return slices.Contains(ownFiles, key) })
	return set
}

// installsItself reports whether an install that does not leave the project out would install it.
func installsItself(all map[string]any, command string) bool {
	tools := table(all, "tool")
	switch strings.Fields(command)[0] {
	case "poetry":
		packaged, said := table(tools, "poetry")["package-mode"].(bool)
		return packaged || !said
	case "uv":
		packaged, said := table(tools, "uv")["package"].(bool)
		return packaged || !said && all["build-system"] != nil
	case "pdm":
		packaged, said := table(tools, "pdm")["distribution"].(bool)
		return packaged || !said
	}
	return true
}

// pipfile checks that a Pipfile names nothing of the sources.
func pipfile(fsys fs.FS, name string) error {
	all, err := tables(fsys, name)
	if err != nil {
		return err
	}
	if place := placeIn(all); place != "" {
		return fmt.Errorf("%s depends on %s, which is part of the sources", name, place)
	}
	return nil
}

// placeIn is a place of the file system that a table of dependencies names, "" when there is none.
func placeIn(v any) string {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if text, ok := v[key].(string); ok && (key == "path" || key == "file") {
				return text
			}
			if place := placeIn(v[key]); place != "" {
				return place
			}
		}
	case []any:
		for _, item := range v {
			if place := placeIn(item); place != "" {
				return place
			}
		}
	case []map[string]any:
		for _, item := range v {
			if place := placeIn(item); place != "" {
				return place
			}
		}
	case string:
		if strings.Contains(v, "file:") || strings.HasPrefix(v, "./") || strings.HasPrefix(v, "../") ||
			strings.HasPrefix(v, "-e") || strings.HasSuffix(v, ".whl") && !strings.Contains(v, "://") {
			return v
		}
	}
	return ""
}

// workspaceOf checks that the members of a workspace are left out and that their manifests are inputs
// (docs.astral.sh/uv/concepts/projects/workspaces).
func workspaceOf(fsys fs.FS, name string, workspace map[string]any, inputs []string, e effect) error {
	if workspace == nil || !strings.HasPrefix(e.name, "uv") {
		return nil
	}
	if !slices.Contains(e.words, "--no-install-workspace") && !slices.Contains(e.words, "--no-install-local") {
		return fmt.Errorf("%s reads the members of the workspace without --no-install-workspace", e.name)
	}
	members, _ := workspace["members"].([]any)
	for _, m := range members {
		pattern, _ := m.(string)
		if pattern == "" || strings.Contains(pattern, "**") || strings.ContainsAny(pattern, `{}\`) {
			return fmt.Errorf("%s has members that are not known", name)
		}
		found, err := fs.Glob(fsys, path.Join(path.Dir(name), pattern, "pyproject.toml"))
		if err != nil {
			return fmt.Errorf("list the members of %s: %w", name, err)
		}
		for _, other := range found {
			if !covered(other, inputs) {
				return fmt.Errorf("the install also reads %s, which is not copied before", other)
			}
		}
	}
	return nil
}

// uvPipInstall are the options of "uv pip" (docs.astral.sh/uv/reference/cli).
var uvPipInstall = options{
	switches: `--no-cache --no-cache-dir -n -q --quiet -v --verbose --system --break-system-packages --upgrade -U --no-deps
		--require-hashes --strict --reinstall --pre --no-build --no-progress --native-tls --compile-bytecode --exact
		--no-index`,
	values: `--link-mode --index-url -i --default-index --extra-index-url --resolution --color --index-strategy --prerelease
		--python-version --python-platform --torch-backend --exclude-newer --extra --group`,
	lists: "-r --requirement --requirements -c --constraint --constraints", places: "--target -t --prefix --cache-dir",
	dirs: "--directory",
}

// uvPipEffect knows "uv pip install" and "uv pip sync", and the making of environments by uv.
func uvPipEffect(program string, words []string, dir string) (effect, bool, error) {
	e := effect{dir: dir, name: "uv pip", also: nil}
	switch {
	case program != "uv" || len(words) < 2:
		return e, false, nil
	case words[1] == "venv":
		e.name, e.also = "uv venv", uvSettings
		p, err := options{switches: "--seed --clear --allow-existing --relocatable --system-site-packages",
			values: "--python -p --prompt"}.parse("uv venv", words[2:])
		e.writes = allUnder(dir, append(p.rest, ".venv"))
		return e, true, err
	case len(words) < 3 || words[1] != "pip" || words[2] != "install" && words[2] != "sync":
		return e, false, nil
	}
	p, err := uvPipInstall.parse("uv", unglued(words[3:]))
	if err != nil {
		return e, true, err
	}
	if p.dir != "" {
		e.dir = under(dir, p.dir)
	}
	e.name, e.system, e.also = "uv pip "+words[2], true, uvSettings
	e.writes = append(allUnder(e.dir, p.places), under(e.dir, ".venv"))
	if words[2] == "sync" {
		p.lists, p.rest = append(p.lists, p.rest...), nil
	}
	for _, v := range slices.Concat(p.values, p.rest) {
		if local(v) || strings.Contains(v, "/") && !strings.Contains(v, "://") {
			return e, true, fmt.Errorf("uv pip reads the sources: %s", v)
		}
	}
	for _, requirement := range p.rest {
		if !packageOrAddress(requirement) {
			return e, true, fmt.Errorf("uv pip %s reads the sources", requirement)
		}
	}
	e.lists = allUnder(e.dir, p.lists)
	return e, true, nil
}

// uvSettings are the files from which uv takes settings wherever it runs.
var uvSettings = []string{"uv.toml", ".python-version", ".python-versions", "pyproject.toml"}

// scriptedEffect knows the commands of uv and bundler that are more than a tool with options.
func scriptedEffect(program string, words []string, dir string) (effect, bool, error) {
	if e, ok, err := uvPipEffect(program, words, dir); ok || err != nil {
		return e, ok, err
	}
	if e, ok, err := mixDoEffect(program, words, dir); ok || err != nil {
		return e, ok, err
	}
	return bundleEffect(program, words, dir)
}

// scriptedTools are the tools of Python, Ruby, PHP and Elixir.
func scriptedTools() []tool { return slices.Concat(pythonTools, rubyTools, composerTools, mixTools) }
