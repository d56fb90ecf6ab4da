package checks

import (
	"cmp"
	"slices"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/ecosystem"
)

var aptListsKept = &check.Check{
	Name:     "apt-lists-kept",
	Family:   check.SmallerImage,
	Summary:  "the package lists that apt fetched stay in the image",
	Severity: check.Warning,
	Aliases:  []string{"DL3009"},
	Run:      runAptListsKept,
}

const removeAptLists = "rm -rf " + ecosystem.AptLists + "/*"

func runAptListsKept(p *check.Pass) error {
	for _, s := range p.File.Stages {
		if !shipped(p, s) {
			continue
		}
		for _, i := range s.Instructions {
			if run := bodyOf(i); run != nil && keepsLists(p, i, run) {
				reportLists(p, i, run)
			}
		}
	}
	return nil
}

// bodyOf is the RUN that i is or, as an ONBUILD, defers; nil when there is none.
func bodyOf(i *dockerfile.Instruction) *dockerfile.Instruction {
	if i.Keyword == "ONBUILD" {
		i = i.Inner
	}
	if i == nil || i.Keyword != "RUN" {
		return nil
	}
	return i
}

// keepsLists reports whether the lists stay and that is not said elsewhere: a cleanup directly below is the matter of
// late-cleanup, and a RUN that only fetches the lists that of apt-update-alone. What its fix would leave over is said
// here at once, so that no fix gives rise to a finding.
func keepsLists(p *check.Pass, i, run *dockerfile.Instruction) bool {
	use := aptUseOf(run)
	switch {
	case !use.keeps || mounted(run, ecosystem.AptLists):
		return false
	case i != run: // the rest of the stage has nothing to do with what an ONBUILD defers
		return true
	case use.alone():
		runs, _ := joinable(p.File, run)
		return len(runs) == 2 && !removesLists(runs[1])
	}
	return !slices.ContainsFunc(cleanupsBelow(run), removesLists)
}

func reportLists(p *check.Pass, i, run *dockerfile.Instruction) {
	message := "the package lists that `" + fetcher(run) + " update` fetches stay in the image, which has no use for them"
	reason := listsNeeded(p, i, run)
	if reason == "" {
		reason = cmp.Or(heirWorks(p, installsWithLists), commandInstalls(p))
	}
	if reason != "" {
		p.Advise(i.Code(), message, reason)
		return
	}
	p.Offer(i.Code(), message, func() (fixes.Fix, error) {
		edits, err := fixes.AppendCommand(p.File, run, removeAptLists)
		return fixes.Fix{
			Title:  "Remove the package lists in the same step",
			Intent: fixes.Appended{Command: removeAptLists},
			Edits:  edits,
		}, err
	})
}

// fetcher is the name of the program that fetches the lists in a RUN.
func fetcher(run *dockerfile.Instruction) string {
	cmds, _ := commands(run)
	for _, c := range cmds {
		if a, ok := ecosystem.AptCall(c); ok && a.Updates() && c.Name() == "apt" {
			return "apt"
		}
	}
	return "apt-get"
}

// listsNeeded says why the lists cannot be removed at the end of the RUN, "" when they can.
func listsNeeded(p *check.Pass, i, run *dockerfile.Instruction) string {
	if i != run {
		return "ONBUILD is left alone: it takes effect in other builds"
	}
	users := aptUsersOf(p.File, run)
	switch {
	case len(users.readers) > 0:
		return "a later step installs with these lists without fetching them itself"
	case users.opaque != nil:
		return "a later step runs a script that may install with these lists"
	case users.onbuild != nil:
		return "an ONBUILD step may install with these lists"
	case aptUseOf(run).wrapped:
		return "the lists are fetched through another program, so removing them may need it as well"
	}
	return ""
}
