package report

import (
	"strings"
	"testing"

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
