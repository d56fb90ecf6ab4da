package sweep

import (
	"regexp"
	"strings"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/hidden"
)

// A name names a finding in a pull request: by its identity, by what it has in common with the same one of another file,
// and by its file. Each part is a hash, and none has words of a Dockerfile in it.
type name struct{ id, kin, file string }

func nameOf(f check.Finding) name {
	return name{hidden.Finding(f.ID), hidden.Hash("kin", f.Kin), fileMark(f.Path)}
}

// fileMark names a file.
func fileMark(path string) string { return hidden.Hash("file", path)[:8] }

func (n name) String() string { return n.id + n.kin + n.file }

func parseName(s string) name { return name{s[:16], s[16:32], s[32:]} }

// A heir is a finding that people declined as it will be called once the pull request is merged, which changes the words
// of its instruction; from is the identity that it has before.
type heir struct {
	name
	from string
}

// maxNames, maxHeirs and maxPins are how many findings a pull request is about at most, how many heirs it names, and how
// many references whose digests it writes.
const (
	maxNames = 500
	maxHeirs = 100
	maxPins  = 100
)

// A note is what a pull request remembers of itself, hidden at the end of its body.
type note struct {
	topic  string
	bundle string // hash of the bundle's texts
	base   string // hash of the name of the branch that it was opened into
	title  string // hash of the title as we wrote it
	text   string // hash of the body above the note as we wrote it
	fresh  bool   // it was opened, and has no labels, assignees and reviewers yet
	names  []name
	heirs  []heir
	asked  []string // marks of the references whose digests it writes
	more   bool     // it is about more findings than it names
}

// moreLine says that there are more findings than are named.
const moreLine = "more findings"

// lineful is how many names stand on one line.
const lineful = 25

var (
	noteLine  = regexp.MustCompile(`^sweep=([a-z-]{1,40}) bundle=([0-9a-f]{16}) base=([0-9a-f]{16}) title=([0-9a-f]{16}) text=([0-9a-f]{16})( fresh)?$`)
	namesLine = regexp.MustCompile(`^findings=([0-9a-f]{40}(?:,[0-9a-f]{40})*)$`)
	askedLine = regexp.MustCompile(`^asked=([0-9a-f]{8}(?:,[0-9a-f]{8})*)$`)
	heirsLine = regexp.MustCompile(`^declined=([0-9a-f]{56}(?:,[0-9a-f]{56})*)$`)
)

// String is the note as it stands in a body.
func (n note) String() string {
	head := "sweep=" + n.topic + " bundle=" + n.bundle + " base=" + n.base + " title=" + n.title + " text=" + n.text
	if n.fresh {
		head += " fresh"
	}
	lines := []string{hidden.Line(head)}
	if n.more || len(n.names) > maxNames {
		lines = append(lines, hidden.Line(moreLine))
	}
	var names, heirs []string
	for _, m := range n.names[:min(len(n.names), maxNames)] {
		names = append(names, m.String())
	}
	for _, h := range n.heirs[:min(len(n.heirs), maxHeirs)] {
		heirs = append(heirs, h.String()+h.from)
	}
	lines = append(append(lines, listed("findings=", names)...), listed("declined=", heirs)...)
	lines = append(lines, listed("asked=", n.asked)...)
	return strings.Join(lines, "\n")
}

// listed are markers with some words each.
func listed(key string, words []string) []string {
	var lines []string
	for len(words) > 0 {
		n := min(len(words), lineful)
		lines = append(lines, hidden.Line(key+strings.Join(words[:n], ",")))
		words = words[n:]
	}
	return lines
}

// content is the hash of what the note is about, whether it is fresh or not.
func (n note) content() string {
	n.fresh, n.title, n.text = false, "", ""
	return hidden.Hash(n.String())
}

// noteOf reads the note of a body, and what stands beside it. It is not ok when there is none that can be read. The note stands
// at the end, unless somebody wrote something below it; nobody gets such lines into a body without being let edit it.
func noteOf(body string) (above string, n note, ok bool) {
	above, lines := hidden.Lines(body)
	for _, line := range lines {
		n.more = n.more || line == moreLine
		if m := noteLine.FindStringSubmatch(line); m != nil {
			n.topic, n.bundle, n.base, n.title, n.text, n.fresh, ok = m[1], m[2], m[3], m[4], m[5], m[6] != "", true
		}
		if m := namesLine.FindStringSubmatch(line); m != nil {
			for _, word := range strings.Split(m[1], ",") {
				n.names = append(n.names, parseName(word))
			}
		}
		if m := heirsLine.FindStringSubmatch(line); m != nil {
			for _, word := range strings.Split(m[1], ",") {
				n.heirs = append(n.heirs, heir{parseName(word[:40]), word[40:]})
			}
		}
		if m := askedLine.FindStringSubmatch(line); m != nil {
			n.asked = append(n.asked, strings.Split(m[1], ",")...)
		}
	}
	return above, n, ok
}

// textMark is the hash of a text as it is shown, however its lines end.
func textMark(text string) string {
	return hidden.Hash("text", strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")))
}
