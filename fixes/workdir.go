package fixes

import (
	"path"
	"regexp"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// Rooted promises that a relative WORKDIR became the absolute one that it leads to from Base, the directory in which
// the base image works, and that as long as that is so nothing that is built differs.
type Rooted struct {
	Base string
}

// Claim implements Intent.
func (i Rooted) Claim() Claim {
	return Claim{Intended, "checked: builds the same image, as long as the base image works in " + i.Base}
}

// plainPath matches a path without anything that a shell or a builder would read in another way.
var plainPath = regexp.MustCompile(`^[\w.@+/-]+$`)

// RootWorkdir makes a relative WORKDIR absolute, as seen from base.
func RootWorkdir(f *dockerfile.File, i *dockerfile.Instruction, base string) (Fix, error) {
	dir := i.Text()
	switch {
	case i.Keyword != "WORKDIR" || path.IsAbs(dir):
		return Fix{}, refuse("line %d is not a relative WORKDIR", i.Line())
	case !plainPath.MatchString(dir):
		return Fix{}, refuse("the directory is not written plainly")
	case !path.IsAbs(base):
		return Fix{}, refuse("from where the directory is seen is not known")
	}
	e, err := ReplaceBody(f, i, path.Join(base, dir))
	return Fix{Title: "Name the whole path", Intent: Rooted{base}, Edits: []Edit{e}}, err
}

// Entered promises that one RUN no longer begins with a cd, because a WORKDIR leads to the same directory, where its
// other commands run as before; the directory existed, and nothing else differs.
type Entered struct {
	Dir string // absolute
}

// Claim implements Intent.
func (i Entered) Claim() Claim {
	return Claim{Intended, "checked: changes only how the step gets to " + i.Dir + ": the same commands run there"}
}

// EnterByWorkdir takes the cd at the beginning of run away and, unless run is in dir already, puts a WORKDIR above it.
func EnterByWorkdir(f *dockerfile.File, run *dockerfile.Instruction, cd dockerfile.Command, dir string) (Fix, error) {
	edits, err := RemoveCommand(f, run, cd)
	if err != nil {
		return Fix{}, err
	}
	if !plainPath.MatchString(dir) || !path.IsAbs(dir) {
		return Fix{}, refuse("the directory is not written plainly")
	}
	fix := Fix{Title: "Go there with WORKDIR", Intent: Entered{dir}, Edits: edits}
	if run.Stage.Before(run).Workdir == dir {
		fix.Title = "Stay where the step is"
		return fix, nil
	}
	fix.Edits, err = checked(f, 1, append([]Edit{InsertBefore(f, run, "WORKDIR "+dir)}, edits...)...)
	return fix, err
}
