package stock

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/sweep"
)

// Unreadable is why a repository was passed over that could not be looked at: Entry.Detail says more.
const Unreadable sweep.Reason = "unreadable"

// reasons are all of them, in the order in which they are told.
var reasons = []sweep.Reason{
	Unreadable, sweep.Misconfigured, sweep.TooLarge, sweep.Archived, sweep.Disabled, sweep.Empty, sweep.Mirrored, sweep.Forked,
}

// How much of one repository is kept; what is more is counted.
const (
	maxFound  = 1000
	maxSkips  = 200
	maxDetail = 500 // bytes
)

// An Entry is what a sweep came to know of one repository, without the texts of its files: thousands of them fit in memory.
type Entry struct {
	Name   string       // "owner/name", or the path that was given
	URL    string       // where people look at it; "" when nowhere
	At     time.Time    // when it was looked at, or passed over
	Passed sweep.Reason // why it was passed over; "" when it was looked at
	Detail string       // what was wrong with an unreadable one

	Files  int          // how many Dockerfiles were looked at
	Counts []Count      // by the check's name
	Found  []Found      // the first of the findings
	Merges []Merge      // what each bundle would change
	Mended int          // how many Dockerfiles would change, whatever the bundle
	Skips  []check.Skip // the first of what could not be looked at, and of what was rightly passed over
}

// A Count is how often one check found something.
type Count struct {
	Check    *check.Check
	Findings int
	Proven   map[fixes.Class]int // how many of them have a proven fix, by the class of its proof
}

// Fixable is how many of the findings have a proven fix.
func (c Count) Fixable() (n int) {
	for _, k := range c.Proven {
		n += k
	}
	return n
}

// Found is one finding, in words.
type Found struct {
	ID, Check, Path string
	Family          check.Family
	Severity        check.Severity
	Line, EndLine   int
	Message         string
	Title           string // the fix's, "" when there is none
	Class           fixes.Class
	Refused         string // why there is no fix
}

// A Merge is what merging one bundle would do.
type Merge struct {
	Topic       sweep.Topic
	Fixes       int
	Dockerfiles int // in which a fix is made
	Files       int // that differ afterwards: ignore files, too
	Gain        sweep.Gain
}

// Surveyed is the entry of a repository that was looked at.
func Surveyed(name, url string, at time.Time, s *sweep.Survey) Entry {
	e := Entry{Name: name, URL: url, At: at, Files: s.Result.Files, Counts: counts(s.Result.Findings)}
	for _, f := range s.Result.Findings[:min(len(s.Result.Findings), maxFound)] {
		e.Found = append(e.Found, found(f))
	}
	all := map[string]bool{}
	for _, b := range s.Bundles {
		touched := touchedBy(b)
		e.Merges = append(e.Merges, Merge{b.Topic, len(b.Applied), len(touched), len(b.Files), b.Gain})
		maps.Copy(all, touched)
	}
	e.Mended = len(all)
	for _, skip := range s.Result.Skipped[:min(len(s.Result.Skipped), maxSkips)] {
		skip.Reason = clip(skip.Reason)
		e.Skips = append(e.Skips, skip)
	}
	return e
}

// PassedOver is the entry of a repository that was not looked at.
func PassedOver(name, url string, at time.Time, why sweep.Reason, detail string) Entry {
	return Entry{Name: name, URL: url, At: at, Passed: why, Detail: clip(detail)}
}

// touchedBy are the Dockerfiles in which a fix of the bundle is made.
func touchedBy(b sweep.Bundle) map[string]bool {
	paths := map[string]bool{}
	for _, f := range b.Applied {
		paths[f.Path] = true
	}
	return paths
}

// clip is text as far as it is kept.
func clip(text string) string {
	if len(text) <= maxDetail {
		return text
	}
	return strings.ToValidUTF8(text[:maxDetail], "") + "…"
}

func found(f check.Finding) Found {
	out := Found{
		ID: f.ID, Check: f.Check.Name, Path: f.Path, Family: f.Check.Family, Severity: f.Check.Severity,
		Line: f.Line, EndLine: f.EndLine, Message: f.Message, Refused: f.Refused,
	}
	if len(f.Fixes) > 0 {
		out.Title, out.Class = f.Fixes[0].Title, f.Fixes[0].Intent.Claim().Class
	}
	return out
}

// counts adds findings up by their check.
func counts(findings []check.Finding) []Count {
	byName := map[string]*Count{}
	for _, f := range findings {
		c := byName[f.Check.Name]
		if c == nil {
			c = &Count{Check: f.Check, Proven: map[fixes.Class]int{}}
			byName[f.Check.Name] = c
		}
		c.Findings++
		if len(f.Fixes) > 0 {
			c.Proven[f.Fixes[0].Intent.Claim().Class]++
		}
	}
	var out []Count
	for _, c := range byName {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b Count) int { return strings.Compare(a.Check.Name, b.Check.Name) })
	return out
}

// Findings is how many there are in the repository.
func (e Entry) Findings() (n int) {
	for _, c := range e.Counts {
		n += c.Findings
	}
	return n
}

// Fixable is how many of the findings have a proven fix.
func (e Entry) Fixable() (n int) {
	for _, c := range e.Counts {
		n += c.Fixable()
	}
	return n
}

// Fixes is how many fixes a merge of all bundles would make.
func (e Entry) Fixes() (n int) {
	for _, m := range e.Merges {
		n += m.Fixes
	}
	return n
}

// Gain is what is known of what the fixes save.
func (e Entry) Gain() (g sweep.Gain) {
	for _, m := range e.Merges {
		g = g.Plus(m.Gain)
	}
	return g
}
