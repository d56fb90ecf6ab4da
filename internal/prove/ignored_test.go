package prove

import (
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
)

// TestIgnored runs testdata/prove/ignored.txtar: each folder is a repository in which a fix of Dockerfile adds the lines of
// the file "lines" to the ignore file that its first line names; "error" is why it is refused, and without one it must be
// proven. What is under shared/ stands in every repository that has no file of that name.
func TestIgnored(t *testing.T) {
	a, err := txtar.ParseFile("../../testdata/prove/ignored.txtar")
	if err != nil {
		t.Fatal(err)
	}
	folders, shared := map[string]fstest.MapFS{}, fstest.MapFS{}
	var names []string
	for _, f := range a.Files {
		folder, file, _ := strings.Cut(f.Name, "/")
		if folder == "shared" {
			shared[file] = &fstest.MapFile{Data: f.Data}
			continue
		}
		if folders[folder] == nil {
			folders[folder] = fstest.MapFS{}
			names = append(names, folder)
		}
		text := strings.ReplaceAll(strings.TrimSuffix(string(f.Data), "\n␄\n"), "␍\n", "\r\n")
		folders[folder][file] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	for _, name := range names {
		repo := folders[name]
		for file, data := range shared {
			if repo[file] == nil {
				repo[file] = data
			}
		}
		t.Run(name, func(t *testing.T) { runIgnored(t, repo) })
	}
}

func runIgnored(t *testing.T, repo fstest.MapFS) {
	lines := strings.Fields(string(repo["lines"].Data))
	file, patterns := lines[0], lines[1:]
	var want string
	if repo["error"] != nil {
		want = strings.TrimSpace(string(repo["error"].Data))
	}
	delete(repo, "lines")
	delete(repo, "error")
	var text []byte
	if repo[file] != nil {
		text = repo[file].Data
	}
	offers := &check.Check{Name: "offers", Severity: check.Info, Run: func(p *check.Pass) error {
		if now, err := p.Repo.Open(file); err == nil {
			info, _ := now.Stat()
			now.Close()
			if int(info.Size()) > len(text) {
				return nil
			}
		}
		edit, err := fixes.Ignore(file, text, patterns)
		if err != nil {
			edit = fixes.Edit{Path: file, Start: len(text), End: len(text), New: strings.Join(patterns, "\n") + "\n"}
		}
		fix := fixes.Fix{Title: "t", Intent: fixes.Ignored{File: file, Patterns: patterns}, Edits: []fixes.Edit{edit}}
		p.Report(p.File.Instructions[0].Code(), "m", fix)
		return nil
	}}
	o := check.Options{Checks: []*check.Check{offers}, Prover: newPool(t, Options{})}
	result, err := check.Examine(t.Context(), repo, []string{"Dockerfile"}, o)
	if err != nil || len(result.Findings) != 1 {
		t.Fatal(result, err)
	}
	got := result.Findings[0].Refused
	switch {
	case want == "" && got != "":
		t.Errorf("refused: %s", got)
	case want != "" && (got == "" || !regexp.MustCompile(want).MatchString(got)):
		t.Errorf("refused %q, want %q", got, want)
	}
}

// TestIgnoredIsAboutOneFile holds what a fix that says it only adds to an ignore file must not do besides.
func TestIgnoredIsAboutOneFile(t *testing.T) {
	good := func() check.Case {
		return check.Case{
			Path: "Dockerfile", Before: []byte("FROM x\n"), After: []byte("FROM x\n"),
			Intent: fixes.Ignored{File: ".dockerignore", Patterns: []string{"__pycache__"}},
			Others: []check.Changed{{Path: ".dockerignore", Before: []byte("a\n"), After: []byte("a\n__pycache__\n")}},
			Repo:   fstest.MapFS{},
		}
	}
	for want, spoil := range map[string]func(c *check.Case){
		"Dockerfile is changed too": func(c *check.Case) { c.After = []byte("FROM y\n") },
		"another file": func(c *check.Case) {
			c.Others = append(c.Others, check.Changed{Path: "x", After: []byte("x")})
		},
		"other file .* is changed|another file": func(c *check.Case) { c.Others[0].Path = "main.go" },
		"no ignore file": func(c *check.Case) {
			c.Others[0].Path, c.Intent = "main.go", fixes.Ignored{File: "main.go", Patterns: []string{"__pycache__"}}
		},
		"more than the lines": func(c *check.Case) { c.Others[0].After = []byte("b\n__pycache__\n") },
		"more than the lines that are said": func(c *check.Case) {
			c.Others[0].After = []byte("a\n__pycache__\n*\n")
		},
		"is not known that Dockerfile is built": func(*check.Case) {},
		"nothing can show":                      func(c *check.Case) { c.Intent = fixes.Unchanged{} },
	} {
		c := good()
		spoil(&c)
		err := newPool(t, Options{}).Prove(t.Context(), c)
		if err == nil || !regexp.MustCompile(want).MatchString(err.Error()) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
