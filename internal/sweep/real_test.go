package sweep

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
)

// TestMergedPullRequestsLeaveNone sweeps real repositories with the whole catalogue until nothing is proposed any more, merging one pull
// request after each sweep: none of what they were about is found then, and no sweep proposes again what was merged.
func TestMergedPullRequestsLeaveNone(t *testing.T) {
	o := engine(t)
	for _, name := range []string{"repo-go-work", "repo-bake"} {
		files := map[string]string{".github/lighterman.yml": on}
		root := os.DirFS("../../testdata/corpus/" + name)
		err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := fs.ReadFile(root, path)
			files[path] = string(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		h := newTown(files)
		s := h.sweeper()
		s.Options = o
		var ask Ask
		merged := map[string]bool{}
		for range 20 {
			out, err := s.Sweep(t.Context(), h.repo.Repo, ask)
			if err != nil {
				t.Fatal(err)
			}
			ask.Memory = out.Memory
			n := slices.IndexFunc(h.pulls, func(p *pull) bool { return p.State == forge.PullOpen })
			if n < 0 {
				break
			}
			for _, id := range about(h.pulls[n]) {
				if merged[id] {
					t.Errorf("%s: #%d proposes again what was merged", name, n+1)
				}
				merged[id] = true
			}
			h.merge(h.pulls[n])
		}
		there, _ := h.Repository(t.Context(), h.repo.Repo)
		tree, _ := h.Tree(t.Context(), h.repo.Repo, there.Head)
		paths, _, err := check.Dockerfiles(t.Context(), tree, o, 100)
		if err != nil {
			t.Fatal(err)
		}
		result, err := check.Examine(t.Context(), tree, paths, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range result.Findings {
			if merged[nameOf(f).id] {
				t.Errorf("%s: %s in %s is still there", name, f.Check.Name, f.Path)
			}
		}
		if len(h.pulls) < 2 || slices.ContainsFunc(h.pulls, func(p *pull) bool { return p.State == forge.PullOpen }) {
			t.Errorf("%s: %d pull requests", name, len(h.pulls))
		}
		if os.Getenv("SHOW") != "" {
			for _, p := range h.pulls {
				above, _, _ := noteOf(p.Body)
				t.Logf("#%d %s (%s)\n%s\n", p.Number, p.Title, p.State, strings.TrimSpace(above))
			}
		}
	}
}
