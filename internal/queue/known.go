package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/lighterman/lighterman/internal/forge"
)

// A Received is a delivery as it is remembered.
type Received struct {
	GUID    string
	Event   string
	Action  string
	Subject string // the pull request or merge group that it was about first, in lower case; "" for none
	At      time.Time
	Kept    bool // Payload still has its body
}

// A LiveJob is a job that is yet to be finished.
type LiveJob struct {
	ID       int64
	Ref      forge.Ref // zero when the queue's row of the pull request was deleted
	State    JobState
	At       time.Time // when it began to run, or will be ready to
	Attempts int       // those that began
	Error    string    // of the last attempt that failed
}

// JobState is how a live job stands.
type JobState string

// The states of a live job, as Depth counts them.
const (
	Waiting JobState = "waiting"
	Running JobState = "running"
	Delayed JobState = "delayed"
)

// Known is what there is about a pull request besides its Report.
type Known struct {
	Ref      forge.Ref // with its installation; zero when nothing ever asked for it to be brought up to date
	Told     string    // its head as the newest webhook told it; "" when none did
	Done     string    // the head that needs nothing more; "" when none is known
	Live     []LiveJob // one, or none
	Dead     []DeadJob
	Received []Received // the newest first
}

// maxKnown is how many deliveries of one pull request are listed.
const maxKnown = 20

// Live lists jobs that are yet to be finished, in the order in which they are ready to run.
func (q *Queue) Live(ctx context.Context, most int) ([]LiveJob, error) {
	all, err := q.engine.live(ctx, most)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return all, nil
}

// Received lists the deliveries that came last, the newest first.
func (q *Queue) Received(ctx context.Context, most int) ([]Received, error) {
	all, err := q.engine.received(ctx, most)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return all, nil
}

// Payload is the body of a delivery, with its event; ok is false when it is not kept any more, or never came.
func (q *Queue) Payload(ctx context.Context, guid string) (event string, body []byte, ok bool, err error) {
	if event, body, ok, err = q.engine.payload(ctx, guid); err != nil {
		return "", nil, false, fmt.Errorf("read delivery %s: %w", guid, err)
	}
	return event, body, ok, nil
}

// Known looks up a pull request or a merge group. Its installation need not be named.
func (q *Queue) Known(ctx context.Context, ref forge.Ref) (Known, error) {
	k, err := q.engine.known(ctx, subjectOf(ref))
	if err != nil {
		return Known{}, fmt.Errorf("look up %s: %w", ref, err)
	}
	return k, nil
}

func (a *app[TTx]) live(ctx context.Context, most int) ([]LiveJob, error) {
	return listJobs(ctx, a, describeLive, river.NewJobListParams().First(most).States(liveStates()...).
		OrderBy(river.JobListOrderByScheduledAt, river.SortOrderAsc))
}

func describeLive(ctx context.Context, s session, row *rivertype.JobRow) (LiveJob, error) {
	d, err := describe(ctx, s, row)
	if err != nil {
		return LiveJob{}, err
	}
	j := LiveJob{ID: d.ID, Ref: d.Ref, State: Delayed, At: row.ScheduledAt, Attempts: d.Attempts, Error: d.Error}
	switch row.State {
	case rivertype.JobStateAvailable:
		j.State = Waiting
	case rivertype.JobStateRunning:
		j.State = Running
		if row.AttemptedAt != nil {
			j.At = *row.AttemptedAt
		}
	}
	return j, nil
}

const receivedColumns = `SELECT guid, event, action, subject, received_at, CASE WHEN payload IS NULL THEN 0 ELSE 1 END
	FROM lighterman_delivery `

// readReceived reads rows of receivedColumns.
func readReceived(ctx context.Context, s session, where string, args ...any) (all []Received, err error) {
	err = s.all(ctx, func(scan func(...any) error) error {
		var r Received
		var at, kept int64
		if err := scan(&r.GUID, &r.Event, &r.Action, &r.Subject, &at, &kept); err != nil {
			return err
		}
		r.At, r.Kept = time.UnixMilli(at), kept == 1
		all = append(all, r)
		return nil
	}, receivedColumns+where, args...)
	return all, err
}

func (a *app[TTx]) received(ctx context.Context, most int) (all []Received, err error) {
	err = a.db.within(ctx, func(_ TTx, s session) (err error) {
		all, err = readReceived(ctx, s, `ORDER BY received_at DESC, guid LIMIT $1`, most)
		return err
	})
	return all, err
}

func (a *app[TTx]) payload(ctx context.Context, guid string) (event string, body []byte, ok bool, err error) {
	err = a.db.within(ctx, func(_ TTx, s session) (err error) {
		ok, err = s.one(ctx, []any{&event, &body}, `
			SELECT event, payload FROM lighterman_delivery WHERE guid = $1 AND payload IS NOT NULL`, guid)
		return err
	})
	return event, body, ok, err
}

func (a *app[TTx]) known(ctx context.Context, subject string) (k Known, err error) {
	err = a.db.within(ctx, func(tx TTx, s session) error {
		k = Known{}
		p, err := readPull(ctx, s, subject, "")
		if err != nil && !errors.Is(err, errNoPull) {
			return err
		}
		k.Ref, k.Told = p.ref, p.told
		const done = `SELECT done_head FROM lighterman_pull WHERE subject = $1`
		if _, err := s.one(ctx, []any{&k.Done}, done, subject); err != nil {
			return err
		}
		if k.Received, err = readReceived(ctx, s, `WHERE subject = $1 ORDER BY received_at DESC, guid LIMIT $2`, subject, maxKnown); err != nil {
			return err
		}
		return a.knownJobs(ctx, tx, s, subject, &k)
	})
	return k, err
}

// knownJobs adds the jobs of a pull request that are not finished.
func (a *app[TTx]) knownJobs(ctx context.Context, tx TTx, s session, subject string, k *Known) error {
	var ids []int64
	err := s.all(ctx, func(scan func(...any) error) error {
		var id int64
		defer func() { ids = append(ids, id) }()
		return scan(&id)
	}, `SELECT id FROM river_job WHERE kind IN ($1, $2) AND args ->> 'subject' = $3 AND state NOT IN ('completed', 'cancelled')
		ORDER BY id`, reviewKind, sweepKind, subject)
	if err != nil {
		return err
	}
	for _, id := range ids {
		row, err := a.client.JobGetTx(ctx, tx, id)
		if err != nil {
			return err
		}
		if row.State == rivertype.JobStateDiscarded {
			d, err := describe(ctx, s, row)
			if err != nil {
				return err
			}
			k.Dead = append(k.Dead, d)
			continue
		}
		j, err := describeLive(ctx, s, row)
		if err != nil {
			return err
		}
		k.Live = append(k.Live, j)
	}
	return nil
}
