package queue

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// unknownOf are those of the GUIDs that the database of a folder does not know.
func unknownOf(t *testing.T, dir string, guids ...string) []string {
	t.Helper()
	q := openStill(t, place{dir: dir}, Options{Work: new(tally).work})
	defer stop(t, q)
	unknown, err := q.Unknown(t.Context(), guids)
	if err != nil {
		t.Fatal(err)
	}
	return unknown
}

// TestBackupWhileOpen backs a database up that is open and at work, goes on, and restores it: what came before is there,
// jobs are run, and the database that was replaced is still whole under its other name.
func TestBackupWhileOpen(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "backup.db")
	d := newDesk()
	q := open(t, place{dir: dir}, Options{Work: d.work, Workers: 1})
	receive(t, q, push("running", pullRequest(1)))
	next(t, d.begun)
	receive(t, q, push("waiting", pullRequest(2)))
	if err := Backup(t.Context(), dir, file); err != nil {
		t.Fatal(err)
	}
	viewed := Options{DataDir: dir, Work: d.work, Logger: slog.New(slog.DiscardHandler)}
	if err := View(t.Context(), viewed, func(q *Queue) error {
		unknown, err := q.Unknown(t.Context(), []string{"running", "waiting", "after"})
		if !slices.Equal(unknown, []string{"after"}) {
			t.Errorf("unknown to the view: %q", unknown)
		}
		return err
	}); err != nil {
		t.Errorf("view an open queue: %v", err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup is %v, %v", info, err)
	}
	receive(t, q, push("after", pullRequest(3)))
	_, err := Restore(t.Context(), dir, file)
	if err == nil || !strings.Contains(err.Error(), "another process has it open") {
		t.Errorf("restored under an open queue: %v", err)
	}
	crashed := crashCopy(t, dir)
	d.end <- nil
	for range 2 {
		next(t, d.begun)
		d.end <- nil
	}
	stop(t, q)

	kept, err := Restore(t.Context(), crashed, file)
	if err != nil {
		t.Fatal(err)
	}
	if got := unknownOf(t, crashed, "running", "waiting", "after"); !slices.Equal(got, []string{"after"}) {
		t.Errorf("unknown after the restore: %q", got)
	}
	var c tally
	again := open(t, place{dir: crashed}, Options{Work: c.work})
	idle(t, again)
	c.want(t, 2)
	stop(t, again)

	if _, err := Restore(t.Context(), crashed, kept); err != nil {
		t.Fatal(err)
	}
	if got := unknownOf(t, crashed, "running", "waiting", "after"); len(got) > 0 {
		t.Errorf("unknown in the database that was replaced: %q", got)
	}
	wantNoParts(t, crashed, filepath.Dir(file))
}

// crashCopy is the folder of an open queue as a killed process leaves it: its newest rows are in the log alone.
func crashCopy(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range []string{sqliteFile, sqliteFile + "-wal"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func wantNoParts(t *testing.T, folders ...string) {
	t.Helper()
	for _, folder := range folders {
		parts, err := filepath.Glob(filepath.Join(folder, ".lighterman-*"))
		if err != nil || len(parts) > 0 {
			t.Errorf("left behind: %q, %v", parts, err)
		}
	}
}

// spoil makes a database of ours and runs statements on it.
func spoil(t *testing.T, statements ...string) string {
	t.Helper()
	dir := t.TempDir()
	stop(t, openStill(t, place{dir: dir}, Options{Work: new(tally).work}))
	path := filepath.Join(dir, sqliteFile)
	onFile(t, path, statements...)
	return path
}

func onFile(t *testing.T, path string, statements ...string) {
	t.Helper()
	pool, err := openFile(path, url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for _, s := range statements {
		if _, err := pool.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text")
	if err := os.WriteFile(text, bytes.Repeat([]byte("No database.\n"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(folder, "other.db")
	onFile(t, other, `CREATE TABLE t (x)`)
	broken := spoil(t, `CREATE TABLE filler (x)`,
		`INSERT INTO filler WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i+1 FROM n WHERE i < 2000) SELECT hex(i) FROM n`,
		`CREATE INDEX filler_x ON filler (x)`, `PRAGMA wal_checkpoint(TRUNCATE)`)
	data, err := os.ReadFile(broken)
	if err != nil {
		t.Fatal(err)
	}
	copy(data[len(data)-8192:], bytes.Repeat([]byte{0xa5}, 8192))
	if err := os.WriteFile(broken, data, 0o600); err != nil {
		t.Fatal(err)
	}

	dir := t.TempDir()
	q := openStill(t, place{dir: dir}, Options{Work: new(tally).work})
	receive(t, q, push("here", pullRequest(1)))
	stop(t, q)
	for name, c := range map[string]struct{ file, want string }{
		"no file":           {filepath.Join(folder, "nowhere"), "no such file"},
		"text":              {text, "cannot be read as an SQLite database"},
		"another database":  {other, "no database of lighterman's"},
		"a newer schema":    {spoil(t, newerSchema()), ErrNewer.Error()},
		"a newer River":     {spoil(t, newerRiver), ErrNewer.Error()},
		"a broken database": {broken, ""},
	} {
		kept, err := Restore(t.Context(), dir, c.file)
		if err == nil || !strings.Contains(err.Error(), c.want) || kept != "" {
			t.Errorf("%s: %q, %v", name, kept, err)
		}
	}
	if got := unknownOf(t, dir, "here"); len(got) > 0 {
		t.Error("the database was touched")
	}
	wantNoParts(t, dir)
}

// What a newer version would have written.
func newerSchema() string {
	return fmt.Sprintf(`INSERT INTO lighterman_schema (version) VALUES (%d)`, len(schema())+1)
}

const newerRiver = `INSERT INTO river_migration (line, version) VALUES ('main', 9999)`

// refusesNewer opens a database that a newer version wrote.
func refusesNewer(t *testing.T, p place, statement string) {
	q := openStill(t, p, Options{Work: new(tally).work})
	alter(t, q, statement)
	stop(t, q)
	if _, err := Open(t.Context(), p.options(Options{Work: new(tally).work})); !errors.Is(err, ErrNewer) {
		t.Fatalf("%v, want %v", err, ErrNewer)
	}
}

func TestBackupRefuses(t *testing.T) {
	dir, folder := t.TempDir(), t.TempDir()
	if err := Backup(t.Context(), dir, filepath.Join(folder, "a")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("backed up what is not there: %v", err)
	}
	stop(t, openStill(t, place{dir: dir}, Options{Work: new(tally).work}))
	there := filepath.Join(folder, "there")
	if err := os.WriteFile(there, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Backup(t.Context(), dir, there); err == nil || !strings.Contains(err.Error(), "there already") {
		t.Errorf("over a file: %v", err)
	}
	if data, err := os.ReadFile(there); err != nil || string(data) != "mine" {
		t.Errorf("the file is %q, %v", data, err)
	}
	if err := Backup(t.Context(), dir, filepath.Join(folder, "no", "folder")); err == nil {
		t.Error("into no folder")
	}
	if err := Backup(t.Context(), dir, filepath.Join(folder, "closed")); err != nil {
		t.Errorf("of a database that nobody has open: %v", err)
	}
	wantNoParts(t, dir, folder)
}
