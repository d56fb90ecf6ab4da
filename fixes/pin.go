package fixes

import (
	"regexp"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// Pinned promises that the image which one stage stands on is named with a digest, a new one where it had one, and with the
// tag it has or, where it had none or "latest" and no digest, with one; nothing else differs.
type Pinned struct {
	Stage int    // the stage's index
	From  string // the reference before, the default of a global ARG put in
	To    string // the reference afterwards: name:tag@sha256:...
}

// Claim implements Intent.
func (i Pinned) Claim() Claim {
	return Claim{Intended, "checked: changes only how the base image is named: by the digest that the registry has for it"}
}

var (
	// plainRef matches a reference with nothing in it that is expanded or quoted, and without a digest.
	plainRef = regexp.MustCompile(`^[a-z0-9][A-Za-z0-9._:/-]*$`)
	// wholeArg matches a word that is one variable and nothing else.
	wholeArg = regexp.MustCompile(`^\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))$`)
	// pinnedRef matches a reference with a tag and a digest: its name, its tag, its digest.
	pinnedRef = regexp.MustCompile(`^([a-z0-9][A-Za-z0-9._:/-]*):([A-Za-z0-9_][A-Za-z0-9._-]{0,127})@(sha256:[0-9a-f]{64})$`)
)

// pinnable reports whether the text of a reference says all of it.
func pinnable(ref string) bool { return plainRef.MatchString(ref) || pinnedRef.MatchString(ref) }

// Pin writes the reference to, which has a tag and a digest, in the place of the one that s stands on, which has no digest or
// an older one: into FROM, or when that is one ARG and nothing else into the ARG's default, if that is used by nothing but
// this FROM.
func Pin(f *dockerfile.File, s *dockerfile.Stage, to string) (Edit, Pinned, error) {
	intent := Pinned{To: to}
	switch {
	case s == nil || s.Parent != nil || len(s.From.Words) == 0 || strings.EqualFold(s.Base, "scratch"):
		return Edit{}, intent, refuse("the stage does not stand on an image of a registry")
	case !pinnedRef.MatchString(to):
		return Edit{}, intent, refuse("%q is not a reference with a tag and a digest", to)
	}
	intent.Stage = s.Index
	word := s.From.Words[0]
	if word.Text == to {
		return Edit{}, intent, refuse("%s has that digest", to)
	}
	if pinnable(word.Text) {
		intent.From = word.Text
		edit, err := ReplaceWord(f, s.From, word.Span, to)
		return edit, intent, err
	}
	name := argOf(word.Text)
	switch {
	case !strings.Contains(word.Text, "$"):
		return Edit{}, intent, refuse("%s is not a plain reference", word.Text)
	case name == "":
		return Edit{}, intent, refuse("a part of the reference comes from an ARG, and the digest would hold for one value only")
	}
	arg, value, err := defaultOf(f, s, name)
	if err != nil {
		return Edit{}, intent, err
	}
	intent.From = f.Text(value)
	edit, err := ReplaceWord(f, arg, value, to)
	return edit, intent, err
}

// argOf is the name of the variable that text is, "" when it is more or less than one.
func argOf(text string) string {
	m := wholeArg.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return m[1] + m[2]
}

// defaultOf finds the one place where the default of a global ARG is written, which must matter to nothing but s.
func defaultOf(f *dockerfile.File, s *dockerfile.Stage, name string) (*dockerfile.Instruction, dockerfile.Span, error) {
	var arg *dockerfile.Instruction
	var value dockerfile.Span
	for _, a := range f.Args {
		for _, w := range a.Words {
			key, text, ok := strings.Cut(w.Text, "=")
			switch {
			case key != name:
			case arg != nil:
				return nil, value, refuse("%s is declared twice", name)
			case !ok || !pinnable(strings.Trim(text, `"'`)):
				return nil, value, refuse("the default of %s is not a plain reference", name)
			default:
				arg, value = a, inner(w, text)
			}
		}
	}
	if arg == nil {
		return nil, value, refuse("%s has no default", name)
	}
	word := regexp.MustCompile(`\b` + name + `\b`)
	for _, i := range f.Instructions {
		most := 0
		if i == arg || i == s.From {
			most = 1
		}
		if len(word.FindAllString(f.Text(i.Span), -1)) > most {
			return nil, value, refuse("%s is used on line %d as well", name, i.Line())
		}
	}
	return arg, value, nil
}

// inner is the span of the value of the word key=value, without quotes.
func inner(w dockerfile.Word, text string) dockerfile.Span {
	at := dockerfile.Span{Start: w.Span.End - len(text), End: w.Span.End}
	if len(text) > 1 && (text[0] == '"' || text[0] == '\'') && text[len(text)-1] == text[0] {
		at.Start, at.End = at.Start+1, at.End-1
	}
	return at
}
