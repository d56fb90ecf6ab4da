package githubtest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A fileDiff is one file of a diff, as GitHub's file list shows it.
type fileDiff struct {
	path, oldPath        string
	status               string // GitHub's word
	sha                  string // the blob at the head; of the old file when it was removed
	patch                string // hunks only; "" for binary files
	additions, deletions int
	hunks                []hunk
}

// A hunk is a run of diff lines.
type hunk struct {
	lines []diffLine
}

// A diffLine is a line of a hunk. kind is ' ', '+' or '-'; the number that does not apply is 0.
type diffLine struct {
	kind     byte
	old, new int
	text     string
}

// diff compares two commits, with renames found as GitHub does (git's 50 %).
func (g *gitDir) diff(from, to string) ([]fileDiff, error) {
	out, err := g.ask("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--full-index", "--src-prefix=a/",
		"--dst-prefix=b/", "-M", "-U3", "--patch-with-raw", "-z", from, to)
	if err != nil {
		return nil, err
	}
	raw, patch := splitRaw(string(out))
	files := parseRaw(raw)
	sections := splitSections(patch)
	for i := range files {
		if i < len(sections) {
			files[i].setPatch(sections[i])
		}
	}
	return files, nil
}

// splitRaw separates the raw part of git diff -z --patch-with-raw from the patch that follows it.
func splitRaw(out string) (raw, patch string) {
	raw, patch, _ = strings.Cut(out, "\x00\x00")
	return raw, patch
}

func parseRaw(raw string) []fileDiff {
	var files []fileDiff
	words := strings.Split(raw, "\x00")
	for i := 0; i+1 < len(words); i++ {
		meta := strings.Fields(words[i])
		if len(meta) != 5 {
			continue
		}
		f := fileDiff{path: words[i+1], sha: meta[3]}
		i++
		switch meta[4][0] {
		case 'A':
			f.status = "added"
		case 'D':
			f.status, f.sha = "removed", meta[2]
		case 'R':
			f.status, f.oldPath, f.path = "renamed", f.path, words[i+1]
			i++
		case 'T':
			f.status = "changed"
		default:
			f.status = "modified"
		}
		files = append(files, f)
	}
	return files
}

// splitSections cuts a patch before every "diff --git". Lines of a hunk start with a space, a sign or a backslash, so
// the words at the start of a line are no content.
func splitSections(patch string) []string {
	var sections []string
	for part := range strings.SplitSeq("\n"+patch, "\ndiff --git ") {
		if strings.TrimSpace(part) != "" {
			sections = append(sections, part)
		}
	}
	return sections
}

func (f *fileDiff) setPatch(section string) {
	at := strings.Index(section, "\n@@ ")
	if at < 0 {
		return
	}
	f.patch = strings.TrimSuffix(section[at+1:], "\n")
	f.hunks = parseHunks(f.patch)
	for _, h := range f.hunks {
		for _, l := range h.lines {
			switch l.kind {
			case '+':
				f.additions++
			case '-':
				f.deletions++
			}
		}
	}
}

var hunkHeader = regexp.MustCompile(`^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@`)

func parseHunks(patch string) []hunk {
	var hunks []hunk
	var oldLine, newLine int
	for line := range strings.SplitSeq(patch, "\n") {
		if m := hunkHeader.FindStringSubmatch(line); m != nil {
			oldLine, _ = strconv.Atoi(m[1])
			newLine, _ = strconv.Atoi(m[2])
			hunks = append(hunks, hunk{})
			continue
		}
		if len(hunks) == 0 || line == "" {
			continue
		}
		last := &hunks[len(hunks)-1]
		switch line[0] {
		case ' ':
			last.lines = append(last.lines, diffLine{' ', oldLine, newLine, line[1:]})
			oldLine++
			newLine++
		case '-':
			last.lines = append(last.lines, diffLine{'-', oldLine, 0, line[1:]})
			oldLine++
		case '+':
			last.lines = append(last.lines, diffLine{'+', 0, newLine, line[1:]})
			newLine++
		}
	}
	return hunks
}

// number is the line's number on a side, 0 where the side does not show it: RIGHT shows added and context lines, LEFT
// deleted ones.
func (l diffLine) number(side string) int {
	switch {
	case side == "LEFT" && l.kind == '-':
		return l.old
	case side == "RIGHT" && l.kind != '-':
		return l.new
	}
	return 0
}

// hunkOf is the index of the hunk that shows the line on that side, or -1.
func (f *fileDiff) hunkOf(side string, line int) int {
	for i, h := range f.hunks {
		for _, l := range h.lines {
			if line > 0 && l.number(side) == line {
				return i
			}
		}
	}
	return -1
}

// position is the line's place in the patch, counted from the line below the first hunk's header; 0 is none.
func (f *fileDiff) position(side string, line int) int {
	n := 0
	for i, h := range f.hunks {
		if i > 0 {
			n++ // the header
		}
		for _, l := range h.lines {
			n++
			if line > 0 && l.number(side) == line {
				return n
			}
		}
	}
	return 0
}

// hunkText is the hunk as a review comment's diff_hunk shows it: its header and its lines down to the commented one.
func (f *fileDiff) hunkText(side string, line int) string {
	i := f.hunkOf(side, line)
	if i < 0 {
		return ""
	}
	var b strings.Builder
	h := f.hunks[i]
	fmt.Fprintf(&b, "@@ -%d +%d @@", h.lines[0].old, h.lines[0].new)
	for _, l := range h.lines {
		fmt.Fprintf(&b, "\n%c%s", l.kind, l.text)
		if l.number(side) == line {
			break
		}
	}
	return b.String()
}

// moved maps line numbers of one commit's file to another's: a line that the diff leaves alone keeps its place, a line
// that it deletes has none.
func (g *gitDir) moved(path, from, to string) (func(line int) (int, bool), error) {
	out, err := g.ask("diff", "--no-color", "--no-ext-diff", "--no-textconv", "-U0", from, to, "--", path)
	if err != nil {
		return nil, err
	}
	text := string(out)
	if strings.Contains(text, "\ndeleted file mode ") {
		return func(int) (int, bool) { return 0, false }, nil
	}
	deleted, shift := shifts(text)
	return func(line int) (int, bool) {
		to := line
		for _, s := range shift {
			if s.after < line {
				to += s.by
			}
		}
		return to, !deleted[line]
	}, nil
}

type shift struct {
	after int // lines above and including this one stay where they are
	by    int
}

var bareHunk = regexp.MustCompile(`(?m)^@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@`)

func shifts(patch string) (deleted map[int]bool, all []shift) {
	deleted = make(map[int]bool)
	for _, m := range bareHunk.FindAllStringSubmatch(patch, -1) {
		start, _ := strconv.Atoi(m[1])
		gone, came := count(m[2]), count(m[3])
		for i := range gone {
			deleted[start+i] = true
		}
		// A hunk without old lines names the line after which it inserts.
		after := start
		if gone > 0 {
			after = start + gone - 1
		}
		all = append(all, shift{after, came - gone})
	}
	return deleted, all
}

func count(s string) int {
	if s == "" {
		return 1
	}
	n, _ := strconv.Atoi(s)
	return n
}
