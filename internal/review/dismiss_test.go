package review

import (
	"errors"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
)

// TestDismissedStaysDismissed holds for every way to dismiss that the finding is told nowhere, also after its lines moved,
// after the branch was rebased so that all threads are outdated, and that it is told again once its instruction has other
// words.
func TestDismissedStaysDismissed(t *testing.T) {
	for name, dismiss := range map[string]func(*desk){
		"resolved":                func(d *desk) { d.threads[0].Resolved, d.threads[0].ResolvedBy = true, "joe" },
		"hidden":                  func(d *desk) { d.threads[0].Hidden = "off-topic" },
		"resolved by the author":  func(d *desk) { d.threads[0].Resolved, d.threads[0].ResolvedBy, d.writer = true, author, author },
		"a thumb of the author":   func(d *desk) { d.threads[0].Downs, d.writer = []string{"robin"}, author },
		"a thumb of a writer":     func(d *desk) { d.threads[0].Downs = []string{"joe", "ann"} },
		"the command":             func(d *desk) { d.say("ann", "/lighterman ignore because I say so", 0) },
		"the command with a name": func(d *desk) { d.say("ann", "/lighterman ignore add-for-local-files", 0) },
	} {
		for _, resolvable := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				d := commandDesk(t)
				d.threads[0].CanResolve = resolvable
				dismiss(d)
				d.mustReview(t, Published, adds)
				d.mustReview(t, Unchanged, adds)
				silent := func(when string) {
					t.Helper()
					if run := d.lastCheck(t); run.Conclusion != forge.Success || !strings.Contains(run.Summary, "1 finding was dismissed") {
						t.Errorf("%s the check run says %s %s", when, run.Conclusion, run.Summary)
					}
				}
				silent("at once")
				d.push(nil, map[string]string{"Dockerfile": "# a head\n\nFROM node\nADD . .\nUSER node\n"})
				d.threads[0].Line = 4
				d.mustReview(t, Unchanged, adds)
				d.threads[0].Line, d.threads[0].Outdated = 0, true
				d.tip, d.change.Head = "2222222222222222222222222222222222222222", "2222222222222222222222222222222222222222"
				d.mustReview(t, Unchanged, adds)
				if len(d.threads) != 1 {
					t.Errorf("said again: %+v", d.threads[1:])
				}
				d.push(nil, map[string]string{"Dockerfile": "FROM node\nADD src .\nUSER node\n"})
				if d.mustReview(t, Published, adds); len(d.threads) != 2 || d.lastCheck(t).Conclusion != forge.Failure {
					t.Errorf("other words are not told: %+v", d.threads)
				}
				d.mustReview(t, Unchanged, adds)
			})
		}
	}
}

// TestTheAuthorDoesNotDecide holds that where the author of a pull request, who may not push, dismisses a finding, nothing
// more is said on the diff, but the check run fails as before until somebody else dismisses it.
func TestTheAuthorDoesNotDecide(t *testing.T) {
	for name, dismiss := range map[string]func(*desk){
		"resolved": func(d *desk) { d.threads[0].Resolved, d.threads[0].ResolvedBy = true, "Robin" },
		"a thumb":  func(d *desk) { d.threads[0].Downs = []string{"Robin"} },
	} {
		t.Run(name, func(t *testing.T) {
			d := commandDesk(t)
			dismiss(d)
			d.mustReview(t, Published, adds)
			d.mustReview(t, Unchanged, adds)
			run := d.lastCheck(t)
			if run.Conclusion != forge.Failure || len(run.Annotations) > 0 || len(run.Actions) != 2 ||
				!strings.Contains(run.Summary, "1 finding was dismissed by the author of the pull request, who may not push") {
				t.Errorf("the check run is %+v", run)
			}
			if len(d.threads) != 1 || len(d.open()) != 0 {
				t.Errorf("threads %+v", d.threads)
			}
			d.say("ann", "/lighterman ignore because I say so", 0)
			if d.mustReview(t, Published, adds); d.lastCheck(t).Conclusion != forge.Success {
				t.Errorf("the check run is %+v", d.lastCheck(t))
			}
			mild := *adds
			mild.Severity = check.Info
			d = commandDesk(t)
			dismiss(d)
			d.mustReview(t, Published, &mild)
			if run := d.lastCheck(t); run.Conclusion != forge.Success || !strings.Contains(run.Summary, "1 finding was dismissed by people") {
				t.Errorf("what fails nothing: %+v", run)
			}
		})
	}
}

func TestADismissedThreadIsClosedUnlessSomebodyAnswered(t *testing.T) {
	d := commandDesk(t)
	d.threads[0].Downs = []string{"robin"}
	if out := d.mustReview(t, Published, adds); len(out.Plan.Resolve) != 1 {
		t.Errorf("plan %+v", out.Plan)
	}
	d = commandDesk(t)
	d.threads[0].CanResolve = false
	d.say("ann", "/lighterman ignore", 0)
	if out := d.mustReview(t, Published, adds); len(out.Plan.Minimize)+len(out.Plan.Resolve)+len(out.Plan.Edit) != 0 {
		t.Errorf("plan %+v", out.Plan)
	}
}

func TestWhatDoesNotDismiss(t *testing.T) {
	for name, try := range map[string]func(*desk){
		"a thumb of a stranger":   func(d *desk) { d.threads[0].Downs = []string{"joe"} },
		"the command of a reader": func(d *desk) { d.say("joe", "/lighterman ignore", 0) },
		"another check":           func(d *desk) { d.say("ann", "/lighterman ignore root-user") },
		"a command without thumb": func(d *desk) {
			d.threads[0].Comments = append(d.threads[0].Comments, forge.Comment{Author: "ann", Edited: true, Body: "/lighterman ignore"})
		},
		"a thumb before the words": func(d *desk) { d.talk = append(d.talk, edited("joe")) },
		"a bot's":                  func(d *desk) { d.talk = append(d.talk, accepted("renovate[bot]")) },
		"our own":                  func(d *desk) { c := accepted(botName); c.Ours = true; d.talk = append(d.talk, c) },
	} {
		d := commandDesk(t)
		try(d)
		if _, err := d.review(t, adds, rootly); err != nil {
			t.Fatal(err)
		}
		if run := d.lastCheck(t); !strings.Contains(run.Summary, "ADD does more") || len(d.open()) != 1 {
			t.Errorf("%s dismisses: %s", name, run.Summary)
		}
	}
}

// accepted is an ignore command with our thumb.
func accepted(by string) forge.Comment {
	return forge.Comment{
		ID: 500, Author: by, Body: "/lighterman ignore add-for-local-files", Reacted: []forge.Emoji{forge.ThumbUp},
	}
}

// edited is one that got its thumb as another command, for all we know.
func edited(by string) forge.Comment {
	c := accepted(by)
	c.Edited = true
	return c
}

func TestAWriterMayEditAnAcceptedCommand(t *testing.T) {
	d := commandDesk(t)
	d.talk = append(d.talk, edited("ann"))
	if d.mustReview(t, Published, adds); d.lastCheck(t).Conclusion != forge.Success {
		t.Errorf("check run %+v", d.lastCheck(t))
	}
}

func TestACheckIsDismissedOnThePullRequest(t *testing.T) {
	d := checkDesk(nil, map[string]string{"Dockerfile": "FROM node\nADD . .\nADD a b\n"})
	d.mustReview(t, Published, adds, rootly)
	id := d.say("ann", "/lighterman ignore add-for-local-files because of the tarballs")
	out := d.mustReview(t, Published, adds, rootly)
	if len(out.Plan.Resolve) != 2 || len(d.open()) != 1 || d.reacted(id) != "+1" || len(d.replies(id)) != 0 {
		t.Errorf("plan %+v, replied %q", out.Plan, d.replies(id))
	}
	d.push(nil, map[string]string{"Dockerfile": "FROM node\nADD . .\nADD a b\nADD c d\n"})
	d.mustReview(t, Published, adds, rootly)
	if run := d.lastCheck(t); len(d.open()) != 1 || !strings.Contains(run.Summary, "3 findings were dismissed") {
		t.Errorf("open %d: %s", len(d.open()), run.Summary)
	}
	d.talk = nil // the command is deleted
	if out = d.mustReview(t, Published, adds, rootly); len(out.Plan.Review.Comments) != 3 {
		t.Errorf("after the command was deleted: %+v", out.Plan)
	}
}

func TestAThreadOfSomebodyElseIsLikeThePullRequest(t *testing.T) {
	d := commandDesk(t)
	d.others = []forge.Thread{{ID: "other", Comments: []forge.Comment{
		{ID: 300, Author: "joe", Body: "hm"}, {ID: 301, Author: "ann", Body: "/lighterman ignore add-for-local-files"},
		{ID: 302, Author: "ann", Body: "/lighterman ignore"},
	}}}
	out := d.mustReview(t, Published, adds)
	if d.reacted(301) != "+1" || d.reacted(302) != "confused" || out.Plan.Replies[0].Thread != 300 || d.lastCheck(t).Conclusion != forge.Success {
		t.Errorf("reacted %s, %s; plan %+v", d.reacted(301), d.reacted(302), out.Plan)
	}
	d.mustReview(t, Unchanged, adds)
}

func TestFixAllLeavesWhatIsDismissed(t *testing.T) {
	d := checkDesk(nil, map[string]string{"Dockerfile": "FROM node\nADD . .\nADD a b\nUSER node\n"})
	d.mustReview(t, Published, adds)
	d.threads[0].Resolved, d.threads[0].ResolvedBy = true, "joe"
	d.say("ann", "/lighterman fix")
	d.mustReview(t, MovedOn, adds)
	if want := "FROM node\nADD . .\nCOPY a b\nUSER node\n"; string(d.pushed[0].Files[0].Text) != want {
		t.Errorf("pushed %q, want %q", d.pushed[0].Files[0].Text, want)
	}
}

// TestOnlyThoseInDoubtAreLookedUp holds that permissions are asked for only where a decision hangs on them.
func TestOnlyThoseInDoubtAreLookedUp(t *testing.T) {
	d := commandDesk(t)
	d.threads[0].Resolved, d.threads[0].ResolvedBy = true, "joe" // who may, for it is not joe's pull request
	d.say("joe", "/lighterman help")
	d.mustReview(t, Published, adds)
	if strings.Contains(strings.Join(d.asked, " "), "MayWrite") {
		t.Errorf("asked %v", d.asked)
	}
	d = commandDesk(t)
	for range 30 {
		d.threads[0].Downs = append(d.threads[0].Downs, "joe", "Joe")
	}
	d.mustReview(t, Unchanged, adds, rootly)
	if got := strings.Count(strings.Join(d.asked, " "), "MayWrite"); got != 1 {
		t.Errorf("asked %d times", got)
	}
	for n := range 30 {
		d.threads[0].Downs = append(d.threads[0].Downs, strings.Repeat("x", n+1))
	}
	d.mustReview(t, Unchanged, adds, rootly)
	if got := strings.Count(strings.Join(d.asked, " "), "MayWrite"); got != maxLogins {
		t.Errorf("asked %d times, want %d", got, maxLogins)
	}
	d.fails = map[string]error{"MayWrite": errors.New("no answer")}
	if _, err := d.review(t, adds, rootly); err == nil {
		t.Error("a permission that could not be asked for counted as none")
	}
}

// TestInlineOffersTheCommentLine holds that the suggestion replaces just the lines of its thread, keeps them, and that the
// finding is gone in the file that the click makes.
func TestInlineOffersTheCommentLine(t *testing.T) {
	d := commandDesk(t)
	id := d.say("ann", "/lighterman ignore inline because of\tthe `tar` archive", 0)
	out := d.mustReview(t, Published, adds)
	const block = "```suggestion\n# lighterman ignore=add-for-local-files because of the `tar` archive\nADD . .\n```"
	if got := d.replies(id); len(got) != 1 || !strings.Contains(got[0], block) {
		t.Fatalf("replied %q", got)
	}
	if len(out.Plan.Resolve) != 0 {
		t.Error("the thread with the suggestion was resolved")
	}
	d.mustReview(t, Unchanged, adds)
	after := "FROM node\n# lighterman ignore=add-for-local-files because of the `tar` archive\nADD . .\nUSER node\n"
	d.push(nil, map[string]string{"Dockerfile": after})
	d.threads[0].Outdated, d.threads[0].Line = true, 0
	d.mustReview(t, Published, adds)
	if run := d.lastCheck(t); run.Conclusion != forge.Success || strings.Contains(run.Summary, "dismissed") || !d.threads[0].Resolved {
		t.Errorf("check run %+v, thread %+v", run, d.threads[0])
	}
	d.mustReview(t, Unchanged, adds)
}

func TestInlineIsNoSuggestionWhereItCannotBe(t *testing.T) {
	for name, change := range map[string]func(*desk){
		"outdated":         func(d *desk) { d.threads[0].Outdated, d.threads[0].Line = true, 0 },
		"other lines":      func(d *desk) { d.threads[0].Line = 1 },
		"carriage returns": func(d *desk) { d.push(nil, map[string]string{"Dockerfile": strings.ReplaceAll(guilty, "\n", "\r\n")}) },
	} {
		d := commandDesk(t)
		change(d)
		id := d.say("ann", "/lighterman ignore inline", 0)
		if _, err := d.review(t, adds); err != nil {
			t.Fatal(err)
		}
		got := d.replies(id)
		if len(got) != 1 || strings.Contains(got[0], "suggestion") || !strings.Contains(got[0], "```dockerfile\n# lighterman ignore=add-for-local-files\n```") {
			t.Errorf("%s: replied %q", name, got)
		}
		if !d.threads[0].Resolved {
			t.Errorf("%s: the thread stays open", name)
		}
	}
}
