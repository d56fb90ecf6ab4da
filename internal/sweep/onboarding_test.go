package sweep

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
)

// ask makes the onboarding pull request of the town, and tells what was written.
func (h *town) ask(t *testing.T, totals ...RepoTotals) (Step, string) {
	t.Helper()
	there, _ := h.Repository(t.Context(), h.repo.Repo)
	all, _ := h.Proposals(t.Context(), h.repo.Repo, []string{OnboardingBranch})
	files, _ := h.Tree(t.Context(), h.repo.Repo, there.Head)
	step, err := Onboarding(Invitation{
		Repository: there, Files: files, Proposal: all[0], Settings: config.Settings{Checks: words().Checks}, Totals: totals,
		Skipped: map[Reason]int{Forked: 2, Archived: 1}, Now: h.clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	if h.log = nil; !step.Motion.Empty() {
		if _, err := h.Propose(t.Context(), h.repo.Repo, step.Motion); err != nil {
			t.Fatal(err)
		}
	}
	return step, h.wrote()
}

func gain(t *testing.T) RepoTotals {
	t.Helper()
	h := newTown(map[string]string{"Dockerfile": three})
	out, _ := h.sweep(t, Ask{})
	return RepoTotals{forge.Repo{Owner: "acme", Name: "secret-plans"}, out.Totals}
}

const asked = "commit lighterman/onboarding, open lighterman/onboarding, text #1"

// TestOnboarding asks once, says what there is to gain, and takes every answer.
func TestOnboarding(t *testing.T) {
	for name, tt := range map[string]struct {
		files []string
		do    func(h *town)
		first string
		then  string
		why   string
	}{
		"nobody answers":      {nil, func(*town) {}, asked, "", "it is up to date"},
		"no":                  {nil, func(h *town) { h.close(h.pulls[0], false) }, asked, "", "it was asked before, and answered"},
		"yes":                 {nil, func(h *town) { h.merge(h.pulls[0]) }, asked, "delete lighterman/onboarding", "it was decided"},
		"decided otherwise":   {nil, func(h *town) { h.edit(map[string]string{".lighterman.yml": "sweeps: {enabled: false}"}) }, asked, "say #1, close #1, delete lighterman/onboarding", "it was decided"},
		"a person's commit":   {nil, func(h *town) { h.push(OnboardingBranch, h.main(), "mine", false) }, asked, "say #1", "a person's commit"},
		"conflicting":         {nil, func(h *town) { h.edit(map[string]string{".github/lighterman.yml": "fail-on: error\n"}) }, asked, "commit lighterman/onboarding, text #1", "there is something else"},
		"decided before":      {[]string{".github/lighterman.yml", "sweeps: {enabled: false}"}, func(*town) {}, "", "", "it was decided"},
		"cannot be used":      {[]string{".github/lighterman.yml", "sweeps: ["}, func(*town) {}, "", "", "the configuration cannot be used"},
		"two files":           {[]string{".github/lighterman.yml", "", ".lighterman.yml", ""}, func(*town) {}, "", "", "the configuration cannot be used"},
		"not to be added to":  {[]string{".github/lighterman.yml", "{sweeps: {draft: true}}"}, func(*town) {}, "", "", "the configuration has to be changed by hand"},
		"the key is there":    {[]string{".github/lighterman.yml", "sweeps:\n  enabled:\n"}, func(*town) {}, "", "", "the configuration has to be changed by hand"},
		"taken back, then no": {nil, func(h *town) { h.close(h.pulls[0], true) }, asked, "open lighterman/onboarding, text #2", "the branch has no pull request yet"},
	} {
		h := newTown(map[string]string{"README.md": "hello"})
		for n := 0; n < len(tt.files); n += 2 {
			h.edit(map[string]string{tt.files[n]: tt.files[n+1] + "\n"})
		}
		if _, wrote := h.ask(t, gain(t)); wrote != tt.first {
			t.Errorf("%s: wrote %q first", name, wrote)
		}
		if _, wrote := h.ask(t, gain(t)); wrote != "" {
			t.Errorf("%s: wrote %q with nothing changed", name, wrote)
		}
		tt.do(h)
		step, wrote := h.ask(t, gain(t))
		if wrote != tt.then || !strings.HasPrefix(step.Why, tt.why) {
			t.Errorf("%s: wrote %q then, for %s", name, wrote, step.Why)
		}
		if _, wrote := h.ask(t, gain(t)); wrote != "" {
			t.Errorf("%s: wrote %q again", name, wrote)
		}
	}
}

// TestOnboardingText tells what is gained and how to answer, and no name of another repository.
func TestOnboardingText(t *testing.T) {
	h := newTown(map[string]string{"README.md": "hello"})
	g := gain(t)
	g.Totals.Gain = Gain{Bytes: 160_000_000, Known: 1}
	h.ask(t, g, g)
	body := h.pulls[0].Body
	for _, want := range []string{
		"looked at 2 Dockerfiles in 2 repositories. It found 6 problems, and can fix 6 of them", "The compressed images get 320.0 MB smaller by their bases alone.",
		"**Merging this**", "**Closing this** means no", "| Keep Docker build steps cached | 2 | 2 |", "| there is LOUD | 2 | 2 |",
		"Not looked at: 1 (archived), 2 (fork).", "other repositories decide for themselves",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	if strings.Contains(body, "secret-plans") {
		t.Error("it names a repository")
	}
	h.repo.Repo.Name = ".github"
	if _, wrote := h.ask(t, g, g); wrote != "text #1" || !strings.Contains(h.pulls[0].Body, "in every repository of `acme`") {
		t.Errorf("wrote %q\n%s", wrote, h.pulls[0].Body)
	}
	if step, wrote := newTown(map[string]string{"x": "y"}).ask(t); wrote != "" || step.Why != "there is nothing to fix" {
		t.Errorf("wrote %q, for %s", wrote, step.Why)
	}
}

// TestAgreed: a configuration keeps every other byte, and then says that sweeps are enabled and nothing else.
func TestAgreed(t *testing.T) {
	for was, want := range map[string]string{
		"":                                     "sweeps:\n  enabled: true\n",
		"fail-on: error":                       "fail-on: error\nsweeps:\n  enabled: true\n",
		"fail-on: error\r\n":                   "fail-on: error\r\nsweeps:\r\n  enabled: true\r\n",
		"sweeps: {}\n":                         "sweeps: {enabled: true}\n",
		"sweeps: {draft: true} # x\nbots: all": "sweeps: {enabled: true, draft: true} # x\nbots: all",
		"sweeps:\n    draft: true\n":           "sweeps:\n    enabled: true\n    draft: true\n",
		"sweeps: # x\n\tdraft\n":               "",
		"sweeps:\nbots: all\n":                 "sweeps:\n  enabled: true\nbots: all\n",
		"sweeps:\n  # why\n  draft: true\n":    "sweeps:\n  enabled: true\n  # why\n  draft: true\n",
	} {
		path := ".github/lighterman.yml"
		in := Invitation{Files: fstest.MapFS{path: {Data: []byte(was)}}}
		c, err := config.Load(in.Files, in.Settings)
		if err != nil {
			c = config.Default(nil)
		}
		files, ok, err := in.agreeing(c)
		switch {
		case err != nil || ok != (want != ""):
			t.Errorf("%q: %t, %v", was, ok, err)
		case ok && (string(files[0].Text) != want || files[0].Path != path):
			t.Errorf("%q: got %q, want %q", was, files[0].Text, want)
		}
	}
}

func TestMostToGain(t *testing.T) {
	with := func(name string, n int) RepoTotals { return RepoTotals{forge.Repo{Name: name}, Totals{Fixable: n}} }
	if best, ok := MostToGain([]RepoTotals{with("a", 1), with("b", 3), with("c", 3)}); !ok || best.Repo.Name != "b" {
		t.Errorf("%v %t", best, ok)
	}
	if _, ok := MostToGain([]RepoTotals{with("a", 0)}); ok {
		t.Error("there is nothing to gain")
	}
	if _, ok := MostToGain(nil); ok {
		t.Error("there is nothing at all")
	}
}

// TestOnboard asks on the code host once, within what is permitted, and not where it is out of place.
func TestOnboard(t *testing.T) {
	h := newTown(map[string]string{"README.md": "hello"})
	totals := []RepoTotals{gain(t)}
	onboard := func(ask Ask) (Step, string) {
		t.Helper()
		h.log = nil
		step, err := h.sweeper().Onboard(t.Context(), h.repo.Repo, totals, nil, ask)
		if err != nil {
			t.Fatal(err)
		}
		return step, h.wrote()
	}
	if step, wrote := onboard(Ask{DryRun: true}); wrote != "" || step.Act != Open || step.Motion.Empty() {
		t.Errorf("%+v wrote %q", step, wrote)
	}
	if step, wrote := onboard(Ask{Permit: func(int) bool { return false }}); wrote != "" || !step.Waits {
		t.Errorf("%+v wrote %q", step, wrote)
	}
	h.edit(map[string]string{".github/lighterman.yml": "sweeps: {quiet-hours: \"11:00-13:00\"}\n"})
	if step, wrote := onboard(Ask{}); wrote != "" || !step.Waits {
		t.Errorf("in the quiet hours: %+v wrote %q", step, wrote)
	}
	h.clock = h.clock.Add(2 * time.Hour)
	h.watch = func() { h.watch = nil; h.push(OnboardingBranch, h.main(), "mine", false, h.branches["main"]) }
	if step, wrote := onboard(Ask{}); wrote != "" || step.Act != Rest {
		t.Errorf("%+v wrote %q", step, wrote)
	}
	h.drop(OnboardingBranch)
	if step, wrote := onboard(Ask{}); wrote != asked || step.Number != 1 || !step.Done {
		t.Errorf("%+v wrote %q", step, wrote)
	}
	if _, wrote := onboard(Ask{}); wrote != "" {
		t.Errorf("wrote %q again", wrote)
	}
	h.repo.Archived = true
	h.close(h.pulls[0], true)
	if step, wrote := onboard(Ask{}); wrote != "" || step.Act != Rest {
		t.Errorf("%+v wrote %q", step, wrote)
	}
}
