// Package stock adds up what sweeps found in many repositories, and what merging their bundles would change: what there is
// to gain at all. An Entry is one repository, kept without the texts of its files; a Stock is all of them together. Nothing
// is read or written here.
package stock

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/sweep"
)

// A Stock is what many repositories come to together.
type Stock struct {
	Entries  []Entry // by name, those that were passed over among them
	Looked   int     // how many repositories were looked at
	Clean    int     // those of them in which nothing was found
	Files    int     // Dockerfiles looked at
	Findings int
	Fixable  int // findings with a proven fix
	Mended   int // Dockerfiles that a merge of everything would change
	Passed   []PassedSum
	Checks   []CheckSum  // the most findings first
	Families []FamilySum // in the order of check.Families, those without findings too
	Merges   []MergeSum  // in the order of sweep.Topics, those with fixes
	Spread   []Bin       // of repositories by how many findings they have
	Unread   int         // Dockerfiles that could not be looked at, or not fully; of each repository the first 200 count
	Aside    int         // files that were rightly passed over, likewise: templates
}

// A PassedSum is how many repositories were passed over for one reason.
type PassedSum struct {
	Reason       sweep.Reason
	Repositories int
}

// A CheckSum is what one check found in all repositories.
type CheckSum struct {
	Count
	Repositories int // in which it found something
}

// A FamilySum is what the checks of one family found.
type FamilySum struct {
	Family   check.Family
	Findings int
	Proven   map[fixes.Class]int
}

// Fixable is how many of the findings have a proven fix.
func (f FamilySum) Fixable() int { return Count{Proven: f.Proven}.Fixable() }

// A MergeSum is what merging one bundle in every repository would do.
type MergeSum struct {
	Merge
	Repositories int // in which there is something to merge
}

// A Bin is how many repositories have From to To findings; To is 0 for any number from there on.
type Bin struct {
	From, To     int
	Repositories int
}

// bins are the lower ends of the bins of a spread.
var bins = []int{0, 1, 2, 5, 10, 20, 50, 100}

// Add adds entries up.
func Add(entries []Entry) Stock {
	s := Stock{Entries: slices.Clone(entries), Spread: emptyBins()}
	slices.SortStableFunc(s.Entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	passed := map[sweep.Reason]int{}
	for _, e := range s.Entries {
		if e.Passed != "" {
			passed[e.Passed]++
			continue
		}
		s.look(e)
	}
	for _, r := range slices.Sorted(maps.Keys(passed)) {
		s.Passed = append(s.Passed, PassedSum{r, passed[r]})
	}
	slices.SortStableFunc(s.Passed, func(a, b PassedSum) int { return told(a.Reason) - told(b.Reason) })
	s.Checks = checkSums(s.Entries)
	s.Families = familySums(s.Checks)
	s.Merges = mergeSums(s.Entries)
	return s
}

// told is the place of a reason among those that are told.
func told(r sweep.Reason) int {
	if n := slices.Index(reasons, r); n >= 0 {
		return n
	}
	return len(reasons)
}

// look adds one repository that was looked at to the totals.
func (s *Stock) look(e Entry) {
	s.Looked++
	s.Files += e.Files
	s.Findings += e.Findings()
	s.Fixable += e.Fixable()
	s.Mended += e.Mended
	if e.Findings() == 0 {
		s.Clean++
	}
	for n := range slices.Backward(bins) {
		if e.Findings() >= bins[n] {
			s.Spread[n].Repositories++
			break
		}
	}
	for _, skip := range e.Skips {
		if skip.Failed {
			s.Unread++
		} else {
			s.Aside++
		}
	}
}

func emptyBins() []Bin {
	out := make([]Bin, len(bins))
	for n, from := range bins {
		out[n].From = from
		if n+1 < len(bins) {
			out[n].To = bins[n+1] - 1
		}
	}
	return out
}

func checkSums(entries []Entry) []CheckSum {
	at := map[string]int{}
	var out []CheckSum
	for _, e := range entries {
		for _, c := range e.Counts {
			n, ok := at[c.Check.Name]
			if !ok {
				n = len(out)
				at[c.Check.Name] = n
				out = append(out, CheckSum{Count: Count{Check: c.Check, Proven: map[fixes.Class]int{}}})
			}
			out[n].Findings += c.Findings
			out[n].Repositories++
			addClasses(out[n].Proven, c.Proven)
		}
	}
	slices.SortFunc(out, func(a, b CheckSum) int {
		return cmp.Or(b.Findings-a.Findings, strings.Compare(a.Check.Name, b.Check.Name))
	})
	return out
}

func familySums(checks []CheckSum) []FamilySum {
	var out []FamilySum
	for _, family := range check.Families() {
		sum := FamilySum{Family: family, Proven: map[fixes.Class]int{}}
		for _, c := range checks {
			if c.Check.Family == family {
				sum.Findings += c.Findings
				addClasses(sum.Proven, c.Proven)
			}
		}
		out = append(out, sum)
	}
	return out
}

func addClasses(to, from map[fixes.Class]int) {
	for class, n := range from {
		to[class] += n
	}
}

func mergeSums(entries []Entry) []MergeSum {
	var out []MergeSum
	for _, topic := range sweep.Topics(nil) {
		sum := MergeSum{Merge: Merge{Topic: topic}}
		for _, e := range entries {
			for _, m := range e.Merges {
				if m.Topic == topic {
					sum.add(m)
				}
			}
		}
		if sum.Repositories > 0 {
			out = append(out, sum)
		}
	}
	return out
}

func (s *MergeSum) add(m Merge) {
	s.Repositories++
	s.Fixes += m.Fixes
	s.Dockerfiles += m.Dockerfiles
	s.Files += m.Files
	s.Gain = s.Gain.Plus(m.Gain)
}

// Fixes is how many fixes a merge of everything would make.
func (s Stock) Fixes() (n int) {
	for _, m := range s.Merges {
		n += m.Fixes
	}
	return n
}

// Gain is what is known of what a merge of everything would save.
func (s Stock) Gain() (g sweep.Gain) {
	for _, m := range s.Merges {
		g = g.Plus(m.Gain)
	}
	return g
}

// Worst are up to n repositories with findings, the most first.
func (s Stock) Worst(n int) []Entry { return s.most(n, Entry.Findings) }

// Richest are up to n repositories in which there is something to merge, the most fixes first.
func (s Stock) Richest(n int) []Entry { return s.most(n, Entry.Fixes) }

func (s Stock) most(n int, of func(Entry) int) []Entry {
	out := slices.DeleteFunc(slices.Clone(s.Entries), func(e Entry) bool { return of(e) == 0 })
	slices.SortStableFunc(out, func(a, b Entry) int { return of(b) - of(a) })
	return out[:min(n, len(out))]
}
