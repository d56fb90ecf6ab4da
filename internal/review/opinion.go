package review

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/hidden"
)

// maxWorked is how many findings have their fix worked out as a suggestion or a change to show. The summary has no
// room for more, and in a file of a megabyte each takes some milliseconds.
const maxWorked = 100

// An Opinion is everything there is to say about a pull request at one commit.
type Opinion struct {
	Head string
	// Comments are the findings that the pull request touched or caused, worst first.
	Comments []Comment
	// Notes are what could not be looked at and other remarks on the whole pull request; they are told in the summary.
	Notes []Note
	// Unseen are files in which there may be more findings than were found; what was said about them stays. Partial says
	// that any file that is not in Seen is one of them.
	Unseen  map[string]bool
	Seen    map[string]bool
	Partial bool
	// Cut says that not all changed files were looked at, because there are too many.
	Cut bool
	// Files is how many of the files that were looked at the pull request changes.
	Files int
	// Elsewhere is how many findings there are besides, in lines that the pull request leaves alone.
	Elsewhere int
	// Aside is why the pull request was not looked at although it concerns us, "" when it was.
	Aside string
	// FailOn is the severity from which on a finding fails the check run.
	FailOn check.Severity
	// Rivals are other open pull requests of the same head whose check run blocks.
	Rivals []int
	// Limited is until when a limit of the host kept this waiting; the zero time is none.
	Limited time.Time

	rest  []check.Finding // in lines that the pull request leaves alone
	known known           // what people decided about findings; nothing when nobody was asked
}

// A Comment is one finding as it is told.
type Comment struct {
	Finding check.Finding
	Also    []string // other files of the same family with the same finding, which this comment tells too
	// StartLine and Line are the lines of the head's file that it stands on, in one hunk. Line is 0 when it stands on
	// none and is told in the summary.
	StartLine  int
	Line       int
	Suggestion *Suggestion // nil when there is no suggestion block; else on the same lines
	Body       string      // as it stands on the diff, in Markdown, without marker
	Entry      string      // as the summary tells it, without its place

	twins    []check.Finding // those of the files in Also
	over     bool            // it is not on the diff because there are enough comments
	withheld string          // why there is a fix but no suggestion, as a sentence in Markdown
}

// A Note is a remark on a file, or on the whole pull request when Path is empty.
type Note struct {
	Path   string
	Line   int // 1-based; 0 for the whole file
	Words  string
	Urgent bool // worth a review of its own
	Fails  bool // the check run fails for it
}

// Compose decides what to say to an audience about the findings of an examination of the files, and where. The suggestions
// it shows also hold as one batch, which is what combine is asked for; its error is Compose's.
func Compose(files []File, result *check.Result, a audience, combine Combine) (*Opinion, error) {
	files = secretly(files, result.Findings)
	ours, rest := Select(files, result.Findings)
	o := &Opinion{Notes: notes(result.Skipped), rest: rest}
	o.Unseen, o.Seen = unseen(result.Skipped), map[string]bool{}
	for _, f := range files {
		o.Seen[f.Path] = true
		if !f.beside {
			o.Files++
			o.Elsewhere += count(rest, f.Path)
		}
	}
	o.Comments = families(files, ours, a.mute)
	slices.SortStableFunc(o.Comments, func(a, b Comment) int {
		return cmp.Compare(b.Finding.Check.Severity, a.Finding.Check.Severity)
	})
	places(files, o.Comments, a.inline)
	if err := batches(files, o.Comments, result.Findings, combine); err != nil {
		return nil, err
	}
	for n := range o.Comments {
		o.Comments[n].write(files, n < maxWorked)
	}
	return o, nil
}

// Flat is the same opinion with every finding in the summary, for a host that refused to put comments on the diff.
func (o *Opinion) Flat() *Opinion {
	flat := *o
	flat.Comments = slices.Clone(o.Comments)
	for n := range flat.Comments {
		flat.Comments[n].StartLine, flat.Comments[n].Line = 0, 0
	}
	return &flat
}

// id is the name of the comment's finding in markers.
func (c Comment) id() string { return hidden.Finding(c.Finding.ID) }

// ids are the names in markers of the findings that the comment tells, its own first.
func (c Comment) ids() []string {
	out := []string{c.id()}
	for _, f := range c.twins[:min(len(c.twins), maxTwins)] {
		out = append(out, hidden.Finding(f.ID))
	}
	return out
}

// text is the hash of what the comment says on the diff. The number of lines that a suggestion replaces belongs to
// it.
func (c Comment) text() string {
	if c.Suggestion == nil {
		return short(unnumbered(c.Body))
	}
	return short(unnumbered(c.Body), strconv.Itoa(c.span()))
}

// span is how many lines the comment stands on.
func (c Comment) span() int { return c.Line - c.StartLine + 1 }

// places puts the first comments that can stand on the diff there, left of them.
func places(files []File, comments []Comment, left int) {
	for n := range comments {
		c := &comments[n]
		f, ok := fileOf(files, c.Finding.Path)
		if c.over = left == 0 || n >= maxWorked; !ok || c.over || f.apart || f.beside {
			continue
		}
		if c.place(f); c.Line > 0 {
			left--
		}
	}
}

// count is how many findings stand in a file.
func count(findings []check.Finding, path string) int {
	n := 0
	for _, f := range findings {
		if f.Path == path {
			n++
		}
	}
	return n
}

func fileOf(files []File, path string) (File, bool) {
	n := slices.IndexFunc(files, func(f File) bool { return f.Path == path })
	if n < 0 {
		return File{}, false
	}
	return files[n], true
}

// place finds the lines for a comment: those of its suggestion, else those of its finding.
func (c *Comment) place(f File) {
	found := Hunk{c.Finding.Line, c.Finding.EndLine}
	if len(c.Finding.Fixes) > 0 {
		if s, why := suggest(f, c.Finding.Fixes[0], found); why == "" {
			c.Suggestion, c.StartLine, c.Line = s, s.StartLine, s.Line
			return
		}
	}
	lines := standing(f.Diff, found)
	c.StartLine, c.Line = lines.Start, lines.End
}

// maxStand is the number of lines above which a comment without suggestion stands on the first of them alone.
const maxStand = 10

// standing is the part of a finding's lines that the first hunk to meet them shows, the zero Hunk when none does.
func standing(d *Diff, found Hunk) Hunk {
	if d == nil {
		return Hunk{}
	}
	for _, h := range d.Hunks {
		part := Hunk{max(h.Start, found.Start), min(h.End, found.End)}
		if part.End-part.Start >= maxStand {
			part.End = part.Start
		}
		if part.Start <= part.End {
			return part
		}
	}
	return Hunk{}
}

// notes tells what was not looked at. A file that is rightly passed over is mentioned, but is no reason to speak.
func notes(skipped []check.Skip) []Note {
	var out []Note
	for _, s := range skipped {
		words := "not looked at: " + s.Reason
		if s.Failed {
			words = "could not be looked at: " + s.Reason
		}
		out = append(out, Note{Path: s.Path, Line: s.Line, Words: words, Urgent: s.Failed})
	}
	return out
}

// unseen are the files that were to be looked at and could not be.
func unseen(skipped []check.Skip) map[string]bool {
	out := map[string]bool{}
	for _, s := range skipped {
		out[s.Path] = out[s.Path] || s.Failed
	}
	return out
}

// sees reports whether a finding that is not in the opinion is gone from the file.
func (o *Opinion) sees(path string) bool {
	return !o.Unseen[path] && (!o.Partial || o.Seen[path])
}
