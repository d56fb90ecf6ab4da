package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/queue"
	"github.com/lighterman/lighterman/testdata/demo"
)

// A quickClock is the time of day, and what was slept on top of it. Nobody waits.
type quickClock struct {
	mu    sync.Mutex
	slept time.Duration
}

func (c *quickClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.slept)
}

func (c *quickClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slept += d
	return ctx.Err()
}

// dark is a place where nothing listens.
const dark = "http://127.0.0.1:1/webhook"

// An outage is a service that comes and goes, on a database that stays.
type outage struct {
	hub   *githubtest.Server
	dir   string
	clock *quickClock
}

// up starts the service, with the usual pauses and limits on a clock on which nobody waits, and ends it with down.
func (o *outage) up(t *testing.T) (s *service, down func()) {
	t.Helper()
	s, err := newService(t.Context(), serviceOptions{
		GitHub: github.Options{
			AppID: o.hub.AppID(), PrivateKey: o.hub.PrivateKey(), BaseURL: o.hub.URL(), Clock: o.clock,
		},
		Queue: queue.Options{DataDir: o.dir}, Secrets: []string{crashSecret}, Log: logs.logger(crashSecret), Recover: true,
	})
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx, l) }()
	o.hub.SetWebhook("http://"+l.Addr().String()+"/webhook", crashSecret)
	return s, sync.OnceFunc(func() {
		o.hub.SetWebhook(dark, crashSecret)
		cancel()
		must(t, <-ended)
	})
}

// openPulls opens pull requests, every other one with a Dockerfile, and pushes to some of them once more.
func openPulls(t *testing.T, repo *githubtest.Repo, count int) (pulls []*githubtest.Pull) {
	t.Helper()
	for range count {
		n := len(pulls)
		branch := fmt.Sprintf("topic-%d-%d", n, time.Now().UnixNano())
		files := map[string]string{}
		if n%2 == 0 {
			files = demoFile("web/Dockerfile")
		}
		files["notes.md"] = branch + "\n" // no two heads are the same commit
		_, err := repo.Push(branch, "Change", files)
		must(t, err)
		pull, err := repo.OpenPull(githubtest.PullOptions{Title: "Change", Author: "robin", Head: branch})
		must(t, err)
		if n%3 == 0 {
			_, err := repo.Push(branch, "More", map[string]string{"more.md": "x\n"})
			must(t, err)
		}
		pulls = append(pulls, pull)
	}
	return pulls
}

// lacking are the pull requests whose head has no concluded check run of ours.
func lacking(pulls []*githubtest.Pull) (numbers []int) {
	for _, p := range pulls {
		if !slices.ContainsFunc(p.CheckRuns(), func(c githubtest.CheckRun) bool { return c.Conclusion != "" }) {
			numbers = append(numbers, p.Number())
		}
	}
	return numbers
}

// conclude waits until every head has its check, which takes at most five minutes, counting the pauses that nobody slept.
func (o *outage) conclude(t *testing.T, pulls []*githubtest.Pull) {
	t.Helper()
	const most = 5 * time.Minute
	began := o.clock.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for left := lacking(pulls); len(left) > 0; left = lacking(pulls) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("no concluded check run on the heads of %v", left)
		}
	}
	took := o.clock.Now().Sub(began)
	if took > most {
		t.Errorf("every head had its check after %s, want at most %s", took, most)
	}
	t.Logf("every head had its check after %s", took.Round(time.Second))
}

// TestAnHourWithoutTheService drops all webhooks for a while. Either of what makes up for them is enough: everything that
// is open is looked at soon after the start, and what was done before is left alone.
func TestAnHourWithoutTheService(t *testing.T) {
	t.Parallel()
	for name, logged := range map[string]bool{"from the delivery log": true, "from the open pull requests": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &outage{hub: githubtest.Start(t, githubtest.Options{}), dir: t.TempDir(), clock: &quickClock{}}
			repo, err := o.hub.CreateRepo("acme", "shop", archived(demo.Base))
			must(t, err)
			other, err := o.hub.CreateRepo("umbrella", "tap", archived(demo.Base))
			must(t, err)
			o.hub.SetWebhook(dark, crashSecret)
			before := openPulls(t, repo, 2)
			_, down := o.up(t)
			o.conclude(t, before)
			down()
			writes := func() map[int64]bool {
				ids := map[int64]bool{}
				for _, p := range before {
					for _, c := range p.CheckRuns() {
						ids[c.ID] = true
					}
				}
				return ids
			}
			was := writes()

			broken := map[bool]string{true: "apps/list-installations", false: "apps/list-webhook-deliveries"}[logged]
			o.hub.Inject(githubtest.Fault{Operation: broken, Status: 500, Times: 1000})
			missed := append(openPulls(t, repo, 6), openPulls(t, other, 3)...)
			must(t, missed[1].Close("robin"))
			must(t, missed[1].Reopen("robin"))
			must(t, o.hub.Wait(t.Context()))
			o.hub.ForgetRequests()
			s, down := o.up(t)
			defer down()
			o.conclude(t, append(missed, before...))
			must(t, s.queue.Idle(t.Context()))
			for id := range writes() {
				if !was[id] {
					t.Error("a head that was done has another check run")
				}
			}
			for _, p := range missed {
				if n := len(p.CheckRuns()); n != 1 {
					t.Errorf("pull request %d has %d check runs", p.Number(), n)
				}
				once(t, p)
			}
			listed := slices.ContainsFunc(o.hub.Requests(), func(r githubtest.Request) bool {
				return r.Operation == "apps/get-webhook-delivery"
			})
			if listed != logged {
				t.Errorf("deliveries were fetched: %t, want %t", listed, logged)
			}
		})
	}
}

// TestMissedClickIsCarriedOut asks for something while nobody listens.
func TestMissedClickIsCarriedOut(t *testing.T) {
	t.Parallel()
	o := &outage{hub: githubtest.Start(t, githubtest.Options{}), dir: t.TempDir(), clock: &quickClock{}}
	repo, err := o.hub.CreateRepo("acme", "shop", archived(demo.Base))
	must(t, err)
	_, down := o.up(t)
	pulls := openPulls(t, repo, 1)
	o.conclude(t, pulls)
	down()
	must(t, pulls[0].Rerequest(pulls[0].CheckRuns()[0].ID, "robin"))
	must(t, o.hub.Wait(t.Context()))
	s, down := o.up(t)
	defer down()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for len(pulls[0].CheckRuns()) < 2 {
		if err := s.queue.Idle(ctx); err != nil {
			t.Fatalf("the click was lost: %v", err)
		}
	}
}
