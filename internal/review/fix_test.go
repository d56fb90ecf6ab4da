package review

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/markdown"
)

// ask reviews the pull request with a request.
func (d *desk) request(t *testing.T, want End, q forge.Request, checks ...*check.Check) Outcome {
	t.Helper()
	d.asked = nil
	r := &Reviewer{Forge: d, Options: options(checks...)}
	out, err := r.Review(t.Context(), d.change.Ref, q)
	if err != nil {
		t.Fatal(err)
	}
	if out.End != want {
		t.Fatalf("the review ended %q, want %q; plan %+v", out.End, want, out.Plan)
	}
	return out
}

func fixAll(d *desk, by string) forge.Request {
	return forge.Request{ID: "guid-1", Kind: forge.FixAll, By: by, Commit: d.tip}
}

func twoFixable() *desk {
	return checkDesk(nil, map[string]string{
		"a/Dockerfile": "FROM node\nADD . .\nUSER node\n", "b/Dockerfile": "FROM node\nUSER node\nADD x y\nADD z .\n",
	})
}

func TestTheButtonPushesOneCommit(t *testing.T) {
	d := twoFixable()
	d.mustReview(t, Published, adds)
	if buttons := d.lastCheck(t).Actions; len(buttons) != 2 || buttons[0].ID != "fix-all" || buttons[1].ID != "re-run" {
		t.Errorf("buttons %+v", buttons)
	}
	writes := d.writes
	d.request(t, MovedOn, fixAll(d, "ann"), adds)
	if len(d.pushed) != 1 || d.writes != writes {
		t.Fatalf("%d pushes, %d other writes", len(d.pushed), d.writes-writes)
	}
	c := d.pushed[0]
	if c.Parent != d.tip || c.Branch != "topic" || len(c.Files) != 2 ||
		string(c.Files[1].Text) != "FROM node\nUSER node\nCOPY x y\nCOPY z .\n" {
		t.Errorf("commit %+v", c)
	}
	want := "Make 3 fixes to Dockerfiles\n\n- a/Dockerfile: Use COPY (add-for-local-files)\n" +
		"- b/Dockerfile: Use COPY (add-for-local-files)\n- b/Dockerfile: Use COPY (add-for-local-files)\n\n" +
		"Asked for by ann.\n\nLighterman-Request: guid-1"
	if c.Message != want {
		t.Errorf("message\n%s\nwant\n%s", c.Message, want)
	}
	// The process died before the job was settled: the request comes again, on the new head, which is reviewed.
	again := fixAll(d, "ann")
	d.tip = "3333333333333333333333333333333333333333"
	d.push(nil, map[string]string{"a/Dockerfile": "FROM node\nCOPY . .\nUSER node\n"})
	d.request(t, Published, again, adds)
	if len(d.pushed) != 1 || d.lastCheck(t).Conclusion != forge.Success {
		t.Errorf("%d pushes for one click; check run %+v", len(d.pushed), d.lastCheck(t))
	}
}

// TestTwinsAreFixedToo holds that of files with the same content, of which one comment tells, all are fixed.
func TestTwinsAreFixedToo(t *testing.T) {
	const text = "FROM node\nADD . .\nUSER node\n"
	d := checkDesk(nil, map[string]string{"a/Dockerfile": text, "b/Dockerfile": text, "c/Dockerfile": text})
	if out := d.mustReview(t, Published, adds); len(out.Opinion.Comments) != 1 {
		t.Fatalf("comments %+v", out.Opinion.Comments)
	}
	d.request(t, MovedOn, fixAll(d, "ann"), adds)
	if len(d.pushed) != 1 || len(d.pushed[0].Files) != 3 {
		t.Errorf("pushed %+v", d.pushed)
	}
}

func TestAClickThatCannotBeFollowedIsAnswered(t *testing.T) {
	const patch = "```diff\ndiff a/a/Dockerfile b/a/Dockerfile\n--- a/a/Dockerfile\n+++ b/a/Dockerfile\n@@ -1,3 +1,3 @@\n" +
		" FROM node\n-ADD . .\n+COPY . .\n USER node\n"
	for name, c := range map[string]struct {
		set   func(*desk, *forge.Request)
		words string
		patch bool
	}{
		"by a stranger":            {func(_ *desk, q *forge.Request) { q.By = "eve`@x" }, "Only those who may push to this repository can ask for it.", true},
		"on a fork":                {func(d *desk, _ *forge.Request) { d.fork = true }, "The branch is in a fork, which lighterman cannot push to.", true},
		"on a branch that is gone": {func(d *desk, _ *forge.Request) { d.orphan = true }, "The repository that the branch was in is gone.", true},
		"without the right to push": {func(d *desk, _ *forge.Request) { d.pushless = true },
			"lighterman was not granted the permission to push (contents: write).", true},
		"protected": {func(d *desk, _ *forge.Request) {
			d.fails = map[string]error{"Push": fmt.Errorf("update ref: %w", forge.ErrForbidden)}
		}, "GitHub did not let lighterman push to the branch, which may be protected.", true},
		"meanwhile": {func(d *desk, _ *forge.Request) {
			d.fails = map[string]error{"Push": fmt.Errorf("update ref: %w", forge.ErrStale)}
		}, "The branch moved meanwhile.", true},
		"another head": {func(_ *desk, q *forge.Request) { q.Commit = "2222222222" }, "It was asked for on `2222222`, which is not the head any more.", true},
	} {
		t.Run(name, func(t *testing.T) {
			d := twoFixable()
			q := fixAll(d, "ann")
			c.set(d, &q)
			d.request(t, Published, q, adds)
			run := d.lastCheck(t)
			if want := fmt.Sprintf("**Fix all**, asked for by %s: %s", markdown.Code(q.By), c.words); !strings.HasPrefix(run.Summary, want) {
				t.Errorf("the check run begins\n%s\nwant\n%s", run.Summary, want)
			}
			if strings.Contains(run.Summary, patch) != c.patch || len(d.pushed) > 0 {
				t.Errorf("pushed %+v; the check run says\n%s", d.pushed, run.Summary)
			}
			// The answer stays while nothing else changes.
			d.mustReview(t, Unchanged, adds)
		})
	}
}

func TestSafeFixesAloneArePushed(t *testing.T) {
	d := checkDesk(nil, map[string]string{"Dockerfile": "FROM node\nADD . .\nEXPOSE 1\n"})
	d.mustReview(t, Published, adds, exposes)
	if buttons := d.lastCheck(t).Actions; len(buttons) != 3 || buttons[1].ID != "fix-safe" {
		t.Errorf("buttons %+v", buttons)
	}
	q := fixAll(d, "ann")
	q.Kind = forge.FixSafe
	d.request(t, MovedOn, q, adds, exposes)
	if got, want := string(d.pushed[0].Files[0].Text), "FROM node\nCOPY . .\nEXPOSE 1\n"; got != want {
		t.Errorf("pushed\n%s\nwant\n%s", got, want)
	}
}

func TestANewRunIsMadeWhenItIsAskedFor(t *testing.T) {
	d := twoFixable()
	d.mustReview(t, Published, adds)
	again := forge.Request{ID: "guid-2", Kind: forge.Rerun, By: "ann"}
	for n, want := range []End{Published, Unchanged} { // the second time is a job that runs again
		if out := d.request(t, want, again, adds); len(d.checks) != 2 {
			t.Errorf("run %d: %d check runs; %+v", n, len(d.checks), out.Plan)
		}
	}
	d.mustReview(t, Unchanged, adds)
}

// TestThePatchApplies gives what is shown in an answer to git: it makes the files that the button would have pushed.
func TestThePatchApplies(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"one":              {"Dockerfile": "FROM node\nADD . .\nUSER node\n"},
		"two files":        {"a/Dockerfile": "FROM node\nADD . .\nUSER node\n", "b/Dockerfile": "FROM node\nUSER node\nADD x y\nADD z .\n"},
		"far apart":        {"Dockerfile": "FROM node\nADD . .\n" + strings.Repeat("RUN true\n", 40) + "ADD a b\n"},
		"no end of line":   {"Dockerfile": "FROM node\nADD . ."},
		"a blank last":     {"Dockerfile": "FROM node\nADD . .\n\n\n"},
		"spaces":           {"my dir/Dockerfile": "FROM node\nADD . .\n"},
		"quotes":           {`a"b\c/Dockerfile`: "FROM node\nADD . .\n"},
		"a line feed":      {"a\nb/Dockerfile": "FROM node\nADD . .\n"},
		"a tab":            {"a\tb/Dockerfile": "FROM node\nADD . .\n"},
		"other letters":    {"größe/Dockerfile": "FROM node\nADD ä ö\n"},
		"a fence":          {"Dockerfile": "FROM node\n# ```\nADD . .\n# ````\n"},
		"a header":         {"Dockerfile": "FROM node\nRUN a \\\n-- b\nADD . .\n"},
		"trailing spaces":  {"Dockerfile": "FROM node  \nADD . .  \n  \n"},
		"a name of dashes": {"--- a/Dockerfile": "FROM node\nADD . .\n"},
		"a heredoc":        {"Dockerfile": "FROM node\nRUN <<E\n--- a/x\n+++ b/x\n@@ -1 +1 @@\nE\nADD . .\n"},
	} {
		t.Run(name, func(t *testing.T) {
			d := checkDesk(nil, files)
			d.fork = true
			d.request(t, Published, fixAll(d, "ann"), adds)
			_, block, ok := strings.Cut(d.lastCheck(t).Summary, "`git apply` makes the change:\n\n")
			fence, rest, _ := strings.Cut(block, "diff\n")
			patch, _, ended := strings.Cut(rest, "\n"+fence+"\n")
			patch += "\n"
			if !ok || !ended {
				t.Fatalf("no patch in\n%s", d.lastCheck(t).Summary)
			}
			patch += fixes.Patch(".dockerignore", nil, []byte(".git\nno end"))
			dir := t.TempDir()
			for path, text := range files {
				if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(path)), 0o755); err != nil {
					t.Fatal(err)
				}
				write(t, dir, map[string]string{path: text})
			}
			cmd := exec.Command("git", "apply")
			cmd.Dir, cmd.Stdin = dir, strings.NewReader(patch)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s\n%s", err, out, patch)
			}
			if added, err := os.ReadFile(filepath.Join(dir, ".dockerignore")); string(added) != ".git\nno end" {
				t.Errorf("the new file is %q, %v", added, err)
			}
			for path, text := range files {
				want := strings.ReplaceAll(text, "\nADD ", "\nCOPY ")
				if got, err := os.ReadFile(filepath.Join(dir, path)); string(got) != want {
					t.Errorf("%q is %q, want %q, %v", path, got, want, err)
				}
			}
		})
	}
}

// TestAPatchThatWouldNotApplyIsNotShown holds for bytes that do not survive a page.
func TestAPatchThatWouldNotApplyIsNotShown(t *testing.T) {
	for _, text := range []string{"FROM node\r\nADD . .\r\nUSER node\r\n", "FROM node\n# \xff\nADD . .\n"} {
		d := checkDesk(nil, map[string]string{"Dockerfile": text})
		d.fork = true
		d.request(t, Published, fixAll(d, "ann"), adds)
		if said := d.lastCheck(t).Summary; strings.Contains(said, "git apply") || !strings.Contains(said, "`lighterman fix` makes it.") {
			t.Errorf("%q is answered with\n%s", text, said)
		}
	}
}
