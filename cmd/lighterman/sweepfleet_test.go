package main

import (
	"context"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
	marks "github.com/lighterman/lighterman/internal/hidden"
	"github.com/lighterman/lighterman/internal/queue"
	"github.com/lighterman/lighterman/internal/review"
	"github.com/lighterman/lighterman/internal/sweep"
)

// sweepEvents are the events that the App is told of, pushes among them.
func sweepEvents() []string {
	return []string{"push", "pull_request", "pull_request_review_comment", "issue_comment"}
}

// newFleet is the service with sweeps, on GitHub's double, with a clock that nobody waits for.
func newFleet(t *testing.T, limits sweepOptions) (*stage, *quickClock) {
	t.Helper()
	o := unlimited()
	o.Events = sweepEvents()
	hub := githubtest.Start(t, o)
	s := &stage{hub: hub, outcomes: make(chan review.Outcome, 1000)}
	clock := &quickClock{}
	var err error
	s.service, err = newService(t.Context(), serviceOptions{
		GitHub: github.Options{
			AppID: hub.AppID(), PrivateKey: hub.PrivateKey(), BaseURL: hub.URL(), WritePause: -1, Clock: clock,
		},
		Queue:   queue.Options{DataDir: t.TempDir(), Cooldown: -1, SweepCooldown: -1},
		Secrets: []string{crashSecret}, Log: logs.logger(crashSecret), Sweeps: &limits,
		Reviewed: func(o review.Outcome) { s.outcomes <- o },
	})
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.service.run(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		must(t, <-ended)
	})
	hub.SetWebhook("http://"+l.Addr().String()+"/webhook", crashSecret)
	return s, clock
}

// idle waits until no webhook and no job is left.
func (s *stage) idle(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, s.quiet(ctx))
}

// begin sweeps what is due.
func (s *stage) begin(t *testing.T) {
	t.Helper()
	_, err := s.service.queue.SweepDue(t.Context(), s.service.now(), dueAtOnce)
	must(t, err)
	s.idle(t)
}

// repositories are those that the queue knows, by name.
func (s *stage) repositories(t *testing.T) map[string]queue.Repository {
	t.Helper()
	all, err := s.service.queue.Repositories(t.Context(), 0)
	must(t, err)
	out := map[string]queue.Repository{}
	for _, r := range all {
		out[r.Repo.Name] = r
	}
	return out
}

// round lists the repositories, sweeps those that are due, and asks where it has to be asked.
func (s *stage) round(t *testing.T) {
	t.Helper()
	must(t, s.service.listRepositories(t.Context()))
	s.begin(t)
	must(t, s.service.listRepositories(t.Context()))
	s.idle(t)
}

// wroteNow are the requests since the last call that changed something.
func (s *stage) wroteNow() (list []string) {
	for _, r := range s.hub.Requests() {
		if wrote(r) {
			list = append(list, r.Operation)
		}
	}
	s.hub.ForgetRequests()
	return list
}

const (
	agreed   = "sweeps: {enabled: true}\n"
	wasteful = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN apt-get update && apt-get install -y curl\nRUN npm install\n" +
		"RUN pip install flask\nCMD [\"node\", \"server.js\"]\n"
)

// openOnes are the pull requests that are open, and were opened by the App.
func openOnes(repo *githubtest.Repo) (open []*githubtest.Pull) {
	for _, p := range repo.Pulls() {
		if p.Status().State == "open" {
			open = append(open, p)
		}
	}
	return open
}

// TestARepositoryIsTended follows a repository that agreed from a push to its default branch on: pull requests come, what is
// merged leaves nothing for a review to find, a second sweep writes nothing, what is closed stays closed until somebody takes
// that back.
func TestARepositoryIsTended(t *testing.T) {
	t.Parallel()
	s, _ := newFleet(t, sweepOptions{})
	repo, err := s.hub.CreateRepo("acme", "shop", map[string]string{".github/lighterman.yml": agreed, "package.json": "{}\n"})
	must(t, err)
	repo.SetPermission("robin", "write")
	_, err = repo.Push("main", "Ship it", map[string]string{"Dockerfile": wasteful})
	must(t, err)
	s.idle(t)
	open := openOnes(repo)
	if len(open) < 2 {
		t.Fatalf("%d pull requests after the push", len(open))
	}
	s.round(t) // the listing finds it not swept
	s.wroteNow()
	must(t, s.service.queue.Enqueue(t.Context(), refOf(s, "shop")))
	s.idle(t)
	if wrote := s.wroteNow(); len(wrote) > 0 {
		t.Errorf("with nothing changed a sweep wrote %q", wrote)
	}

	merged := open[0]
	title, names := merged.Title(), findingsIn(merged)
	if before := s.found(t, repo); len(names) == 0 || !slices.ContainsFunc(names, func(id string) bool { return before[id] }) {
		t.Fatalf("%q names %q, and there are %v", title, names, before)
	}
	_, err = merged.Merge("robin")
	must(t, err)
	s.idle(t)
	if titled(repo, title) != nil {
		t.Errorf("%q was merged, and is proposed again", title)
	}
	after := s.found(t, repo)
	for _, id := range names {
		if after[id] {
			t.Errorf("%s was fixed by what was merged, and is found again", id)
		}
	}

	declined := openOnes(repo)[0]
	title = declined.Title()
	must(t, declined.Close("robin"))
	s.idle(t)
	must(t, s.service.queue.Enqueue(t.Context(), refOf(s, "shop")))
	s.idle(t)
	if titled(repo, title) != nil {
		t.Errorf("%q was closed, and is proposed again", title)
	}
	_, err = declined.Comment("robin", "/lighterman unmute")
	must(t, err)
	s.idle(t)
	if titled(repo, title) == nil {
		t.Errorf("%q was unmuted, and is not proposed", title)
	}
	if n := sum(s.scrape(t), "lighterman_sweeps_total"); n < 5 {
		t.Errorf("%d sweeps are counted", n)
	}
}

// namesIn finds what a pull request of a sweep says it fixes.
var namesIn = regexp.MustCompile(`findings=([0-9a-f,]+)`)

// findingsIn are the findings that a pull request of a sweep names, as review threads name them.
func findingsIn(p *githubtest.Pull) (ids []string) {
	for _, m := range namesIn.FindAllStringSubmatch(p.Status().Body, -1) {
		for _, word := range strings.Split(m[1], ",") {
			ids = append(ids, word[:16])
		}
	}
	return ids
}

// found are the findings of the Dockerfile on the default branch, as review threads name them.
func (s *stage) found(t *testing.T, repo *githubtest.Repo) map[string]bool {
	t.Helper()
	head, err := repo.Head("main")
	must(t, err)
	tree, err := s.service.app.Load().Tree(t.Context(), refOf(s, repo.Name()).Repo, head)
	must(t, err)
	survey, err := sweep.Look(t.Context(), tree, []string{"Dockerfile"}, nil, s.service.engine)
	must(t, err)
	ids := map[string]bool{}
	for _, f := range survey.Result.Findings {
		ids[marks.Finding(f.ID)] = true
	}
	return ids
}

func refOf(s *stage, name string) forge.Ref {
	return forge.Ref{Repo: forge.Repo{Installation: s.hub.InstallationID("acme"), Owner: "acme", Name: name}}
}

func titled(repo *githubtest.Repo, title string) *githubtest.Pull {
	for _, p := range openOnes(repo) {
		if p.Title() == title {
			return p
		}
	}
	return nil
}

// TestNobodyIsSurprised: where nobody agreed all repositories are surveyed, one pull request asks, once, and merging it in
// the repository .github has all others swept.
func TestNobodyIsSurprised(t *testing.T) {
	t.Parallel()
	s, clock := newFleet(t, sweepOptions{})
	home, err := s.hub.CreateRepo("acme", ".github", map[string]string{"README.md": "Ours.\n"})
	must(t, err)
	var repos []*githubtest.Repo
	for _, name := range []string{"shop", "site"} {
		repo, err := s.hub.CreateRepo("acme", name, map[string]string{"Dockerfile": wasteful, "package.json": "{}\n"})
		must(t, err)
		repos = append(repos, repo)
	}
	fork, err := s.hub.CreateRepo("acme", "fork", map[string]string{"Dockerfile": wasteful})
	must(t, err)
	fork.Mark(githubtest.Marks{Fork: true})
	must(t, s.service.listRepositories(t.Context()))
	if n := len(home.Pulls()); n > 0 {
		t.Fatal("it asked before it had looked")
	}
	for range 2 {
		s.round(t)
	}
	if len(home.Pulls()) != 1 || len(repos[0].Pulls())+len(repos[1].Pulls())+len(fork.Pulls()) != 0 {
		t.Fatalf("%d pull requests ask", len(home.Pulls()))
	}
	if why := s.repositories(t)["fork"]; why.Skip != "fork" || !why.Swept.IsZero() {
		t.Errorf("the fork: %+v", why)
	}
	s.wroteNow()
	s.round(t)
	if wrote := s.wroteNow(); len(wrote) > 0 {
		t.Errorf("a second round wrote %q", wrote)
	}
	_, err = home.Pulls()[0].Merge("robin")
	must(t, err)
	s.idle(t)
	must(t, clock.Sleep(t.Context(), 10*time.Minute))
	s.round(t)
	for _, repo := range repos {
		if len(openOnes(repo)) == 0 {
			t.Error("a repository is not swept after the organisation agreed")
		}
	}
	s.round(t)
	if n := len(home.Pulls()); n != 1 {
		t.Errorf("%d pull requests ask", n)
	}
}

// TestNobodyDecidesAnyMore: where the configuration is taken out nothing is written, and it is told that pull requests are left,
// until sweeps are switched off, which withdraws them.
func TestNobodyDecidesAnyMore(t *testing.T) {
	t.Parallel()
	s, _ := newFleet(t, sweepOptions{})
	repo, err := s.hub.CreateRepo("acme", "shop", map[string]string{
		".github/lighterman.yml": agreed, "Dockerfile": wasteful, "package.json": "{}\n",
	})
	must(t, err)
	s.round(t)
	open := len(openOnes(repo))
	if open == 0 {
		t.Fatal("nothing is open")
	}
	sweep := func(text string) (swept, string) {
		t.Helper()
		_, err := repo.Push("main", "Decide", map[string]string{".github/lighterman.yml": text})
		must(t, err)
		s.idle(t)
		s.wroteNow()
		must(t, s.service.queue.Enqueue(t.Context(), refOf(s, "shop")))
		s.idle(t)
		w, _ := readSwept(s.repositories(t)["shop"])
		return w, strings.Join(s.wroteNow(), " ")
	}
	for range 2 {
		w, wrote := sweep("fail-on: never\n")
		if why := whyNothing(w); w.Left != open || !strings.Contains(why, "any more") || wrote != "" || len(openOnes(repo)) != open {
			t.Errorf("%s: wrote %q, %d of %d are open", why, wrote, len(openOnes(repo)), open)
		}
	}
	if w, _ := sweep("sweeps: {enabled: false}\n"); w.Left != 0 || len(openOnes(repo)) != 0 {
		t.Errorf("switched off: %d are open, %+v", len(openOnes(repo)), w)
	}
}

// TestAskingWaitsItsTurn: the pull request that asks is one of those of an hour, and comes when there is one again.
func TestAskingWaitsItsTurn(t *testing.T) {
	t.Parallel()
	s, clock := newFleet(t, sweepOptions{OpensPerHour: 1})
	repo, err := s.hub.CreateRepo("acme", "shop", map[string]string{"Dockerfile": wasteful, "package.json": "{}\n"})
	must(t, err)
	p := permits{ledger: s.service.queue, limits: *s.service.options.Sweeps, repo: refOf(s, "shop").Repo}
	if !p.take(t.Context(), 0, s.service.now()) {
		t.Fatal("there is no permit")
	}
	for range 2 {
		s.round(t)
	}
	if n := len(repo.Pulls()); n != 0 {
		t.Fatalf("%d pull requests ask, though one was opened in this hour", n)
	}
	must(t, clock.Sleep(t.Context(), time.Hour))
	s.round(t)
	if n := len(repo.Pulls()); n != 1 {
		t.Errorf("%d pull requests ask", n)
	}
}

// TestANoIsRemembered closes the pull request that asks.
func TestANoIsRemembered(t *testing.T) {
	t.Parallel()
	s, _ := newFleet(t, sweepOptions{})
	repo, err := s.hub.CreateRepo("acme", "shop", map[string]string{"Dockerfile": wasteful, "package.json": "{}\n"})
	must(t, err)
	s.round(t)
	if len(repo.Pulls()) != 1 {
		t.Fatalf("%d pull requests ask", len(repo.Pulls()))
	}
	must(t, repo.Pulls()[0].Close("robin"))
	s.idle(t)
	s.wroteNow()
	_, err = repo.Push("main", "More", map[string]string{"web/Dockerfile": wasteful})
	must(t, err)
	s.idle(t)
	s.round(t)
	if wrote := s.wroteNow(); len(wrote) > 0 || len(repo.Pulls()) != 1 {
		t.Errorf("it was declined, and wrote %q", wrote)
	}
}

// TestPermitsAreShared: no more are open, and no more are opened in an hour, than the flags say, and what waits asks GitHub
// for nothing.
func TestPermitsAreShared(t *testing.T) {
	t.Parallel()
	s, clock := newFleet(t, sweepOptions{OpenPerOwner: 4, OpensPerHour: 3})
	var repos []*githubtest.Repo
	for _, name := range []string{"a", "b", "c"} {
		repo, err := s.hub.CreateRepo("acme", name,
			map[string]string{".github/lighterman.yml": agreed, "Dockerfile": wasteful, "package.json": "{}\n"})
		must(t, err)
		repos = append(repos, repo)
	}
	open := func() (n int) {
		for _, repo := range repos {
			n += len(openOnes(repo))
		}
		return n
	}
	s.round(t)
	if n := open(); n != 3 {
		t.Errorf("%d are open, want the three of an hour", n)
	}
	later := func(d time.Duration) {
		must(t, clock.Sleep(t.Context(), d))
		s.begin(t)
	}
	later(time.Hour)
	if n := open(); n != 4 {
		t.Errorf("%d are open, want the four of an owner", n)
	}
	s.hub.ForgetRequests()
	later(2 * time.Hour)
	if asked := s.hub.Requests(); len(asked) > 0 {
		t.Errorf("%d requests, though nothing may be opened", len(asked))
	}
	for _, repo := range repos {
		if open := openOnes(repo); len(open) > 0 {
			_, err := open[0].Merge("robin")
			must(t, err)
		}
	}
	s.idle(t)
	later(2 * time.Hour)
	if n := open(); n != 4 {
		t.Errorf("%d are open, want the four of an owner again", n)
	}
}

// TestTheServiceSaysWhen: a repository is due as --sweep-schedule says, unless it says so itself.
func TestTheServiceSaysWhen(t *testing.T) {
	t.Parallel()
	timing := config.Timing{Schedule: "0 6 * * *", TimeZone: "Europe/Berlin"}
	s, _ := newFleet(t, sweepOptions{Timing: timing})
	for name, text := range map[string]string{"silent": agreed, "settled": "sweeps: {enabled: true, schedule: monthly, time-zone: UTC}\n"} {
		_, err := s.hub.CreateRepo("acme", name, map[string]string{".github/lighterman.yml": text, "README.md": "Ours.\n"})
		must(t, err)
	}
	_, err := s.hub.CreateRepo("acme", "broken", map[string]string{".github/lighterman.yml": "sweeps: 1\n", "README.md": "Ours.\n"})
	must(t, err)
	s.round(t)
	monthly := config.Sweeps{Schedule: "monthly", TimeZone: "UTC"}
	for name, want := range map[string]config.Sweeps{
		"silent": config.Sweeps{}.Timed(timing), "broken": config.Sweeps{}.Timed(timing), "settled": monthly,
	} {
		r := s.repositories(t)[name]
		if due := want.Next("acme/"+name, r.Swept); r.Swept.IsZero() || !r.Due.Equal(due) {
			t.Errorf("%s: due %s, want %s", name, r.Due, due)
		}
	}
}
