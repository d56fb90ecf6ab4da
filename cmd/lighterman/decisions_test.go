package main

import (
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/review"
	"github.com/lighterman/lighterman/testdata/demo"
)

// TestDecisionsTakeNoRequest reviews by the configuration of the base branch, whatever the pull request makes of it, in no
// more requests than without one.
func TestDecisionsTakeNoRequest(t *testing.T) {
	s := newStage(t)
	base := archived(demo.Base)
	base[".github/lighterman.yml"] = "checks: {shell-form: off, apt-update-alone: error}\ncomments: {max-inline: 1}\n"
	repo, err := s.hub.CreateRepo("acme", "shop", base)
	must(t, err)
	change := demoFile("web/Dockerfile")
	change[".github/lighterman.yml"] = "checks: {apt-update-alone: off}\nbuilder: kanico\n"
	_, err = repo.Push("topic", "Change", change)
	must(t, err)
	s.hub.ForgetRequests()
	pull, err := repo.OpenPull(githubtest.PullOptions{Title: "Change", Author: "robin", Head: "topic"})
	must(t, err)
	out := s.outcome(t, pull)
	s.requests(t, 6)
	if out.End != review.Published || len(out.Plan.Review.Comments) != 1 || !strings.Contains(out.Plan.Review.Comments[0].Body, "apt-update-alone") {
		t.Fatalf("%s, review %+v", out.End, out.Plan.Review)
	}
	told := map[string]string{}
	for _, c := range out.Opinion.Comments {
		told[c.Finding.Check.Name] = c.Finding.Check.Severity.String()
	}
	if told["apt-update-alone"] != "error" || told["shell-form"] != "" || len(told) < 2 {
		t.Errorf("told %v", told)
	}
	if words := `builder is "kanico", which is none of`; !strings.Contains(out.Plan.Check.Summary, words) {
		t.Errorf("%q is not in the summary\n%s", words, out.Plan.Check.Summary)
	}
}
