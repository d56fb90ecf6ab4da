package sweep

import (
	"cmp"

	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/hidden"
)

// A wanted is what is to be proposed of a topic, as far as it is remembered: enough to see whether a pull request says it.
type wanted struct {
	bundle  string // the bundle's mark; "" when there is nothing
	why     string // why there is nothing
	title   string // marks of the title, of the text and of what the note is about
	text    string
	content string
	// made is the change with its texts; nil when the engine was not run.
	made *proposal
}

// A proposal is a change with what a pull request says about it.
type proposal struct {
	files   []forge.FileText
	message string // the commit's
	title   string
	body    string // without the note
	note    note
}

// propose words a bundle.
func propose(b Bundle, known map[string]bool, there *forge.Repository, s config.Sweeps) wanted {
	p := proposal{files: b.Files, title: title(subjects(b.Topic.Name).title, s.TitlePrefix, there.Subjects), body: b.body(known)}
	p.message = b.message(p.title)
	p.note = note{topic: b.Topic.Name, bundle: b.mark(), names: b.names(), heirs: b.heirs, asked: b.asked()}
	return p.wanted(there)
}

// wanted is the proposal as it is wanted, with the marks of its texts.
func (p proposal) wanted(there *forge.Repository) wanted {
	p.note.base, p.note.title, p.note.text = hidden.Hash("base", there.Branch), textMark(p.title), textMark(p.body)
	return wanted{bundle: p.note.bundle, title: p.note.title, text: p.note.text, content: p.note.content(), made: &p}
}

// stale reports whether a pull request does not say what is wanted. What a person wrote in place of ours is left as it is.
func (w wanted) stale(pull forge.Pull) bool {
	above, n, ok := noteOf(pull.Body)
	if !ok || n.content() != w.content {
		return true
	}
	retitled, rewritten := textMark(pull.Title) != n.title, textMark(above) != n.text
	return !retitled && n.title != w.title || !rewritten && n.text != w.text
}

// maxBody is what GitHub takes of a body, in characters.
const maxBody = 65_000

// textFor is what a pull request is to say, nil when that cannot be. Title and text that a person changed are kept, and the
// note is brought up to date.
func (p *proposal) textFor(pull *forge.Pull) *forge.PullText {
	t, n, body := &forge.PullText{Title: p.title}, p.note, p.body
	if pull != nil {
		above, was, ok := noteOf(pull.Body)
		if ok && textMark(pull.Title) != was.title || !ok && pull.Title != p.title {
			t.Title, n.title = pull.Title, cmp.Or(was.title, n.title)
		}
		if !ok || textMark(above) != was.text {
			body, n.text = above, cmp.Or(was.text, n.text)
		}
	}
	if t.Body = body + "\n\n" + n.String(); len(t.Body) > maxBody {
		return nil
	}
	return t
}

// opening is what a pull request says when it is opened: that it is not finished stands in its note.
func (p *proposal) opening(base string, draft bool) *forge.PullDraft {
	n := p.note
	n.fresh = true
	return &forge.PullDraft{PullText: forge.PullText{Title: p.title, Body: p.body + "\n\n" + n.String()}, Base: base, Draft: draft}
}

// motion is everything to be written for an act.
func motion(a Act, s State, p proposed, want wanted, there *forge.Repository, sweeps config.Sweeps) forge.Motion {
	m := forge.Motion{Branch: p.Branch, Tip: p.tip()}
	pull := p.newest()
	if s.Last == OpenPull {
		m.Number = pull.Number
	}
	switch a {
	case Open, Renew:
		m.Commit = &forge.Commit{
			Parent: there.Head, Branch: p.Branch, Message: want.made.message, Files: want.made.files,
		}
		speak(&m, want.made, s, pull, there, sweeps)
	case Finish, Retext:
		speak(&m, want.made, s, pull, there, sweeps)
	case Withdraw:
		why := want.why
		if s.Flags&Moved != 0 {
			why = "the default branch is `" + there.Branch + "` now, and what is left is proposed anew"
		}
		if !says(*pull, withdrawnMark) {
			m.Say = withdrawn(why)
		}
		m.Close, m.Delete = true, true
	case Yield:
		m.Say = yielded()
	case Tidy:
		m.Delete = true
	}
	return m
}

// speak opens the pull request or brings it to say what is wanted.
func speak(m *forge.Motion, p *proposal, s State, pull *forge.Pull, there *forge.Repository, sweeps config.Sweeps) {
	fresh := s.Flags&Fresh != 0
	if s.Last != OpenPull {
		m.Open, pull, fresh = p.opening(there.Branch, sweeps.Draft), nil, true
	}
	if fresh {
		m.Dress = dress(sweeps)
	}
	t := p.textFor(pull)
	if pull == nil || t != nil && (t.Title != pull.Title || textMark(t.Body) != textMark(pull.Body)) {
		m.Text = t
	}
}

// dress is who and what is named on a pull request, nil for nobody and nothing.
func dress(s config.Sweeps) *forge.Dress {
	d := forge.Dress{
		Labels:    s.Labels[:min(len(s.Labels), maxDressed)],
		Assignees: s.Assignees[:min(len(s.Assignees), maxDressed)],
		Reviewers: s.Reviewers[:min(len(s.Reviewers), maxDressed)],
	}
	if len(d.Labels)+len(d.Assignees)+len(d.Reviewers) == 0 {
		return nil
	}
	return &d
}

// maxDressed is how many labels, assignees and reviewers are given each. GitHub takes ten assignees.
const maxDressed = 10
