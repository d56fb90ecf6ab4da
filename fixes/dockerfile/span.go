package dockerfile

import "sort"

// A Span is a half-open range of bytes of the file.
type Span struct{ Start, End int }

// Len is the number of bytes in s.
func (s Span) Len() int { return s.End - s.Start }

// Empty reports whether s holds no byte.
func (s Span) Empty() bool { return s.End <= s.Start }

// Contains reports whether t lies within s.
func (s Span) Contains(t Span) bool { return s.Start <= t.Start && t.End <= s.End }

// Overlaps reports whether s and t share a byte.
func (s Span) Overlaps(t Span) bool { return s.Start < t.End && t.Start < s.End }

// mapped is text cut out of the file, with the way back: every byte of text is a byte of the file.
type mapped struct {
	text string
	segs []seg // in order, without gaps in text
}

// seg says that n bytes of text from offset at are the n bytes of the file from offset pos.
type seg struct{ at, pos, n int }

// add appends the file's bytes src[start:end].
func (m *mapped) add(src []byte, start, end int, text *[]byte) {
	if start >= end {
		return
	}
	m.segs = append(m.segs, seg{at: len(*text), pos: start, n: end - start})
	*text = append(*text, src[start:end]...)
}

// slice is the part of m from offset a to b of its text.
func (m mapped) slice(a, b int) mapped {
	out := mapped{text: m.text[a:b]}
	for _, s := range m.segs {
		lo, hi := max(a, s.at), min(b, s.at+s.n)
		if lo < hi {
			out.segs = append(out.segs, seg{at: lo - a, pos: s.pos + lo - s.at, n: hi - lo})
		}
	}
	return out
}

// span is the smallest range of the file that holds the text from offset a to b. For a == b it is an empty span at the
// byte that follows.
func (m mapped) span(a, b int) Span {
	if len(m.segs) == 0 {
		return Span{}
	}
	if a >= b {
		at := m.pos(a)
		return Span{at, at}
	}
	return Span{m.pos(a), m.pos(b-1) + 1}
}

// pos is the file offset of the byte at offset i of the text; past the end it is the offset after the last byte.
func (m mapped) pos(i int) int {
	k := sort.Search(len(m.segs), func(k int) bool { return m.segs[k].at > i }) - 1
	if k < 0 {
		return m.segs[0].pos
	}
	return m.segs[k].pos + i - m.segs[k].at
}

func (m mapped) whole() Span { return m.span(0, len(m.text)) }
