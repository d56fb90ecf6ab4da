package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/queue"
	"github.com/lighterman/lighterman/internal/queue/pgtest"
	"github.com/lighterman/lighterman/testdata/demo"
)

// TestSoakRolling replaces the replicas of a service on PostgreSQL one after the other while webhooks arrive all the
// time: each is told to stop once its successor is ready, as an orchestrator does, and in the end of each round one is
// killed. Gently replaced ones refuse nothing. What was answered is done, once, and never by two at a time.
func TestSoakRolling(t *testing.T) {
	rounds := soaking(t, 25)
	r := newRolling(t)
	over, hush := r.traffic(t), r.noise.send(t)
	until(t, patience, "the first tick", r.replicas[0].process, func() bool {
		return slices.ContainsFunc(r.replicas, func(s *seat) bool { return len(s.github.seen()) > 0 })
	})
	for range rounds {
		r.replace(t)
		r.replace(t)
		r.killOne(t)
	}
	hush()
	pulls := over()
	r.settle(t)
	r.judge(t, pulls)
}

// A rolling is a service of two replicas and what is between them and GitHub.
type rolling struct {
	hub      *githubtest.Server
	database string
	dir      string
	door     *balancer
	replicas []*seat // those that live
	gone     []*seat // those that were stopped or killed
	stopped  int
	killed   []span // from the death of one until the door knew
	noise    *pings // beside what comes from the hub
}

type span struct{ began, ended time.Time }

func (s span) meets(other span) bool {
	return !s.began.After(other.ended) && !s.ended.Before(other.began)
}

// A seat is a process and the address by which it alone knows GitHub.
type seat struct {
	*process
	github *watchpost
}

func newRolling(t *testing.T) *rolling {
	t.Helper()
	r := &rolling{hub: githubtest.Start(t, unlimited()), database: pgtest.Start(t).Database(t), dir: t.TempDir()}
	must(t, os.WriteFile(r.key(), r.hub.PrivateKey(), 0o600))
	r.door = openDoor(t)
	r.noise = &pings{url: r.door.url + "/webhook"}
	r.hub.SetWebhook(r.noise.url, crashSecret)
	for range 2 {
		r.add(t)
	}
	return r
}

func (r *rolling) key() string { return filepath.Join(r.dir, "key.pem") }

// doorTime is how often the balancer asks whether a replica is ready, and linger how long one that is told to stop goes
// on taking what comes.
const (
	doorTime = 50 * time.Millisecond
	linger   = time.Second
)

// add starts a replica, and waits until the balancer knows it.
func (r *rolling) add(t *testing.T) {
	t.Helper()
	post := newWatchpost(t, r.hub.URL())
	p, err := start(append(appEnv(r.hub, post.url, "127.0.0.1:0", r.key()), "LIGHTERMAN_DATABASE_URL="+r.database,
		"LIGHTERMAN_DATA_DIR="+r.dir, "LIGHTERMAN_COOLDOWN=200ms", "LIGHTERMAN_WRITE_PAUSE=0s",
		"LIGHTERMAN_LINGER="+linger.String())...)
	must(t, err)
	t.Cleanup(p.kill)
	s := &seat{p, post}
	r.replicas = append(r.replicas, s)
	r.door.add(p.addr)
	until(t, patience, "the new replica is ready", p, func() bool { return r.door.knows(p.addr) })
}

// replace starts a new replica, and tells the oldest to stop.
func (r *rolling) replace(t *testing.T) {
	t.Helper()
	r.add(t)
	oldest := r.replicas[0]
	if err := oldest.terminate(); err != nil {
		t.Errorf("a replica that was told to stop: %v\n%s", err, oldest.said())
	}
	r.stopped++
	r.leave(oldest)
}

// killOne kills the oldest replica, and starts another in its place.
func (r *rolling) killOne(t *testing.T) {
	t.Helper()
	oldest, from := r.replicas[0], time.Now()
	oldest.kill()
	until(t, patience, "the balancer notices", oldest.process, func() bool { return !r.door.knows(oldest.addr) })
	r.killed = append(r.killed, span{from, time.Now()})
	r.leave(oldest)
	r.add(t)
}

func (r *rolling) leave(s *seat) {
	r.door.remove(s.addr)
	r.replicas = slices.DeleteFunc(r.replicas, func(other *seat) bool { return other == s })
	r.gone = append(r.gone, s)
}

// rollingPulls are the pull requests that the traffic of a test made, and how often something was asked for on each.
type rollingPulls struct {
	pulls []*githubtest.Pull
	asked map[*githubtest.Pull]int
}

// traffic opens pull requests, pushes to them and gives commands on them until the function that it returns is called.
func (r *rolling) traffic(t *testing.T) (over func() rollingPulls) {
	t.Helper()
	all := rollingPulls{asked: map[*githubtest.Pull]int{}}
	var repos []*githubtest.Repo
	for _, owner := range []string{"acme", "umbrella"} {
		repo, err := r.hub.CreateRepo(owner, "shop", archived(demo.Base))
		must(t, err)
		repo.SetPermission("robin", "write")
		repos = append(repos, repo)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		draw := rand.New(rand.NewPCG(7, 7))
		var err error
		for n := 0; err == nil && ctx.Err() == nil; n++ {
			err = all.event(draw, repos[n%len(repos)], n)
			time.Sleep(time.Duration(draw.IntN(100)) * time.Millisecond)
		}
		ended <- err
	}()
	return func() rollingPulls {
		cancel()
		must(t, <-ended)
		return all
	}
}

// event is one thing that somebody does.
func (p *rollingPulls) event(draw *rand.Rand, repo *githubtest.Repo, n int) error {
	const recent = 12
	some := p.pulls[max(0, len(p.pulls)-recent):]
	if len(some) < recent/2 || draw.IntN(3) == 0 {
		files := demoFile([]string{"web/Dockerfile", "api/Dockerfile"}[draw.IntN(2)])
		files["notes.md"] = fmt.Sprintln(n) // no two heads are the same commit
		branch := fmt.Sprint("topic-", n)
		if _, err := repo.Push(branch, "Change", files); err != nil {
			return err
		}
		pull, err := repo.OpenPull(githubtest.PullOptions{Title: "Change", Author: "robin", Head: branch})
		p.pulls = append(p.pulls, pull)
		return err
	}
	pull := some[draw.IntN(len(some))]
	if draw.IntN(3) == 0 {
		p.asked[pull]++
		_, err := pull.Comment("robin", "/lighterman explain copy-order")
		return err
	}
	_, err := pull.Repo().Push(pull.HeadBranch(), "More", map[string]string{"more.md": fmt.Sprintln(n)})
	return err
}

// settle waits until nothing is under way any more. What was refused is delivered again, as the look at GitHub's log
// does every few minutes.
func (r *rolling) settle(t *testing.T) {
	t.Helper()
	l := &lane{kills: &kills{t: t}, hub: r.hub}
	for _, s := range r.replicas {
		l.replicas = append(l.replicas, &replica{process: s.process})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if err := l.quietWithin(ctx); err != nil {
		t.Errorf("%v\n%s", err, r.said())
	}
	for len(r.replicas) > 0 { // so that all is in their logs
		last := r.replicas[0]
		if err := last.terminate(); err != nil {
			t.Error(err)
		}
		r.leave(last)
	}
}

func (r *rolling) said() string {
	var all strings.Builder
	for _, s := range slices.Concat(r.gone, r.replicas) {
		fmt.Fprintf(&all, "%s:\n%s\n", s.addr, s.said())
	}
	return all.String()
}

// judge counts what went wrong.
func (r *rolling) judge(t *testing.T, p rollingPulls) {
	t.Helper()
	lost, doubled, heads := r.forgotten(t), 0, 0
	for _, pull := range p.pulls {
		pic, err := take(pull)
		must(t, err)
		name := fmt.Sprintf("%s#%d", pull.Repo().Name(), pull.Number())
		if len(pic.runs) == 1 && pic.open == 0 {
			heads++
		} else {
			t.Errorf("%s has the check runs %q, and %d that are not concluded", name, pic.runs, pic.open)
		}
		if missing := p.asked[pull] - len(pic.answers); missing > 0 {
			lost++
			t.Errorf("%s: %d of %d commands were not answered", name, missing, p.asked[pull])
		}
		if n := twice(pic.findings) + twice(pic.said) + twice(pic.answers); n > 0 {
			doubled += n
			t.Errorf("%s: doubled: %q %q %q", name, pic.findings, pic.said, pic.answers)
		}
	}
	refused, excused := r.refused()
	reviews, overlaps := r.overlaps(t)
	looks, looksAtOnce := r.looks()
	figures("rolling-restarts", r.stopped, "kills", len(r.killed), "pull-requests", len(p.pulls), "concluded-heads", heads,
		"deliveries", len(r.hub.Deliveries())+len(r.noise.answered()), "refused", refused, "refused-by-the-killed", excused,
		"lost", lost, "doubled", doubled, "reviews", reviews, "reviews-at-once", overlaps, "ticks", looks, "ticks-at-once", looksAtOnce)
	if refused+lost+doubled+overlaps+looksAtOnce > 0 || looks == 0 || looks > len(r.gone) || reviews < len(p.pulls) {
		t.Errorf("%d processes\n%s", len(r.gone), r.said())
	}
}

// forgotten counts the deliveries that were answered with 202 and are not in the database.
func (r *rolling) forgotten(t *testing.T) int {
	t.Helper()
	taken := append(r.noise.answered(), accepted(r.hub)...)
	q, err := queue.Open(t.Context(), queue.Options{
		DatabaseURL: r.database, Work: func(context.Context, queue.Job) (queue.Done, error) { return queue.Done{}, nil },
	})
	must(t, err)
	defer func() { must(t, q.Stop(context.Background())) }()
	unknown, err := q.Unknown(t.Context(), taken)
	must(t, err)
	return len(unknown)
}

// refused counts the deliveries that were not taken though nobody was killed, and those of which a killed process is
// the reason.
func (r *rolling) refused() (refused, excused int) {
	for _, one := range r.door.refusals() {
		if slices.ContainsFunc(r.killed, one.meets) {
			excused++
		} else {
			refused++
		}
	}
	return refused, excused
}

// overlaps counts the reviews, and those that began while another of the same pull request ran, as the logs tell.
func (r *rolling) overlaps(t *testing.T) (reviews, overlaps int) {
	t.Helper()
	all := map[string][]span{}
	for line := range strings.Lines(r.said()) {
		var entry struct {
			Time time.Time
			Pull string
			Took time.Duration
		}
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Pull != "" && entry.Took > 0 {
			all[entry.Pull] = append(all[entry.Pull], span{entry.Time.Add(-entry.Took), entry.Time})
			reviews++
		}
	}
	const rounded = 2 * time.Millisecond // "took" is in milliseconds
	for pull, list := range all {
		slices.SortFunc(list, func(a, b span) int { return a.began.Compare(b.began) })
		for n := 1; n < len(list); n++ {
			if list[n].began.Add(rounded).Before(list[n-1].ended) {
				overlaps++
				t.Errorf("%s was reviewed twice at once: %v and %v", pull, list[n-1], list[n])
			}
		}
	}
	return reviews, overlaps
}

// looks counts the looks at GitHub's delivery log, which are a tick's, and those that began while another replica
// looked.
func (r *rolling) looks() (looks, atOnce int) {
	var all []span
	for _, s := range r.gone {
		all = append(all, s.github.seen()...)
	}
	slices.SortFunc(all, func(a, b span) int { return a.began.Compare(b.began) })
	for n := range all {
		if n > 0 && all[n].began.Before(all[n-1].ended) {
			atOnce++
		}
	}
	return len(all), atOnce
}

// A watchpost is GitHub as one replica sees it, with a record of its looks at the delivery log.
type watchpost struct {
	url string

	mu    sync.Mutex
	looks []span
}

func newWatchpost(t *testing.T, hub string) *watchpost {
	t.Helper()
	w := &watchpost{}
	to, err := url.Parse(hub)
	must(t, err)
	proxy := &httputil.ReverseProxy{
		Rewrite:  func(p *httputil.ProxyRequest) { p.SetURL(to) },
		ErrorLog: log.New(io.Discard, "", 0),
	}
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/app/hook/deliveries") {
			proxy.ServeHTTP(rw, r)
			return
		}
		began := time.Now()
		time.Sleep(300 * time.Millisecond) // or two would hardly ever meet
		proxy.ServeHTTP(rw, r)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.looks = append(w.looks, span{began, time.Now()})
	}))
	t.Cleanup(s.Close)
	w.url = s.URL
	return w
}

func (w *watchpost) seen() []span {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.looks)
}

// A balancer hands requests to those replicas in turn that say they are ready.
type balancer struct {
	url string

	mu      sync.Mutex
	ready   map[string]bool
	turn    []string
	refused []span
}

// openDoor starts a balancer.
func openDoor(t *testing.T) *balancer {
	t.Helper()
	b := &balancer{ready: map[string]bool{}}
	transport := &http.Transport{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(&url.URL{Scheme: "http", Host: b.next()})
		},
		Transport: transport, ErrorLog: log.New(io.Discard, "", 0), // an error is 502
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, status := time.Now(), &statusWriter{ResponseWriter: w}
		proxy.ServeHTTP(status, r)
		if status.code != http.StatusAccepted {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.refused = append(b.refused, span{began, time.Now()})
		}
	}))
	ctx, cancel := context.WithCancel(t.Context())
	watched := make(chan struct{})
	go func() { defer close(watched); b.watch(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-watched
		s.Close()
		transport.CloseIdleConnections()
	})
	b.url = s.URL
	return b
}

// A statusWriter remembers what was answered.
type statusWriter struct {
	http.ResponseWriter
	code int
}

func (w *statusWriter) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}

// refusals are the requests that nobody took.
func (b *balancer) refusals() []span {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.refused)
}

// watch asks all replicas again and again whether they are ready.
func (b *balancer) watch(ctx context.Context) {
	tick := time.NewTicker(doorTime)
	defer tick.Stop()
	client := &http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for _, addr := range b.all() {
			res, err := client.Get("http://" + addr + "/readyz")
			ok := err == nil && res.StatusCode == http.StatusOK
			if err == nil {
				err = res.Body.Close()
			}
			b.mu.Lock()
			if _, there := b.ready[addr]; there {
				b.ready[addr] = ok && err == nil
			}
			b.mu.Unlock()
		}
	}
}

// next is where the next request goes: nowhere when nobody is ready.
func (b *balancer) next() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n, addr := range b.turn {
		if b.ready[addr] {
			b.turn = append(slices.Delete(b.turn, n, n+1), addr)
			return addr
		}
	}
	return "127.0.0.1:1"
}

func (b *balancer) add(addr string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ready[addr] = false
	b.turn = append(b.turn, addr)
}

func (b *balancer) remove(addr string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.ready, addr)
	b.turn = slices.DeleteFunc(b.turn, func(other string) bool { return other == addr })
}

func (b *balancer) knows(addr string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ready[addr]
}

func (b *balancer) all() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.turn)
}
