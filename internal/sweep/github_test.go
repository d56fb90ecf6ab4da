package sweep

import (
	"slices"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
)

// onGitHub is a repository on GitHub's double, and a sweeper that reaches it as the App does.
func onGitHub(t *testing.T, files map[string]string) (*githubtest.Server, *githubtest.Repo, *Sweeper, func(Ask) Outcome) {
	t.Helper()
	s := githubtest.Start(t, githubtest.Options{Limits: githubtest.Unlimited()})
	repo, err := s.CreateRepo("acme", "shop", files)
	if err != nil {
		t.Fatal(err)
	}
	repo.SetPermission("robin", "write")
	app, err := github.New(github.Options{AppID: s.AppID(), PrivateKey: s.PrivateKey(), WritePause: -1, BaseURL: s.URL()})
	if err != nil {
		t.Fatal(err)
	}
	sweeper := &Sweeper{Host: app, Options: words(), Version: "v1"}
	place := forge.Repo{Installation: s.InstallationID("acme"), Owner: "acme", Name: "shop"}
	return s, repo, sweeper, func(ask Ask) Outcome {
		t.Helper()
		s.ForgetRequests()
		out, err := sweeper.Sweep(t.Context(), place, ask)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// operations are what GitHub was asked.
func operations(s *githubtest.Server) string {
	var all []string
	for _, r := range s.Requests() {
		all = append(all, r.Operation)
	}
	return strings.Join(all, " ")
}

// TestOnGitHub carries a sweep's pull requests through their lives as GitHub has them: opened, closed and unmuted, merged and
// reverted, taken over. Whatever happened, a second sweep writes nothing, and with a memory takes three requests at most.
func TestOnGitHub(t *testing.T) {
	s, repo, _, sweep := onGitHub(t, map[string]string{".github/lighterman.yml": on, "Dockerfile": three})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var ask Ask
	settled := func(what string, opened, written int) {
		t.Helper()
		out := sweep(ask)
		if out.Opened != opened || out.Written != written {
			t.Errorf("%s: opened %d, wrote %d: %+v", what, out.Opened, out.Written, out.Steps)
		}
		ask.Memory = out.Memory
		if again := sweep(ask); again.Written != 0 || len(s.Requests()) > 3 {
			t.Errorf("%s: wrote %d again, and asked for %s", what, again.Written, operations(s))
		}
	}
	settled("the first", 3, 3)
	pulls := repo.Pulls()
	if _, err := pulls[0].Merge("robin"); err != nil {
		t.Fatal(err)
	}
	must(pulls[1].Close("robin"))
	settled("one merged, one closed", 0, 2) // its branch goes, and the third is made anew on what was merged

	_, err := pulls[1].Comment("robin", "/lighterman unmute")
	must(err)
	settled("unmuted", 1, 2)
	_, err = repo.Push(pulls[2].HeadBranch(), "mine", map[string]string{"x": "y"})
	must(err)
	settled("taken over", 0, 1)
	_, err = repo.Push("main", "change", map[string]string{"Dockerfile": "FROM b\nRUN x\nRUN FAT y\nRUN ROOT z\n"})
	must(err)
	settled("the base moved", 0, 1)
	_, err = repo.Push("main", "revert", map[string]string{"Dockerfile": "FROM b\nRUN LOUD x\nRUN y\nRUN z\n"})
	must(err)
	settled("reverted, and fixed by hand", 0, 1)
	if n := slices.IndexFunc(repo.Pulls(), func(p *githubtest.Pull) bool { return p.Number() > pulls[2].Number()+1 }); n >= 0 {
		t.Errorf("there is another pull request, %s", repo.Pulls()[n].Title())
	}
}

// TestOnboardingOnGitHub asks, and once the answer is merged the next sweep opens what it showed.
func TestOnboardingOnGitHub(t *testing.T) {
	s, repo, sweeper, sweep := onGitHub(t, map[string]string{"Dockerfile": three})
	out := sweep(Ask{})
	if out.Consent != Missing || len(repo.Pulls()) != 0 {
		t.Fatalf("%+v", out)
	}
	totals := []RepoTotals{{out.Repository.Repo, out.Totals}}
	for n := range 2 {
		step, err := sweeper.Onboard(t.Context(), out.Repository.Repo, totals, nil, Ask{})
		if err != nil || step.Done != (n == 0) || step.Number != 1 {
			t.Fatalf("%+v, %v", step, err)
		}
	}
	if out = sweep(Ask{Memory: out.Memory}); out.Written != 0 || len(s.Requests()) != 1 {
		t.Errorf("%+v asked for %s", out, operations(s))
	}
	if _, err := repo.Pulls()[0].Merge("robin"); err != nil {
		t.Fatal(err)
	}
	if out = sweep(Ask{Memory: out.Memory}); out.Consent != Given || out.Opened != 3 {
		t.Errorf("%+v", out)
	}
	step, err := sweeper.Onboard(t.Context(), out.Repository.Repo, totals, nil, Ask{})
	if _, gone := repo.Head(OnboardingBranch); err != nil || step.Act != Tidy || gone == nil {
		t.Errorf("%+v, %v, %v", step, err, gone)
	}
}
