package report_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/report"
	"github.com/lighterman/lighterman/internal/sweep"
	"github.com/lighterman/lighterman/internal/sweep/stock"
)

var sweepDay = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)

// hostile is what people who want to write on our page would call a file or a repository.
const hostile = `"><script>alert(1)</script><img src=x onerror='alert(2)'>` + "\u202e`{{.}}`"

// swept is a small sweep with one of each kind: findings with and without a fix, a gain that is known, a repository that is
// clean, one that is passed over for each of two reasons, files that could not be read, and names that are out to harm.
func swept() report.Sweep {
	order := &check.Check{Name: "copy-order", Family: check.Caching, Summary: "a `COPY` stands too early", Severity: check.Warning}
	tools := &check.Check{Name: "build-tools-shipped", Family: check.SmallerImage, Summary: "tools ship", Severity: check.Warning}
	finding := func(c *check.Check, path string, intent fixes.Intent) check.Finding {
		f := check.Finding{Check: c, Path: path, ID: c.Name + ":" + path, Line: 3, EndLine: 4, Message: "it costs <b>time</b>"}
		if intent == nil {
			f.Refused = "the base is not known"
			return f
		}
		f.Fixes = []fixes.Fix{{Title: "Mend " + path, Intent: intent}}
		return f
	}
	a, b, c := finding(order, hostile, fixes.Reordered{}), finding(tools, "go/Dockerfile", fixes.TwoStages{}), finding(order, "x", nil)
	topics := sweep.Topics(nil)
	return report.Sweep{At: sweepDay, Version: "v1.2.3", Stock: stock.Add([]stock.Entry{
		stock.Surveyed("acme/web", "https://github.com/acme/web", sweepDay, &sweep.Survey{
			Result: &check.Result{Files: 1200, Findings: []check.Finding{a, b, c}, Skipped: []check.Skip{
				{Path: hostile, Line: 7, Reason: "unknown instruction: `" + hostile, Failed: true},
				{Path: "t/Dockerfile.j2", Reason: "a template (.j2), not yet a Dockerfile"},
			}},
			Bundles: []sweep.Bundle{
				{Topic: topics[0], Applied: []check.Finding{a}},
				{Topic: topics[2], Applied: []check.Finding{b}, Gain: sweep.Gain{Bytes: 312_000_000, Known: 1}},
			},
		}),
		stock.Surveyed(hostile, "javascript:alert(3)", sweepDay, &sweep.Survey{
			Result: &check.Result{Files: 1, Findings: []check.Finding{c}},
		}),
		stock.Surveyed("acme/clean", "", sweepDay, &sweep.Survey{Result: &check.Result{Files: 1}}),
		stock.PassedOver("acme/old", "https://github.com/acme/old", sweepDay, sweep.Archived, ""),
		stock.PassedOver("acme/vast", "", sweepDay, sweep.TooLarge, ""),
		stock.PassedOver("acme/gone", "", sweepDay, stock.Unreadable, "no tree "+hostile),
	})}
}

func sweepText(t *testing.T, write func(io.Writer, report.Sweep) error, s report.Sweep) string {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out, s); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestSweepJSON(t *testing.T) {
	got := sweepText(t, report.SweepJSON, swept())
	golden := filepath.Join("..", "..", "testdata", "report", "sweep.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// TestSweepPageLoadsNothing reads the page as a browser does: all it has is text, its own style and plots, and links that
// somebody follows or not.
func TestSweepPageLoadsNothing(t *testing.T) {
	page := sweepText(t, report.SweepHTML, swept())
	elements := strings.Fields(`html head meta title style body header main section h1 h2 p dl div dt dd figure figcaption span i b
		table caption thead tbody tr th td a code svg desc text rect line`)
	attributes := strings.Fields(`lang charset http-equiv content name class id width height x y x1 x2 y1 y2 role aria-labelledby
		scope href rel`)
	links := []string{"https://github.com/acme/web", "https://github.com/acme/old"}
	for _, name := range []string{"copy-order", "build-tools-shipped"} {
		links = append(links, "https://github.com/lighterman/lighterman/blob/main/internal/checks/"+name+".md")
	}
	ids, labels := map[string]bool{}, []string{}
	each(t, page, func(token html.Token) {
		if !slices.Contains(elements, token.Data) {
			t.Errorf("the page has an element %s", token)
		}
		for _, a := range token.Attr {
			switch {
			case !slices.Contains(attributes, a.Key):
				t.Errorf("the page has an attribute: %s", token)
			case a.Key == "href" && !slices.Contains(links, a.Val):
				t.Errorf("the page leads to %s", a.Val)
			case a.Key == "id":
				if ids[a.Val] {
					t.Errorf("two things are called %s", a.Val)
				}
				ids[a.Val] = true
			case a.Key == "aria-labelledby":
				labels = append(labels, strings.Fields(a.Val)...)
			}
		}
	})
	for _, label := range labels {
		if !ids[label] {
			t.Errorf("nothing is called %s", label)
		}
	}
	for _, never := range []string{"url(", "@import", "ZgotmplZ", "\u202e", "javascript:"} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %q", never)
		}
	}
	if !strings.Contains(page, `content="default-src &#39;none&#39;; style-src &#39;sha256-`) {
		t.Error("the page has no policy")
	}
}

// each calls f with every element of a page, and holds that each one is closed where it belongs.
func each(t *testing.T, page string, f func(html.Token)) {
	t.Helper()
	var open []string
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			if !errors.Is(z.Err(), io.EOF) || len(open) > 0 {
				t.Errorf("the page ends with %v in %v", z.Err(), open)
			}
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			f(token)
			if kind == html.StartTagToken && token.Data != "meta" {
				open = append(open, token.Data)
			}
		case html.EndTagToken:
			if name := z.Token().Data; len(open) == 0 || open[len(open)-1] != name {
				t.Fatalf("%s is closed in %v", name, open)
			}
			open = open[:len(open)-1]
		}
	}
}

func TestSweepPageSaysWhatIsKnown(t *testing.T) {
	page := sweepText(t, report.SweepHTML, swept())
	for _, want := range []string{
		"<h1>Sweep of 3 repositories</h1>", "25 November 2026 · lighterman v1.2.3", `<dd>1,202</dd>`, "50 % of the findings",
		"<b>2</b> of 4 findings have a fix that was proven. A merge makes 2 fixes at once, in 2 Dockerfiles of 1 repository.",
		"Of 1 fix it is known what they save: images get <b>312 MB</b> smaller", `<span class="note">not known</span>`,
		"a <code>COPY</code> stands too early", "&lt;script&gt;alert(1)", "1 unreadable, 1 too large to be listed, 1 archived.", "no tree ",
		"1 file passed over as a template", `copy-order: 1 of 3; build-tools-shipped: 1 of 1`, "unknown instruction: <code>",
		`<rect class="fix" x="0.00%" y="19" width="33.33%" height="10"/><rect class="rest" x="33.33%" y="19" width="66.67%"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	empty := sweepText(t, report.SweepHTML, report.Sweep{At: sweepDay, Stock: stock.Add(nil)})
	for _, want := range []string{"Sweep of 0 repositories", "There is nothing to merge.", "Every repository was looked at.", "0 % of"} {
		if !strings.Contains(empty, want) {
			t.Errorf("the empty page has no %s", want)
		}
	}
}

// TestSweepPageOfAThousand is bounded by what a browser likes to show.
func TestSweepPageOfAThousand(t *testing.T) {
	s := swept()
	entries := s.Stock.Entries
	for n := range 3000 {
		entries = append(entries, entries[n%6])
		entries[len(entries)-1].Name = fmt.Sprintf("acme/repository-%d", n)
	}
	s.Stock = stock.Add(entries)
	page := sweepText(t, report.SweepHTML, s)
	if got := strings.Count(page, "more are in report.json"); got != 3 {
		t.Errorf("%d lists say that they are cut, want the repositories, those passed over and the files", got)
	}
	if len(page) > 1<<20 {
		t.Errorf("the page has %d bytes", len(page))
	}
	each(t, page, func(html.Token) {})
}

// TestSweepsAreKnownAgain, so that nothing else is ever replaced by one.
func TestSweepsAreKnownAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want bool
	}{
		"a page":        {sweepText(t, report.SweepHTML, swept()), true},
		"JSON":          {sweepText(t, report.SweepJSON, swept()), true},
		"nothing":       {"", false},
		"another page":  {"<!doctype html>\n<title>" + report.SweepFormat + "</title>", false},
		"review's JSON": {"{\n  \"version\": 1,\n  \"files\": 0\n}\n", false},
		"talk of one":   {"notes on " + report.SweepMark + "\n<!doctype html>\n", false},
	} {
		if got := report.IsSweep([]byte(tt.text)); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
