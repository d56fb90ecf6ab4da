package checks

import (
	"fmt"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// repeatedInstruction finds instructions of which only the last one of a stage counts.
var repeatedInstruction = &check.Check{
	Name:     "repeated-instruction",
	Family:   check.Hygiene,
	Summary:  "a CMD, ENTRYPOINT or HEALTHCHECK is replaced by a later one of the same stage and does nothing",
	Severity: check.Warning,
	Aliases: []string{
		"MultipleInstructionsDisallowed", "DL4003", "DL4004", "DL3012", "AVD-DS-0016", "DS016", "AVD-DS-0007", "DS007",
		"AVD-DS-0023", "DS023",
	},
	Run: runRepeatedInstruction,
}

func runRepeatedInstruction(p *check.Pass) error {
	for _, s := range p.File.Stages {
		last := map[string]*dockerfile.Instruction{}
		for _, i := range s.Instructions {
			switch i.Keyword {
			case "CMD", "ENTRYPOINT", "HEALTHCHECK":
				if dead := last[i.Keyword]; dead != nil {
					reportDead(p, dead)
				}
				last[i.Keyword] = i
			}
		}
	}
	return nil
}

func reportDead(p *check.Pass, dead *dockerfile.Instruction) {
	message := fmt.Sprintf("only the last %s of a stage counts, and another one stands below: this one does nothing",
		dead.Keyword)
	p.Report(dead.Code(), message, fixes.Fix{
		Title:  "Remove the " + dead.Keyword + " that does nothing",
		Intent: fixes.Unchanged{},
		Edits:  []fixes.Edit{fixes.Remove(p.File, dead)},
	})
}
