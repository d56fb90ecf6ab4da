package admin

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/queue"
)

// A Queue is what the pages read of package queue, and what their buttons do to it.
type Queue interface {
	Depth(ctx context.Context) (queue.Depth, error)
	Live(ctx context.Context, most int) ([]queue.LiveJob, error)
	Dead(ctx context.Context) ([]queue.DeadJob, error)
	Replay(ctx context.Context, id int64) error
	Report(ctx context.Context, ref forge.Ref) (queue.Report, bool, error)
	Reports(ctx context.Context, most int) ([]queue.Report, error)
	Known(ctx context.Context, ref forge.Ref) (queue.Known, error)
	Repositories(ctx context.Context, installation int64) ([]queue.Repository, error)
	Received(ctx context.Context, most int) ([]queue.Received, error)
	Counts(ctx context.Context, since time.Time) ([]queue.DayCount, error)
}

// A Rate is how many requests are left of an hour, as the code host last said.
type Rate struct {
	Installation int64 // 0 for the App itself
	What         string
	Left, Of     int
	Reset        time.Time
}

// Low reports whether less than a fifth is left.
func (r Rate) Low() bool { return r.Left*5 < r.Of }

// maxRates is how many rate limits are shown, those with the least left.
const maxRates = 10

// accepted is the time that the rate of acceptance is of.
const accepted = 90 * 24 * time.Hour

// overview is the first page.
func (p *Pages) overview(w http.ResponseWriter, r *http.Request) {
	v := struct {
		frame
		Version    string
		Depth      queue.Depth
		Notes      []string
		Rates      []Rate
		Acceptance Acceptance
		Days       int
	}{frame: p.frame(r, "Overview", ""), Version: p.options.Version, Days: int(accepted.Hours() / 24)}
	var err error
	if v.Depth, err = p.options.Queue.Depth(r.Context()); err != nil {
		p.broken(w, r, err)
		return
	}
	counts, err := p.options.Queue.Counts(r.Context(), p.now().Add(-accepted))
	if err != nil {
		p.broken(w, r, err)
		return
	}
	v.Acceptance = acceptanceOf(counts)
	if p.options.Notes != nil {
		v.Notes = p.options.Notes()
	}
	if p.options.Rates != nil {
		v.Rates = p.options.Rates()
		v.Rates = v.Rates[:min(len(v.Rates), maxRates)]
	}
	p.show(w, http.StatusOK, "overview", v)
}

// Acceptance is what became of the fixes that people were shown.
type Acceptance struct {
	Checks []Taken // those shown most often first
	All    Taken
}

// Taken is what became of the fixes of one check.
type Taken struct {
	Check                           string
	Shown, Applied, ByHand, Refused int
}

// The words of queue.Count.What that say what became of a fix.
const (
	wasShown    = "shown"
	wasApplied  = "applied"
	wasByHand   = "by_hand"
	wasDeclined = "declined"
)

// acceptanceOf sums up days. What is counted and is no outcome of a fix is passed over.
func acceptanceOf(counts []queue.DayCount) Acceptance {
	sums := map[string]*Taken{}
	var out Acceptance
	for _, c := range counts {
		t := sums[c.Name]
		if t == nil {
			t = &Taken{Check: c.Name}
		}
		into := map[string]*int{
			wasShown: &t.Shown, wasApplied: &t.Applied, wasByHand: &t.ByHand, wasDeclined: &t.Refused,
		}[c.What]
		if into == nil {
			continue
		}
		sums[c.Name] = t
		*into += c.N
	}
	for _, t := range sums {
		out.Checks = append(out.Checks, *t)
		out.All.Shown += t.Shown
		out.All.Applied += t.Applied
		out.All.ByHand += t.ByHand
		out.All.Refused += t.Refused
	}
	slices.SortFunc(out.Checks, func(a, b Taken) int {
		return cmp.Or(cmp.Compare(b.Shown, a.Shown), cmp.Compare(a.Check, b.Check))
	})
	return out
}

// Rate is the part of the shown ones that were applied as offered, in percent, at most 100: what was applied lately may have
// been shown before the time that is looked at.
func (t Taken) Rate() int { return percent(t.Applied, t.Shown) }

// Also is the further part that was fixed by hand.
func (t Taken) Also() int { return min(percent(t.ByHand, t.Shown), 100-t.Rate()) }

func percent(part, of int) int {
	if of <= 0 {
		return 0
	}
	return max(0, min(100, (100*part+of/2)/of))
}
