package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/sweep"
)

// improvable is a repository with something to fix, and what it decided about sweeps.
func improvable(config string) map[string]string {
	files := map[string]string{
		"Dockerfile":   "FROM node:22-bookworm\nWORKDIR /app\nCOPY . .\nRUN npm ci\nUSER node\nCMD node index.js\n",
		"package.json": "{}\n", "package-lock.json": "{}\n", "index.js": "1\n",
	}
	if config != "" {
		files[".github/lighterman.yml"] = config
	}
	return files
}

// An operator types commands where the App's credentials are.
type operator struct {
	t   *testing.T
	hub *githubtest.Server
	app []string // the flags that say which App
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	hub := githubtest.Start(t, githubtest.Options{Limits: githubtest.Unlimited()})
	key := filepath.Join(t.TempDir(), "key.pem")
	must(t, os.WriteFile(key, hub.PrivateKey(), 0o600))
	return &operator{t, hub, []string{"--app-id", strconv.FormatInt(hub.AppID(), 10), "--private-key-file", key,
		"--github-url", hub.URL(), "--write-pause", "0s", "--data-dir", t.TempDir()}}
}

// queries are the requests that only read, though they are sent by POST.
var queries = []string{"graphql:Repository", "graphql:Proposals", "graphql:Opened", "graphql:Talked", "graphql:Blobs"}

// sweep types the command, and counts what it changed.
func (o *operator) sweep(args ...string) (out string, writes int, err error) {
	o.t.Helper()
	o.hub.ForgetRequests()
	out, err = run(o.t, append(append([]string{"sweep"}, o.app...), args...)...)
	for _, r := range o.hub.Requests() {
		if r.Method != "GET" && !slices.Contains(queries, r.Operation) {
			writes++
		}
	}
	return out, writes, err
}

func says(t *testing.T, out string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(out, w) {
			t.Errorf("%q is missing in\n%s", w, out)
		}
	}
}

// TestSweepOnGitHub goes from a dry run, which writes nothing and shows what there would be, to pull requests, and a second
// sweep that changes nothing.
func TestSweepOnGitHub(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	repo, err := o.hub.CreateRepo("acme", "shop", improvable("sweeps: {enabled: true}\n"))
	must(t, err)
	out, writes, err := o.sweep("--dry-run", "acme/shop")
	if err != nil || writes != 0 || len(repo.Pulls()) != 0 {
		t.Errorf("a dry run wrote %d times: %v", writes, err)
	}
	says(t, out, "# acme/shop: ", "hygiene: would be opened \"Tidy up Dockerfiles\": ", "diff a/Dockerfile b/Dockerfile", "+CMD [\"node\", \"index.js\"]")
	for line := range strings.Lines(out) {
		if len(line) > 1 && !strings.ContainsAny(line[:1], "# +-@d") {
			t.Errorf("%q is neither a comment nor of a patch", line)
		}
	}

	out, writes, err = o.sweep("acme/shop")
	if err != nil || writes == 0 || len(repo.Pulls()) == 0 {
		t.Fatalf("%d writes, %d pull requests: %v\n%s", writes, len(repo.Pulls()), err, out)
	}
	for _, p := range repo.Pulls() {
		says(t, out, "opened #"+strconv.Itoa(p.Number())+" "+strconv.Quote(p.Title())+": there is something to propose")
	}

	out, writes, err = o.sweep("acme/shop")
	if err != nil || writes != 0 {
		t.Errorf("a second sweep wrote %d times: %v", writes, err)
	}
	says(t, out, "at rest #1: it is up to date")

	must(t, repo.Pulls()[0].Close("robin"))
	out, _, err = o.sweep("acme/shop")
	must(t, err)
	says(t, out, "1 finding muted")
}

// TestSweepOnGitHubAsksForConsent looks where nobody decided, and writes with --yes; it never goes against a decision.
func TestSweepOnGitHubAsksForConsent(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	repo, err := o.hub.CreateRepo("acme", "shop", improvable(""))
	must(t, err)
	no, err := o.hub.CreateRepo("acme", "no", improvable("sweeps: {enabled: false}\n"))
	must(t, err)
	out, writes, err := o.sweep("acme/shop")
	if err != nil || writes != 0 {
		t.Errorf("%d writes: %v", writes, err)
	}
	says(t, out, "  hygiene: 1 fix in 1 file", "set sweeps.enabled in the repository's .github/lighterman.yml", "or give --yes")
	out, writes, err = o.sweep("--dry-run", "acme/shop")
	if err != nil || writes != 0 {
		t.Errorf("%d writes: %v", writes, err)
	}
	says(t, out, "or give --yes", "would be opened", "diff a/Dockerfile b/Dockerfile")
	out, _, err = o.sweep("--yes", "--opens", "1", "acme/shop", "ACME/shop", "acme/no")
	if err != nil || len(repo.Pulls()) != 1 || len(no.Pulls()) != 0 {
		t.Errorf("%d and %d pull requests: %v", len(repo.Pulls()), len(no.Pulls()), err)
	}
	says(t, out, "opened #1", "enough pull requests were opened for now", "acme/no: sweeps are switched off by the configuration")
	if strings.Contains(out, "ACME") {
		t.Errorf("one repository was swept twice:\n%s", out)
	}
}

// TestSweepOnGitHubSaysWhatIsWrong with a repository, and goes on with the next.
func TestSweepOnGitHubSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	old, err := o.hub.CreateRepo("acme", "old", improvable(""))
	must(t, err)
	old.Archive()
	_, err = o.hub.CreateRepo("acme", "broken", improvable("sweeps: {enabled: perhaps}\n"))
	must(t, err)
	out, writes, err := o.sweep("acme/gone", "nobody/shop", "acme/broken", "acme/old")
	if !errors.Is(err, exit(exitFailed)) || writes != 0 {
		t.Errorf("%d writes: %v", writes, err)
	}
	says(t, out, "there is no acme/gone that the App reaches", "give the App the repository",
		"the App is not installed for nobody: check the name, or install it", "acme/broken: passed over: .github/lighterman.yml:1",
		"acme/old: passed over: archived")
	if out, _, err := o.sweep("acme/old"); err != nil {
		t.Errorf("a repository that is passed over is an error: %v\n%s", err, out)
	}
}

// TestSweepEverything sweeps all that the App reaches, and reports on it without a look at what was decided.
func TestSweepEverything(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	var repos []*githubtest.Repo
	for name, decided := range map[string]string{"a": "sweeps: {enabled: true}\n", "b": "sweeps: {enabled: false}\n", "c": ""} {
		repo, err := o.hub.CreateRepo("acme", name, improvable(decided))
		must(t, err)
		repos = append(repos, repo)
	}
	old, err := o.hub.CreateRepo("other", "old", improvable(""))
	must(t, err)
	old.Archive()
	dir := filepath.Join(t.TempDir(), "out")
	out, writes, err := o.sweep("--report", dir, "--all")
	if err != nil || writes != 0 {
		t.Errorf("a report wrote %d times: %v", writes, err)
	}
	says(t, out, "in 3 Dockerfiles of 3 repositories")
	page, err := os.ReadFile(filepath.Join(dir, "report.json"))
	must(t, err)
	says(t, string(page), `"acme/a"`, `"acme/b"`, `"acme/c"`, `"skipped": "archived"`, o.hub.URL()+"/acme/a")
	out, _, err = o.sweep("--all", "--family", "hygiene")
	must(t, err)
	opened := 0
	for _, r := range repos {
		opened += len(r.Pulls())
	}
	if opened != 1 {
		t.Errorf("%d pull requests:\n%s", opened, out)
	}
	says(t, out, "acme/a: ", "acme/b: ", "acme/c: ", "other/old: passed over: archived")
}

// TestSweepWaitsForGitHub goes on where it was when GitHub asks to wait, and says until when.
func TestSweepWaitsForGitHub(t *testing.T) {
	var status bytes.Buffer
	var slept []time.Duration
	r := &hubSweeper{status: &status, sleep: func(_ context.Context, d time.Duration) error { slept = append(slept, d); return nil }}
	left := 2
	err := r.patiently(t.Context(), func(context.Context) error {
		if left--; left >= 0 {
			return &forge.LimitError{Until: time.Now().Add(time.Duration(left) * time.Hour), Err: errors.New("slow down")}
		}
		return nil
	})
	if err != nil || len(slept) != 2 || slept[0] < 59*time.Minute || slept[1] != time.Second {
		t.Errorf("%v, slept %v", err, slept)
	}
	says(t, status.String(), "lighterman: GitHub is asked again at ")
}

// TestWhatWasDoneBeforeAWaitIsTold holds that a sweep that GitHub interrupted tells of all that it did.
func TestWhatWasDoneBeforeAWaitIsTold(t *testing.T) {
	open := sweep.Step{Topic: "caching", Branch: "b", Act: sweep.Open, Number: 1, Done: true}
	renew := sweep.Step{Topic: "context", Branch: "c", Act: sweep.Renew, Number: 2}
	rest := sweep.Step{Topic: "caching", Branch: "b", Act: sweep.Rest, Number: 1}
	if got := withDone([]sweep.Step{rest, renew}, []sweep.Step{open}); !got[0].Done || got[0].Act != sweep.Open || got[1].Done {
		t.Errorf("%+v", got)
	}
}

// TestStepsInWords tells what was done from what would be, or could not be.
func TestStepsInWords(t *testing.T) {
	opens := forge.Motion{Open: &forge.PullDraft{PullText: forge.PullText{Title: "Tidy\x1b up"}}}
	steps := []sweep.Step{
		{Topic: "a", Act: sweep.Finish, Number: 7, Done: true, Why: "w", Motion: opens},
		{Topic: "b", Act: sweep.Finish, Number: 8, Done: true, Why: "w"},
		{Topic: "c", Act: sweep.Withdraw, Number: 9, Why: "w", Failed: forge.ErrForbidden},
		{Topic: "d", Act: sweep.Rest, Why: "r"}, {Topic: "e", Act: sweep.Rest, Number: 3, Why: "r"}, {Topic: "f", Act: sweep.Rest, Why: "r"},
	}
	done := &teller{}
	done.steps(steps)
	const want = `  a: opened #7 "Tidy\x1b up": w
  b: finished #8: w
  c: would be closed #9: w
    GitHub does not let the App: `
	says(t, done.String(), want, "  e: at rest #3: r\n", "  at rest: d, f: r\n")
	dry := &teller{dry: true}
	dry.steps(steps[:1])
	says(t, dry.String(), `#   a: would be opened #7 "Tidy\x1b up": w`)
}
