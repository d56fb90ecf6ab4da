package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

var volatileEarly = &check.Check{
	Name:     "volatile-early",
	Family:   check.Caching,
	Summary:  "a value that every build changes stands above steps that then run again each time",
	Severity: check.Warning,
	Run:      runVolatileEarly,
}

// volatile matches variables that say which build this is, so that each build has another value for them. One whose only
// use is to break the cache is meant so.
var volatile = pattern.New(`^(BUILD_?(DATE|TIME|TIMESTAMP|NUMBER|NUM|ID|REV|SHA|COMMIT)|` +
	`(VCS|GIT)_?(REF|SHA|SHA1|COMMIT|REV|REVISION|HASH|DESCRIBE|COMMIT_SHA|COMMIT_HASH)|` +
	`(COMMIT|SHORT)_?(SHA|HASH|ID|REF|DATE)|COMMIT|REVISION|CI_(COMMIT_\w+|PIPELINE_ID|JOB_ID)|GITHUB_(SHA|RUN_\w+)|SOURCE_COMMIT)$`)

func runVolatileEarly(p *check.Pass) error {
	told := labels{}
	for _, s := range p.File.Stages {
		for n, i := range s.Instructions {
			if i.Keyword == "ARG" || i.Keyword == "ENV" {
				volatileAbove(p, i, s.Instructions[n+1:], told)
			}
		}
	}
	return nil
}

// labels are those whose variables were told already.
type labels map[*dockerfile.Instruction]bool

// volatileAbove reports an ARG or ENV with a value of the kind above RUNs that do not name it. Of several that one LABEL
// uses, the first is told.
func volatileAbove(p *check.Pass, i *dockerfile.Instruction, rest []*dockerfile.Instruction, told labels) {
	var names []string
	for _, s := range assignments(i) {
		names = append(names, s.name)
	}
	n := slices.IndexFunc(names, volatile.MatchString)
	if n < 0 {
		return
	}
	passed, last, label := 0, (*dockerfile.Instruction)(nil), (*dockerfile.Instruction)(nil)
	for _, j := range rest {
		if j.Keyword == "LABEL" && passed == 0 && namesOneOf(j, names) {
			label = j
			continue
		}
		if namesOneOf(j, names) || slices.Contains([]string{"ARG", "ENV"}, j.Keyword) && last != nil && passed == 0 {
			break
		}
		if j.Keyword == "RUN" {
			passed++
			last = j
		}
	}
	if passed == 0 {
		return
	}
	steps := "the step below it"
	if passed > 1 {
		steps = fmt.Sprintf("the %d steps below it that do not use it", passed)
	}
	message := fmt.Sprintf("`%s` is another in every build and is part of what a step sees, so %s cannot come from the cache", names[n], steps)
	if label != nil && told[label] {
		return
	}
	if label != nil {
		told[label] = true
		p.Advise(i.Code(), message, fmt.Sprintf("the LABEL on line %d uses it and has to move with it", label.Line()))
		return
	}
	p.Offer(i.Code(), message, func() (fixes.Fix, error) {
		edits, err := fixes.LowerVariable(p.File, i, last)
		return fixes.Fix{
			Title:  "Set it after the steps that do not use it",
			Intent: fixes.Deferred{Names: names},
			Edits:  edits,
		}, err
	})
}

// namesOneOf reports whether an instruction mentions one of the variables, also in a here-document or a comment within.
func namesOneOf(i *dockerfile.Instruction, names []string) bool {
	text := i.File().Text(i.Span)
	return slices.ContainsFunc(names, func(name string) bool { return strings.Contains(text, name) })
}
