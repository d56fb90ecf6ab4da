package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/lighterman/lighterman/internal/forge"
)

// subjectOf is the key of a pull request, a merge group or a whole repository: see namesWhole. GitHub compares owners and
// names without regard to case, and so do we.
func subjectOf(r forge.Ref) string {
	if r.Group != "" {
		return strings.ToLower(r.Repo.String() + "@" + r.Group)
	}
	return strings.ToLower(r.String())
}

// saveDelivery stores a delivery and reports whether its GUID was new.
func saveDelivery(ctx context.Context, s session, d Delivery, now time.Time) (bool, error) {
	subject := ""
	if len(d.Call.Refs) > 0 {
		subject = subjectOf(d.Call.Refs[0])
	}
	n, err := s.exec(ctx, `
		INSERT INTO lighterman_delivery (guid, event, action, subject, payload, received_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (guid) DO NOTHING`,
		d.GUID, d.Event, d.Call.Action, subject, d.Payload, now.UnixMilli())
	if err != nil {
		return false, fmt.Errorf("insert delivery: %w", err)
	}
	return n == 1, nil
}

// bump notes that a pull request is to be brought up to date. The newest delivery knows best under which installation
// and with which spelling it is reached, and which head it has, if it says so. What asks for it without a delivery leaves
// the one that may be waiting.
func bump(ctx context.Context, s session, r forge.Ref, head string, c cause) error {
	told := int64(0)
	if head != "" && c.guid != "" {
		told = c.at.UnixMilli()
	}
	_, err := s.exec(ctx, `
		INSERT INTO lighterman_pull AS p (subject, installation, owner, name, number, group_head, group_base, told_head,
			told_at, delivery, trace, generation)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1)
		ON CONFLICT (subject) DO UPDATE SET
			installation = excluded.installation, owner = excluded.owner, name = excluded.name,
			told_at = CASE WHEN excluded.told_head IN ('', p.told_head) THEN p.told_at ELSE excluded.told_at END,
			told_head = CASE WHEN excluded.told_head = '' THEN p.told_head ELSE excluded.told_head END,
			delivery = CASE WHEN excluded.delivery = '' THEN p.delivery ELSE excluded.delivery END,
			trace = CASE WHEN excluded.delivery = '' THEN p.trace ELSE excluded.trace END,
			generation = p.generation + 1`,
		subjectOf(r), r.Repo.Installation, r.Repo.Owner, r.Repo.Name, r.Number, r.Group, r.GroupBase, head, told, c.guid, c.trace)
	if err != nil {
		return fmt.Errorf("note %s: %w", r, err)
	}
	return nil
}

// errNoPull says that a pull request has no row. Rows are never deleted, except by hand.
var errNoPull = errors.New("there is none")

// A pull is a pull request as the queue remembers it.
type pull struct {
	ref        forge.Ref
	generation int64
	mark       string          // Done.Mark
	told       string          // Job.Head
	toldAt     time.Time       // when a webhook told of that head, zero when a run has looked at it
	delivery   string          // Job.Delivery
	trace      string          // Job.Trace
	memory     string          // Job.Memory; read separately, by look
	limited    time.Time       // until when its installation was to be left alone; read separately, by look
	began      time.Time       // when its job last began to run
	requests   []forge.Request // read separately, by look
}

// worthTelling is how long a head waits for a limit until that is told.
const worthTelling = time.Minute

// heldUp is Job.Limited.
func (p pull) heldUp() time.Time {
	if p.toldAt.IsZero() || p.limited.Sub(p.toldAt) < worthTelling {
		return time.Time{}
	}
	return p.limited
}

// readPull reads a pull request's row; lock is "" or the clause that keeps others from changing it until the
// transaction ends.
func readPull(ctx context.Context, s session, subject, lock string) (pull, error) {
	var p pull
	repo, began, toldAt := &p.ref.Repo, int64(0), int64(0)
	into := []any{
		&repo.Installation, &repo.Owner, &repo.Name, &p.ref.Number, &p.ref.Group, &p.ref.GroupBase, &p.generation, &began,
		&p.mark, &p.told, &toldAt, &p.delivery, &p.trace,
	}
	ok, err := s.one(ctx, into, `
		SELECT installation, owner, name, number, group_head, group_base, generation, began_at, mark, told_head,
			told_at, delivery, trace
		FROM lighterman_pull WHERE subject = $1`+lock, subject)
	if err != nil {
		return pull{}, fmt.Errorf("read row of %s: %w", subject, err)
	}
	if !ok {
		return pull{}, fmt.Errorf("read row of %s: %w", subject, errNoPull)
	}
	p.began = time.UnixMilli(began)
	if toldAt != 0 {
		p.toldAt = time.UnixMilli(toldAt)
	}
	return p, nil
}

// failing notes that this run of a job has failed. River learns it from the worker and writes it a moment later; until
// then the job looks as if it ran.
func failing(ctx context.Context, s session, subject string, job *rivertype.JobRow) error {
	_, err := s.exec(ctx, `UPDATE lighterman_pull SET failing = $2 WHERE subject = $1`, subject, runOf(job))
	if err != nil {
		return fmt.Errorf("note that job %d has failed: %w", job.ID, err)
	}
	return nil
}

// hasFailed reports whether the present run of a job is one that failing noted.
func hasFailed(ctx context.Context, s session, subject string, job *rivertype.JobRow) (bool, error) {
	var run string
	if _, err := s.one(ctx, []any{&run}, `SELECT failing FROM lighterman_pull WHERE subject = $1`, subject); err != nil {
		return false, fmt.Errorf("look whether job %d has failed: %w", job.ID, err)
	}
	return run == runOf(job), nil
}

// runOf names one run of a job: every one that is not put off takes an attempt.
func runOf(job *rivertype.JobRow) string { return fmt.Sprintf("%d/%d", job.ID, job.Attempt) }

// limit notes that an installation is to be left alone until then. It never shortens an earlier note. What is noted for
// sweeps, under the negative of the number, does not hold for reviews: background work stops long before they have to.
func limit(ctx context.Context, s session, ref forge.Ref, until time.Time) error {
	installation := ref.Repo.Installation
	if ref.Whole() {
		installation = -installation
	}
	_, err := s.exec(ctx, `
		INSERT INTO lighterman_limit AS l (installation, until) VALUES ($1, $2)
		ON CONFLICT (installation) DO UPDATE SET until = excluded.until WHERE excluded.until > l.until`,
		installation, until.UnixMilli())
	if err != nil {
		return fmt.Errorf("note limit of installation %d: %w", installation, err)
	}
	return nil
}

// limitedUntil is the time before which the installation of a subject is to be left alone; it may have passed.
func limitedUntil(ctx context.Context, s session, ref forge.Ref) (time.Time, error) {
	installation, least := ref.Repo.Installation, ref.Repo.Installation
	if ref.Whole() {
		least = -installation
	}
	var until int64
	_, err := s.one(ctx, []any{&until}, `SELECT coalesce(max(until), 0) FROM lighterman_limit WHERE installation IN ($1, $2)`,
		installation, least)
	if err != nil {
		return time.Time{}, fmt.Errorf("read limit of installation %d: %w", installation, err)
	}
	if until == 0 {
		return time.Time{}, nil
	}
	return time.UnixMilli(until), nil
}
