package checks

import (
	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// A rewording is a finding about words of the commands of one RUN, and the words that would be better.
type rewording struct {
	message string
	refused string // why there is no fix, "" when words are one
	title   string
	rule    fixes.Rule
	words   []fixes.Rewording
}

// report reports it at the RUN, or at the ONBUILD that defers it.
func (r rewording) report(p *check.Pass, i, run *dockerfile.Instruction) {
	if r.refused == "" && i != run {
		r.refused = "ONBUILD is left alone: it takes effect in other builds"
	}
	if r.refused == "" {
		p.Offer(i.Code(), r.message, func() (fixes.Fix, error) {
			edits, err := fixes.Reword(p.File, run, r.words...)
			return fixes.Fix{Title: r.title, Intent: fixes.Reworded{Rule: r.rule}, Edits: edits}, err
		})
		return
	}
	p.Advise(i.Code(), r.message, r.refused)
}
