package main

import (
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/queue"
)

// TestOneDashboardForAll shows all repositories of an owner who wants that, in .github, and has those looked at whose boxes are
// ticked. What is private is not told where everybody reads.
func TestOneDashboardForAll(t *testing.T) {
	t.Parallel()
	s := newBoardStage(t, sweepOptions{OpenPerOwner: 10, OpensPerHour: 10})
	at, err := s.hub.CreateRepo("acme", ".github", map[string]string{
		".github/lighterman.yml": "sweeps: {enabled: true, dashboard: organisation}\n",
	})
	must(t, err)
	at.SetPermission("robin", "write")
	shops := map[string]*githubtest.Repo{}
	for _, name := range []string{"shop", "till", "hidden"} {
		repo, err := s.hub.CreateRepo("acme", name, map[string]string{"Dockerfile": "FROM debian:12\nRUN apt-get update && apt-get install -y curl\n"})
		must(t, err)
		repo.SetPrivate(name == "hidden")
		shops[name] = repo
	}
	for range 3 {
		s.sweepDue(t, 100*24*time.Hour)
	}
	if n := len(at.Issues()); n != 1 {
		t.Fatalf("%d issues", n)
	}
	board := at.Issues()[0]
	for _, want := range []string{"box=sweep shop", "box=sweep till", "/acme/shop/pulls)"} {
		if !strings.Contains(board.Body(), want) {
			t.Errorf("no %s in\n%s", want, board.Body())
		}
	}
	if strings.Contains(board.Body(), "hidden") {
		t.Errorf("a private repository is named:\n%s", board.Body())
	}
	s.hub.ForgetRequests()
	s.sweepDue(t, 0)
	for _, r := range s.hub.Requests() {
		if wrote(r) {
			t.Errorf("with nothing changed: %s %s", r.Method, r.Path)
		}
	}
	all, err := s.service.queue.Repositories(t.Context(), 0)
	must(t, err)
	before := sweptAt(all, "shop")
	was := board.Body()
	box := strings.Index(was, "- [ ] <!-- lighterman:v1 box=sweep shop")
	must(t, board.Edit("robin", was[:box]+"- [x]"+was[box+len("- [ ]"):]))
	s.swept(t)
	all, err = s.service.queue.Repositories(t.Context(), 0)
	must(t, err)
	if !sweptAt(all, "shop").After(before) || strings.Contains(board.Body(), "- [x]") {
		t.Errorf("shop was swept at %s, and before at %s\n%s", sweptAt(all, "shop"), before, board.Body())
	}
	for name, repo := range shops {
		if len(repo.Issues()) > 0 {
			t.Errorf("%s has a dashboard of its own", name)
		}
	}
}

func sweptAt(all []queue.Repository, name string) time.Time {
	for _, r := range all {
		if r.Repo.Name == name {
			return r.Swept
		}
	}
	return time.Time{}
}
