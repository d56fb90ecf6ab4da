package main

import (
	"io"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/queue"
)

// newBoardStage is a stage on which an owner let the App have issues.
func newBoardStage(t *testing.T, limits sweepOptions) *stage {
	t.Helper()
	o := githubtest.Options{Limits: githubtest.Unlimited(), Permissions: githubtest.Full(), Events: append(sweepEvents(), "issues")}
	o.Permissions["issues"] = "write"
	s, err := setStageFor(t.Context(), io.Discard, o, queue.Options{Cooldown: -1, SweepCooldown: -1}, &limits, logs.logger)
	must(t, err)
	t.Cleanup(func() { must(t, s.stop()) })
	return s
}

// TestTheDashboardActs opens a dashboard for who agreed to it, and carries out what people tick there, at once.
func TestTheDashboardActs(t *testing.T) {
	t.Parallel()
	s := newBoardStage(t, sweepOptions{OpenPerOwner: 10, OpensPerHour: 1})
	repo, err := s.hub.CreateRepo("acme", "shop", map[string]string{
		".github/lighterman.yml": "sweeps: {enabled: true, dashboard: repository}\n",
		"Dockerfile": "FROM node:22-bookworm\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN apt-get update && apt-get install -y curl\n" +
			"USER node\nCMD [\"node\", \"index.js\"]\n",
		"package.json": "{}\n", "package-lock.json": "{}\n", "index.js": "1\n",
	})
	must(t, err)
	repo.SetPermission("robin", "write")
	s.sweepDue(t, 0)
	if len(repo.Issues()) != 1 || len(repo.Pulls()) != 1 {
		t.Fatalf("%d issues, %d pull requests", len(repo.Issues()), len(repo.Pulls()))
	}
	board := repo.Issues()[0]
	t.Log(board.Body())
	tick := func(order string) {
		t.Helper()
		was := board.Body()
		at := strings.Index(was, "- [ ] <!-- lighterman:v1 box="+order)
		if at < 0 {
			t.Fatalf("no box %s in\n%s", order, was)
		}
		must(t, board.Edit("robin", was[:at]+"- [x]"+was[at+len("- [ ]"):]))
		s.swept(t)
		if strings.Contains(board.Body(), "- [x]") {
			t.Errorf("the box %s is still ticked", order)
		}
	}
	must(t, board.Edit("mallory", strings.Replace(board.Body(), "- [ ] <!-- lighterman:v1 box=now ", "- [x] <!-- lighterman:v1 box=now ", 1)))
	s.swept(t)
	if len(repo.Pulls()) != 1 || strings.Contains(board.Body(), "- [x]") {
		t.Fatalf("ticked by who may not push: %d pull requests\n%s", len(repo.Pulls()), board.Body())
	}
	tick("now ") // in spite of the one permit an hour
	if n := len(repo.Pulls()); n != 2 {
		t.Fatalf("%d pull requests", n)
	}
	must(t, repo.Pulls()[1].Close("robin"))
	s.swept(t)
	tick("unmute ")
	if strings.Contains(board.Body(), "Declined") {
		t.Errorf("it is still declined:\n%s", board.Body())
	}
	s.hub.ForgetRequests()
	tick("sweep")
	for _, r := range s.hub.Requests() {
		if wrote(r) && !strings.Contains(r.Path, "/issues/") {
			t.Errorf("a look wrote %s %s", r.Method, r.Path)
		}
	}
	must(t, board.Close("robin"))
	s.hub.ForgetRequests()
	must(t, board.Edit("robin", strings.Replace(board.Body(), "- [ ]", "- [x]", 1)))
	s.swept(t)
	for _, r := range s.hub.Requests() {
		if wrote(r) {
			t.Errorf("after it was closed: %s %s", r.Method, r.Path)
		}
	}
}
