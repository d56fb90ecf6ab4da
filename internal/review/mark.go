package review

import (
	"slices"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

// A mark is what shows that a pull request is read as the last review left it, or later: the head, the key of the check
// run that was the newest there, and the commands that were answered. GitHub answers from many machines, some of which are
// behind; a review that does not see the one before says everything again.

// maxMarked is how many answered commands a mark names.
const maxMarked = 10

// markOf is the mark that a review leaves; "" when there is no check run to be known by.
func markOf(st *forge.Standing, plan forge.Plan) string {
	key := ""
	if n := len(st.Checks); n > 0 {
		key = st.Checks[n-1].Key
	}
	if plan.Check != nil {
		key = plan.Check.Key
	}
	if key == "" {
		return ""
	}
	mark := st.Head + "\n" + key
	var settled []string
	for _, r := range plan.Reactions {
		settled = append(settled, named(forge.Comment{ID: r.Comment}))
	}
	for _, r := range plan.Replies {
		if a, ok := answerIn(r.Body); ok && a.emoji != "" {
			settled = append(settled, a.to)
		}
	}
	for _, name := range settled[:min(len(settled), maxMarked)] {
		mark += "\n" + name
	}
	return mark
}

// A Since is what is known of a pull request before it is read.
type Since struct {
	Mark string // of the last review
	// Memory is what the last review left as Outcome.Memory.
	Memory string
	Head   string // the head as a webhook told it; the pull request may have moved on
	// Request is the id of this review for people who look into a log; it stands in the check run. "" is none.
	Request string
	// Limited is until when a limit of the host kept the head waiting; the zero time is none.
	Limited time.Time
}

// reached reports whether what was read is not older, as far as that can be told.
func (s Since) reached(st *forge.Standing) bool {
	if s.Head != "" && st.Head != s.Head && !slices.ContainsFunc(st.Recent, func(c forge.Commit) bool { return c.ID == s.Head }) {
		return false
	}
	marked := strings.Split(s.Mark, "\n")
	if len(marked) < 2 || st.Head != marked[0] {
		return true
	}
	seen := slices.ContainsFunc(st.Checks, func(c forge.CheckRun) bool { return c.Key == marked[1] })
	return seen && !slices.ContainsFunc(heard(st), func(r remark) bool {
		return slices.Contains(marked[2:], named(r.comment)) && !judged(r.comment)
	})
}
