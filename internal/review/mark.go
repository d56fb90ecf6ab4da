package review

import (
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/forge"
)

// A mark is what shows that a pull request is read as the last review left it, or later: the head, and the key of the check
// run that was the newest there. GitHub answers from many machines, some of which are behind; a review that does not see
// the one before says everything again.

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
	return st.Head + " " + key
}

// reaches reports whether what was read is not older than the mark, as far as that can be told: on another head it cannot.
func reaches(st *forge.Standing, mark string) bool {
	head, key, _ := strings.Cut(mark, " ")
	return st.Head != head || slices.ContainsFunc(st.Checks, func(c forge.CheckRun) bool { return c.Key == key })
}
