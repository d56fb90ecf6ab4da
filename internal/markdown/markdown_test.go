package markdown

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lighterman/lighterman/internal/markdown/markdowntest"
)

func TestEscapedTextRendersAsItself(t *testing.T) {
	hostile := []string{
		"@everyone fixes #12 and GH-7 of owner/repo#3", "![x](http://evil/x.png)", "[a](javascript:x)", "<img src=x onerror=y>",
		"<!-- lighterman:v1 id=0123456789abcdef text=0123456789abcdef -->", "- [ ] task", "1. one", "12) two", "# head", "> quote",
		"+ plus", "= under", "--- rule", "```sh", "~~~", "a | b", "https://evil.example www.evil.example me@evil.example",
		"$x^2$ and $$y$$", "&amp; &lt;b&gt; &#64;x", `\@x \\`, "*a* _b_ **c** __d__ ~~e~~ `f`", "[^1]: note", "| - |",
		"https&#58;//evil.example", "a<b>c</b>", "line\u2028two", "\x1b[31mred", "ＷＷＷ.evil.example",
	}
	for _, s := range hostile {
		literal(t, s)
	}
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(hostile), rapid.String()), 1, 4).Draw(t, "parts")
		literal(t, strings.Join(parts, rapid.SampledFrom([]string{"", " ", "\n", "\n\n    "}).Draw(t, "between")))
	})
}

// literal asserts that s renders as one paragraph of its own words, without any element inside and without anything that
// GitHub would turn into a markdowntest.Reference.
func literal(t interface {
	Fatal(...any)
	Fatalf(string, ...any)
}, s string) {
	got := markdowntest.Render(t, Escaped(s))
	inner, ok := strings.CutPrefix(strings.TrimSuffix(got, "</p>\n"), "<p>")
	want, text := Clip(OneLine(s), MaxPhrase), html.UnescapeString(inner)
	if want == "" {
		return
	}
	visible := func(s string) string { return strings.ReplaceAll(s, "\u200b", "") }
	if !ok || strings.Contains(inner, "<") || visible(text) != visible(want) {
		t.Fatalf("%q renders as %q", s, got)
	}
	if ref := markdowntest.Reference.FindString(text); ref != "" {
		t.Fatalf("%q renders with the reference %q", s, ref)
	}
}

func TestProseMakesCodeOfBackticksAndNothingElse(t *testing.T) {
	for s, want := range map[string]string{
		"`npm ci` runs too late": "<p><code>npm ci</code> runs too late</p>\n",
		"a `b*c` *d*":            "<p>a <code>b*c</code> *d*</p>\n",
		"`@a` and @b":            "<p><code>@a</code> and @\u200bb</p>\n",
		"`a``b`":                 "<p><code>a</code>\u200b<code>b</code></p>\n",
		"one ` <b>":              "<p>one ` &lt;b&gt;</p>\n",
		"a `` b":                 "<p>a  b</p>\n",
	} {
		if got := markdowntest.Render(t, Prose(s)); got != want {
			t.Errorf("%q renders as %q, want %q", s, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching("[`@a#<*\\\\ -]{0,24}").Draw(t, "s")
		got := markdowntest.Render(t, Prose(s))
		inner := strings.NewReplacer("<p>", "", "</p>\n", "", "<code>", "", "</code>", "").Replace(got)
		text := strings.NewReplacer("`", "", " ", "", "\u200b", "").Replace(html.UnescapeString(inner))
		if want := strings.NewReplacer("`", "", " ", "").Replace(s); strings.Contains(inner, "<") || text != want {
			t.Fatalf("%q renders as %q", s, got)
		}
		outside := regexp.MustCompile("<code>.*?</code>").ReplaceAllString(got, "")
		if ref := markdowntest.Reference.FindString(html.UnescapeString(outside)); ref != "" {
			t.Fatalf("%q renders with the reference %q", s, ref)
		}
	})
}

func TestCodeRendersAsItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching("[`a@#<&|\\\\ ./]{0,20}").Draw(t, "s")
		want := OneLine(s)
		got := strings.TrimSpace(markdowntest.Render(t, "x "+Code(s)))
		if want == "" {
			return
		}
		inner := strings.TrimSuffix(strings.TrimPrefix(got, "<p>x <code>"), "</code></p>")
		if html.UnescapeString(inner) != want {
			t.Fatalf("code span of %q renders as %q", s, got)
		}
	})
}

func TestFenceHoldsAnyText(t *testing.T) {
	for n := range 12 {
		ticks := strings.Repeat("`", n)
		framed(t, ticks+"\n"+ticks+"sh\n  "+ticks+"\n")
	}
	rapid.Check(t, func(t *rapid.T) {
		framed(t, rapid.StringMatching("([`~a< \n]{0,8}\n){0,4}").Draw(t, "text"))
	})
}

// framed asserts that a block of text renders as just that.
func framed(t interface {
	Fatal(...any)
	Fatalf(string, ...any)
}, text string) {
	got := strings.TrimPrefix(markdowntest.Render(t, Fenced("suggestion", text)), `<pre><code class="language-suggestion">`)
	if html.UnescapeString(strings.TrimSuffix(got, "</code></pre>\n")) != text {
		t.Fatalf("block of %q renders as %q", text, got)
	}
}

// TestCellKeepsTheTable: no words end a cell, and those without a bar read as they do elsewhere.
func TestCellKeepsTheTable(t *testing.T) {
	for s, want := range map[string]string{
		"say `RUN a` twice": "say `RUN a` twice",
		"`a|b`":             "\\`a\\|b\\`",
		"a | `b`":           "a \\| `b`",
		"`a\\|b` `c":        "\\`a\\\\\\|b\\` \\`c",
	} {
		if got := Cell(s); got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
	if got := CodeCell("a|`b"); got != "a\\|\\`b" {
		t.Errorf("got %q", got)
	}
	if got := CodeCell("a/b"); got != "`a/b`" {
		t.Errorf("got %q", got)
	}
}
