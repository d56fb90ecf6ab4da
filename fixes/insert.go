package fixes

import (
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// InsertBefore puts a line above at and the comments directly above it. line is an instruction or a comment without
// its line end; inside, "\n" separates several of them, or continues one after an escape character. Each gets at's
// indentation, line end and case of keyword; here-documents are not for this.
func InsertBefore(f *dockerfile.File, at *dockerfile.Instruction, line string) Edit {
	return edit(f, point(at.Lead.Start), dressed(f, at, line)+eolNear(f, at))
}

// InsertAfter puts a line directly below at, in the same dress as InsertBefore. A file whose last line had no line
// end still has none afterwards.
func InsertAfter(f *dockerfile.File, at *dockerfile.Instruction, line string) Edit {
	return insertBelow(f, at, dressed(f, at, line))
}

// insertBelow puts whole lines, the last one without its line end, below at.
func insertBelow(f *dockerfile.File, at *dockerfile.Instruction, text string) Edit {
	eol := eolNear(f, at)
	if ending(f.Src[:at.Span.End]) == "" {
		return edit(f, point(at.Span.End), eol+text)
	}
	return edit(f, point(at.Span.End), text+eol)
}

// eolNear is the line end of i's last line, and the file's own when it has none.
func eolNear(f *dockerfile.File, i *dockerfile.Instruction) string { return eolAt(f, i.Span.End) }

// dressed is text with the indentation, line ends and case of keyword of its neighbour.
func dressed(f *dockerfile.File, neighbour *dockerfile.Instruction, text string) string {
	lines := strings.Split(text, "\n")
	for n, line := range lines {
		if n == 0 || !strings.HasSuffix(lines[n-1], string(f.Escape)) {
			lines[n] = neighbour.Indent() + casedLine(line, neighbour)
		}
	}
	return strings.Join(lines, eolNear(f, neighbour))
}

// casedLine writes the keyword of an instruction in the case of its neighbour's; other lines stay.
func casedLine(line string, neighbour *dockerfile.Instruction) string {
	keyword, rest, ok := strings.Cut(line, " ")
	if !ok || keyword == "" || keyword != strings.ToUpper(keyword) || strings.HasPrefix(keyword, "#") {
		return line
	}
	return cased(keyword, neighbour) + " " + rest
}
