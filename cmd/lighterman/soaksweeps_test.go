package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sourcegraph/conc/pool"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/queue"
)

// limited is a GitHub that says no to content earlier than it says in general, as it does at some endpoints: what is known
// of its limits does not keep us from running into it.
func limited(now func() time.Time) githubtest.Options {
	return githubtest.Options{
		Now: now, TokenNow: time.Now, Events: sweepEvents(), Limits: githubtest.Limits{Content: 15, ContentHour: 400},
	}
}

// A fleetSoak is many repositories and the service that sweeps them one after the other, on a clock that nobody waits for.
type fleetSoak struct {
	t     *testing.T
	hub   *githubtest.Server
	clock *quickClock
	s     *service
	repos []*githubtest.Repo

	memories       map[string]string
	sweeps         int
	limits, missed int // limit answers, and requests that did not wait as long as one of them said
}

// TestSoakSweeps sweeps an organisation's repositories, each with three Dockerfiles, under GitHub's limits until nothing waits
// any more. After that a second sweep of all of them writes nothing.
func TestSoakSweeps(t *testing.T) {
	count := soaking(t, 1000)
	f := &fleetSoak{t: t, clock: &quickClock{}, memories: map[string]string{}}
	f.hub = githubtest.Start(t, limited(f.clock.Now))
	var err error
	f.s, err = newService(t.Context(), serviceOptions{
		GitHub: github.Options{AppID: f.hub.AppID(), PrivateKey: f.hub.PrivateKey(), BaseURL: f.hub.URL(), Clock: f.clock},
		Queue:  queue.Options{DataDir: t.TempDir()}, Secrets: []string{crashSecret}, Log: logs.logger(crashSecret),
		Sweeps: &sweepOptions{},
	})
	must(t, err)
	defer func() {
		must(t, f.s.queue.Stop(context.Background()))
		f.s.close()
	}()
	f.populate(count)
	began := f.clock.Now()
	f.sweepAll()
	took, pulls, lacking := f.clock.Now().Sub(began), 0, 0
	for _, repo := range f.repos {
		n := len(openOnes(repo))
		if pulls += n; n == 0 {
			lacking++
		}
	}
	f.count()
	f.hub.ForgetRequests()
	swept := f.sweeps
	f.sweepAll()
	writes := 0
	for _, r := range f.hub.Requests() {
		if wrote(r) {
			writes++
		}
	}
	f.count()
	figures("repositories", count, "sweeps", swept, "pulls", pulls, "lacking", lacking, "second-sweep-writes", writes,
		"limit-answers", f.limits, "limits-ignored", f.missed, "virtual-hours", int(took.Hours()))
	if pulls == 0 || lacking > 0 || writes > 0 || f.missed > 0 {
		t.Fail()
	}
}

// populate makes the repositories, some beside each other.
func (f *fleetSoak) populate(count int) {
	f.repos = make([]*githubtest.Repo, count)
	p := pool.New().WithErrors().WithMaxGoroutines(4)
	for n := range count {
		p.Go(func() (err error) {
			f.repos[n], err = f.hub.CreateRepo("acme", fmt.Sprintf("service-%04d", n), threeDockerfiles(n))
			return err
		})
	}
	must(f.t, p.Wait())
}

// threeDockerfiles are a repository's files, which agree to sweeps; no two repositories have the same.
func threeDockerfiles(n int) map[string]string {
	draw := rand.New(rand.NewPCG(uint64(n), 6))
	files := map[string]string{".github/lighterman.yml": agreed, "package.json": "{}\n"}
	steps := []string{
		"RUN apt-get update && apt-get install -y curl\n", "RUN npm install\n", "RUN pip install flask\n",
		"RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*\n",
	}
	for _, dir := range []string{"", "web/", "worker/"} {
		text := fmt.Sprintf("FROM node:22\nLABEL service=%d\nWORKDIR /app\nCOPY . .\n", n)
		for _, k := range draw.Perm(len(steps))[:2] {
			text += steps[k]
		}
		files[dir+"Dockerfile"] = text + "CMD [\"node\", \"server.js\"]\n"
	}
	return files
}

// sweepAll sweeps every repository, and again those that come again within a day because something waits.
func (f *fleetSoak) sweepAll() {
	due := map[string]time.Time{}
	for _, repo := range f.repos {
		due[repo.Name()] = f.clock.Now()
	}
	for len(due) > 0 {
		name := slices.MinFunc(keysOf(due), func(a, b string) int {
			if c := due[a].Compare(due[b]); c != 0 {
				return c
			}
			return strings.Compare(a, b)
		})
		must(f.t, f.clock.Sleep(f.t.Context(), max(0, due[name].Sub(f.clock.Now()))))
		done := f.sweep(name)
		if due[name] = done.Sweep.Due; !strings.Contains(done.Sweep.Body, `"waits"`) {
			delete(due, name)
		}
	}
}

func keysOf(m map[string]time.Time) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

// sweep is one job, which is put off as long as GitHub says.
func (f *fleetSoak) sweep(name string) queue.Done {
	repo := forge.Repo{Installation: f.hub.InstallationID("acme"), Owner: "acme", Name: name}
	for {
		done, err := f.s.sweep(f.t.Context(), queue.Job{Ref: forge.Ref{Repo: repo}, Memory: f.memories[name], ID: name})
		var limit *forge.LimitError
		if errors.As(err, &limit) {
			must(f.t, f.clock.Sleep(f.t.Context(), limit.Until.Sub(f.clock.Now())))
			continue
		}
		must(f.t, err)
		if f.sweeps++; done.Memory != "" {
			f.memories[name] = done.Memory
		}
		return done
	}
}

// count counts the answers with which GitHub asked to wait a minute, and the requests that came within it.
func (f *fleetSoak) count() {
	var until time.Time
	for _, r := range f.hub.Requests() {
		if r.At.Before(until) {
			f.missed++
			f.t.Logf("%s %s did not wait", r.Method, r.Path)
		}
		if r.Status == http.StatusForbidden || r.Status == http.StatusTooManyRequests {
			f.limits++
			until = r.At.Add(time.Minute)
		}
	}
}
