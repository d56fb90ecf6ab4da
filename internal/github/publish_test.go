package github_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
)

func draft(body string, comments ...forge.DraftComment) *forge.Draft {
	return &forge.Draft{Body: body, Comments: comments}
}

func inline(first, last int, body string) forge.DraftComment {
	return forge.DraftComment{Path: "Dockerfile", StartLine: first, Line: last, Body: body}
}

// publish carries a plan for the head out.
func (h *host) publish(t *testing.T, p *githubtest.Pull, plan forge.Plan) error {
	t.Helper()
	plan.Head = p.Head()
	return h.app.Publish(t.Context(), h.ref(p), plan)
}

func (h *host) change(t *testing.T, ref forge.Ref) *forge.Change {
	t.Helper()
	c, err := h.app.Change(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (h *host) standing(t *testing.T, ref forge.Ref) *forge.Standing {
	t.Helper()
	st, err := h.app.Standing(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// TestPublishEverything: a review, then edits, resolved and minimised threads; what was deleted since is passed over.
func TestPublishEverything(t *testing.T) {
	h, p, ref, _ := reviewed(t)
	var comments []forge.DraftComment
	for n := range 25 {
		comments = append(comments, inline(n%5+1, n%5+1, fmt.Sprint("finding ", n)))
	}
	if err := h.publish(t, p, forge.Plan{Review: draft("first", comments...)}); err != nil {
		t.Fatal(err)
	}
	c := h.standing(t, ref)
	gone := c.Threads[24]
	if err := p.DeleteComment(gone.Comments[0].ID); err != nil {
		t.Fatal(err)
	}
	plan := forge.Plan{
		Head: p.Head(), Review: draft("", inline(2, 4, "range")),
		Edit: []forge.CommentEdit{
			{ID: gone.Comments[0].ID, Body: "x"}, {ID: c.Threads[0].Comments[0].ID, Body: "edited"},
		},
		EditBody: []forge.ReviewEdit{{ID: 1, Body: "x"}, {ID: c.Reviews[0].ID, Body: "second"}},
		Minimize: []string{c.Threads[23].Comments[0].NodeID, gone.Comments[0].NodeID},
	}
	for _, th := range c.Threads[1:23] {
		plan.Resolve = append(plan.Resolve, th.ID)
	}
	plan.Resolve = append(plan.Resolve, gone.ID)
	h.ForgetRequests()
	for range 2 { // again, as after a crash: only the review is new
		if err := h.app.Publish(t.Context(), ref, plan); err != nil {
			t.Fatal(err)
		}
		plan.Review = nil
	}
	if n := h.operations(); n["graphql:Resolve"] != 4 || n["graphql:Minimize"] != 2 || n["pulls/create-review"] != 1 {
		t.Errorf("requests %v", n)
	}
	c = h.standing(t, ref)
	if len(c.Threads) != 25 || c.Threads[0].Comments[0].Body != "edited" || c.Threads[0].Resolved {
		t.Errorf("%d threads, the first %+v", len(c.Threads), c.Threads[0])
	}
	for _, th := range c.Threads[1:23] {
		if !th.Resolved {
			t.Errorf("not resolved: %+v", th)
		}
	}
	if c.Threads[23].Hidden != "resolved" || c.Threads[22].Hidden != "" {
		t.Errorf("hidden as %q and %q", c.Threads[23].Hidden, c.Threads[22].Hidden)
	}
	if c.Reviews[0].Body != "second" || len(c.Reviews) != 2 {
		t.Errorf("reviews %+v", c.Reviews)
	}
	if shown, err := p.Threads(); err != nil || shown[24].StartLine != 2 || shown[24].Line != 4 {
		t.Errorf("the range is %+v, %v", shown[24], err)
	}
}

// TestPendingReviewIsCleared: one of ours that somebody's crash left behind does not block us for ever.
func TestPendingReviewIsCleared(t *testing.T) {
	h, p, ref, _ := reviewed(t)
	mine := githubtest.ReviewComment{Path: "Dockerfile", Line: 1, Body: "x"}
	if err := p.StartReview(h.Bot(), "left behind", mine); err != nil {
		t.Fatal(err)
	}
	if err := p.StartReview("robin", "hers"); err != nil {
		t.Fatal(err)
	}
	if c := h.standing(t, ref); len(c.Reviews) != 0 {
		t.Errorf("a pending review counts as ours: %+v", c.Reviews)
	}
	if err := h.publish(t, p, forge.Plan{Review: &oneReview}); err != nil {
		t.Fatal(err)
	}
	if got := p.Reviews(); len(got) != 1 || got[0].Body != oneReview.Body {
		t.Errorf("reviews %+v", got)
	}
	if threads, err := p.Threads(); err != nil || len(threads) != 0 {
		t.Errorf("threads %+v, %v", threads, err)
	}
}

// TestRefused: a review on a line outside the diff is refused whole, with GitHub's reason, and leaves nothing.
func TestRefused(t *testing.T) {
	h, p, ref, _ := reviewed(t)
	err := h.publish(t, p, forge.Plan{Review: draft("x", inline(1, 1, "good"), inline(77, 77, "bad"))})
	var no *github.RefusedError
	if !errors.Is(err, forge.ErrRefused) || !errors.As(err, &no) || errors.Is(err, forge.ErrStale) {
		t.Fatalf("error %v", err)
	}
	if len(no.Messages) != 1 || !strings.Contains(no.Messages[0], "must be part of the diff") {
		t.Errorf("messages %q", no.Messages)
	}
	if len(p.Reviews()) != 0 {
		t.Errorf("reviews %+v", p.Reviews())
	}
	// An edit that is refused is no refused review: the caller must not post the review again without its comments.
	id := int64(0)
	if err := h.publish(t, p, forge.Plan{Review: draft("x", inline(1, 1, "good"))}); err != nil {
		t.Fatal(err)
	}
	id = h.standing(t, ref).Threads[0].Comments[0].ID
	err = h.publish(t, p, forge.Plan{Edit: []forge.CommentEdit{{ID: id, Body: strings.Repeat("x", 70_000)}}})
	if !errors.As(err, &no) || errors.Is(err, forge.ErrRefused) {
		t.Errorf("error %v", err)
	}
}

// TestStale: a review for lines that a push took away is stale, not wrong; so is one for a closed pull request.
func TestStale(t *testing.T) {
	h, p, ref, _ := reviewed(t)
	was := p.Head()
	if err := h.repo.ForcePush("topic", "main"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.repo.Push("topic", "other", map[string]string{"other": "x\n"}); err != nil {
		t.Fatal(err)
	}
	err := h.app.Publish(t.Context(), ref, forge.Plan{Head: was, Review: draft("x", inline(1, 1, "x"))})
	if !errors.Is(err, forge.ErrStale) || errors.Is(err, forge.ErrRefused) {
		t.Errorf("error %v", err)
	}
}

// TestReviewOnly: an App without contents: write cannot resolve, is told so by CanResolve, and minimises instead.
func TestReviewOnly(t *testing.T) {
	h := newHost(t, githubtest.Options{Permissions: githubtest.ReviewOnly()}, map[string]string{"README.md": "# shop\n"})
	p, ref := h.open(t, map[string]string{"Dockerfile": dockerfile})
	if err := h.publish(t, p, forge.Plan{Review: draft("", inline(1, 1, "x"))}); err != nil {
		t.Fatal(err)
	}
	th := h.standing(t, ref).Threads[0]
	if th.CanResolve {
		t.Error("it may resolve")
	}
	if err := h.publish(t, p, forge.Plan{Resolve: []string{th.ID}}); err != nil {
		t.Errorf("a thread that may not be resolved fails the review: %v", err)
	}
	if got := h.standing(t, ref).Threads[0]; got.Resolved {
		t.Errorf("resolved without the permission: %+v", got)
	}
	if err := h.publish(t, p, forge.Plan{Minimize: []string{th.Comments[0].NodeID}}); err != nil {
		t.Error(err)
	}
	if n := h.TokenRequests(); n != 3 {
		t.Errorf("%d requests for tokens, want one to look, one to speak and one that was refused", n)
	}
}

// TestResolveRefused: GitHub may refuse to let threads be resolved; any other problem is an error.
func TestResolveRefused(t *testing.T) {
	h, p, ref, _ := reviewed(t)
	if err := h.publish(t, p, forge.Plan{Review: draft("", inline(1, 1, "x"))}); err != nil {
		t.Fatal(err)
	}
	th := h.standing(t, ref).Threads[0]
	if !th.CanResolve {
		t.Error("it may not resolve")
	}
	for body, bad := range map[string]bool{
		`{"errors":[{"type":"FORBIDDEN","message":"no"},{"type":"INTERNAL","message":"broken"}]}`: true,
		`{"errors":[{"type":"FORBIDDEN","message":"no"}]}`:                                        false,
	} {
		h.Inject(githubtest.Fault{Operation: "graphql:Resolve", Status: 200, Body: body})
		if err := h.publish(t, p, forge.Plan{Resolve: []string{th.ID}}); (err != nil) != bad {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestManyAnnotations go in requests of fifty, the conclusion with the last; what was cut off goes on where it stopped.
func TestManyAnnotations(t *testing.T) {
	h, p, ref, _ := reviewed(t)
	run := forge.CheckDraft{Key: "#1 a", Conclusion: forge.Failure, Title: "Many", Summary: "Many."}
	for n := range 120 {
		run.Annotations = append(run.Annotations, forge.Annotation{
			Path: "Dockerfile", StartLine: n + 1, EndLine: n + 1, Level: forge.LevelNotice, Title: "x", Message: fmt.Sprint(n),
		})
	}
	h.ForgetRequests()
	h.Inject(githubtest.Fault{Operation: "checks/update", Cut: true, After: true})
	if err := h.publish(t, p, forge.Plan{Check: &run}); err == nil {
		t.Fatal("the second request was cut off, and nobody was told")
	}
	st := h.standing(t, ref)
	if len(st.Checks) != 1 || st.Checks[0].Concluded || st.Checks[0].Annotations != 100 {
		t.Fatalf("check runs %+v", st.Checks)
	}
	run.ID, run.Written = st.Checks[0].ID, st.Checks[0].Annotations
	if err := h.publish(t, p, forge.Plan{Check: &run}); err != nil {
		t.Fatal(err)
	}
	all := p.CheckRuns()
	if len(all) != 1 || all[0].Conclusion != "failure" || len(all[0].Annotations) != 120 {
		t.Fatalf("check runs %+v", all)
	}
	for n, a := range all[0].Annotations {
		if a.StartLine != n+1 {
			t.Fatalf("annotation %d stands on line %d", n, a.StartLine)
		}
	}
	for _, r := range h.Requests() {
		if r.Status == 422 {
			t.Errorf("%s %s was refused", r.Method, r.Path)
		}
	}
}

// TestManyCheckRuns: the newest is known though there are more than are read.
func TestManyCheckRuns(t *testing.T) {
	h, p, ref, _ := reviewed(t)
	for n := range 53 {
		run := forge.CheckDraft{Key: fmt.Sprintf("#1 %d", n), Conclusion: forge.Neutral, Title: "Again", Summary: "Again."}
		if err := h.publish(t, p, forge.Plan{Check: &run}); err != nil {
			t.Fatal(err)
		}
	}
	all := h.standing(t, ref).Checks
	if len(all) != 51 || all[50].Key != "#1 52" || all[0].Key != "#1 0" {
		t.Errorf("%d check runs, from %+v to %+v", len(all), all[0], all[len(all)-1])
	}
}
