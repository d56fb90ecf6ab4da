package fixes

import (
	"bytes"
	"cmp"
	"slices"
)

// A LineEdit replaces whole lines of a file: 1-based StartLine to EndLine, both included, by New, which is whole lines
// too. With EndLine < StartLine nothing is replaced and New is inserted before StartLine.
type LineEdit struct {
	Path      string
	StartLine int
	EndLine   int
	New       string
}

// Lines widens the edits of one path to whole lines. Edits that share a line become one; equal lines at either end of
// the old and the new text are left out, so the range is the smallest that whole lines allow. Order is by line.
func Lines(path string, src []byte, edits []Edit) ([]LineEdit, error) {
	mine := editsOf(path, edits)
	if _, err := Apply(path, src, mine); err != nil {
		return nil, err
	}
	slices.SortStableFunc(mine, func(a, b Edit) int { return cmp.Or(a.Start-b.Start, a.End-b.End) })
	var out []LineEdit
	for len(mine) > 0 {
		n, start, end := widen(src, mine)
		if e, ok := trim(path, src, start, end, patch(src, start, end, mine[:n])); ok {
			out = append(out, e)
		}
		mine = mine[n:]
	}
	return out, nil
}

// widen takes the first edits that share lines and returns how many they are and the bytes of those lines. It goes on
// until what replaces them ends a line, or the file ends.
func widen(src []byte, edits []Edit) (n, start, end int) {
	start, end = lineStart(src, edits[0].Start), edits[0].End
	for {
		for n < len(edits) && (edits[n].Start < end || n == 0) {
			end = max(end, edits[n].End)
			n++
		}
		text := patch(src, start, end, edits[:n])
		if end == len(src) && n == len(edits) || end == lineStart(src, end) && (text == "" || text[len(text)-1] == '\n') {
			return n, start, end
		}
		if n < len(edits) && edits[n].Start == end {
			end = edits[n].End
			n++
			continue
		}
		end = nextLine(src, end)
	}
}

func lineStart(src []byte, at int) int { return bytes.LastIndexByte(src[:at], '\n') + 1 }

func nextLine(src []byte, at int) int {
	if k := bytes.IndexByte(src[at:], '\n'); k >= 0 {
		return at + k + 1
	}
	return len(src)
}

// patch is the bytes start to end of src with the edits made.
func patch(src []byte, start, end int, edits []Edit) string {
	var b bytes.Buffer
	for _, e := range edits {
		b.Write(src[start:e.Start])
		b.WriteString(e.New)
		start = e.End
	}
	b.Write(src[start:end])
	return b.String()
}

// trim leaves out lines that are equal at both ends; ok is false when nothing is left.
func trim(path string, src []byte, start, end int, text string) (LineEdit, bool) {
	before, after := bytes.SplitAfter(src[start:end], []byte("\n")), bytes.SplitAfter([]byte(text), []byte("\n"))
	first := 1 + bytes.Count(src[:start], []byte("\n"))
	for len(before) > 0 && len(after) > 0 && bytes.Equal(before[0], after[0]) {
		first += bytes.Count(before[0], []byte("\n"))
		before, after = before[1:], after[1:]
	}
	for len(before) > 0 && len(after) > 0 && bytes.Equal(before[len(before)-1], after[len(after)-1]) {
		before, after = before[:len(before)-1], after[:len(after)-1]
	}
	before = slices.DeleteFunc(before, func(line []byte) bool { return len(line) == 0 })
	fresh := string(bytes.Join(after, nil))
	return LineEdit{path, first, first + len(before) - 1, fresh}, len(before) > 0 || fresh != ""
}
