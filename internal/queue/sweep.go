package queue

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/lighterman/lighterman/internal/forge"
)

// The kinds of jobs in River's table, beside ticks.
const (
	reviewKind = "review"
	sweepKind  = "sweep"
	// sweepQueue has workers of its own: however many sweeps wait, a pull request does not wait behind them.
	sweepQueue = "sweeps"
)

// sweepArgs is the job "sweep this repository". Everything else about it is where it is for a pull request.
type sweepArgs struct {
	Subject string `json:"subject" river:"unique"`
}

// Kind is the job's name in River's table.
func (sweepArgs) Kind() string { return sweepKind }

// InsertOpts are those of reviewArgs, in another queue.
func (sweepArgs) InsertOpts() river.InsertOpts {
	o := reviewArgs{}.InsertOpts()
	o.Queue = sweepQueue
	return o
}

// namesWhole reports whether a subject is a repository: neither its owner nor its name can hold what comes before the number
// of a pull request or the commit of a merge group.
func namesWhole(subject string) bool { return !strings.ContainsAny(subject, "#@") }

func argsOf(subject string) river.JobArgs {
	if namesWhole(subject) {
		return sweepArgs{Subject: subject}
	}
	return reviewArgs{Subject: subject}
}

func kindOf(ref forge.Ref) string {
	if ref.Whole() {
		return sweepKind
	}
	return reviewKind
}

func (o Options) cooldown(ref forge.Ref) time.Duration {
	if ref.Whole() {
		return o.SweepCooldown
	}
	return o.Cooldown
}

func (o Options) work(ref forge.Ref) func(context.Context, Job) (Done, error) {
	if ref.Whole() {
		return o.Sweep
	}
	return o.Work
}

// A sweeper runs sweeps for River, as a worker does reviews.
type sweeper[TTx any] struct {
	river.WorkerDefaults[sweepArgs]
	app *app[TTx]
}

// Timeout is what River is told. Work ends earlier, and leaves time to settle before River takes the job for stuck.
func (w *sweeper[TTx]) Timeout(*river.Job[sweepArgs]) time.Duration {
	return w.app.options.SweepTimeout + rescueAfter
}

// Work runs one sweep.
func (w *sweeper[TTx]) Work(ctx context.Context, job *river.Job[sweepArgs]) error {
	ctx, cancel := context.WithTimeout(ctx, w.app.options.SweepTimeout)
	defer cancel()
	return (&worker[TTx]{app: w.app}).Work(ctx, &river.Job[reviewArgs]{JobRow: job.JobRow, Args: reviewArgs(job.Args)})
}

// A Swept is what a sweep leaves for the next one.
type Swept struct {
	Due  time.Time // when that is due
	Body string    // what the sweep came to, in a form that is its own
}

// save writes it into the repository's row.
func (w *Swept) save(ctx context.Context, s session, repo forge.Repo, now time.Time) error {
	if w == nil {
		return nil
	}
	_, err := s.exec(ctx, `
		INSERT INTO lighterman_repository (subject, installation, owner, name, due_at, swept_at, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (subject) DO UPDATE SET installation = excluded.installation, owner = excluded.owner,
			name = excluded.name, due_at = excluded.due_at, swept_at = excluded.swept_at, body = excluded.body`,
		subjectOf(forge.Ref{Repo: repo}), repo.Installation, repo.Owner, repo.Name, w.Due.UnixMilli(), now.UnixMilli(), w.Body)
	if err != nil {
		return fmt.Errorf("note the sweep of %s: %w", repo, err)
	}
	return nil
}

// A Listed is a repository as its installation has it.
type Listed struct {
	Repo forge.Repo
	Skip string // why it is not swept, in a word; "" when it is
}

// A Repository is what is known of the sweeps of a repository.
type Repository struct {
	Listed
	Due   time.Time
	Swept time.Time // when it last was; zero when it never was
	Body  string    // Swept.Body of that sweep
	Job   string    // "waiting", "running" or "delayed"; "" when it has no job
}

// claimed is how long after its job was made a repository is due again, if no sweep that is done says otherwise.
const claimed = 24 * time.Hour

// List takes over which repositories an installation has: all of them. due says when one is to be swept that was not known.
// What is known of one that is not among them is forgotten.
func (q *Queue) List(ctx context.Context, installation int64, all []Listed, due func(forge.Repo) time.Time) error {
	if err := q.engine.list(ctx, installation, all, due); err != nil {
		return fmt.Errorf("list the repositories of installation %d: %w", installation, err)
	}
	return nil
}

// Repositories are those that are known of an installation, or of all, which is 0; by name.
func (q *Queue) Repositories(ctx context.Context, installation int64) ([]Repository, error) {
	all, err := q.engine.repositories(ctx, installation)
	if err != nil {
		return nil, fmt.Errorf("read what is known of repositories: %w", err)
	}
	return all, nil
}

// SweepDue makes jobs for the repositories that are due, at most so many, those first that have been for longest, and
// returns how many. They wait behind what webhooks ask for.
func (q *Queue) SweepDue(ctx context.Context, now time.Time, most int) (int, error) {
	if q.inbox.isClosed() {
		return 0, fmt.Errorf("sweep what is due: %w", ErrStopped)
	}
	n, err := q.engine.sweepDue(ctx, now, most)
	if err != nil {
		return 0, fmt.Errorf("sweep what is due: %w", err)
	}
	return n, nil
}

// Hasten has the repositories of an installation due at a time, those that would be later.
func (q *Queue) Hasten(ctx context.Context, installation int64, at time.Time) error {
	if err := q.engine.hasten(ctx, installation, at); err != nil {
		return fmt.Errorf("hasten the sweeps of installation %d: %w", installation, err)
	}
	return nil
}

func (a *app[TTx]) hasten(ctx context.Context, installation int64, at time.Time) error {
	return a.db.within(ctx, func(_ TTx, s session) error {
		const sooner = `UPDATE lighterman_repository SET due_at = $2 WHERE installation = $1 AND due_at > $2`
		_, err := s.exec(ctx, sooner, installation, at.UnixMilli())
		return err
	})
}

// listRows is how many rows one transaction of list changes; deliveries wait for it on SQLite.
const listRows = 500

func (a *app[TTx]) list(ctx context.Context, installation int64, all []Listed, due func(forge.Repo) time.Time) error {
	known, err := a.repositories(ctx, installation)
	if err != nil {
		return err
	}
	before := map[string]Listed{}
	for _, r := range known {
		before[subjectOf(forge.Ref{Repo: r.Repo})] = r.Listed
	}
	changes := map[string]func(session) error{} // by subject
	for _, l := range all {
		subject := subjectOf(forge.Ref{Repo: l.Repo})
		if old, ok := before[subject]; !ok || old != l {
			changes[subject] = func(s session) error { return l.save(ctx, s, subject, due(l.Repo)) }
		}
		delete(before, subject)
	}
	for subject := range before {
		changes[subject] = func(s session) error {
			const gone = `DELETE FROM lighterman_repository WHERE subject = $1 AND installation = $2`
			_, err := s.exec(ctx, gone, subject, installation)
			return err
		}
	}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(changes)), listRows) {
		err := a.db.within(ctx, func(_ TTx, s session) error {
			for _, subject := range some {
				if err := changes[subject](s); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// save takes over how a repository was listed. One that is swept again after a while in which it was not is due at once.
func (l Listed) save(ctx context.Context, s session, subject string, due time.Time) error {
	_, err := s.exec(ctx, `
		INSERT INTO lighterman_repository AS r (subject, installation, owner, name, skipped, due_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (subject) DO UPDATE SET installation = excluded.installation, owner = excluded.owner,
			name = excluded.name, skipped = excluded.skipped,
			due_at = CASE WHEN r.skipped = '' THEN r.due_at ELSE excluded.due_at END`,
		subject, l.Repo.Installation, l.Repo.Owner, l.Repo.Name, l.Skip, due.UnixMilli())
	return err
}

func (a *app[TTx]) repositories(ctx context.Context, installation int64) (all []Repository, err error) {
	err = a.db.within(ctx, func(tx TTx, s session) error {
		jobs, err := a.sweeping(ctx, tx)
		if err != nil {
			return err
		}
		return s.all(ctx, func(scan func(...any) error) error {
			var r Repository
			var due, swept int64
			repo := &r.Repo
			err := scan(&repo.Installation, &repo.Owner, &repo.Name, &r.Skip, &due, &swept, &r.Body)
			if err != nil {
				return err
			}
			r.Due = time.UnixMilli(due)
			if swept != 0 {
				r.Swept = time.UnixMilli(swept)
			}
			r.Job = jobs[subjectOf(forge.Ref{Repo: r.Repo})]
			all = append(all, r)
			return nil
		}, `SELECT installation, owner, name, skipped, due_at, swept_at, body FROM lighterman_repository
			WHERE $1 = 0 OR installation = $1 ORDER BY subject`, installation)
	})
	return all, err
}

// maxSweeping is how many live sweeps are told of, as many as River lists at once.
const maxSweeping = 10_000

// sweeping says by subject how the live sweeps stand, in the words of Repository.Job.
func (a *app[TTx]) sweeping(ctx context.Context, tx TTx) (map[string]string, error) {
	list, err := a.client.JobListTx(ctx, tx, river.NewJobListParams().First(maxSweeping).Kinds(sweepKind).
		States(liveStates()...))
	if err != nil {
		return nil, fmt.Errorf("list the sweeps: %w", err)
	}
	out := map[string]string{}
	for _, row := range list.Jobs {
		subject, err := subjectIn(row)
		if err != nil {
			return nil, err
		}
		switch row.State {
		case rivertype.JobStateAvailable:
			out[subject] = "waiting"
		case rivertype.JobStateRunning:
			out[subject] = "running"
		default:
			out[subject] = "delayed"
		}
	}
	return out, nil
}

func (a *app[TTx]) sweepDue(ctx context.Context, now time.Time, most int) (count int, err error) {
	err = a.db.within(ctx, func(tx TTx, s session) error {
		var subjects []string
		refs := map[string]forge.Ref{}
		err := s.all(ctx, func(scan func(...any) error) error {
			var r forge.Ref
			if err := scan(&r.Repo.Installation, &r.Repo.Owner, &r.Repo.Name); err != nil {
				return err
			}
			subject := subjectOf(r)
			subjects, refs[subject] = append(subjects, subject), r
			return nil
		}, `SELECT installation, owner, name FROM lighterman_repository
			WHERE due_at <= $1 AND skipped = '' ORDER BY due_at, subject LIMIT $2`, now.UnixMilli(), most)
		if count = len(subjects); err != nil || count == 0 {
			return err
		}
		// First the rows that the end of a sweep locks first.
		for _, subject := range slices.Sorted(slices.Values(subjects)) {
			if err := bump(ctx, s, refs[subject], "", cause{}); err != nil {
				return err
			}
			const claim = `UPDATE lighterman_repository SET due_at = $2 WHERE subject = $1`
			if _, err := s.exec(ctx, claim, subject, now.Add(claimed).UnixMilli()); err != nil {
				return err
			}
		}
		_, err = a.insertAt(ctx, tx, subjects, behind)
		return err
	})
	return count, err
}
