package checks

import (
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/ecosystem"
)

var lateCleanup = &check.Check{
	Name:     "late-cleanup",
	Family:   check.SmallerImage,
	Summary:  "files are removed in a later layer than the one that made them, so their bytes still ship",
	Severity: check.Warning,
	Run:      runLateCleanup,
}

func runLateCleanup(p *check.Pass) error {
	for _, s := range p.File.Stages {
		if shipped(p, s) {
			cleanupsOf(p, s.Instructions)
		}
	}
	return nil
}

func cleanupsOf(p *check.Pass, steps []*dockerfile.Instruction) {
	left := leftovers{}
	for n := 0; n < len(steps); n++ {
		i := steps[n]
		if !removesOnly(i) {
			if l := taken(i, left, fromCopy); len(l.things) > 0 {
				l.report(p)
			}
			left.after(i)
			continue
		}
		row := append([]*dockerfile.Instruction{i}, cleanupsBelow(i)...)
		var before *dockerfile.Instruction
		if n > 0 {
			before = steps[n-1]
		}
		for _, l := range lateRow(left, before, row) {
			l.report(p)
		}
		n += len(row) - 1
	}
}

// A lateRemoval is a RUN, or several in a row, that remove what earlier steps made.
type lateRemoval struct {
	at     *dockerfile.Instruction   // the first RUN that removes
	things []string                  // what is removed
	maker  *dockerfile.Instruction   // who made the first of them
	joined []*dockerfile.Instruction // the RUNs that would be one step, the maker first; nil when they are apart
}

// lateRow looks at a row of RUNs that only remove things, and takes what they remove out of left. What the step before
// the row made is one finding, since all of the row up to there becomes one step with it.
func lateRow(left leftovers, before *dockerfile.Instruction, row []*dockerfile.Instruction) []lateRemoval {
	var near lateRemoval
	var out []lateRemoval
	for n, i := range row {
		here := taken(i, left, func(thing string, maker *dockerfile.Instruction) bool {
			return maker == before && maker.Keyword == "RUN" && (thing != ecosystem.AptLists || !aptUseOf(maker).alone())
		})
		there := taken(i, left, func(thing string, maker *dockerfile.Instruction) bool {
			return maker != before && thing != ecosystem.AptLists || fromCopy(thing, maker)
		})
		if len(here.things) > 0 {
			if near.at == nil {
				near.at, near.maker = i, before
			}
			near.things = append(near.things, here.things...)
			near.joined = append([]*dockerfile.Instruction{before}, row[:n+1]...)
		} else if len(there.things) > 0 {
			out = append(out, there)
		}
		left.after(i)
	}
	if near.at != nil {
		out = append(out, near)
	}
	return out
}

func fromCopy(_ string, maker *dockerfile.Instruction) bool { return maker.Keyword != "RUN" }

// taken is what i removes of the things that fit.
func taken(i *dockerfile.Instruction, left leftovers, fits func(string, *dockerfile.Instruction) bool) lateRemoval {
	l := lateRemoval{at: i}
	if i.Keyword != "RUN" {
		return l
	}
	cmds, _ := placedCommands(i)
	for _, c := range cmds {
		for _, thing := range left.takenBy(c) {
			if fits(thing, left[thing]) && !slices.Contains(l.things, thing) {
				l.things = append(l.things, thing)
			}
		}
	}
	if len(l.things) > 0 {
		l.maker = left[l.things[0]]
	}
	return l
}

func (l lateRemoval) report(p *check.Pass) {
	message := l.message()
	switch {
	case l.maker.Keyword != "RUN":
		p.Advise(l.at.Code(), message, l.maker.Keyword+" brought it, and no later step takes it out of that layer; "+
			"a bind mount in the RUN that needs it would not store it")
		return
	case l.joined == nil:
		p.Advise(l.at.Code(), message, "other steps stand between; make, use and remove it in one step")
		return
	}
	p.Offer(l.at.Code(), message, func() (fixes.Fix, error) {
		edits, err := merged(p.File, l.joined)
		return fixes.Fix{
			Title:  "Clean up in the step that made the files",
			Intent: fixes.MergedRuns{},
			Edits:  edits,
		}, err
	})
}

func (l lateRemoval) message() string {
	names := make([]string, len(l.things))
	for n, thing := range l.things {
		names[n] = called(thing)
	}
	verb, ships := " is", " its bytes still ship"
	if len(names) > 1 || l.things[0] == ecosystem.AptLists {
		verb, ships = " are", " their bytes still ship"
	}
	if len(names) > 2 {
		names = []string{names[0], "more"}
	}
	return strings.Join(names, " and ") + verb + " removed only in a later layer, so" + ships
}

// called is a thing as people call it.
func called(thing string) string {
	if thing == ecosystem.AptLists {
		return "the package lists"
	}
	if manager, name, ok := strings.Cut(thing, ":"); ok && !strings.Contains(manager, "/") {
		return "the package `" + name + "`"
	}
	return "`" + thing + "`"
}
