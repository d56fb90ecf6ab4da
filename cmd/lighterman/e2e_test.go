package main

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/review"
	"github.com/lighterman/lighterman/testdata/demo"
)

// patience is how long a test waits for what takes seconds, on a machine that has much else to do.
const patience = 3 * time.Minute

// newStage starts the double and the real service. What breaks GitHub's contract fails the test.
func newStage(t *testing.T) *stage {
	t.Helper()
	return newStageWith(t, githubtest.Options{}, -1)
}

func newStageWith(t *testing.T, o githubtest.Options, cooldown time.Duration) *stage {
	t.Helper()
	s, err := setStage(t.Context(), io.Discard, o, cooldown, logs.logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// pull opens a pull request that brings change into a repository of base's files.
func (s *stage) pull(t *testing.T, name string, change map[string]string) *githubtest.Pull {
	t.Helper()
	repo, err := s.hub.CreateRepo("acme", name, archived(demo.Base))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Push("topic", "Change", change); err != nil {
		t.Fatal(err)
	}
	s.hub.ForgetRequests()
	return openTopic(t, repo)
}

func openTopic(t *testing.T, repo *githubtest.Repo) *githubtest.Pull {
	t.Helper()
	pull, err := repo.OpenPull(githubtest.PullOptions{Title: "Change", Author: "robin", Head: "topic"})
	must(t, err)
	return pull
}

// outcome is the finished review of the pull request's head.
func (s *stage) outcome(t *testing.T, pull *githubtest.Pull) review.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			t.Fatal("no review in time")
		case out := <-s.outcomes:
			if out.Head == pull.Head() && out.End != review.MovedOn {
				if err := s.service.queue.Idle(ctx); err != nil {
					t.Fatal(err)
				}
				return out
			}
		}
	}
}

// requests fails the test when GitHub refused one with 422, or there were more than most.
func (s *stage) requests(t *testing.T, most int) {
	t.Helper()
	requests := s.hub.Requests()
	var list []string
	for _, r := range requests {
		list = append(list, r.Method+" "+r.Path)
		if r.Status == 422 {
			t.Errorf("%s %s was refused with 422", r.Method, r.Path)
		}
	}
	if len(requests) > most {
		t.Errorf("%d API requests, want at most %d:\n%s", len(requests), most, strings.Join(list, "\n"))
	}
	s.hub.ForgetRequests()
}

func demoFile(path string) map[string]string {
	return map[string]string{path: archived(demo.Change)[path]}
}

// TestOneDockerfileTakesSixRequests holds the budget of a first review, and that a second look writes nothing.
func TestOneDockerfileTakesSixRequests(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	pull := s.pull(t, "shop", demoFile("web/Dockerfile"))
	out := s.outcome(t, pull)
	if out.End != review.Published || out.Plan.Review == nil || len(out.Plan.Review.Comments) == 0 {
		t.Fatalf("outcome %+v", out)
	}
	s.requests(t, 6)
	deliveries := s.hub.Deliveries()
	for _, event := range []string{"reopened", "opened"} {
		if event == "reopened" {
			must(t, pull.Close("robin"))
			must(t, pull.Reopen("robin"))
		} else {
			// The same GUID: it is known, and leads to nothing at all.
			must(t, s.hub.Redeliver(deliveries[len(deliveries)-1].ID))
			continue
		}
		if out := s.outcome(t, pull); out.End != review.Unchanged {
			t.Errorf("%s again: %s, plan %+v", event, out.End, out.Plan)
		}
	}
	for _, r := range s.hub.Requests() {
		if r.Method != "GET" && r.Operation != "graphql" && !strings.HasPrefix(r.Operation, "graphql:") {
			t.Errorf("a second look wrote: %s %s", r.Method, r.Path)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestEverySuggestionOneByOne clicks every suggestion of the demo's pull request, one after the other: each makes the file
// that its fix promised, its thread is resolved, nothing is posted twice, and in the end nothing more is offered.
func TestEverySuggestionOneByOne(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	change := archived(demo.Change)
	pull := s.pull(t, "shop", change)
	out := s.outcome(t, pull)
	s.requests(t, 6)
	clicks := 0
	for ; ; clicks++ {
		next := openSuggestion(t, pull)
		if next == nil {
			break
		}
		if clicks > 30 {
			t.Fatal("suggestions do not come to an end")
		}
		promised := promise(t, pull, out, *next)
		head, err := pull.ApplySuggestions("robin", next.CommentID)
		must(t, err)
		out = s.outcome(t, pull)
		got, err := pull.Repo().ReadFile(head, next.Path)
		must(t, err)
		if got != promised {
			t.Errorf("%s:%d: the file is\n%s\npromised was\n%s", next.Path, next.Line, got, promised)
		}
		resolved(t, pull, next.ThreadID)
	}
	if clicks < 6 {
		t.Errorf("only %d suggestions", clicks)
	}
	s.requests(t, 6+clicks*10)
	nothingOffered(t, pull, change)
	once(t, pull)
}

// TestAllSuggestionsAsOneBatch clicks all suggestions at once: the file is the one that check.Combine promised.
func TestAllSuggestionsAsOneBatch(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	change := archived(demo.Change)
	pull := s.pull(t, "shop", change)
	out := s.outcome(t, pull)
	suggestions, err := pull.Suggestions()
	must(t, err)
	var ids []int64
	promised := map[string][]byte{}
	for _, sg := range suggestions {
		ids = append(ids, sg.CommentID)
		promised[sg.Path] = nil
	}
	for path := range promised {
		var shown []*review.Suggestion
		for _, c := range out.Opinion.Comments {
			if c.Finding.Path == path && c.Suggestion != nil {
				shown = append(shown, c.Suggestion)
			}
		}
		promised[path] = review.ApplySuggestions([]byte(change[path]), shown)
	}
	head, err := pull.ApplySuggestions("robin", ids...)
	must(t, err)
	out = s.outcome(t, pull)
	for path, want := range promised {
		got, err := pull.Repo().ReadFile(head, path)
		must(t, err)
		if got != string(want) {
			t.Errorf("%s is\n%s\npromised was\n%s", path, got, want)
		}
		if _, err := dockerfile.Parse(path, []byte(got)); err != nil {
			t.Error(err)
		}
	}
	if out.Plan.Review != nil && len(out.Plan.Review.Comments) > 0 {
		t.Errorf("the next run has new things to say: %+v", out.Plan.Review.Comments)
	}
	for _, sg := range suggestions {
		resolved(t, pull, sg.ThreadID)
	}
	s.requests(t, 20)
}

// openSuggestion is the first suggestion that can still be clicked.
func openSuggestion(t *testing.T, pull *githubtest.Pull) *githubtest.Suggestion {
	t.Helper()
	all, err := pull.Suggestions()
	must(t, err)
	n := slices.IndexFunc(all, func(s githubtest.Suggestion) bool { return !s.Resolved && !s.Outdated })
	if n < 0 {
		return nil
	}
	return &all[n]
}

// promise is the file that the fix behind a suggestion makes of the one at the head.
func promise(t *testing.T, pull *githubtest.Pull, out review.Outcome, s githubtest.Suggestion) string {
	t.Helper()
	text, err := pull.Repo().ReadFile(pull.Head(), s.Path)
	must(t, err)
	for _, c := range out.Opinion.Comments {
		if c.Finding.Path == s.Path && c.Suggestion != nil && strings.Join(s.New, "\n")+"\n" == c.Suggestion.Text {
			after, err := fixes.Apply(s.Path, []byte(text), c.Finding.Fixes[0].Edits)
			must(t, err)
			return string(after)
		}
	}
	t.Fatalf("%s:%d: the suggestion %q is not one of the opinion's", s.Path, s.Line, s.New)
	return ""
}

func resolved(t *testing.T, pull *githubtest.Pull, id string) {
	t.Helper()
	threads, err := pull.Threads()
	must(t, err)
	for _, thread := range threads {
		if thread.ID == id && thread.ResolvedBy == "" {
			t.Errorf("%s: the thread of an applied suggestion is not resolved: %s", thread.Path, thread.Comments[0].Body)
		}
	}
}

// nothingOffered examines the head's files with the whole catalogue.
func nothingOffered(t *testing.T, pull *githubtest.Pull, change map[string]string) {
	t.Helper()
	files := map[string][]byte{}
	var paths []string
	for path := range change {
		text, err := pull.Repo().ReadFile(pull.Head(), path)
		must(t, err)
		files[path] = []byte(text)
		if dockerfile.Named(path) {
			paths = append(paths, path)
		}
	}
	o, done := newEngine(quiet())
	defer done()
	result, err := check.Examine(t.Context(), check.Overlay(memoryRepo(archived(demo.Base)), files), paths, o)
	must(t, err)
	for _, f := range result.Findings {
		if len(f.Fixes) > 0 {
			t.Errorf("%s:%d: still offered: %s", f.Path, f.Line, f.Fixes[0].Title)
		}
	}
}

// once fails the test when two open threads say the same of the same file.
func once(t *testing.T, pull *githubtest.Pull) {
	t.Helper()
	threads, err := pull.Threads()
	must(t, err)
	seen := map[string]bool{}
	for _, thread := range threads {
		said := thread.Path + "\n" + thread.Comments[0].Body
		if thread.ResolvedBy == "" && seen[said] {
			t.Errorf("said twice: %s", said)
		}
		seen[said] = seen[said] || thread.ResolvedBy == ""
	}
}

// TestPushesOnlyMoveLines holds that a push which shifts lines writes nothing but the new head's check run.
func TestPushesOnlyMoveLines(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	change := archived(demo.Change)
	pull := s.pull(t, "shop", change)
	s.outcome(t, pull)
	moved := map[string]string{}
	for path, text := range change {
		if dockerfile.Named(path) {
			moved[path] = "# A head.\n#\n# It moves every line.\n\n" + text
		}
	}
	_, err := pull.Repo().Push("topic", "A comment above", moved)
	must(t, err)
	out := s.outcome(t, pull)
	run := out.Plan.Check
	out.Plan.Check = nil
	if run == nil || !out.Plan.Empty() {
		t.Errorf("%s: check run %+v, else %+v", out.End, run, out.Plan)
	}
	lastRun(t, pull)
	once(t, pull)
}

// TestAPushDuringTheReview holds that a plan for a head that has moved is not published, and that the new head is reviewed.
func TestAPushDuringTheReview(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	hold := make(chan struct{})
	s.hub.Inject(githubtest.Fault{Operation: "git/get-tree", Hold: hold})
	change := demoFile("web/Dockerfile")
	pull := s.pull(t, "shop", change)
	_, err := pull.Repo().Push("topic", "Better", map[string]string{
		"web/Dockerfile": strings.Replace(change["web/Dockerfile"], "CMD node server.js", `CMD ["node", "server.js"]`, 1)})
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, s.hub.Wait(ctx)) // both webhooks are stored
	close(hold)
	out := s.outcome(t, pull)
	if out.End != review.Published {
		t.Errorf("outcome %s", out.End)
	}
	for _, r := range pull.Reviews() {
		if r.Commit != pull.Head() {
			t.Errorf("a review was written for %s, the head is %s", r.Commit, pull.Head())
		}
	}
	once(t, pull)
}

// TestRefusedReviewBecomesASummary holds that a 422 loses no finding.
func TestRefusedReviewBecomesASummary(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.hub.Inject(githubtest.Fault{Operation: "pulls/create-review", Status: 422,
		Body: `{"message":"Unprocessable Entity","errors":["Line could not be resolved"],"documentation_url":"https://docs.github.com/rest","status":"422"}`})
	pull := s.pull(t, "shop", demoFile("web/Dockerfile"))
	out := s.outcome(t, pull)
	if out.Refused == nil {
		t.Errorf("outcome %+v", out)
	}
	if run := lastRun(t, pull); len(pull.Reviews()) > 0 || len(run.Annotations) == 0 || !strings.Contains(run.Summary, "copy-order") {
		t.Errorf("reviews %+v, check run %+v", pull.Reviews(), run)
	}
}

// lastRun is the newest check run of the head, which is the only one, and concluded.
func lastRun(t *testing.T, pull *githubtest.Pull) githubtest.CheckRun {
	t.Helper()
	runs := pull.CheckRuns()
	if len(runs) != 1 || runs[0].Conclusion == "" {
		t.Fatalf("check runs of the head: %+v", runs)
	}
	return runs[0]
}

// TestLimitIsWaitedFor holds that a rate limit delays a review and loses nothing.
func TestLimitIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.hub.Inject(githubtest.SecondaryLimit("pulls/create-review", 429, 1))
	pull := s.pull(t, "shop", demoFile("web/Dockerfile"))
	begin := time.Now()
	out := s.outcome(t, pull)
	if out.End != review.Published || time.Since(begin) < time.Second {
		t.Errorf("%s after %s; GitHub asked to wait a second", out.End, time.Since(begin))
	}
	once(t, pull)
}
