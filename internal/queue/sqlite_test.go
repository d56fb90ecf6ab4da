package queue

import (
	"strings"
	"testing"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

func TestSQLiteFolderIsLocked(t *testing.T) {
	p := sqlitePlace(t)
	q := open(t, p, Options{Work: new(tally).work})
	_, err := Open(t.Context(), p.options(Options{Work: new(tally).work}))
	if err == nil || !strings.Contains(err.Error(), "another process has it open") {
		t.Fatalf("second open: %v", err)
	}
	stop(t, q)
	open(t, p, Options{Work: new(tally).work})
}

func TestSQLiteFolderNames(t *testing.T) {
	p := place{dir: t.TempDir() + "/a b?c#d%41/é"}
	var c tally
	q := open(t, p, Options{Work: c.work})
	receive(t, q, push("1", pullRequest(1)))
	stop(t, q)
	if fresh := receive(t, open(t, p, Options{Work: c.work}), push("1", pullRequest(1))); fresh {
		t.Error("the database is not where it was")
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, o := range map[string]Options{
		"no work":  {DataDir: t.TempDir()},
		"no place": {Work: new(tally).work},
		"a file":   {DataDir: "sqlite_test.go", Work: new(tally).work},
	} {
		if _, err := Open(t.Context(), o); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

// TestRiverSchema notices an upgrade of River that changes its tables. Our own statements on river_job and river_leader
// (soleOwner.take, lease.adopt, depth) must then be read again beside River's.
func TestRiverSchema(t *testing.T) {
	newest(t, "riversqlite", riversqlite.New(nil))
	newest(t, "riverpgxv5", riverpgxv5.New(nil))
}

func newest[TTx any](t *testing.T, name string, driver riverdriver.Driver[TTx]) {
	const reviewed = 8
	m, err := rivermigrate.New(driver, nil)
	if err != nil {
		t.Fatal(err)
	}
	versions := m.AllVersions()
	if got := versions[len(versions)-1].Version; got != reviewed {
		t.Errorf("%s is at schema version %d, our statements were read beside %d", name, got, reviewed)
	}
}
