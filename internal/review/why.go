package review

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/forge"
)

// conclude fills in what happened, and the words that say it to people.
func (out *Outcome) conclude(ctx context.Context, look seen, st *forge.Standing, since Since) error {
	out.Posted = written(out.Plan)
	o, err := out.Opinion, error(nil)
	switch {
	case o == nil && since.Memory == "":
		out.Why = closedWords
		return nil
	case o == nil:
		if o, err = look.opinion(ctx, st, known{}); err != nil {
			return err
		}
	}
	v := viewOf(look, o, st)
	v.refused = out.Refused != nil
	if st.Ref.Group == "" && (!v.closed || look.change.Head == "" || look.change.Head == st.Head) {
		var d diary
		out.Events, d = v.happened(readDiary(since.Memory))
		out.Memory = d.text()
	}
	out.Why = v.why(out.End, st)
	return nil
}

// closedWords is why nothing is posted on a pull request that is closed.
const closedWords = "the pull request is closed"

// written is what a plan wrote.
func written(p forge.Plan) []string {
	var out []string
	if p.Review != nil {
		what := "a review"
		if n := len(p.Review.Comments); n > 0 {
			what += " with " + counted(n, "comment")
		}
		out = append(out, what)
	}
	for _, part := range []struct {
		n    int
		what string
	}{
		{len(p.Edit), "changed comment"}, {len(p.EditBody), "changed summary"},
		{len(p.Resolve) + len(p.Minimize), "closed thread"}, {len(p.Replies), "answer"}, {len(p.Reactions), "reaction"},
	} {
		if part.n > 0 {
			out = append(out, counted(part.n, part.what))
		}
	}
	if p.Check != nil {
		out = append(out, fmt.Sprintf("the check run %q, %s", p.Check.Title, p.Check.Conclusion))
	}
	return out
}

// why is why nothing was posted, or not more.
func (v view) why(end End, st *forge.Standing) string {
	if v.closed {
		return closedWords
	}
	var all []string
	if end == Unchanged {
		all = append(all, "there is nothing new to say since the review before")
	}
	if v.Aside != "" {
		return strings.Join(append(all, v.Aside), "; ")
	}
	all = append(all, v.extent()...)
	all = append(all, v.silence(st)...)
	if st.Checkless {
		all = append(all, "lighterman may not write check runs here")
	}
	return strings.Join(all, "; ")
}

// extent is what was looked at, as far as that is less than one might expect.
func (v view) extent() []string {
	var all []string
	unread := 0
	for _, failed := range v.Unseen {
		if failed {
			unread++
		}
	}
	switch {
	case unread > 0 || v.excluded > 0 && v.Files == 0:
	case len(v.files) == 0:
		all = append(all, "no Dockerfile is touched, nor what another one depends on")
	case v.Files == 0:
		all = append(all, "no Dockerfile is touched; looked at was what the change means for "+counted(len(v.files), "other"))
	case len(v.Comments)+len(v.rest)+len(v.suppressed) == 0:
		all = append(all, "nothing was found in "+counted(v.Files, "Dockerfile"))
	}
	if unread > 0 {
		all = append(all, counted(unread, "Dockerfile")+" could not be looked at")
	}
	if v.excluded > 0 {
		all = append(all, were(v.excluded, "Dockerfile is", "Dockerfiles are")+" left out by the configuration")
	}
	for _, n := range v.Notes {
		if n.Path == "" {
			all = append(all, n.Words)
		}
	}
	return all
}

// silence is which findings were not told, or not on the diff.
func (v view) silence(st *forge.Standing) []string {
	sums := map[string]int{}
	for reason, checks := range v.untold() {
		for _, n := range checks {
			sums[reason] += n
		}
	}
	for _, c := range v.Comments {
		if !v.mute.covers(c) {
			k := clerk{view: v}
			sums[k.place(&c)]++
		}
	}
	var all []string
	for _, part := range []struct{ reason, words string }{
		{Untouched, "on lines that the pull request does not change"},
		{Dismissed, "dismissed by " + v.dismissers(st)},
		{IgnoredComment, "ignored by a comment in the file"},
		{IgnoredConfig, "of checks that the configuration ignores"},
		{Duplicate, "told once for several files alike"},
		{OffDiff, "not on the diff, for its lines are not"},
		{OverLimit, "not on the diff, for there are enough comments"},
		{Refused, "not on the diff, for GitHub refused the comments"},
	} {
		if n := sums[part.reason]; n > 0 {
			all = append(all, counted(n, "finding")+" "+part.words)
		}
	}
	return all
}

// maxNamed is how many people are named.
const maxNamed = 5

// dismissers are those who dismissed findings, or whole checks.
func (v view) dismissers(st *forge.Standing) string {
	var all []string
	add := func(login string) {
		if login == "" {
			login = "somebody"
		}
		if !slices.Contains(all, login) {
			all = append(all, login)
		}
	}
	for _, t := range st.Threads {
		p, ok := tells(t)
		if !ok {
			continue
		}
		if p.closed() {
			add(p.ResolvedBy)
		}
		for _, login := range t.Downs {
			if v.known.writes(login) || marks(login, st.Author) {
				add(login)
			}
		}
	}
	for _, c := range heard(st) {
		if v.known.accepts(c) {
			add(c.comment.Author)
		}
	}
	if more := len(all) - maxNamed; more > 0 {
		return strings.Join(all[:maxNamed], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(all, ", ")
}
