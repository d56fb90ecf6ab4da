package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

const (
	// migrationLock is the key of the advisory lock under which one replica at a time changes tables. Any number will
	// do; this is "lighterman" in letters' places.
	migrationLock = 12_09_07_08_20
	// spareConns is how many connections the pool has besides one for each worker: River's listener, its leader, the
	// inbox, the heartbeat, and one for whoever asks.
	spareConns = 5
)

func openPostgres(ctx context.Context, o Options) (engine, error) {
	config, err := pgxpool.ParseConfig(o.DatabaseURL)
	if err != nil {
		return nil, fmt.Errorf("read database URL: %w", err) // pgx leaves the password out
	}
	config.MaxConns = max(config.MaxConns, int32(o.Workers+o.Sweepers)+spareConns)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to database: %w", err)
	}
	a, err := openPostgresApp(ctx, o, pool)
	if err != nil {
		pool.Close()
		return nil, err
	}
	return a, nil
}

func openPostgresApp(ctx context.Context, o Options, pool *pgxpool.Pool) (*app[pgx.Tx], error) {
	id := clientID()
	lease := newLease(pool, id, o.Logger)
	db := &database[pgx.Tx]{
		driver:    riverpgxv5.New(pool),
		within:    func(ctx context.Context, do func(pgx.Tx, session) error) error { return withinPgx(ctx, pool, do) },
		custody:   lease,
		forUpdate: " FOR UPDATE",
		close:     func() error { pool.Close(); return nil },
	}
	if err := migrateAlone(ctx, pool, func() error { return migrate(ctx, db, "BYTEA", o.Logger) }); err != nil {
		return nil, err
	}
	if _, err := lease.beat(ctx); err != nil {
		return nil, err
	}
	return newApp(o, db, id)
}

// migrateAlone keeps other replicas from migrating at the same time. The lock belongs to a session, and ends with it.
func migrateAlone(ctx context.Context, pool *pgxpool.Pool, do func() error) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to database: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(migrationLock)); err != nil {
		return fmt.Errorf("wait for other replicas' migrations: %w", err)
	}
	failed := do()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_unlock($1)`, int64(migrationLock)); err != nil {
		return errors.Join(failed, conn.Conn().Close(context.WithoutCancel(ctx)))
	}
	return failed
}

// withinPgx runs do in a transaction.
func withinPgx(ctx context.Context, pool *pgxpool.Pool, do func(pgx.Tx, session) error) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return do(tx, pgxSession{tx}) })
}

type pgxSession struct{ tx pgx.Tx }

func (s pgxSession) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	tag, err := s.tx.Exec(ctx, statement, args...)
	return tag.RowsAffected(), err
}

func (s pgxSession) one(ctx context.Context, into []any, statement string, args ...any) (bool, error) {
	err := s.tx.QueryRow(ctx, statement, args...).Scan(into...)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (s pgxSession) all(ctx context.Context, each func(func(...any) error) error, statement string, args ...any) error {
	rows, err := s.tx.Query(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
