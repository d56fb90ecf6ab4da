package review

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/lighterman/lighterman/internal/forge"
)

// TestAManifestCanBreakADockerfile holds that a Dockerfile is looked at when only what it depends on changes, and that
// nothing is told but what that change caused.
func TestAManifestCanBreakADockerfile(t *testing.T) {
	before := map[string]string{"app/Dockerfile": "FROM node\nCOPY . .\nADD x .\n", "other/Dockerfile": "FROM node\nCOPY . .\n"}
	after := map[string]string{"package.json": "{}"}
	for name, text := range before {
		after[name] = text
	}
	d := checkDesk(before, after)
	d.mustReview(t, Published, adds, broad)
	run := d.lastCheck(t)
	if run.Title != "2 findings in Dockerfiles that are not changed" || len(run.Annotations) != 2 || len(d.reviews) > 0 ||
		run.Annotations[0].Path != "app/Dockerfile" || run.Annotations[0].Title != "copy-order" {
		t.Errorf("reviews %+v, check run %+v", d.reviews, run)
	}
	if strings.Contains(run.Summary, "leaves alone") {
		t.Errorf("findings of Dockerfiles that are not changed are counted:\n%s", run.Summary)
	}
	d.mustReview(t, Unchanged, adds, broad)
	d.push(before, before)
	d.mustReview(t, Published, adds, broad)
	if run := d.lastCheck(t); run.Conclusion != forge.Success {
		t.Errorf("healed: %+v", run)
	}
}

func TestOnlyNearbyDockerfilesAreAffected(t *testing.T) {
	tree := fstest.MapFS{}
	for _, name := range []string{"Dockerfile", "a/Dockerfile", "a/b/Dockerfile", "a/b/c/d/Dockerfile", "z/Dockerfile", "a/node_modules/Dockerfile"} {
		tree[name] = &fstest.MapFile{}
	}
	for n := range 40 {
		tree[fmt.Sprintf("many/%02d/Dockerfile", n)] = &fstest.MapFile{}
	}
	for changed, want := range map[string]string{
		"a/b/package.json": "a/b/Dockerfile a/Dockerfile Dockerfile a/b/c/d/Dockerfile",
		"z/.dockerignore":  "z/Dockerfile Dockerfile",
		"README.md":        "",
	} {
		found, err := affected(tree, []forge.ChangedFile{{Path: changed, Status: forge.Modified}}, nil, options())
		var names []string
		for _, c := range found {
			names = append(names, c.Path)
		}
		if got := strings.Join(names, " "); got != want || err != nil {
			t.Errorf("%s: %s, %v; want %s", changed, got, err, want)
		}
	}
	found, err := affected(tree, []forge.ChangedFile{{Path: "package.json", Status: forge.Added}}, nil, options())
	if len(found) != maxAffected || err != nil {
		t.Errorf("%d Dockerfiles, %v", len(found), err)
	}
}

// TestADiffThatWasLeftOutIsMade holds that findings of a large file are told by what changed, and never on its diff.
func TestADiffThatWasLeftOutIsMade(t *testing.T) {
	const pad = "RUN a\nRUN b\nRUN c\nRUN d\nRUN e\nRUN f\nRUN g\nRUN h\n"
	was := "FROM node\nADD old .\n" + pad
	d := checkDesk(map[string]string{"Dockerfile": was}, map[string]string{"Dockerfile": was + "ADD new .\n"})
	d.change.Files[0].Patch = ""
	d.base = fstest.MapFS{"Dockerfile": {Data: []byte(was)}}
	d.mustReview(t, Published, adds)
	run := d.lastCheck(t)
	if len(d.reviews) > 0 || len(run.Annotations) != 1 || run.Annotations[0].StartLine != 11 {
		t.Errorf("reviews %+v, annotations %+v", d.reviews, run.Annotations)
	}
	d.fails = map[string]error{"MergeBase": errors.New("no answer")}
	if _, err := d.review(t, adds); err == nil {
		t.Error("the merge base could not be read, and nobody was told")
	}
}

func TestAFailureConcludesTheCheckRun(t *testing.T) {
	d := checkDesk(nil, map[string]string{"Dockerfile": "FROM node\nADD . .\n"})
	d.fails = map[string]error{"Tree": errors.New("secret words")}
	_, err := d.review(t, adds)
	if err == nil || !strings.Contains(err.Error(), "(request ") {
		t.Fatalf("error %v", err)
	}
	run := d.lastCheck(t)
	_, id, _ := strings.Cut(strings.TrimSuffix(err.Error(), ")"), "(request ")
	if run.Conclusion != forge.Neutral || strings.Contains(run.Summary, "secret words") || !strings.Contains(run.Summary, "`"+id+"`") {
		t.Errorf("check run %+v", run)
	}
	if _, err := d.review(t, adds); len(d.checks) != 1 || err == nil {
		t.Errorf("%d check runs, %v", len(d.checks), err)
	}
	d.fails = nil
	d.mustReview(t, Published, adds)
	if run := d.lastCheck(t); len(d.checks) != 1 || run.Conclusion != forge.Failure || run.ID == 0 {
		t.Errorf("%d check runs, the last %+v", len(d.checks), run)
	}
	d = checkDesk(nil, map[string]string{"Dockerfile": "FROM node\nADD . .\n"})
	d.closed, d.fails = true, map[string]error{"Tree": errors.New("no answer")}
	if _, err := d.review(t, adds); err == nil || len(d.checks) > 0 {
		t.Errorf("closed: %d check runs, %v", len(d.checks), err)
	}
	for _, cause := range []error{&forge.LimitError{Err: errors.New("slow")}, forge.ErrGone, context.Canceled} {
		d := checkDesk(nil, map[string]string{"Dockerfile": "FROM node\nADD . .\n"})
		d.fails = map[string]error{"Tree": cause}
		if _, err := d.review(t, adds); err == nil || len(d.checks) > 0 {
			t.Errorf("%v: %d check runs", cause, len(d.checks))
		}
	}
}
