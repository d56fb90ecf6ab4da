package main

import (
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/testdata/demo"
)

// sameHead opens pull requests of one branch into main, where findings fail, and into one where nothing does.
func sameHead(t *testing.T, s *stage) (strict, lax *githubtest.Pull) {
	t.Helper()
	base := archived(demo.Base)
	base[".github/lighterman.yml"] = "fail-on: warning\n"
	repo, err := s.hub.CreateRepo("acme", "shop", base)
	must(t, err)
	tip, err := repo.Head("main")
	must(t, err)
	must(t, repo.Branch("old", tip))
	_, err = repo.Push("old", "Decide nothing", map[string]string{".github/lighterman.yml": "fail-on: never\n"})
	must(t, err)
	_, err = repo.Push("topic", "Change", demoFile("web/Dockerfile"))
	must(t, err)
	strict = openTopic(t, repo)
	lax, err = repo.OpenPull(githubtest.PullOptions{Title: "The same", Author: "robin", Head: "topic", Base: "old"})
	must(t, err)
	s.settled(t)
	return strict, lax
}

// lookAgain has a pull request looked at though nothing happened there.
func (s *stage) lookAgain(t *testing.T, pull *githubtest.Pull) {
	t.Helper()
	id, err := s.service.app.Load().InstallationOf(t.Context(), "acme")
	must(t, err)
	repo := forge.Repo{Installation: id, Owner: "acme", Name: pull.Repo().Name()}
	must(t, s.service.queue.Enqueue(t.Context(), forge.Ref{Repo: repo, Number: pull.Number()}))
	s.settled(t)
}

// counts is the check run that counts for a commit: the newest.
func counts(t *testing.T, pull *githubtest.Pull) githubtest.CheckRun {
	t.Helper()
	runs := pull.CheckRuns()
	if len(runs) == 0 {
		t.Fatal("no check run")
	}
	return runs[len(runs)-1]
}

// TestTwoPullRequestsOfOneHead holds that the check run which counts is the stricter one's whichever was looked at last,
// that neither writes again for the other's sake, and that it passes once the stricter one is closed.
func TestTwoPullRequestsOfOneHead(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	strict, lax := sameHead(t, s)
	quiet := func(when string) {
		t.Helper()
		s.hub.ForgetRequests()
		for _, p := range []*githubtest.Pull{lax, strict, lax} {
			s.lookAgain(t, p)
		}
		s.wroteNothing(t)
		if run := counts(t, strict); run.Conclusion != "failure" {
			t.Errorf("%s the check run that counts is %s: %s", when, run.Conclusion, run.Title)
		}
	}
	quiet("at first")
	_, err := strict.Repo().Push("topic", "More", map[string]string{"web/Dockerfile": demoFile("web/Dockerfile")["web/Dockerfile"] + "# more\n"})
	must(t, err)
	s.settled(t)
	quiet("after a push")
	strict.Repo().SetPermission("ann", "write")
	s.comment(t, lax, "ann", "/lighterman review")
	if run := counts(t, lax); run.Conclusion != "failure" || !strings.Contains(run.Summary, "#1") || !strings.HasPrefix(run.ExternalID, "#2 ") {
		t.Errorf("asked again: %+v", run)
	}
	quiet("after it was asked for")
	must(t, strict.Close("robin"))
	s.settled(t)
	if run := counts(t, lax); run.Conclusion == "failure" {
		t.Errorf("closed: %+v", run)
	}
	s.hub.ForgetRequests()
	must(t, lax.Close("robin"))
	s.settled(t)
	s.wroteNothing(t)
}
