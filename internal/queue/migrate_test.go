package queue

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/queue/pgtest"
)

// TestOldDatabasesAreWorkedOff opens databases as older versions left them: testdata/schema holds what their own code
// wrote, the first version's and a later one's. In each the first of five pull requests is done, the second waits an hour
// after a failure (put off to the year 2999 by hand, so that it is still to come), the third was running when the process
// died, and two wait. Nothing of it is lost.
func TestOldDatabasesAreWorkedOff(t *testing.T) {
	cluster := pgtest.Start(t)
	for _, version := range []string{"first", "second"} {
		t.Run(version+" on sqlite", func(t *testing.T) {
			p := place{dir: t.TempDir()}
			onFile(t, filepath.Join(p.dir, sqliteFile), old(t, version+"-sqlite.sql"))
			workOff(t, p)
		})
		t.Run(version+" on postgres", func(t *testing.T) {
			p := place{url: cluster.Database(t)}
			conn, err := pgx.Connect(t.Context(), p.url)
			if err != nil {
				t.Fatal(err)
			}
			_, err = conn.PgConn().Exec(t.Context(), old(t, version+"-postgres.sql")).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			if err := conn.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			workOff(t, p)
		})
	}
}

func old(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "schema", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// workOff opens an old database twice: the second time there is nothing left to bring up to date.
func workOff(t *testing.T, p place) {
	var c tally
	q := open(t, p, Options{Work: c.work, Backoff: func(int) time.Duration { return time.Hour }})
	unknown, err := q.Unknown(t.Context(), []string{"guid-1", "guid-2", "guid-3", "guid-4", "guid-5", "guid-6"})
	if err != nil || !slices.Equal(unknown, []string{"guid-6"}) {
		t.Errorf("unknown deliveries: %q, %v", unknown, err)
	}
	waitDepth(t, q, Depth{Delayed: 1})
	second := forge.Ref{Repo: forge.Repo{Installation: 7, Owner: "acme", Name: "shop"}, Number: 2}
	receive(t, q, push("again", second)) // which ends its wait
	idle(t, q)
	c.mu.Lock()
	var ran []int
	for _, r := range c.runs {
		ran = append(ran, r.Number)
	}
	c.mu.Unlock()
	if slices.Sort(ran); !slices.Equal(ran, []int{2, 3, 4, 5}) {
		t.Errorf("ran %v, want 2, 3, 4 and 5", ran)
	}
	stop(t, q)
	wantDepth(t, openStill(t, p, Options{Work: c.work}), Depth{})
}
