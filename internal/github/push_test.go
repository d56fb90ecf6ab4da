package github_test

import (
	"testing"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/githubtest"
)

// TestPushKeepsEveryByte holds for texts that JSON cannot hold, with their modes.
func TestPushKeepsEveryByte(t *testing.T) {
	h := newHost(t, githubtest.Options{}, map[string]string{"README.md": "x\n"})
	p, ref := h.open(t, map[string]string{"Dockerfile": dockerfile})
	files := []forge.FileText{
		{Path: "latin", Text: []byte("# caf\xe9\r\n"), Executable: true}, {Path: "utf", Text: []byte("\ufeff# café\n\x00")},
	}
	commit, err := h.app.Push(t.Context(), ref.Repo, forge.Commit{Parent: p.Head(), Branch: "topic", Message: "x", Files: files})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := h.repo.ReadFile(commit, f.Path)
		if err != nil || text != string(f.Text) {
			t.Errorf("%s is %q, %v", f.Path, text, err)
		}
		mode, err := h.repo.Mode(commit, f.Path)
		if want := map[bool]string{true: "100755", false: "100644"}[f.Executable]; err != nil || mode != want {
			t.Errorf("%s has the mode %s, %v", f.Path, mode, err)
		}
	}
}
