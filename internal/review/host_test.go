package review

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

const botName, author = "lighterman[bot]", "robin"

// A host is the part of a code host that remembers reviews, in memory. It refuses what GitHub refuses.
type host struct {
	file       *File // what comments are checked against
	threads    []forge.Thread
	reviews    []forge.Review
	starts     map[string]int // first line of each thread, by id
	canResolve bool
	mayCheck   bool
	checks     []forge.CheckRun
	drafts     []*forge.CheckDraft // what the check runs say
	talk       []forge.Comment     // on the pull request itself
	others     []forge.Thread      // threads that other people began
	writes     int
	lastID     int64
}

// standing is what the host tells of what was said.
func (h *host) standing() *forge.Standing {
	return &forge.Standing{
		Open: true, Author: author, Threads: slices.Clone(h.threads), Reviews: slices.Clone(h.reviews), Checks: slices.Clone(h.checks),
		Checkless: !h.mayCheck, Comments: slices.Clone(h.talk), Others: slices.Clone(h.others),
	}
}

func (h *host) next() int64 {
	h.lastID++
	return h.lastID
}

func (h *host) publish(p forge.Plan) error {
	if p.Review != nil {
		if err := h.submit(p.Head, *p.Review); err != nil {
			return err
		}
	}
	for _, e := range p.Edit {
		h.writes++
		for n := range h.threads {
			if c := &h.threads[n].Comments[0]; c.ID == e.ID {
				c.Body = e.Body
			}
		}
	}
	for _, e := range p.EditBody {
		h.writes++
		n := slices.IndexFunc(h.reviews, func(r forge.Review) bool { return r.ID == e.ID })
		h.reviews[n].Body = e.Body
	}
	for _, id := range p.Resolve {
		h.writes++
		if err := h.resolve(id, strings.TrimSuffix(botName, "[bot]")); err != nil {
			return err
		}
	}
	for _, node := range p.Minimize {
		h.writes++
		n := slices.IndexFunc(h.threads, func(t forge.Thread) bool { return t.Comments[0].NodeID == node })
		h.threads[n].Hidden = "resolved"
	}
	if p.Check != nil {
		h.check(*p.Check)
	}
	for _, r := range p.Replies {
		h.reply(r)
	}
	for _, r := range p.Reactions {
		h.react(r)
	}
	return nil
}

// reply writes an answer of ours.
func (h *host) reply(r forge.Reply) {
	h.writes++
	c := forge.Comment{ID: h.next(), Author: botName, Ours: true, Body: r.Body, Made: time.Now()}
	if r.Thread == 0 {
		h.talk = append(h.talk, c)
		return
	}
	for _, threads := range [][]forge.Thread{h.threads, h.others} {
		for n := range threads {
			if threads[n].Comments[0].ID == r.Thread {
				threads[n].Comments = append(threads[n].Comments, c)
			}
		}
	}
}

// react puts an emoji of ours on a comment.
func (h *host) react(r forge.Reaction) {
	h.writes++
	c := h.comment(r.Comment)
	if c.Review {
		panic("a review takes no emoji")
	}
	if !slices.Contains(c.Reacted, r.Emoji) {
		c.Reacted = append(slices.Clone(c.Reacted), r.Emoji)
	}
}

// comment is the one of that id.
func (h *host) comment(id int64) *forge.Comment {
	for n := range h.talk {
		if h.talk[n].ID == id {
			return &h.talk[n]
		}
	}
	for _, threads := range [][]forge.Thread{h.threads, h.others} {
		for n := range threads {
			for k := range threads[n].Comments {
				if c := &threads[n].Comments[k]; c.ID == id {
					return c
				}
			}
		}
	}
	return &forge.Comment{}
}

// say puts somebody's words on the pull request, or into a thread of ours, and returns their id.
func (h *host) say(by, body string, thread ...int) int64 {
	c := forge.Comment{ID: h.next(), Author: by, Body: body, Made: time.Now()}
	if len(thread) == 0 {
		h.talk = append(h.talk, c)
	}
	for _, n := range thread {
		h.threads[n].Comments = append(h.threads[n].Comments, c)
	}
	return c.ID
}

// sayInReview submits somebody's review and returns its id.
func (h *host) sayInReview(by, body string) int64 {
	id := h.say(by, body)
	h.comment(id).Review = true
	return id
}

// check writes a check run; annotations are added to those that it has.
func (h *host) check(d forge.CheckDraft) {
	h.writes++
	run := forge.CheckRun{ID: d.ID, Key: d.Key, Concluded: true, Conclusion: d.Conclusion, Annotations: len(d.Annotations)}
	n := slices.IndexFunc(h.checks, func(c forge.CheckRun) bool { return c.ID == d.ID })
	if d.ID == 0 {
		run.ID = h.next()
		h.checks, h.drafts = append(h.checks, run), append(h.drafts, &d)
		return
	}
	run.Annotations += h.checks[n].Annotations - d.Written
	h.checks[n], h.drafts[n] = run, &d
}

func (h *host) submit(head string, d forge.Draft) error {
	h.writes++
	if d.Body == "" && len(d.Comments) == 0 {
		return fmt.Errorf("review is empty: %w", forge.ErrRefused)
	}
	for _, c := range d.Comments {
		if h.file != nil && (c.Path != h.file.Path || !h.file.Diff.Shows(c.StartLine, c.Line)) {
			return fmt.Errorf("lines %d to %d are not part of the diff: %w", c.StartLine, c.Line, forge.ErrRefused)
		}
		if len(c.Body) > 65536 {
			return fmt.Errorf("body is too long: %w", forge.ErrRefused)
		}
	}
	h.reviews = append(h.reviews, forge.Review{ID: h.next(), Body: d.Body, Commit: head})
	for _, c := range d.Comments {
		id := h.next()
		t := forge.Thread{ID: fmt.Sprint("T", id), Path: c.Path, Commit: head, Line: c.Line, CanResolve: h.canResolve}
		t.Comments = []forge.Comment{{ID: id, NodeID: fmt.Sprint("C", id), Author: botName, Ours: true, Body: c.Body}}
		h.threads = append(h.threads, t)
		if h.starts == nil {
			h.starts = map[string]int{}
		}
		h.starts[t.ID] = c.StartLine
	}
	return nil
}

func (h *host) resolve(id, by string) error {
	n := slices.IndexFunc(h.threads, func(t forge.Thread) bool { return t.ID == id })
	if t := &h.threads[n]; t.Resolved || by != "person" && !t.CanResolve {
		return fmt.Errorf("%s cannot resolve %s", by, id)
	}
	h.threads[n].Resolved, h.threads[n].ResolvedBy = true, by
	return nil
}

func (h *host) answer(n int) {
	h.threads[n].Comments = append(h.threads[n].Comments, forge.Comment{ID: h.next(), Author: "person", Body: "why?"})
}

// open are the threads that stand open, by finding.
func (h *host) open() map[string][]forge.Thread {
	out := map[string][]forge.Thread{}
	for _, t := range h.threads {
		if !t.Resolved && t.Hidden == "" {
			id := markersOf(t.Comments[0].Body)[0].id
			out[id] = append(out[id], t)
		}
	}
	return out
}

// push moves the threads as GitHub does: lines that the new text keeps move along, others make a thread outdated.
func (h *host) push(before, after string) error {
	d, err := ParseDiff(patchOf(before, after))
	if err != nil {
		return err
	}
	for n := range h.threads {
		t := &h.threads[n]
		if t.Outdated {
			continue
		}
		first, last := moved(d, h.starts[t.ID]), moved(d, t.Line)
		if first == 0 || last == 0 || last-first != t.Line-h.starts[t.ID] {
			t.Line, t.Outdated = 0, true
			continue
		}
		h.starts[t.ID], t.Line = first, last
	}
	return nil
}

// moved is the new number of an old line, 0 when it is gone.
func moved(d *Diff, line int) int {
	shift := 0
	for _, f := range d.fragments {
		old := int(f.OldPosition)
		if f.OldLines == 0 {
			old++
		}
		if line < old {
			break
		}
		fresh := first(f)
		for _, l := range f.Lines {
			if l.Old() && old == line {
				if !l.New() {
					return 0
				}
				return fresh
			}
			if l.Old() {
				old++
			}
			if l.New() {
				fresh++
			}
		}
		shift = fresh - old
	}
	return line + shift
}
