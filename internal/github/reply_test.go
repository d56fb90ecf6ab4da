package github_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/githubtest"
)

// talked is a pull request with one thread of ours.
func talked(t *testing.T) (*host, *githubtest.Pull, forge.Ref, githubtest.Thread) {
	t.Helper()
	h, p, ref, _ := reviewed(t)
	if err := h.publish(t, p, forge.Plan{Review: draft("", inline(3, 3, "finding"))}); err != nil {
		t.Fatal(err)
	}
	threads, err := p.Threads()
	if err != nil {
		t.Fatal(err)
	}
	return h, p, ref, threads[0]
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestStandingComments: what may be a command and what is ours, over several pages, with our reactions.
func TestStandingComments(t *testing.T) {
	h, p, ref, thread := talked(t)
	first, err := p.Comment("ann", "/lighterman help")
	must(t, err)
	for n := range 160 {
		_, err = p.Comment("joe", fmt.Sprint("remark ", n))
		must(t, err)
	}
	ours, err := p.Comment(h.Bot(), "an answer")
	must(t, err)
	edited, err := p.Comment("dependabot[bot]", "x")
	must(t, err)
	must(t, p.EditComment(edited, "joe", "\n/lighterman config"))
	for _, emoji := range []string{"eyes", "+1", "heart"} {
		must(t, p.React(first, h.Bot(), emoji))
	}
	must(t, p.React(first, "joe", "confused"))
	must(t, p.Reply(thread.ID, "ann", "/lighterman ignore"))
	h.ForgetRequests()
	st := h.standing(t, ref)
	if n := h.operations(); n["graphql:Standing"] != 1 || n["graphql:Talk"] != 2 {
		t.Errorf("read by %v", n)
	}
	var got []string
	for _, c := range st.Comments {
		got = append(got, fmt.Sprintf("%d %s %t %t %v", c.ID, c.Author, c.Ours, c.Edited, c.Reacted))
	}
	want := []string{
		fmt.Sprintf("%d ann false false [+1 eyes]", first), fmt.Sprintf("%d %s true false []", ours, h.Bot()),
		fmt.Sprintf("%d dependabot[bot] false true []", edited),
	}
	if !slices.Equal(got, want) {
		t.Errorf("comments\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if c := st.Threads[0].Comments[1]; c.Body != "/lighterman ignore" || c.Edited || c.Made.IsZero() {
		t.Errorf("the reply is %+v", c)
	}
}

// TestStandingThumbs: those of the first comment alone, and of people.
func TestStandingThumbs(t *testing.T) {
	h, p, ref, thread := talked(t)
	must(t, p.Reply(thread.ID, "ann", "no"))
	threads, err := p.Threads()
	must(t, err)
	for _, by := range []string{"ann", "joe", "dependabot[bot]"} {
		must(t, p.React(threads[0].Comments[0].ID, by, "-1"))
	}
	must(t, p.React(threads[0].Comments[0].ID, "eve", "+1"))
	must(t, p.React(threads[0].Comments[1].ID, "eve", "-1"))
	if got := h.standing(t, ref).Threads[0].Downs; !slices.Equal(got, []string{"ann", "joe"}) {
		t.Errorf("thumbs down of %v", got)
	}
}

// TestStandingOthers: of the threads that others began, those in which a command may stand.
func TestStandingOthers(t *testing.T) {
	h, p, ref, _ := talked(t)
	must(t, p.Review("ann", "", githubtest.ReviewComment{Path: "Dockerfile", Line: 1, Body: "hers"},
		githubtest.ReviewComment{Path: "Dockerfile", Line: 2, Body: "hers too"}))
	threads, err := p.Threads()
	must(t, err)
	must(t, p.Reply(threads[2].ID, "joe", "/lighterman explain copy-order"))
	st := h.standing(t, ref)
	if len(st.Threads) != 1 || len(st.Others) != 1 || len(st.Others[0].Comments) != 2 {
		t.Errorf("threads %+v, others %+v", st.Threads, st.Others)
	}
}

func TestRepliesAndReactions(t *testing.T) {
	h, p, ref, thread := talked(t)
	must(t, p.Reply(thread.ID, "ann", "/lighterman help"))
	said, err := p.Comment("joe", "/lighterman help")
	must(t, err)
	threads, err := p.Threads()
	must(t, err)
	asked := threads[0].Comments[1].ID
	plan := forge.Plan{
		Replies: []forge.Reply{{Thread: threads[0].Comments[0].ID, Body: "in the thread"}, {Body: "below"}, {Thread: 1, Body: "gone"}},
		Reactions: []forge.Reaction{
			{Comment: asked, Thread: true, Emoji: forge.ThumbUp}, {Comment: said, Emoji: forge.Confused},
			{Comment: 1, Emoji: forge.ThumbUp}, {Comment: 1, Thread: true, Emoji: forge.ThumbUp},
		},
	}
	must(t, h.app.React(t.Context(), ref, forge.Reaction{Comment: said, Emoji: forge.Eyes}))
	must(t, h.app.React(t.Context(), ref, forge.Reaction{Comment: said, Emoji: forge.Eyes}))
	must(t, h.publish(t, p, plan))
	st := h.standing(t, ref)
	if c := st.Threads[0].Comments; len(c) != 3 || c[2].Body != "in the thread" || !slices.Equal(c[1].Reacted, []forge.Emoji{forge.ThumbUp}) {
		t.Errorf("in the thread: %+v", c)
	}
	if c := st.Comments; len(c) != 2 || c[1].Body != "below" || !slices.Equal(c[0].Reacted, []forge.Emoji{forge.Confused, forge.Eyes}) {
		t.Errorf("on the pull request: %+v", c)
	}
	if err := h.app.React(t.Context(), ref, forge.Reaction{Comment: 1, Emoji: forge.Eyes}); !errors.Is(err, forge.ErrGone) {
		t.Errorf("a comment that is gone: %v", err)
	}
}

// TestUnansweredCommands: where nothing may be said a review goes on; a limit and an unknown outcome end it.
func TestUnansweredCommands(t *testing.T) {
	for name, c := range map[string]struct {
		fault githubtest.Fault
		fails bool
	}{
		"locked":       {githubtest.Fault{Status: 403, Body: `{"message":"Unable to create comment because issue is locked."}`}, false},
		"refused":      {githubtest.Fault{Status: 422, Body: `{"message":"Validation Failed"}`}, false},
		"limit":        {githubtest.SecondaryLimit("", 403, 1), true},
		"a 502":        {githubtest.Fault{Status: 502, After: true}, true},
		"a cut answer": {githubtest.Fault{Cut: true, After: true}, true},
	} {
		for _, operation := range []string{"issues/create-comment", "reactions/create-for-issue-comment"} {
			h, p, ref, _ := talked(t)
			said, err := p.Comment("joe", "/lighterman help")
			must(t, err)
			c.fault.Operation = operation
			h.Inject(c.fault)
			err = h.publish(t, p, forge.Plan{
				Replies: []forge.Reply{{Body: "below"}}, Reactions: []forge.Reaction{{Comment: said, Emoji: forge.ThumbUp}},
			})
			if (err != nil) != c.fails {
				t.Errorf("%s, %s: %v", name, operation, err)
			}
			if !c.fails && operation == "issues/create-comment" && len(h.standing(t, ref).Comments[0].Reacted) != 1 {
				t.Errorf("%s: there is no reaction", name)
			}
		}
	}
}
