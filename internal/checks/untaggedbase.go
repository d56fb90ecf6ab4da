package checks

import (
	"fmt"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/image"
	"github.com/lighterman/lighterman/internal/pattern"
)

var untaggedBase = &check.Check{
	Name:     "untagged-base",
	Family:   check.Pinning,
	Summary:  "the base image is named without a release: no tag, or `latest`",
	Severity: check.Warning,
	Aliases:  []string{"DL3006", "DL3007", "CKV_DOCKER_7", "AVD-DS-0001", "DS001", "DS-0001"},
	Run:      runUntaggedBase,
}

func runUntaggedBase(p *check.Pass) error {
	for _, b := range basesOf(p) {
		if b.untagged() && !b.local() && !rolling.MatchString(b.ref) {
			const message = "`%s` names no release, so any build may get another one, and what that breaks it breaks unannounced"
			pin(p, b, fmt.Sprintf(message, b.ref), "Name the release and its digest")
		}
	}
	return nil
}

// untagged reports whether the reference says neither release nor digest.
func (b base) untagged() bool {
	tag := tagOf(b.ref)
	return !strings.Contains(b.ref, "@") && (tag == "" || tag == "latest")
}

// rolling matches images that have no tags of releases: the release is in the name, or there is always but one.
var rolling = pattern.New(`^(gcr\.io/distroless|cgr\.dev)/`)

// pin reports that the base is not tied to what it means today, with the fix that does it when the registry said what
// that is.
func pin(p *check.Pass, b base, message, title string) {
	facts, _ := p.Images.Lookup(b.ref)
	answer := facts.Answer
	switch {
	case b.stage.Windows():
		p.Advise(b.at.Span, message, "an image of Windows has to fit the version of the host, which is not known")
	case builtHere(p, b.ref):
		p.Advise(b.at.Span, message, "the repository seems to build that image itself, and a digest would shut out what it builds")
	case answer == nil && facts.Unanswered != "":
		p.Advise(b.at.Span, message, "the registry was asked what it is today, and "+facts.Unanswered)
	case answer == nil:
		p.Advise(b.at.Span, message, "no registry was asked what it is today; --online asks")
	case b.pinTag(answer) == "":
		p.Advise(b.at.Span, message, "no tag of a release was found that names the same image today")
	default:
		b.pinned(p, message, title, b.pinTag(answer)+"@"+answer.Digest)
	}
}

// pinTag is the tag to write before the digest, "" when none is known.
func (b base) pinTag(answer *image.Answer) string {
	switch {
	case !b.untagged():
		return tagOf(b.ref)
	case rolling.MatchString(b.ref):
		return "latest"
	}
	return answer.Tag
}

// pinned reports with the fix: the reference's name with that tag and digest.
func (b base) pinned(p *check.Pass, message, title, to string) {
	name := strings.TrimSuffix(b.ref, ":"+tagOf(b.ref))
	p.Offer(b.at.Span, message, func() (fixes.Fix, error) {
		edit, intent, err := fixes.Pin(p.File, b.stage, name+":"+to)
		return fixes.Fix{Title: title, Intent: intent, Edits: []fixes.Edit{edit}}, err
	})
}
