package review

import (
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/forge"
)

// A memory is what stands on a pull request already, read from the markers in our own words.
type memory struct {
	threads map[string][]posted // by finding, oldest first
	order   []string            // the findings, in the order of their first thread
	summary *forge.Review       // the review that carries the summary, nil when there is none
	told    map[string]bool     // findings that a summary tells
	kept    map[string]bool     // what summaries tell that a person edited; nil when there are none
	text    string              // hash of the summary
}

// posted is a thread of ours with what its first comment says of itself.
type posted struct {
	forge.Thread
	mark marker
	also []marker // the findings of other files of the family that it tells too
	home string   // where its file lies at the head
}

// remember reads the markers. Threads and reviews without a marker of ours are not ours to touch.
func (k known) remember(st *forge.Standing) memory {
	m := memory{threads: map[string][]posted{}, told: map[string]bool{}}
	for _, t := range st.Threads {
		p, ok := tells(t)
		if !ok {
			continue
		}
		p = k.present(p)
		if m.threads[p.mark.id] == nil {
			m.order = append(m.order, p.mark.id)
		}
		m.threads[p.mark.id] = append(m.threads[p.mark.id], p)
	}
	for n := range st.Reviews {
		if marks := markersOf(st.Reviews[n].Body); len(marks) > 0 && marks[len(marks)-1].id == summaryID() {
			m.read(&st.Reviews[n], marks)
		}
	}
	return m
}

// tells reads which finding a thread tells; ok is false when it is none of ours.
func tells(t forge.Thread) (p posted, ok bool) {
	if len(t.Comments) == 0 || !t.Comments[0].Ours {
		return posted{}, false
	}
	marks := markersOf(t.Comments[0].Body)
	if len(marks) == 0 {
		return posted{}, false
	}
	last := len(marks) - 1
	return posted{t, marks[last], marks[:last], t.Path}, true
}

// ids are the findings that a thread tells, its own first.
func (p posted) ids() []string {
	out := []string{p.mark.id}
	for _, m := range p.also {
		out = append(out, m.id)
	}
	return out
}

// read takes a review for the summary, unless there is one before it or a person edited it: what that tells stays told.
func (m *memory) read(r *forge.Review, marks []marker) {
	switch {
	case r.Touched:
		if m.kept == nil {
			m.kept = map[string]bool{}
		}
		for _, mark := range marks {
			m.kept[mark.id], m.told[mark.id] = true, true
		}
		return
	case m.summary != nil:
		return
	}
	m.summary = r
	for _, mark := range marks {
		m.told[mark.id] = true
	}
	m.text = marks[len(marks)-1].text
}

// follow takes what a summary tells of findings under their former names for told.
func (m *memory) follow(o *Opinion) {
	for _, c := range o.Comments {
		for _, id := range o.known.former(c) {
			if m.told[id] {
				m.told[c.id()] = true
			}
			if m.kept[id] {
				m.kept[c.id()] = true
			}
		}
	}
}

// live reports whether the thread still stands open.
func (p posted) live() bool { return !p.Resolved && p.Hidden == "" }

// closed reports whether a person closed the thread, or hid its comment for a reason of their own. What this App
// closed it closed because the finding was gone. GitHub names a bot with or without "[bot]", or not at all.
func (p posted) closed() bool {
	if p.Resolved {
		us := bare(p.Comments[0].Author)
		return p.ResolvedBy != "" && bare(p.ResolvedBy) != us
	}
	return p.Hidden != "" && !strings.EqualFold(p.Hidden, "resolved")
}

func bare(login string) string { return strings.ToLower(strings.TrimSuffix(login, "[bot]")) }

// answered reports whether somebody else wrote in the thread, or changed our words in it.
func (p posted) answered() bool {
	return p.Comments[0].Touched || slices.ContainsFunc(p.Comments, func(c forge.Comment) bool { return !c.Ours })
}

// carries reports whether a suggestion for the comment's lines would, put into the thread, replace just those lines.
func (p posted) carries(c Comment) bool {
	return !p.Outdated && p.Line == c.Line && p.mark.lines == c.span()
}
