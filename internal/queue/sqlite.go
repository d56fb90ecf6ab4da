package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/riverqueue/river/riverdriver/riversqlite"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	sqliteFile = "queue.db"
	lockFile   = "queue.lock"
	// lockTime is how long to wait for the process that has the data folder open, which may just be on its way out.
	lockTime = 3 * time.Second
)

func openSQLite(ctx context.Context, o Options) (engine, error) {
	if o.DataDir == "" {
		return nil, errors.New("neither a data folder nor a database URL is set")
	}
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	unlock, err := lockFolder(ctx, o.DataDir)
	if err != nil {
		return nil, err
	}
	a, err := openSQLiteApp(ctx, o, unlock)
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	return a, nil
}

// openSQLiteApp opens the database of a folder that is locked. The app unlocks it when it is closed.
func openSQLiteApp(ctx context.Context, o Options, unlock func() error) (*app[*sql.Tx], error) {
	// WAL with full synchronisation: a commit is on disk when it returns. Immediate transactions take the write lock
	// at their begin; there is one connection only (riverqueue/river#913), so they never wait for each other.
	pool, err := openFile(filepath.Join(o.DataDir, sqliteFile), url.Values{
		"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(5000)"},
		"_txlock": {"immediate"},
	})
	if err != nil {
		return nil, err
	}
	db := &database[*sql.Tx]{
		driver:  riversqlite.New(pool),
		within:  func(ctx context.Context, do func(*sql.Tx, session) error) error { return withinSQL(ctx, pool, do) },
		custody: soleOwner{pool},
		close:   func() error { return errors.Join(pool.Close(), unlock()) },
	}
	if err := migrate(ctx, db, "BLOB", o.Logger); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return newApp(o, db, clientID())
}

func openFile(path string, options url.Values) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	slashed := "/" + strings.TrimPrefix(filepath.ToSlash(absolute), "/") // "/C:/..." on Windows
	name := (&url.URL{Scheme: "file", Path: slashed, RawQuery: options.Encode()}).String()
	pool, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	pool.SetMaxOpenConns(1)
	return pool, nil
}

// lockFolder makes this process the only one that has the folder open, until it unlocks or dies. The lock is a
// transaction left open on an empty SQLite file of its own: SQLite locks files on every system that it runs on, and the
// system drops the lock of a process that was killed.
func lockFolder(ctx context.Context, folder string) (unlock func() error, err error) {
	path := filepath.Join(folder, lockFile)
	pool, err := openFile(path, url.Values{"_pragma": {fmt.Sprintf("busy_timeout(%d)", lockTime.Milliseconds())}})
	if err != nil {
		return nil, err
	}
	conn, err := pool.Conn(ctx)
	if err == nil {
		_, err = conn.ExecContext(ctx, "BEGIN EXCLUSIVE")
	}
	var refused *sqlite.Error
	if errors.As(err, &refused) && refused.Code()&0xff == sqlite3.SQLITE_BUSY {
		err = errors.New("another process has it open")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock data folder %s: %w", folder, err), pool.Close())
	}
	return func() error { return errors.Join(conn.Close(), pool.Close()) }, nil
}

// withinSQL runs do in a transaction.
func withinSQL(ctx context.Context, pool *sql.DB, do func(*sql.Tx, session) error) error {
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	// After the commit it does nothing, and its error says only that the transaction is gone already. Deferred, it also
	// frees the one connection when do panics.
	defer func() { _ = tx.Rollback() }()
	if err := do(tx, sqlSession{tx}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

type sqlSession struct{ tx *sql.Tx }

func (s sqlSession) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	result, err := s.tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (s sqlSession) one(ctx context.Context, into []any, statement string, args ...any) (bool, error) {
	err := s.tx.QueryRowContext(ctx, statement, args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (s sqlSession) all(ctx context.Context, each func(func(...any) error) error, statement string, args ...any) error {
	rows, err := s.tx.QueryContext(ctx, statement, args...)
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

// soleOwner is the custody of a process that has the database to itself: it holds the folder's lock. What was running
// when it took the lock is nobody's.
type soleOwner struct{ pool *sql.DB }

// take makes the left jobs available. It also ends the leadership of the dead process, so that jobs put off by it are
// looked at now and not when its lease runs out.
func (o soleOwner) take(ctx context.Context) error {
	return withinSQL(ctx, o.pool, func(_ *sql.Tx, s session) error {
		for _, kind := range kinds() {
			const adopt = `UPDATE river_job SET state = 'available' WHERE state = 'running' AND kind = $1`
			if _, err := s.exec(ctx, adopt, kind); err != nil {
				return fmt.Errorf("take over jobs: %w", err)
			}
		}
		if _, err := s.exec(ctx, `DELETE FROM river_leader`); err != nil {
			return fmt.Errorf("end the old leadership: %w", err)
		}
		return nil
	})
}

func (soleOwner) keep(ctx context.Context) { <-ctx.Done() }

func (soleOwner) guard(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}

func (soleOwner) release(context.Context) error { return nil }
