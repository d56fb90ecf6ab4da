package hidden

import (
	"slices"
	"testing"
)

func TestHashTellsPartsApart(t *testing.T) {
	seen := map[string]bool{}
	for _, parts := range [][]string{{}, {""}, {"a"}, {"ab"}, {"a", "b"}, {"", "ab"}, {"ab", ""}, {"1:a"}} {
		s := Hash(parts...)
		if seen[s] || len(s) != 16 {
			t.Errorf("%q: %s", parts, s)
		}
		seen[s] = true
	}
}

func TestTailReadsTheUnbrokenRunOfLastLines(t *testing.T) {
	a, b := Line("a=1"), Line("b=2")
	for _, tt := range []struct {
		body, above string
		contents    []string
	}{
		{"", "", nil},
		{"text", "text", nil},
		{"text\n\n" + a, "text", []string{"a=1"}},
		{"text\n" + a + "\n" + b + "\n\n", "text", []string{"a=1", "b=2"}},
		{"text\r\n\r\n" + a + "\r\n" + b + "\r\n", "text", []string{"a=1", "b=2"}},
		{a + "\ntext\n" + b, a + "\ntext", []string{"b=2"}},
		{"text\n" + a + "\n\n" + b, "text\n" + a, []string{"b=2"}},
		{"text " + a, "text " + a, nil},
		{"> " + a, "> " + a, nil},
		{a + b, a + b, nil},
		{"text\n\n" + a + "\nmine", "text\n\n" + a + "\nmine", nil},
	} {
		above, contents := Tail(tt.body)
		if above != tt.above || !slices.Equal(contents, tt.contents) {
			t.Errorf("%q: %q, %q", tt.body, above, contents)
		}
	}
}

func TestLinesReadsMarkersAnywhere(t *testing.T) {
	a, b := Line("a=1"), Line("b=2")
	rest, contents := Lines("text\r\n\r\n" + a + "\r\n" + b + "\r\n\r\nmine\n> " + a)
	if rest != "text\n\n\nmine\n> "+a || !slices.Equal(contents, []string{"a=1", "b=2"}) {
		t.Errorf("%q, %q", rest, contents)
	}
}
