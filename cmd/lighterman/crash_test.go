package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/queue/pgtest"
	"github.com/lighterman/lighterman/testdata/demo"
)

// until waits for a state of another process that tells nobody when it is reached.
func until(t *testing.T, within time.Duration, what string, p *process, holds func() bool) time.Duration {
	t.Helper()
	begin := time.Now()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %s\n%s", what, within, p.said())
		case <-tick.C:
		}
	}
	return time.Since(begin)
}

// The points of a review at which the process is killed: a request that hangs, before or after it took effect, and whose
// connection ends with the process.
var killPoints = []struct {
	name  string
	fault githubtest.Fault
}{
	{"while reading the tree", githubtest.Fault{Operation: "git/get-tree", Cut: true}},
	{"before the review is written", githubtest.Fault{Operation: "pulls/create-review", Cut: true}},
	{"after the review was written", githubtest.Fault{Operation: "pulls/create-review", Cut: true, After: true}},
}

// TestKilledDuringAReview kills the server in the middle of a review and starts another one: nothing is lost, nothing is
// posted twice. It logs how long the next process took: five seconds at most on SQLite, and on PostgreSQL, where a replica
// has to be taken for dead first, a minute, on a machine that has nothing else to do.
func TestKilledDuringAReview(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		killDuringReviews(t, func(t *testing.T) string { return "LIGHTERMAN_DATA_DIR=" + t.TempDir() })
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		cluster := pgtest.Start(t)
		killDuringReviews(t, func(t *testing.T) string {
			return "LIGHTERMAN_DATABASE_URL=" + cluster.Database(t)
		})
	})
}

func killDuringReviews(t *testing.T, database func(*testing.T) string) {
	for _, point := range killPoints {
		t.Run(point.name, func(t *testing.T) {
			t.Parallel()
			hub := githubtest.Start(t, githubtest.Options{})
			addr, db := freeAddr(t), database(t)
			hub.SetWebhook("http://"+addr+"/webhook", crashSecret)
			first := serve(t, hub, addr, db)
			met, hold := make(chan struct{}), make(chan struct{})
			point.fault.Met, point.fault.Hold = met, hold
			hub.Inject(point.fault)
			pull := openDemoPull(t, hub)
			select {
			case <-met:
			case <-time.After(patience):
				t.Fatalf("the review does not come to the point:\n%s", first.said())
			}
			first.kill()
			close(hold)

			second := serve(t, hub, addr, db)
			took := until(t, patience, "the review after the restart", second, func() bool {
				return strings.Contains(second.said(), `"msg":"reviewed"`) && len(pull.Reviews()) > 0
			})
			t.Logf("resumed and done in %s", took)
			threads, err := pull.Threads()
			must(t, err)
			until(t, patience, "every comment counted", second, func() bool {
				return sum(metricsAt(t, addr), "lighterman_findings_shown_total", `place="diff"`) == len(threads)
			})
			once(t, pull)
			if n := len(pull.Reviews()); n != 1 {
				t.Errorf("%d reviews, want one", n)
			}
			if log := first.said() + second.said(); strings.Contains(log, crashSecret) || strings.Contains(log, "ghs_") {
				t.Error("the log holds a secret")
			}
		})
	}
}

func openDemoPull(t *testing.T, hub *githubtest.Server) *githubtest.Pull {
	t.Helper()
	repo, err := hub.CreateRepo("acme", "shop", archived(demo.Base))
	must(t, err)
	_, err = repo.Push("topic", "Change", archived(demo.Change))
	must(t, err)
	pull, err := repo.OpenPull(githubtest.PullOptions{Title: "Change", Author: "robin", Head: "topic"})
	must(t, err)
	must(t, hub.Wait(t.Context()))
	return pull
}
