package ecosystem_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/ecosystem"
)

// install reads the only install of a script.
func install(t *testing.T, repo fs.FS, script string) ecosystem.Install {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", []byte("FROM a\nRUN "+script+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	step := ecosystem.Look(f.Instructions[1])
	if len(step.Calls) != 1 {
		t.Fatalf("%s: %d installs", script, len(step.Calls))
	}
	return step.Calls[0].Read(ecosystem.Root{Context: repo}, step.Calls[0].Dir)
}

func files(pairs ...string) fstest.MapFS {
	repo := fstest.MapFS{}
	for k := 0; k < len(pairs); k += 2 {
		repo[pairs[k]] = &fstest.MapFile{Data: []byte(pairs[k+1]), Mode: 0o644}
	}
	return repo
}

func TestSymbolicLinksAreRefused(t *testing.T) {
	repo := files("package.json", `{"scripts": {"postinstall": "patch-package"}}`)
	for _, name := range []string{"package-lock.json", "patches/x.patch"} {
		repo[name] = &fstest.MapFile{Data: []byte("elsewhere"), Mode: fs.ModeSymlink | 0o777}
		if i := install(t, linked{repo}, "npm ci"); !strings.Contains(i.Unknown, "is not a regular file") {
			t.Errorf("%s is a link: unknown %q", name, i.Unknown)
		}
		delete(repo, name)
	}
	if i := install(t, linked{repo}, "npm ci"); i.Unknown != "" {
		t.Errorf("without links: unknown %q", i.Unknown)
	}
}

// linked describes symbolic links themselves, as a build context does.
type linked struct{ fstest.MapFS }

func (l linked) Stat(name string) (fs.FileInfo, error) { return l.Lstat(name) }

func TestHostileManifests(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 5000) + `1` + strings.Repeat("}", 5000)
	many := files("package.json", `{"workspaces": ["*"]}`)
	for k := range 2100 {
		many[fmt.Sprintf("p%d/package.json", k)] = &fstest.MapFile{Data: []byte("{}")}
	}
	stars := strings.Repeat("**/", 40) + "x"
	for _, c := range []struct {
		name, script string
		repo         fstest.MapFS
	}{
		{"deep overrides", "npm ci", files("package.json", `{"overrides": `+deep+`}`)},
		{"too large", "npm ci", files("package.json", `{"x": "`+strings.Repeat("x", 2<<20)+`"}`)},
		{"many workspaces", "npm ci", many},
		{"binary", "npm ci", files("package.json", "\x00\x01")},
		{"stars", "npm ci", files("package.json", `{"workspaces": ["`+stars+`"]}`, strings.Repeat("a/", 60)+"package.json", "{}")},
		{"YAML aliases", "pnpm i", files("package.json", "{}", "pnpm-workspace.yaml",
			"a: &a [x, x]\nb: &b [*a, *a]\npackages: [*b]\n")},
		{"YAML settings", "yarn", files("package.json", "{}", ".yarnrc.yml", strings.Repeat("[", 20_000))},
		{"loop", "pip install -r a.txt", files("a.txt", "-r b.txt\n-r a.txt\n./x", "b.txt", "-r a.txt")},
		{"TOML lists", "uv sync", files("pyproject.toml", "a = "+strings.Repeat("[", 500_000))},
		{"TOML tables", "poetry install --no-root", files("pyproject.toml", strings.Repeat("[a]\n", 30_000))},
		{"TOML keys", "pipenv install", files("Pipfile", "a."+strings.Repeat("a.", 100_000)+"path = 'x'\n")},
		{"Ruby brackets", "bundle", files("Gemfile", "gem "+strings.Repeat("[", 100_000))},
		{"Ruby loop", "bundle", files("Gemfile", "eval_gemfile 'a'", "a", "eval_gemfile 'Gemfile'\nevil")},
		{"JSON", "composer install", files("composer.json", `{"repositories": `+strings.Repeat("[", 20_000)+"}")},
		{"nested JSON", "composer install", files("composer.json",
			`{"repositories": `+strings.Repeat(`[`, 5000)+`{"type": "path"}`+strings.Repeat("]", 5000)+`}`)},
		{"Elixir", "mix deps.get", files("mix.exs", strings.Repeat("File.", 100_000))},
		{"Elixir apps", "mix deps.get", files("mix.exs", `[apps_path: "apps"]`)},
		{"YAML environment", "conda env create", files("environment.yml", "dependencies: "+strings.Repeat("[", 20_000))},
		{"lists", "uv pip sync a.txt", files("a.txt", "-r b.txt\n-r ../c.txt", "b.txt", "-r a.txt")},
		{"go.mod", "go mod download", files("go.mod", strings.Repeat("require (", 1000))},
	} {
		t.Run(c.name, func(t *testing.T) {
			if i := install(t, c.repo, c.script); i.Unknown == "" {
				t.Errorf("taken for complete: %d inputs", len(i.Inputs))
			}
		})
	}
}

// counting counts which files are opened.
type counting struct {
	fs.FS
	opened map[string]bool
}

func (c counting) Open(name string) (fs.File, error) {
	f, err := c.FS.Open(name)
	if err == nil {
		if info, err := f.Stat(); err == nil && !info.IsDir() {
			c.opened[name] = true
		}
	}
	return f, err
}

// Stat implements fs.StatFS: looking at names is free.
func (c counting) Stat(name string) (fs.FileInfo, error) { return fs.Stat(c.FS, name) }

func TestOnlyWantedFilesAreOpened(t *testing.T) {
	for script, repo := range map[string]fstest.MapFS{
		"npm ci": files("package.json", `{"workspaces": ["p/*"], "scripts": {"postinstall": "patch-package"}}`,
			"package-lock.json", "{}", ".npmrc", "fund=false", "p/a/package.json", "{}", "p/a/x.js", "", "patches/a.patch", ""),
		"pnpm install": files("package.json", "{}", "pnpm-lock.yaml", "", "pnpm-workspace.yaml",
			"packages: ['p/*']\npatchedDependencies: {x: patches/x.patch}\n", "p/a/package.json", "{}", "patches/x.patch", ""),
		"yarn": files("package.json", "{}", "yarn.lock", "", ".yarnrc.yml", "yarnPath: .yarn/releases/yarn.cjs\n",
			".yarn/releases/yarn.cjs", "", ".yarn/plugins/x.cjs", ""),
		"pip install -r requirements.txt": files("requirements.txt", "-r requirements/base.txt", "requirements/base.txt", "x"),
		"poetry install --no-root": files("pyproject.toml", "[tool.poetry]", "poetry.lock", "", "poetry.toml",
			"[virtualenvs]\nin-project = true"),
		"uv sync --no-install-workspace": files("pyproject.toml", "[tool.uv.workspace]\nmembers = ['p/*']", "uv.lock", "",
			".python-version", "3", "uv.toml", "offline = true", "p/a/pyproject.toml", "[project]"),
		"uv pip install -r requirements/a.txt": files("requirements/a.txt", "-r b.txt", "requirements/b.txt", "",
			"pyproject.toml", "[tool.uv]", "src/x.py", ""),
		"pipenv sync":        files("Pipfile", "[packages]", "Pipfile.lock", "{}"),
		"pdm sync --no-self": files("pyproject.toml", "[project]\nname = 'a'", "pdm.lock", "", "pdm.toml", ""),
		"conda env create":   files("environment.yml", "dependencies:\n- pip:\n  - -r requirements.txt\n", "requirements.txt", ""),
		"bundle install": files("Gemfile", "eval_gemfile 'gemfiles/a.gemfile'", "Gemfile.lock", "", "gemfiles/a.gemfile", "",
			".bundle/config", "BUNDLE_JOBS: '4'", "vendor/cache/a.gem", ""),
		"composer install": files("composer.json", `{"version": "1"}`, "composer.lock", "{}", "auth.json", "{}"),
		"mix deps.get": files("mix.exs", `[apps_path: "apps", version: File.read!("VERSION")]`, "mix.lock", "", "VERSION", "",
			"apps/a/mix.exs", "[]", "config/config.exs", "import Config"),
		"go mod download": files("go.work", "go 1.26\nuse ./a\n", "a/go.mod", "module a\nrequire x v1.0.0\n", "a/go.sum", ""),
	} {
		c := counting{repo, map[string]bool{}}
		if i := install(t, c, script); i.Unknown != "" || len(i.Inputs) < 2 {
			t.Errorf("%s: %v, unknown %q", script, i.Inputs, i.Unknown)
		}
		for name := range c.opened {
			if !ecosystem.Wanted(name) {
				t.Errorf("%s: %s was opened though not wanted", script, name)
			}
		}
	}
}

func TestManifest(t *testing.T) {
	for name, want := range map[string][2]bool{ // wanted, manifest
		"go.mod": {true, true}, "a/b/package.json": {true, true}, "package-lock.json": {false, true}, "go.sum": {false, true},
		"Gemfile.lock": {false, true}, "Gemfile": {true, true}, "gemfiles/rails.gemfile": {true, false}, "uv.lock": {false, true},
		"api/pyproject.toml": {true, true}, "environment.yml": {true, true}, "config/prod.exs": {true, false},
		"composer.lock": {true, true}, "mix.exs": {true, true}, "test/x_test.exs": {false, false},
		"requirements-dev.txt": {true, true}, "requirements/base.txt": {true, true}, "README.txt": {false, false},
		"node_modules/x/package.json": {false, true}, "main.go": {false, false}, "vendor/x/go.mod": {false, true},
	} {
		if got := [2]bool{ecosystem.Wanted(name), ecosystem.Manifest(name)}; got != want {
			t.Errorf("%s: wanted and manifest %v, want %v", name, got, want)
		}
	}
}
