package ecosystem_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/ecosystem"
)

var update = flag.Bool("update", false, "rewrite the want files of testdata/ecosystem")

// TestInstalls runs the archives of testdata/ecosystem: a repository, and a file "want" in which every line that begins
// with "$ " is the script of a RUN at the repository's root, followed by what is known of it.
func TestInstalls(t *testing.T) {
	archives, err := filepath.Glob("../../testdata/ecosystem/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { runArchive(t, name) })
	}
}

func runArchive(t *testing.T, name string) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	repo := fstest.MapFS{}
	var want *txtar.File
	for k, f := range archive.Files {
		if f.Name == "want" {
			want = &archive.Files[k]
			continue
		}
		repo[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
	}
	if want == nil {
		t.Fatal("no file named want")
	}
	var got strings.Builder
	for _, line := range strings.Split(string(want.Data), "\n") {
		if script, ok := strings.CutPrefix(line, "$ "); ok {
			got.WriteString(line + "\n" + known(t, repo, script))
		}
	}
	if *update {
		want.Data = []byte(got.String())
		if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(want.Data), got.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// known says what is known of a script.
func known(t *testing.T, repo fstest.MapFS, script string) string {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", []byte("FROM a\nRUN "+script+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	step := ecosystem.Look(f.Instructions[1])
	env := map[string]string{}
	for _, kv := range step.Sets {
		name, text, _ := strings.Cut(kv, "=")
		env[name] = text
	}
	var b strings.Builder
	for _, call := range step.Calls {
		i := call.Read(ecosystem.Root{Context: repo, Image: "/app", Env: env}, call.Dir)
		fmt.Fprintf(&b, "%s in %s: %s\n", i.Manager, call.Dir, strings.Join(i.Inputs, " "))
		if len(i.Outputs) > 0 {
			fmt.Fprintf(&b, "    writes %s\n", strings.Join(i.Outputs, " "))
		}
		if len(i.Absent) > 0 {
			fmt.Fprintf(&b, "    looks at %s\n", strings.Join(i.Absent, " "))
		}
		if i.Idle != "" {
			fmt.Fprintf(&b, "    idle: %s\n", i.Idle)
		}
		if i.Unknown != "" {
			fmt.Fprintf(&b, "    unknown: %s\n", i.Unknown)
		}
	}
	for _, other := range step.Others {
		fmt.Fprintf(&b, "other: %s\n", f.Text(other.Span))
	}
	if step.Opaque != "" {
		fmt.Fprintf(&b, "opaque: %s\n", step.Opaque)
	}
	if b.Len() == 0 {
		return "nothing of the project\n"
	}
	return b.String()
}
