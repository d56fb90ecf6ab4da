package buildcontext_test

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
)

var update = flag.Bool("update", false, "rewrite what the archives want")

// TestFind runs the archives of testdata/buildcontext: a repository, and a file "want" with a line for every build of
// every Dockerfile, followed by what its context holds when the line before the dash asks for it.
func TestFind(t *testing.T) {
	archives, err := filepath.Glob("../../testdata/buildcontext/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			repo, want := fstest.MapFS{}, ""
			for _, f := range archive.Files {
				if f.Name == "want" {
					want = string(f.Data)
					continue
				}
				repo[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
			}
			got := describe(t, repo)
			if *update {
				archive.Files[len(archive.Files)-1].Data = []byte(got) // "want" comes last
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// describe lists every build of every Dockerfile of a repository.
func describe(t *testing.T, repo fstest.MapFS) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(repo)) {
		if !dockerfile.Named(name) {
			continue
		}
		builds := buildcontext.Find(repo, parse(t, name, repo))
		if len(builds) == 0 {
			fmt.Fprintf(&b, "%s: unknown\n", name)
		}
		for _, build := range builds {
			fmt.Fprintf(&b, "%s: %s\n", name, line(build))
		}
	}
	return b.String()
}

func line(b buildcontext.Build) string {
	text := fmt.Sprintf("%s (%s)", b.Dir, b.Origin)
	if b.Unknown != "" {
		text = fmt.Sprintf("? (%s) %s", b.Origin, b.Unknown)
	}
	for _, key := range slices.Sorted(maps.Keys(b.Named)) {
		text += fmt.Sprintf(" %s:=%s", key, b.Named[key])
	}
	for _, key := range slices.Sorted(maps.Keys(b.Args)) {
		text += fmt.Sprintf(" %s=%s", key, b.Args[key])
	}
	for _, name := range b.Varied {
		text += " " + name + "=?"
	}
	if b.AnyTarget {
		text += " target:?"
	}
	if b.AnyNamed {
		text += " names:?"
	}
	for _, part := range []struct{ name, text string }{
		{"target", b.Target}, {"platforms", strings.Join(b.Platforms, ",")}, {"ignore", b.Ignore},
	} {
		if part.text != "" {
			text += fmt.Sprintf(" %s:%s", part.name, part.text)
		}
	}
	if b.Remote {
		text += " remote"
	}
	if b.Pushed != "" && b.Pushed != b.Origin {
		text += " pushed by " + b.Pushed
	} else if b.Pushed != "" {
		text += " pushed"
	}
	return text
}

func parse(t *testing.T, name string, repo fs.FS) *dockerfile.File {
	t.Helper()
	data, err := fs.ReadFile(repo, name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := dockerfile.Parse(name, data)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
