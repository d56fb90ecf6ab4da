package report_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/report"
	"github.com/lighterman/lighterman/internal/review"
)

var update = flag.Bool("update", false, "rewrite the files of testdata/report")

const source = "FROM node:22\n\tCOPY . .\nRUN npm ci && \\\n    npm run build\nCMD node \x1b[31m server.js"

// view holds one finding of each kind: with a fix of two edits, an insertion at the unterminated end, advice, a failure, a
// template.
func view() report.View {
	order := &check.Check{Name: "copy-order", Summary: "a copy stands too early", Severity: check.Warning}
	root := &check.Check{Name: "root-user", Summary: "it runs as root", Severity: check.Error}
	shell := &check.Check{Name: "shell-form", Summary: "a shell is in between", Severity: check.Info}
	at := func(text string) dockerfile.Span {
		start := strings.Index(source, text)
		return dockerfile.Span{Start: start, End: start + len(text)}
	}
	file := "web, app/Dockerfile"
	return report.View{
		Files: 2,
		Findings: []check.Finding{
			{Check: order, Path: file, At: at("COPY . ."), Line: 2, EndLine: 2, ID: "copy-order:1", Message: "a broad copy: 100% of it, every time",
				Fixes: []fixes.Fix{{Title: "Copy the manifests first", Intent: fixes.Reordered{}, Edits: []fixes.Edit{
					{Path: file, Start: at("\tCOPY").Start, End: at("\tCOPY").Start, New: "\tCOPY package.json ./\n"},
					{Path: file, Start: at("npm ci").Start, End: at("npm ci").End, New: "npm ci --omit=dev"}}}}},
			{Check: root, Path: file, At: at("RUN npm ci && \\\n    npm run build"), Line: 3, EndLine: 4, ID: "root-user:1", Message: "it runs as root",
				Refused: "the base is not known"},
			{Check: shell, Path: file, At: at("CMD node"), Line: 5, EndLine: 5, ID: "shell-form:1", Message: "a shell <script> is between",
				Fixes: []fixes.Fix{{Title: "Start it directly", Intent: fixes.StartsDirectly{Keyword: "CMD"}, Edits: []fixes.Edit{
					{Path: file, Start: len(source), End: len(source), New: "\nUSER node"}}}}},
		},
		Skipped: []check.Skip{
			{Path: "old/Dockerfile", Line: 7, Reason: "unknown instruction: FORM", Failed: true},
			{Path: "t/Dockerfile.j2", Reason: "a template (.j2), not yet a Dockerfile"},
		},
		Sources:   map[string][]byte{file: []byte(source)},
		Elsewhere: 3,
		Suppressed: []check.Suppressed{
			{Finding: check.Finding{Check: order, Path: file, At: at("COPY . ."), Line: 2, EndLine: 2, ID: "copy-order:2:ignored",
				Message: "told elsewhere"}, Inline: true},
			{Finding: check.Finding{Check: shell, Path: file, At: at("CMD node"), Line: 5, EndLine: 5, ID: "shell-form:2:ignored",
				Message: "not for us"}},
		},
		Unused: []check.Unused{{Path: file, Line: 1, Name: "root-user"}, {Path: file, Line: 4, Name: "rot-user", Unknown: true}},
	}
}

func TestFormats(t *testing.T) {
	checks := []*check.Check{view().Findings[0].Check}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"text":    func(b *bytes.Buffer) error { return report.Text(b, view(), report.TextOptions{}) },
		"verbose": func(b *bytes.Buffer) error { return report.Text(b, view(), report.TextOptions{Verbose: true}) },
		"colour":  func(b *bytes.Buffer) error { return report.Text(b, view(), report.TextOptions{Color: true}) },
		"clean":   func(b *bytes.Buffer) error { return report.Text(b, report.View{Files: 1}, report.TextOptions{}) },
		"json":    func(b *bytes.Buffer) error { return report.JSON(b, view()) },
		"github":  func(b *bytes.Buffer) error { return report.GitHub(b, view()) },
		"sarif": func(b *bytes.Buffer) error {
			return report.SARIF(b, view(), report.SARIFTool{Version: "v1.2.3", Checks: checks, Help: func(*check.Check) string { return "# page" }})
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := write(&out); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("..", "..", "testdata", "report", name+".golden")
			if *update {
				if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), out.String()); diff != "" {
				t.Error(diff)
			}
			if name != "colour" && strings.Contains(out.String(), "\x1b") {
				t.Error("the file's escape sequence reached the output")
			}
		})
	}
}

// TestSARIFIsValid holds the log against the schema of the standard.
func TestSARIFIsValid(t *testing.T) {
	var out bytes.Buffer
	tool := report.SARIFTool{Version: "v1", Checks: []*check.Check{view().Findings[0].Check}, Help: func(*check.Check) string { return "x" }}
	if err := report.SARIF(&out, view(), tool); err != nil {
		t.Fatal(err)
	}
	log, err := sarif.FromBytes(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Validate(); err != nil {
		t.Fatal(err)
	}
	if len(log.Runs) != 1 || len(log.Runs[0].Results) != 5 || len(log.Runs[0].Results[0].Fixes) != 1 {
		t.Errorf("the log does not hold the findings: %s", out.String())
	}
}

// TestSARIFColumns counts in UTF-16 code units, not in bytes, and without a byte order mark or a line's end.
func TestSARIFColumns(t *testing.T) {
	src := "\ufeffFROM é😀x\nRUN a \\\n  b😀\n"
	c := &check.Check{Name: "c", Severity: check.Warning}
	v := report.View{Sources: map[string][]byte{"Dockerfile": []byte(src)}}
	for _, text := range []string{"x\n", "RUN a \\\n  b😀\n", "FROM", ""} {
		start := strings.Index(src, text)
		f := check.Finding{Check: c, Path: "Dockerfile", At: dockerfile.Span{Start: start, End: start + len(text)}, Line: 1, EndLine: 1}
		if strings.HasPrefix(text, "RUN") {
			f.Line, f.EndLine = 2, 3
		}
		v.Findings = append(v.Findings, f)
	}
	var out bytes.Buffer
	if err := report.SARIF(&out, v, report.SARIFTool{}); err != nil {
		t.Fatal(err)
	}
	log, err := sarif.FromBytes(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	want := [][4]int{{1, 9, 1, 10}, {2, 1, 3, 6}, {1, 1, 1, 5}, {1, 0, 1, 0}}
	for n, r := range log.Runs[0].Results {
		region := r.Locations[0].PhysicalLocation.Region
		got := [4]int{value(region.StartLine), value(region.StartColumn), value(region.EndLine), value(region.EndColumn)}
		if got != want[n] {
			t.Errorf("finding %d stands on %v, want %v", n, got, want[n])
		}
	}
}

func value(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

// TestGitHubSaysWhatItDoesNotShow counts the annotations of each kind.
func TestGitHubSaysWhatItDoesNotShow(t *testing.T) {
	warning, info := &check.Check{Name: "w", Severity: check.Warning}, &check.Check{Name: "i", Severity: check.Info}
	v := report.View{}
	for range 10 {
		v.Findings = append(v.Findings, check.Finding{Check: warning, Path: "a%b,c:d", Line: 1, EndLine: 1, Message: "50% of:\r\nthis, that"})
	}
	var out bytes.Buffer
	if err := report.GitHub(&out, v); err != nil {
		t.Fatal(err)
	}
	line := "::warning file=a%25b%2Cc%3Ad,line=1,endLine=1,title=lighterman w::50%25 of:%0D%0Athis, that\n"
	if want := strings.Repeat(line, 10); out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
	v.Findings = append(v.Findings, v.Findings[0], check.Finding{Check: info, Path: "x", Line: 1, EndLine: 1})
	out.Reset()
	if err := report.GitHub(&out, v); err != nil {
		t.Fatal(err)
	}
	if want := "\n11 warnings; GitHub shows the first 10 of a kind as annotations, the others only in this log\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("got\n%s", out.String())
	}
}

func page() report.Page {
	rows := review.TextRows([]byte("FROM <b>\nCOPY . .\nRUN x\n"))
	body := "A broad copy.\n\n**Move it.** Checked.\n\n```suggestion\nCOPY a ./\nCOPY . .\n```\n\n<sub>[copy-order](https://example.com)</sub>\n" +
		"<script>alert(1)</script> <img src=x onerror=alert(1)>\n\n<!-- lighterman:v1 -->"
	return report.Page{
		Title: "Ship <it>", Lead: "robin & co", Summary: "Two more.", Apply: "/apply",
		Files: []report.PageFile{{Path: "web/Dockerfile", Hunks: rows, Threads: []report.PageThread{
			{ID: `t"1`, StartLine: 2, Line: 2, Author: "lighterman[bot]", Body: body},
			{ID: "t2", StartLine: 3, Line: 3, Author: "lighterman[bot]", Body: "Done. [x](javascript:alert(1))", Resolved: true},
			{ID: "t3", Line: 0, Author: "lighterman[bot]", Body: "Outdated."},
		}}},
	}
}

func TestPage(t *testing.T) {
	var out bytes.Buffer
	if err := report.HTML(&out, page()); err != nil {
		t.Fatal(err)
	}
	html := out.String()
	for _, want := range []string{
		"Ship &lt;it&gt;", "robin &amp; co", "FROM &lt;b&gt;", "Suggested change",
		`<span class="add">+ COPY a ./</span><span class="same">  COPY . .</span>`,
		`<sub><a href="https://example.com">copy-order</a></sub>`, `value="t&#34;1"`, "<summary>Resolved</summary>", "Outdated.",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	for _, never := range []string{"<script", "<img", "javascript:", "lighterman:v1", "http://"} {
		if strings.Contains(html, never) {
			t.Errorf("the page has %s", never)
		}
	}
	if got := strings.Count(html, "<button>"); got != 1 {
		t.Errorf("%d buttons, want one: only an open suggestion has it", got)
	}
}

func TestPageWithoutButtons(t *testing.T) {
	p := page()
	p.Apply = ""
	var out bytes.Buffer
	if err := report.HTML(&out, p); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "<button") {
		t.Error("a page that nobody serves has a button")
	}
}
