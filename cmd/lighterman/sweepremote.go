package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/sweep"
	"github.com/lighterman/lighterman/internal/sweep/stock"
)

// A hubSweeper sweeps repositories on GitHub as the App. Whoever typed the command waits for it, but no longer than GitHub
// asks, and reviews go first.
type hubSweeper struct {
	app     *github.App
	sweeper *sweep.Sweeper
	ask     sweep.Ask
	agreed  bool   // --yes
	site    string // where people look at repositories
	today   time.Time
	sleep   func(ctx context.Context, d time.Duration) error

	mu     sync.Mutex
	status io.Writer // hears of waiting
	owners map[string]owner
}

// An owner is where the App is installed, or why it is not known.
type owner struct {
	installation int64
	err          error
}

// remote takes the App's credentials as serve does.
func (s sweepSettings) remote(cmd *cobra.Command, names []string, engine check.Options) (*hubSweeper, error) {
	stored, err := readCredentials(s.app.credentials(s.where), s.app.githubURL)
	if err != nil {
		return nil, err
	}
	s.app.adopt(stored)
	o, err := s.app.options()
	if err != nil {
		what := append(names, "every repository")[0]
		return nil, fmt.Errorf("%s is looked for on GitHub, which takes the App's credentials: %w", what, err)
	}
	o.Logger, o.Settings = quiet(), config.Names()
	app, err := github.New(o)
	if err != nil {
		return nil, err
	}
	engine.Images = s.facts(true)
	r := &hubSweeper{
		app: app, agreed: s.yes, today: engine.Today, sleep: sleep, status: cmd.ErrOrStderr(), owners: map[string]owner{},
	}
	r.sweeper = newSweeper(app, newReviewer(app, s.app.presetOwners, engine, o.Logger), config.Timing{})
	if r.site, err = github.Site(s.app.githubURL); err != nil {
		return nil, err
	}
	r.ask, err = s.request()
	return r, err
}

// request is how each repository is swept.
func (s sweepSettings) request() (sweep.Ask, error) {
	ask := sweep.Ask{Look: s.report != "", DryRun: s.dryRun, Agreed: s.yes || s.dryRun}
	for _, name := range s.families {
		ask.Families = append(ask.Families, check.Family(name))
	}
	left := s.opens
	ask.Permit = func(int) bool {
		left--
		return left >= 0
	}
	_, err := s.topics(config.Default(nil))
	return ask, err
}

// sleep waits on the clock.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// patiently does something again when GitHub asked to wait, and says so.
func (r *hubSweeper) patiently(ctx context.Context, do func(context.Context) error) error {
	for {
		err := do(github.Background(ctx))
		var limit *forge.LimitError
		if !errors.As(err, &limit) {
			return err
		}
		r.say("GitHub is asked again at %s", limit.Until.UTC().Format("15:04:05 MST"))
		if err := r.sleep(ctx, max(time.Until(limit.Until), time.Second)); err != nil {
			return err
		}
	}
}

// say tells of what goes on beside what is printed.
func (r *hubSweeper) say(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	over := ""
	if terminal(r.status) {
		over = "\r\x1b[K"
	}
	fmt.Fprintf(r.status, "%slighterman: %s\n", over, shown(fmt.Sprintf(format, args...)))
}

// find is a repository that is written OWNER/REPO, with the installation through which it is reached.
func (r *hubSweeper) find(ctx context.Context, name string) (forge.Repo, error) {
	login, rest, _ := strings.Cut(name, "/")
	r.mu.Lock()
	known, ok := r.owners[strings.ToLower(login)]
	r.mu.Unlock()
	if !ok {
		known.err = r.patiently(ctx, func(ctx context.Context) (err error) {
			known.installation, err = r.app.InstallationOf(ctx, login)
			return err
		})
		if errors.Is(known.err, forge.ErrGone) {
			known.err = fmt.Errorf("the App is not installed for %s: check the name, or install it from the App's page", login)
		}
		r.mu.Lock()
		r.owners[strings.ToLower(login)] = known
		r.mu.Unlock()
	}
	return forge.Repo{Installation: known.installation, Owner: login, Name: rest}, known.err
}

// sweep sweeps one repository. What was done before GitHub asked to wait is part of what was done.
func (r *hubSweeper) sweep(ctx context.Context, repo forge.Repo) (out sweep.Outcome, err error) {
	var done []sweep.Step
	err = r.patiently(ctx, func(ctx context.Context) error {
		var err error
		out, err = r.sweeper.Sweep(ctx, repo, r.ask)
		out.Steps = withDone(out.Steps, done)
		for _, step := range out.Steps {
			if step.Done {
				done = append(done, step)
			}
		}
		return err
	})
	if errors.Is(err, forge.ErrGone) {
		err = fmt.Errorf("there is no %s that the App reaches: check the name, or give the App the repository on the page of its "+
			"installation", repo)
	}
	return out, err
}

// withDone puts steps that were carried out in the place of those that found nothing left to do.
func withDone(steps, done []sweep.Step) []sweep.Step {
	for n, step := range steps {
		for _, was := range done {
			if was.Branch == step.Branch && step.Act == sweep.Rest && was.Act != sweep.Answer {
				steps[n] = was
			}
		}
	}
	return steps
}

// everything lists what the App reaches.
func (r *hubSweeper) everything(ctx context.Context) (all []forge.Repo, err error) {
	err = r.patiently(ctx, func(ctx context.Context) error {
		all = nil
		return r.app.Repositories(ctx, func(there forge.Repository) error {
			all = append(all, there.Repo)
			return nil
		})
	})
	return all, err
}

// A spot is a repository to be swept, or why it cannot be.
type spot struct {
	forge.Repo
	err error
}

// places are what was asked for, each once.
func (r *hubSweeper) places(ctx context.Context, names []string, all bool) (out []spot, err error) {
	if all {
		there, err := r.everything(ctx)
		for _, repo := range there {
			out = append(out, spot{Repo: repo})
		}
		return out, err
	}
	seen := map[string]bool{}
	for _, name := range names {
		if key := strings.ToLower(name); !seen[key] {
			seen[key] = true
			repo, err := r.find(ctx, name)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			out = append(out, spot{repo, err})
		}
	}
	return out, nil
}

// runSweepRemote sweeps repositories one after the other: they share what GitHub allows.
func runSweepRemote(cmd *cobra.Command, names []string, s sweepSettings, engine check.Options) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	r, err := s.remote(cmd, names, engine)
	if err != nil {
		return err
	}
	places, err := r.places(ctx, names, s.all)
	if err != nil {
		return err
	}
	failed := false
	step, end := func(string) {}, func() {}
	if !terminal(out) { // else what is printed shows how far it is
		step, end = gauged(cmd.ErrOrStderr(), len(places))
	}
	defer end()
	for _, p := range places {
		var o sweep.Outcome
		if p.err == nil {
			o, p.err = r.sweep(ctx, p.Repo)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		step(p.String())
		if _, err := io.WriteString(out, r.told(p, o)); err != nil {
			return err
		}
		if p.err != nil {
			r.say("%v", p.err)
		}
		failed = failed || p.err != nil || o.Skipped == sweep.Misconfigured || refused(o)
	}
	if failed {
		return exit(exitFailed)
	}
	return nil
}

// refused reports whether a step failed.
func refused(o sweep.Outcome) bool {
	for _, step := range o.Steps {
		if step.Failed != nil {
			return true
		}
	}
	return false
}

// targets are repositories on GitHub for a report.
func (r *hubSweeper) targets(ctx context.Context, names []string, all bool) (out []target, err error) {
	places, err := r.places(ctx, names, all)
	for _, p := range places {
		out = append(out, target{p.String(), func(ctx context.Context, status io.Writer) (stock.Entry, error) {
			return r.entry(ctx, p, status)
		}})
	}
	return out, err
}

// entry looks at a repository for a report, and keeps nothing else of it.
func (r *hubSweeper) entry(ctx context.Context, p spot, status io.Writer) (stock.Entry, error) {
	var o sweep.Outcome
	if p.err == nil {
		o, p.err = r.sweep(ctx, p.Repo)
	}
	name, url := p.String(), r.site+"/"+p.String()
	switch {
	case ctx.Err() != nil:
		return stock.Entry{}, ctx.Err()
	case p.err != nil:
		return stock.PassedOver(name, url, r.today, stock.Unreadable, p.err.Error()), nil
	case o.Skipped != "":
		return stock.PassedOver(name, url, r.today, o.Skipped, o.Problem), nil
	}
	for _, skip := range o.Survey.Result.Skipped {
		skip.Path = name + ": " + skip.Path
		tellSkipped(status, []check.Skip{skip})
	}
	return stock.Surveyed(name, url, r.today, o.Survey), nil
}
