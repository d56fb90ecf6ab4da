package review

import (
	"cmp"
	"encoding/json"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
)

// A diary is what is kept from one review of a pull request to the next, so that what happened is counted once. Of what
// a Dockerfile says it holds hashes only.
type diary struct {
	Told []line `json:"told,omitempty"`
	// Untold is by reason and check how many findings were not told, at most at once.
	Untold map[string]map[string]int `json:"untold,omitempty"`
	// Moved is where files of threads are that were renamed, by the threads' ids.
	Moved map[string]string `json:"moved,omitempty"`
}

const (
	// maxTold is how many findings a diary remembers.
	maxTold = 100
	// maxParts is how many parts of a fix are looked for.
	maxParts = 4
	// maxOther bounds in bytes the name of another file that a fix changes.
	maxOther = 250
)

// A line is a finding that was told.
type line struct {
	ID    string `json:"id"` // Comment.id
	Check string `json:"check"`
	Path  string `json:"path,omitempty"` // its hash
	Over  bool   `json:"over,omitempty"` // what became of it was counted
	Fix   bool   `json:"fix,omitempty"`  // a fix was offered
	// Parts is what the fix writes, in the finding's own file or in Other. Cuts says that it only takes lines away.
	Parts []part `json:"parts,omitempty"`
	Other string `json:"other,omitempty"`
	Cuts  bool   `json:"cuts,omitempty"`
}

// A part is a run of whole lines that a fix writes.
type part struct {
	Lines int    `json:"n"`
	Hash  uint64 `json:"h,string"`
	Times int    `json:"x"` // how often the file has it then
}

// readDiary reads what a review left; what cannot be read is nothing.
func readDiary(text string) diary {
	var d diary
	if json.Unmarshal([]byte(text), &d) != nil {
		return diary{}
	}
	return d
}

// text is the diary as it is kept; "" is an empty one.
func (d diary) text() string {
	if len(d.Told)+len(d.Untold)+len(d.Moved) == 0 {
		return ""
	}
	out, err := json.Marshal(d)
	if err != nil {
		return ""
	}
	return string(out)
}

func (d diary) clone() diary {
	out := diary{Told: slices.Clone(d.Told), Untold: map[string]map[string]int{}, Moved: d.Moved}
	for reason, checks := range d.Untold {
		out.Untold[reason] = maps.Clone(checks)
	}
	return out
}

// move remembers where the files of threads are, when that was looked for. What there is no room for is found out again.
func (d *diary) move(homes map[string]home) {
	if homes == nil {
		return
	}
	d.Moved = map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(homes)) {
		if len(d.Moved) < maxMoved && len(homes[id].path) <= maxOther {
			d.Moved[id] = homes[id].path
		}
	}
}

func (d *diary) keep(reason, check string, n int) {
	if d.Untold[reason] == nil {
		d.Untold[reason] = map[string]int{}
	}
	d.Untold[reason][check] = n
}

// over ends a line. It stays, so that a finding that comes back is not counted again.
func (l *line) over() { *l = line{ID: l.ID, Check: l.Check, Over: true} }

// promise remembers what a comment's fix would write, unless that is in a line with a secret.
func (l *line) promise(v view, c *Comment) {
	fix := c.Finding.Fixes[0]
	l.Fix, l.Parts, l.Other, l.Cuts = true, nil, "", false
	f, ok := fileOf(v.files, c.Finding.Path)
	if !ok || f.rewrites(fix) {
		return
	}
	edits, err := fixes.Lines(f.Path, f.Text, fix.Edits)
	if err != nil {
		return
	}
	if len(edits) == 0 {
		l.besides(v, fix)
		return
	}
	l.writes(string(f.Text), edits)
}

// writes remembers what edits of lines write: what there is more of afterwards, else everything from the first of the lines
// to the last, for lines may only change places.
func (l *line) writes(text string, edits []fixes.LineEdit) {
	was, will := digestOf(text), digestOf(rewritten(text, edits))
	for _, e := range edits {
		p := partOf(e.New, will)
		if p.Lines > 0 && p.Times > was.count(p) && len(l.Parts) < maxParts {
			l.Parts = append(l.Parts, p)
		}
	}
	if len(l.Parts) > 0 {
		return
	}
	whole := widened(splitLines(text), edits).Text
	if l.Cuts = !slices.ContainsFunc(edits, func(e fixes.LineEdit) bool { return e.New != "" }); !l.Cuts {
		l.Parts = []part{partOf(whole, will)}
	}
}

// rewritten is a text with edits of its lines made.
func rewritten(text string, edits []fixes.LineEdit) string {
	lines := splitLines(text)
	last := edits[len(edits)-1].EndLine
	return strings.Join(lines[:edits[0].StartLine-1], "") + widened(lines, edits).Text + strings.Join(lines[last:], "")
}

// besides remembers what a fix writes into the first other file that it changes.
func (l *line) besides(v view, fix fixes.Fix) {
	for _, edit := range fix.Edits {
		new := strings.Trim(edit.New, "\r\n")
		if new == "" || len(edit.Path) > maxOther {
			continue
		}
		was, _ := v.read(edit.Path)
		p := partOf(new, digestOf(string(was)))
		p.Times++
		l.Other, l.Parts = edit.Path, []part{p}
		return
	}
}

// stands reports whether the head has what the fix would have written.
func (l *line) stands(v view) bool {
	n := slices.IndexFunc(v.files, func(f File) bool { return short(f.Path) == l.Path })
	if n < 0 {
		return false
	}
	text := v.files[n].Text
	if l.Other != "" {
		var err error
		if text, err = v.read(l.Other); err != nil {
			return false
		}
	}
	head := digestOf(string(text))
	for _, p := range l.Parts {
		if head.count(p) < p.Times {
			return false
		}
	}
	return l.Cuts || len(l.Parts) > 0
}

// A digest finds runs of lines in a text by their hash alone. At n it has the hash of the first n lines together:
// the hash of lines a to b is digest[b] - digest[a]*radix^(b-a), as Rabin and Karp found.
type digest []uint64

// radix is the multiplier, an odd number without a pattern.
const radix = 0x9E3779B97F4A7C15

func digestOf(text string) digest {
	d := digest{0}
	for _, one := range splitLines(text) {
		h := fnv.New64a()
		h.Write([]byte(strings.TrimRight(one, "\r\n")))
		d = append(d, d[len(d)-1]*radix+h.Sum64())
	}
	return d
}

// partOf is whole lines, and how often a text has them.
func partOf(lines string, in digest) part {
	d := digestOf(lines)
	p := part{Lines: len(d) - 1, Hash: d[len(d)-1]}
	p.Times = in.count(p)
	return p
}

// count is how often the text has a run of lines.
func (d digest) count(p part) int {
	if p.Lines <= 0 {
		return 0
	}
	power := uint64(1)
	for range min(p.Lines, len(d)) {
		power *= radix
	}
	n := 0
	for from := 0; from+p.Lines < len(d); from++ {
		if d[from+p.Lines]-d[from]*power == p.Hash {
			n++
		}
	}
	return n
}

func (e Event) compare(other Event) int {
	return cmp.Or(cmp.Compare(e.What, other.What), cmp.Compare(e.Check, other.Check), cmp.Compare(e.How, other.How),
		cmp.Compare(e.Form, other.Form))
}
