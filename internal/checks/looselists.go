package checks

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

// maxList is the size in bytes above which a list of requirements is not looked into: nobody writes that many by hand.
const maxList = 64 << 10

// unpinnedIn is the first package that a list which pip is given names without any version, and the list; "" when there is
// none. The list has to lie in every build context from which the file is built, and be the same there.
func unpinnedIn(p *check.Pass, c dockerfile.Command) (name, list string) {
	words := c.Words
	if strings.HasPrefix(c.Name(), "python") && len(words) > 2 && words[1].Text == "-m" {
		words = words[2:]
	}
	program := dockerfile.Command{Words: words}.Name()
	if program != "pip" && program != "pip3" || len(words) < 3 || words[1].Text != "install" || versioned(program, words) {
		return "", ""
	}
	for _, list := range listsOf(words) {
		if name := looseIn(p, list); name != "" {
			return name, list
		}
	}
	return "", ""
}

// listsOf are the files that options name as lists of requirements. One for developing or testing is as it may be.
func listsOf(words []dockerfile.Argument) []string {
	var out []string
	for n, w := range words {
		option, value, ok := strings.Cut(w.Text, "=")
		switch {
		case option != "-r" && option != "--requirement" || !w.Literal:
			continue
		case !ok && n+1 < len(words) && words[n+1].Literal:
			value = words[n+1].Text
		}
		if value != "" && !forDevelopers.MatchString(value) {
			out = append(out, value)
		}
	}
	return out
}

var forDevelopers = pattern.New(`(?i)dev|test|doc|lint|local|example`)

// looseIn is the first package without a version in a list, "" when there is none or the list is not known.
func looseIn(p *check.Pass, list string) string {
	text, known := "", false
	for _, b := range p.Builds {
		if b.Unknown != "" {
			return ""
		}
		here, ok := listAt(b.Context, list)
		if !ok || known && here != text {
			return ""
		}
		text, known = here, true
	}
	return looseLine(text)
}

// listAt is a list as the build context has it: under the name by which the command knows it, or, for one that was copied
// to another directory, under the last part of it.
func listAt(context fs.FS, list string) (text string, ok bool) {
	for _, name := range slices.Compact([]string{strings.TrimPrefix(path.Clean("/"+list), "/"), path.Base(list)}) {
		info, err := fs.Stat(context, name)
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxList {
			continue
		}
		text, err := fs.ReadFile(context, name)
		return string(text), err == nil
	}
	return "", false
}

var (
	// looseRequirement matches a line that says no more than which package, with its extras.
	looseRequirement = pattern.New(`^([A-Za-z0-9][\w.-]*)(\[[^\]]*\])?$`)
	// steeredList matches what settles the versions of a list elsewhere.
	steeredList = pattern.New(`(?m)^\s*(-c|--constraint)\b|--hash=`)
	// remarks match the end of a line that is no part of the requirement: a marker, a comment.
	remarks = pattern.New(`;.*$|(^|\s)#.*$`)
)

// looseLine is the first package of a list that has no version. See pip.pypa.io/en/stable/reference/requirements-file-format.
func looseLine(text string) string {
	if steeredList.MatchString(text) {
		return ""
	}
	for line := range strings.SplitSeq(text, "\n") {
		m := looseRequirement.FindStringSubmatch(strings.TrimSpace(remarks.ReplaceAllString(line, "")))
		if m != nil && !pipPinned.MatchString(m[1]) {
			return m[1]
		}
	}
	return ""
}
