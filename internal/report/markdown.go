package report

import (
	"bytes"
	"html"
	"html/template"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// markdown renders the body of a comment as GitHub does, as far as our bodies go: a block marked "suggestion" is shown as
// the difference to the lines old. HTML in the body is dropped, <sub> excepted.
func markdown(body string, old []string) template.HTML {
	md := goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithRendererOptions(
		renderer.WithNodeRenderers(util.Prioritized(blocks{old}, 100))))
	var out bytes.Buffer
	if err := md.Convert([]byte(body), &out); err != nil {
		return template.HTML("<pre>" + html.EscapeString(body) + "</pre>")
	}
	return template.HTML(out.String())
}

// blocks renders what goldmark would render otherwise or not at all.
type blocks struct{ old []string }

// RegisterFuncs implements renderer.NodeRenderer.
func (b blocks) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindFencedCodeBlock, b.fence)
	r.Register(ast.KindRawHTML, rawHTML)
	r.Register(ast.KindHTMLBlock, func(util.BufWriter, []byte, ast.Node, bool) (ast.WalkStatus, error) {
		return ast.WalkSkipChildren, nil
	})
}

func (b blocks) fence(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	var text strings.Builder
	for k := range n.Lines().Len() {
		line := n.Lines().At(k)
		text.Write(line.Value(source))
	}
	lines := splitLines(text.String())
	switch string(n.(*ast.FencedCodeBlock).Language(source)) {
	case "suggestion":
		b.suggestion(w, lines)
	case "diff":
		_, _ = w.WriteString(`<pre class="diff">`)
		for _, line := range lines {
			writeLine(w, class(line), line)
		}
		_, _ = w.WriteString("</pre>\n")
	default:
		_, _ = w.WriteString("<pre>" + html.EscapeString(text.String()) + "</pre>\n")
	}
	return ast.WalkSkipChildren, nil
}

// suggestion shows the lines it takes away and those it puts there; lines that stay are shown once.
func (b blocks) suggestion(w util.BufWriter, lines []string) {
	_, _ = w.WriteString(`<div class="suggestion"><div class="head">Suggested change</div><pre class="diff">`)
	head, tail := ends(b.old, lines)
	for _, line := range b.old[:head] {
		writeLine(w, "same", "  "+line)
	}
	for _, line := range b.old[head : len(b.old)-tail] {
		writeLine(w, "del", "- "+line)
	}
	for _, line := range lines[head : len(lines)-tail] {
		writeLine(w, "add", "+ "+line)
	}
	for _, line := range b.old[len(b.old)-tail:] {
		writeLine(w, "same", "  "+line)
	}
	_, _ = w.WriteString("</pre></div>\n")
}

// ends counts the lines that a and b have in common at the beginning and at the end.
func ends(a, b []string) (head, tail int) {
	for head < min(len(a), len(b)) && a[head] == b[head] {
		head++
	}
	for tail < min(len(a), len(b))-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	return head, tail
}

func class(line string) string {
	switch {
	case strings.HasPrefix(line, "+"):
		return "add"
	case strings.HasPrefix(line, "-"):
		return "del"
	}
	return "same"
}

func writeLine(w util.BufWriter, class, line string) {
	_, _ = w.WriteString(`<span class="` + class + `">` + html.EscapeString(line) + "</span>")
}

// rawHTML keeps <sub>, in which our bodies name their check, and drops every other tag.
func rawHTML(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		text := n.(*ast.RawHTML).Segments.Value(source)
		if tag := string(text); tag == "<sub>" || tag == "</sub>" {
			_, _ = w.WriteString(tag)
		}
	}
	return ast.WalkSkipChildren, nil
}
