package fixes

import (
	"encoding/json"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// ReplaceKeyword makes i another kind of instruction: keyword is given in upper case and written in the case in which
// the old one was.
func ReplaceKeyword(f *dockerfile.File, i *dockerfile.Instruction, keyword string) (Edit, error) {
	if err := own(f, i); err != nil {
		return Edit{}, err
	}
	return checkedOne(f, edit(f, i.KeywordSpan, cased(keyword, i)))
}

// ReplaceBody puts text, one line, in place of everything after i's keyword and flags. It refuses a body with a
// here-document or a comment inside, which would be lost.
func ReplaceBody(f *dockerfile.File, i *dockerfile.Instruction, text string) (Edit, error) {
	if err := own(f, i); err != nil {
		return Edit{}, err
	}
	switch {
	case len(i.Heredocs) > 0:
		return Edit{}, refuse("a here-document is not replaced")
	case commented(i, i.Body):
		return Edit{}, refuse("a comment inside the instruction would be lost")
	case text == "" || strings.ContainsAny(text, "\r\n"):
		return Edit{}, refuse("the new text is not one line")
	}
	return checkedOne(f, edit(f, i.Body, text))
}

// ReplaceWord puts text in place of the word of i at the span at, as found in Instruction.Words or in a Command. In
// exec form text is the plain string; elsewhere it is written as given, quotes included.
func ReplaceWord(f *dockerfile.File, i *dockerfile.Instruction, at dockerfile.Span, text string) (Edit, error) {
	written, err := wordIn(f, i, at, text)
	if err != nil {
		return Edit{}, err
	}
	return checkedOne(f, edit(f, at, written))
}

// AddWord puts a further word directly behind the word of i at the span after; text is as for ReplaceWord.
func AddWord(f *dockerfile.File, i *dockerfile.Instruction, after dockerfile.Span, text string) (Edit, error) {
	written, err := wordIn(f, i, after, text)
	if err != nil {
		return Edit{}, err
	}
	sep := " "
	if i.Form == dockerfile.ExecForm {
		sep = ", "
	}
	return checkedOne(f, edit(f, point(after.End), sep+written))
}

// wordIn checks that at is text on one line of i's body and returns text as it is written there.
func wordIn(f *dockerfile.File, i *dockerfile.Instruction, at dockerfile.Span, text string) (string, error) {
	if err := own(f, i); err != nil {
		return "", err
	}
	switch {
	case at.Empty() || !i.Span.Contains(at) || at.Start < i.KeywordSpan.End:
		return "", refuse("the word is not part of %s on line %d", i.Keyword, i.Line())
	case strings.ContainsAny(f.Text(at), "\r\n"):
		return "", refuse("the word is not written on one line")
	case text == "" || strings.ContainsAny(text, "\r\n"):
		return "", refuse("the new word is not one line")
	}
	switch {
	case i.Form != dockerfile.ExecForm:
		return text, nil
	case f.Src[at.Start] != '"':
		return "", refuse("the word is not one of the array")
	}
	return jsonString(text)
}

func jsonString(text string) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		return "", refuse("%q cannot be written as a JSON string: %v", text, err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// commented reports whether a comment line of i overlaps a span.
func commented(i *dockerfile.Instruction, at dockerfile.Span) bool {
	for _, c := range i.Comments {
		if c.Overlaps(at) {
			return true
		}
	}
	return false
}
