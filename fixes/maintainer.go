package fixes

import (
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// AuthorsLabel is the label in which an image names its authors (OCI image specification, annotations).
const AuthorsLabel = "org.opencontainers.image.authors"

// Labelled promises that the author of the image is told by a label instead of a field of the configuration that
// nothing else is told by, and nothing else differs.
type Labelled struct {
	Value string // of the label AuthorsLabel
}

// Claim implements Intent.
func (Labelled) Claim() Claim {
	return Claim{Intended, "checked: changes only where the image names its author: in the label " + AuthorsLabel}
}

// LabelMaintainer makes a LABEL of a MAINTAINER. Quotes around the whole text, which MAINTAINER takes as a part of it,
// are left out.
func LabelMaintainer(f *dockerfile.File, i *dockerfile.Instruction) (Fix, error) {
	if err := own(f, i); err != nil {
		return Fix{}, err
	}
	author := Unquoted(i.Text())
	switch {
	case i.Keyword != "MAINTAINER":
		return Fix{}, refuse("%s on line %d is not a MAINTAINER", i.Keyword, i.Line())
	case commented(i, i.Span) || strings.ContainsAny(f.Text(i.Body), "\r\n"):
		return Fix{}, refuse("the text goes over several lines")
	case author == "" || strings.ContainsAny(author, "\"$\\`"):
		return Fix{}, refuse("the text has signs that mean something else in a label")
	}
	edits, err := checked(f, 0, edit(f, i.KeywordSpan, cased("LABEL", i)), edit(f, i.Body, AuthorsLabel+`="`+author+`"`))
	return Fix{Title: "Name the author in a label", Intent: Labelled{author}, Edits: edits}, err
}

// Unquoted is text without a pair of quotes around all of it.
func Unquoted(text string) string {
	text = strings.TrimSpace(text)
	if n := len(text); n >= 2 && text[0] == text[n-1] && (text[0] == '"' || text[0] == '\'') {
		return strings.TrimSpace(text[1 : n-1])
	}
	return text
}
