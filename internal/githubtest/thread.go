package githubtest

import (
	"fmt"
	"time"
)

// A thread is a comment on lines of the diff and what was said below it. Where it stands today is not stored: it
// follows from where it was made and from the commits since.
type thread struct {
	id          int64
	review      *review
	path        string
	side        string
	start, line int    // at commit
	commit      string // the commit it was made for
	hunk        string
	position    int // of the line in the file's patch at commit
	resolvedBy  string
	comments    []*comment
}

type comment struct {
	id        int64
	review    *review // nil on the timeline
	author    string
	body      string
	created   time.Time
	edited    time.Time // zero when it never was
	editor    string
	minimized string
	reactions []Reaction
}

// place is where a thread stands in the diff at the head, ok false when it is outdated: one of its lines was changed
// since, or the diff no longer shows them in one hunk. The caller holds mu.
func (p *Pull) place(t *thread) (start, line int, ok bool, err error) {
	start, line, ok = t.start, t.line, true
	if t.commit != p.headSHA {
		if t.side == "LEFT" {
			return 0, 0, false, nil
		}
		if start, line, ok, err = p.follow(t); err != nil || !ok {
			return 0, 0, false, err
		}
	}
	file, err := p.fileAt(p.headSHA, t.path)
	if err != nil || file == nil {
		return 0, 0, false, err
	}
	at := file.hunkOf(t.side, line)
	return start, line, at >= 0 && file.hunkOf(t.side, start) == at, nil
}

// follow maps a thread's lines to the head.
func (p *Pull) follow(t *thread) (start, line int, ok bool, err error) {
	moved, err := p.repo.git.moved(t.path, t.commit, p.headSHA)
	if err != nil {
		return 0, 0, false, err
	}
	start, ok = moved(t.start)
	for n := t.start; n <= t.line && ok; n++ {
		line, ok = moved(n)
		ok = ok && line == start+n-t.start
	}
	return start, line, ok, nil
}

// A Thread is a review thread as the pull request's page shows it.
type Thread struct {
	ID           string // node id
	Path         string
	Side         string
	StartLine    int // where it stands now; 0 once outdated, as Line
	Line         int
	OriginalLine int
	Commit       string // it was made for
	Hunk         string // the diff down to the commented line, as it was
	Outdated     bool
	ResolvedBy   string // login, "" while unresolved
	Comments     []Comment
}

// A Comment is one comment of a thread.
type Comment struct {
	ID        int64
	Author    string
	Body      string
	Minimized string            // the reason in GitHub's words, "" when it is shown
	Reactions map[string]string // the newest emoji of each login
	Reacted   []Reaction        // all of them, oldest first
}

// Threads are the submitted threads, oldest first.
func (p *Pull) Threads() ([]Thread, error) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	var all []Thread
	for _, t := range p.threads {
		if !t.review.visible("") {
			continue
		}
		shown, err := p.show(t)
		if err != nil {
			return nil, err
		}
		all = append(all, shown)
	}
	return all, nil
}

func (p *Pull) show(t *thread) (Thread, error) {
	start, line, ok, err := p.place(t)
	if !ok {
		start, line = 0, 0
	}
	shown := Thread{
		ID: nodeID("PRRT", t.id), Path: t.path, Side: t.side, StartLine: start, Line: line, OriginalLine: t.line,
		Commit: t.commit, Hunk: t.hunk, Outdated: !ok, ResolvedBy: t.resolvedBy,
	}
	for _, c := range t.comments {
		shown.Comments = append(shown.Comments, c.show())
	}
	return shown, err
}

// Resolve marks a thread as resolved.
func (p *Pull) Resolve(threadID, by string) error {
	return p.onThread(threadID, func(t *thread) error {
		t.resolvedBy = by
		return nil
	})
}

// Unresolve opens a resolved thread again.
func (p *Pull) Unresolve(threadID string) error {
	return p.onThread(threadID, func(t *thread) error {
		t.resolvedBy = ""
		return nil
	})
}

// Reply adds a comment to a thread and tells the App's webhook.
func (p *Pull) Reply(threadID, by, body string) error {
	return p.onThread(threadID, func(t *thread) error {
		_, err := p.reply(t, by, body)
		return err
	})
}

func (p *Pull) onThread(id string, do func(*thread) error) error {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	for _, t := range p.threads {
		if nodeID("PRRT", t.id) == id {
			return do(t)
		}
	}
	return fmt.Errorf("no thread %s in pull request %d", id, p.number)
}

func (p *Pull) comment(id int64) (*thread, *comment) {
	for _, t := range p.threads {
		for _, c := range t.comments {
			if c.id == id {
				return t, c
			}
		}
	}
	return nil, nil
}

// DeleteComment deletes a comment; a thread goes with its last one.
func (p *Pull) DeleteComment(id int64) error {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	for i, c := range p.talk {
		if c.id == id {
			p.talk = append(p.talk[:i:i], p.talk[i+1:]...)
			return p.notifyTalk("deleted", c.author, c, nil)
		}
	}
	for i, t := range p.threads {
		for j, c := range t.comments {
			if c.id != id {
				continue
			}
			if err := p.notifyThread("deleted", c.author, t, c, nil); err != nil {
				return err
			}
			t.comments = append(t.comments[:j:j], t.comments[j+1:]...)
			if len(t.comments) == 0 {
				p.threads = append(p.threads[:i:i], p.threads[i+1:]...)
			}
			return nil
		}
	}
	return fmt.Errorf("delete: no comment %d in pull request %d", id, p.number)
}
