package fixes

import (
	"regexp"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// pragma matches a comment that speaks to a linter about the instruction below it. "hadolint global ignore" speaks
// about the whole file.
var pragma = regexp.MustCompile(
	`^\s*#\s*(lighterman\s+ignore|hadolint\s+ignore|check\s*=|checkov:|trivy:|tfsec:|semgrep|nosem|kics-scan)`)

// Remove takes i out, whole lines. Of the comments directly above it go those that concern only i: linter pragmas
// always (they would silence the next instruction instead), others when nothing follows directly below i and they are
// not the head of the file. Where i stood between two blank lines one of them goes, and a file whose last line had no
// line end still has none. i must not be a FROM: stages are not renumbered.
func Remove(f *dockerfile.File, i *dockerfile.Instruction) Edit {
	cut, kept := i.Outer(), ""
	if !concernsOnly(f, i) {
		kept = withoutPragmas(f, i)
	}
	if kept != "" {
		return edit(f, cut, guard(f, cut.Start, kept)+kept)
	}
	return cutOut(f, cut)
}

// cutOut removes whole lines without leaving traces of the gap.
func cutOut(f *dockerfile.File, cut dockerfile.Span) Edit {
	cut = widened(f, cut)
	return edit(f, cut, guard(f, cut.End, f.Text(f.LineSpan(f.Line(cut.End)))))
}

// concernsOnly reports whether the comments above i have nothing else to be about.
func concernsOnly(f *dockerfile.File, i *dockerfile.Instruction) bool {
	return !atHead(f, i.Lead.Start) && (i.EndLine() == f.Lines() || blank(f, i.EndLine()+1))
}

// atHead reports whether nothing but a byte order mark, parser directives and blank lines stands before at.
func atHead(f *dockerfile.File, at int) bool {
	head := 0
	if n := len(f.Directives); n > 0 {
		head = f.Directives[n-1].Span.End
	}
	above := f.Text(dockerfile.Span{Start: head, End: max(head, at)})
	return strings.TrimSpace(strings.TrimPrefix(above, "\ufeff")) == ""
}

// withoutPragmas is the comment lines above i that are not pragmas.
func withoutPragmas(f *dockerfile.File, i *dockerfile.Instruction) string {
	var kept strings.Builder
	for line := range strings.Lines(f.Text(i.Lead)) {
		if !pragma.MatchString(line) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// widened is the span of whole lines to cut so that no two blank lines are left where one was before and one after,
// and that an unended last line stays unended.
func widened(f *dockerfile.File, cut dockerfile.Span) dockerfile.Span {
	before := f.Line(cut.Start) - 1
	if cut.End < len(f.Src) {
		after := f.LineSpan(f.Line(cut.End))
		if blank(f, f.Line(cut.End)) && (before == 0 || blank(f, before)) {
			cut.End = after.End
		}
		return cut
	}
	for before > 0 && blank(f, before) {
		cut.Start = f.LineSpan(before).Start
		before--
	}
	if unended(f) {
		cut.Start -= len(ending(f.Src[:cut.Start]))
	}
	return cut
}

// directive matches a comment that at the head of a file is a parser directive.
var directive = regexp.MustCompile(`(?i)^\s*#\s*(syntax|escape|check)\s*=`)

// guard is what must stand before next, the text at offset at that follows a cut: above the first FROM a blank line,
// when next would be read as a parser directive were everything above it gone; another fix may take the rest.
func guard(f *dockerfile.File, at int, next string) string {
	if at >= f.Stages[0].From.Span.Start || !directive.MatchString(next) {
		return ""
	}
	return eolAt(f, at)
}
