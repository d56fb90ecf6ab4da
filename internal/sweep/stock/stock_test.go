package stock

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/sweep"
)

var (
	order = &check.Check{Name: "order", Family: check.Caching, Severity: check.Warning}
	root  = &check.Check{Name: "root", Family: check.NonRoot, Severity: check.Error}
	day   = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
)

// some is a finding; its fix promises what intent does, nil is none.
func some(c *check.Check, path string, intent fixes.Intent) check.Finding {
	f := check.Finding{Check: c, Path: path, ID: c.Name + ":" + path, Line: 1, EndLine: 2, Message: "m"}
	if intent == nil {
		f.Refused = "nobody knows how"
		return f
	}
	f.Fixes = []fixes.Fix{{Title: "Mend it", Intent: intent}}
	return f
}

// survey is one of a repository in which every fix that is offered is made, each topic's in a bundle.
func survey(files int, findings ...check.Finding) *sweep.Survey {
	s := &sweep.Survey{Result: &check.Result{Files: files, Findings: findings}}
	for _, t := range sweep.Topics(nil) {
		b := sweep.Bundle{Topic: t}
		for _, f := range findings {
			if len(f.Fixes) > 0 && f.Check.Family == t.Family && !t.Whole {
				b.Applied = append(b.Applied, f)
				b.Files = []forge.FileText{{Path: f.Path}, {Path: ".dockerignore"}}
			}
		}
		if len(b.Files) > 0 {
			s.Bundles = append(s.Bundles, b)
		}
	}
	return s
}

func TestStock(t *testing.T) {
	entries := []Entry{
		Surveyed("b/two", "", day, survey(3, some(order, "a", fixes.Reordered{}), some(order, "b", nil),
			some(root, "a", fixes.RunsAs{}), some(root, "c", fixes.Unchanged{}))),
		PassedOver("c/fork", "", day, sweep.Forked, ""),
		Surveyed("a/one", "", day, survey(1, some(order, "a", fixes.Reordered{}))),
		PassedOver("b/broken", "", day, Unreadable, "no such tree"),
		Surveyed("d/clean", "", day, survey(2)),
		PassedOver("d/fork", "", day, sweep.Forked, ""),
	}
	got := Add(entries)
	var names []string
	for _, e := range got.Entries {
		names = append(names, e.Name)
	}
	if want := "a/one b/broken b/two c/fork d/clean d/fork"; strings.Join(names, " ") != want {
		t.Errorf("entries %v, want %s", names, want)
	}
	totals := [...]int{got.Looked, got.Clean, got.Files, got.Findings, got.Fixable, got.Mended, got.Fixes()}
	if want := [...]int{3, 1, 6, 5, 4, 3, 4}; totals != want {
		t.Errorf("totals %v, want %v", totals, want)
	}
	if diff := cmp.Diff([]PassedSum{{Unreadable, 1}, {sweep.Forked, 2}}, got.Passed); diff != "" {
		t.Error(diff)
	}
	var lines []string
	for _, c := range got.Checks {
		lines = append(lines, fmt.Sprintln(c.Check.Name, c.Findings, c.Proven, c.Fixable(), c.Repositories))
	}
	for _, f := range got.Families {
		lines = append(lines, fmt.Sprintln(f.Family, f.Findings, f.Proven, f.Fixable()))
	}
	for _, m := range got.Merges {
		lines = append(lines, fmt.Sprintln(m.Topic.Name, m.Fixes, m.Dockerfiles, m.Files, m.Repositories))
	}
	want := `order 3 map[equivalent:2] 2 2
root 2 map[intended:1 same:1] 2 1
caching 3 map[equivalent:2] 2
smaller-image 0 map[] 0
non-root 2 map[intended:1 same:1] 2
pinning 0 map[] 0
context 0 map[] 0
hygiene 0 map[] 0
caching 2 2 4 2
non-root 2 2 2 1`
	if diff := cmp.Diff(want, strings.TrimSpace(strings.Join(lines, ""))); diff != "" {
		t.Error(diff)
	}
	if w := got.Worst(1); len(w) != 1 || w[0].Name != "b/two" {
		t.Errorf("the worst is %v", w)
	}
	if r := got.Richest(9); len(r) != 2 || r[0].Name != "b/two" || r[1].Name != "a/one" {
		t.Errorf("the richest are %v", r)
	}
	if entries[0].Name != "b/two" {
		t.Error("the caller's entries were put in another order")
	}
}

// TestEveryRepositoryIsInOneBin draws the line at the lower ends.
func TestEveryRepositoryIsInOneBin(t *testing.T) {
	var entries []Entry
	for _, n := range []int{0, 1, 2, 4, 5, 9, 10, 99, 100, 5000} {
		entries = append(entries, Entry{Counts: []Count{{Check: order, Findings: n}}})
	}
	entries = append(entries, PassedOver("x", "", day, sweep.Empty, ""))
	want := []Bin{{0, 0, 1}, {1, 1, 1}, {2, 4, 2}, {5, 9, 2}, {10, 19, 1}, {20, 49, 0}, {50, 99, 1}, {100, 0, 2}}
	if diff := cmp.Diff(want, Add(entries).Spread); diff != "" {
		t.Error(diff)
	}
}

// TestAnEntryIsBounded keeps what one repository may bring in, and counts all of it.
func TestAnEntryIsBounded(t *testing.T) {
	s := survey(1)
	for range maxFound + 5 {
		s.Result.Findings = append(s.Result.Findings, some(order, "a", nil))
		s.Result.Skipped = append(s.Result.Skipped, check.Skip{Path: "t", Reason: strings.Repeat("é", 2*maxDetail)})
	}
	e := Surveyed("x", "", day, s)
	if len(e.Found) != maxFound || e.Findings() != maxFound+5 || len(e.Skips) != maxSkips {
		t.Errorf("%d findings of %d, %d skips", len(e.Found), e.Findings(), len(e.Skips))
	}
	for _, text := range []string{e.Skips[0].Reason, PassedOver("x", "", day, Unreadable, strings.Repeat("é", 2*maxDetail)).Detail} {
		if len(text) > maxDetail+3 || !strings.HasSuffix(text, "é…") {
			t.Errorf("%d bytes are kept: %.20q", len(text), text)
		}
	}
	if s.Result.Skipped[0].Reason == e.Skips[0].Reason {
		t.Error("the survey itself was cut")
	}
}

func TestFoundSaysWhatReviewSays(t *testing.T) {
	e := Surveyed("x", "https://example.com/x", day, survey(1, some(order, "a", fixes.Reordered{}), some(root, "b", nil)))
	want := []Found{
		{ID: "order:a", Check: "order", Path: "a", Family: check.Caching, Severity: check.Warning, Line: 1, EndLine: 2, Message: "m",
			Title: "Mend it", Class: fixes.Equivalent},
		{ID: "root:b", Check: "root", Path: "b", Family: check.NonRoot, Severity: check.Error, Line: 1, EndLine: 2, Message: "m",
			Refused: "nobody knows how"},
	}
	if diff := cmp.Diff(want, e.Found); diff != "" {
		t.Error(diff)
	}
}

// TestWhatIsKnownIsAddedUp adds the bytes, and for how many fixes they are known.
func TestWhatIsKnownIsAddedUp(t *testing.T) {
	e := Entry{Merges: []Merge{{Topic: sweep.Topics(nil)[0], Fixes: 1, Gain: sweep.Gain{Bytes: 3, Known: 1}},
		{Topic: sweep.Topics(nil)[1], Fixes: 2, Gain: sweep.Gain{Bytes: 4, Known: 2}}}}
	if got := e.Gain(); got != (sweep.Gain{Bytes: 7, Known: 3}) {
		t.Errorf("an entry gains %+v", got)
	}
	if got := Add([]Entry{e, e}).Gain(); got != (sweep.Gain{Bytes: 14, Known: 6}) {
		t.Errorf("two gain %+v", got)
	}
}
