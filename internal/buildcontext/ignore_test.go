package buildcontext_test

import (
	"context"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"
	"pgregory.net/rapid"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
)

// ignorable is the tree that ignore files are tried on.
var ignorable = []string{
	"Dockerfile", "a.md", "b.md", ".env", "docs/a.md", "docs/deep/b.md", "src/a.go", "src/deep/b.go", "src/deep/er/c.go",
	"node_modules/m.js", "src/node_modules/m.js", "a b.txt", "ü.txt", "src!x", "sub/keep.txt", "sub/drop.txt",
}

// TestIgnoreFileAsBuildKitReadsIt compares what a context shows with what BuildKit's client would send: the same patterns
// given to fsutil's walk over the same files.
func TestIgnoreFileAsBuildKitReadsIt(t *testing.T) {
	dir := ignorableDir(t)
	for name, text := range map[string]string{
		"comment and blank lines":    "# a.md\n\n  \n*.md\n",
		"comment with space":         " # a.md\n",
		"hash within":                "a.md #x\n",
		"byte order mark":            "\ufeff*.md\n",
		"no UTF-8":                   "caf\xe9\n*.md\nsrc\xff\xfe\n",
		"byte order mark and !":      "\ufeff!a.md\n*.md\n",
		"carriage returns":           "*.md\r\nsrc\r\n",
		"trailing blanks":            "*.md  \nsrc\t\n",
		"leading slash":              "/a.md\n/docs/\n",
		"dots":                       "./a.md\nsrc/../docs\n../a.md\n.\n",
		"only a slash":               "/\n",
		"everything":                 "*\n",
		"everything, deep":           "**\n",
		"everything but":             "*\n!src\n!a.md\n",
		"BK 6512":                    "*\n!*.md\n!src/\n!docs/\n",
		"moby 52125":                 "*\n!a.md\n!sub/keep.txt\n",
		"moby 31722":                 "sub\n!sub*/drop.txt\n!sub/keep.txt\n",
		"moby 40318":                 "*\n!a.md\n!**/b.md\n",
		"docker/cli 2847":            "*\n!**/*.go\n!a.md\n",
		"taken back, then not":       "src\n!src/deep\nsrc/deep/er\n",
		"the last one wins":          "!a.md\n*.md\n",
		"negation with space":        "*.md\n! a.md\n",
		"negation of a slash":        "*.md\n!/a.md\n",
		"double negation":            "*\n!!src\n",
		"only negations":             "!src\n",
		"a lone !":                   "*.md\n!\n",
		"double star in the middle":  "src/**/c.go\n",
		"double star at the end":     "src/**\n!src/**/b.go\n",
		"double star name":           "**/node_modules\n",
		"question mark and class":    "?.md\nsrc/[a-d]eep\n",
		"escaped":                    "\\#x\na\\ b.txt\n\\!x\n",
		"dot files":                  ".*\n",
		"not ASCII":                  "ü*\n",
		"a directory with its slash": "src/deep/\n",
		"no final newline":           "*.md",
		"broken":                     "[\n",
		"below a file":               "a.md/x\n!a.md/x\n",
		"quotes":                     "\"a.md\"\n",
	} {
		t.Run(name, func(t *testing.T) { compareWithBuildKit(t, dir, text) })
	}
}

// TestIgnoreFileProperty is the same for ignore files made of pieces.
func TestIgnoreFileProperty(t *testing.T) {
	dir := ignorableDir(t)
	piece := rapid.SampledFrom([]string{"*", "**", "src", "deep", "docs", "a.md", "*.md", "*.go", "er", "sub", "?", "node_modules", "[a-s]*"})
	line := rapid.Custom(func(t *rapid.T) string {
		prefix := rapid.SampledFrom([]string{"", "", "!", "/", "!/", "**/", "!**/"}).Draw(t, "prefix")
		return prefix + strings.Join(rapid.SliceOfN(piece, 1, 3).Draw(t, "pieces"), "/")
	})
	rapid.Check(t, func(t *rapid.T) {
		compareWithBuildKit(t, dir, strings.Join(rapid.SliceOfN(line, 1, 5).Draw(t, "lines"), "\n"))
	})
}

func ignorableDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, repoOf(ignorable...)); err != nil {
		t.Fatal(err)
	}
	return dir
}

type failer interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

func compareWithBuildKit(t failer, dir, text string) {
	t.Helper()
	repo := repoOf(ignorable...)
	repo["Dockerfile.dockerignore"] = &fstest.MapFile{Data: []byte(text)}
	got, want := shown(t, repo), sent(t, dir, text)
	got = slices.DeleteFunc(got, func(name string) bool { return name == "Dockerfile.dockerignore" })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%q (-BuildKit +ours):\n%s", text, diff)
	}
}

// sent is what BuildKit's client sends of a directory; nothing when the patterns are refused.
func sent(t failer, dir, text string) []string {
	patterns, err := ignorefile.ReadAll(strings.NewReader(text))
	if err != nil {
		return nil
	}
	files, err := fsutil.NewFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	filtered, err := fsutil.NewFilterFS(files, &fsutil.FilterOpt{ExcludePatterns: patterns})
	if err != nil {
		return nil
	}
	var out []string
	err = filtered.Walk(context.Background(), "/", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, name)
		}
		return err
	})
	if err != nil {
		return nil
	}
	slices.Sort(out)
	return out
}

// shown is what the context shows of the same files.
func shown(t failer, repo fs.FS) []string {
	f, err := dockerfile.Parse("Dockerfile", []byte("FROM alpine\nCOPY . .\n"))
	if err != nil {
		t.Fatal(err)
	}
	builds := buildcontext.Find(repo, f)
	if len(builds) != 1 {
		return nil // the root of an empty context cannot be inferred
	}
	for _, dir := range []string{"docs", "src", "src/deep", "sub", "src/node_modules"} {
		below := fstest.MapFS{"Dockerfile.dockerignore": repo.(fstest.MapFS)["Dockerfile.dockerignore"]}
		for _, name := range []string{"x", "a.md", "b.go", "deep/a.md", "deep/er/er", "src/deep/docs"} {
			below[dir+"/"+name] = &fstest.MapFile{}
		}
		for _, b := range buildcontext.Find(below, f) {
			_ = fs.WalkDir(b.Context, dir, func(name string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() && builds[0].Hides(dir) {
					t.Errorf("%s is said to be hidden and shows %s", dir, name)
				}
				return nil
			})
		}
	}
	var out []string
	err = fs.WalkDir(builds[0].Context, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}
