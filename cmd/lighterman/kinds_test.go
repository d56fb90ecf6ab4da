package main

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/testdata/demo"
)

const configFile = ".github/lighterman.yml"

// A kind is a kind of pull request, and what it gets from the whole service: one check run that says so, and so many threads.
type kind struct {
	limits     githubtest.Limits
	base       map[string]string // beside the demo's files
	change     githubtest.Commit
	open       func(*githubtest.Repo) (*githubtest.Pull, error) // nil opens it from the branch "topic", by a person
	conclusion string
	title      string
	says       string // in the summary
	threads    int    // -1 is some
	annotated  string // path and line of the first annotation, "" is none
}

// wasted is the front's Dockerfile as the base has it, with a line at its end that costs something.
func wasted() string { return archived(demo.Base)["web/Dockerfile"] + "ADD server.js /srv/\n" }

func kinds() map[string]kind {
	files := func(f map[string]string) githubtest.Commit { return githubtest.Commit{Files: f} }
	web, padding := wasted(), map[string]string{}
	for n := range 320 {
		padding[fmt.Sprintf("docs/%03d.md", n)] = "x\n"
	}
	many := maps.Clone(padding)
	many["web/Dockerfile"] = web
	const sub = "0123456789012345678901234567890123456789"
	const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
	few := githubtest.Unlimited()
	few.Files = 2
	short := githubtest.Unlimited()
	short.PatchLines = 3
	long := web + strings.Repeat("ADD server.js /srv/\n", 3)
	return map[string]kind{
		"a branch":      {change: files(map[string]string{"web/Dockerfile": web}), conclusion: "failure", title: "1 finding in 1 Dockerfile", threads: 1},
		"no Dockerfile": {change: files(map[string]string{"a.txt": "a\n"}), conclusion: "success", title: "No Dockerfile is changed"},
		"a fork": {change: files(map[string]string{"web/Dockerfile": web, configFile: "fail-on: never\n"}), open: fromFork(nil),
			conclusion: "failure", title: "1 finding in 1 Dockerfile", says: "once it is merged, this changes the configuration", threads: 1},
		"a fork that is gone": {change: files(map[string]string{"web/Dockerfile": web}), open: fromFork((*githubtest.Repo).Delete),
			conclusion: "failure", title: "1 finding in 1 Dockerfile", threads: 1},
		"a draft": {change: files(map[string]string{"web/Dockerfile": web}), open: as(githubtest.PullOptions{Author: "robin", Draft: true}),
			conclusion: "failure", title: "1 finding in 1 Dockerfile", annotated: "web/Dockerfile:9"},
		"a draft, by config": {base: map[string]string{configFile: "fail-on: info\ndrafts: comment\n"}, change: files(map[string]string{"web/Dockerfile": web}),
			open:       as(githubtest.PullOptions{Author: "robin", Draft: true}),
			conclusion: "failure", title: "1 finding in 1 Dockerfile", threads: 1},
		"a program's": {change: files(map[string]string{"web/Dockerfile": strings.Replace(web, "USER node\n", "", 1)}),
			open:       as(githubtest.PullOptions{Author: "renovate[bot]"}),
			conclusion: "failure", title: "1 finding in 1 Dockerfile", threads: 1},
		"the same by a person": {change: files(map[string]string{"web/Dockerfile": strings.Replace(web, "USER node\n", "", 1)}),
			conclusion: "failure", title: "2 findings in 1 Dockerfile", threads: -1},
		"our own": {change: files(map[string]string{"web/Dockerfile": web}), open: as(githubtest.PullOptions{Author: "lighterman[bot]"}),
			conclusion: "failure", title: "1 finding in 1 Dockerfile", annotated: "web/Dockerfile:9"},
		"renamed and changed": {change: githubtest.Commit{Files: map[string]string{"front/Dockerfile": web}, Delete: []string{"web/Dockerfile"}},
			conclusion: "failure", title: "1 finding in 1 Dockerfile", threads: 1},
		"renamed": {base: map[string]string{"old/Dockerfile": web}, change: githubtest.Commit{
			Files: map[string]string{"new/Dockerfile": web}, Delete: []string{"old/Dockerfile"}},
			conclusion: "success", title: "Nothing to say about 1 Dockerfile", says: "1 more finding is in lines that this pull request leaves alone"},
		"deleted": {base: map[string]string{"old/Dockerfile": web}, change: githubtest.Commit{Delete: []string{"old/Dockerfile"}},
			conclusion: "success", title: "No Dockerfile is changed"},
		"more than 300 files": {change: files(many), conclusion: "failure", title: "1 finding in 1 Dockerfile", threads: 1},
		"more than are listed": {limits: few, change: files(map[string]string{"a.md": "a\n", "b.md": "b\n", "web/Dockerfile": web}),
			conclusion: "neutral", title: "Not all changed files were looked at", says: "this pull request changes 3 files, of which 2 are listed"},
		"a diff that is left out": {limits: short, base: map[string]string{"web/Dockerfile": archived(demo.Base)["web/Dockerfile"] + "ADD web /srv/\n"},
			change:     files(map[string]string{"web/Dockerfile": archived(demo.Base)["web/Dockerfile"] + "ADD web /srv/\n" + strings.TrimPrefix(long, archived(demo.Base)["web/Dockerfile"])}),
			conclusion: "failure", title: "4 findings in 1 Dockerfile", says: "1 more finding is in lines that this pull request leaves alone", annotated: "web/Dockerfile:10"},
		"an ignore file alone": {change: githubtest.Commit{Delete: []string{"web/.dockerignore"}},
			conclusion: "failure", title: "1 finding in Dockerfiles that are not changed", says: "Keep `node_modules` out", annotated: "web/Dockerfile:5"},
		"a manifest alone": {base: map[string]string{"page/Dockerfile": "FROM node:22-slim\nWORKDIR /app\nCOPY . .\nRUN npm ci\nUSER node\nCMD [\"node\", \"x.js\"]\n"},
			change:     files(map[string]string{"page/package.json": "{}\n", "page/package-lock.json": "{}\n", "page/x.js": "1\n"}),
			conclusion: "failure", title: "1 finding in Dockerfiles that are not changed", annotated: "page/Dockerfile:3"},
		"a submodule": {change: githubtest.Commit{Files: map[string]string{"x/Dockerfile": sub}, Modes: map[string]string{"x/Dockerfile": "160000"}},
			conclusion: "success", title: "No Dockerfile is changed", says: "`x/Dockerfile`: not looked at: a submodule"},
		"a link": {change: githubtest.Commit{Files: map[string]string{"x/Dockerfile": "../web/Dockerfile", "web/Dockerfile": web}, Modes: map[string]string{"x/Dockerfile": "120000"}},
			conclusion: "failure", title: "1 finding in 1 Dockerfile", says: "`x/Dockerfile`: not looked at: a symbolic link, which is not followed", threads: 1},
		"a pointer": {change: files(map[string]string{"x/Dockerfile": pointer}),
			conclusion: "success", title: "Nothing to say about", says: "a pointer of Git LFS"},
		"a broken configuration": {change: files(map[string]string{"web/Dockerfile": web, configFile: "# Words.\nfail-on: nonsense\n"}),
			conclusion: "failure", title: "1 finding in 1 Dockerfile", says: "this breaks the configuration", threads: 1, annotated: configFile + ":2"},
		"a configuration that was broken": {base: map[string]string{configFile: "fail-on: nonsense\n"}, change: files(map[string]string{"web/Dockerfile": web}),
			conclusion: "neutral", title: "1 finding in 1 Dockerfile", says: "what holds without it was taken", threads: 1, annotated: configFile + ":1"},
		"twice the same": {change: files(map[string]string{"web/Dockerfile": web, "a/Dockerfile": web}),
			conclusion: "failure", title: "1 finding in 2 Dockerfiles", says: "The same in `web/Dockerfile`.", threads: 1, annotated: "web/Dockerfile:9"},
	}
}

// as opens the pull request with options.
func as(o githubtest.PullOptions) func(*githubtest.Repo) (*githubtest.Pull, error) {
	return func(r *githubtest.Repo) (*githubtest.Pull, error) {
		o.Title, o.Head = "Change", "topic"
		return r.OpenPull(o)
	}
}

// fromFork opens it from somebody's fork, and does something to that before anybody looks.
func fromFork(then func(*githubtest.Repo)) func(*githubtest.Repo) (*githubtest.Pull, error) {
	return func(r *githubtest.Repo) (*githubtest.Pull, error) {
		fork, err := r.Fork("robin")
		if err != nil {
			return nil, err
		}
		tip, err := r.Head("topic")
		if err != nil {
			return nil, err
		}
		if err := fork.Branch("theirs", tip); err != nil {
			return nil, err
		}
		pull, err := r.OpenPull(githubtest.PullOptions{Title: "Change", Author: "robin", Head: "theirs", Fork: fork})
		if then != nil {
			then(fork)
		}
		return pull, err
	}
}

// TestEveryKindOfPullRequest sends each through the whole service: what it says, where, that it asks nothing of a fork, and
// that a second look writes nothing.
func TestEveryKindOfPullRequest(t *testing.T) {
	t.Parallel()
	stages := map[githubtest.Limits]*stage{}
	for name, k := range kinds() {
		if k.limits == (githubtest.Limits{}) {
			k.limits = githubtest.Unlimited()
		}
		if stages[k.limits] == nil {
			stages[k.limits] = newStageWith(t, githubtest.Options{Limits: k.limits}, -1)
		}
		t.Run(name, func(t *testing.T) {
			k.review(t, stages[k.limits], strings.NewReplacer(" ", "-", ",", "", "'", "").Replace(name))
		})
	}
}

func (k kind) review(t *testing.T, s *stage, name string) {
	t.Helper()
	files := archived(demo.Base)
	files[configFile] = "fail-on: info\n"
	maps.Copy(files, k.base)
	repo, err := s.hub.CreateRepo("acme", name, files)
	must(t, err)
	_, err = repo.Commit("topic", k.change)
	must(t, err)
	if k.open == nil {
		k.open = as(githubtest.PullOptions{Author: "robin"})
	}
	s.hub.ForgetRequests()
	pull, err := k.open(repo)
	must(t, err)
	s.settled(t)
	for _, r := range s.hub.Requests() {
		if strings.Contains(r.Path, "/robin/") {
			t.Errorf("a fork was asked for %s", r.Path)
		}
	}
	k.holds(t, pull)
	s.requests(t, 15)
	must(t, pull.Close("robin"))
	must(t, pull.Reopen("robin"))
	s.settled(t)
	s.wroteNothing(t)
}

func (k kind) holds(t *testing.T, pull *githubtest.Pull) {
	t.Helper()
	run := lastRun(t, pull)
	if run.Conclusion != k.conclusion || !strings.Contains(run.Title, k.title) || !strings.Contains(run.Summary, k.says) {
		t.Errorf("%s: %s\n%s\nwant %s: %s\n%s", run.Conclusion, run.Title, run.Summary, k.conclusion, k.title, k.says)
	}
	threads, err := pull.Threads()
	must(t, err)
	if n := len(threads); n != k.threads && (k.threads >= 0 || n == 0) {
		t.Errorf("%d threads, want %d", n, k.threads)
	}
	var first string
	if len(run.Annotations) > 0 {
		first = fmt.Sprintf("%s:%d", run.Annotations[0].Path, run.Annotations[0].StartLine)
	}
	if first != k.annotated {
		t.Errorf("%d annotations, the first on %q, want %q", len(run.Annotations), first, k.annotated)
	}
}

// TestWhatHappensToAPullRequest does to one what people do, and holds what it gets then.
func TestWhatHappensToAPullRequest(t *testing.T) {
	t.Parallel()
	s := newStageWith(t, unlimited(), -1)
	for name, does := range map[string]func(*testing.T, *stage, *githubtest.Pull){
		"ready": func(t *testing.T, s *stage, p *githubtest.Pull) {
			must(t, p.SetDraft(true, "robin"))
			_, err := p.Repo().Push("topic", "More", map[string]string{"web/Dockerfile": wasted() + "ADD web /srv/\n"})
			must(t, err)
			s.settled(t)
			before := len(p.Reviews())
			must(t, p.SetDraft(false, "robin"))
			s.settled(t)
			if n := len(p.Reviews()); n != before+1 {
				t.Errorf("%d reviews, were %d as a draft", n, before)
			}
		},
		"another base": func(t *testing.T, s *stage, p *githubtest.Pull) {
			must(t, p.Repo().Branch("strict", "main"))
			_, err := p.Repo().Push("strict", "Be strict", map[string]string{configFile: "fail-on: info\n"})
			must(t, err)
			if c := lastRun(t, p).Conclusion; c != "neutral" {
				t.Errorf("into main: %s", c)
			}
			must(t, p.Retarget("strict", "robin"))
			s.settled(t)
			runs := p.CheckRuns()
			if c := runs[len(runs)-1].Conclusion; c != "failure" {
				t.Errorf("into a strict branch: %s", c)
			}
		},
		"renamed": func(t *testing.T, s *stage, p *githubtest.Pull) { must(t, p.Repo().Rename("renamed-shop")) },
		"transferred": func(t *testing.T, s *stage, p *githubtest.Pull) {
			_, err := s.hub.CreateRepo("umbrella", "tap", nil) // where the App is installed too
			must(t, err)
			must(t, p.Repo().Transfer("umbrella"))
		},
		"suspended": func(t *testing.T, s *stage, p *githubtest.Pull) {
			s.hub.Suspend("acme", true)
			_, err := p.Repo().Push("topic", "Unseen", map[string]string{"unseen.md": "x\n"})
			must(t, err)
			s.settled(t)
			if runs, dead := p.CheckRuns(), s.dead(t); len(runs) > 0 || dead > 0 {
				t.Errorf("while it is suspended: %d check runs, %d dead jobs", len(runs), dead)
			}
			s.hub.Suspend("acme", false)
			s.outcome(t, p)
			lastRun(t, p)
		},
	} {
		t.Run(name, func(t *testing.T) {
			repo, err := s.hub.CreateRepo("acme", strings.ReplaceAll(name, " ", "-"), archived(demo.Base))
			must(t, err)
			_, err = repo.Push("topic", "Change", map[string]string{"web/Dockerfile": wasted()})
			must(t, err)
			pull := openTopic(t, repo)
			s.settled(t)
			does(t, s, pull)
			_, err = repo.Push("topic", "Later", map[string]string{"later.md": "x\n"})
			must(t, err)
			s.settled(t)
			lastRun(t, pull)
			once(t, pull)
			if n := s.dead(t); n > 0 {
				t.Errorf("%d dead jobs", n)
			}
		})
	}
}

func (s *stage) dead(t *testing.T) int {
	t.Helper()
	dead, err := s.service.queue.Dead(t.Context())
	must(t, err)
	return len(dead)
}

// TestClosedDuringTheReview holds that the job stops there: it says nothing to a pull request that is closed.
func TestClosedDuringTheReview(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	hold, met := make(chan struct{}), make(chan struct{}, 1)
	s.hub.Inject(githubtest.Fault{Operation: "git/get-tree", Hold: hold, Met: met})
	pull := s.pull(t, "shop", demoFile("web/Dockerfile"))
	comes(t, met)
	must(t, pull.Close("robin"))
	close(hold)
	s.settled(t)
	if len(pull.Reviews())+len(pull.CheckRuns()) > 0 {
		t.Errorf("reviews %+v, check runs %+v", pull.Reviews(), pull.CheckRuns())
	}
	must(t, pull.Reopen("robin"))
	s.settled(t)
	lastRun(t, pull)
	if len(pull.Reviews()) != 1 {
		t.Errorf("reviews %+v after it was opened again", pull.Reviews())
	}
}

// TestAnotherBaseDuringTheReview holds that what is told last is told of the branch that it is to be merged into.
func TestAnotherBaseDuringTheReview(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	hold, met := make(chan struct{}), make(chan struct{}, 1)
	pull := s.pull(t, "shop", demoFile("web/Dockerfile"))
	s.settled(t)
	must(t, pull.Repo().Branch("strict", "main"))
	_, err := pull.Repo().Push("strict", "Be strict", map[string]string{configFile: "fail-on: info\n"})
	must(t, err)
	s.hub.Inject(githubtest.Fault{Operation: "pulls/list-files", Hold: hold, Met: met})
	_, err = pull.Repo().Push(pull.HeadBranch(), "More", map[string]string{"web/Dockerfile": wasted() + "ADD web /srv/\n"})
	must(t, err)
	comes(t, met)
	must(t, pull.Retarget("strict", "robin"))
	close(hold)
	s.settled(t)
	runs := pull.CheckRuns()
	if c := runs[len(runs)-1].Conclusion; c != "failure" {
		t.Errorf("into a strict branch: %s", c)
	}
	once(t, pull)
}

// TestARerunForAnOldHead looks at the pull request as it is now: a new run of its head, and nothing told twice.
func TestARerunForAnOldHead(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	pull := s.pull(t, "shop", demoFile("web/Dockerfile"))
	s.settled(t)
	old, run := pull.Head(), lastRun(t, pull)
	_, err := pull.Repo().Push(pull.HeadBranch(), "More", map[string]string{"web/Dockerfile": wasted() + "ADD web /srv/\n"})
	must(t, err)
	s.settled(t)
	reviews := len(pull.Reviews())
	must(t, pull.Rerequest(run.ID, "robin"))
	s.settled(t)
	if n := len(pull.Repo().CheckRuns(old)); n != 1 || len(pull.Reviews()) != reviews {
		t.Errorf("%d runs of the old head, %d reviews, were %d", n, len(pull.Reviews()), reviews)
	}
	if runs := pull.CheckRuns(); len(runs) != 2 || runs[1].Status != "completed" {
		t.Errorf("runs of the head: %+v", runs)
	}
	once(t, pull)
}

// comes waits for a request that is held.
func comes(t *testing.T, met <-chan struct{}) {
	t.Helper()
	select {
	case <-met:
	case <-time.After(patience):
		t.Fatal("the request does not come")
	}
}

// TestAClickMakesOneCommit holds what the button's commit is: one, on the head, by nobody but GitHub, who signs it, with the
// mode that the file had.
func TestAClickMakesOneCommit(t *testing.T) {
	t.Parallel()
	s := newStageWith(t, unlimited(), -1)
	repo, err := s.hub.CreateRepo("acme", "shop", archived(demo.Base))
	must(t, err)
	repo.SetPermission("ann", "write")
	_, err = repo.Commit("topic", githubtest.Commit{
		Files: map[string]string{"web/Dockerfile": wasted()}, Modes: map[string]string{"web/Dockerfile": "100755"}})
	must(t, err)
	pull := openTopic(t, repo)
	s.settled(t)
	before := pull.Head()
	must(t, pull.Click(lastRun(t, pull).ID, "fix-all", "ann"))
	s.settled(t)
	made, err := repo.Show(pull.Head())
	must(t, err)
	mode, err := repo.Mode(pull.Head(), "web/Dockerfile")
	must(t, err)
	text, err := repo.ReadFile(pull.Head(), "web/Dockerfile")
	must(t, err)
	if len(made.Parents) != 1 || made.Parents[0] != before || !made.Verified || mode != "100755" {
		t.Errorf("the commit is %+v, the file's mode %s", made, mode)
	}
	if want := strings.Replace(wasted(), "ADD server.js", "COPY server.js", 1); text != want {
		t.Errorf("the file is\n%s\nwant\n%s", text, want)
	}
	lastRun(t, pull)
}

// TestAClickThatCannotBeFollowedGetsThePatch sends each through the whole service: nothing moves, and the newest check run
// says why, with what git apply takes.
func TestAClickThatCannotBeFollowedGetsThePatch(t *testing.T) {
	t.Parallel()
	s := newStageWith(t, unlimited(), -1)
	for name, c := range map[string]struct {
		by, says string
		before   func(*githubtest.Pull) error
	}{
		"a stranger":  {by: "joe", says: "Only those who may push to this repository can ask for it."},
		"a protected": {by: "ann", says: "which may be protected.", before: func(p *githubtest.Pull) error { p.Repo().Protect("topic"); return nil }},
		"a moved": {by: "ann", says: "which is not the head any more.", before: func(p *githubtest.Pull) error {
			_, err := p.Repo().Push("topic", "Meanwhile", map[string]string{"later.md": "x\n"})
			return err
		}},
	} {
		t.Run(name+" branch", func(t *testing.T) {
			repo, err := s.hub.CreateRepo("acme", strings.ReplaceAll(name, " ", "-"), archived(demo.Base))
			must(t, err)
			repo.SetPermission("ann", "write")
			_, err = repo.Push("topic", "Change", map[string]string{"web/Dockerfile": wasted()})
			must(t, err)
			pull := openTopic(t, repo)
			s.settled(t)
			clicked := lastRun(t, pull).ID
			if c.before != nil {
				must(t, c.before(pull))
				s.settled(t)
			}
			head := pull.Head()
			must(t, repo.Click(clicked, "fix-all", c.by))
			s.settled(t)
			runs := pull.CheckRuns()
			said := runs[len(runs)-1].Summary
			if pull.Head() != head || !strings.Contains(said, c.says) || !strings.Contains(said, "-ADD server.js /srv/\n+COPY server.js /srv/\n") {
				t.Errorf("the head was %s and is %s; the check run says\n%s", head, pull.Head(), said)
			}
			s.hub.ForgetRequests()
			must(t, pull.Close("robin"))
			must(t, pull.Reopen("robin"))
			s.settled(t)
			s.wroteNothing(t)
		})
	}
}
