package review

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
)

// A Reviewer reviews pull requests. It holds no state between them and may be used by many goroutines.
type Reviewer struct {
	Forge   forge.Forge
	Library *Library // the configuration of organisations; nil reads none
	Owners  []string // owners whose presets everybody may take; else only those of a repository's own are
	Options check.Options
	Logger  *slog.Logger // nil: nothing is logged
	// Page is the documentation of a check as Markdown; nil: there is none beyond its summary.
	Page func(*check.Check) string
	// Trace begins a span for a phase of a review and returns what ends it. Nil is none.
	Trace func(ctx context.Context, phase string) (context.Context, func(error))

	request string    // of the review that this copy is for
	limited time.Time // Since.Limited
}

// An End says how a review ended.
type End string

// The ends of a review. After each of them but MovedOn the pull request needs nothing more at that head.
const (
	Published End = "published"
	Unchanged End = "nothing new to say"
	Closed    End = "closed"
	MovedOn   End = "moved on" // a newer head, or what was read does not fit together: it must be reviewed again
)

// An Outcome is what came of a review.
type Outcome struct {
	End     End
	Head    string
	Opinion *Opinion   // nil when nothing was looked at
	Plan    forge.Plan // what was written, or would have been had the pull request not moved on
	Refused error      // why the host refused comments on the diff, which are in the summary then; else nil
	Mark    string     // for the next ReviewSince; "" says nothing
	Memory  string     // likewise
	// Events are what happened since the review that left Since.Memory.
	Events []Event
	// Posted is what was written, and Why why it was not more, in words for people.
	Posted []string
	Why    string
}

// Review brings the pull request up to date with what there is to say about its head, and answers what was asked for
// besides. Running it again changes nothing. An error says that it could not; trying again later is right unless the error is forge.ErrGone.
func (r *Reviewer) Review(ctx context.Context, ref forge.Ref, asked ...forge.Request) (Outcome, error) {
	return r.ReviewSince(ctx, ref, Since{}, asked...)
}

// ReviewSince is Review for who knows something. When the host shows what is older, it is read again after a while.
func (r *Reviewer) ReviewSince(ctx context.Context, ref forge.Ref, since Since, asked ...forge.Request) (Outcome, error) {
	mine := *r
	mine.request, mine.limited = since.Request, since.Limited
	r = &mine
	if ref.Group != "" && ref.GroupBase == "" {
		return r.unknown(ctx, ref)
	}
	out, err := r.review(ctx, ref, since, asked)
	if errors.Is(err, forge.ErrStale) {
		out.End, err = MovedOn, nil
	}
	if err != nil {
		err = fmt.Errorf("review %s: %w", ref, err)
		if id := r.fail(ctx, ref, err); id != "" {
			err = fmt.Errorf("%w (request %s)", err, id)
		}
		return out, err
	}
	r.log(ctx, ref, out)
	return out, nil
}

func (r *Reviewer) review(ctx context.Context, ref forge.Ref, since Since, asked []forge.Request) (Outcome, error) {
	commands := r.acknowledge(ctx, ref, asked)
	var change *forge.Change
	err := r.phase(ctx, "read", func(ctx context.Context) (err error) {
		change, err = r.Forge.Change(ctx, ref)
		return err
	})
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{Head: change.Head}
	var look seen
	err = r.phase(ctx, "examine", func(ctx context.Context) (err error) {
		look, err = r.look(ctx, change)
		return err
	})
	if err != nil {
		return out, err
	}
	standing, err := r.attend(ctx, ref, since, commands)
	if err != nil {
		return out, err
	}
	switch out.End = ended(change, standing); out.End {
	case Closed:
		if out.Plan, err = r.closed(ctx, standing); err != nil {
			return out, err
		}
		return out, out.conclude(ctx, look, standing, since)
	case MovedOn:
		return out, nil
	}
	out.Head = standing.Head
	if look.examined != nil && !look.origin.holds(standing) {
		if err = r.examine(ctx, &look, standing.Base); err != nil {
			return out, err
		}
	}
	known, err := r.know(ctx, standing)
	if err != nil {
		return out, err
	}
	if err = r.homes(ctx, look, standing, since, &known); err != nil {
		return out, err
	}
	if out.Opinion, err = look.opinion(ctx, standing, known); err != nil {
		return out, err
	}
	out, err = r.speak(ctx, look, standing, out, asked)
	out.Mark = markOf(standing, out.Plan)
	if err != nil || out.End == MovedOn {
		return out, err
	}
	return out, out.conclude(ctx, look, standing, since)
}

// speak does what people ask for, and publishes what there is to say.
func (r *Reviewer) speak(ctx context.Context, look seen, standing *forge.Standing, out Outcome, asked []forge.Request) (
	_ Outcome, err error) {
	if out.Opinion.Rivals, err = r.rivals(ctx, standing); err != nil {
		return out, err
	}
	out.Opinion.Limited = r.limited
	answers, pushed, err := r.answer(ctx, look, out.Opinion, standing, asked)
	if err != nil || pushed {
		out.End = MovedOn
		return out, err
	}
	b := &bench{r, look, out.Opinion, standing, out.Opinion.known}
	verdicts, more, pushed, err := b.obey(ctx)
	if err != nil || pushed {
		out.End = MovedOn
		return out, err
	}
	answers = append(answers, more...)
	plan := func(o *Opinion) forge.Plan {
		p := Reconcile(o, standing, answers...)
		reply(&p, verdicts, standing, time.Now())
		return p
	}
	if out.Plan = plan(out.Opinion); out.Plan.Empty() {
		out.End = Unchanged
		return out, nil
	}
	out.End = Published
	err = r.publish(ctx, standing.Ref, out.Plan)
	if errors.Is(err, forge.ErrRefused) && out.Plan.Review != nil && len(out.Plan.Review.Comments) > 0 {
		out.Refused = err
		out.Plan = plan(out.Opinion.Flat())
		err = r.publish(ctx, standing.Ref, out.Plan)
	}
	return out, err
}

// publish carries out a plan, with the id of this review in what it writes.
func (r *Reviewer) publish(ctx context.Context, ref forge.Ref, plan forge.Plan) error {
	if plan.Check != nil {
		signed := *plan.Check
		signed.Request = r.request
		plan.Check = &signed
	}
	return r.phase(ctx, "publish", func(ctx context.Context) error { return r.Forge.Publish(ctx, ref, plan) })
}

// phase does a part of a review, in a span of its own.
func (r *Reviewer) phase(ctx context.Context, name string, do func(context.Context) error) error {
	if r.Trace == nil {
		return do(ctx)
	}
	ctx, end := r.Trace(ctx, name)
	err := do(ctx)
	end(err)
	return err
}

// answer does what was asked for. pushed reports that the head moved to a commit of ours.
func (r *Reviewer) answer(ctx context.Context, s seen, o *Opinion, st *forge.Standing, asked []forge.Request) (
	answers []response, pushed bool, err error) {
	for _, q := range asked {
		switch q.Kind {
		case forge.Rerun:
			answers = append(answers, response{request: q})
		case forge.FixAll, forge.FixSafe:
			if done(st, q) {
				continue
			}
			a, pushed, err := r.fix(ctx, s, wantedBy(o, st, q), st, q)
			if err != nil || pushed {
				return nil, pushed, err
			}
			answers = append(answers, a)
		}
	}
	return answers, false, nil
}

// ended is how a review ends that has nothing to say any more: what was looked at is not what stands there now. It is ""
// when the review goes on.
func ended(change *forge.Change, standing *forge.Standing) End {
	switch {
	case !standing.Open:
		return Closed
	case change.Head != "" && change.Head != standing.Head:
		return MovedOn
	}
	return ""
}

// A seen is a change that was looked at; examined is nil when it concerns us in nothing.
type seen struct {
	*examined
	change *forge.Change
	tree   forge.Tree          // the head; nil as examined is
	beside []forge.ChangedFile // Dockerfiles that it does not change
	origin origin
	notes  []Note
}

// look looks at a change; the tree is asked for only when there is a Dockerfile to look at.
func (r *Reviewer) look(ctx context.Context, change *forge.Change) (seen, error) {
	s := seen{change: change}
	picked, _ := pick(change.Files, r.Options)
	if len(picked) == 0 && len(garbled(change.Files, r.Options)) == 0 && !slices.ContainsFunc(change.Files, concerns) {
		return s, nil
	}
	var err error
	if s.tree, err = r.Forge.Tree(ctx, change.Ref.Repo, change.Head); err != nil {
		return s, err
	}
	if s.beside, err = affected(s.tree, change.Files, picked, r.Options); err != nil {
		return s, err
	}
	if err := prefetch(s.tree, append(picked, s.beside...)); err != nil {
		return s, err
	}
	err = r.examine(ctx, &s, "")
	return s, err
}

// examine looks at the files of a change, by the configuration of the commit base, or without one by that from which the
// change grew.
func (r *Reviewer) examine(ctx context.Context, s *seen, base string) error {
	watched := &forge.Watch{Tree: s.tree}
	settings, origin, notes, err := r.settings(ctx, watched, s.change, base)
	if err != nil {
		return err
	}
	s.origin, s.notes = origin, notes
	files, err := r.complete(ctx, s.change, watched)
	if err != nil {
		return err
	}
	if s.examined, err = examine(ctx, watched, append(files, s.beside...), settings); err != nil {
		return err
	}
	return watched.Failed()
}

// opinion is what there is to say about the change to those who are there now.
func (s seen) opinion(ctx context.Context, st *forge.Standing, k known) (*Opinion, error) {
	o := &Opinion{}
	if s.examined != nil {
		o.Aside = s.settings.aside(st)
	}
	if s.examined != nil && o.Aside == "" {
		var err error
		a := s.settings.audience(st)
		a.mute = k.mute(k.remember(st), st)
		if o, err = s.examined.opinion(ctx, a); err != nil {
			return nil, err
		}
	}
	o.Partial = o.Partial || o.Aside != ""
	o.Head, o.known = st.Head, k
	o.Notes = append(o.Notes, s.notes...)
	if len(s.change.Files) < st.Count {
		o.Partial, o.Cut = true, true
		const words = "this pull request changes %d files, of which %d are listed; the others were not looked at"
		o.Notes = append(o.Notes, Note{Words: fmt.Sprintf(words, st.Count, len(s.change.Files))})
	}
	return o, nil
}

func (r *Reviewer) log(ctx context.Context, ref forge.Ref, out Outcome) {
	if r.Logger == nil {
		return
	}
	args := []any{"pull_request", ref.String(), "head", out.Head, "end", string(out.End)}
	if o := out.Opinion; o != nil {
		args = append(args, "files", len(o.Seen), "findings", len(o.Comments), "elsewhere", o.Elsewhere)
	}
	if out.Refused != nil {
		r.Logger.WarnContext(ctx, "comments on the diff were refused and are in the summary", append(args, "error", out.Refused)...)
		return
	}
	r.Logger.InfoContext(ctx, "reviewed", args...)
}
