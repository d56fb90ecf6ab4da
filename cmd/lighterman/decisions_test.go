package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/review"
	"github.com/lighterman/lighterman/testdata/demo"
)

// TestDecisionsTakeNoRequest reviews by the configuration of the base branch, whatever the pull request makes of it, in no
// more requests than without one.
func TestDecisionsTakeNoRequest(t *testing.T) {
	t.Parallel()
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
	c := out.Plan.Check
	if words := `builder is "kanico", which is none of`; c == nil || !strings.Contains(c.Summary, words) || !annotated(c, ".github/lighterman.yml", 2) {
		t.Errorf("%q is not in the check run\n%+v", words, c)
	}
}

// annotated reports whether a check run has an annotation on a line.
func annotated(c *forge.CheckDraft, path string, line int) bool {
	return slices.ContainsFunc(c.Annotations, func(a forge.Annotation) bool { return a.Path == path && a.StartLine == line })
}

// TestTheOrganisationDecides reviews by the organisation's default under the repository's own file: read once in some
// minutes, and when the organisation has none, without a request.
func TestTheOrganisationDecides(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	const own = "checks: {shell-form: off}\n"
	for _, c := range []struct {
		owner  string
		has    map[string]string
		first  int // requests of the first review
		inline int
	}{
		{"acme", map[string]string{".github/lighterman.yml": "extends: acme/presets:lighterman/few.yml@main\nchecks: {apt-update-alone: error}\n"}, 10, 1},
		{"quiet", map[string]string{"profile/README.md": "Hello"}, 7, 10},
		{"none", nil, 6, 10},
	} {
		if c.has != nil {
			_, err := s.hub.CreateRepo(c.owner, ".github", c.has)
			must(t, err)
			_, err = s.hub.CreateRepo(c.owner, "presets", map[string]string{"lighterman/few.yml": "comments: {max-inline: 1}\n"})
			must(t, err)
		}
		for _, name := range []string{"one", "two"} {
			base := archived(demo.Base)
			base[".github/lighterman.yml"] = own
			repo, err := s.hub.CreateRepo(c.owner, name, base)
			must(t, err)
			_, err = repo.Push("topic", "Change", demoFile("web/Dockerfile"))
			must(t, err)
			s.hub.ForgetRequests()
			pull, err := repo.OpenPull(githubtest.PullOptions{Title: "Change", Author: "robin", Head: "topic"})
			must(t, err)
			out := s.outcome(t, pull)
			s.requests(t, map[string]int{"one": c.first, "two": 6}[name])
			if out.End != review.Published || out.Plan.Review == nil || min(len(out.Plan.Review.Comments), c.inline) != len(out.Plan.Review.Comments) {
				t.Fatalf("%s/%s: %s, review %+v", c.owner, name, out.End, out.Plan.Review)
			}
			if few := len(out.Plan.Review.Comments) == 1; few != (c.inline == 1) {
				t.Errorf("%s/%s: %d comments", c.owner, name, len(out.Plan.Review.Comments))
			}
			for _, told := range out.Opinion.Comments {
				want := c.owner == "acme" && told.Finding.Check.Name == "apt-update-alone"
				if told.Finding.Check.Name == "shell-form" || want && told.Finding.Check.Severity != check.Error {
					t.Errorf("%s/%s: %s is %s", c.owner, name, told.Finding.Check.Name, told.Finding.Check.Severity)
				}
			}
			if n := len(out.Opinion.Notes); n > 0 {
				t.Errorf("%s/%s: notes %+v", c.owner, name, out.Opinion.Notes)
			}
		}
	}
}
