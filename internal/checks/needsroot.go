package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/ecosystem"
)

var needsRoot = &check.Check{
	Name:     "needs-root",
	Family:   check.NonRoot,
	Summary:  "a step that only root can do comes after the switch to another user",
	Severity: check.Error,
	Run:      runNeedsRoot,
}

func runNeedsRoot(p *check.Pass) error {
	for _, s := range p.File.Stages {
		if s.Windows() {
			continue
		}
		var user *dockerfile.Instruction
		for _, i := range s.Instructions {
			switch {
			case i.Keyword == "USER":
				user = i
			case i.Keyword == "RUN" && user != nil:
				rootOnly(p, user, i)
			}
		}
	}
	return nil
}

// rootOnly reports a RUN that installs system packages as a user who is surely not root.
func rootOnly(p *check.Pass, user, run *dockerfile.Instruction) {
	name := strings.Trim(user.Text(), `"'`)
	if isRoot(name) || strings.ContainsAny(name, "$\\") {
		return
	}
	cmds, _ := commands(run)
	n := slices.IndexFunc(cmds, installsSystem)
	if n < 0 || slices.ContainsFunc(cmds, raises) {
		return
	}
	message := fmt.Sprintf("`%s` needs root, and the step runs as %s since line %d, so it fails", spoken(cmds[n]), name, user.Line())
	p.Offer(run.Code(), message, func() (fixes.Fix, error) {
		edits, err := fixes.LowerUser(p.File, user, run)
		return fixes.Fix{
			Title:  "Switch the user after the install",
			Intent: fixes.RanByRoot{User: name},
			Edits:  edits,
		}, err
	})
}

// installsSystem reports whether a command changes the system's packages, for which every manager wants root.
func installsSystem(c dockerfile.Command) bool {
	if a, ok := ecosystem.AptCall(c); ok {
		simulates := slices.ContainsFunc(a.Options, func(o string) bool {
			return slices.Contains([]string{"-s", "--simulate", "--dry-run", "--download-only", "-d", "--print-uris"}, o)
		})
		return !a.Wrapped && !simulates && slices.Contains([]string{"install", "update", "upgrade", "dist-upgrade", "remove", "purge"}, a.Verb) &&
			a.Program != "apt-cache"
	}
	verbs := map[string][]string{
		"apk": {"add", "del", "update", "upgrade"}, "yum": {"install", "update", "remove"}, "dnf": {"install", "update", "remove"},
		"microdnf": {"install", "update", "remove"}, "zypper": {"install", "in", "update"},
	}[c.Name()]
	rooted := slices.ContainsFunc(c.Args(), func(w dockerfile.Argument) bool {
		return strings.HasPrefix(w.Text, "--root") || w.Text == "-p" || strings.HasPrefix(w.Text, "--installroot")
	})
	return !rooted && slices.ContainsFunc(c.Args(), func(w dockerfile.Argument) bool { return slices.Contains(verbs, w.Text) })
}

// raises reports whether a command becomes root, or may.
func raises(c dockerfile.Command) bool {
	return slices.Contains([]string{"", "sudo", "su", "doas", "gosu", "fakeroot", "fix-permissions"}, c.Name())
}
