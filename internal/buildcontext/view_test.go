package buildcontext_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/lighterman/lighterman/internal/buildcontext"
)

// repoOf makes a repository of empty files, except for those written as name=content.
func repoOf(files ...string) fstest.MapFS {
	repo := fstest.MapFS{"Dockerfile": {Data: []byte("FROM alpine\nCOPY . .\n")}}
	for _, f := range files {
		name, content, _ := strings.Cut(f, "=")
		repo[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o644}
	}
	return repo
}

// one is the only build of Dockerfile.
func one(t *testing.T, repo fs.FS) buildcontext.Build {
	t.Helper()
	builds := buildcontext.Find(repo, parse(t, "Dockerfile", repo))
	if len(builds) != 1 {
		t.Fatalf("%d builds, want one", len(builds))
	}
	return builds[0]
}

func names(t *testing.T, fsys fs.FS) []string {
	t.Helper()
	var out []string
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestContextHidesWhatTheIgnoreFileNames(t *testing.T) {
	for _, c := range []struct {
		name, ignore string
		want         []string // besides nothing else
	}{
		{"nothing", "", []string{".dockerignore", "Dockerfile", "a.md", "docs/a.md", "src/deep/x.go",
			"src/node_modules/m.js", "src/x.go"}},
		{"anchored at the root", "*.md", []string{".dockerignore", "Dockerfile", "docs/a.md", "src/deep/x.go",
			"src/node_modules/m.js", "src/x.go"}},
		{"at any depth", "**/*.md\n**/node_modules", []string{".dockerignore", "Dockerfile", "src/deep/x.go", "src/x.go"}},
		{"itself and the Dockerfile", "Dockerfile\n.dockerignore\nsrc\ndocs\n*.md", nil},
		{"slashes, comments, blanks", "# docs\n /docs/ \n./a.md\nsrc/../src", []string{".dockerignore", "Dockerfile"}},
		{"taken back below an excluded directory", "*\n!src/deep", []string{"src/deep/x.go"}},
		{"the last match wins", "*\n!src\nsrc/deep\nsrc/node_modules", []string{"src/x.go"}},
		{"byte order mark", "\ufeffsrc\ndocs", []string{".dockerignore", "Dockerfile", "a.md"}},
		{"a pattern BuildKit refuses", "a[", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			repo := repoOf("a.md", "docs/a.md", "src/x.go", "src/deep/x.go", "src/node_modules/m.js", ".dockerignore="+c.ignore)
			b := one(t, repo)
			if c.name == "a pattern BuildKit refuses" {
				if _, err := fs.Stat(b.Context, "a.md"); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("a context that cannot be built shows a file: %v", err)
				}
				return
			}
			if diff := cmp.Diff(c.want, names(t, b.Context)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if got := len(names(t, b.Whole)); got != 7 {
				t.Errorf("the whole directory shows %d files, want 7", got)
			}
		})
	}
}

func TestIgnoreFileNamedAfterTheDockerfileWins(t *testing.T) {
	repo := repoOf("a", "b", ".dockerignore=a", "Dockerfile.dockerignore=b\n*ignore")
	if got := names(t, one(t, repo).Context); !slices.Equal(got, []string{"Dockerfile", "a"}) {
		t.Errorf("got %v", got)
	}
	if got := one(t, repo).Ignore; got != "Dockerfile.dockerignore" {
		t.Errorf("ignore file %q", got)
	}
	repo["Dockerfile.dockerignore"].Data = nil
	if got := one(t, repo); !strings.Contains(got.Unknown, "depends on the frontend") {
		t.Errorf("an empty ignore file: %q %q", got.Ignore, got.Unknown)
	}
	delete(repo, ".dockerignore")
	if got := one(t, repo); got.Ignore != "" || got.Unknown != "" {
		t.Errorf("an empty ignore file alone: %q %q", got.Ignore, got.Unknown)
	}
}

func TestHides(t *testing.T) {
	for _, c := range []struct {
		ignore, name string
		want         bool
	}{
		{"node_modules", "node_modules", true},
		{"node_modules", "web/node_modules", false},
		{"**/node_modules", "web/node_modules", true},
		{"node_modules/*", "node_modules", true},
		{"**/node_modules/**", "web/node_modules", true},
		{"*\n!src\n!package.json", "node_modules", true},
		{"*\n!**/*.json", "node_modules", false},
		{"!**/*.json\nnode_modules", "node_modules", true},
		{"node_modules\n!node_modules/keep", "node_modules", false},
		{"web", "web/node_modules", true},
		{"web\n!web/src", "web/node_modules", true},
		{"*.log", "node_modules", false},
		{"", "node_modules", false},
		{"a[", "node_modules", true},
	} {
		b := buildcontext.Find(repoOf(".dockerignore="+c.ignore), parse(t, "Dockerfile", repoOf()))
		if len(b) != 1 {
			t.Fatalf("%q: %d builds", c.ignore, len(b))
		}
		if b[0].Hides(c.name) != c.want {
			t.Errorf("%q hides %s: got %v", c.ignore, c.name, !c.want)
		}
	}
}

func TestSymbolicLinksAreNotFollowed(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, repoOf("real/a.txt")); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "secret")
	for name, target := range map[string]string{"file": outside, "dir": "real", "real/up": ".."} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, repo := range []fs.FS{os.DirFS(dir), onlyOpen{os.DirFS(dir)}} {
		context := one(t, repo).Context
		for _, name := range []string{"file", "dir/a.txt", "real/up/Dockerfile", "real/up/real/a.txt"} {
			if data, err := fs.ReadFile(context, name); err == nil {
				t.Errorf("%T: %s was read through a link: %q", repo, name, data)
			}
		}
		info, err := fs.Stat(context, "file")
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("%T: the link itself must be listed as one: %v, %v", repo, info, err)
		}
		if got := names(t, context); !slices.Contains(got, "dir") || slices.Contains(got, "dir/a.txt") {
			t.Errorf("%T: got %v", repo, got)
		}
	}
}

// onlyOpen hides every optional method of a file system.
type onlyOpen struct{ inner fs.FS }

func (o onlyOpen) Open(name string) (fs.File, error) { return o.inner.Open(name) }

func TestContextIsAFileSystem(t *testing.T) {
	repo := repoOf("a", "src/b", "src/c/d", ".dockerignore=src/c")
	if err := fstest.TestFS(one(t, repo).Context, "a", "src/b"); err != nil {
		t.Error(err)
	}
}

func TestContextMayBeReadByManyAtOnce(t *testing.T) {
	context := one(t, repoOf("a", "src/b", ".dockerignore=**/*.md\n!x*")).Context
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := fs.ReadFile(context, "src/b"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestHostileYAML(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'k'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+string(c-1)+",", 9), ",") + "]\n"
	}
	for name, text := range map[string]string{
		"aliases":       bomb + "services: *k\n",
		"cycle":         "services: &s\n  <<: *s\n  web: *s\n",
		"own merge":     "services: &s {<<: [*s, *s]}\n",
		"deep":          "services: " + strings.Repeat("[", 100_000),
		"wide":          strings.Repeat("a: b\n", 1<<18),
		"wrong kinds":   "services: [a, {b: c}]\njobs: {x: [1]}\n",
		"not text":      "\x00\x01\x02",
		"no map":        "just text",
		"empty":         "",
		"numbers":       "services: {1: {build: 2}, web: {build: {context: [], args: 3}}}\n",
		"two documents": "services: {}\n---\nservices: {web: {build: .}}\n",
	} {
		t.Run(name, func(t *testing.T) {
			b := one(t, repoOf("compose.yml="+text, ".github/workflows/ci.yml="+text))
			if b.Stated {
				t.Errorf("believed %q", b.Origin)
			}
		})
	}
}

// TestHostileCompose and the next two end only when the work that a file can ask for is bounded.
func TestHostileCompose(t *testing.T) {
	var chain, steps strings.Builder
	chain.WriteString("services:\n")
	steps.WriteString("jobs:\n  a:\n    strategy: {matrix: {x: [" + strings.Repeat("1,", 255) + "1]}}\n    steps:\n")
	for n := range 12_000 {
		fmt.Fprintf(&chain, "  s%d: {build: ., extends: s%d}\n", n, n+1)
		if n < 7_000 {
			steps.WriteString("    - {uses: docker/build-push-action@v6, with: {context: .}}\n")
		}
	}
	repo := repoOf("compose.yml="+chain.String(), ".github/workflows/ci.yml="+steps.String())
	if n := len(buildcontext.Find(repo, parse(t, "Dockerfile", repo))); n != 2 {
		t.Errorf("%d builds, want the services' and one that is unknown", n)
	}
}

func TestHostileCommandLines(t *testing.T) {
	const size = 200_000
	for name, piece := range map[string]string{
		"variables": "$a", "make variables": "$(a)", "open": "$(", "open shell": "$$(", "quotes": "'\"", "ticks": "`",
		"expressions": "${{ a }}", "open expressions": "${{", "builds": "docker build .\n\t", "backslashes": "\\\n",
		"subshells": "(", "flags": " --a=b", "assignments": "a=$a ", "redirections": " 2>x", "letters": "x", "cds": "cd a;",
		"nested": "docker build $$(docker build $$(", "tilt": "docker_build(", "tilt calls": "docker_build('a','b')\n",
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Repeat(piece, size/len(piece))
			repo := repoOf("Makefile=a:\n\tdocker build "+text, "Tiltfile="+text, "Jenkinsfile=docker build "+text,
				".github/workflows/a.yml=jobs: {a: {steps: [{run: |\n  docker build "+strings.ReplaceAll(text, "\n", "\n  ")+"\n}]}}")
			buildcontext.Find(repo, parse(t, "Dockerfile", repo))
		})
	}
	chain := ""
	for n := range 10_000 {
		chain += fmt.Sprintf("v%d = $(v%d)$(v%d)\n", n, n+1, n+1)
	}
	repo := repoOf("Makefile=" + chain + "a:\n\tdocker build $(v0)\n")
	buildcontext.Find(repo, parse(t, "Dockerfile", repo))
}

func TestHostileBake(t *testing.T) {
	doubling := "variable \"v0\" { default = \"0123456789abcdef\" }\n"
	for n := range 60 {
		doubling += fmt.Sprintf("variable \"v%d\" { default = \"${v%d}${v%d}\" }\n", n+1, n, n)
	}
	family := ""
	for n := range 200 {
		family += fmt.Sprintf("target \"t%d\" { inherits = [\"t%d\", \"t%d\", \"t%d\"] }\n", n, n+1, n+1, n)
	}
	list := "[" + strings.Repeat("1,", 1000) + "]"
	nested := "for_x"
	for range 8 {
		nested = "[for x in " + list + ": " + nested + "]"
	}
	for name, text := range map[string]string{
		"doubling variables": doubling + "target \"x\" { context = v60 }\n",
		"doubling lists":     strings.ReplaceAll(doubling, "\"${v", "[\"${v") + "target \"x\" { context = v60 }\n",
		"inherits":           family,
		"loops":              "target \"x\" { context = " + nested + " }\n",
		"own variable":       "variable \"a\" { default = a }\ntarget \"x\" { context = a }\n",
		"large matrix":       "target \"x\" {\nmatrix = {a=" + list + ",b=" + list + "}\ncontext = a\n}\n",
		"deep brackets":      "target \"x\" { context = " + strings.Repeat("[", 60_000) + " }\n",
		"deep templates":     "target \"x\" { context = " + strings.Repeat("\"${", 30_000) + " }\n",
		"deep unary":         "target \"x\" { context = " + strings.Repeat("-", 120_000) + "1 }\n",
		"deep conditions":    "target \"x\" { context = " + strings.Repeat("a ? b : ", 15_000) + "1 }\n",
		"deep blocks":        strings.Repeat("target \"x\" {\n", 9_000),
		"heredocs":           strings.Repeat("a = <<E\n", 9_000),
		"wrong kinds":        "target \"x\" { context = [1]\nargs = 3\ninherits = \"x\"\nmatrix = [] }\ngroup \"g\" {}\n",
		"nulls":              "target \"x\" { context = null\ndockerfile = null\nargs = null }\n",
		"not text":           "\x00\x01",
		"function":           "target \"x\" { context = split(\"\", \"a\")[7] }\n",
	} {
		t.Run(name, func(t *testing.T) {
			buildcontext.Find(repoOf("docker-bake.hcl="+text), parse(t, "Dockerfile", repoOf()))
		})
	}
}

func TestWanted(t *testing.T) {
	for name, want := range map[string]bool{
		"compose.yml": true, "deploy/docker-compose.prod.yaml": true, "docker-compose.yml": true, ".dockerignore": true,
		"a/b/Dockerfile.dockerignore": true, ".github/workflows/ci.yml": true, ".github/workflows/sub/ci.yml": false,
		"node_modules/x/docker-compose.yml": false, "vendor/x/.dockerignore": false, "composer.yml": false,
		"docker-bake.hcl": true, "deploy/docker-bake.ci.json": true, "Makefile": true, "build/images.mk": true,
		".gitlab-ci.yml": true, "sub/.gitlab-ci.yml": false, "skaffold.yaml": true, "Tiltfile": true, "package.json": true,
		".devcontainer/devcontainer.json": true, "bake.txt": false, "cookbook-bake.json": false,
		"compose.md": false, "main.go": false, "docs/compose-reference.txt": false,
	} {
		if got := buildcontext.Wanted(name); got != want {
			t.Errorf("%s: got %v", name, got)
		}
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

func TestOnlyWantedFilesAreOpened(t *testing.T) {
	repo := repoOf("compose.yml=services: {web: {build: .}}", ".dockerignore=*.md", "src/main.go", "web/compose.yml",
		".github/workflows/ci.yml=jobs: {}", ".github/dependabot.yml", "package.json={}")
	c := counting{repo, map[string]bool{}}
	builds := buildcontext.Find(c, parse(t, "Dockerfile", repo))
	for _, b := range builds {
		names(t, b.Context)
	}
	for name := range c.opened {
		if !buildcontext.Wanted(name) {
			t.Errorf("%s was opened though not wanted", name)
		}
	}
	if len(c.opened) != 5 {
		t.Errorf("opened %v, want the five files that may say something", c.opened)
	}
}
