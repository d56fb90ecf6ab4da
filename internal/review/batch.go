package review

import (
	"bytes"
	"slices"

	"github.com/lighterman/lighterman/internal/check"
)

// settle makes the suggestions of one file hold as a batch: no two replace a line in common, each was proven on top of
// those before it, and all lines replaced at once give the text that the combined fixes give. A suggestion that does not
// fit gives way to the better ones and is offered after them.
func settle(f File, comments []Comment, found []check.Finding, combine Combine) error {
	out := map[int]bool{} // comments whose suggestion gives way
	for {
		shown := disjoint(f.Path, comments, out)
		if len(shown) == 0 {
			break
		}
		c, err := combine(f.Path, candidates(f.Path, comments, shown, found))
		if err != nil {
			return err
		}
		left := leftOut(c, len(shown))
		if len(left) == 0 && !bytes.Equal(ApplySuggestions(f.Text, suggestions(comments, shown)), c.Text) {
			left = []int{len(shown) - 1}
		}
		if len(left) == 0 {
			break
		}
		for _, n := range left {
			out[shown[n]] = true
		}
	}
	withhold(f.Path, comments, out)
	return nil
}

// disjoint are the indexes of the file's comments with suggestions that replace no line in common, best first.
func disjoint(path string, comments []Comment, out map[int]bool) []int {
	var shown []int
	for n, c := range comments {
		if c.Finding.Path != path || c.Suggestion == nil || out[n] {
			continue
		}
		if !slices.ContainsFunc(shown, func(k int) bool { return c.Suggestion.overlaps(comments[k].Suggestion) }) {
			shown = append(shown, n)
		}
	}
	return shown
}

// candidates are the findings of a file as combine wants them: those of the shown comments first, in that order, then
// all others without their fixes.
func candidates(path string, comments []Comment, shown []int, found []check.Finding) []check.Finding {
	var all []check.Finding
	taken := map[string]bool{}
	for _, n := range shown {
		all = append(all, comments[n].Finding)
		taken[comments[n].Finding.ID] = true
	}
	for _, f := range found {
		if f.Path == path && !taken[f.ID] {
			f.Fixes = nil
			all = append(all, f)
		}
	}
	return all
}

// leftOut are the indexes below n that the combination did not take.
func leftOut(c *check.Combined, n int) []int {
	var left []int
	for k := range n {
		if !slices.Contains(c.Taken, k) {
			left = append(left, k)
		}
	}
	return left
}

func suggestions(comments []Comment, shown []int) []*Suggestion {
	var out []*Suggestion
	for _, n := range shown {
		out = append(out, comments[n].Suggestion)
	}
	return out
}

// withhold takes away the suggestions that are not shown and says when they will be.
func withhold(path string, comments []Comment, out map[int]bool) {
	shown := disjoint(path, comments, out)
	for n := range comments {
		c := &comments[n]
		if c.Finding.Path != path || c.Suggestion == nil || slices.Contains(shown, n) {
			continue
		}
		c.Suggestion = nil
		c.withheld = "It is offered once the other suggestion for these lines is in."
	}
}
