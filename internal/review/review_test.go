package review

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
)

func (d *desk) review(t *testing.T, checks ...*check.Check) (Outcome, error) {
	t.Helper()
	d.asked = nil
	r := &Reviewer{Forge: d, Options: options(checks...)}
	return r.Review(context.Background(), d.change.Ref)
}

func (d *desk) mustReview(t *testing.T, want End, checks ...*check.Check) Outcome {
	t.Helper()
	out, err := d.review(t, checks...)
	if err != nil {
		t.Fatal(err)
	}
	if out.End != want {
		t.Fatalf("the review ended %q, want %q; plan %+v", out.End, want, out.Plan)
	}
	return out
}

func TestReviewPublishesOnceAndThenKeepsStill(t *testing.T) {
	d := newDesk(nil, map[string]string{"app/Dockerfile": "FROM node\nADD . .\nUSER node\n"})
	d.mustReview(t, Published, adds, rootly)
	if want := "Change Tree Prefetch Standing Publish"; strings.Join(d.asked, " ") != want {
		t.Errorf("asked %v, want %s", d.asked, want)
	}
	if len(d.threads) != 1 || !strings.Contains(d.threads[0].Comments[0].Body, "```suggestion\nCOPY . .\n```") {
		t.Fatalf("threads are %+v", d.threads)
	}
	writes := d.writes
	d.mustReview(t, Unchanged, adds, rootly)
	if want := "Change Tree Prefetch Standing"; strings.Join(d.asked, " ") != want || d.writes != writes {
		t.Errorf("the second run asked %v, want %s, and wrote %d times", d.asked, want, d.writes-writes)
	}
	d.push(nil, map[string]string{"app/Dockerfile": "FROM node\nCOPY . .\nUSER node\n"})
	d.mustReview(t, Published, adds, rootly)
	if !d.threads[0].Resolved || len(d.reviews) != 1 {
		t.Errorf("the fixed finding's thread is %+v, reviews %+v", d.threads[0], d.reviews)
	}
	d.push(nil, nil)
	d.mustReview(t, Unchanged, adds, rootly)
	if want := "Change Standing"; strings.Join(d.asked, " ") != want {
		t.Errorf("without Dockerfiles asked %v, want %s", d.asked, want)
	}
}

func TestReviewOfWhatIsNotThereAnyMore(t *testing.T) {
	text := map[string]string{"Dockerfile": "FROM node\nADD . .\n"}
	closed := newDesk(nil, text)
	closed.closed = true
	moved := newDesk(nil, text)
	moved.head = "2222222222222222222222222222222222222222"
	for want, d := range map[End]*desk{MovedOn: moved, Closed: closed} {
		d.mustReview(t, want, adds)
		if d.writes > 0 {
			t.Errorf("wrote to a pull request that is %s", want)
		}
	}
	d := newDesk(nil, text)
	d.fails = map[string]error{"Publish": fmt.Errorf("post: %w", forge.ErrStale)}
	d.mustReview(t, MovedOn, adds)
}

func TestReviewPassesOnWhatItCannotDo(t *testing.T) {
	limit := &forge.LimitError{Until: time.Unix(1, 0), Err: errors.New("slow down")}
	for _, what := range []string{"Change", "Tree", "Prefetch", "Standing", "Publish", "package.json", "Dockerfile"} {
		d := newDesk(nil, map[string]string{"Dockerfile": "FROM node\nADD . .\nCOPY . .\n", "package.json": "{}"})
		d.fails = map[string]error{what: limit}
		_, err := d.review(t, adds, broad)
		var got *forge.LimitError
		if !errors.As(err, &got) || !strings.Contains(err.Error(), "review o/r#7: ") || d.writes > 0 {
			t.Errorf("%s: error %v, %d writes", what, err, d.writes)
		}
	}
}

func TestRefusedReviewIsWrittenWithoutComments(t *testing.T) {
	d := newDesk(nil, map[string]string{"Dockerfile": "FROM node\nADD . .\n"})
	d.refuses = true
	out := d.mustReview(t, Published, adds, rootly)
	if !errors.Is(out.Refused, forge.ErrRefused) || len(d.threads) != 0 || len(d.reviews) != 1 {
		t.Fatalf("refused %v, threads %+v, reviews %+v", out.Refused, d.threads, d.reviews)
	}
	for _, words := range []string{"`Dockerfile` line 2: ADD does more than this needs.", "`Dockerfile` line 1: The program runs as root."} {
		if strings.Count(d.reviews[0].Body, words) != 1 {
			t.Errorf("%q is not told once in\n%s", words, d.reviews[0].Body)
		}
	}
	d.mustReview(t, Unchanged, adds, rootly)
}

func TestOnlyWhatThePullRequestTouchedOrCausedIsTold(t *testing.T) {
	const pad = "RUN a\nRUN b\nRUN c\nRUN d\nRUN e\nRUN f\nRUN g\nRUN h\n"
	before := map[string]string{"Dockerfile": "FROM node\nADD old .\n" + pad + "USER app\nCOPY . .\n"}
	after := map[string]string{"Dockerfile": "FROM node\nADD old .\n" + pad + "ADD new .\nCOPY . .\n", "package.json": "{}"}
	d := newDesk(before, after)
	out := d.mustReview(t, Published, adds, broad, rootly)
	var told []string
	for _, c := range out.Opinion.Comments {
		told = append(told, fmt.Sprintf("%s:%d>%d", c.Finding.Check.Name, c.Finding.Line, c.Line))
	}
	want := []string{"root-user:1>0", "add-for-local-files:11>11", "copy-order:12>12"}
	if !slices.Equal(told, want) || out.Opinion.Elsewhere != 1 {
		t.Errorf("told %v and %d elsewhere, want %v and 1", told, out.Opinion.Elsewhere, want)
	}
	if body := d.reviews[0].Body; !strings.Contains(body, "One more finding is in lines that this pull request leaves alone.") {
		t.Errorf("the summary is\n%s", body)
	}
}

func TestFilesThatCannotBeReadAreTold(t *testing.T) {
	d := newDesk(nil, map[string]string{
		"Dockerfile": "FROM node\nADD . .\n", "b/Dockerfile": "FROM a\nFRM b\n", "c/Dockerfile.j2": "FROM {{ x }}\n",
	})
	d.tree["d/Dockerfile"] = &fstest.MapFile{Mode: fs.ModeSymlink | 0o777, Data: []byte("../Dockerfile")}
	link := forge.ChangedFile{Path: "d/Dockerfile", Status: forge.Added, Patch: "@@ -0,0 +1 @@\n+../Dockerfile", Lines: 1}
	d.change.Files = append(d.change.Files, link)
	d.mustReview(t, Published, adds)
	body := d.reviews[0].Body
	for _, words := range []string{
		"`b/Dockerfile` line 2: could not be looked at: unknown instruction: FRM",
		"`d/Dockerfile`: not looked at: a symbolic link, which is not followed.",
		"`c/Dockerfile.j2`: not looked at: a template",
	} {
		if !strings.Contains(body, words) {
			t.Errorf("%q is not told in\n%s", words, body)
		}
	}
}

func TestThreadsOfAFileThatCannotBeReadStay(t *testing.T) {
	d := newDesk(nil, map[string]string{"Dockerfile": "FROM node\nADD . .\n"})
	d.mustReview(t, Published, adds)
	d.push(nil, map[string]string{"Dockerfile": "FROM node\nADD . .\nFRM\n"})
	d.mustReview(t, Published, adds)
	if d.threads[0].Resolved || len(d.reviews) != 2 {
		t.Errorf("thread %+v, reviews %+v", d.threads[0], d.reviews)
	}
	d.change.Files, d.count = nil, 1
	d.mustReview(t, Published, adds)
	if d.threads[0].Resolved {
		t.Error("the thread of a file that was not listed is resolved")
	}
	d.count = 0
	d.mustReview(t, Published, adds)
	if !d.threads[0].Resolved {
		t.Error("the thread of a file that is not changed any more is open")
	}
}

func TestManyDockerfilesAreBounded(t *testing.T) {
	files := map[string]string{}
	for n := range MaxFiles + 3 {
		files[fmt.Sprintf("%03d/Dockerfile", n)] = fmt.Sprintf("FROM node:%d\nADD . .\n", n)
	}
	d := newDesk(nil, files)
	out := d.mustReview(t, Published, adds)
	if len(out.Opinion.Comments) != MaxFiles || len(d.threads) != maxInline {
		t.Errorf("%d comments, %d threads", len(out.Opinion.Comments), len(d.threads))
	}
	if !strings.Contains(d.reviews[0].Body, "3 more changed Dockerfiles were not looked at; the first 100 were.") {
		t.Errorf("the summary is\n%s", d.reviews[0].Body)
	}
	d.mustReview(t, Unchanged, adds)
}

func TestOtherFilesAreLeftAlone(t *testing.T) {
	d := newDesk(map[string]string{"gone/Dockerfile": "FROM node\nADD . .\n"},
		map[string]string{"Dockerfile.md": "ADD", "docs/dockerfile.go": "package x\n"})
	d.mustReview(t, Unchanged, adds)
	if want := "Change Standing"; strings.Join(d.asked, " ") != want {
		t.Errorf("asked %v, want %s", d.asked, want)
	}
}

func TestPrefetchNamesWhatChecksAskFor(t *testing.T) {
	d := newDesk(nil, map[string]string{
		"svc/a/Dockerfile": "FROM node\n", "svc/a/package.json": "{}", "svc/a/src/index.js": "", "package.json": "{}",
		"compose.yml": "", ".github/workflows/ci.yml": "", "node_modules/x/package.json": "{}", "svc/a/.dockerignore": "",
		"svc/b/go.mod": "module x\n", "big/package.json": strings.Repeat(" ", maxManifest+1),
	})
	d.mustReview(t, Unchanged, adds)
	slices.Sort(d.prefetch)
	want := []string{
		".github/workflows/ci.yml", "compose.yml", "package.json", "svc/a/.dockerignore", "svc/a/Dockerfile",
		"svc/a/package.json", "svc/b/go.mod",
	}
	if !slices.Equal(d.prefetch, want) {
		t.Errorf("prefetched %v, want %v", d.prefetch, want)
	}
}

func TestPrefetchIsBounded(t *testing.T) {
	files := fstest.MapFS{}
	for n := range 3000 {
		files[fmt.Sprintf("p/%d/package.json", n)] = &fstest.MapFile{}
	}
	found, _, err := manifests(files, []string{"."}, none)
	if err != nil || len(found) != maxPrefetch {
		t.Errorf("found %d, error %v; want %d", len(found), err, maxPrefetch)
	}
	empty := fstest.MapFS{}
	for n := range 3000 {
		empty[fmt.Sprintf("p/%04d/x", n)] = &fstest.MapFile{}
	}
	empty["p/2999/package.json"] = &fstest.MapFile{}
	if found, _, err := manifests(empty, []string{"."}, none); err != nil || len(found) != 0 {
		t.Errorf("found %v beyond %d directories, error %v", found, maxDirs, err)
	}
}

func TestPrefetchSpendsNothingOnOtherPeoplesFiles(t *testing.T) {
	files := fstest.MapFS{"z/package.json": {}}
	for n := range maxDirs {
		files[fmt.Sprintf("node_modules/%d/x", n)] = &fstest.MapFile{}
	}
	for n := range 2 * maxPrefetch {
		files[fmt.Sprintf("z/a-requirements-%d.txt", n)] = &fstest.MapFile{}
	}
	found, _, err := manifests(files, []string{"."}, none)
	if err != nil || len(found) != maxPrefetch || found[0] != "z/a-requirements-0.txt" {
		t.Errorf("found %d, error %v", len(found), err)
	}
}

// unreachable is a host that answers nothing.
type unreachable struct{ fs.FS }

func (unreachable) Open(string) (fs.File, error) { return nil, errors.New("no answer") }

func TestPrefetchPassesOnFailures(t *testing.T) {
	if found, _, err := manifests(unreachable{}, []string{"."}, none); err == nil {
		t.Errorf("found %v", found)
	}
}

func TestWhatIsNoFileIsNotOpened(t *testing.T) {
	files := fstest.MapFS{"Dockerfile": {Mode: fs.ModeNamedPipe, Data: []byte("FROM a\n")}}
	if got := open(files, []forge.ChangedFile{{Path: "Dockerfile"}}); len(got) != 0 {
		t.Errorf("opened %+v", got)
	}
}

func TestReviewIsLogged(t *testing.T) {
	var out bytes.Buffer
	d := newDesk(nil, map[string]string{"Dockerfile": "FROM node\nADD . .\n"})
	d.refuses = true
	r := &Reviewer{Forge: d, Options: options(adds), Logger: slog.New(slog.NewTextHandler(&out, nil))}
	for range 2 {
		if _, err := r.Review(context.Background(), d.change.Ref); err != nil {
			t.Fatal(err)
		}
	}
	for _, words := range []string{
		"level=WARN", "pull_request=o/r#7", "end=published", "level=INFO msg=reviewed", "end=\"nothing new to say\"", "findings=1",
	} {
		if !strings.Contains(out.String(), words) {
			t.Errorf("%s is not in the log\n%s", words, out.String())
		}
	}
}

func TestWhatTheRepositoryIgnoresIsNotTold(t *testing.T) {
	const quiet, file = "ignored: [DL3020]\n", "FROM node\nADD . .\nUSER node\n"
	same := *adds
	same.Aliases = []string{"DL3020"}
	base := map[string]string{".hadolint.yaml": quiet}
	d := newDesk(base, map[string]string{".hadolint.yaml": quiet, "Dockerfile": file})
	d.mustReview(t, Unchanged, &same)
	if !slices.Contains(d.prefetch, ".hadolint.yaml") {
		t.Errorf("prefetched %v, without the ignore list", d.prefetch)
	}
	// A pull request cannot switch off what it would be told.
	d = newDesk(nil, map[string]string{".hadolint.yaml": quiet, "Dockerfile": file})
	d.mustReview(t, Published, &same)
	// A list that cannot be read is noted, and counts as none.
	d = newDesk(map[string]string{".hadolint.yaml": "ignored: {"}, map[string]string{".hadolint.yaml": "ignored: {", "Dockerfile": file})
	out := d.mustReview(t, Published, &same)
	if len(out.Opinion.Notes) != 1 || !strings.Contains(d.reviews[0].Body, "cannot be used") {
		t.Errorf("notes %+v, summary %q", out.Opinion.Notes, d.reviews[0].Body)
	}
}

const settingsFile = ".github/lighterman.yml"

func TestConfiguration(t *testing.T) {
	const file = "FROM node\nADD . .\nADD b .\n"
	for name, c := range map[string]struct {
		settings   string
		end        End
		inline     int
		severities string
	}{
		"none":     {"", Published, 2, "error warning warning"},
		"off":      {"checks: {add-for-local-files: off, root-user: off}\n", Unchanged, 0, ""},
		"severity": {"checks: {add-for-local-files: error, root-user: info}\n", Published, 2, "error error info"},
		"inline":   {"comments: {max-inline: 1}\n", Published, 1, "error warning warning"},
		"none in":  {"comments: {max-inline: 0}\n", Published, 0, "error warning warning"},
		"paths":    {"paths: {exclude: [app]}\n", Unchanged, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			base := map[string]string{settingsFile: c.settings}
			d := newDesk(base, map[string]string{settingsFile: c.settings, "app/Dockerfile": file})
			out := d.mustReview(t, c.end, adds, rootly)
			if !slices.Contains(d.prefetch, settingsFile) || strings.Count(strings.Join(d.asked, " "), "Tree") != 1 {
				t.Errorf("prefetched %v, asked %v", d.prefetch, d.asked)
			}
			var severities []string
			for _, c := range out.Opinion.Comments {
				severities = append(severities, c.Finding.Check.Severity.String())
			}
			if got := strings.Join(severities, " "); got != c.severities {
				t.Errorf("severities %q, want %q", got, c.severities)
			}
			if name != "none" && name != "severity" && len(d.threads) != c.inline {
				t.Errorf("%d threads, want %d", len(d.threads), c.inline)
			}
			d.mustReview(t, Unchanged, adds, rootly)
		})
	}
}

// TestConfigurationOfTheBase holds that a pull request is reviewed by what was decided without it.
func TestConfigurationOfTheBase(t *testing.T) {
	const on, off, file = "fail-on: info\n", "checks: {add-for-local-files: off}\n", "FROM node\nADD . .\nUSER node\n"
	head := map[string]string{settingsFile: off, "Dockerfile": file}
	newDesk(nil, head).mustReview(t, Published, adds)
	newDesk(map[string]string{settingsFile: on}, head).mustReview(t, Published, adds)
	newDesk(map[string]string{settingsFile: off}, map[string]string{settingsFile: on, "Dockerfile": file}).mustReview(t, Unchanged, adds)
	newDesk(map[string]string{settingsFile: off}, map[string]string{"Dockerfile": file}).mustReview(t, Unchanged, adds)

	// Where the host leaves the diff out, or lists not all files, the base branch itself is read.
	for name, hide := range map[string]func(*desk){
		"the diff": func(d *desk) {
			n := slices.IndexFunc(d.change.Files, func(c forge.ChangedFile) bool { return c.Path == settingsFile })
			d.change.Files[n].Patch = ""
		},
		"the file": func(d *desk) {
			d.change.Files = slices.DeleteFunc(d.change.Files, func(c forge.ChangedFile) bool { return c.Path == settingsFile })
			d.change.Full, d.count = true, 2
		},
	} {
		d := newDesk(map[string]string{settingsFile: on}, head)
		hide(d)
		d.base = fstest.MapFS{settingsFile: {Data: []byte(on)}}
		out := d.mustReview(t, Published, adds)
		if len(out.Opinion.Comments) != 1 {
			t.Errorf("without %s: %+v", name, out.Opinion.Comments)
		}
		d.fails = map[string]error{"Tree base": errors.New("no answer")}
		if _, err := d.review(t, adds); err == nil {
			t.Errorf("without %s: the base could not be read, and nobody was told", name)
		}
	}
}

// TestBrokenConfiguration tells of a configuration that breaks with the pull request, on its line.
func TestBrokenConfiguration(t *testing.T) {
	d := newDesk(map[string]string{settingsFile: "builder: kaniko\n"},
		map[string]string{settingsFile: "builder: kanico\nfail_on: x\n", "Dockerfile": "FROM node\nUSER node\n"})
	out := d.mustReview(t, Published, adds)
	if len(out.Opinion.Notes) != 2 || !out.Opinion.Notes[0].Urgent {
		t.Fatalf("notes %+v", out.Opinion.Notes)
	}
	for _, words := range []string{"`.github/lighterman.yml` line 1: this breaks the configuration: builder is", `did you mean "fail-on"?`} {
		if !strings.Contains(d.reviews[0].Body, words) {
			t.Errorf("%q is not in\n%s", words, d.reviews[0].Body)
		}
	}
	// On the base branch it was broken before: what holds by default is taken.
	d = newDesk(map[string]string{settingsFile: "a: 1\nb: 2\n"}, map[string]string{settingsFile: "a: 1\nb: 2\n", "Dockerfile": "FROM node\nADD . .\n"})
	d.mustReview(t, Published, adds)
	if words := "there is no key \"a\""; !strings.Contains(d.reviews[0].Body, words) || !strings.Contains(d.reviews[0].Body, "(and 1 more)") {
		t.Errorf("%q is not in\n%s", words, d.reviews[0].Body)
	}
	d.mayCheck, d.reviews, d.threads = true, nil, nil
	d.push(map[string]string{settingsFile: "a: 1\nb: 2\n"}, map[string]string{settingsFile: "a: 1\nb: 2\n", "Dockerfile": "FROM node\nUSER node\n"})
	d.mustReview(t, Published, adds)
	run := d.lastCheck(t)
	if run.Conclusion != forge.Neutral || len(run.Annotations) != 1 || run.Annotations[0].Path != settingsFile || run.Annotations[0].StartLine != 1 {
		t.Errorf("the check run says %s, %+v", run.Conclusion, run.Annotations)
	}
}

func none(string) bool { return false }
