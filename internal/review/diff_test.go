package review

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
	"pgregory.net/rapid"
)

// patchOf is the diff of two texts as GitHub's field "patch" has it.
func patchOf(before, after string) string {
	lines := strings.SplitN(string(diff.Diff("a", []byte(before), "b", []byte(after))), "\n", 4)
	if len(lines) < 4 {
		return ""
	}
	return strings.TrimSuffix(lines[3], "\n")
}

func mustDiff(t interface{ Fatal(...any) }, before, after string) *Diff {
	d, err := ParseDiff(patchOf(before, after))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDiffShowsTheLinesOfTheHunks(t *testing.T) {
	before := "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\n"
	after := "a\nb\nC\nd\ne\nf\ng\nh\ni\nj\nk\n"
	d := mustDiff(t, before, after)
	tests := []struct {
		first, last          int
		shows, cuts, touches bool
	}{
		{1, 6, true, true, true},
		{1, 2, true, false, false},
		{2, 3, true, true, true},
		{3, 3, true, false, true},
		{4, 6, true, false, false},
		{6, 9, false, false, false},
		{7, 7, false, false, false},
		{9, 11, true, false, false},
		{11, 12, false, true, true},
		{2, 1, false, false, false},
	}
	for _, tt := range tests {
		got := [3]bool{d.Shows(tt.first, tt.last), d.Cuts(tt.first, tt.last), d.Touches(tt.first, tt.last)}
		if want := [3]bool{tt.shows, tt.cuts, tt.touches}; got != want {
			t.Errorf("lines %d to %d: shows, cuts, touches are %v, want %v; hunks %v", tt.first, tt.last, got, want, d.Hunks)
		}
	}
}

func TestDeletedLinesTouchWhatIsOnBothSides(t *testing.T) {
	d := mustDiff(t, "a\ngone\nb\n", "a\nb\n")
	if d.Touches(1, 1) || d.Touches(2, 2) || !d.Touches(1, 2) {
		t.Error("lines deleted between two instructions touch neither; within one they touch it")
	}
}

func TestDiffOfWholeFiles(t *testing.T) {
	added, err := ParseDiff("@@ -0,0 +1,2 @@\n+FROM alpine\n+RUN true\n\\ No newline at end of file")
	if err != nil {
		t.Fatal(err)
	}
	if !added.Shows(1, 2) || added.Cuts(1, 2) || !added.Touches(2, 2) {
		t.Errorf("an added file is not one commentable hunk: %+v", added)
	}
	if old, err := added.Revert([]byte("FROM alpine\nRUN true")); err != nil || len(old) != 0 {
		t.Errorf("Revert = %q, %v; want no text", old, err)
	}
	removed, err := ParseDiff("@@ -1,2 +0,0 @@\n-FROM alpine\n-RUN true")
	if err != nil {
		t.Fatal(err)
	}
	if old, err := removed.Revert(nil); err != nil || string(old) != "FROM alpine\nRUN true\n" {
		t.Errorf("Revert = %q, %v; want the removed text", old, err)
	}
	renamed, err := ParseDiff("")
	if err != nil || renamed.Touches(1, 100) || renamed.Shows(1, 1) {
		t.Errorf("an empty patch touches something: %+v, %v", renamed, err)
	}
}

func TestDiffLeftOut(t *testing.T) {
	var d *Diff
	if !d.Touches(1, 1) || d.Shows(1, 1) || d.Cuts(1, 2) {
		t.Error("a diff that was left out must count every line as changed and show none")
	}
	if _, err := d.Revert([]byte("x\n")); err == nil {
		t.Error("Revert without a diff succeeded")
	}
}

func TestParseDiffRefuses(t *testing.T) {
	for name, patch := range map[string]string{
		"no hunk":      "+FROM alpine",
		"counts":       "@@ -1,2 +1,9 @@\n a\n+b",
		"order":        "@@ -9 +9 @@\n-a\n+b\n@@ -1 +1 @@\n-a\n+b",
		"second file":  "@@ -1 +1 @@\n-a\n+b\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b",
		"no number":    "@@ -1 +x @@\n-a\n+b",
		"overflow":     "@@ -1 +99999999999999999999 @@\n-a\n+b",
		"line nought":  "@@ -1 +0 @@\n-a\n+b",
		"only context": "@@ -1 +1 @@\n a",
	} {
		if d, err := ParseDiff(patch); err == nil {
			t.Errorf("%s: parsed as %+v", name, d.Hunks)
		}
	}
}

func TestRevertRefusesOtherText(t *testing.T) {
	d := mustDiff(t, "a\nb\n", "a\nc\n")
	for _, text := range []string{"", "a\n", "a\nb\n", "a\nc", "x\nc\n"} {
		if old, err := d.Revert([]byte(text)); err == nil {
			t.Errorf("Revert(%q) = %q", text, old)
		}
	}
}

func TestRevertUndoesAnyDiff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := drawText(t, "before")
		after := drawEdited(t, before)
		d := mustDiff(t, before, after)
		got, err := d.Revert([]byte(after))
		if err != nil || string(got) != before {
			t.Fatalf("Revert = %q, %v; want %q", got, err, before)
		}
	})
}

func FuzzParseDiff(f *testing.F) {
	f.Add("@@ -1,2 +1,2 @@\n a\n-b\n+c", "a\nc\n")
	f.Add("@@ -0,0 +1 @@\n+a\n\\ No newline at end of file", "a")
	f.Fuzz(func(t *testing.T, patch, text string) {
		d, err := ParseDiff(patch)
		if err != nil {
			return
		}
		_, _ = d.Revert([]byte(text))
		for _, h := range d.Hunks {
			if h.Start < 1 || h.Start <= h.End && !d.Shows(h.Start, h.End) {
				t.Errorf("hunk %v of %q is not shown", h, patch)
			}
		}
	})
}
