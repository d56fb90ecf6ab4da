package review

import (
	"slices"

	"github.com/lighterman/lighterman/internal/forge"
)

// Reconcile compares what there is to say with what was said, and plans the difference. For every finding at most
// one thread stays open: one that says the same is left alone wherever it stands by now, and one that says
// something else is edited. A thread that a person resolved is the last word on its finding; one that a person
// answered is never edited. Threads of findings that are gone are resolved. What the summary tells stays there.
//
// Carrying out the plan and reconciling again gives an empty plan.
func Reconcile(o *Opinion, threads []forge.Thread, reviews []forge.Review) forge.Plan {
	p := planner{memory: remember(threads, reviews), plan: forge.Plan{Head: o.Head}}
	var s summary
	for _, c := range o.Comments {
		if !p.comment(c) {
			s.entries = append(s.entries, entryOf(c))
		}
	}
	for _, n := range o.Notes {
		if n.Urgent {
			s.entries = append(s.entries, noteOf(n))
		} else {
			s.remarks = append(s.remarks, noteOf(n))
		}
	}
	s.elsewhere, s.head = o.Elsewhere, o.Head
	p.farewell(o)
	p.review(s)
	return p.plan
}

// A planner collects a plan.
type planner struct {
	memory
	plan   forge.Plan
	drafts []forge.DraftComment
}

// comment sees to one finding's thread; it reports false when the finding is to be told in the summary.
func (p *planner) comment(c Comment) bool {
	threads := p.threads[c.id()]
	if slices.ContainsFunc(threads, posted.dismissed) {
		p.close(slices.DeleteFunc(slices.Clone(threads), func(t posted) bool { return !t.live() }))
		return true
	}
	live := slices.DeleteFunc(slices.Clone(threads), func(t posted) bool { return !t.live() })
	if len(live) > 0 {
		keep := best(live, c)
		p.close(slices.Delete(slices.Clone(live), keep, keep+1))
		p.update(live[keep], c)
		return true
	}
	if c.Line == 0 || p.told[c.id()] {
		return false
	}
	p.draft(c)
	return true
}

// best is the index of the thread to keep: one that says the same, preferably on lines that still stand, else the
// first.
func best(live []posted, c Comment) int {
	same := func(t posted) bool { return t.mark.text == c.text() }
	if n := slices.IndexFunc(live, func(t posted) bool { return same(t) && !t.Outdated }); n >= 0 {
		return n
	}
	return max(0, slices.IndexFunc(live, same))
}

// update makes an open thread say what there is to say now. A suggestion is only ever put on lines it was made
// for; when the thread stands on others, a new one takes its place.
func (p *planner) update(t posted, c Comment) {
	switch {
	case c.Line == 0 || t.mark.text == c.text() || t.answered():
	case c.Suggestion == nil || t.carries(c):
		body := signed(c.Body, marker{c.id(), c.text(), t.mark.lines})
		p.plan.Edit = append(p.plan.Edit, forge.CommentEdit{ID: t.Comments[0].ID, Body: body})
	default:
		p.close([]posted{t})
		p.draft(c)
	}
}

func (p *planner) draft(c Comment) {
	p.drafts = append(p.drafts, forge.DraftComment{
		Path:      c.Finding.Path,
		StartLine: c.StartLine,
		Line:      c.Line,
		Body:      signed(c.Body, marker{c.id(), c.text(), c.span()}),
	})
}

// signed is a body with its marker. The empty line between them keeps what looks like a marker above from being read.
func signed(body string, m marker) string { return body + "\n\n" + m.String() }

// close resolves threads, or hides the comment of those it may not resolve. An answered one is not hidden.
func (p *planner) close(threads []posted) {
	for _, t := range threads {
		switch {
		case t.CanResolve:
			p.plan.Resolve = append(p.plan.Resolve, t.ID)
		case !t.answered():
			p.plan.Minimize = append(p.plan.Minimize, t.Comments[0].NodeID)
		}
	}
}

// farewell closes the open threads of findings that are gone.
func (p *planner) farewell(o *Opinion) {
	wanted := map[string]bool{}
	for _, c := range o.Comments {
		wanted[c.id()] = true
	}
	for _, id := range p.order {
		if !wanted[id] {
			p.close(slices.DeleteFunc(slices.Clone(p.threads[id]), func(t posted) bool { return !t.live() || !o.sees(t.Path) }))
		}
	}
}

// review plans the new review, if there is anything new, and the summary: edited where it stands, else in the new
// review.
func (p *planner) review(s summary) {
	body := ""
	switch {
	case p.summary != nil && p.text != s.mark().text:
		p.plan.EditBody = []forge.ReviewEdit{{ID: p.summary.ID, Body: s.body()}}
	case p.summary == nil && (len(s.entries) > 0 || len(p.drafts) > 0 && !s.empty()):
		body = s.body()
	}
	if body != "" || len(p.drafts) > 0 {
		p.plan.Review = &forge.Draft{Body: body, Comments: p.drafts}
	}
}
