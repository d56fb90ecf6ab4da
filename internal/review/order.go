package review

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/markdown"
)

// A verdict is what became of an order.
type verdict struct {
	order
	done  bool
	words string // the reply in Markdown; "" for none
}

func (o order) done(words string) verdict     { return verdict{o, true, words} }
func (o order) confused(words string) verdict { return verdict{o, false, words} }

// response is the verdict for what kept a push from being made.
func (o order) response(a response) verdict {
	return verdict{o, false, markdown.Paragraphs(a.words, a.byHand())}
}

// request is what an order asks for, in the words of a button.
func (o order) request(kind forge.RequestKind) forge.Request {
	place := "comment"
	switch {
	case o.thread != nil:
		place = "reply"
	case o.comment.Review:
		place = "review"
	}
	return forge.Request{
		ID: fmt.Sprintf("%s-%d", place, o.comment.ID), Kind: kind, By: o.comment.Author, Comment: o.comment.ID,
		Thread: o.thread != nil, Review: o.comment.Review, Text: o.line,
	}
}

// A bench is where orders are judged: what is known of the pull request.
type bench struct {
	reviewer *Reviewer
	look     seen
	opinion  *Opinion // nil for a pull request that is closed
	standing *forge.Standing
	known    known
}

// obey judges the orders that wait, and does what cannot be planned: a push. pushed reports that the head moved to a
// commit of ours; the review of that one settles the orders. What is asked of the check run is in answers.
func (b *bench) obey(ctx context.Context) (verdicts []verdict, answers []response, pushed bool, err error) {
	for _, o := range b.known.turn(b.standing, time.Now()) {
		v, pushed, err := b.judge(ctx, o)
		var limit *forge.LimitError
		if err != nil && !errors.As(err, &limit) && time.Since(o.comment.Made) > giveUp {
			v, err = o.confused("This could not be carried out: it failed in every attempt."), nil
		}
		if err != nil || pushed {
			return nil, nil, pushed, err
		}
		if v.done && o.name == "review" {
			answers = append(answers, response{request: o.request(forge.Rerun)})
		}
		verdicts = append(verdicts, v)
	}
	return verdicts, answers, false, nil
}

// giveUp is how old a command is when what keeps it from being carried out is no reason any more to try everything again:
// the review must not hang on it.
const giveUp = 30 * time.Minute

const notAllowed = "Only those who may push to this repository can ask for it."

func (b *bench) judge(ctx context.Context, o order) (v verdict, pushed bool, err error) {
	switch {
	case o.wrong != "":
		return o.confused(o.wrong + " " + markdown.Code(summons+" help") + " lists the commands."), false, nil
	case o.writes && !b.known.writes(o.comment.Author) && !b.shows(o):
		return o.confused(notAllowed), false, nil
	case o.name == unmuting:
		return b.unmute(o), false, nil
	case o.writes && o.name != "config" && b.opinion == nil:
		return o.confused("This pull request is closed."), false, nil
	}
	checks, unknown := b.checks(o)
	if unknown != "" {
		return o.confused(unknown), false, nil
	}
	switch o.name {
	case "help":
		return o.done(helpText()), false, nil
	case "explain":
		return b.explain(o, checks), false, nil
	case "config":
		v, err := b.configuration(ctx, o)
		return v, false, err
	case "fix":
		return b.fix(ctx, o, checks)
	case ignoring:
		return b.ignore(o, checks), false, nil
	}
	return o.done(""), false, nil
}

// unmute accepts what a sweep carries out.
func (b *bench) unmute(o order) verdict {
	if !b.standing.Ours || b.standing.Open {
		return o.confused("This is for pull requests that lighterman opened itself, after they were closed.")
	}
	return o.done("")
}

// shows reports whether an order asks for fixes that its author may at least be shown, to make them by hand: that is who
// opened the pull request.
func (b *bench) shows(o order) bool {
	return o.name == "fix" && marks(o.comment.Author, b.standing.Author)
}

// checks are those that an order names; unknown says which name is none.
func (b *bench) checks(o order) (out []*check.Check, unknown string) {
	var names []string
	for _, c := range b.reviewer.Options.Checks {
		names = append(names, c.Name)
	}
	for _, name := range o.checks {
		n := slices.IndexFunc(b.reviewer.Options.Checks, func(c *check.Check) bool { return c.GoesBy(name) })
		if n < 0 {
			return nil, fmt.Sprintf("No check is called %s%s", markdown.Code(name), nearest(name, names))
		}
		out = append(out, b.reviewer.Options.Checks[n])
	}
	return out, ""
}

// told is the finding of the thread in which an order stands, as it is now; ok is false when there is none (any more).
func (b *bench) told(o order) (c Comment, ok bool) {
	t, ok := o.finding()
	if !ok || b.opinion == nil {
		return Comment{}, false
	}
	t = b.known.present(t)
	n := slices.IndexFunc(b.opinion.Comments, func(c Comment) bool { return slices.Contains(c.ids(), t.mark.id) })
	if n < 0 {
		return Comment{}, false
	}
	return b.opinion.Comments[n], true
}

// fix pushes what an order names: the checks, the finding of its thread, or else everything.
func (b *bench) fix(ctx context.Context, o order, checks []*check.Check) (v verdict, pushed bool, err error) {
	q := o.request(forge.FixAll)
	if done(b.standing, q) {
		return o.done(""), false, nil
	}
	wanted := wantedBy(b.opinion, b.standing, q)
	if _, ok := o.finding(); ok && len(checks) == 0 {
		c, here := b.told(o)
		if here && len(c.Finding.Fixes) == 0 {
			return o.confused(b.proof(c)), false, nil
		}
		wanted = func(f check.Finding) bool { return here && f.ID == c.Finding.ID }
	} else if len(checks) > 0 {
		wanted = func(f check.Finding) bool {
			return len(f.Fixes) > 0 && slices.Contains(checks, f.Check) && b.tells(f)
		}
	}
	a, pushed, err := b.reviewer.fix(ctx, b.look, wanted, b.standing, q)
	return o.response(a), pushed, err
}

// tells reports whether a finding is told on the pull request.
func (b *bench) tells(f check.Finding) bool {
	return slices.ContainsFunc(b.opinion.Comments, func(c Comment) bool { return c.Finding.ID == f.ID })
}

// ignore accepts an ignore command: from here on its finding, or its check, is dismissed.
func (b *bench) ignore(o order, checks []*check.Check) verdict {
	t, in := o.finding()
	c, here := b.told(o)
	switch {
	case !in && len(checks) == 0:
		return o.confused("Which? Name a check, or reply in the thread of a finding.")
	case !in && o.inline:
		return o.confused("`inline` belongs into the thread of a finding.")
	case in && here && len(checks) > 0 && checks[0] != c.Finding.Check:
		const words = "This thread is about %s; %s on the pull request itself dismisses %s."
		other := checks[0].Name
		return o.confused(fmt.Sprintf(words, markdown.Code(c.Finding.Check.Name), markdown.Code(summons+" ignore "+other), markdown.Code(other)))
	}
	b.known.accepted[o.spoken()] = true
	if !o.inline {
		return o.done("")
	}
	if !here {
		return o.done("There is no line to put a comment above: the finding is gone.")
	}
	words, offered := b.inline(t, c, o.because)
	b.known.offered[t.ID] = offered
	return o.done(words)
}

// maxReplies is how many commands on a pull request are answered with words within an hour; others get their emoji. Anybody
// may write a command, and each reply is a mail to everybody who follows.
const maxReplies = 10

// repliesLeft is how many commands may be answered with words now.
func repliesLeft(st *forge.Standing, now time.Time) int {
	left := maxReplies
	for _, c := range heard(st) {
		if _, ok := answered(c.comment); ok && now.Sub(c.comment.Made) < time.Hour {
			left--
		}
	}
	return left
}

// reply plans the replies and reactions. What was replied to already, by a review that was cut off, gets no second reply.
// What was asked for in a review always gets one.
func reply(plan *forge.Plan, verdicts []verdict, st *forge.Standing, now time.Time) {
	left := repliesLeft(st, now)
	for _, v := range verdicts {
		if v.comment.Review {
			left--
		}
	}
	for _, v := range verdicts {
		already := slices.ContainsFunc(v.around(st), func(c forge.Comment) bool {
			a, ok := answered(c)
			return ok && a.to == named(v.comment)
		})
		done := v.done
		switch {
		case v.comment.Review:
			plan.Replies = append(plan.Replies, forge.Reply{Body: v.body()})
			continue
		case v.words == "" || already:
		case left > 0:
			left--
			plan.Replies = append(plan.Replies, forge.Reply{Thread: v.begins(), Body: v.body()})
		case v.name != ignoring: // without its words the answer is none
			done = false
		}
		emoji := forge.Confused
		if done {
			emoji = forge.ThumbUp
		}
		r := forge.Reaction{Comment: v.comment.ID, Thread: v.thread != nil, Emoji: emoji}
		plan.Reactions = append(plan.Reactions, r)
	}
}

// body is the reply. On the pull request itself it names what it answers, for nothing else there does.
func (v verdict) body() string {
	asked, words := "", v.words
	if v.thread == nil {
		asked = "> " + markdown.Code(v.line)
	}
	if v.comment.Review && words == "" {
		words = "Done."
	}
	return clipped(markdown.Paragraphs(asked, words)) + "\n\n" + answerMark(v.comment, v.done)
}

// closed answers what is asked on a pull request that is closed; there is nothing else to do there.
func (r *Reviewer) closed(ctx context.Context, st *forge.Standing) (plan forge.Plan, err error) {
	if len(orders(st)) == 0 {
		return plan, nil
	}
	b := &bench{reviewer: r, standing: st}
	if b.known, err = r.know(ctx, st); err != nil {
		return plan, err
	}
	verdicts, _, _, err := b.obey(ctx)
	if err != nil {
		return plan, err
	}
	plan.Head = st.Head
	reply(&plan, verdicts, st, time.Now())
	return plan, r.publish(ctx, st.Ref, plan)
}

// acknowledge shows that commands were seen, and returns those that are there. It is a courtesy: what fails here fails
// again below, or does not matter.
func (r *Reviewer) acknowledge(ctx context.Context, ref forge.Ref, asked []forge.Request) []spoken {
	asked = slices.DeleteFunc(slices.Clone(asked), func(q forge.Request) bool {
		return q.Kind != forge.Command || strings.HasSuffix(q.By, "[bot]")
	})
	if len(asked) == 0 {
		return nil
	}
	st, err := r.Forge.Standing(ctx, ref)
	if err != nil {
		return nil
	}
	var there []spoken
	left := welcome(st, time.Now())
	for _, q := range asked {
		s := spoken{q.Thread, q.Review, q.Comment}
		c, shown := find(st, s)
		if _, ok := parse(c.Body); shown && (!ok || !waiting(c) || slices.Contains(c.Reacted, forge.Eyes)) {
			continue
		}
		if left--; left < 0 {
			break
		}
		if q.Review { // it takes no emoji
			there = append(there, s)
			continue
		}
		if r.Forge.React(ctx, ref, forge.Reaction{Comment: q.Comment, Thread: q.Thread, Emoji: forge.Eyes}) == nil {
			there = append(there, s)
		}
	}
	return there
}

const (
	// lag is how long a comment may take from its webhook to where it is read, which may be another machine. So may what
	// we wrote ourselves.
	lag = 2 * time.Second
	// maxLooks is how often it is looked for.
	maxLooks = 3
)

// attend reads how the pull request stands, again after a while when commands, or what else is known, are not shown yet.
func (r *Reviewer) attend(ctx context.Context, ref forge.Ref, since Since, commands []spoken) (*forge.Standing, error) {
	for n := 1; ; n++ {
		st, err := r.Forge.Standing(ctx, ref)
		if err != nil || n == maxLooks || shows(st, commands) && since.reached(st) {
			return st, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(lag):
		}
	}
}

// shows reports whether all the commands are among what was read.
func shows(st *forge.Standing, commands []spoken) bool {
	return !slices.ContainsFunc(commands, func(s spoken) bool {
		_, ok := find(st, s)
		return !ok
	})
}

// find is the comment of that name.
func find(st *forge.Standing, s spoken) (c forge.Comment, ok bool) {
	all := heard(st)
	n := slices.IndexFunc(all, func(c remark) bool { return c.spoken() == s })
	if n < 0 {
		return forge.Comment{}, false
	}
	return all[n].comment, true
}
