package review

import (
	"bytes"
	"regexp"

	"github.com/lighterman/lighterman/internal/check"
)

// generatedNote is how a Dockerfile says, in a comment among its first lines, that a program wrote it.
var generatedNote = regexp.MustCompile(`(?i)^\s*#.*\b(?:auto-?)?generated\b`)

// generatedWithin is how many lines from the top such a note is looked for.
const generatedWithin = 15

// families makes a comment of every finding, and one comment of the same finding in a family of files: files of
// the same content, and files that say they were generated. The comment stands in the first of them. What people dismissed
// and what they did not, as in a copy made since, is apart.
func families(files []File, findings []check.Finding, m mute) []Comment {
	kin := map[string]string{}
	for _, f := range files {
		kin[f.Path] = family(f)
	}
	type same struct {
		family, check, message string
		nth                    int // twins within one file stay apart
		muted, decided         bool
	}
	first := map[same]int{}
	seen := map[[3]string]int{}
	var out []Comment
	for _, found := range findings {
		twin := [3]string{found.Path, found.Check.Name, found.Message}
		one := Comment{Finding: found}
		key := same{kin[found.Path], found.Check.Name, found.Message, seen[twin], m.covers(one), m.decided(one)}
		seen[twin]++
		if n, ok := first[key]; ok {
			out[n].Also, out[n].twins = append(out[n].Also, found.Path), append(out[n].twins, found)
			continue
		}
		first[key] = len(out)
		out = append(out, one)
	}
	return out
}

// family is what the file's relatives have in common with it.
func family(f File) string {
	lines := bytes.SplitN(f.Text, []byte("\n"), generatedWithin+1)
	for _, l := range lines[:min(len(lines), generatedWithin)] {
		if generatedNote.Match(l) {
			return "generated"
		}
	}
	return short(string(f.Text))
}
