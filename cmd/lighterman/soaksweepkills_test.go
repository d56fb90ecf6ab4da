package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sourcegraph/conc/pool"

	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/queue/pgtest"
	"github.com/lighterman/lighterman/internal/sweep"
)

// TestSoakSweepKills has a webhook lead to a sweep by the real program in a process of its own, which is killed before or
// after one of its requests, or at some other moment, once or twice. In the end there is each pull request that there is
// when nothing happens, once, and all of them say what they say then. On PostgreSQL there are two replicas, and the one at
// work is killed.
func TestSoakSweepKills(t *testing.T) {
	for _, d := range []struct {
		name     string
		runs     int
		database func(*testing.T) func() string
	}{
		{"sqlite", 150, func(*testing.T) func() string {
			return func() string { return "" }
		}},
		{"postgresql", 60, func(t *testing.T) func() string {
			cluster := pgtest.Start(t)
			return func() string { return cluster.Database(t) }
		}},
	} {
		t.Run(d.name, func(t *testing.T) {
			k := &sweepKills{t: t, runs: soaking(t, d.runs)}
			err := k.all(d.database(t))
			figures("runs", k.ran, "kills", k.killed, "missed", k.missed, "lost-pulls", k.lost, "doubled-pulls", k.doubled,
				"different", k.different, "database", d.name)
			if err != nil || k.lost+k.doubled+k.different > 0 || k.ran != k.runs || k.killed == 0 {
				t.Errorf("%v", err)
			}
		})
	}
}

// all runs all, some lanes beside each other.
func (k *sweepKills) all(database func() string) error {
	const lanes, each = 3, 25
	portion := min((k.runs+lanes-1)/lanes, each)
	p := pool.New().WithErrors().WithMaxGoroutines(lanes)
	for first := 0; first < k.runs; first += portion {
		db := database()
		p.Go(func() error { return k.lane(db, first, min(first+portion, k.runs)) })
	}
	return p.Wait()
}

// sweepKills counts what came of all runs.
type sweepKills struct {
	t    *testing.T
	runs int

	mu                       sync.Mutex
	ran, killed, missed      int
	lost, doubled, different int
}

// A sweepLane is a GitHub and the service with its database, on which one run follows the other, and what sweeps there
// undisturbed.
type sweepLane struct {
	*sweepKills
	lane
	calm *sweep.Sweeper
}

func (k *sweepKills) lane(db string, first, last int) (err error) {
	dir, err := os.MkdirTemp("", "lighterman-sweep-kills-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	o := unlimited()
	o.Events, o.Permissions = append(sweepEvents(), "issues"), githubtest.Full()
	o.Permissions["issues"] = "write"
	hub, err := githubtest.New(o)
	if err != nil {
		return err
	}
	engine, done := newEngine(quiet())
	defer done()
	app, err := github.New(github.Options{
		AppID: hub.AppID(), PrivateKey: hub.PrivateKey(), BaseURL: hub.URL(), WritePause: -1,
	})
	if err != nil {
		return errors.Join(err, hub.Close())
	}
	key := filepath.Join(dir, "key.pem")
	if err := os.WriteFile(key, hub.PrivateKey(), 0o600); err != nil {
		return err
	}
	l := &sweepLane{sweepKills: k, calm: newSweeper(app, newReviewer(app, nil, engine, quiet()), config.Timing{})}
	l.lane = lane{kills: &kills{t: k.t}, hub: hub, env: []string{
		"LIGHTERMAN_PRIVATE_KEY_FILE=" + key, "LIGHTERMAN_DATA_DIR=" + dir, "LIGHTERMAN_DATABASE_URL=" + db,
		"LIGHTERMAN_COOLDOWN=0s", "LIGHTERMAN_SWEEP_COOLDOWN=0s",
		"LIGHTERMAN_WRITE_PAUSE=0s", "LIGHTERMAN_SWEEP_OPEN_PER_OWNER=0", "LIGHTERMAN_SWEEP_OPENS_PER_HOUR=0",
	}}
	l.lane.sweeps = true
	defer func() {
		for _, r := range l.replicas {
			if r.process != nil {
				r.kill()
			}
		}
		err = errors.Join(err, hub.Close())
	}()
	for _, host := range []string{"127.0.0.1", "localhost"} {
		if db == "" && len(l.replicas) > 0 {
			break
		}
		r := &replica{host: host}
		if err := l.start(r); err != nil {
			return err
		}
		l.replicas = append(l.replicas, r)
	}
	for n := first; n < last; n++ {
		if err := l.run(n); err != nil {
			return fmt.Errorf("run %d: %w", n, err)
		}
	}
	return nil
}

// A sweepScene is what was there before the webhook, and what leads to it.
type sweepScene struct {
	name  string
	files map[string]string
	swept bool // there are pull requests of a sweep already
	act   func(*githubtest.Repo) error
}

func drawSweepScene(draw *rand.Rand, n int) sweepScene {
	s := sweepScene{files: threeDockerfiles(n), swept: true}
	s.files[configFile] = "sweeps: {enabled: true, dashboard: repository}\n"
	push := func(files map[string]string) func(*githubtest.Repo) error {
		return func(repo *githubtest.Repo) error {
			_, err := repo.Push("main", "Change", files)
			return err
		}
	}
	switch draw.IntN(5) {
	case 0, 1:
		s.name, s.swept, s.act = "first sweep", false, push(map[string]string{"Dockerfile": s.files["Dockerfile"] + "LABEL a=b\n"})
	case 2:
		s.name, s.act = "another Dockerfile", push(map[string]string{"more/Dockerfile": s.files["web/Dockerfile"]})
	case 3:
		s.name, s.act = "fixed by hand", push(map[string]string{
			"Dockerfile": "FROM scratch\n", "web/Dockerfile": "FROM scratch\n", "worker/Dockerfile": "FROM scratch\n",
		})
	default:
		s.name, s.act = "merged", func(repo *githubtest.Repo) error {
			_, err := repo.Pulls()[0].Merge("robin")
			return err
		}
	}
	return s
}

// open makes the repository as it is before the act.
func (l *sweepLane) open(s sweepScene, name string) (*githubtest.Repo, error) {
	repo, err := l.hub.CreateRepo("acme", name, s.files)
	if err == nil && s.swept {
		err = l.sweepCalmly(name)
	}
	return repo, err
}

func (l *sweepLane) sweepCalmly(name string) error {
	repo := forge.Repo{Installation: l.hub.InstallationID("acme"), Owner: "acme", Name: name}
	_, err := l.calm.Sweep(l.t().Context(), repo, sweep.Ask{})
	return err
}

func (l *sweepLane) t() *testing.T { return l.sweepKills.t }

// rehearse is the scene undisturbed: how it ends, and the requests that lead there.
func (l *sweepLane) rehearse(s sweepScene, name string) (end []string, requests []githubtest.Request, err error) {
	l.hub.SetWebhook("", "")
	repo, err := l.open(s, name)
	if err == nil {
		err = s.act(repo)
	}
	if err != nil {
		return nil, nil, err
	}
	l.hub.ForgetRequests()
	if err := l.sweepCalmly(name); err != nil {
		return nil, nil, err
	}
	if n := len(repo.Issues()); n != 1 {
		return nil, nil, fmt.Errorf("%d dashboards", n)
	}
	return pullsOf(repo), l.hub.Requests(), nil
}

// anyNumber is the number of a pull request, in a text.
var anyNumber = regexp.MustCompile(`#\d+`)

// pullsOf is what of a repository's pull requests and its dashboard must not depend on what went wrong.
func pullsOf(repo *githubtest.Repo) (lines []string) {
	for _, p := range repo.Pulls() {
		s, said := p.Status(), []string{}
		for _, c := range p.Comments() {
			said = append(said, c.Body)
		}
		slices.Sort(said)
		lines = append(lines, fmt.Sprintf("%s %s %q %q", p.HeadBranch(), s.State, s.Title, said))
	}
	for _, i := range repo.Issues() {
		lines = append(lines, fmt.Sprintf("dashboard open: %t\n%s", i.Open(), anyNumber.ReplaceAllString(i.Body(), "#")))
	}
	slices.Sort(lines)
	return lines
}

func (l *sweepLane) run(n int) error {
	draw := rand.New(rand.NewPCG(uint64(n), 7))
	s := drawSweepScene(draw, n)
	want, requests, err := l.rehearse(s, fmt.Sprint("calm-", n))
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	repo, err := l.open(s, fmt.Sprint("run-", n))
	if err != nil {
		return err
	}
	l.draw = draw
	l.listen(l.replicas[draw.IntN(len(l.replicas))])
	d := drawKill(draw, requests)
	d.arm(l.hub)
	if err := s.act(repo); err != nil {
		return err
	}
	struck, err := d.happen(&l.lane)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", s.name, d, err)
	}
	late := l.quiet()
	l.hub.Calm()
	l.hub.SetWebhook("", "")
	if err := l.restore(); err != nil {
		return err
	}
	l.judge(n, s, d, struck, late, want, pullsOf(repo))
	return nil
}

// drawKill is drawDisturbance for those that kill.
func drawKill(draw *rand.Rand, requests []githubtest.Request) disturbance {
	for {
		if d := drawDisturbance(draw, requests); d.kills > 0 && !d.taken {
			return d
		}
	}
}

// judge counts how a run ended.
func (l *sweepLane) judge(n int, s sweepScene, d disturbance, struck bool, late error, want, got []string) {
	k := l.sweepKills
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ran++
	if struck {
		k.killed++
	} else {
		k.missed++
	}
	has, had := branches(got), branches(want)
	lost, doubled := 0, 0
	for branch, count := range had {
		lost += max(0, count-has[branch])
	}
	for branch, count := range has {
		doubled += max(0, count-had[branch])
	}
	k.lost, k.doubled = k.lost+lost, k.doubled+doubled
	if diff := cmp.Diff(want, got); diff != "" || late != nil {
		k.different++
		k.t.Logf("run %d: %s: %s (it happened: %t): %v\n- undisturbed + killed\n%s\n%s%s", n, s.name, d, struck, late, diff,
			l.log.String(), l.replicas[0].said())
	}
	l.log.Reset()
}

// branches counts pull requests by their branches.
func branches(lines []string) map[string]int {
	out := map[string]int{}
	for _, line := range lines {
		branch, _, _ := strings.Cut(line, " ")
		out[branch]++
	}
	return out
}
