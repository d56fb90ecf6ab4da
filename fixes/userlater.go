package fixes

import (
	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// RanByRoot promises that USER moved below RUNs that install packages, which root then runs, and nothing else differs.
type RanByRoot struct {
	User string // the user that is switched to, as written
}

// Claim implements Intent.
func (i RanByRoot) Claim() Claim {
	return Claim{Intended, "checked: changes only who runs the install: root, before USER " + i.User + " takes over"}
}

// LowerUser puts a USER, with the comments directly above it, below a later RUN of its stage. Only RUNs may stand between:
// they are then run by whoever was in force before.
func LowerUser(f *dockerfile.File, user, below *dockerfile.Instruction) ([]Edit, error) {
	if err := movable(f, user, below); err != nil {
		return nil, err
	}
	if user.Keyword != "USER" || below.Index < user.Index {
		return nil, refuse("%s on line %d is not a USER above it", user.Keyword, user.Line())
	}
	for _, other := range crossed(f, user, below) {
		if other.Keyword != "RUN" {
			return nil, refuse("%s on line %d may depend on the user", other.Keyword, other.Line())
		}
	}
	text := f.Text(user.Outer())
	text = text[:len(text)-len(ending([]byte(text)))]
	return checked(f, 0, cutOut(f, user.Outer()), insertBelow(f, below, text))
}

// Deferred promises that ARG or ENV instructions moved below RUNs that install packages or look after files, which then no
// longer have them in their environment and do not read them.
type Deferred struct {
	Names []string // of the variables
}

// Claim implements Intent.
func (Deferred) Claim() Claim {
	return Claim{Equivalent, "checked: same steps; those in between no longer see a variable that they do not read"}
}

// LowerVariable puts an ARG or ENV, with the comments directly above it, below a later RUN of its stage. Only RUNs, and
// metadata that does not name the variables, may stand between.
func LowerVariable(f *dockerfile.File, i, below *dockerfile.Instruction) ([]Edit, error) {
	if err := movable(f, i, below); err != nil {
		return nil, err
	}
	if i.Keyword != "ARG" && i.Keyword != "ENV" || below.Index < i.Index {
		return nil, refuse("%s on line %d is not a variable above it", i.Keyword, i.Line())
	}
	for _, other := range crossed(f, i, below) {
		if other.Keyword != "RUN" && (observes(other, i) || observes(i, other) || settles(i, other)) {
			return nil, refuse("%s on line %d may depend on the variable", other.Keyword, other.Line())
		}
	}
	text := f.Text(i.Outer())
	text = text[:len(text)-len(ending([]byte(text)))]
	return checked(f, 0, cutOut(f, i.Outer()), insertBelow(f, below, text))
}
