package githubtest_test

import (
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/githubtest"
)

// TestReviewRules posts one review after the other; those that GitHub would refuse leave nothing behind.
func TestReviewRules(t *testing.T) {
	s, r, p := scene(t, githubtest.Options{})
	c := installation(t, s, obj{})
	first := must(r.Head("main"))(t)
	cases := []struct {
		name, text string // text is GitHub's reason, "" when it takes the review
		review     obj
	}{
		{"line outside the hunks", "thread line must be part of the diff", obj{"comments": at1("long.txt", 20)}},
		{"context line", "", obj{"comments": at1("long.txt", 8)}},
		{"added line", "", obj{"comments": at1("long.txt", 10, "side", "RIGHT")}},
		{"deleted line on the left", "", obj{"comments": at1("long.txt", 30, "side", "LEFT")}},
		{"context line on the left", "thread line must be part", obj{"comments": at1("long.txt", 29, "side", "LEFT")}},
		{"no such side", "Side is not included", obj{"comments": at1("long.txt", 10, "side", "MIDDLE")}},
		{"file outside the diff", "Path could not be resolved", obj{"comments": at1("README.md", 1)}},
		{"range in one hunk", "", obj{"comments": at1("long.txt", 11, "start_line", 9)}},
		{"range over two hunks", "same hunk", obj{"comments": at1("long.txt", 30, "start_line", 10)}},
		{"range of one line", "must precede", obj{"comments": at1("long.txt", 10, "start_line", 10)}},
		{"range backwards", "must precede", obj{"comments": at1("long.txt", 9, "start_line", 10)}},
		{"one bad of two", "thread line must be part", obj{
			"comments": []obj{comment("long.txt", 10), comment("long.txt", 20)},
		}},
		{"empty comment", "Body can't be blank", obj{"comments": at1("long.txt", 10, "body", "")}},
		{"long comment", "too long", obj{"comments": at1("long.txt", 10, "body", strings.Repeat("é", 65537))}},
		{"longest comment", "", obj{"comments": at1("long.txt", 10, "body", strings.Repeat("é", 65536))}},
		{"long body", "too long", obj{"body": strings.Repeat("x", 65537)}},
		{"neither body nor comments", "can't be blank", obj{}},
		{"body alone", "", obj{"body": "Fine."}},
		{"commit of another branch", "commit_id is not part", obj{"body": "x", "commit_id": first}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			before := len(p.Reviews())
			tc.review["event"] = "COMMENT"
			a := c.do("POST", reviews, tc.review)
			if tc.text == "" && a.status != 200 {
				t.Fatalf("refused: %s", a.body)
			}
			if tc.text != "" && (a.status != 422 || !strings.Contains(a.body, tc.text)) {
				t.Fatalf("answer %d %s, want a refusal with %q", a.status, a.body, tc.text)
			}
			if kept := len(p.Reviews()) - before; (kept == 1) != (tc.text == "") {
				t.Errorf("%d reviews were kept", kept)
			}
		})
	}
}

// TestReviewUnknownKey: a key that is in no schema is refused rather than passed over.
func TestReviewUnknownKey(t *testing.T) {
	s, _, _ := scene(t, githubtest.Options{})
	c := installation(t, s, obj{})
	one := comment("long.txt", 10, "subject_type", "file")
	if a := c.do("POST", reviews, obj{"event": "COMMENT", "comments": []obj{one}}); a.status != 422 {
		t.Errorf("answer %d %s, want 422", a.status, a.body)
	}
}

// TestPendingReview: one pending review of ours blocks all further ones, nobody else sees it, and it can be deleted.
func TestPendingReview(t *testing.T) {
	s, _, p := scene(t, githubtest.Options{})
	c := installation(t, s, obj{})
	pending := c.do("POST", reviews, obj{"comments": at1("long.txt", 10)}).value(t)
	if pending["state"] != "PENDING" || len(p.Reviews()) != 0 || len(must(p.Threads())(t)) != 0 {
		t.Errorf("a review without event is %v and shows %v", pending["state"], p.Reviews())
	}
	a := c.do("POST", reviews, obj{"event": "COMMENT", "body": "more"})
	if a.status != 422 || !strings.Contains(a.body, "one pending review per pull request") {
		t.Errorf("second review: %d %s", a.status, a.body)
	}
	if err := p.StartReview("robin", "", githubtest.ReviewComment{Path: "long.txt", Line: 10, Body: "hm"}); err != nil {
		t.Errorf("another's pending review: %v", err)
	}
	if list := c.do("GET", reviews, nil); strings.Count(list.body, "PENDING") != 1 {
		t.Errorf("reviews listed to us: %s", list.body)
	}
	id := itoa(pending["id"])
	if a := c.do("DELETE", reviews+"/"+id, nil); a.status != 200 {
		t.Errorf("delete: %d %s", a.status, a.body)
	}
	if a := c.do("POST", reviews, obj{"event": "COMMENT", "body": "more"}); a.status != 200 {
		t.Errorf("review after the deletion: %d %s", a.status, a.body)
	} else if a := c.do("DELETE", reviews+"/"+itoa(a.value(t)["id"]), nil); a.status != 422 {
		t.Errorf("deleting a submitted review: %d, want 422", a.status)
	}
}

// TestOwnPullRequest: nobody approves or rejects what is their own.
func TestOwnPullRequest(t *testing.T) {
	s, r, _ := scene(t, githubtest.Options{})
	must(r.OpenPull(githubtest.PullOptions{Title: "Ours", Author: s.Bot(), Head: "topic"}))(t)
	c := installation(t, s, obj{})
	for event, want := range map[string]int{"APPROVE": 422, "REQUEST_CHANGES": 422, "COMMENT": 200} {
		a := c.do("POST", "/api/v3/repos/acme/shop/pulls/2/reviews", obj{"event": event, "body": "x"})
		if a.status != want {
			t.Errorf("%s on our own: %d %s, want %d", event, a.status, a.body, want)
		}
	}
}

// TestEdits: our own words can be changed, other people's cannot.
func TestEdits(t *testing.T) {
	s, _, p := scene(t, githubtest.Options{})
	c := installation(t, s, obj{})
	ours := c.do("POST", reviews, obj{"event": "COMMENT", "body": "was", "comments": at1("Dockerfile", 3)}).value(t)
	if err := p.Review("robin", "hers", githubtest.ReviewComment{Path: "Dockerfile", Line: 4, Body: "hm"}); err != nil {
		t.Fatal(err)
	}
	threads := must(p.Threads())(t)
	comments := "/api/v3/repos/acme/shop/pulls/comments/"
	for _, tc := range []struct {
		method, path, body string
		want               int
	}{
		{"PUT", reviews + "/" + itoa(ours["id"]), "is", 200},
		{"PUT", reviews + "/" + itoa(ours["id"]), "", 422},
		{"PUT", reviews + "/" + itoa(float64(p.Reviews()[1].ID)), "is", 403},
		{"PATCH", comments + itoa(float64(threads[0].Comments[0].ID)), "is", 200},
		{"PATCH", comments + itoa(float64(threads[0].Comments[0].ID)), strings.Repeat("x", 65537), 422},
		{"PATCH", comments + itoa(float64(threads[1].Comments[0].ID)), "is", 403},
		{"PATCH", comments + "1", "is", 404},
	} {
		if a := c.do(tc.method, tc.path, obj{"body": tc.body}); a.status != tc.want {
			t.Errorf("%s %s: %d %s, want %d", tc.method, tc.path, a.status, a.body, tc.want)
		}
	}
	threads = must(p.Threads())(t)
	got := p.Reviews()[0].Body + threads[0].Comments[0].Body + p.Reviews()[1].Body + threads[1].Comments[0].Body
	if got != "isishershm" {
		t.Errorf("texts are %q", got)
	}
}

// TestAnchors: threads follow their lines through pushes and turn outdated when one of them is touched.
func TestAnchors(t *testing.T) {
	_, r, p := scene(t, githubtest.Options{})
	err := p.Review("robin", "", githubtest.ReviewComment{Path: "Dockerfile", StartLine: 3, Line: 4, Body: "two lines"},
		githubtest.ReviewComment{Path: "long.txt", Line: 30, Body: "one"})
	if err != nil {
		t.Fatal(err)
	}
	place := func(i int) [3]int {
		th := must(p.Threads())(t)[i]
		return [3]int{th.StartLine, th.Line, th.OriginalLine}
	}
	must(r.Push("topic", "a line above", map[string]string{"Dockerfile": "# app\n" + app5}))(t)
	if got, want := place(0), [3]int{4, 5, 4}; got != want {
		t.Errorf("after a line above: %v, want %v", got, want)
	}
	must(r.Push("topic", "split", map[string]string{"Dockerfile": strings.Replace(app5, "RUN", "USER node\nRUN", 1)}))(t)
	if got, want := place(0), [3]int{0, 0, 4}; got != want {
		t.Errorf("after a line between: %v, want %v", got, want)
	}
	must(r.Push("topic", "back", map[string]string{"Dockerfile": app5}))(t)
	if got, want := place(0), [3]int{3, 4, 4}; got != want {
		t.Errorf("after taking it back: %v, want %v", got, want)
	}
	must(r.Push("topic", "other", map[string]string{"long.txt": long(map[int]string{10: "ten\n"})}))(t)
	if th := must(p.Threads())(t)[1]; !th.Outdated || th.Line != 0 || th.OriginalLine != 30 {
		t.Errorf("a thread on a line that the diff lost: %+v", th)
	}
	must(r.Commit("topic", githubtest.Commit{Message: "gone", Delete: []string{"Dockerfile"}}))(t)
	if th := must(p.Threads())(t)[0]; !th.Outdated {
		t.Errorf("a thread in a file that is gone: %+v", th)
	}
}

// TestPeople: replies, reactions, resolving, deleting.
func TestPeople(t *testing.T) {
	_, _, p := scene(t, githubtest.Options{})
	if err := p.Review("ann", "", githubtest.ReviewComment{Path: "Dockerfile", Line: 4, Body: "why"}); err != nil {
		t.Fatal(err)
	}
	th := must(p.Threads())(t)[0]
	for _, err := range []error{
		p.Reply(th.ID, "robin", "because"), p.Resolve(th.ID, "ann"), p.React(th.Comments[0].ID, "robin", "+1"),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	th = must(p.Threads())(t)[0]
	if len(th.Comments) != 2 || th.ResolvedBy != "ann" || th.Comments[0].Reactions["robin"] != "+1" {
		t.Errorf("thread is %+v", th)
	}
	if err := p.Unresolve(th.ID); err != nil || must(p.Threads())(t)[0].ResolvedBy != "" {
		t.Errorf("unresolved: %v", err)
	}
	for _, c := range th.Comments {
		if err := p.DeleteComment(c.ID); err != nil {
			t.Error(err)
		}
	}
	if left := must(p.Threads())(t); len(left) != 0 {
		t.Errorf("left after deleting all comments: %+v", left)
	}
	if p.Resolve("PRRT_none", "ann") == nil || p.React(1, "ann", "+1") == nil || p.DeleteComment(1) == nil {
		t.Error("acting on what does not exist is no error")
	}
}

// at1 is the comments of a review with one comment.
func at1(path string, line int, more ...any) []obj { return []obj{comment(path, line, more...)} }
