package github_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/githubtest"
)

// TestChangeFiles: what happened to each file, in our words; and whether GitHub left any out.
func TestChangeFiles(t *testing.T) {
	h := newHost(t, githubtest.Options{Limits: githubtest.Limits{Files: 150, PatchLines: 50}}, map[string]string{
		"gone": "x\n", "old": dockerfile, "edit": "a\n",
	})
	files := map[string]string{"new": dockerfile, "edit": "b\n", "large": strings.Repeat("x\n", 60)}
	for n := range 120 {
		files[fmt.Sprintf("many/%03d", n)] = "x"
	}
	work := githubtest.Commit{Message: "x", Files: files, Delete: []string{"gone", "old"}}
	if _, err := h.repo.Commit("topic", work); err != nil {
		t.Fatal(err)
	}
	p, err := h.repo.OpenPull(githubtest.PullOptions{Title: "x", Head: "topic", Author: h.Bot(), Draft: true})
	if err != nil {
		t.Fatal(err)
	}
	c := h.change(t, h.ref(p))
	if st := h.standing(t, h.ref(p)); !st.Ours || st.Author != "lighterman[bot]" || !st.Bot || !st.Draft || st.Count != len(c.Files) {
		t.Errorf("Standing: %+v for %d files", st, len(c.Files))
	} else if base, err := p.Base(); err != nil || st.Base != base {
		t.Errorf("base %s, want %s, %v", st.Base, base, err)
	}
	if c.Full || c.Head != p.Head() {
		t.Errorf("full %v at %s, want %s", c.Full, c.Head, p.Head())
	}
	got := map[string]forge.ChangedFile{}
	for _, f := range c.Files {
		got[f.Path] = f
	}
	for _, want := range []forge.ChangedFile{
		{Path: "gone", Status: forge.Removed, Patch: "@@ -1 +0,0 @@\n-x", Lines: 1},
		{Path: "edit", Status: forge.Modified, Patch: "@@ -1 +1 @@\n-a\n+b", Lines: 2},
		{Path: "new", OldPath: "old", Status: forge.Renamed},
		{Path: "large", Status: forge.Added, Lines: 60},
	} {
		if got[want.Path] != want {
			t.Errorf("%+v, want %+v", got[want.Path], want)
		}
	}
	if len(got) != 124 || h.operations()["pulls/list-files"] != 2 {
		t.Errorf("%d files by %v", len(got), h.operations())
	}
	for n := range 40 {
		files[fmt.Sprintf("more/%03d", n)] = "x"
	}
	if _, err := h.repo.Push("topic", "more", files); err != nil {
		t.Fatal(err)
	}
	if c := h.change(t, h.ref(p)); len(c.Files) != 150 || c.Head != p.Head() {
		t.Errorf("%d files of %s", len(c.Files), c.Head)
	}
	if st := h.standing(t, h.ref(p)); st.Count != 164 {
		t.Errorf("%d files are counted", st.Count)
	}
}

// TestOnlyRemoved: files that were removed name the commit that still has them, so the head is asked for.
func TestOnlyRemoved(t *testing.T) {
	h := newHost(t, githubtest.Options{}, map[string]string{"gone": "x\n", "a": "a\n"})
	if _, err := h.repo.Commit("topic", githubtest.Commit{Message: "x", Delete: []string{"gone"}}); err != nil {
		t.Fatal(err)
	}
	p, err := h.repo.OpenPull(githubtest.PullOptions{Title: "x", Head: "topic"})
	if err != nil {
		t.Fatal(err)
	}
	if c := h.change(t, h.ref(p)); c.Head != p.Head() || len(c.Files) != 1 || c.Files[0].Status != forge.Removed {
		t.Errorf("%+v, want a removed file at %s", c, p.Head())
	}
}

// TestStandingThreads: threads we started with everything said in them, over several pages; others' are left out.
// The 130 replies are reviews too, which takes the third page.
func TestStandingThreads(t *testing.T) {
	h, p, ref, _ := reviewed(t)
	if err := p.Review("ann", "hers", githubtest.ReviewComment{Path: "Dockerfile", Line: 1, Body: "hers"}); err != nil {
		t.Fatal(err)
	}
	for n := range 104 {
		comments := []githubtest.ReviewComment{{Path: "Dockerfile", Line: n%5 + 1, Body: fmt.Sprint("ours ", n)}}
		if err := p.Review(h.Bot(), fmt.Sprint("review ", n), comments...); err != nil {
			t.Fatal(err)
		}
	}
	threads, err := p.Threads()
	if err != nil {
		t.Fatal(err)
	}
	for n := range 130 {
		if err := p.Reply(threads[3].ID, "robin", fmt.Sprint("reply ", n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Resolve(threads[4].ID, "robin"); err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(dockerfile, "COPY . .", "COPY a .", 1)
	if _, err := h.repo.Push("topic", "x", map[string]string{"Dockerfile": changed}); err != nil {
		t.Fatal(err)
	}
	c := h.standing(t, ref)
	if len(c.Threads) != 104 || len(c.Reviews) != 104 || h.operations()["graphql:Standing"] != 3 ||
		h.operations()["graphql:Comments"] != 1 {
		t.Fatalf("%d threads, %d reviews by %v", len(c.Threads), len(c.Reviews), h.operations())
	}
	if got := c.Threads[2].Comments; len(got) != 131 || got[130].Body != "reply 129" || got[130].Author != "robin" ||
		got[130].Ours || !got[0].Ours {
		t.Errorf("%d comments, the last %+v", len(got), got[len(got)-1])
	}
	if got := c.Threads[3]; !got.Resolved || got.ResolvedBy != "robin" {
		t.Errorf("resolved: %+v", got)
	}
	if a, b := c.Threads[2], c.Threads[3]; !a.Outdated || a.Line != 0 || b.Outdated || b.Line != 4 {
		t.Errorf("outdated: %+v and %+v", a, b)
	}
	if got := c.Threads[0].Comments[0]; got.Author != h.Bot() || got.ID <= 1<<32 || got.NodeID == "" {
		t.Errorf("our comment is %+v", got)
	}
	if got := c.Reviews[103]; got.Body != "review 103" || got.Commit == c.Head {
		t.Errorf("our last review is %+v", got)
	}
}
