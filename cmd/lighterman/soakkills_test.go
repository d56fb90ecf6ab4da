package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sourcegraph/conc/pool"

	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/queue/pgtest"
)

// TestSoakKills plays random scenes on a pull request with the real program in processes of their own, and in the last act
// something goes wrong: the process is killed before or after one of its requests or at some other moment, or GitHub
// answers badly, late or not at all. On PostgreSQL there are two replicas, and the one at work is killed. In the end all
// is as if nothing had happened.
func TestSoakKills(t *testing.T) {
	for _, d := range []struct {
		name     string
		runs     int
		lanes    int
		database func(*testing.T) func() string
	}{
		{"sqlite", 2000, 4, func(*testing.T) func() string {
			return func() string { return "" }
		}},
		{"postgresql", 500, 8, func(t *testing.T) func() string {
			cluster := pgtest.Start(t)
			return func() string { return cluster.Database(t) }
		}},
	} {
		t.Run(d.name, func(t *testing.T) {
			runs := soaking(t, d.runs)
			k := &kills{t: t, runs: runs, database: d.database(t), scenes: map[int]func() (undisturbed, error){}}
			k.all(d.lanes)
			figures("runs", k.ran, "kills", k.killed, "faults", k.struck, "missed", k.missed, "lost", k.lost, "doubled", k.doubled,
				"concluded-twice", k.concludedTwice, "different", k.different, "database", d.name)
			if k.lost+k.doubled+k.concludedTwice+k.different > 0 || k.ran != k.runs {
				t.Fail()
			}
		})
	}
}

// kills counts what came of all runs on one kind of database.
type kills struct {
	t        *testing.T
	runs     int
	database func() string // the URL of a new one; "" for SQLite in a folder

	mu                            sync.Mutex
	scenes                        map[int]func() (undisturbed, error)
	ran, killed, struck, missed   int
	lost, doubled, concludedTwice int
	different                     int
}

// perScene is how many runs disturb the same scene, each in another way; perLane how many share a GitHub and a database
// at most.
const (
	perScene = 8
	perLane  = 16
)

// all runs all, some lanes beside each other.
func (k *kills) all(lanes int) {
	p := pool.New().WithMaxGoroutines(lanes)
	portion := min((k.runs+lanes-1)/lanes, perLane)
	for first := 0; first < k.runs; first += portion {
		db := k.database()
		p.Go(func() {
			if err := k.lane(db, first, min(first+portion, k.runs)); err != nil {
				k.t.Error(err)
			}
		})
	}
	p.Wait()
}

// rehearsed is a scene, and how it ends undisturbed.
func (k *kills) rehearsed(n int) (scene, undisturbed, error) {
	k.mu.Lock()
	s := drawScene(rand.New(rand.NewPCG(uint64(n), 4)))
	once, ok := k.scenes[n]
	if !ok {
		once = sync.OnceValues(func() (undisturbed, error) { return s.rehearse(k.t.Context()) })
		k.scenes[n] = once
	}
	k.mu.Unlock()
	u, err := once()
	return s, u, err
}

// A lane is a GitHub and the service with its database, on which one run follows the other.
type lane struct {
	*kills
	hub      *githubtest.Server
	env      []string
	replicas []*replica
	draw     *rand.Rand
	sweeps   bool         // repositories are swept
	dead     int          // jobs that failed for good
	log      bytes.Buffer // of processes that were killed
}

// A replica is one process of the service, and the name under which it knows GitHub: by that its requests are known.
type replica struct {
	host string
	dead bool
	*process
}

func (k *kills) lane(db string, first, last int) (err error) {
	dir, err := os.MkdirTemp("", "lighterman-kills-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	hub, err := githubtest.New(unlimited())
	if err != nil {
		return err
	}
	key := filepath.Join(dir, "key.pem")
	if err := os.WriteFile(key, hub.PrivateKey(), 0o600); err != nil {
		return err
	}
	l := &lane{kills: k, hub: hub, env: []string{
		"LIGHTERMAN_PRIVATE_KEY_FILE=" + key, "LIGHTERMAN_DATA_DIR=" + dir, "LIGHTERMAN_DATABASE_URL=" + db,
		"LIGHTERMAN_COOLDOWN=0s", "LIGHTERMAN_WRITE_PAUSE=0s",
	}}
	defer func() {
		for _, r := range l.replicas {
			r.kill()
		}
		err = errors.Join(err, hub.Close())
	}()
	for _, host := range []string{"127.0.0.1", "localhost"} {
		if db == "" && len(l.replicas) > 0 {
			break
		}
		l.replicas = append(l.replicas, &replica{host: host})
		if err := l.start(l.replicas[len(l.replicas)-1]); err != nil {
			return err
		}
	}
	for n := first; n < last; n++ {
		if err := l.run(n); err != nil {
			return fmt.Errorf("run %d: %w", n, err)
		}
	}
	return nil
}

// start starts a replica, or starts it again.
func (l *lane) start(r *replica) (err error) {
	if r.process != nil {
		l.log.WriteString(r.said())
	}
	url := strings.Replace(l.hub.URL(), "127.0.0.1", r.host, 1)
	r.dead = false
	env := append(slices.Clone(l.env), appEnv(l.hub, url, "127.0.0.1:0", l.key())...)
	if l.sweeps {
		env = append(env, "LIGHTERMAN_SWEEPS=true")
	}
	r.process, err = start(env...)
	return err
}

func (l *lane) key() string { return strings.TrimPrefix(l.env[0], "LIGHTERMAN_PRIVATE_KEY_FILE=") }

// listen sends GitHub's webhooks to a replica.
func (l *lane) listen(r *replica) { l.hub.SetWebhook("http://"+r.addr+"/webhook", crashSecret) }

// run is one run: a scene that is disturbed in its last act.
func (l *lane) run(n int) error {
	s, want, err := l.rehearsed(n / perScene)
	if err != nil {
		return fmt.Errorf("%s: %w", s, err)
	}
	l.draw = rand.New(rand.NewPCG(uint64(n), 5))
	l.log.Reset()
	l.listen(l.replicas[l.draw.IntN(len(l.replicas))])
	d := drawDisturbance(l.draw, want.requests)
	pull, err := s.play(l.hub, fmt.Sprint("run-", n), l.quiet, func() { d.arm(l.hub) })
	if err != nil {
		return fmt.Errorf("%s: %w", s, err)
	}
	struck, err := d.happen(l)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", s, d, err)
	}
	dead := l.dead
	late := l.quiet()
	if l.dead > dead {
		late = errors.Join(late, errors.New("a job failed for good"))
	}
	l.hub.Calm()
	if err := l.restore(); err != nil {
		return err
	}
	got, err := take(pull)
	if err != nil {
		return err
	}
	l.hub.SetWebhook("", "")
	if err := pull.Close("robin"); err != nil { // so that nobody looks at it again
		return err
	}
	l.count(n, s, d, struck, late, want.picture, got)
	return nil
}

// restore starts what was killed.
func (l *lane) restore() error {
	for _, r := range l.replicas {
		if r.dead {
			if err := l.start(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// count judges how a run ended.
func (l *lane) count(n int, s scene, d disturbance, struck bool, late error, want, got picture) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ran++
	switch {
	case !struck:
		l.missed++
	case d.kills > 0:
		l.killed++
	default:
		l.struck++
	}
	var wrong []string
	if late != nil || len(got.runs) == 0 {
		l.lost++
		wrong = append(wrong, fmt.Sprint("lost: ", late))
	}
	if twice(got.findings)+twice(got.said)+twice(got.answers) > twice(want.said)+twice(want.answers) {
		l.doubled++
		wrong = append(wrong, fmt.Sprintf("doubled: %q %q %q", got.findings, got.said, got.answers))
	}
	if got.open > 0 || len(got.runs) > len(want.runs) {
		l.concludedTwice++
		wrong = append(wrong, fmt.Sprintf("check runs: %q, and %d not concluded", got.runs, got.open))
	}
	if diff := got.differs(want, s.loose); diff != "" {
		l.different++
		wrong = append(wrong, "different (- undisturbed + disturbed):\n"+diff)
	}
	if len(wrong) > 0 {
		for _, r := range l.replicas {
			l.log.WriteString(r.said())
		}
		l.t.Logf("run %d: %s: %s (it happened: %t)\n%s\n%s", n, s, d, struck, strings.Join(wrong, "\n"), l.log.String())
	}
}

// differs shows in what two pictures differ; "" when they do not.
func (pic picture) differs(want picture, loose bool) string {
	if loose {
		return cmp.Diff(append(want.findings, last(want.runs)), append(pic.findings, last(pic.runs)))
	}
	return cmp.Diff(want.lines, pic.lines)
}

func last(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1]
}

// quiet waits until nothing is under way any more. What GitHub could not deliver is delivered again, as the look at its
// log does every few minutes.
func (l *lane) quiet() error {
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	defer cancel()
	return l.quietWithin(ctx)
}

func (l *lane) quietWithin(ctx context.Context) error {
	for {
		sent := l.hub.Deliveries()
		if err := l.hub.Wait(ctx); err != nil {
			return err
		}
		again, err := l.redeliver()
		if err != nil {
			return err
		}
		if again {
			continue
		}
		if err := l.idle(ctx); err != nil {
			return err
		}
		if len(l.hub.Deliveries()) == len(sent) {
			return nil
		}
	}
}

// redeliver sends again what no process said it took, and reports whether there was any.
func (l *lane) redeliver() (bool, error) {
	taken := map[string]bool{}
	newest := map[string]int64{}
	for _, d := range l.hub.Deliveries() {
		newest[d.GUID] = d.ID
		taken[d.GUID] = taken[d.GUID] || d.Status == http.StatusAccepted
	}
	again := false
	for guid, id := range newest {
		if taken[guid] {
			continue
		}
		again = true
		if err := l.hub.Redeliver(id); err != nil {
			return false, err
		}
	}
	return again, nil
}

// idle waits until no job is left.
func (l *lane) idle(ctx context.Context) error {
	n := slices.IndexFunc(l.replicas, func(r *replica) bool { return !r.dead })
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		jobs, dead, err := jobsOf(ctx, l.replicas[n].addr)
		if err != nil && ctx.Err() != nil {
			return fmt.Errorf("count jobs: %w", err)
		}
		if err == nil && jobs == 0 {
			l.dead = dead
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d jobs are left: %w", jobs, ctx.Err())
		}
	}
}

var jobsLine = regexp.MustCompile(`(?m)^lighterman_jobs\{kind="\w+",state="(\w+)"\} (\d+)$`)

// jobsOf counts the jobs that are not done, sweeps among them, as the metrics tell, and those that failed for good.
func jobsOf(ctx context.Context, addr string) (live, dead int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		return 0, 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, 0, err
	}
	lines := jobsLine.FindAllSubmatch(text, -1)
	if len(lines) != 8 {
		return 0, 0, fmt.Errorf("the metrics tell of %d states of jobs", len(lines))
	}
	for _, line := range lines {
		n, err := strconv.Atoi(string(line[2]))
		if err != nil {
			return 0, 0, err
		}
		if string(line[1]) == "dead" {
			dead += n
		} else {
			live += n
		}
	}
	return live, dead, nil
}
