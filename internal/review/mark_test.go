package review

import (
	"testing"
	"testing/synctest"
	"time"
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
			out, err := r.ReviewSince(t.Context(), d.change.Ref, first.Mark)
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
		if _, err := r.ReviewSince(t.Context(), d.change.Ref, first.Mark); err != nil || time.Since(begin) > 0 {
			t.Errorf("on another head: after %s, %v", time.Since(begin), err)
		}
	})
}
