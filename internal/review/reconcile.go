package review

import (
	"slices"

	"github.com/lighterman/lighterman/internal/forge"
)

// Reconcile compares what there is to say with what was said, and plans the difference. For every finding at most
// one thread stays open: one that says the same is left alone wherever it stands by now, and one that says
// something else is edited. What a person dismissed is the last word on its finding; a thread that a person answered is
// never edited. Threads of findings that are gone are resolved. What does not stand on the diff is told by
// the check run, or in the body of a review where no check run may be written.
//
// Carrying out the plan and reconciling again gives an empty plan.
func Reconcile(o *Opinion, st *forge.Standing, answers ...response) forge.Plan {
	m := o.known.remember(st)
	m.follow(o)
	p := planner{memory: m, mute: o.known.mute(m, st), checkless: st.Checkless, plan: forge.Plan{Head: o.Head}}
	t := tally{opinion: o}
	t.reply(answers)
	for _, c := range o.Comments {
		t.add(c, p.comment(c))
	}
	p.farewell(o)
	s := summary{}
	if st.Checkless {
		s = t.summary()
	}
	p.review(s)
	if !st.Checkless {
		p.plan.Check = t.run(st)
	}
	return p.plan
}

// A tally is what became of the findings of an opinion.
type tally struct {
	opinion   *Opinion
	told      []told
	dismissed int
	asked     int // of those that are told: how many the author would have dismissed
	answers   []response
	again     string // the request for a new check run, "" when nobody asked for one
}

// reply takes up the answers to requests. To one for a new check run the run is the answer.
func (t *tally) reply(answers []response) {
	for _, a := range answers {
		if a.request.Kind == forge.Rerun {
			t.again = a.request.ID
		} else {
			t.answers = append(t.answers, a)
		}
	}
}

// A told is a finding that is told, and where.
type told struct {
	Comment
	outlet
}

// inline reports whether it stands on the diff; else the check run or the summary tells it.
func (c told) inline() bool { return c.outlet != beside }

func (t *tally) add(c Comment, o outlet) {
	fails := c.Finding.Check.Severity >= t.failOn()
	switch {
	case o == dismissed, o == asked && !fails:
		t.dismissed++
		return
	case o == asked:
		t.asked++
	}
	t.told = append(t.told, told{c, o})
}

// summary is what the body of a review tells.
func (t *tally) summary() summary {
	s := summary{elsewhere: t.opinion.Elsewhere, head: t.opinion.Head}
	for _, c := range t.told {
		if !c.inline() {
			s.entries = append(s.entries, entryOf(c.Comment))
		}
	}
	for _, n := range t.opinion.Notes {
		if n.Urgent {
			s.entries = append(s.entries, noteOf(n))
		} else {
			s.remarks = append(s.remarks, noteOf(n))
		}
	}
	return s
}

// An outlet is where a finding is told.
type outlet int

const (
	dismissed outlet = iota // nowhere: a person dismissed it
	asked                   // in the check run's table alone, and only if it fails that: its author dismissed it
	onDiff                  // in a thread
	beside                  // in the check run, or in the summary
)

// A planner collects a plan.
type planner struct {
	memory
	mute      mute
	checkless bool
	plan      forge.Plan
	drafts    []forge.DraftComment
}

// comment sees to one finding's thread.
func (p *planner) comment(c Comment) outlet {
	threads := p.threads[c.id()]
	if p.mute.covers(c) {
		p.close(slices.DeleteFunc(slices.Clone(threads), func(t posted) bool { return !t.live() || p.mute.open[t.ID] }))
		if !p.mute.decided(c) {
			return asked
		}
		return dismissed
	}
	live := slices.DeleteFunc(slices.Clone(threads), func(t posted) bool { return !t.live() })
	if len(live) > 0 {
		keep := best(live, c)
		p.close(slices.Delete(slices.Clone(live), keep, keep+1))
		p.update(live[keep], c)
		return onDiff
	}
	if c.Line == 0 || p.checkless && p.told[c.id()] {
		return beside
	}
	p.draft(c)
	return onDiff
}

// best is the index of the thread to keep: one that stands in the file and says the same, preferably on lines that still
// stand, else the first that says the same, or the first.
func best(live []posted, c Comment) int {
	same := func(t posted) bool { return t.mark.text == c.text() }
	here := func(t posted) bool { return same(t) && t.Path == c.Finding.Path }
	for _, fits := range []func(posted) bool{func(t posted) bool { return here(t) && !t.Outdated }, here, same} {
		if n := slices.IndexFunc(live, fits); n >= 0 {
			return n
		}
	}
	return 0
}

// update makes an open thread say what there is to say now. A suggestion is only ever put on lines it was made
// for; when the thread stands on others, or on none since its lines changed or its file got another name, a new one takes
// its place.
func (p *planner) update(t posted, c Comment) {
	stands := !t.Outdated && t.Path == c.Finding.Path
	same := t.mark.text == c.text() && stands && slices.Equal(t.ids(), c.ids())
	switch {
	case c.Line == 0 || same || t.answered():
	case stands && (c.Suggestion == nil || t.carries(c)):
		body := c.signed(t.mark.lines)
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
		Body:      c.signed(c.span()),
	})
}

// maxTwins is how many other files a comment has in its markers.
const maxTwins = 100

// signed is the comment's body with its markers: before its own those of the other files that it tells, with what these have
// in common under any name.
func (c Comment) signed(lines int) string {
	var marks []marker
	for n, id := range c.ids()[1:] {
		marks = append(marks, marker{id: id, text: kin(c.twins[n])})
	}
	return signed(c.Body, append(marks, marker{c.id(), c.text(), lines})...)
}

// signed is a body with markers. The empty line between them keeps what looks like a marker above from being read.
func signed(body string, marks ...marker) string {
	body += "\n"
	for _, m := range marks {
		body += "\n" + m.String()
	}
	return body
}

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
			p.close(slices.DeleteFunc(slices.Clone(p.threads[id]), func(t posted) bool { return !t.live() || !o.sees(t.home) }))
		}
	}
}

// review plans the new review, if there is anything new, and the summary: edited where it stands, else in the new
// review. A summary that a person edited is left alone, and what it tells is not told again.
func (p *planner) review(s summary) {
	if p.kept != nil {
		s = s.without(p.kept)
	}
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
