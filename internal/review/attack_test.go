package review

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/forge"
)

// TestNoAttributeHidesAChange holds where the host shows no diff and counts no lines, as it does when a .gitattributes file
// of the pull request calls Dockerfiles binary: what was changed is told, and what was not is not.
func TestNoAttributeHidesAChange(t *testing.T) {
	const was, is = "FROM node\nADD a .\nUSER node\n", "FROM node\nADD a .\nADD b .\nUSER node\n"
	for name, c := range map[string]struct {
		status    forge.Status
		old, now  string
		told      int
		elsewhere int
	}{
		"changed":           {forge.Modified, was, is, 1, 1},
		"its mode alone":    {forge.Modified, is, is, 0, 2},
		"moved and changed": {forge.Renamed, was, is, 1, 1},
		"moved":             {forge.Renamed, is, is, 0, 2},
		"added":             {forge.Added, "", is, 2, 0},
	} {
		d := checkDesk(map[string]string{"Dockerfile": c.old}, map[string]string{"Dockerfile": c.now})
		d.change.Files = []forge.ChangedFile{{Path: "Dockerfile", Status: c.status}}
		if c.status == forge.Renamed {
			d.change.Files[0].OldPath = "was/Dockerfile"
			d.base["was/Dockerfile"] = d.base["Dockerfile"]
			delete(d.base, "Dockerfile")
		}
		d.change.Head = d.tip
		out := d.mustReview(t, Published, adds)
		if o := out.Opinion; len(o.Comments) != c.told || o.Elsewhere != c.elsewhere {
			t.Errorf("%s: %d told, %d elsewhere", name, len(o.Comments), o.Elsewhere)
		}
		if out.Plan.Review != nil {
			t.Errorf("%s: comments on a diff that is not shown: %+v", name, out.Plan.Review)
		}
	}
}

// TestWhatIsCutOffDoesNotPassUnseen holds that a check run which did not look at everything is no success.
func TestWhatIsCutOffDoesNotPassUnseen(t *testing.T) {
	const clean = "FROM node\nUSER node\n"
	d := checkDesk(nil, map[string]string{"Dockerfile": clean})
	d.count = 4000
	out := d.mustReview(t, Published, adds)
	if c := out.Plan.Check; c.Conclusion != forge.Neutral || c.Title != "Not all changed files were looked at" {
		t.Errorf("%d of %d files: %s, %s", 1, d.count, c.Conclusion, c.Title)
	}
	files := map[string]string{}
	for n := range MaxFiles + 1 {
		files[strings.Repeat("d", n+1)+"/Dockerfile"] = clean
	}
	out = checkDesk(nil, files).mustReview(t, Published, adds)
	if c := out.Plan.Check; c.Conclusion != forge.Neutral {
		t.Errorf("%d Dockerfiles: %s, %s", len(files), c.Conclusion, c.Title)
	}
}

// TestANameThatCameGarbledIsLeftAlone holds that a Dockerfile whose name is not what the host says is told of, and that
// nothing is written under the other name.
func TestANameThatCameGarbledIsLeftAlone(t *testing.T) {
	d := checkDesk(nil, map[string]string{"caf\ufffd/Dockerfile": "FROM node\nADD . .\nUSER node\n"})
	out := d.mustReview(t, Published, adds)
	garbled := func(n Note) bool { return n.Urgent && strings.Contains(n.Words, "not valid UTF-8") }
	if len(out.Opinion.Comments) > 0 || !slices.ContainsFunc(out.Opinion.Notes, garbled) || out.Plan.Check.Conclusion != forge.Neutral {
		t.Errorf("opinion %+v, check run %+v", out.Opinion, out.Plan.Check)
	}
	d.request(t, Published, fixAll(d, "ann"), adds)
	if len(d.pushed) > 0 {
		t.Errorf("pushed %+v", d.pushed)
	}
}

// TestACrowdDoesNotOutvoteAWriter holds that a command of somebody who may push is not refused because too many others, who
// may not, were asked about first.
func TestACrowdDoesNotOutvoteAWriter(t *testing.T) {
	d := checkDesk(nil, map[string]string{"Dockerfile": "FROM node\nADD . .\nUSER node\n"})
	d.mustReview(t, Published, adds)
	for n := range maxLogins + 5 {
		d.say(fmt.Sprint("sock-", n), "/lighterman fix")
	}
	id := d.say("ann", "/lighterman fix")
	for range 3 {
		if _, err := d.review(t, adds); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(d.comment(id).Reacted, forge.Confused) {
			t.Fatal("refused")
		}
	}
	if len(d.pushed) != 1 {
		t.Errorf("%d commits", len(d.pushed))
	}
}

// TestCodeIsNotAcknowledged holds that a command which is a block of code, and none, is not shown as seen.
func TestCodeIsNotAcknowledged(t *testing.T) {
	d := checkDesk(nil, map[string]string{"Dockerfile": "FROM node\nADD . .\nUSER node\n"})
	d.mustReview(t, Published, adds)
	id := d.say("ann", "    /lighterman fix")
	q := forge.Request{ID: "x", Kind: forge.Command, By: "ann", Comment: id, Text: "/lighterman fix"}
	d.request(t, Unchanged, q, adds)
	if got := d.comment(id).Reacted; len(got) > 0 || len(d.pushed) > 0 {
		t.Errorf("reacted %v, pushed %d", got, len(d.pushed))
	}
}
