package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
)

const (
	// maxDockerfiles is how many Dockerfiles of a repository are looked at.
	maxDockerfiles = 1000
	// maxStale is how often what happens meanwhile makes a sweep decide anew.
	maxStale = 3
	// maxLogins is how many people are looked up in one sweep; those beyond wait for the next.
	maxLogins = 20
	// maxReactions is how many commands are answered in one sweep.
	maxReactions = 20
)

// A run is one sweep of one repository.
type run struct {
	*Sweeper
	ask      Ask
	out      *Outcome
	there    *forge.Repository
	sweeps   config.Sweeps
	topics   []Topic // those that are wanted
	prefixes []string
	outside  []outside
	memory   *memory // what is remembered, nil when it does not hold
	looked   *looked // nil until the engine was run
	// questions are what image registries are asked; nil where nothing is known of images.
	questions *questions

	// The repository at its head, and what it decided; nil until they are needed.
	watched *forge.Watch
	files   fs.FS
	config  *config.Config

	dashboard dashboard
	proposed  []proposed      // as it was read last
	accepted  map[spoken]bool // commands that carry no reaction of ours yet and hold

	wanted    map[string]wanted  // by topic
	wantedFor string             // the mark of the mutes that they were made for
	writers   map[string]bool    // who may push, by login in lower case
	done      map[string]Step    // by branch
	refused   map[string]refusal // by branch
}

// Sweep brings the pull requests of a repository up to date with what can be fixed there. A second one, with nothing
// changed, writes nothing. An error says that it could not; trying again later is right unless it is forge.ErrGone.
func (s *Sweeper) Sweep(ctx context.Context, repo forge.Repo, ask Ask) (Outcome, error) {
	out := Outcome{}
	r := &run{
		Sweeper: s, ask: ask, out: &out, questions: newQuestions(s.Options.Images), wanted: map[string]wanted{},
		writers: map[string]bool{}, done: map[string]Step{}, refused: map[string]refusal{},
	}
	err := r.sweep(ctx, repo)
	if errors.Is(err, forge.ErrTooLarge) {
		out.Skipped, err = TooLarge, nil
	}
	if err != nil {
		return out, fmt.Errorf("sweep %s: %w", repo, err)
	}
	if out.Skipped != "" && len(ask.Memory) <= MaxMemory {
		out.Memory = ask.Memory // it knows what branches were called
	}
	s.log(ctx, repo, out)
	return out, nil
}

func (r *run) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}

func (r *run) sweep(ctx context.Context, repo forge.Repo) (err error) {
	if r.there, err = r.Host.Repository(ctx, repo); err != nil {
		return err
	}
	r.out.Repository = r.there
	if r.out.Skipped = passedOver(r.there); r.out.Skipped != "" {
		return nil
	}
	if err := r.phase(ctx, "recall", r.recall); err != nil {
		return err
	}
	if r.memory == nil {
		if err := r.phase(ctx, "configure", r.configure); err != nil || r.out.Skipped != "" {
			return err
		}
	}
	r.out.Sweeps, r.out.Consent = r.sweeps, consentOf(r.sweeps, r.ask)
	r.topics = wantedTopics(r.sweeps, r.ask, r.out.Consent)
	if r.out.Consent == Missing {
		return r.survey(ctx)
	}
	if len(r.ask.Memory) == 0 {
		if err := r.rediscover(ctx); err != nil {
			return err
		}
	}
	if err := r.phase(ctx, "consult", r.consult); err != nil {
		return err
	}
	if err := r.settle(ctx); err != nil || r.out.Skipped != "" {
		return err
	}
	err = r.phase(ctx, "display", r.display)
	r.out.Memory = r.remember()
	return err
}

// survey looks where nobody agreed to anything: nothing is read of proposals, and nothing is written.
func (r *run) survey(ctx context.Context) error {
	if r.memory != nil {
		r.out.Totals = r.memory.Totals
	} else if err := r.phase(ctx, "examine", r.examine); err != nil {
		return err
	} else if err := r.bundles(ctx, mutes{}); err != nil {
		return err
	}
	r.wanted, r.wantedFor = nil, ""
	r.out.Memory = r.remember()
	return nil
}

// configure reads the configuration. One that cannot be used is no reason to do what it may forbid, nor is one of which a part
// is missing: a typing error in what an organisation decided would have all its pull requests closed and opened anew.
func (r *run) configure(ctx context.Context) error {
	tree, err := r.Host.Tree(ctx, r.there.Repo, r.there.Head)
	if err != nil {
		return err
	}
	r.memory, r.outside = nil, nil
	r.watched = &forge.Watch{Tree: tree}
	r.files = check.Open(r.watched)
	r.config, err = config.Load(r.files, r.settings(ctx))
	if failed := r.watched.Failed(); failed != nil {
		return failed
	}
	if wrong := (*config.Error)(nil); errors.As(err, &wrong) || err != nil && forge.Answer(err) {
		r.out.Skipped, r.out.Problem = Misconfigured, err.Error()
		return nil
	}
	if err != nil {
		return err
	}
	if missing := r.config.Missing; len(missing) > 0 {
		r.out.Skipped, r.out.Problem = Misconfigured, missing[0].Error()
		return nil
	}
	r.sweeps = r.config.Sweeps
	return nil
}

// examine looks at the repository. A file that could not be read for a failed request is no file that is not there.
func (r *run) examine(ctx context.Context) error {
	if r.config == nil {
		if err := r.configure(ctx); err != nil || r.out.Skipped != "" {
			return err
		}
	}
	o := r.config.Options(r.Options)
	if r.questions != nil {
		o.Images = r.questions
	}
	paths, _, err := check.Dockerfiles(ctx, r.files, o, maxDockerfiles)
	if err == nil && len(paths) > 0 {
		err = r.watched.Prefetch(paths)
	}
	var l *looked
	if err == nil {
		l, err = examine(ctx, r.files, paths, o)
	}
	if err = cmp.Or(r.watched.Failed(), err); err == nil {
		l.bounded, r.looked = true, l
	}
	return err
}

// bundles makes what is wanted, without what people declined.
func (r *run) bundles(ctx context.Context, m mutes) error {
	var survey *Survey
	err := r.phase(ctx, "fix", func(ctx context.Context) (err error) {
		survey, err = r.looked.survey(ctx, r.topics, m)
		return err
	})
	if err = cmp.Or(r.watched.Failed(), err); err != nil {
		return err
	}
	r.out.Survey, r.out.Totals = survey, survey.Totals()
	r.wanted, r.wantedFor = map[string]wanted{}, m.mark()
	for _, b := range survey.Bundles {
		r.wanted[b.Topic.Name] = propose(b, r.looked.known, r.there, r.sweeps)
	}
	return nil
}

// want makes sure that it is known what is wanted, with its texts when they are needed. worked says that the engine was
// run, which takes a while.
func (r *run) want(ctx context.Context, m mutes, texts bool) (worked bool, err error) {
	if r.out.Consent == Refused || r.wantedFor == m.mark() && (!texts || r.looked != nil) {
		return false, nil
	}
	if r.memory != nil && r.memory.Mutes == m.mark() && r.looked == nil && !texts {
		r.wantedFor, r.out.Totals = r.memory.Mutes, r.memory.Totals
		for topic, w := range r.memory.Topics {
			r.wanted[topic] = wanted{bundle: w.Bundle, title: w.Title, text: w.Text, content: w.Content}
		}
		return false, nil
	}
	if r.looked == nil {
		if err := r.phase(ctx, "examine", r.examine); err != nil || r.out.Skipped != "" {
			return true, err
		}
		r.out.Sweeps = r.sweeps
		r.topics = wantedTopics(r.sweeps, r.ask, r.out.Consent)
	}
	return true, r.bundles(ctx, m)
}

// settle reads how everything stands, decides and writes, until nothing is left to be done. What it decides by is read
// last: when the engine had to be run after reading, it is read again.
func (r *run) settle(ctx context.Context) error {
	texts := false
	for stale := 0; ; {
		all, err := r.proposals(ctx)
		if err != nil {
			return err
		}
		answers, err := r.hear(ctx, all)
		if err != nil {
			return err
		}
		answers = append(answers, r.lift(all)...)
		r.proposed = all
		worked, err := r.want(ctx, r.declined(all), texts)
		if err != nil || r.out.Skipped != "" {
			return err
		}
		if worked {
			continue
		}
		r.out.Steps, texts = r.decide(all), false
		if texts = r.lacks(); texts {
			continue
		}
		r.out.Steps = append(answers, r.out.Steps...)
		err = r.write(ctx)
		if !errors.Is(err, forge.ErrStale) {
			return err
		}
		if stale++; stale == maxStale {
			return err
		}
	}
}

// lacks reports whether a step cannot be taken for want of texts, which are only remembered.
func (r *run) lacks() bool {
	return r.looked == nil && slices.ContainsFunc(r.out.Steps, func(s Step) bool {
		return s.Act == Open || s.Act == Finish || s.Act == Renew || s.Act == Retext
	})
}

// proposals reads how the branches of all topics stand, those included that are not wanted any more.
func (r *run) proposals(ctx context.Context) ([]proposed, error) {
	var all []proposed
	var names []string
	prefixes := []string{r.sweeps.BranchPrefix}
	for _, p := range append(slices.Clone(r.prefixes), config.DefaultBranchPrefix) {
		if !slices.Contains(prefixes, p) {
			prefixes = append(prefixes, p)
		}
	}
	for n, prefix := range prefixes {
		for _, t := range Topics(nil) {
			all, names = append(all, proposed{topic: t, former: n > 0}), append(names, prefix+t.Name)
		}
	}
	var read []forge.Proposal
	err := r.phase(ctx, "proposals", func(ctx context.Context) (err error) {
		read, err = r.Host.Proposals(ctx, r.there.Repo, names)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(read) != len(names) {
		return nil, fmt.Errorf("read %d branches: got %d", len(names), len(read))
	}
	for n := range all {
		all[n].Proposal = read[n]
	}
	return all, nil
}

// hear finds out which commands hold, and answers them by a reaction.
func (r *run) hear(ctx context.Context, all []proposed) (answers []Step, err error) {
	r.accepted = map[spoken]bool{}
	left := maxReactions
	for _, p := range all {
		for _, pull := range p.Pulls {
			m := forge.Motion{Branch: p.Branch, Tip: p.tip(), Number: pull.Number}
			for _, c := range orders(pull) {
				if !waiting(c) || left == 0 {
					continue
				}
				may, known, err := r.mayWrite(ctx, c.Author)
				if err != nil {
					return nil, err
				}
				if !known {
					continue
				}
				left--
				emoji := forge.Confused
				if may {
					emoji, r.accepted[spoken{pull.Number, c.ID}] = forge.ThumbUp, true
				}
				m.React = append(m.React, forge.Reaction{Comment: c.ID, Emoji: emoji})
			}
			if len(m.React) > 0 {
				answers = append(answers, Step{Topic: p.topic.Name, Branch: p.Branch, Act: Answer, Number: pull.Number, Motion: m,
					Why: "somebody asked to take back what was declined"})
			}
		}
	}
	return answers, nil
}

// mayWrite looks up whether somebody may push, once, and of not too many.
func (r *run) mayWrite(ctx context.Context, login string) (may, known bool, err error) {
	key := strings.ToLower(login)
	may, known = r.writers[key]
	if known || len(r.writers) >= maxLogins {
		return may, known, nil
	}
	may, err = r.Host.MayWrite(ctx, r.there.Repo, login)
	if err == nil {
		r.writers[key] = may
	}
	return may, err == nil, err
}

// write carries out the motions. What concerns one step alone is noted there.
func (r *run) write(ctx context.Context) error {
	for n := range r.out.Steps {
		step := &r.out.Steps[n]
		if step.Motion.Empty() || r.ask.DryRun {
			continue
		}
		if step.Motion.Commit != nil && r.ruledOut(step.Branch) {
			step.Act, step.Motion = Rest, forge.Motion{}
			step.Why = "a rule of the repository forbids the branch; it is tried again when the default branch or the configuration changes"
			continue
		}
		if why := r.unopened(*step); why != "" {
			step.Act, step.Why, step.Waits, step.Motion = Rest, why, true, forge.Motion{}
			continue
		}
		opened := 0
		err := r.phase(ctx, string(step.Act)+" "+step.Topic, func(ctx context.Context) (err error) {
			opened, err = r.Host.Propose(ctx, r.there.Repo, step.Motion)
			return err
		})
		if errors.Is(err, forge.ErrRules) {
			r.refused[step.Branch] = refusal{r.standing(), r.now()}
		}
		if errors.Is(err, forge.ErrForbidden) {
			step.Failed = err
			continue
		}
		if err != nil {
			return err
		}
		r.out.Written++
		if step.Done = true; opened > 0 {
			step.Number = opened
			r.out.Opened++
			r.out.Open++
		}
		r.done[step.Branch+" "+string(step.Act)] = *step
	}
	r.keep()
	return nil
}

// unopened is why a step that opens a pull request is left for later, "" when it is not.
func (r *run) unopened(s Step) string {
	switch {
	case s.Motion.Open == nil, r.dashboard.ordered(orderNow, s.Topic):
	case !r.ask.Agreed && r.sweeps.Calm(r.now()):
		return "these are the quiet hours"
	case r.ask.Permit != nil && !r.ask.Permit(r.out.Open):
		return "enough pull requests were opened for now"
	}
	return ""
}

// keep puts back what was done before something else had to be decided anew: it shows as settled now.
func (r *run) keep() {
	for n, s := range r.out.Steps {
		for _, was := range r.done {
			if was.Branch == s.Branch && s.Act == Rest && was.Act != Answer {
				r.out.Steps[n] = was
			}
		}
	}
	slices.SortStableFunc(r.out.Steps, func(a, b Step) int { return cmp.Compare(order(a), order(b)) })
}

// order is the place of a topic.
func order(s Step) int {
	return slices.IndexFunc(Topics(nil), func(t Topic) bool { return t.Name == s.Topic })
}

func (s *Sweeper) log(ctx context.Context, repo forge.Repo, out Outcome) {
	if s.Logger == nil {
		return
	}
	args := []any{"repository", repo.String(), "skipped", string(out.Skipped), "consent", string(out.Consent),
		"findings", out.Totals.Findings, "opened", out.Opened, "written", out.Written}
	if out.Undisplayed != nil {
		args = append(args, "dashboard", out.Undisplayed.Error())
	}
	s.Logger.InfoContext(ctx, "swept", args...)
}
