package review

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

// TestNothingIsSaidAgainWhereTheHostIsBehind holds that a review which is shown less than the last one wrote looks again.
func TestNothingIsSaidAgainWhereTheHostIsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := commandDesk(t)
		r := &Reviewer{Forge: d, Options: options(adds, rootly)}
		first, err := r.Review(t.Context(), d.change.Ref)
		if err != nil || first.Mark == "" {
			t.Fatalf("%+v, %v", first, err)
		}
		for behind, end := range []End{Unchanged, Unchanged, Unchanged, Published} {
			d.behind = behind
			begin := time.Now()
			out, err := r.ReviewSince(t.Context(), d.change.Ref, Since{Mark: first.Mark})
			if waited := time.Since(begin); err != nil || out.End != end || waited != time.Duration(min(behind, maxLooks-1))*lag {
				t.Errorf("%d readings behind: %s after %s, %v", behind, out.End, waited, err)
			}
			if end == Unchanged && out.Mark != first.Mark {
				t.Errorf("the mark became %q", out.Mark)
			}
		}
		d.tip = "4444444444444444444444444444444444444444"
		d.change.Head = d.tip
		begin := time.Now()
		if _, err := r.ReviewSince(t.Context(), d.change.Ref, Since{Mark: first.Mark}); err != nil || time.Since(begin) > 0 {
			t.Errorf("on another head: after %s, %v", time.Since(begin), err)
		}
	})
}

// TestAnAnswerIsNotRepeatedWhereTheHostIsBehind holds that a command whose reaction is not shown yet is read again, and that
// one which is gone is not waited for.
func TestAnAnswerIsNotRepeatedWhereTheHostIsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := commandDesk(t)
		id := d.say("robin", "/lighterman help")
		r := &Reviewer{Forge: d, Options: options(adds, rootly)}
		first, err := r.Review(t.Context(), d.change.Ref)
		if err != nil || len(d.replies(id)) != 1 {
			t.Fatalf("%+v, %v", first, err)
		}
		st := d.standing()
		st.Head = first.Head
		since := Since{Mark: first.Mark}
		if !since.reached(st) {
			t.Errorf("%q is not reached by what stands there", first.Mark)
		}
		for n := range st.Comments {
			st.Comments[n].Reacted = nil
		}
		if since.reached(st) {
			t.Errorf("%q is reached by what stood there before", first.Mark)
		}
		st.Comments = nil
		if !since.reached(st) {
			t.Errorf("%q is not reached when the command is gone", first.Mark)
		}
	})
}

// TestTheHeadOfTheWebhookIsWaitedFor holds that the state of an older head than the webhook told of is read again, and that
// of a newer one is not.
func TestTheHeadOfTheWebhookIsWaitedFor(t *testing.T) {
	const old, told = "4444444444444444444444444444444444444444", "5555555555555555555555555555555555555555"
	for name, c := range map[string]struct {
		head   string
		recent []string
		waited time.Duration
	}{
		"the same":   {told, []string{told}, 0},
		"newer":      {"6666666666666666666666666666666666666666", []string{told, "6666666666666666666666666666666666666666"}, 0},
		"older":      {old, []string{old}, (maxLooks - 1) * lag},
		"none known": {old, nil, (maxLooks - 1) * lag},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := commandDesk(t)
			d.tip, d.change.Head = c.head, c.head
			for _, id := range c.recent {
				d.pushed = append(d.pushed, forge.Commit{ID: id})
			}
			r := &Reviewer{Forge: d, Options: options(adds, rootly)}
			begin := time.Now()
			_, err := r.ReviewSince(t.Context(), d.change.Ref, Since{Head: told})
			if waited := time.Since(begin); err != nil || waited != c.waited {
				t.Errorf("%s: after %s, %v", name, waited, err)
			}
		})
	}
}
