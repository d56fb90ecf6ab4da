package review

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"pgregory.net/rapid"
)

// render is what GitHub-flavoured Markdown makes of text.
func render(t interface{ Fatal(...any) }, text string) string {
	var out bytes.Buffer
	if err := goldmark.New(goldmark.WithExtensions(extension.GFM)).Convert([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// reference is what GitHub looks for in rendered text.
var reference = regexp.MustCompile(`(?i)[@#]\w|gh-\d`)

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
// GitHub would turn into a reference.
func literal(t interface {
	Fatal(...any)
	Fatalf(string, ...any)
}, s string) {
	got := render(t, escaped(s))
	inner, ok := strings.CutPrefix(strings.TrimSuffix(got, "</p>\n"), "<p>")
	want, text := clip(oneLine(s), maxPhrase), html.UnescapeString(inner)
	if want == "" {
		return
	}
	visible := func(s string) string { return strings.ReplaceAll(s, "\u200b", "") }
	if !ok || strings.Contains(inner, "<") || visible(text) != visible(want) {
		t.Fatalf("%q renders as %q", s, got)
	}
	if ref := reference.FindString(text); ref != "" {
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
		if got := render(t, prose(s)); got != want {
			t.Errorf("%q renders as %q, want %q", s, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching("[`@a#<*\\\\ -]{0,24}").Draw(t, "s")
		got := render(t, prose(s))
		inner := strings.NewReplacer("<p>", "", "</p>\n", "", "<code>", "", "</code>", "").Replace(got)
		text := strings.NewReplacer("`", "", " ", "", "\u200b", "").Replace(html.UnescapeString(inner))
		if want := strings.NewReplacer("`", "", " ", "").Replace(s); strings.Contains(inner, "<") || text != want {
			t.Fatalf("%q renders as %q", s, got)
		}
		outside := regexp.MustCompile("<code>.*?</code>").ReplaceAllString(got, "")
		if ref := reference.FindString(html.UnescapeString(outside)); ref != "" {
			t.Fatalf("%q renders with the reference %q", s, ref)
		}
	})
}

func TestCodeRendersAsItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching("[`a@#<&|\\\\ ./]{0,20}").Draw(t, "s")
		want := oneLine(s)
		got := strings.TrimSpace(render(t, "x "+code(s)))
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
	got := strings.TrimPrefix(render(t, fenced("suggestion", text)), `<pre><code class="language-suggestion">`)
	if html.UnescapeString(strings.TrimSuffix(got, "</code></pre>\n")) != text {
		t.Fatalf("block of %q renders as %q", text, got)
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
