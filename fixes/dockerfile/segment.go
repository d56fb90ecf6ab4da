package dockerfile

// Kind says what a Segment is.
type Kind string

// The kinds of Segment.
const (
	BOM          Kind = "bom"
	ParserLine   Kind = "directive"
	Comment      Kind = "comment"
	Blank        Kind = "blank"
	Keyword      Kind = "keyword"
	FlagText     Kind = "flag"
	BodyText     Kind = "body"
	HeredocBody  Kind = "heredoc"
	HeredocEnd   Kind = "terminator"
	Continuation Kind = "continuation" // white space, escape characters and line ends inside an instruction
)

// A Segment is a run of bytes of one kind.
type Segment struct {
	Kind Kind
	Span Span
}

// Segments cuts the whole file into consecutive segments: joined, their texts are the source, byte for byte.
func (f *File) Segments() []Segment {
	var c cutter
	if n := f.bom(); n > 0 {
		c.put(BOM, Span{0, n})
	}
	next := 0
	for n := 1; n <= f.Lines() && c.at < len(f.Src); n++ {
		line := f.LineSpan(n)
		if line.End <= c.at {
			continue
		}
		if next < len(f.Instructions) && f.Instructions[next].Span.Start <= max(line.Start, c.at) {
			f.Instructions[next].segments(&c)
			next++
			continue
		}
		c.put(f.lineKind(n), Span{c.at, line.End})
	}
	return c.out
}

func (f *File) lineKind(n int) Kind {
	if n <= len(f.Directives) {
		return ParserLine
	}
	if isComment(f.Text(f.LineSpan(n))) {
		return Comment
	}
	return Blank
}

// segments cuts one instruction.
func (i *Instruction) segments(c *cutter) {
	parts := []Segment{{Keyword, i.KeywordSpan}}
	for _, fl := range i.Flags {
		parts = append(parts, Segment{FlagText, fl.Span})
	}
	for _, s := range i.body.segs {
		parts = append(parts, Segment{BodyText, Span{s.pos, s.pos + s.n}})
	}
	for _, h := range i.Heredocs {
		parts = append(parts, Segment{HeredocBody, h.Body}, Segment{HeredocEnd, h.End})
	}
	for _, p := range parts {
		c.gap(i, p.Span.Start)
		c.put(p.Kind, p.Span)
	}
	c.gap(i, i.Span.End)
}

// cutter collects segments from left to right.
type cutter struct {
	at  int
	out []Segment
}

func (c *cutter) put(kind Kind, s Span) {
	if s.Start != c.at || s.Empty() {
		return
	}
	c.out = append(c.out, Segment{kind, s})
	c.at = s.End
}

// gap fills up to end with what stands between the parts of i.
func (c *cutter) gap(i *Instruction, end int) {
	for _, comment := range i.Comments {
		if comment.Start >= c.at && comment.End <= end {
			c.put(Continuation, Span{c.at, comment.Start})
			c.put(Comment, comment)
		}
	}
	c.put(Continuation, Span{c.at, end})
}
