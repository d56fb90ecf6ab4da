package fixes

import (
	"bytes"
	"slices"
	"strings"
)

// Ignored promises that what Patterns match leaves the build context of every build that reads the ignore file File, that
// no build needs it, and that nothing else differs.
type Ignored struct {
	File     string   // path in the repository
	Patterns []string // the lines that are added at its end, in their order
}

// Claim implements Intent.
func (i Ignored) Claim() Claim {
	return Claim{Intended, "checked: changes only what is sent to the build, without " + strings.Join(i.Patterns, ", ") +
		"; every file that a Dockerfile of this directory names is still sent"}
}

// Ignore adds patterns at the end of an ignore file, one a line, with its line ends; a file whose last line had no line
// end still has none afterwards. text is nil for a file that is not there yet.
func Ignore(file string, text []byte, patterns []string) (Edit, error) {
	if len(patterns) == 0 {
		return Edit{}, refuse("there is nothing to ignore")
	}
	for n, p := range patterns {
		switch {
		case p == "" || p != strings.TrimSpace(p) || strings.ContainsAny(p, "\r\n\x00\\") || p[0] == '#' || p[0] == '!':
			return Edit{}, refuse("%q cannot be a line of an ignore file", p)
		case slices.Contains(patterns[:n], p):
			return Edit{}, refuse("%s would be ignored twice", p)
		}
	}
	eol := "\n"
	if k := bytes.IndexByte(text, '\n'); k > 0 && text[k-1] == '\r' {
		eol = "\r\n"
	}
	added := strings.Join(patterns, eol)
	if len(text) > 0 && ending(text) == "" {
		added = eol + added
	} else {
		added += eol
	}
	return Edit{Path: file, Start: len(text), End: len(text), New: added}, nil
}
