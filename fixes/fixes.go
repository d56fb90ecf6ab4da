// Package fixes makes named changes to Dockerfiles.
//
// A Fix is a set of byte edits against the original file together with its Intent: the one difference it promises to
// make to what is built. Edits have no order and no priority. Whoever has several fixes for one file merges them with
// Merge, which refuses overlaps, and applies the result once with Apply.
//
// How text is changed lives here, one recipe per file (move, user, mergeruns, command ...), so that a check never splices
// strings. A recipe keeps what a person or BuildKit would miss: line ends, byte order mark, indentation, parser
// directives, a missing final line end, comments inside an instruction. What it cannot change that way, or without
// knowing what a shell would make of it, it refuses with an ErrRefused whose text says why. ONBUILD is never changed.
package fixes

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// An Edit replaces the bytes Start to End of a file by New. Offsets are bytes of the original file; Start == End inserts.
type Edit struct {
	Path  string // repository-relative, slash-separated; may name a file that does not exist yet
	Start int
	End   int
	New   string
}

// A Fix is a change that can be offered to a person.
type Fix struct {
	Title  string // a command: "Run as an unprivileged user"
	Intent Intent // the difference the proof must find, no more and no less
	Edits  []Edit
	// Whole is set when the fix makes the file another one, which a person should read as a whole and ask for by name: it
	// is no suggestion on some lines, and is not made along with others.
	Whole bool
}

// Class is the proof class that the fix promises, "" when it promises none.
func (f Fix) Class() Class {
	if f.Intent == nil {
		return ""
	}
	return f.Intent.Claim().Class
}

// An Intent is the difference a fix promises to make to what is built. Its implementations stand beside the recipes that
// make them; package prove has a predicate for each, and a fix whose Intent has none is never offered.
type Intent interface {
	// Claim is what may be said to a person once the proof held.
	Claim() Claim
}

// A Class says how far a fix was shown to be safe.
type Class string

// The proof classes, weakest claim last.
const (
	Same       Class = "same"       // identical graph and image config
	Equivalent Class = "equivalent" // same steps up to their order, cache or metadata
	Intended   Class = "intended"   // the stated difference and nothing else
)

// A Claim is a proof class and the sentence that states it to a person.
type Claim struct {
	Class Class
	Words string // "checked: same steps, only their order differs"
}

// ErrConflict is wrapped by Merge when a fix touches bytes that an accepted edit touches too.
var ErrConflict = errors.New("overlaps an accepted edit")

// Apply returns src with the edits of that path made. Edits of other paths are passed over. It is an error when an edit
// lies outside src or two edits overlap; two insertions at one offset keep the order in which they are listed.
func Apply(path string, src []byte, edits []Edit) ([]byte, error) {
	mine := editsOf(path, edits)
	slices.SortStableFunc(mine, func(a, b Edit) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		return a.End - b.End
	})
	var out bytes.Buffer
	at := 0
	for _, e := range mine {
		if e.Start < 0 || e.End < e.Start || e.End > len(src) {
			return nil, fmt.Errorf("edit %s: bytes %d to %d are outside the file's %d bytes", path, e.Start, e.End, len(src))
		}
		if e.Start < at {
			return nil, fmt.Errorf("edit %s at byte %d: %w", path, e.Start, ErrConflict)
		}
		out.Write(src[at:e.Start])
		out.WriteString(e.New)
		at = e.End
	}
	out.Write(src[at:])
	return out.Bytes(), nil
}

// Merge adds a fix's edits to those already accepted. On a conflict it returns ErrConflict and accepted unchanged. Two
// edits conflict when their bytes overlap, when one inserts strictly inside or at an end of what the other replaces, or
// when both insert at the same place: their order would be a guess. The same edit of another file than a Dockerfile is no
// conflict and is made once: Dockerfiles share an ignore file.
func Merge(accepted []Edit, next Fix) ([]Edit, error) {
	for _, e := range next.Edits {
		for _, a := range accepted {
			if conflict(a, e) {
				return accepted, fmt.Errorf("%q at byte %d of %s: %w", next.Title, e.Start, e.Path, ErrConflict)
			}
		}
	}
	more := slices.DeleteFunc(slices.Clone(next.Edits), func(e Edit) bool {
		return !dockerfile.Named(e.Path) && slices.Contains(accepted, e)
	})
	return slices.Concat(accepted, more), nil
}

func conflict(a, b Edit) bool {
	if a.Path != b.Path || a == b && !dockerfile.Named(a.Path) {
		return false
	}
	if a.Start == a.End || b.Start == b.End {
		return a.Start <= b.End && b.Start <= a.End
	}
	return a.Start < b.End && b.Start < a.End
}

func editsOf(path string, edits []Edit) []Edit {
	var mine []Edit
	for _, e := range edits {
		if e.Path == path {
			mine = append(mine, e)
		}
	}
	return mine
}
