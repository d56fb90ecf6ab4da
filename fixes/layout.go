package fixes

import (
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// A layout is how the commands of a RUN are laid out over lines.
type layout struct {
	indent  string // before each further command
	leading bool   // lines begin with "&&" instead of ending with it
}

// layoutOf reads the layout of run: from the lines on which its further commands begin, else from its other
// continuation lines, else from those of the file's first RUN that has some, else one step more than its own
// indentation.
func layoutOf(f *dockerfile.File, run *dockerfile.Instruction, cmds []dockerfile.Command) layout {
	out := layout{indent: run.Indent() + deeper(run.Indent())}
	found := false
	for _, c := range cmds {
		line := f.LineSpan(f.Line(c.Span.Start))
		if line.Start <= run.KeywordSpan.Start {
			continue
		}
		before := f.Text(dockerfile.Span{Start: line.Start, End: c.Span.Start})
		if lead := strings.TrimSpace(before); lead == "" || lead == "&&" {
			out, found = layout{indentOf(before), lead == "&&"}, true
		}
	}
	if found {
		return out
	}
	for _, i := range append([]*dockerfile.Instruction{run}, f.Instructions...) {
		if indent, ok := continuationIndent(f, i); ok && i.Keyword == "RUN" {
			out.indent = indent
			return out
		}
	}
	return out
}

// deeper is one step of indentation in the style of one that is there.
func deeper(indent string) string {
	if strings.Contains(indent, "\t") {
		return "\t"
	}
	return "    "
}

// continuationIndent is the smallest indentation of i's continuation lines.
func continuationIndent(f *dockerfile.File, i *dockerfile.Instruction) (indent string, ok bool) {
	last := f.Line(max(i.Body.End-1, i.KeywordSpan.Start))
	for n := f.Line(i.KeywordSpan.Start) + 1; n <= last; n++ {
		at := f.LineSpan(n)
		text := f.Text(at)
		if commented(i, at) || strings.TrimSpace(text) == "" {
			continue
		}
		if in := indentOf(text); !ok || len(in) < len(indent) {
			indent, ok = in, true
		}
	}
	return indent, ok
}

func indentOf(line string) string { return line[:len(line)-len(strings.TrimLeft(line, " \t"))] }

// join is the text between a command and the next one of an && list, on a line of its own.
func (l layout) join(f *dockerfile.File, eol string) string {
	if l.leading {
		return " " + string(f.Escape) + eol + l.indent + "&& "
	}
	return " && " + string(f.Escape) + eol + l.indent
}
