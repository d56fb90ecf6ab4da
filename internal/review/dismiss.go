package review

import (
	"context"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/forge"
)

// A finding is dismissed, and stays so until its instruction's words change, when a person
//
//	closed a thread of it;
//	marked our comment with a thumb down, and opened the pull request or may push to the repository;
//	wrote the command "ignore" into a thread of it, or for its check on the pull request, and we accepted that: then our
//	thumb up stands on the command.
//
// Nothing more is said about it then. But who opened a pull request and may not push does not decide whether it passes: a
// finding that fails the check run, and that nobody else dismissed, goes on failing it.

// A known is what was found out about those who spoke on a pull request. The zero value knows of nobody that they may
// push, and accepts nothing new.
type known struct {
	writers  map[string]bool     // by login in lower case
	accepted map[spoken]bool     // ignore commands that are accepted now, and carry no thumb yet
	offered  map[string]bool     // threads in which a suggestion of ours answers such a command
	homes    map[string]home     // where the files of threads are that were renamed, by the threads' ids
	names    map[string][]string // former paths of files, by the present ones
	twins    map[string]string   // names in markers of findings in renamed files of a family, by the former ones
}

// A spoken names a comment among all of a pull request.
type spoken struct {
	thread, review bool
	id             int64
}

func (o order) spoken() spoken { return spoken{o.thread != nil, o.comment.Review, o.comment.ID} }

func (k known) writes(login string) bool { return k.writers[strings.ToLower(login)] }

// maxLogins is how many people are looked up for one review; all others may not. It is no less than maxOrders, so that the
// command of nobody who was not looked up gets its turn.
const maxLogins = maxOrders

// know looks up those whose word hangs on whether they may push to the repository.
func (r *Reviewer) know(ctx context.Context, st *forge.Standing) (known, error) {
	k := known{writers: map[string]bool{}, accepted: map[spoken]bool{}, offered: map[string]bool{}}
	for _, login := range doubtful(st) {
		may, err := r.Forge.MayWrite(ctx, st.Ref.Repo, login)
		if err != nil {
			return k, err
		}
		k.writers[strings.ToLower(login)] = may
	}
	return k, nil
}

// doubtful are the logins that have to be looked up: who sent a command that is for writers alone, who marked a thread, who
// closed one of their own pull request (on others' that takes the right to push), and who edited a command that had been
// accepted.
func doubtful(st *forge.Standing) []string {
	var out []string
	add := func(login string) {
		same := func(l string) bool { return strings.EqualFold(l, login) }
		if login != "" && len(out) < maxLogins && !slices.ContainsFunc(out, same) {
			out = append(out, login)
		}
	}
	for _, o := range orders(st) {
		if o.writes && o.wrong == "" {
			add(o.comment.Author)
		}
	}
	for _, t := range st.Threads {
		p, ok := tells(t)
		switch {
		case !ok:
		case p.closed() && p.Resolved && marks(p.ResolvedBy, st.Author):
			add(p.ResolvedBy)
		case !p.closed():
			for _, login := range t.Downs {
				add(login)
			}
		}
	}
	for _, s := range heard(st) {
		if s.comment.Edited && ignores(s.comment) {
			add(s.comment.Author)
		}
	}
	return out
}

// marks reports whether somebody is the pull request's author.
func marks(login, author string) bool { return author != "" && strings.EqualFold(login, author) }

// A remark is a comment and the thread it stands in, nil on the pull request itself.
type remark struct {
	comment forge.Comment
	thread  *forge.Thread
}

func (r remark) spoken() spoken { return spoken{r.thread != nil, r.comment.Review, r.comment.ID} }

// heard are all comments of a pull request that may be a command. The bodies of reviews, which take no emoji, carry those
// that our answers to them stand for.
func heard(st *forge.Standing) []remark {
	var all []remark
	settled := map[string]forge.Emoji{}
	for _, c := range st.Comments {
		if a, ok := answered(c); ok && a.emoji != "" {
			settled[a.to] = a.emoji
		}
	}
	for _, c := range st.Comments {
		if emoji := settled[named(c)]; c.Review && emoji != "" {
			c.Reacted = []forge.Emoji{emoji}
		}
		all = append(all, remark{c, nil})
	}
	for _, threads := range [][]forge.Thread{st.Threads, st.Others} {
		for n := range threads {
			for _, c := range threads[n].Comments {
				all = append(all, remark{c, &threads[n]})
			}
		}
	}
	return all
}

// ignores reports whether a comment is an ignore command that carries our thumb.
func ignores(c forge.Comment) bool {
	o, ok := parse(c.Body)
	return ok && o.name == ignoring && o.wrong == "" && person(c) && slices.Contains(c.Reacted, forge.ThumbUp)
}

// accepts reports whether a comment is an ignore command that holds. One that was edited since may have been another
// command when it got its thumb, so it holds only as the word of somebody who may push.
func (k known) accepts(c remark) bool {
	if k.accepted[c.spoken()] {
		return true
	}
	return ignores(c.comment) && (!c.comment.Edited || k.writes(c.comment.Author))
}

// A mute is what people do not want to hear of.
type mute struct {
	findings map[string]bool // by the name in markers
	asked    map[string]bool // those that only the author dismissed, who may not push
	checks   []string        // names of checks
	open     map[string]bool // threads that stay open all the same, for there is a suggestion in them
}

// mute reads what people dismissed.
func (k known) mute(m memory, st *forge.Standing) mute {
	out := mute{findings: map[string]bool{}, asked: map[string]bool{}, open: map[string]bool{}}
	for _, threads := range m.threads {
		for _, t := range threads {
			author := func(login string) bool { return marks(login, st.Author) }
			switch {
			case t.closed() && (!author(t.ResolvedBy) || k.writes(t.ResolvedBy)), slices.ContainsFunc(t.Downs, k.writes):
				add(out.findings, t)
			case t.closed(), slices.ContainsFunc(t.Downs, author):
				add(out.asked, t)
			}
		}
	}
	for _, c := range heard(st) {
		if !k.accepts(c) {
			continue
		}
		o, _ := parse(c.comment.Body)
		if o.thread = c.thread; o.thread == nil {
			out.checks = append(out.checks, o.checks...)
		} else if t, ok := o.finding(); ok {
			t = k.present(t)
			add(out.findings, t)
			out.open[t.ID] = out.open[t.ID] || !t.Outdated && (k.offered[t.ID] || offers(t.Thread))
		} else {
			out.checks = append(out.checks, o.checks...)
		}
	}
	return out
}

// add notes all that a thread tells.
func add(in map[string]bool, t posted) {
	for _, id := range t.ids() {
		in[id] = true
	}
}

// offers reports whether a suggestion of ours answers a command in a thread.
func offers(t forge.Thread) bool {
	return slices.ContainsFunc(t.Comments, func(c forge.Comment) bool {
		_, ok := answered(c)
		return ok && strings.Contains(c.Body, "```suggestion\n")
	})
}

// covers reports whether nothing more is said about a finding.
func (m mute) covers(c Comment) bool { return m.asked[c.id()] || m.decided(c) }

// decided reports whether a finding was dismissed by somebody who decides whether the pull request passes.
func (m mute) decided(c Comment) bool {
	return m.findings[c.id()] || slices.ContainsFunc(m.checks, c.Finding.Check.GoesBy)
}
