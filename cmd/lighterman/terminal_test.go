package main

import "testing"

func TestGaugeIsAlwaysAsWide(t *testing.T) {
	for _, tt := range []struct {
		n, total int
		want     string
	}{{0, 3, "░░░░"}, {1, 3, "█░░░"}, {3, 3, "████"}, {9, 3, "████"}, {0, 0, "░░░░"}} {
		if got := gauge(tt.n, tt.total, 4); got != tt.want {
			t.Errorf("%d of %d: %s, want %s", tt.n, tt.total, got, tt.want)
		}
	}
}

func TestNamesDoNotMoveTheCursor(t *testing.T) {
	if got, want := shown("a\x1b[2J\nb\u202eé"), "a?[2J?b?é"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
