package check

import (
	"slices"
	"strings"
)

// silenced is a finding that an ignore comment covers, by its index, or that is ignored everywhere.
type silenced struct {
	Finding
	by int
}

// audit lists what was suppressed in one file, and the ignore comments that suppress nothing there.
func (r *Result) audit(s subject, looks []look, o Options) {
	used := map[int]bool{}
	var found []Finding
	for _, l := range looks {
		for _, f := range l.ignored {
			used[f.by] = true
			found = append(found, f.Finding)
		}
	}
	slices.SortStableFunc(found, order)
	identify(s.file, found)
	for _, f := range found {
		_, inFile := s.ignores.cover(f, s.file)
		f.ID += ":ignored" // a twin of it that is told has the same words
		r.Suppressed = append(r.Suppressed, Suppressed{f, inFile})
	}
	for n, i := range s.ignores {
		if i.ours && !used[n] && !strings.EqualFold(i.name, "all") && told(i.name, looks, o) {
			known := slices.ContainsFunc(o.Checks, func(c *Check) bool { return c.GoesBy(i.name) })
			r.Unused = append(r.Unused, Unused{s.path, i.line, i.name, !known})
		}
	}
}

// told reports whether the look at a file would have told what a name ignores: its check ran to its end, or there is
// none of that name.
func told(name string, looks []look, o Options) bool {
	for n, c := range o.Checks {
		if c.GoesBy(name) && (!looks[n].ran || looks[n].skip != nil) {
			return false
		}
	}
	return true
}
