package dockerfile

import (
	"encoding/json"
	"strings"
	"sync"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Form says how an instruction that starts a program writes it.
type Form int

// The forms of RUN, CMD, ENTRYPOINT, SHELL and HEALTHCHECK CMD. Other instructions have NoForm, except that a
// COPY, ADD or VOLUME written as a JSON array has ExecForm.
const (
	NoForm Form = iota
	ShellForm
	ExecForm
)

// An Instruction is one instruction of a Dockerfile with the bytes it was written in.
type Instruction struct {
	Keyword     string // upper case
	Index       int    // its place in File.Instructions
	Stage       *Stage // nil for an ARG before the first FROM
	Span        Span   // whole lines, continuations and heredocs included
	Lead        Span   // the comment lines directly above; they move with it
	KeywordSpan Span
	Flags       []Flag
	Body        Span   // what follows the flags on the logical line; empty if there is nothing
	Words       []Word // the body's words as BuildKit splits them; not for shell form
	Form        Form
	Heredocs    []Heredoc
	Comments    []Span       // comment lines inside the instruction, whole lines
	Inner       *Instruction // what an ONBUILD will run; shares Span with it

	file    *File
	before  State  // the stage's state in which it runs
	logical mapped // the logical line
	body    mapped
	script  func() (*Script, error) // parsed at the first call: every check asks
}

// A Flag is a builder flag: --from=build.
type Flag struct {
	Name  string // without dashes, as written
	Value string // unquoted; "" also when there is no "="
	Span  Span
}

// A Word is one word of an instruction's body.
type Word struct {
	Text string // as written, quotes included; in exec form the decoded JSON string
	Span Span
}

// A Heredoc is one here-document of an instruction.
type Heredoc struct {
	Name    string
	Expand  bool // whether variables are expanded, i.e. the delimiter was not quoted
	Chomp   bool // <<-
	Body    Span // the content lines
	End     Span // the terminator line
	Content string
}

// Text is the body on one logical line: no flags, no continuations, no comments in between.
func (i *Instruction) Text() string { return i.body.text }

// File is the file the instruction stands in.
func (i *Instruction) File() *File { return i.file }

// Flag returns the first flag of that name.
func (i *Instruction) Flag(name string) (Flag, bool) {
	for _, f := range i.Flags {
		if strings.EqualFold(f.Name, name) {
			return f, true
		}
	}
	return Flag{}, false
}

// Outer is the span from the lead comments to the instruction's end.
func (i *Instruction) Outer() Span { return Span{i.Lead.Start, i.Span.End} }

// Line and EndLine are the 1-based first and last line.
func (i *Instruction) Line() int    { return i.file.Line(i.Span.Start) }
func (i *Instruction) EndLine() int { return i.file.Line(i.Span.End - 1) }

// Indent is the white space before the keyword on its line.
func (i *Instruction) Indent() string {
	start := i.file.LineSpan(i.file.Line(i.KeywordSpan.Start)).Start
	if start == 0 {
		start = i.file.bom()
	}
	return i.file.Text(Span{start, i.KeywordSpan.Start})
}

// Code is the span from the keyword to the last byte of the logical line or heredoc, without the final line end.
func (i *Instruction) Code() Span {
	end := i.Span.End
	for end > i.Span.Start && (i.file.Src[end-1] == '\n' || i.file.Src[end-1] == '\r') {
		end--
	}
	return Span{i.KeywordSpan.Start, end}
}

// instruction builds the Instruction of one node of BuildKit's syntax tree.
func (f *File) instruction(node *parser.Node) (*Instruction, error) {
	i := &Instruction{
		Span: Span{f.LineSpan(node.StartLine).Start, f.LineSpan(node.EndLine).End},
		file: f,
	}
	if node.StartLine == 1 {
		i.Span.Start = f.bom()
	}
	next := i.read(node.StartLine, node.EndLine)
	if i.logical.text != node.Original {
		return nil, &Error{Path: f.Path, Line: node.StartLine, Msg: "the instruction's bytes could not be matched to its meaning"}
	}
	i.heredocs(node, next)
	i.split(i.logical, node)
	i.script = sync.OnceValues(i.parseScript)
	if i.Keyword == "ONBUILD" && node.Next != nil && len(node.Next.Children) == 1 {
		i.Inner = &Instruction{Span: i.Span, Lead: i.Lead, Heredocs: i.Heredocs, file: f, logical: i.body}
		i.Inner.script = sync.OnceValues(i.Inner.parseScript)
		i.Inner.split(i.body, node.Next.Children[0])
	}
	return i, nil
}

// read builds the logical line from the file's lines, as BuildKit's parser.Parse does, and returns the line after it.
func (i *Instruction) read(first, last int) (next int) {
	var text []byte
	n := first
	for ; n <= last; n++ {
		line := i.file.LineSpan(n)
		if n == 1 {
			line.Start = i.file.bom()
		}
		end := line.Start + len(strings.TrimRight(i.file.Text(line), "\r\n"))
		raw := i.file.Text(Span{line.Start, end})
		start := line.Start
		if n == first {
			start += len(raw) - len(strings.TrimLeftFunc(raw, unicode.IsSpace))
		} else if isComment(i.file.Text(line)) {
			i.Comments = append(i.Comments, line)
			continue
		} else if strings.TrimSpace(raw) == "" {
			continue
		}
		cut, continued := continuation(i.file.Src[start:end], i.file.Escape)
		i.logical.add(i.file.Src, start, start+cut, &text)
		if !continued {
			n++
			break
		}
	}
	i.logical.text = string(text)
	return n
}

// continuation returns how many bytes of line are kept, and whether the next line belongs to it. The rule is
// BuildKit's: an escape character before trailing blanks, unless another one stands before it.
func continuation(line []byte, escape byte) (keep int, continued bool) {
	end := len(strings.TrimRight(string(line), " \t"))
	if end == 0 || line[end-1] != escape {
		return len(line), false
	}
	if end >= 2 && line[end-2] == escape {
		return len(line), false
	}
	return end - 1, true
}

// heredocs finds the lines of each here-document; next is the first line after the logical line.
func (i *Instruction) heredocs(node *parser.Node, next int) {
	for _, h := range node.Heredocs {
		doc := Heredoc{Name: h.Name, Expand: h.Expand, Chomp: h.Chomp, Content: h.Content}
		start := i.file.LineSpan(next).Start
		for next <= node.EndLine && !terminates(i.file.Text(i.file.LineSpan(next)), h) {
			next++
		}
		doc.End = i.file.LineSpan(next)
		doc.Body = Span{start, doc.End.Start}
		i.Heredocs = append(i.Heredocs, doc)
		next++
	}
}

func terminates(line string, h parser.Heredoc) bool {
	line = strings.TrimRight(line, "\r\n")
	if h.Chomp {
		line = strings.TrimLeft(line, "\t")
	}
	return line == h.Name
}

// split finds keyword, flags, body and words of a logical line.
func (i *Instruction) split(line mapped, node *parser.Node) {
	start := indexNot(line.text, 0, unicode.IsSpace)
	end := indexNot(line.text, start, func(r rune) bool { return !isBlank(r) })
	i.Keyword = strings.ToUpper(line.text[start:end])
	i.KeywordSpan = line.span(start, end)
	flags, at := scanFlags(line.text, end, rune(i.file.Escape))
	for _, fl := range flags {
		name, value, _ := strings.Cut(strings.TrimPrefix(fl.text, "--"), "=")
		i.Flags = append(i.Flags, Flag{Name: name, Value: value, Span: line.span(fl.start, fl.end)})
	}
	at = indexNot(line.text, at, unicode.IsSpace)
	stop := len(strings.TrimRightFunc(line.text, unicode.IsSpace))
	i.body = line.slice(at, max(at, stop))
	i.Body = line.span(at, max(at, stop))
	i.words(node)
}

// words splits the body the way BuildKit does for the keyword.
func (i *Instruction) words(node *parser.Node) {
	body := i.body
	switch i.Keyword {
	case "RUN", "CMD", "ENTRYPOINT", "SHELL":
		i.Form = ShellForm
	case "HEALTHCHECK":
		end := indexNot(body.text, 0, func(r rune) bool { return !isBlank(r) })
		i.Words = append(i.Words, Word{body.text[:end], body.span(0, end)})
		body = body.slice(indexNot(body.text, end, unicode.IsSpace), len(body.text))
		i.Form = ShellForm
		if strings.EqualFold(i.Words[0].Text, "NONE") {
			i.Form = NoForm
		}
	}
	if node.Attributes["json"] || i.Keyword == "HEALTHCHECK" {
		if words, ok := jsonWords(body); ok {
			i.Form = ExecForm
			i.Words = append(i.Words, words...)
			return
		}
	}
	switch i.Keyword {
	case "RUN", "CMD", "ENTRYPOINT", "SHELL", "HEALTHCHECK", "ONBUILD":
	case "ENV", "LABEL", "ARG":
		i.Words = quotedWords(body, rune(i.file.Escape))
	case "MAINTAINER", "STOPSIGNAL", "USER", "WORKDIR":
		i.Words = []Word{{body.text, body.whole()}}
	default:
		i.Words = blankWords(body)
	}
}

// jsonWords reads a JSON array of strings with the span of each.
func jsonWords(m mapped) ([]Word, bool) {
	dec := json.NewDecoder(strings.NewReader(m.text))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('[') {
		return nil, false
	}
	words := []Word{}
	for dec.More() {
		from := int(dec.InputOffset())
		tok, err := dec.Token()
		text, ok := tok.(string)
		if err != nil || !ok {
			return nil, false
		}
		end := int(dec.InputOffset())
		start := from + strings.IndexByte(m.text[from:end], '"')
		words = append(words, Word{text, m.span(start, end)})
	}
	if _, err := dec.Token(); err != nil || strings.TrimSpace(m.text[dec.InputOffset():]) != "" {
		return nil, false
	}
	return words, true
}

func blankWords(m mapped) []Word {
	var out []Word
	for at := 0; ; {
		at = indexNot(m.text, at, isBlank)
		if at == len(m.text) {
			return out
		}
		end := indexNot(m.text, at, func(r rune) bool { return !isBlank(r) })
		out = append(out, Word{m.text[at:end], m.span(at, end)})
		at = end
	}
}

// quotedWords splits like the shell does, keeping quotes and escapes (parser.parseWords).
func quotedWords(m mapped, escape rune) []Word {
	var out []Word
	for at := 0; ; {
		at = indexNot(m.text, at, unicode.IsSpace)
		if at == len(m.text) {
			return out
		}
		end := wordEnd(m.text, at, escape)
		out = append(out, Word{m.text[at:end], m.span(at, end)})
		at = end
	}
}

func wordEnd(s string, at int, escape rune) int {
	var quote rune
	skip := false
	for k, r := range s[at:] {
		switch {
		case skip:
			skip = false
		case r == escape && quote != '\'':
			skip = true
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"':
			quote = r
		case unicode.IsSpace(r):
			return at + k
		}
	}
	return len(s)
}

type rawFlag struct {
	text       string // unquoted
	start, end int
}

// scanFlags reads the builder flags from offset at on, by the rules of BuildKit's extractBuilderFlags, and returns the
// offset at which the body begins.
func scanFlags(s string, at int, escape rune) ([]rawFlag, int) {
	var out []rawFlag
	for {
		at = indexNot(s, at, unicode.IsSpace)
		if !strings.HasPrefix(s[at:], "--") {
			return out, at
		}
		end := wordEnd(s, at, escape)
		text := unquote(s[at:end], escape)
		if text == "--" {
			return out, end
		}
		out = append(out, rawFlag{text, at, end})
		at = end
	}
}

// unquote takes quotes and escapes out of a flag.
func unquote(s string, escape rune) string {
	var b strings.Builder
	var quote rune
	skip := false
	for _, r := range s {
		switch {
		case skip:
			b.WriteRune(r)
			skip = false
		case r == escape:
			skip = true
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case r == quote && quote != 0:
			quote = 0
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isBlank is BuildKit's white space between words: not the Unicode kind, and no line ends.
func isBlank(r rune) bool { return strings.ContainsRune("\t\v\f\r ", r) }

// indexNot is the offset of the first rune from at on for which in is false, or len(s).
func indexNot(s string, at int, in func(rune) bool) int {
	for k, r := range s[at:] {
		if !in(r) {
			return at + k
		}
	}
	return len(s)
}
