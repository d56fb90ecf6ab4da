package report

import (
	"io"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// TestPrivate shows of a line that may hold a secret only what the finding stands on.
func TestPrivate(t *testing.T) {
	src := "FROM scratch\nENV A_TOKEN=hunter1 B_TOKEN=hunter2\n"
	at := strings.Index(src, "B_TOKEN")
	v := View{
		Sources: map[string][]byte{"Dockerfile": []byte(src)},
		Files:   1,
		Findings: []check.Finding{{
			Check: &check.Check{Name: "secret", Severity: check.Warning, Private: true},
			Path:  "Dockerfile", At: dockerfile.Span{Start: at, End: at + len("B_TOKEN")}, Line: 2, EndLine: 2, Message: "found",
		}},
	}
	var out strings.Builder
	if err := Text(&out, v, TextOptions{Verbose: true}); err != nil {
		t.Fatal(err)
	}
	want := "  2 │                     B_TOKEN …\n    │                     ^^^^^^^\n"
	if got := out.String(); !strings.Contains(got, want) || strings.Contains(got, "hunter") {
		t.Errorf("got\n%s\nwant in it\n%s", got, want)
	}
}

// TestOtherFindingsDoNotRepeatASecret holds for what is found on the same line, and for fixes that rewrite or move it.
func TestOtherFindingsDoNotRepeatASecret(t *testing.T) {
	src := "FROM scratch\nRUN curl https://u:hunter2@x\nRUN a\n"
	at, line := strings.Index(src, "curl"), "RUN curl https://u:hunter2@x\n"
	edit := func(start, end int, text string) []fixes.Fix {
		return []fixes.Fix{{Title: "t", Intent: fixes.Unchanged{}, Edits: []fixes.Edit{{Path: "Dockerfile", Start: start, End: end, New: text}}}}
	}
	open := &check.Check{Name: "open", Severity: check.Warning}
	on := func(fx []fixes.Fix) check.Finding {
		return check.Finding{Check: open, Path: "Dockerfile", At: dockerfile.Span{Start: 13, End: 40}, Line: 2, EndLine: 2, Message: "m", Fixes: fx}
	}
	v := View{Sources: map[string][]byte{"Dockerfile": []byte(src)}, Files: 1, Findings: []check.Finding{
		{Check: &check.Check{Name: "secret", Severity: check.Warning, Private: true}, Path: "Dockerfile",
			At: dockerfile.Span{Start: at, End: at + 4}, Line: 2, EndLine: 2, Message: "found"},
		on(edit(at, at+4, "curl -f")), on(edit(len(src), len(src), line)), on(edit(0, 0, "# a\n")),
	}}
	for name, write := range map[string]func(io.Writer) error{
		"text":  func(w io.Writer) error { return Text(w, v, TextOptions{Verbose: true}) },
		"json":  func(w io.Writer) error { return JSON(w, v) },
		"sarif": func(w io.Writer) error { return SARIF(w, v, SARIFTool{Help: func(*check.Check) string { return "" }}) },
	} {
		var out strings.Builder
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), "hunter") || !strings.Contains(out.String(), "# a") {
			t.Errorf("%s:\n%s", name, out.String())
		}
	}
}
