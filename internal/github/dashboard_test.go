package github_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
)

// withIssues is what an owner grants who wants a dashboard.
func withIssues() map[string]string {
	p := githubtest.Full()
	p["issues"] = "write"
	return p
}

const marker = "<!-- a dashboard -->"

var board = forge.IssueDraft{Title: "Dashboard", Body: "First.\n\n" + marker}

// TestTheDashboardIsFound by its number, and without it among all that the App opened: the oldest open one, else the newest.
func TestTheDashboardIsFound(t *testing.T) {
	h := newHost(t, githubtest.Options{Permissions: withIssues()}, map[string]string{"README.md": "# shop\n"})
	p, ref := h.open(t, map[string]string{"Dockerfile": dockerfile})
	find := func(number int) *forge.Issue {
		t.Helper()
		issue, err := h.app.Dashboard(t.Context(), ref.Repo, number, marker)
		if err != nil {
			t.Fatal(err)
		}
		return issue
	}
	p.Repo().OpenIssue("by ann", "ann")
	if got := find(0); got != nil {
		t.Fatalf("found %+v before there is one", got)
	}
	var numbers []int
	for range 2 {
		n, err := h.app.SetDashboard(t.Context(), ref.Repo, 0, board)
		if err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, n)
	}
	if got := find(0); got == nil || got.Number != numbers[0] || !got.Open || got.Body != board.Body {
		t.Errorf("found %+v, want #%d", got, numbers[0])
	}
	shut := forge.IssueDraft{Body: strings.ReplaceAll(board.Body, "First", "Last"), Close: true}
	for _, n := range numbers {
		if _, err := h.app.SetDashboard(t.Context(), ref.Repo, n, shut); err != nil {
			t.Fatal(err)
		}
	}
	if got := find(0); got == nil || got.Number != numbers[1] || got.Open || got.Body != shut.Body {
		t.Errorf("found %+v, want #%d, closed", got, numbers[1])
	}
	h.ForgetRequests()
	if got := find(numbers[0]); got == nil || got.Number != numbers[0] {
		t.Errorf("found %+v by its number", got)
	}
	if n := len(h.Requests()); n != 1 {
		t.Errorf("to read it took %d requests", n)
	}
	one := p.Repo().Issues()[1]
	for _, by := range []string{"robin", "tidy[bot]"} {
		if err := one.Edit(by, "by "+by); err != nil {
			t.Fatal(err)
		}
		if got := find(numbers[0]); got == nil || got.Editor != by || got.Body != "by "+by {
			t.Errorf("edited by %s, found %+v", by, got)
		}
	}
	if _, err := h.app.SetDashboard(t.Context(), ref.Repo, numbers[0], board); err != nil {
		t.Fatal(err)
	}
	if got := find(numbers[0]); got == nil || got.Editor != "" {
		t.Errorf("edited by us, found %+v", got)
	}
	if got := find(p.Repo().Issues()[0].Number()); got != nil {
		t.Errorf("somebody else's is %+v", got)
	}
	one.Delete()
	if got := find(numbers[0]); got != nil {
		t.Errorf("a deleted one is %+v", got)
	}
}

// TestNoDashboardWithoutIssues is forbidden, and not asked for all the time.
func TestNoDashboardWithoutIssues(t *testing.T) {
	h := newHost(t, githubtest.Options{}, map[string]string{"README.md": "# shop\n"})
	_, ref := h.open(t, map[string]string{"Dockerfile": dockerfile})
	clock := newClock()
	h.app = newApp(t, h.Server, github.Options{Clock: clock})
	for range 3 {
		if _, err := h.app.Dashboard(t.Context(), ref.Repo, 0, marker); !errors.Is(err, forge.ErrForbidden) {
			t.Errorf("not granted: %v", err)
		}
	}
	h.ForgetRequests()
	if _, err := h.app.SetDashboard(t.Context(), ref.Repo, 0, board); !errors.Is(err, forge.ErrForbidden) || len(h.Requests()) > 0 {
		t.Errorf("not granted, and asked again: %v, %d requests", err, len(h.Requests()))
	}
	h.Grant("acme", withIssues())
	if err := clock.Sleep(t.Context(), 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := h.app.SetDashboard(t.Context(), ref.Repo, 0, board); err != nil {
		t.Errorf("granted meanwhile: %v", err)
	}
	repo, err := h.CreateRepo("acme", "quiet", map[string]string{"README.md": "x"})
	if err != nil {
		t.Fatal(err)
	}
	repo.NoIssues()
	if _, err := h.app.SetDashboard(t.Context(), forge.Repo{Installation: ref.Repo.Installation, Owner: "acme", Name: "quiet"}, 0, board); !errors.Is(err, forge.ErrForbidden) {
		t.Errorf("issues are switched off: %v", err)
	}
}
