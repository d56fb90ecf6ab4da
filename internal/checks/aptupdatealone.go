package checks

import (
	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

var aptUpdateAlone = &check.Check{
	Name:     "apt-update-alone",
	Family:   check.Caching,
	Summary:  "`apt-get update` is a step of its own, so installs work from lists out of the build cache",
	Severity: check.Warning,
	Aliases:  []string{"CKV_DOCKER_5", "DS-0017", "AVD-DS-0017", "DS017"},
	Run:      runAptUpdateAlone,
}

func runAptUpdateAlone(p *check.Pass) error {
	for _, i := range p.File.Instructions {
		if i.Keyword == "RUN" && i.Stage != nil && aptUseOf(i).alone() {
			reportAlone(p, i)
		}
	}
	return nil
}

func reportAlone(p *check.Pass, i *dockerfile.Instruction) {
	message := aloneMessage(aptUsersOf(p.File, i))
	runs, reason := joinable(p.File, i)
	if reason != "" {
		p.Advise(i.Code(), message, reason)
		return
	}
	p.Offer(i.Code(), message, func() (fixes.Fix, error) {
		edits, err := merged(p.File, runs)
		return fixes.Fix{
			Title:  "Fetch the package lists in the step that installs",
			Intent: fixes.MergedRuns{},
			Edits:  edits,
		}, err
	})
}

func aloneMessage(users aptUsers) string {
	switch {
	case len(users.readers) > 0 || users.opaque != nil || users.onbuild != nil:
		return "`apt-get update` in a step of its own comes from the build cache, so what installs after it gets " +
			"outdated packages or none"
	case users.renewed != nil:
		return "the lists that this `apt-get update` fetches are fetched again before anything is installed, and its " +
			"layer stays"
	}
	return "nothing is installed with the lists that this `apt-get update` fetches, and its layer stays"
}
