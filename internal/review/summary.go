package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/markdown"
)

// maxBody is the size in bytes under which every body stays. GitHub ends them at 65,536 characters.
const maxBody = 60000

// An entry is one paragraph of the summary.
type entry struct {
	place string // where, with line numbers; not part of what was said
	words string
	mark  marker
}

// A summary is the body of the one review of ours that carries text.
type summary struct {
	entries   []entry
	remarks   []entry // what is mentioned but no reason to speak
	elsewhere int
	head      string
}

// entryOf tells a comment in the summary.
func entryOf(c Comment) entry {
	return entry{
		place: place(c.Finding.Path, c.Finding.Line),
		words: c.Entry,
		mark:  marker{id: c.id(), text: short(c.Finding.Path, unnumbered(c.Entry))},
	}
}

// noteOf tells a note in the summary.
func noteOf(n Note) entry {
	words := markdown.Sentence(n.Words)
	return entry{
		place: place(n.Path, n.Line),
		words: words,
		mark:  marker{id: short("note", n.Path, unnumbered(n.Words)), text: short(unnumbered(words))},
	}
}

func place(path string, line int) string {
	switch {
	case path == "":
		return ""
	case line == 0:
		return markdown.Code(path) + ": "
	}
	return fmt.Sprintf("%s line %d: ", markdown.Code(path), line)
}

// mark is the marker of the summary as a whole. Line numbers and the commit are not in its hash: a push that only
// moves lines leaves the summary as it is, and the summary says which commit its lines are of.
func (s summary) mark() marker {
	parts := []string{fmt.Sprint(s.elsewhere)}
	for _, e := range append(s.entries[:len(s.entries):len(s.entries)], s.remarks...) {
		parts = append(parts, e.mark.id, e.mark.text)
	}
	return marker{id: summaryID(), text: short(parts...)}
}

// summaryID names the summary among the markers.
func summaryID() string { return short("summary") }

// empty reports whether there is nothing to tell.
func (s summary) empty() bool { return len(s.entries) == 0 && len(s.remarks) == 0 && s.elsewhere == 0 }

// without is what the summary tells beside one that tells the given entries: neither those nor how many more there are.
func (s summary) without(told map[string]bool) summary {
	known := func(e entry) bool { return told[e.mark.id] }
	s.entries = slices.DeleteFunc(slices.Clone(s.entries), known)
	s.remarks = slices.DeleteFunc(slices.Clone(s.remarks), known)
	s.elsewhere = 0
	return s
}

// body is the summary in Markdown with its markers, under maxBody. Entries that do not fit are counted.
func (s summary) body() string {
	var text, marks strings.Builder
	told, left := 0, maxBody-1000
	for _, e := range append(s.entries[:len(s.entries):len(s.entries)], s.remarks...) {
		part, mark := e.place+e.words+"\n\n", e.mark.String()+"\n"
		if len(part)+len(mark) > left {
			break
		}
		left -= len(part) + len(mark)
		text.WriteString(part)
		marks.WriteString(mark)
		told++
	}
	text.WriteString(s.closing(told))
	return strings.TrimRight(text.String(), "\n") + "\n\n" + marks.String() + s.mark().String()
}

// closing is the lines under the entries: what was not told, and which commit the line numbers are of.
func (s summary) closing(told int) string {
	var lines []string
	if s.empty() {
		lines = append(lines, "Nothing is left of what stood here.")
	}
	if more := len(s.entries) + len(s.remarks) - told; more > 0 {
		lines = append(lines, fmt.Sprintf("%d more did not fit here.", more))
	}
	switch {
	case s.elsewhere == 1:
		lines = append(lines, "One more finding is in lines that this pull request leaves alone.")
	case s.elsewhere > 1:
		lines = append(lines, fmt.Sprintf("%d more findings are in lines that this pull request leaves alone.", s.elsewhere))
	}
	if told > 0 && s.head != "" {
		lines = append(lines, "<sub>Lines as of "+markdown.Code(s.head[:min(7, len(s.head))])+".</sub>")
	}
	return strings.Join(lines, "\n\n")
}
