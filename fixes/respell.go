package fixes

import (
	"regexp"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// Respelled promises that instructions only changed how they are written: in which case, with which of two spellings
// that mean the same, over which lines; what is built is the same.
type Respelled struct{}

// Claim implements Intent.
func (Respelled) Claim() Claim { return Claim{Same, "proven: builds the same image"} }

// KeywordCase writes i's keyword in upper or lower case, that of FROM with its AS.
func KeywordCase(f *dockerfile.File, i *dockerfile.Instruction, upper bool) ([]Edit, error) {
	if err := own(f, i); err != nil {
		return nil, err
	}
	at := []dockerfile.Span{i.KeywordSpan}
	if i.Keyword == "FROM" && len(i.Words) == 3 {
		at = append(at, i.Words[1].Span)
	}
	var edits []Edit
	for _, span := range at {
		if text := inCase(f.Text(span), upper); text != f.Text(span) {
			edits = append(edits, edit(f, span, text))
		}
	}
	return checked(f, 0, edits...)
}

func inCase(word string, upper bool) string {
	if upper {
		return strings.ToUpper(word)
	}
	return strings.ToLower(word)
}

// AsCase writes the AS of a FROM in the case of the FROM.
func AsCase(f *dockerfile.File, from *dockerfile.Instruction) ([]Edit, error) {
	written := f.Text(from.KeywordSpan)
	mixed := written != strings.ToLower(written) && written != strings.ToUpper(written)
	if from.Keyword != "FROM" || len(from.Words) != 3 || mixed {
		return nil, refuse("there is no case to follow on line %d", from.Line())
	}
	return KeywordCase(f, from, written == strings.ToUpper(written))
}

// StageNameCase writes the name of s in lower case, where it is given and where a --from means it.
func StageNameCase(f *dockerfile.File, s *dockerfile.Stage) ([]Edit, error) {
	if len(s.From.Words) != 3 {
		return nil, refuse("the stage has no name")
	}
	edits := []Edit{edit(f, s.From.Words[2].Span, s.Name)}
	for _, i := range f.Instructions {
		for _, fl := range i.Flags {
			text := f.Text(fl.Span)
			if lower := lowerFrom(text, s.Name); lower != text && i.Keyword != "ONBUILD" {
				edits = append(edits, edit(f, fl.Span, lower))
			}
		}
	}
	return checked(f, 0, edits...)
}

// lowerFrom is a flag in which the stage that --from=name or a mount's from=name means is written as name.
func lowerFrom(flag, name string) string {
	prefix, value, ok := strings.Cut(flag, "=")
	switch {
	case !ok:
	case strings.EqualFold(prefix, "--from") && strings.EqualFold(value, name):
		return prefix + "=" + name
	case strings.EqualFold(prefix, "--mount"):
		fields := strings.Split(value, ",")
		for k, field := range fields {
			if key, from, _ := strings.Cut(field, "="); key == "from" && strings.EqualFold(from, name) {
				fields[k] = "from=" + name
			}
		}
		return prefix + "=" + strings.Join(fields, ",")
	}
	return flag
}

// WithoutFlag takes a flag out of i, with the white space behind it.
func WithoutFlag(f *dockerfile.File, i *dockerfile.Instruction, name string) ([]Edit, error) {
	if err := own(f, i); err != nil {
		return nil, err
	}
	flag, ok := i.Flag(name)
	if !ok {
		return nil, refuse("there is no --%s on line %d", name, i.Line())
	}
	end := flag.Span.End
	for end < i.Body.Start && (f.Src[end] == ' ' || f.Src[end] == '\t') {
		end++
	}
	if end == flag.Span.End || f.Line(end) != f.Line(flag.Span.Start) || f.Src[end] == f.Escape {
		return nil, refuse("--%s ends its line", name)
	}
	return checked(f, 0, edit(f, dockerfile.Span{Start: flag.Span.Start, End: end}, ""))
}

// WithoutBlankLines takes the blank lines out of i that stand between its first line and its here-documents.
func WithoutBlankLines(f *dockerfile.File, i *dockerfile.Instruction) ([]Edit, error) {
	if err := own(f, i); err != nil {
		return nil, err
	}
	if err := whole(f, i); err != nil {
		return nil, err
	}
	last := i.EndLine()
	if len(i.Heredocs) > 0 {
		last = f.Line(i.Heredocs[0].Body.Start) - 1
	}
	var edits []Edit
	for n := i.Line() + 1; n <= last; n++ {
		if blank(f, n) {
			edits = append(edits, edit(f, f.LineSpan(n), ""))
		}
	}
	if len(edits) == 0 {
		return nil, refuse("there is no blank line in the instruction on line %d", i.Line())
	}
	return checked(f, 0, edits...)
}

// KeyValue writes the old form "ENV key value", in which all of the line is the value, as "ENV key=value"; the same
// for LABEL. It refuses a value in which quotes, escapes or expansions may mean something else in the other form, and
// one over several lines: some of them were meant as several variables.
func KeyValue(f *dockerfile.File, i *dockerfile.Instruction) (Edit, error) {
	if err := own(f, i); err != nil {
		return Edit{}, err
	}
	key, _, ok := strings.Cut(strings.ReplaceAll(i.Text(), "\t", " "), " ")
	value := strings.TrimLeft(i.Text()[len(key):], " \t\v\f\r")
	switch {
	case i.Keyword != "ENV" && i.Keyword != "LABEL" || !ok || !plainKey.MatchString(key):
		return Edit{}, refuse("line %d is not of the form %s key value", i.Line(), i.Keyword)
	case strings.ContainsAny(f.Text(i.Body), "\r\n"):
		return Edit{}, refuse("the value goes over several lines, and all of them are one value")
	}
	quoted, err := inQuotes(value)
	if err != nil {
		return Edit{}, err
	}
	return checkedOne(f, edit(f, i.Body, key+"="+quoted))
}

var (
	plainKey = regexp.MustCompile(`^[A-Za-z_][\w.-]*$`)
	// bareValue matches what means the same with and without quotes and is one word.
	bareValue = regexp.MustCompile(`^(?:[\w./:@%+,=~^?*!|&;()#{}\[\]>-]|\$[A-Za-z_]\w*|\$\{[A-Za-z_]\w*\})+$`)
	// openValue matches what means the same with and without double quotes around it.
	openValue = regexp.MustCompile("^(?:[^\"'`\\\\$\r\n]|\\$[A-Za-z_]\\w*|\\$\\{[A-Za-z_]\\w*\\})+$")
	// quotedValue matches one string in quotes without anything that would be special within.
	quotedValue = regexp.MustCompile("^(?:\"(?:[^\"`\\\\$\r\n]|\\$[A-Za-z_]\\w*|\\$\\{[A-Za-z_]\\w*\\})*\"|" +
		"'[^'`\\\\\r\n]*')$")
)

// inQuotes is a value of the old form as one word.
func inQuotes(value string) (string, error) {
	switch {
	case bareValue.MatchString(value), quotedValue.MatchString(value):
		return value, nil
	case openValue.MatchString(value) && !strings.Contains(value, "<<"):
		return `"` + value + `"`, nil
	}
	return "", refuse("quotes, escapes or expansions in the value may mean something else as key=value")
}

// ContainerPorts writes the words of an EXPOSE as ports of the container: the protocol in lower case, and without
// the address and the port of the host that builders drop.
func ContainerPorts(f *dockerfile.File, i *dockerfile.Instruction) ([]Edit, error) {
	if err := own(f, i); err != nil {
		return nil, err
	}
	var edits []Edit
	for _, w := range i.Words {
		port := w.Text[strings.LastIndexByte(w.Text, ':')+1:]
		number, protocol, _ := strings.Cut(port, "/")
		switch {
		case f.Text(w.Span) != w.Text || strings.ContainsAny(w.Text, "$\"'\\`") || !portNumber.MatchString(number):
			if strings.ToLower(w.Text) != w.Text || strings.Contains(w.Text, ":") {
				return nil, refuse("%s is not a literal port", w.Text)
			}
			continue
		case protocol != "":
			number += "/" + strings.ToLower(protocol)
		}
		if number != w.Text {
			edits = append(edits, edit(f, w.Span, number))
		}
	}
	if len(edits) == 0 {
		return nil, refuse("the ports are not written on line %d itself", i.Line())
	}
	return checked(f, 0, edits...)
}

var portNumber = regexp.MustCompile(`^\d+(-\d+)?$`)
