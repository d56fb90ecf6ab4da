package check

import (
	"fmt"
	"io/fs"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// Work on one file is bounded by its size. To make a fix or to verify one the whole file is parsed, for verifying once per
// fix that is found again: with thousands of findings that is work in the square and the cube of the file. The bounds
// are in bytes parsed, not in seconds, so that a run gives the same result on any machine.
const (
	// maxReported is how many findings one check reports in one file; leastReported is how many it may in the largest.
	maxReported   = 200
	leastReported = 4
	// maxReporting is how many bytes one check may parse for its findings.
	maxReporting = 3 << 20
	// maxVerifying is how many bytes may be parsed to verify the fixes of one file.
	maxVerifying = 256 << 20
)

// reportable is how many findings one check may report in the file.
func reportable(f *dockerfile.File) int {
	return min(maxReported, max(leastReported, maxReporting/max(1, len(f.Src))))
}

// full is what Report panics with to end a check that has found enough.
type full struct{ limit int }

// Error says what was not looked at.
func (f full) Error() string {
	return fmt.Sprintf("only the first %d findings are told, and what is below them was not looked at", f.limit)
}

// ration takes away the fixes for whose verification there is no room: those behind the first of a file as far as
// maxVerifying goes, and all of a file in which not everything was looked at, for what they give rise to is not seen.
func (r *Result) ration(repo fs.FS) {
	for _, s := range r.Skipped {
		if s.Failed {
			r.refuse(s.Path, 0, "not all of the file could be looked at")
		}
	}
	count := map[string]int{}
	for _, f := range r.Findings {
		count[f.Path]++
	}
	for path, n := range count {
		if info, err := fs.Stat(repo, path); err == nil {
			most := max(1, maxVerifying/max(1, int(info.Size())*n))
			r.refuse(path, most, "the file has more fixes than are verified at once; it is, once others are in")
		}
	}
}

// refuse takes the fixes of all but the first findings of a file that have some.
func (r *Result) refuse(path string, first int, why string) {
	for n := range r.Findings {
		f := &r.Findings[n]
		if f.Path != path || len(f.Fixes) == 0 {
			continue
		}
		if first--; first < 0 {
			f.Fixes, f.Refused = nil, why
		}
	}
}
