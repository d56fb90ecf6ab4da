package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

// A Report is what the last run for a pull request came to, for people who ask why something was posted, or nothing was.
type Report struct {
	Ref      forge.Ref
	At       time.Time // when the run ended
	Took     time.Duration
	Outcome  Outcome
	Attempt  int      // from 1
	Job      string   // Job.ID of the run
	Delivery string   // Job.Delivery
	Head     string   // Done.Head
	Posted   []string // Done.Posted
	Why      string   // Done.Why
	Error    string   // why it was not done; "" when it was
}

// A Count is how often something happened to whatever has that name.
type Count struct {
	Name string
	What string
	N    int
}

// A DayCount is a Count on one day.
type DayCount struct {
	Day time.Time // its beginning, in UTC
	Count
}

// Report returns what the last run for a pull request came to; ok is false when there was none for a long time.
func (q *Queue) Report(ctx context.Context, ref forge.Ref) (r Report, ok bool, err error) {
	if r, ok, err = q.engine.report(ctx, subjectOf(ref)); err != nil {
		return r, false, fmt.Errorf("read the report of %s: %w", ref, err)
	}
	return r, ok, nil
}

// Reports returns the reports of the pull requests whose runs ended last, the newest first.
func (q *Queue) Reports(ctx context.Context, most int) ([]Report, error) {
	all, err := q.engine.reports(ctx, most)
	if err != nil {
		return nil, fmt.Errorf("read reports: %w", err)
	}
	return all, nil
}

// Counts returns what happened since a day, by day, name and what it was.
func (q *Queue) Counts(ctx context.Context, since time.Time) ([]DayCount, error) {
	all, err := q.engine.counts(ctx, since)
	if err != nil {
		return nil, fmt.Errorf("read counts: %w", err)
	}
	return all, nil
}

const (
	// maxReported bounds in bytes each text of a report, and maxPosted how many it has.
	maxReported = 1000
	maxPosted   = 20
)

// reportOf is the report of a run that ended just now.
func reportOf(p pull, id string, r run, v verdict) Report {
	now := time.Now()
	out := Report{
		Ref: p.ref, At: now, Took: now.Sub(p.began), Outcome: v.outcome(r), Attempt: r.attempt, Job: id, Delivery: p.delivery,
		Head: r.done.Head, Why: brief(r.done.Why),
	}
	for _, text := range r.done.Posted[:min(len(r.done.Posted), maxPosted)] {
		out.Posted = append(out.Posted, brief(text))
	}
	if r.err != nil {
		out.Error = brief(r.err.Error())
	}
	return out
}

// brief is a text cut to maxReported bytes, in the form of storable.
func brief(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s[:min(len(s), maxReported)], "\x00", ""), "")
}

// save keeps a report in place of the one before; memory is "" to leave what is remembered.
func (r Report) save(ctx context.Context, s session, memory string) error {
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the report of %s: %w", r.Ref, err)
	}
	_, err = s.exec(ctx, `
		INSERT INTO lighterman_report AS r (subject, ended_at, body, memory) VALUES ($1, $2, $3, $4)
		ON CONFLICT (subject) DO UPDATE SET ended_at = excluded.ended_at, body = excluded.body,
			memory = CASE WHEN excluded.memory = '' THEN r.memory ELSE excluded.memory END`,
		subjectOf(r.Ref), r.At.UnixMilli(), string(body), memory)
	if err != nil {
		return fmt.Errorf("save the report of %s: %w", r.Ref, err)
	}
	return nil
}

// count adds to what happened on a day. Rows are written in the order of their keys, as everywhere.
func count(ctx context.Context, s session, all []Count, now time.Time) error {
	sums := map[Count]int{}
	for _, c := range all {
		sums[Count{Name: c.Name, What: c.What}] += c.N
	}
	all = nil
	for c, n := range sums {
		all = append(all, Count{c.Name, c.What, n})
	}
	slices.SortFunc(all, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.What, b.What))
	})
	for _, c := range all {
		_, err := s.exec(ctx, `
			INSERT INTO lighterman_count AS c (day, name, what, count) VALUES ($1, $2, $3, $4)
			ON CONFLICT (day, name, what) DO UPDATE SET count = c.count + excluded.count`,
			dayOf(now).UnixMilli(), c.Name, c.What, c.N)
		if err != nil {
			return fmt.Errorf("count %s of %s: %w", c.What, c.Name, err)
		}
	}
	return nil
}

func dayOf(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// waited is how long the head that a run was done with waited since a webhook told of it, 0 when another run was first.
func (p pull) waited(d Done, now time.Time) time.Duration {
	if d.Head == "" || d.Head != p.told || p.toldAt.IsZero() {
		return 0
	}
	return max(now.Sub(p.toldAt), time.Millisecond)
}

func memoryOf(ctx context.Context, s session, subject string) (memory string, err error) {
	if _, err = s.one(ctx, []any{&memory}, `SELECT memory FROM lighterman_report WHERE subject = $1`, subject); err != nil {
		return "", fmt.Errorf("read what is remembered of %s: %w", subject, err)
	}
	return memory, nil
}

func (a *app[TTx]) report(ctx context.Context, subject string) (r Report, ok bool, err error) {
	err = a.db.within(ctx, func(_ TTx, s session) error {
		var body string
		if ok, err = s.one(ctx, []any{&body}, `SELECT body FROM lighterman_report WHERE subject = $1`, subject); !ok {
			return err
		}
		return json.Unmarshal([]byte(body), &r)
	})
	return r, ok, err
}

func (a *app[TTx]) reports(ctx context.Context, most int) (all []Report, err error) {
	err = a.db.within(ctx, func(_ TTx, s session) error {
		return s.all(ctx, func(scan func(...any) error) error {
			var body string
			if err := scan(&body); err != nil {
				return err
			}
			all = append(all, Report{})
			return json.Unmarshal([]byte(body), &all[len(all)-1])
		}, `SELECT body FROM lighterman_report ORDER BY ended_at DESC, subject LIMIT $1`, most)
	})
	return all, err
}

func (a *app[TTx]) counts(ctx context.Context, since time.Time) (all []DayCount, err error) {
	err = a.db.within(ctx, func(_ TTx, s session) error {
		return s.all(ctx, func(scan func(...any) error) error {
			var c DayCount
			var day int64
			if err := scan(&day, &c.Name, &c.What, &c.N); err != nil {
				return err
			}
			c.Day = time.UnixMilli(day).UTC()
			all = append(all, c)
			return nil
		}, `SELECT day, name, what, count FROM lighterman_count WHERE day >= $1 ORDER BY day, name, what`,
			dayOf(since).UnixMilli())
	})
	return all, err
}
