package main

import (
	"strings"
	"testing"

	"github.com/lighterman/lighterman/testdata/demo"
)

// TestTheBaseBranchDecides begins a pull request at a commit from before the configuration was made, and one from when it
// was another: what the base branch's tip says holds, for who opens a pull request also chooses where it begins.
func TestTheBaseBranchDecides(t *testing.T) {
	t.Parallel()
	const file, strict = ".github/lighterman.yml", "fail-on: warning\nchecks: {shell-form: off, apt-update-alone: error}\n"
	for name, base := range map[string]map[string]string{
		"none before":   {},
		"another":       {file: "fail-on: never\n"},
		"in a preset":   {file: "extends: ./lib/docker.yml\n", "lib/docker.yml": "fail-on: never\n"},
		"under another": {".lighterman.yml": "fail-on: never\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			files := archived(demo.Base)
			for path, text := range base {
				files[path] = text
			}
			repo, err := s.hub.CreateRepo("acme", "shop", files)
			must(t, err)
			_, err = repo.Push("topic", "Change", demoFile("web/Dockerfile"))
			must(t, err)
			now := map[string]string{file: strict}
			if base["lib/docker.yml"] != "" {
				now = map[string]string{"lib/docker.yml": strict}
			}
			if base[".lighterman.yml"] != "" {
				now = map[string]string{".lighterman.yml": strict}
			}
			_, err = repo.Push("main", "Decide", now)
			must(t, err)
			s.hub.ForgetRequests()
			pull := openTopic(t, repo)
			out := s.outcome(t, pull)
			s.requests(t, 9)
			for _, c := range out.Opinion.Comments {
				if n := c.Finding.Check.Name; n == "shell-form" || n == "apt-update-alone" && c.Finding.Check.Severity.String() != "error" {
					t.Errorf("told %s, %s", n, c.Finding.Check.Severity)
				}
			}
			if run := lastRun(t, pull); run.Conclusion != "failure" || strings.Contains(run.Summary, "once it is merged") {
				t.Errorf("the check run says %s\n%s", run.Conclusion, run.Summary)
			}
			must(t, pull.Close("robin"))
			must(t, pull.Reopen("robin"))
			s.settled(t)
			s.wroteNothing(t)
		})
	}
}
