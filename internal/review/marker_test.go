package review

import "testing"

func TestUnnumbered(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"No fix: the script on line 3 has comments.", "No fix: the script on line 12 has comments.", true},
		{"No fix: line 3 copies.", "No fix: line 4 copies.", true},
		{"No fix: two lines differ.", "No fix: three lines differ.", false},
		{"Said.\n\n```suggestion\nRUN echo line 3\n```", "Said.\n\n```suggestion\nRUN echo line 4\n```", false},
		{"deadline 3", "deadline 4", false},
	} {
		if got := unnumbered(c.a) == unnumbered(c.b); got != c.same {
			t.Errorf("%q and %q count as the same: %v", c.a, c.b, got)
		}
	}
}
