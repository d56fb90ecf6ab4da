package github_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/githubtest"
)

// TestOpenPullRequests lists everything that the App can reach, with one token for each installation.
func TestOpenPullRequests(t *testing.T) {
	h := newHost(t, githubtest.Options{}, map[string]string{"README.md": "# shop\n"})
	pull, ref := h.open(t, map[string]string{"Dockerfile": dockerfile})
	closed, _ := h.open(t, map[string]string{"Dockerfile": dockerfile + "# more\n"})
	if err := closed.Close("ann"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"idle", "archived"} {
		r, err := h.CreateRepo("acme", name, map[string]string{"README.md": "x"})
		if err != nil {
			t.Fatal(err)
		}
		if name == "archived" {
			r.OpenIssue("Why?", "ann")
			r.Archive()
		}
	}
	for _, owner := range []string{"gone", "suspended"} {
		if _, err := h.CreateRepo(owner, "x", map[string]string{"README.md": "x"}); err != nil {
			t.Fatal(err)
		}
	}
	h.Suspend("suspended", true)
	ids, err := h.app.Installations(t.Context())
	if want := []int64{h.InstallationID("acme"), h.InstallationID("gone")}; err != nil || !slices.Equal(ids, want) {
		t.Fatalf("installations %v, want %v: %v", ids, want, err)
	}
	repos, err := h.app.Active(t.Context(), ids[0])
	if want := []forge.Repo{ref.Repo}; err != nil || !slices.Equal(repos, want) {
		t.Fatalf("repositories %+v, want %+v: %v", repos, want, err)
	}
	heads, err := h.app.Open(t.Context(), repos[0])
	if want := []forge.Head{{Ref: ref, Commit: pull.Head()}}; err != nil || !slices.Equal(heads, want) {
		t.Errorf("open are %+v, want %+v: %v", heads, want, err)
	}
	if n := h.TokenRequests(); n != 1 {
		t.Errorf("%d tokens, want one", n)
	}
	h.Uninstall("gone")
	if _, err := h.app.Active(t.Context(), ids[1]); !errors.Is(err, forge.ErrGone) {
		t.Errorf("an installation that is gone: %v", err)
	}
	h.RevokeTokens()
	if _, err := h.app.Active(t.Context(), ids[0]); err != nil {
		t.Errorf("after the token ended: %v", err)
	}
}

// TestOpenPages lists more than one page, those that changed last first.
func TestOpenPages(t *testing.T) {
	h := newHost(t, githubtest.Options{}, map[string]string{"README.md": "# shop\n"})
	const many = 103
	for n := range many {
		branch := fmt.Sprint("topic-", n)
		if err := h.repo.Branch(branch, "main"); err != nil {
			t.Fatal(err)
		}
		if _, err := h.repo.OpenPull(githubtest.PullOptions{Title: "x", Author: "ann", Head: branch}); err != nil {
			t.Fatal(err)
		}
	}
	heads, err := h.app.Open(t.Context(), h.place())
	if err != nil || len(heads) != many || heads[0].Ref.Number != many {
		t.Errorf("%d open, the first %+v, %v", len(heads), heads[:1], err)
	}
}
