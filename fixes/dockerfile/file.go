package dockerfile

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// MaxSize is the size in bytes above which Parse refuses a file. BuildKit itself stops at lines of 64 KiB.
const MaxSize = 1 << 20

// maxOnbuild bounds how often ONBUILD may appear: BuildKit's parser takes time in the square of how deep they nest.
const maxOnbuild = 1000

// A File is a parsed Dockerfile. It is shared by all who parse the same text, and nobody changes it.
type File struct {
	Path         string
	Src          []byte
	Escape       byte           // the escape character: '\\' or, by directive, '`'
	Directives   []Directive    // parser directives, in order
	Instructions []*Instruction // every instruction, in order
	Args         []*Instruction // the ARGs before the first FROM
	Stages       []*Stage

	lines []int // offset of each line's first byte
}

// A Directive is a parser directive: "# syntax=docker/dockerfile:1".
type Directive struct {
	Name  string // lower case: syntax, escape or check
	Value string
	Span  Span // the whole line
}

// An Error says why a file could not be read as a Dockerfile, and where.
type Error struct {
	Path string
	Line int // 1-based; 0 when the whole file is meant
	Msg  string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Path, e.Msg)
	}
	return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.Msg)
}

// parse is Parse without a memory.
func parse(path string, src []byte) (*File, error) {
	if err := readable(path, src); err != nil {
		return nil, err
	}
	result, err := parser.Parse(bytes.NewReader(src))
	if err != nil {
		return nil, wrap(path, err)
	}
	if err := dispatches(result.AST); err != nil {
		return nil, wrap(path, err)
	}
	f := &File{Path: path, Src: src, Escape: byte(result.EscapeToken), lines: lineStarts(src)}
	f.Directives = f.directives()
	for _, node := range result.AST.Children {
		i, err := f.instruction(node)
		if err != nil {
			return nil, err
		}
		i.Index = len(f.Instructions)
		f.Instructions = append(f.Instructions, i)
	}
	f.leads()
	if err := f.stages(); err != nil {
		return nil, err
	}
	return f, nil
}

// dispatches reports why BuildKit would not take the instructions. Comments are left out: with one like "# check=skip=x"
// and no linter, instructions.Parse of BuildKit 0.34.2 panics.
func dispatches(ast *parser.Node) error {
	for _, node := range ast.Children {
		node.PrevComment = nil
	}
	_, _, err := instructions.Parse(ast, nil)
	return err
}

func readable(path string, src []byte) error {
	if len(src) > MaxSize {
		return &Error{Path: path, Msg: fmt.Sprintf("%d bytes are more than the %d a Dockerfile may have", len(src), MaxSize)}
	}
	if at := bytes.IndexByte(src, 0); at >= 0 {
		line := 1 + bytes.Count(src[:at], []byte("\n"))
		return &Error{Path: path, Line: line, Msg: "binary content (a NUL byte); a Dockerfile is text"}
	}
	if n := bytes.Count(bytes.ToUpper(src), []byte("ONBUILD")); n > maxOnbuild {
		return &Error{Path: path, Msg: fmt.Sprintf("%d times ONBUILD are more than the %d that are read", n, maxOnbuild)}
	}
	return nil
}

// wrap turns an error of BuildKit's parser into an *Error.
func wrap(path string, err error) error {
	out := &Error{Path: path, Msg: err.Error()}
	var located *parser.LocationError
	if errors.As(err, &located) && len(located.Locations) > 0 && len(located.Locations[0]) > 0 {
		out.Line = located.Locations[0][0].Start.Line
	}
	var unknown *instructions.UnknownInstructionError
	if errors.As(err, &unknown) {
		out.Line = unknown.Line
		out.Msg = unknown.Error()
	}
	return out
}

func lineStarts(src []byte) []int {
	starts := []int{0}
	for i, c := range src {
		if c == '\n' && i+1 < len(src) {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// Lines is the number of lines.
func (f *File) Lines() int { return len(f.lines) }

// Line is the 1-based line of the byte at offset.
func (f *File) Line(offset int) int {
	return max(1, sort.Search(len(f.lines), func(k int) bool { return f.lines[k] > offset }))
}

// LineSpan is the whole of the 1-based line n, its line end included.
func (f *File) LineSpan(n int) Span {
	if n < 1 || n > len(f.lines) {
		return Span{len(f.Src), len(f.Src)}
	}
	if n == len(f.lines) {
		return Span{f.lines[n-1], len(f.Src)}
	}
	return Span{f.lines[n-1], f.lines[n]}
}

// Text is the bytes of a span as a string.
func (f *File) Text(s Span) string { return string(f.Src[s.Start:s.End]) }

// EOL is the line end the file uses: "\r\n" when its first line ends so, else "\n".
func (f *File) EOL() string {
	if at := bytes.IndexByte(f.Src, '\n'); at > 0 && f.Src[at-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// Directive is the value of a parser directive, "" when it is not there.
func (f *File) Directive(name string) string {
	for _, d := range f.Directives {
		if d.Name == name {
			return d.Value
		}
	}
	return ""
}

// bom is the length of the byte order mark at the file's start.
func (f *File) bom() int {
	if bytes.HasPrefix(f.Src, []byte("\xef\xbb\xbf")) {
		return 3
	}
	return 0
}

// directives reads the parser directives with BuildKit's rules: only at the very top, and only the known names.
func (f *File) directives() []Directive {
	var out []Directive
	var p parser.DirectiveParser
	for n := 1; n <= f.Lines(); n++ {
		line := f.LineSpan(n)
		if n == 1 {
			line.Start += f.bom()
		}
		text := strings.TrimLeft(strings.TrimRight(f.Text(line), "\r\n"), " \t\v\f\r\n\u0085\u00a0")
		d, err := p.ParseLine([]byte(text))
		if err != nil || d == nil {
			break
		}
		out = append(out, Directive{Name: d.Name, Value: d.Value, Span: line})
	}
	return out
}

// leads gives each instruction the comment lines directly above it.
func (f *File) leads() {
	floor := 0
	if n := len(f.Directives); n > 0 {
		floor = f.Directives[n-1].Span.End
	}
	for _, i := range f.Instructions {
		first := f.Line(i.Span.Start)
		n := first
		for n > 1 && f.lines[n-2] >= floor && isComment(f.Text(f.LineSpan(n-1))) {
			n--
		}
		i.Lead = Span{f.lines[n-1], i.Span.Start}
		if n == 1 {
			i.Lead.Start = min(f.bom(), i.Span.Start)
		}
		floor = i.Span.End
	}
}

func isComment(line string) bool {
	return strings.HasPrefix(strings.TrimSpace(line), "#")
}

// Named reports whether a file of that name is, by convention, a Dockerfile: Dockerfile, Containerfile, with a suffix or
// a prefix set off by a dot or dash, in any case. Ignore files and documents are not.
func Named(path string) bool {
	name := strings.ToLower(path[strings.LastIndexByte(path, '/')+1:])
	for _, ext := range [...]string{
		".dockerignore", ".containerignore", ".md", ".txt", ".go", ".py", ".js", ".ts", ".sh", ".yml", ".yaml", ".json",
	} {
		if strings.HasSuffix(name, ext) {
			return false
		}
	}
	for _, stem := range []string{"dockerfile", "containerfile"} {
		before, after, ok := strings.Cut(name, stem)
		if ok && (before == "" || strings.HasSuffix(before, ".") || strings.HasSuffix(before, "-")) &&
			(after == "" || strings.HasPrefix(after, ".") || strings.HasPrefix(after, "-")) {
			return true
		}
	}
	return false
}
