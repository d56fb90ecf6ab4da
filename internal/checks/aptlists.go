package checks

import (
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/ecosystem"
)

// aptUse is what one RUN does with apt's package lists.
type aptUse struct {
	updates bool // fetches them
	keeps   bool // fetches them and leaves them behind
	reads   bool // works from lists that were there before
	fresh   bool // works from lists that it fetched itself
	opaque  bool // may do any of this: it runs code that cannot be seen here, before or without fetching lists
	wrapped bool // fetches them through sudo or the like
}

func aptUseOf(i *dockerfile.Instruction) aptUse {
	cmds, ok := commands(i)
	use := aptUse{opaque: !ok}
	for _, c := range cmds {
		use.add(c)
	}
	return use
}

func (use *aptUse) add(c dockerfile.Command) {
	a, isApt := ecosystem.AptCall(c)
	switch {
	case ecosystem.RemovesAptLists(c) || !isApt && strings.Contains(c.Name(), "clean"):
		use.keeps = false
	case isApt && a.Updates():
		use.updates, use.keeps, use.wrapped = true, true, a.Wrapped
	case isApt && a.Reads() && use.updates:
		use.fresh = true
	case isApt && a.Reads():
		use.reads = true
	case opaque(c) && use.updates:
		use.fresh = true
	case opaque(c):
		use.opaque = true
	}
}

// alone reports whether the RUN only fetches the lists, for others to work from.
func (use aptUse) alone() bool { return use.keeps && !use.fresh && !use.reads && !use.opaque }

// aptUsers says who works from the lists that a RUN leaves behind.
type aptUsers struct {
	readers []*dockerfile.Instruction // RUNs that install without fetching lists first
	opaque  *dockerfile.Instruction   // the first RUN that may do so
	onbuild *dockerfile.Instruction   // the first ONBUILD that does or may
	renewed *dockerfile.Instruction   // the first RUN of the same stage that fetches them again; later ones do not count
}

// aptUsersOf looks at the rest of i's stage and at the stages that stand on it.
func aptUsersOf(f *dockerfile.File, i *dockerfile.Instruction) aptUsers {
	var users aptUsers
	users.add(following(i))
	if users.renewed != nil {
		return users
	}
	for _, s := range f.Stages[i.Stage.Index+1:] {
		if standsOn(s, i.Stage) {
			users.add(s.Instructions)
			users.renewed = nil
		}
	}
	return users
}

func (users *aptUsers) add(rest []*dockerfile.Instruction) {
	for _, i := range rest {
		if i.Keyword == "ONBUILD" && i.Inner != nil && i.Inner.Keyword == "RUN" && users.onbuild == nil {
			if use := aptUseOf(i.Inner); use.reads || use.opaque {
				users.onbuild = i
			}
		}
		if i.Keyword != "RUN" {
			continue
		}
		use := aptUseOf(i)
		if use.reads {
			users.readers = append(users.readers, i)
		} else if use.opaque && users.opaque == nil {
			users.opaque = i
		}
		if use.updates {
			users.renewed = i
			return
		}
	}
}

// standsOn reports whether s begins with what base leaves.
func standsOn(s, base *dockerfile.Stage) bool {
	for t := s.Parent; t != nil; t = t.Parent {
		if t == base {
			return true
		}
	}
	return false
}

// joinable are the RUNs that belong in one step with i, which fetches the lists alone: the one that installs with them,
// if it is the only one and stands directly below, and the removal of the lists, if that comes next. reason says why
// there are none.
func joinable(f *dockerfile.File, i *dockerfile.Instruction) (runs []*dockerfile.Instruction, reason string) {
	users := aptUsersOf(f, i)
	switch {
	case len(users.readers) > 1:
		return nil, "several later steps install with these lists"
	case users.opaque != nil:
		return nil, "a later step runs a script that may install with these lists"
	case users.onbuild != nil:
		return nil, "an ONBUILD step may install with these lists"
	case len(users.readers) == 0:
		return nil, "dropping a step is yours to decide"
	case next(i) != users.readers[0]:
		return nil, "the install does not follow directly"
	}
	runs = []*dockerfile.Instruction{i, users.readers[0]}
	group := cleanupsBelow(users.readers[0])
	for n, below := range group {
		if removesLists(below) {
			return append(runs, group[:n+1]...), ""
		}
	}
	return runs, ""
}

// removesLists reports whether a RUN takes the package lists away.
func removesLists(i *dockerfile.Instruction) bool {
	cmds, _ := commands(i)
	return slices.ContainsFunc(cmds, ecosystem.RemovesAptLists)
}
