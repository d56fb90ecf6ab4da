package queue

import (
	"context"
	"fmt"
	"time"
)

const (
	// deliveryKept is how long the GUID of a delivery and the id of a request are remembered. Dedupe holds no longer, so it must outlast the time
	// in which GitHub redelivers: 3 days on github.com, 7 on Enterprise Server (docs.github.com, "Redelivering webhooks").
	deliveryKept = 8 * 24 * time.Hour
	// payloadKept is how long the body is kept, to look into what happened. Jobs do not need it.
	payloadKept = 24 * time.Hour
	// reportKept is how long it is remembered what came of a pull request that is left alone, and countKept how long what
	// happened on a day.
	reportKept = 90 * 24 * time.Hour
	countKept  = 400 * 24 * time.Hour

	pruneEvery = time.Hour
	pruneTime  = time.Minute
	pruneRows  = 500 // rows changed in one transaction; deliveries wait for it on SQLite
)

// pruneHourly keeps the delivery table from growing until the context ends.
func (q *Queue) pruneHourly(ctx context.Context) {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			bounded, cancel := context.WithTimeout(ctx, pruneTime)
			if err := q.engine.prune(bounded, now); err != nil && ctx.Err() == nil {
				q.log.Warn("old deliveries could not be removed", "error", err)
			}
			cancel()
		case <-ctx.Done():
			return
		}
	}
}

// prune drops the payloads and then the rows of old deliveries, what was asked for and done, and old reports and counts.
func (a *app[TTx]) prune(ctx context.Context, now time.Time) error {
	const (
		payloads = `UPDATE lighterman_delivery SET payload = NULL WHERE guid IN (SELECT guid FROM lighterman_delivery
			WHERE received_at < $1 AND payload IS NOT NULL LIMIT $2)`
		rows = `DELETE FROM lighterman_delivery WHERE guid IN (SELECT guid FROM lighterman_delivery
			WHERE received_at < $1 LIMIT $2)`
		asked = `DELETE FROM lighterman_request WHERE (subject, id) IN (SELECT subject, id FROM lighterman_request
			WHERE received_at < $1 AND done = 1 LIMIT $2)`
		reports = `DELETE FROM lighterman_report WHERE subject IN (SELECT subject FROM lighterman_report
			WHERE ended_at < $1 LIMIT $2)`
		counts = `DELETE FROM lighterman_count WHERE (day, name, what) IN (SELECT day, name, what FROM lighterman_count
			WHERE day < $1 LIMIT $2)`
	)
	if err := a.repeat(ctx, payloads, now.Add(-payloadKept)); err != nil {
		return fmt.Errorf("drop payloads: %w", err)
	}
	if err := a.repeat(ctx, rows, now.Add(-deliveryKept)); err != nil {
		return fmt.Errorf("drop deliveries: %w", err)
	}
	if err := a.repeat(ctx, asked, now.Add(-deliveryKept)); err != nil {
		return fmt.Errorf("drop requests: %w", err)
	}
	if err := a.repeat(ctx, reports, now.Add(-reportKept)); err != nil {
		return fmt.Errorf("drop reports: %w", err)
	}
	if err := a.repeat(ctx, counts, now.Add(-countKept)); err != nil {
		return fmt.Errorf("drop counts: %w", err)
	}
	return nil
}

// repeat runs a statement of prune until it finds no more full batch.
func (a *app[TTx]) repeat(ctx context.Context, statement string, before time.Time) error {
	for n := int64(pruneRows); n == pruneRows; {
		err := a.db.within(ctx, func(_ TTx, s session) (err error) {
			n, err = s.exec(ctx, statement, before.UnixMilli(), pruneRows)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
