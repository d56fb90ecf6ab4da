package fixes_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lighterman/lighterman/fixes"
)

func TestLines(t *testing.T) {
	const src = "one\ntwo\nthree\nfour"
	for _, c := range []struct {
		name  string
		edits []fixes.Edit
		want  []fixes.LineEdit
	}{
		{"inside a line", []fixes.Edit{{"f", 5, 6, "X"}}, []fixes.LineEdit{{"f", 2, 2, "tXo\n"}}},
		{"insert between lines", []fixes.Edit{{"f", 4, 4, "new\n"}}, []fixes.LineEdit{{"f", 2, 1, "new\n"}}},
		{"delete a line", []fixes.Edit{{"f", 4, 8, ""}}, []fixes.LineEdit{{"f", 2, 2, ""}}},
		{"two on one line", []fixes.Edit{{"f", 4, 5, "T"}, {"f", 6, 7, "O"}}, []fixes.LineEdit{{"f", 2, 2, "TwO\n"}}},
		{"two lines apart", []fixes.Edit{{"f", 0, 1, "O"}, {"f", 8, 9, "T"}},
			[]fixes.LineEdit{{"f", 1, 1, "One\n"}, {"f", 3, 3, "Three\n"}}},
		{"after the unterminated last", []fixes.Edit{{"f", 18, 18, "\nfive"}}, []fixes.LineEdit{{"f", 4, 4, "four\nfive"}}},
		{"equal lines at the ends", []fixes.Edit{{"f", 0, 14, "one\nTWO\nthree\n"}}, []fixes.LineEdit{{"f", 2, 2, "TWO\n"}}},
		{"nothing changes", []fixes.Edit{{"f", 0, 3, "one"}}, nil},
		{"unfinished then insert", []fixes.Edit{{"f", 14, 18, ""}, {"f", 18, 18, "x"}}, []fixes.LineEdit{{"f", 4, 4, "x"}}},
		{"insert before what is replaced", []fixes.Edit{{"f", 4, 7, "TWO"}, {"f", 4, 4, "new\n"}},
			[]fixes.LineEdit{{"f", 2, 1, "new\n"}, {"f", 2, 2, "TWO\n"}}},
		{"another file", []fixes.Edit{{"g", 0, 3, "x"}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := fixes.Lines("f", []byte(src), c.edits)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestLinesEqualApply holds that replacing whole lines makes the same file as the byte edits do.
func TestLinesEqualApply(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := rapid.StringMatching(`([ab]{0,3}\n){0,6}[ab]{0,3}`).Draw(t, "src")
		var edits []fixes.Edit
		for at := 0; at <= len(src) && len(edits) < 8; {
			start := rapid.IntRange(at, len(src)).Draw(t, "start")
			end := rapid.IntRange(start, len(src)).Draw(t, "end")
			edits = append(edits, fixes.Edit{Path: "f", Start: start, End: end, New: rapid.StringMatching(`([ab\n]{0,4})`).Draw(t, "new")})
			at = end + rapid.IntRange(0, 1).Draw(t, "gap")
		}
		want, err := fixes.Apply("f", []byte(src), edits)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := fixes.Lines("f", []byte(src), edits)
		if err != nil {
			t.Fatal(err)
		}
		if got := replaceLines(src, lines); got != string(want) {
			t.Fatalf("whole lines %q\nbytes       %q\nedits %v\nlines %v", got, want, edits, lines)
		}
	})
}

// replaceLines makes line edits the way a person with an editor would.
func replaceLines(src string, edits []fixes.LineEdit) string {
	lines := strings.SplitAfter(src, "\n")
	slices.Reverse(edits)
	for _, e := range edits {
		head, tail := lines[:e.StartLine-1], lines[max(e.EndLine, e.StartLine-1):]
		lines = slices.Concat(head, []string{e.New}, tail)
	}
	return strings.Join(lines, "")
}
