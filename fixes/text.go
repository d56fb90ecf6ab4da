package fixes

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// ErrRefused is wrapped by the error of every recipe that will not touch what it was given. The error's text says
// why, as the end of "no fix: ...".
var ErrRefused = errors.New("refused")

// refusal is an error whose text is only the reason.
type refusal struct{ reason string }

func (r refusal) Error() string        { return r.reason }
func (r refusal) Is(target error) bool { return target == ErrRefused }

func refuse(format string, args ...any) error { return refusal{fmt.Sprintf(format, args...)} }

// edit replaces a span of f.
func edit(f *dockerfile.File, at dockerfile.Span, text string) Edit {
	return Edit{Path: f.Path, Start: at.Start, End: at.End, New: text}
}

func point(at int) dockerfile.Span { return dockerfile.Span{Start: at, End: at} }

// eolAt is the line end of the line that ends at offset end, and the file's own when that line has none.
func eolAt(f *dockerfile.File, end int) string {
	if eol := ending(f.Src[:end]); eol != "" {
		return eol
	}
	return f.EOL()
}

// firstEOL is the line end of i's first line, and the file's own when it has none.
func firstEOL(f *dockerfile.File, i *dockerfile.Instruction) string {
	return eolAt(f, f.LineSpan(f.Line(i.KeywordSpan.Start)).End)
}

// ending is the line end that text ends with.
func ending(text []byte) string {
	switch {
	case len(text) == 0 || text[len(text)-1] != '\n':
		return ""
	case len(text) > 1 && text[len(text)-2] == '\r':
		return "\r\n"
	}
	return "\n"
}

// unended reports whether the last line of f has no line end.
func unended(f *dockerfile.File) bool { return ending(f.Src) == "" }

// blank reports whether the 1-based line n is there and holds nothing but white space.
func blank(f *dockerfile.File, n int) bool {
	return n >= 1 && n <= f.Lines() && strings.TrimSpace(strings.TrimPrefix(f.Text(f.LineSpan(n)), "\ufeff")) == ""
}

// own says why i, which is to be changed, cannot be: it must be an instruction of f, and none that ONBUILD defers.
func own(f *dockerfile.File, i *dockerfile.Instruction) error {
	switch {
	case i == nil:
		return refuse("there is no instruction to change")
	case i.Keyword == "ONBUILD":
		return refuse("ONBUILD is left alone: it takes effect in other builds")
	case i.Index >= len(f.Instructions) || f.Instructions[i.Index] != i:
		return refuse("what ONBUILD defers is left alone: it takes effect in other builds")
	}
	return nil
}

// sound refuses edits after which f is no longer a Dockerfile of as many instructions as before plus more, or has
// other parser directives or another end of file.
func sound(f *dockerfile.File, edits []Edit, more int) error {
	src, err := Apply(f.Path, f.Src, edits)
	if err != nil {
		return err
	}
	g, err := dockerfile.Parse(f.Path, src)
	if err != nil {
		return refuse("the result would not be a valid Dockerfile: %s", problem(err))
	}
	if len(g.Instructions) != len(f.Instructions)+more {
		return refuse("the result would have %d instructions, not %d", len(g.Instructions), len(f.Instructions)+more)
	}
	if !slices.EqualFunc(f.Directives, g.Directives, sameDirective) {
		return refuse("a comment would become a parser directive")
	}
	if unended(f) != unended(g) {
		return refuse("the end of the file would change")
	}
	return nil
}

// problem is the text of a parser's error without the path.
func problem(err error) string {
	if e, ok := errors.AsType[*dockerfile.Error](err); ok {
		return e.Msg
	}
	return err.Error()
}

func sameDirective(a, b dockerfile.Directive) bool { return a.Name == b.Name && a.Value == b.Value }

// checked is the usual end of a recipe: the edits, if they are sound.
func checked(f *dockerfile.File, more int, edits ...Edit) ([]Edit, error) {
	if err := sound(f, edits, more); err != nil {
		return nil, err
	}
	return edits, nil
}

func checkedOne(f *dockerfile.File, e Edit) (Edit, error) {
	if err := sound(f, []Edit{e}, 0); err != nil {
		return Edit{}, err
	}
	return e, nil
}

// cased writes keyword in the case in which neighbour's was written: upper unless that is all lower case.
func cased(keyword string, neighbour *dockerfile.Instruction) string {
	written := neighbour.File().Text(neighbour.KeywordSpan)
	switch {
	case written == strings.ToLower(written):
		return strings.ToLower(keyword)
	case len(written) > 1 && written[1:] == strings.ToLower(written[1:]):
		return strings.ToUpper(keyword[:1]) + strings.ToLower(keyword[1:])
	}
	return strings.ToUpper(keyword)
}
