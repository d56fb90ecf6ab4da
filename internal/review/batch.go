package review

import (
	"runtime"
	"slices"

	"github.com/sourcegraph/conc/pool"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
)

// A Combine makes the first fixes of one path's findings at once, as far as they hold together; check.Combine does so
// for a tree. It is called from several goroutines.
type Combine func(path string, findings []check.Finding) (*check.Combined, error)

// batches settles the suggestions of every file, several files at once.
func batches(files []File, comments []Comment, found []check.Finding, combine Combine) error {
	p := pool.New().WithErrors().WithFirstError().WithMaxGoroutines(runtime.GOMAXPROCS(0))
	for _, f := range files {
		var mine []*Comment
		for n := range comments {
			if comments[n].Finding.Path == f.Path && comments[n].Suggestion != nil {
				mine = append(mine, &comments[n])
			}
		}
		if len(mine) > 0 {
			p.Go(func() error { return settle(f, mine, found, combine) })
		}
	}
	return p.Wait()
}

// settle makes the suggestions of one file hold as a batch: no two replace a line in common, and each was proven
// on top of those before it. A suggestion that does not fit gives way to the better ones and is offered after
// them. A single one needs nothing beyond its own proof.
func settle(f File, mine []*Comment, found []check.Finding, combine Combine) error {
	for {
		shown := disjoint(mine)
		left := mine[:0:0]
		if len(shown) > 1 {
			c, err := combine(f.Path, candidates(f, shown, found))
			if err != nil {
				return err
			}
			left = leftOut(shown, c.Taken)
		}
		if len(left) == 0 {
			withhold(mine, shown)
			return nil
		}
		for _, c := range left {
			c.giveWay()
		}
		mine = slices.DeleteFunc(mine, func(c *Comment) bool { return c.Suggestion == nil })
	}
}

// disjoint are the comments whose suggestions replace no line in common, best first.
func disjoint(mine []*Comment) []*Comment {
	var shown []*Comment
	for _, c := range mine {
		if !slices.ContainsFunc(shown, func(s *Comment) bool { return c.Suggestion.overlaps(s.Suggestion) }) {
			shown = append(shown, c)
		}
	}
	return shown
}

// candidates are the findings of a file as Combine wants them: those of the shown comments first, in that order,
// then all others without their fixes. A shown fix is the whole lines of its suggestion: what is combined and
// proven is what a batch commits, and two insertions that meet have the order of their lines.
func candidates(f File, shown []*Comment, found []check.Finding) []check.Finding {
	var all []check.Finding
	taken := map[string]bool{}
	for _, c := range shown {
		one := c.Finding
		fix := one.Fixes[0]
		fix.Edits = []fixes.Edit{c.Suggestion.edit(f)}
		one.Fixes = []fixes.Fix{fix}
		all = append(all, one)
		taken[one.ID] = true
	}
	for _, other := range found {
		if other.Path == f.Path && !taken[other.ID] {
			other.Fixes = nil
			all = append(all, other)
		}
	}
	return all
}

// leftOut are the comments whose indexes were not taken.
func leftOut(shown []*Comment, taken []int) []*Comment {
	var left []*Comment
	for n, c := range shown {
		if !slices.Contains(taken, n) {
			left = append(left, c)
		}
	}
	return left
}

// withhold takes away the suggestions that are not shown.
func withhold(mine, shown []*Comment) {
	for _, c := range mine {
		if !slices.Contains(shown, c) {
			c.giveWay()
		}
	}
}

// giveWay takes the suggestion away and says when it will be there.
func (c *Comment) giveWay() {
	c.Suggestion = nil
	c.withheld = "It is offered once the other suggestion for these lines is in."
}
