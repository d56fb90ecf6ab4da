package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

// Backup copies the SQLite database of a data folder to a new file, as it is at one moment. The process that has the
// folder open goes on meanwhile: this is another reader of its database, and the folder's lock is not on that file. The
// copy is looked through before it gets its name.
func Backup(ctx context.Context, dataDir, file string) error {
	path := filepath.Join(dataDir, sqliteFile)
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	if _, err := os.Lstat(file); !errors.Is(err, os.ErrNotExist) {
		return errors.Join(fmt.Errorf("back up: %s is there already", file), err)
	}
	part, err := copyDatabase(ctx, path, filepath.Dir(file))
	if err != nil {
		return fmt.Errorf("back up %s: %w", path, err)
	}
	if err := rename(part, file); err != nil {
		return fmt.Errorf("back up %s: %w", path, errors.Join(err, os.Remove(part)))
	}
	return nil
}

// View opens a queue to be looked at, and closes it again. An SQLite database belongs to one process, which goes on
// meanwhile: a copy is looked at, and what is done to that is lost.
func View(ctx context.Context, o Options, look func(*Queue) error) (err error) {
	path := filepath.Join(o.DataDir, sqliteFile)
	if _, failed := os.Stat(path); o.DatabaseURL == "" && !errors.Is(failed, os.ErrNotExist) {
		dir, err := os.MkdirTemp("", "lighterman-*")
		if err != nil { // in a container only the data folder may be writable
			dir, err = os.MkdirTemp(o.DataDir, ".lighterman-*")
		}
		if err != nil {
			return fmt.Errorf("copy the queue: %w", err)
		}
		defer os.RemoveAll(dir)
		if err := Backup(ctx, o.DataDir, filepath.Join(dir, sqliteFile)); err != nil {
			return err
		}
		o.DataDir = dir
	}
	q, err := Open(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(look(q), q.Stop(ctx))
}

// Restore puts a backup in the place of the SQLite database of a data folder, and returns where the database that was
// there is now, "" when there was none. It refuses while another process has the folder open, and a file that Open would
// refuse.
func Restore(ctx context.Context, dataDir, file string) (kept string, err error) {
	if err := inspect(ctx, file); err != nil {
		return "", fmt.Errorf("restore %s: %w", file, err)
	}
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return "", fmt.Errorf("restore %s: make data folder: %w", file, err)
	}
	unlock, err := lockFolder(ctx, dataDir)
	if err != nil {
		return "", fmt.Errorf("restore %s: %w", file, err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	part, err := copyDatabase(ctx, file, dataDir)
	if err != nil {
		return "", fmt.Errorf("restore %s: %w", file, err)
	}
	path := filepath.Join(dataDir, sqliteFile)
	if err = giveToOwner(part, dataDir); err == nil {
		kept, err = setAside(ctx, path, time.Now())
	}
	if err == nil {
		err = rename(part, path)
	}
	if err != nil {
		return kept, fmt.Errorf("restore %s: %w", file, errors.Join(err, os.Remove(part)))
	}
	return kept, nil
}

// copyDatabase writes a database, with what is still in its log, to a new file of a folder, and returns the file's
// name. It is on disk then, for us alone to read, and whole.
func copyDatabase(ctx context.Context, path, folder string) (part string, err error) {
	f, err := os.CreateTemp(folder, ".lighterman-*.part")
	if err != nil {
		return "", err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	// VACUUM INTO takes an empty file as none. It is one transaction that reads, which in WAL mode hinders no writer.
	if err := withFile(path, func(pool *sql.DB) error {
		_, err := pool.ExecContext(ctx, `VACUUM INTO $1`, f.Name())
		return err
	}); err != nil {
		return "", err
	}
	if err := inspect(ctx, f.Name()); err != nil {
		return "", fmt.Errorf("look through the copy: %w", err)
	}
	return f.Name(), f.Sync()
}

// withFile opens a database to be read.
func withFile(path string, do func(*sql.DB) error) error {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	pool, err := openFile(path, url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)"}})
	if err != nil {
		return err
	}
	return errors.Join(do(pool), pool.Close())
}

// inspect says why a file cannot be our database: it is another's, a newer version wrote it, or it is broken.
func inspect(ctx context.Context, path string) error {
	return withFile(path, func(pool *sql.DB) error {
		if err := isOurs(ctx, pool); err != nil {
			return err
		}
		var ours, rivers int
		const versions = `SELECT coalesce((SELECT max(version) FROM lighterman_schema), 0),
			coalesce((SELECT max(version) FROM river_migration), 0)`
		if err := pool.QueryRowContext(ctx, versions).Scan(&ours, &rivers); err != nil {
			return fmt.Errorf("read the version of its tables: %w", err)
		}
		if err := notNewer(ours); err != nil {
			return err
		}
		migrator, err := rivermigrate.New(riversqlite.New(nil), nil)
		if err != nil {
			return err
		}
		if all := migrator.AllVersions(); rivers > all[len(all)-1].Version {
			return fmt.Errorf("%w: River's tables are at step %d", ErrNewer, rivers)
		}
		return isWhole(ctx, pool)
	})
}

// isOurs looks for tables that every version of ours has.
func isOurs(ctx context.Context, pool *sql.DB) error {
	tables := []string{"lighterman_schema", "lighterman_delivery", "lighterman_pull", "river_job", "river_migration"}
	var found []string
	rows, err := pool.QueryContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'table'`)
	if err != nil {
		return fmt.Errorf("it cannot be read as an SQLite database: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		found = append(found, name)
	}
	for _, table := range tables {
		if !slices.Contains(found, table) {
			return errors.Join(fmt.Errorf("it is no database of lighterman's: it has no table %s", table), rows.Err())
		}
	}
	return rows.Err()
}

func isWhole(ctx context.Context, pool *sql.DB) error {
	var first string
	if err := pool.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&first); err != nil {
		return fmt.Errorf("look whether it is whole: %w", err)
	}
	if first != "ok" {
		return fmt.Errorf("it is broken: %s", first)
	}
	return nil
}

// setAside gives the database of a locked folder another name, under which it can be opened as it was, and leaves it
// under its own until something takes its place. It returns that name, "" when there is no database.
func setAside(ctx context.Context, path string, now time.Time) (kept string, err error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	writeBack(ctx, path)
	kept = fmt.Sprintf("%s.before-restore-%s", path, now.UTC().Format("20060102T150405Z"))
	for _, log := range []string{"-wal", "-shm"} { // which must not be taken for those of the next database
		if err := os.Rename(path+log, kept+log); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	if os.Link(path, kept) == nil {
		return kept, nil
	}
	return kept, os.Rename(path, kept) // where files have one name only
}

// writeBack writes what is in the log of a database into the database. One that is broken is left as it is.
func writeBack(ctx context.Context, path string) {
	pool, err := openFile(path, url.Values{"mode": {"rw"}})
	if err != nil {
		return
	}
	_, _ = pool.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	_ = pool.Close()
}

// rename gives a file its name, on disk.
func rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	_ = folder.Sync() // not every system can; the file itself is on disk
	return folder.Close()
}
