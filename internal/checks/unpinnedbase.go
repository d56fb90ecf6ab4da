package checks

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

var unpinnedBase = &check.Check{
	Name:     "unpinned-base",
	Family:   check.Pinning,
	Summary:  "the base image has a tag and no digest, so what is built can change without a change here",
	Severity: check.Info,
	Run:      runUnpinnedBase,
}

// runUnpinnedBase speaks only where a registry is asked. Nearly every Dockerfile has such a base: to say so without the
// digest at hand is noise.
func runUnpinnedBase(p *check.Pass) error {
	for _, b := range basesOf(p) {
		if strings.Contains(b.ref, "@") || b.local() || b.untagged() && !rolling.MatchString(b.ref) {
			continue
		}
		if facts, _ := p.Images.Lookup(b.ref); facts.Answer == nil && facts.Unanswered == "" {
			continue
		}
		const message = "`%s` can be another image tomorrow, since a tag moves and only a digest does not; %s"
		pin(p, b, fmt.Sprintf(message, b.ref, renewer(p.Repo)), "Add the digest that the tag has today")
	}
	return nil
}

// renovateFiles are the places of Renovate's configuration (docs.renovatebot.com/configuration-options).
var renovateFiles = [...]string{
	"renovate.json", "renovate.json5", ".renovaterc", ".renovaterc.json", ".renovaterc.json5", ".github/renovate.json",
	".github/renovate.json5",
}

// dependabotDocker matches the line of a Dependabot configuration that has it look after Dockerfiles.
var dependabotDocker = pattern.New(`(?m)^\s*(?:-\s*)?package-ecosystem:\s*["']?docker["']?\s*(?:#.*)?$`)

// renewer says who will bring a digest up to date.
func renewer(repo fs.FS) string {
	if who := otherRenewer(repo); who != "" {
		return who + " keeps digests up to date"
	}
	return "nothing here keeps digests up to date but lighterman's sweeps, where they are switched on"
}

// otherRenewer is the other program that brings digests up to date here, "" when none is configured.
func otherRenewer(repo fs.FS) string {
	for _, name := range renovateFiles {
		if info, err := fs.Stat(repo, name); err == nil && info.Mode().IsRegular() {
			return "Renovate, which is configured here,"
		}
	}
	for _, name := range []string{".github/dependabot.yml", ".github/dependabot.yaml"} {
		if text, err := fs.ReadFile(repo, name); err == nil && dependabotDocker.Match(text) {
			return "Dependabot, which is configured here for Dockerfiles,"
		}
	}
	return ""
}
