package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/riverqueue/river/rivermigrate"
)

// schema lists the statements that make our tables, oldest first. A released one is never edited: a change is a new
// one at the end, and must leave the tables usable for the release before it, which may run beside it for a while.
// "BYTES" stands for the database's type of byte strings. Times are Unix milliseconds.
func schema() []string {
	return []string{
		`CREATE TABLE lighterman_delivery (
			guid        TEXT PRIMARY KEY,
			event       TEXT NOT NULL,
			action      TEXT NOT NULL,
			subject     TEXT NOT NULL,
			payload     BYTES,
			received_at BIGINT NOT NULL
		)`,
		`CREATE INDEX lighterman_delivery_received_at ON lighterman_delivery (received_at)`,
		// The generation counts the deliveries that asked for the pull request to be brought up to date.
		`CREATE TABLE lighterman_pull (
			subject      TEXT PRIMARY KEY,
			installation BIGINT NOT NULL,
			owner        TEXT NOT NULL,
			name         TEXT NOT NULL,
			number       BIGINT NOT NULL,
			generation   BIGINT NOT NULL
		)`,
		`CREATE TABLE lighterman_limit (
			installation BIGINT PRIMARY KEY,
			until        BIGINT NOT NULL
		)`,
		// One row for each live process; only PostgreSQL has more than one.
		`CREATE TABLE lighterman_client (
			id      TEXT PRIMARY KEY,
			beat_at TIMESTAMPTZ NOT NULL
		)`,
		// The commits of a merge group; "" for a pull request.
		`ALTER TABLE lighterman_pull ADD COLUMN group_head TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE lighterman_pull ADD COLUMN group_base TEXT NOT NULL DEFAULT ''`,
		// The head that needs nothing more, as far as is known.
		`ALTER TABLE lighterman_pull ADD COLUMN done_head TEXT NOT NULL DEFAULT ''`,
		`CREATE INDEX lighterman_pull_done_head ON lighterman_pull (done_head)`,
		// What people asked for. A row is kept for a while after it was done, so that the same is not done again.
		`CREATE TABLE lighterman_request (
			subject     TEXT NOT NULL,
			id          TEXT NOT NULL,
			body        TEXT NOT NULL,
			received_at BIGINT NOT NULL,
			done        BIGINT NOT NULL DEFAULT 0,
			PRIMARY KEY (subject, id)
		)`,
		// What ticks remember from one run to the next.
		`CREATE TABLE lighterman_note (
			key   TEXT PRIMARY KEY,
			value TEXT NOT NULL
		)`,
		// When the pull request's job last began, for Options.Cooldown.
		`ALTER TABLE lighterman_pull ADD COLUMN began_at BIGINT NOT NULL DEFAULT 0`,
		// The head for which a look at all open pull requests last asked for a run, and when.
		`ALTER TABLE lighterman_pull ADD COLUMN seen_head TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE lighterman_pull ADD COLUMN seen_at BIGINT NOT NULL DEFAULT 0`,
		// The run of the pull request's job that failed last: see failing.
		`ALTER TABLE lighterman_pull ADD COLUMN failing TEXT NOT NULL DEFAULT ''`,
		// What the last run left for the next: Done.Mark.
		`ALTER TABLE lighterman_pull ADD COLUMN mark TEXT NOT NULL DEFAULT ''`,
		// The head as the newest webhook, or look at all open pull requests, told it.
		`ALTER TABLE lighterman_pull ADD COLUMN told_head TEXT NOT NULL DEFAULT ''`,
		// When a webhook told of the head that no run has looked at yet, 0 when there is none; the newest webhook that asked
		// for a run, and its trace.
		`ALTER TABLE lighterman_pull ADD COLUMN told_at BIGINT NOT NULL DEFAULT 0`,
		`ALTER TABLE lighterman_pull ADD COLUMN delivery TEXT NOT NULL DEFAULT ''`,
		`ALTER TABLE lighterman_pull ADD COLUMN trace TEXT NOT NULL DEFAULT ''`,
		// What the last run for a pull request came to, as a Report in JSON, and Done.Memory of the last that was done. A row
		// is dropped when it is old.
		`CREATE TABLE lighterman_report (
			subject  TEXT PRIMARY KEY,
			ended_at BIGINT NOT NULL,
			body     TEXT NOT NULL,
			memory   TEXT NOT NULL DEFAULT ''
		)`,
		`CREATE INDEX lighterman_report_ended_at ON lighterman_report (ended_at)`,
		// How often something happened on a day: a Count of Done.Counts. The day is its beginning in UTC.
		`CREATE TABLE lighterman_count (
			day   BIGINT NOT NULL,
			name  TEXT NOT NULL,
			what  TEXT NOT NULL,
			count BIGINT NOT NULL,
			PRIMARY KEY (day, name, what)
		)`,
		`CREATE INDEX lighterman_pull_told_head ON lighterman_pull (told_head)`,
		// The repositories that are swept, or are not and why. What the last sweep came to is for whoever sweeps, as JSON.
		`CREATE TABLE lighterman_repository (
			subject      TEXT PRIMARY KEY,
			installation BIGINT NOT NULL,
			owner        TEXT NOT NULL,
			name         TEXT NOT NULL,
			skipped      TEXT NOT NULL DEFAULT '',
			due_at       BIGINT NOT NULL,
			swept_at     BIGINT NOT NULL DEFAULT 0,
			body         TEXT NOT NULL DEFAULT ''
		)`,
		`CREATE INDEX lighterman_repository_due_at ON lighterman_repository (due_at)`,
		`CREATE INDEX lighterman_repository_installation ON lighterman_repository (installation)`,
		// For those who ask what arrived about a pull request.
		`CREATE INDEX lighterman_delivery_subject ON lighterman_delivery (subject)`,
	}
}

// ErrNewer says that a newer version of lighterman wrote the database. What that one keeps where is not known here.
var ErrNewer = errors.New("a newer version of lighterman wrote the database: run that one, or restore a backup")

// migrate brings River's tables and ours up to date. Nobody else may do so at the same time.
func migrate[TTx any](ctx context.Context, db *database[TTx], bytesType string, log *slog.Logger) error {
	migrator, err := rivermigrate.New(db.driver, &rivermigrate.Config{Logger: log})
	if err != nil {
		return fmt.Errorf("prepare River's tables: %w", err)
	}
	// Nothing is changed before it is known that both are ours to change.
	if err := db.within(ctx, func(_ TTx, s session) error { return refuseNewer(ctx, s) }); err != nil {
		return err
	}
	if err := refuseNewerRiver(ctx, migrator); err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("bring River's tables up to date: %w", err)
	}
	return db.within(ctx, func(_ TTx, s session) error {
		if err := extend(ctx, s, bytesType); err != nil {
			return fmt.Errorf("bring the queue's tables up to date: %w", err)
		}
		return nil
	})
}

// refuseNewer returns ErrNewer when our tables have seen a statement that schema does not have.
func refuseNewer(ctx context.Context, s session) error {
	seen, err := version(ctx, s)
	if err != nil {
		return fmt.Errorf("read the version of the queue's tables: %w", err)
	}
	return notNewer(seen)
}

func notNewer(seen int) error {
	if known := len(schema()); seen > known {
		return fmt.Errorf("%w: its tables are at step %d, and this version knows %d", ErrNewer, seen, known)
	}
	return nil
}

// refuseNewerRiver returns ErrNewer when River's tables have seen a migration that our River does not have.
func refuseNewerRiver[TTx any](ctx context.Context, migrator *rivermigrate.Migrator[TTx]) error {
	_, err := migrator.ExistingVersions(ctx)
	if err != nil && strings.Contains(err.Error(), "not found in migrator bundle") {
		return fmt.Errorf("%w: River's tables: %w", ErrNewer, err)
	}
	if err != nil {
		return fmt.Errorf("read the version of River's tables: %w", err)
	}
	return nil
}

// version is how many statements of schema this database has seen.
func version(ctx context.Context, s session) (seen int, err error) {
	const log = `CREATE TABLE IF NOT EXISTS lighterman_schema (version BIGINT PRIMARY KEY)`
	if _, err := s.exec(ctx, log); err != nil {
		return 0, err
	}
	_, err = s.one(ctx, []any{&seen}, `SELECT coalesce(max(version), 0) FROM lighterman_schema`)
	return seen, err
}

// extend runs those statements of schema that this database has not seen.
func extend(ctx context.Context, s session, bytesType string) error {
	seen, err := version(ctx, s)
	if err != nil {
		return err
	}
	for i, statement := range schema() {
		if i < seen {
			continue
		}
		if _, err := s.exec(ctx, strings.ReplaceAll(statement, "BYTES", bytesType)); err != nil {
			return err
		}
		if _, err := s.exec(ctx, `INSERT INTO lighterman_schema (version) VALUES ($1)`, i+1); err != nil {
			return err
		}
	}
	return nil
}
