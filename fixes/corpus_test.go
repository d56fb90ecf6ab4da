package fixes_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// TestRecipesHoldOnRealFiles tries every recipe on every instruction of testdata/corpus.
func TestRecipesHoldOnRealFiles(t *testing.T) {
	done := map[string]int{}
	err := filepath.WalkDir("../testdata/corpus", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !dockerfile.Named(path) {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := dockerfile.Parse("Dockerfile", src)
		if err != nil {
			return nil // the corpus has files that are no Dockerfiles too
		}
		t.Run(path, func(t *testing.T) {
			for _, i := range f.Instructions {
				tryAll(t, f, i, done)
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, recipe := range []string{"move", "merge", "append", "less", "flag", "user"} {
		if done[recipe] == 0 {
			t.Errorf("no real file was changed by %q", recipe)
		}
	}
	t.Log(done)
}

// tryAll applies each recipe to i and counts those that did not refuse.
func tryAll(t *testing.T, f *dockerfile.File, i *dockerfile.Instruction, done map[string]int) {
	next := f.Instructions[min(i.Index+1, len(f.Instructions)-1)]
	over := f.Instructions[min(i.Index+2, len(f.Instructions)-1)]
	try := func(recipe string, edits []fixes.Edit, err error) {
		if err != nil {
			return
		}
		done[recipe]++
		src, err := fixes.Apply(f.Path, f.Src, edits)
		if err != nil {
			t.Fatalf("%s line %d: %v", recipe, i.Line(), err)
		}
		holds(said{t, fmt.Sprintf("%s line %d", recipe, i.Line())}, f, src, edits)
	}
	edits, err := fixes.Move(f, i, over)
	try("move", edits, err)
	edits, err = fixes.MergeRuns(f, i, next)
	try("merge", edits, err)
	edits, err = fixes.AppendCommand(f, i, "rm -rf /var/lib/apt/lists/*")
	try("append", edits, err)
	edits, err = fixes.RemoveCommand(f, i, command(i, "apt-get"))
	try("less", edits, err)
	edits, err = fixes.SetUser(f, i, "app", "useradd app")
	try("user", edits, err)
	edits, err = one(fixes.SetFlag(f, i, "chown", "1:1"))
	try("flag", edits, err)
	edits, err = one(fixes.InsertBefore(f, i, "ARG X"), nil)
	try("before", edits, err)
	edits, err = one(fixes.InsertAfter(f, i, "ARG X"), nil)
	try("after", edits, err)
	if i.Keyword != "FROM" {
		edits, err = one(fixes.Remove(f, i), nil)
		try("remove", edits, err)
	}
}

// said puts what was tried before what failed.
type said struct {
	*testing.T
	what string
}

func (s said) Errorf(format string, args ...any) { s.T.Errorf(s.what+": "+format, args...) }
func (s said) Error(args ...any)                 { s.T.Error(append([]any{s.what + ":"}, args...)...) }
func (s said) Fatalf(format string, args ...any) { s.T.Fatalf(s.what+": "+format, args...) }
