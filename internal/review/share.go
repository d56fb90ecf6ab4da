package review

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/markdown"
)

// Several pull requests may have the same head: into two branches, or by two people. GitHub keeps check runs by commit and
// shows the newest of a name, whatever pull request it was made for. So each pull request has runs of its own, known by the
// begin of their keys, and one that passes is not made newer than one that blocks: it blocks too, and says for whom.
// Else a pull request into a branch that decided nothing would open the way into one that did.

// subject begins the keys of the check runs of a pull request or a merge group.
func subject(ref forge.Ref) string {
	if ref.Group != "" {
		return fmt.Sprintf("@%.7s ", ref.Group)
	}
	return fmt.Sprintf("#%d ", ref.Number)
}

// ownRun is the newest check run of a pull request, and whether there is no newer one of another; ok is false when there is
// none.
func ownRun(st *forge.Standing) (run forge.CheckRun, newest, ok bool) {
	for n := len(st.Checks) - 1; n >= 0; n-- {
		if strings.HasPrefix(st.Checks[n].Key, subject(st.Ref)) {
			return st.Checks[n], n == len(st.Checks)-1, true
		}
	}
	return forge.CheckRun{}, false, false
}

// stops reports whether a required check with that conclusion keeps a pull request from being merged.
func stops(c forge.Conclusion) bool { return c == forge.Failure }

// sharing stands in the key of a check run that blocks for other pull requests alone.
const sharing = " for="

func shared(run forge.CheckRun) bool { return strings.Contains(run.Key, sharing) }

// share lets a check run block for the other pull requests of the same head, and returns what its key says of that.
func (t *tally) share(d *forge.CheckDraft) string {
	others := t.opinion.Rivals
	if len(others) == 0 || stops(d.Conclusion) {
		return ""
	}
	var names []string
	for _, n := range others {
		names = append(names, fmt.Sprintf("#%d", n))
	}
	d.Conclusion = forge.Failure
	d.Title += "; " + names[0] + " has the same head and fails"
	const words = "This commit is also the head of %s, which this check would not let pass; the newest check run counts for all."
	d.Summary = clipped(markdown.Paragraphs(fmt.Sprintf(words, strings.Join(names, ", ")), d.Summary))
	return sharing + strings.Join(names, ",")
}

// maxRivals is how many pull requests of the same head are looked up.
const maxRivals = 5

// rivals are the other open pull requests of the same head that fail by what was found there.
func (r *Reviewer) rivals(ctx context.Context, st *forge.Standing) ([]int, error) {
	var out []int
	for _, n := range failing(st) {
		other, err := r.Forge.Standing(ctx, forge.Ref{Repo: st.Ref.Repo, Number: n})
		if errors.Is(err, forge.ErrGone) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if other.Open && other.Head == st.Head {
			out = append(out, n)
		}
	}
	return out, nil
}

// failing are the pull requests whose own check run on the head blocks, but for the one that is looked at.
func failing(st *forge.Standing) []int {
	if st.Ref.Group != "" {
		return nil
	}
	last := map[int]forge.CheckRun{}
	for _, c := range st.Checks {
		word, _, _ := strings.Cut(c.Key, " ")
		digits, ok := strings.CutPrefix(word, "#")
		if n, err := strconv.Atoi(digits); ok && err == nil && n > 0 && n != st.Ref.Number {
			last[n] = c
		}
	}
	var out []int
	for n, c := range last {
		if stops(c.Conclusion) && !shared(c) {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out[:min(len(out), maxRivals)]
}
