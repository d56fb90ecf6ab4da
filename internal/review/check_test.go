package review

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
)

// checkDesk is newDesk on a host where check runs may be written.
func checkDesk(before, after map[string]string) *desk {
	d := newDesk(before, after)
	d.mayCheck = true
	return d
}

// lastCheck is what the newest check run says.
func (d *desk) lastCheck(t *testing.T) *forge.CheckDraft {
	t.Helper()
	if len(d.drafts) == 0 {
		t.Fatal("there is no check run")
	}
	return d.drafts[len(d.drafts)-1]
}

func TestTheCheckRunConcludesWhateverThereIs(t *testing.T) {
	warning, info := adds, &check.Check{}
	*info = *adds
	info.Severity = check.Info
	dockerfile := map[string]string{"Dockerfile": "FROM node\nADD . .\nUSER node\n"}
	for name, c := range map[string]struct {
		before, after map[string]string
		checks        []*check.Check
		want          forge.Conclusion
		title         string
	}{
		"no Dockerfile":           {nil, map[string]string{"a.txt": "a"}, nil, forge.Success, "No Dockerfile is changed"},
		"nothing":                 {nil, nil, nil, forge.Success, "No Dockerfile is changed"},
		"a removed Dockerfile":    {dockerfile, nil, nil, forge.Success, "No Dockerfile is changed"},
		"nothing to say":          {nil, dockerfile, nil, forge.Success, "Nothing to say about 1 Dockerfile"},
		"at what fails":           {nil, dockerfile, []*check.Check{warning}, forge.Failure, "1 finding in 1 Dockerfile"},
		"below what fails":        {nil, dockerfile, []*check.Check{info}, forge.Neutral, "1 finding in 1 Dockerfile"},
		"a file that is broken":   {nil, map[string]string{"Dockerfile": "FROM node\nFRM\n"}, nil, forge.Neutral, "1 Dockerfile could not be looked at"},
		"a configuration breaks":  {nil, map[string]string{settingsFile: "a: 1\n"}, nil, forge.Failure, "No Dockerfile is changed"},
		"a configuration changes": {nil, map[string]string{settingsFile: "builder: kaniko\n"}, nil, forge.Success, "No Dockerfile is changed"},
	} {
		t.Run(name, func(t *testing.T) {
			d := checkDesk(c.before, c.after)
			d.mustReview(t, Published, c.checks...)
			run := d.lastCheck(t)
			if run.Conclusion != c.want || run.Title != c.title {
				t.Errorf("the check run says %q, %q, want %q, %q\n%s", run.Conclusion, run.Title, c.want, c.title, run.Summary)
			}
			d.mustReview(t, Unchanged, c.checks...)
		})
	}
}

func TestWhatDoesNotStandOnTheDiffIsAnnotated(t *testing.T) {
	const pad = "RUN a\nRUN b\nRUN c\nRUN d\nRUN e\nRUN f\nRUN g\nRUN h\n"
	before := map[string]string{"Dockerfile": "FROM node\n" + pad + "USER app\nCOPY . .\n"}
	d := checkDesk(before, map[string]string{"Dockerfile": "FROM node\n" + pad + "ADD new .\nCOPY . .\n"})
	d.mustReview(t, Published, adds, rootly)
	run := d.lastCheck(t)
	if len(d.threads) != 1 || d.reviews[0].Body != "" {
		t.Errorf("threads %+v, the review says %q", d.threads, d.reviews[0].Body)
	}
	if len(run.Annotations) != 1 {
		t.Fatalf("annotations %+v", run.Annotations)
	}
	want := forge.Annotation{
		Path: "Dockerfile", StartLine: 1, EndLine: 1, Level: forge.LevelFailure, Title: "root-user",
		Message: "The program runs as root. No fix: the account is not known.",
	}
	if run.Annotations[0] != want {
		t.Errorf("annotation %+v, want %+v", run.Annotations[0], want)
	}
	for _, words := range []string{
		"| `Dockerfile` line 10 | ADD does more than this needs. [add-for-local-files](", "**Use COPY.** Proven: builds the same image. |",
		"| `Dockerfile` line 1 | The program runs as root. [root-user](", "| none |",
	} {
		if !strings.Contains(run.Summary, words) {
			t.Errorf("%q is not in\n%s", words, run.Summary)
		}
	}
	if !strings.Contains(run.Text, "<details><summary>Why 1 finding has no fix</summary>") ||
		!strings.Contains(run.Text, "- `Dockerfile` line 1: `root-user`: the account is not known.") {
		t.Errorf("the text is\n%s", run.Text)
	}
}

func TestRefusedCommentsBecomeAnnotations(t *testing.T) {
	d := checkDesk(nil, map[string]string{"Dockerfile": "FROM node\nADD . .\n"})
	d.refuses = true
	out := d.mustReview(t, Published, adds, rootly)
	if !errors.Is(out.Refused, forge.ErrRefused) || len(d.reviews) != 0 || len(d.lastCheck(t).Annotations) != 2 {
		t.Errorf("refused %v, reviews %+v, annotations %+v", out.Refused, d.reviews, d.lastCheck(t).Annotations)
	}
}

func TestDraftsAndOurOwnAreNotCommentedOn(t *testing.T) {
	for name, set := range map[string]func(*desk){
		"draft": func(d *desk) { d.draft = true }, "ours": func(d *desk) { d.ours = true },
	} {
		d := checkDesk(nil, map[string]string{"Dockerfile": "FROM node\nADD . .\n"})
		set(d)
		d.mustReview(t, Published, adds)
		if run := d.lastCheck(t); len(d.reviews) > 0 || len(run.Annotations) != 1 || run.Conclusion != forge.Failure {
			t.Errorf("%s: reviews %+v, check run %+v", name, d.reviews, run)
		}
	}
}

func TestOfAProgramsPullRequestOnlyChangedLinesAreTold(t *testing.T) {
	before := map[string]string{"Dockerfile": "FROM node\nUSER app\nRUN a\nRUN b\nRUN c\n"}
	d := checkDesk(before, map[string]string{"Dockerfile": "FROM node\nRUN a\nRUN b\nRUN c\n"})
	d.bot = true
	d.mustReview(t, Published, rootly)
	if run := d.lastCheck(t); run.Conclusion != forge.Success {
		t.Errorf("caused but not touched: %+v", run)
	}
	d.bot = false
	d.mustReview(t, Published, rootly)
	if run := d.lastCheck(t); run.Conclusion != forge.Failure {
		t.Errorf("caused by a person: %+v", run)
	}
}

// TestAnInterruptedCheckRunGoesOn holds that annotations are neither lost nor doubled when writing them was cut off.
func TestAnInterruptedCheckRunGoesOn(t *testing.T) {
	text := "FROM node\n" + strings.Repeat("ADD . .\n", 130)
	d := checkDesk(nil, map[string]string{"Dockerfile": text})
	d.mustReview(t, Published, adds)
	whole := len(d.lastCheck(t).Annotations)
	if whole != 120 {
		t.Fatalf("%d annotations", whole)
	}
	d.checks[0].Concluded, d.checks[0].Annotations = false, 50
	out := d.mustReview(t, Published, adds)
	if c := out.Plan.Check; c.ID != d.checks[0].ID || c.Written != 50 || d.checks[0].Annotations != whole {
		t.Errorf("went on with %d of run %d at %d; it has %d in the end", len(c.Annotations), c.ID, c.Written, d.checks[0].Annotations)
	}
	// Something else to say needs a new run: annotations cannot be taken back.
	d.push(nil, map[string]string{"Dockerfile": "FROM node\n" + strings.Repeat("ADD . .\n", 13)})
	if out = d.mustReview(t, Published, adds); out.Plan.Check.ID != 0 {
		t.Errorf("run %d was written over", out.Plan.Check.ID)
	}
}

func TestCellsHoldTogether(t *testing.T) {
	for in, want := range map[string]string{"a|b": `a\|b`, `a\|b`: `a\|b`, "`a|b`": "`a\\|b`", "": ""} {
		if got := cell(in); got != want {
			t.Errorf("cell(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestAnotherPullRequestsRunStays holds that where the newest check run of the head is another pull request's, that is left
// as it is: it is not written over, and a run of our own is made once.
func TestAnotherPullRequestsRunStays(t *testing.T) {
	for name, other := range map[string]forge.CheckRun{
		"passes":  {ID: 70, Key: "#70 0123456789abcdef", Concluded: true, Conclusion: forge.Success},
		"blocks":  {ID: 70, Key: "#9 0123456789abcdef", Concluded: true, Conclusion: forge.Failure},
		"is made": {ID: 70, Key: "#8 0123456789abcdef"},
	} {
		for _, checks := range [][]*check.Check{{adds}, nil} {
			d := checkDesk(nil, map[string]string{"Dockerfile": "FROM node\nADD . .\nUSER node\n"})
			d.lastID, d.checks, d.drafts = 70, []forge.CheckRun{other}, []*forge.CheckDraft{nil}
			d.mustReview(t, Published, checks...)
			if d.checks[0] != other || len(d.checks) != 2 {
				t.Errorf("%s: check runs %+v", name, d.checks)
			}
			must := name == "blocks" || checks != nil
			if stops(d.checks[1].Conclusion) != must {
				t.Errorf("%s: ours is %s", name, d.checks[1].Conclusion)
			}
			d.mustReview(t, Unchanged, checks...)
			d.checks = append(d.checks, other) // it is asked for again
			d.checks[2].ID = 71
			want := Unchanged
			if name != "blocks" && must {
				want = Published
			}
			if out := d.mustReview(t, want, checks...); out.Plan.Check != nil && out.Plan.Check.ID != 0 {
				t.Errorf("%s: an older run was written", name)
			}
		}
	}
}

// TestTwinsAreAnnotated holds that what one comment tells of several files is seen in each of them, and in the table.
func TestTwinsAreAnnotated(t *testing.T) {
	const text = "FROM node\nADD . .\nUSER node\n"
	d := checkDesk(nil, map[string]string{"a/Dockerfile": text, "b/Dockerfile": text, "c/Dockerfile": text})
	d.mustReview(t, Published, adds)
	run := d.lastCheck(t)
	var where []string
	for _, a := range run.Annotations {
		where = append(where, fmt.Sprintf("%s:%d", a.Path, a.StartLine))
	}
	if got := strings.Join(where, " "); got != "b/Dockerfile:2 c/Dockerfile:2" || len(d.threads) != 1 {
		t.Errorf("%d threads, annotations on %s", len(d.threads), got)
	}
	if !strings.Contains(run.Summary, "The same in `b/Dockerfile`, `c/Dockerfile`. |") {
		t.Errorf("the table does not tell them:\n%s", run.Summary)
	}
}

// TestABrokenConfigurationIsAnnotatedWhateverElseThereIs: so many findings leave it its place.
func TestABrokenConfigurationIsAnnotatedWhateverElseThereIs(t *testing.T) {
	d := checkDesk(nil, map[string]string{
		"Dockerfile": "FROM node\n" + strings.Repeat("ADD . .\n", 150), "b/Dockerfile": "FROM node:1\n" + strings.Repeat("ADD . .\n", 150),
		settingsFile: "\nfail-on: nonsense\n",
	})
	d.mustReview(t, Published, adds)
	all := d.lastCheck(t).Annotations
	last := all[len(all)-1]
	if len(all) != maxAnnotations || last.Path != settingsFile || last.StartLine != 2 || last.Level != forge.LevelFailure {
		t.Errorf("%d annotations, the last %+v", len(all), last)
	}
}

// TestALimitExcusesADelay once, in the run that came late: no run is made or written for it.
func TestALimitExcusesADelay(t *testing.T) {
	d := checkDesk(nil, map[string]string{"Dockerfile": "FROM node\nADD . .\n"})
	since := Since{Limited: time.Date(2026, 11, 26, 17, 20, 0, 0, time.FixedZone("", 3600))}
	r := &Reviewer{Forge: d, Options: options(adds)}
	const words = "This comes late: GitHub's rate limit kept lighterman from it until 16:20 UTC on 26 November.\n\n| where |"
	for n, want := range []End{Published, Unchanged} {
		out, err := r.ReviewSince(t.Context(), d.change.Ref, since)
		if err != nil || out.End != want || !strings.HasPrefix(d.lastCheck(t).Summary, words) {
			t.Errorf("review %d: %s, %v\n%s", n, out.End, err, d.lastCheck(t).Summary)
		}
	}
	d.mustReview(t, Unchanged, adds)
	d.push(nil, map[string]string{"Dockerfile": "FROM node\nADD . .\nADD c d\n"})
	if d.mustReview(t, Published, adds); strings.Contains(d.lastCheck(t).Summary, "late") {
		t.Errorf("without a limit it says\n%s", d.lastCheck(t).Summary)
	}
}
