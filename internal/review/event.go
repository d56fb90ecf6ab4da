package review

import (
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
)

// An Event is something that happened to findings of one check on a pull request. However often the pull request is
// reviewed it is told once, provided that each review is handed what the one before left as Outcome.Memory.
type Event struct {
	What  What
	Check string
	// How says more: of a finding that was told where, and of one that was not why; of a fix its proof class.
	How  string
	Form string // of a fix that was offered: Suggestion or Button
	N    int
}

// What happened.
type What string

// Findings are told or not. A fix is offered, or did not hold; one that was offered is applied, the finding is fixed in
// another way, or a person declines.
const (
	Told      What = "told"
	Untold    What = "suppressed"
	Offered   What = "offered"
	Withdrawn What = "refused"
	Applied   What = "applied"
	ByHand    What = "by_hand"
	Declined  What = "declined"
)

// The places where a finding is told.
const (
	OnDiff    = "diff"
	OffDiff   = "off_diff"   // its lines are not on the diff
	OverLimit = "over_limit" // there are enough comments
	Refused   = "refused"    // the host refused the review
)

// The reasons for which a finding is not told.
const (
	Dismissed      = "dismissed"
	Duplicate      = "duplicate" // another file of the same family has it too, where it is told
	Untouched      = "untouched" // its lines are left alone
	IgnoredComment = "ignored_comment"
	IgnoredConfig  = "ignored_config"
)

// The forms in which a fix is offered.
const (
	Click  = "suggestion"
	Button = "commit"
)

// A view is what one review saw, as far as it tells what happened since the one before.
type view struct {
	*Opinion
	files      []File // that were looked at
	suppressed []check.Suppressed
	read       func(path string) ([]byte, error) // another file of the head
	mute       mute
	open       map[string]bool // findings with an open thread
	refused    bool            // comments on the diff
	excluded   int             // Dockerfiles that the configuration leaves out
	closed     bool            // nothing is told any more, but what was told may have come to something
}

// viewOf is what a review of a pull request came to.
func viewOf(s seen, o *Opinion, st *forge.Standing) view {
	m := o.known.remember(st)
	v := view{Opinion: o, mute: o.known.mute(m, st), open: map[string]bool{}, closed: !st.Open}
	for id, threads := range m.threads {
		v.open[id] = slices.ContainsFunc(threads, posted.live)
	}
	if s.examined != nil {
		v.files, v.suppressed, v.read = s.files, s.result.Suppressed, s.tree.ReadFile
		for _, c := range s.change.Files {
			if c.Status != forge.Removed && check.Subject(c.Path) && !s.settings.Kept(c.Path) {
				v.excluded++
			}
		}
	}
	return v
}

// happened is what happened since the review that left was, and what is to be known at the next one.
func (v view) happened(was diary) ([]Event, diary) {
	if v.Aside != "" {
		return nil, was
	}
	k := &clerk{view: v, diary: was.clone(), now: map[string]*Comment{}}
	for n := range v.Comments {
		k.now[v.Comments[n].id()] = &v.Comments[n]
	}
	k.rename()
	k.farewell()
	k.follow()
	if !v.closed {
		k.greet()
		k.weigh()
	}
	return k.events, k.diary
}

// A clerk writes down what happened.
type clerk struct {
	view
	diary  diary
	now    map[string]*Comment
	events []Event
}

func (k *clerk) note(what What, check, how, form string) {
	k.events = append(k.events, Event{what, check, how, form, 1})
}

// end is what became of a finding that was told. Only of one with a fix it is of interest.
func (k *clerk) end(e *line, what What) {
	if e.Fix && what != "" {
		k.note(what, e.Check, "", "")
	}
	e.over()
}

// rename gives the findings of renamed files their present names.
func (k *clerk) rename() {
	for _, c := range k.strangers() {
		former := k.known.former(*c)
		n := slices.IndexFunc(k.diary.Told, func(e line) bool { return k.now[e.ID] == nil && slices.Contains(former, e.ID) })
		if n >= 0 {
			k.diary.Told[n].ID, k.diary.Told[n].Path = c.id(), short(c.Finding.Path)
		}
	}
	k.diary.move(k.known.homes)
}

// farewell sees to findings that are not told any more. Where the file has another finding of that check instead, the
// words of its instruction changed: it is the same.
func (k *clerk) farewell() {
	left := k.leavers()
	rest := left[:0:0]
	for _, e := range left {
		if e.Fix && !e.Cuts && e.stands(k.view) {
			k.end(e, Applied)
		} else {
			rest = append(rest, e)
		}
	}
	heirs := k.strangers()
	for _, e := range rest {
		same := func(c *Comment) bool { return c.Finding.Check.Name == e.Check && short(c.Finding.Path) == e.Path }
		if n := slices.IndexFunc(heirs, same); n >= 0 {
			e.ID, heirs = heirs[n].id(), slices.Delete(heirs, n, n+1)
			continue
		}
		k.end(e, k.fate(e))
	}
}

// leavers are the open lines whose finding is gone: not told, and not in lines that the pull request leaves alone now.
func (k *clerk) leavers() []*line {
	still := map[string]bool{}
	for _, f := range k.rest {
		still[short("finding", f.ID)] = true
	}
	for _, c := range k.Comments {
		for _, f := range c.twins {
			still[short("finding", f.ID)] = true
		}
	}
	looked := k.looked()
	var out []*line
	for n := range k.diary.Told {
		e := &k.diary.Told[n]
		if !e.Over && k.now[e.ID] == nil && !still[e.ID] && looked(e.Path) {
			out = append(out, e)
		}
	}
	return out
}

// looked reports by the hash of a path whether a finding that is not in the opinion is gone from the file.
func (k *clerk) looked() func(hash string) bool {
	out := map[string]bool{}
	for path := range k.Seen {
		out[short(path)] = k.sees(path)
	}
	for path := range k.Unseen {
		out[short(path)] = k.sees(path)
	}
	return func(hash string) bool {
		is, known := out[hash]
		return is || !known && !k.Partial
	}
}

// strangers are the comments that were not told before.
func (k *clerk) strangers() []*Comment {
	known := map[string]bool{}
	for _, e := range k.diary.Told {
		known[e.ID] = true
	}
	var out []*Comment
	for n := range k.Comments {
		if c := &k.Comments[n]; !known[c.id()] {
			out = append(out, c)
		}
	}
	return out
}

// fate is what became of a finding that is gone, and for which the head has no text of ours.
func (k *clerk) fate(e *line) What {
	n := slices.IndexFunc(k.suppressed, func(s check.Suppressed) bool {
		return short("finding", strings.TrimSuffix(s.ID, ":ignored")) == e.ID
	})
	switch {
	case n >= 0 && k.suppressed[n].Inline:
		return Declined
	case n >= 0:
		return ""
	case e.Cuts && e.stands(k.view):
		return Applied
	}
	return ByHand
}

// follow sees to findings that were told before and still stand.
func (k *clerk) follow() {
	for n := range k.diary.Told {
		e := &k.diary.Told[n]
		c := k.now[e.ID]
		switch {
		case e.Over || c == nil:
		case k.mute.covers(*c):
			if e.Fix {
				k.end(e, Declined)
			}
		case !k.closed:
			k.offer(e, c)
		}
	}
}

// offer remembers the fix that a finding is told with.
func (k *clerk) offer(e *line, c *Comment) {
	if len(c.Finding.Fixes) == 0 {
		return
	}
	first := !e.Fix
	e.promise(k.view, c)
	if first {
		form := Button
		if c.Suggestion != nil && !k.refused {
			form = Click
		}
		k.note(Offered, e.Check, string(c.Finding.Fixes[0].Class()), form)
	}
}

// greet sees to findings that are told for the first time. What there is no room to remember is not counted either, for
// it would be counted again.
func (k *clerk) greet() {
	for _, c := range k.strangers() {
		if k.mute.covers(*c) || len(k.diary.Told) >= maxTold {
			continue
		}
		name := c.Finding.Check.Name
		k.note(Told, name, k.place(c), "")
		for _, class := range c.Finding.Withdrawn {
			k.note(Withdrawn, name, string(class), "")
		}
		k.diary.Told = append(k.diary.Told, line{ID: c.id(), Check: name, Path: short(c.Finding.Path)})
		k.offer(&k.diary.Told[len(k.diary.Told)-1], c)
	}
}

// place is where a comment is told.
func (k *clerk) place(c *Comment) string {
	switch {
	case k.open[c.id()]:
		return OnDiff
	case c.Line > 0 && k.refused:
		return Refused
	case c.Line > 0:
		return OnDiff
	case c.over:
		return OverLimit
	}
	return OffDiff
}

// weigh counts what is not told: by check and reason, only as far as it is more than it ever was.
func (k *clerk) weigh() {
	for reason, checks := range k.untold() {
		for check, n := range checks {
			if more := n - k.diary.Untold[reason][check]; more > 0 {
				k.events = append(k.events, Event{Untold, check, reason, "", more})
				k.diary.keep(reason, check, n)
			}
		}
	}
	slices.SortFunc(k.events, Event.compare)
}

// untold are the numbers of findings that are not told, by reason and check.
func (v view) untold() map[string]map[string]int {
	out := map[string]map[string]int{}
	add := func(reason string, c *check.Check, n int) {
		if n > 0 {
			if out[reason] == nil {
				out[reason] = map[string]int{}
			}
			out[reason][c.Name] += n
		}
	}
	for _, c := range v.Comments {
		if v.mute.covers(c) {
			add(Dismissed, c.Finding.Check, 1)
		}
		add(Duplicate, c.Finding.Check, len(c.Also))
	}
	changed := v.changed()
	for _, f := range v.rest {
		if changed[f.Path] {
			add(Untouched, f.Check, 1)
		}
	}
	for _, s := range v.suppressed {
		reason := IgnoredConfig
		if s.Inline {
			reason = IgnoredComment
		}
		if changed[s.Path] {
			add(reason, s.Check, 1)
		}
	}
	return out
}

// changed are the files that were looked at and that the pull request changes.
func (v view) changed() map[string]bool {
	out := map[string]bool{}
	for _, f := range v.files {
		out[f.Path] = !f.beside
	}
	return out
}
