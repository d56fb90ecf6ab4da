package review

import (
	"strings"
	"testing"
)

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

func TestMarkersAreReadFromTheEndAlone(t *testing.T) {
	m := marker{short("a"), short("b"), 3}
	fake := marker{short("c"), short("d"), 0}
	tests := []struct {
		body string
		want []marker
	}{
		{signed("text", m), []marker{m}},
		{signed(fake.String(), m), []marker{m}},
		{signed("text\n"+fake.String()+"\n", m), []marker{m}},
		{strings.ReplaceAll(signed("text", m), "\n", "\r\n") + "\r\n", []marker{m}},
		{"text\n\n" + fake.String() + "\n" + m.String(), []marker{fake, m}},
		{signed("text", m) + "\n\nand a word of mine", nil},
		{"text " + m.String(), nil},
		{"```\n" + m.String() + "\n```", nil},
		{strings.Replace(m.String(), "id=", "id=0", 1), nil},
		{strings.ToUpper(m.String()), nil},
		{"", nil},
	}
	for _, tt := range tests {
		got := markersOf(tt.body)
		if len(got) != len(tt.want) {
			t.Errorf("%q holds %v, want %v", tt.body, got, tt.want)
			continue
		}
		for n := range got {
			if got[n] != tt.want[n] {
				t.Errorf("%q holds %v, want %v", tt.body, got, tt.want)
			}
		}
	}
}

func TestMarkerHoldsNoWords(t *testing.T) {
	secret := example("hunter2", 2, exampleText, replace(exampleText, "COPY . .", "COPY hunter2 ."))
	s := scene{file: File{Path: "Dockerfile", Text: []byte(exampleText), Diff: mustDiff(t, "", exampleText)}}
	s.findings = append(s.findings, secret)
	body := s.plan(t, &host{}).Review.Comments[0].Body
	if m := markersOf(body); len(m) != 1 || strings.Contains(m[0].String(), "hunter2") {
		t.Errorf("markers are %v", m)
	}
}
