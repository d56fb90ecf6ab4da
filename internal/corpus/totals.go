package corpus

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Totals are counts over Files.
type Totals struct {
	Repositories, Files, Templates, Unread, Partly, Crashes int
	Findings, Offered, Refused, Failed, Applied, Broken     int
	LookMicros, AllMicros                                   int64

	checks  map[string]*tally
	reasons map[string]int
	unread  map[string]int
	last    string
}

// A tally counts what one check did.
type tally struct{ findings, offered, failed int }

// Add counts one file in. Files of one repository follow one another.
func (t *Totals) Add(f File) {
	if t.checks == nil {
		t.checks, t.reasons, t.unread = map[string]*tally{}, map[string]int{}, map[string]int{}
	}
	t.Files++
	if f.Repository != t.last || t.Repositories == 0 {
		t.Repositories, t.last = t.Repositories+1, f.Repository
	}
	t.Crashes += len(f.Crashes)
	t.Broken += len(f.Broken)
	t.Applied += f.Applied
	t.LookMicros += f.LookMicros
	t.AllMicros += f.AllMicros
	switch {
	case f.Template:
		t.Templates++
	case f.Unread != "":
		t.Unread++
		t.unread[reason(f.Unread)]++
	case len(f.Partly) > 0:
		t.Partly++
	}
	for _, found := range f.Findings {
		t.finding(found)
	}
}

func (t *Totals) finding(f Finding) {
	c := t.checks[f.Check]
	if c == nil {
		c = &tally{}
		t.checks[f.Check] = c
	}
	t.Findings++
	c.findings++
	switch {
	case f.Offered != "":
		t.Offered++
		c.offered++
		return
	case f.Failed:
		t.Failed++
		c.failed++
	default:
		t.Refused++
	}
	t.reasons[f.Check+": "+reason(f.Refused)]++
}

// Print writes the totals for people; with more, also how often each fix was refused for which reason.
func (t *Totals) Print(w io.Writer, more bool) {
	look, all := t.perFile()
	fmt.Fprintf(w, `repositories              %d
files                     %d
  templates, passed over  %d
  could not be read       %d
  read in part            %d
  crashes                 %d
findings                  %d
  with a fix              %d
  refused by the check    %d
  failed verify or proof  %d   (not offered)
fixes made, all rounds    %d
broken promises           %d
µs a file                 %d to parse and check, %d with every fix verified and proven
`, t.Repositories, t.Files, t.Templates, t.Unread, t.Partly, t.Crashes, t.Findings, t.Offered, t.Refused, t.Failed,
		t.Applied, t.Broken, look, all)
	fmt.Fprintf(w, "\n%-30s %9s %9s %9s\n", "check", "findings", "fixes", "failed")
	for _, name := range slices.Sorted(maps.Keys(t.checks)) {
		c := t.checks[name]
		fmt.Fprintf(w, "%-30s %9d %9d %9d\n", name, c.findings, c.offered, c.failed)
	}
	if len(t.unread) > 0 {
		fmt.Fprintln(w, "\ncould not be read")
		list(w, t.unread)
	}
	if more {
		fmt.Fprintln(w, "\nno fix")
		list(w, t.reasons)
	}
}

// perFile is the mean time in microseconds for a file that was read.
func (t *Totals) perFile() (look, all int64) {
	n := int64(max(1, t.Files-t.Templates-t.Unread))
	return t.LookMicros / n, t.AllMicros / n
}

// list writes counted texts, the most frequent first.
func list(w io.Writer, counts map[string]int) {
	texts := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(counts[b]-counts[a], strings.Compare(a, b))
	})
	for _, text := range texts {
		fmt.Fprintf(w, "%6d  %s\n", counts[text], text)
	}
}
