package checks

import (
	"fmt"
	"strings"
	"time"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/image"
)

var staleDigest = &check.Check{
	Name:     "stale-digest",
	Family:   check.Pinning,
	Summary:  "the base image is pinned to what its tag meant once, and the tag has been moved since",
	Severity: check.Info,
	Aging:    true,
	Run:      runStaleDigest,
}

func runStaleDigest(p *check.Pass) error {
	if otherRenewer(p.Repo) != "" {
		return nil
	}
	for _, b := range basesOf(p) {
		name, pinned, _ := strings.Cut(b.ref, "@")
		if pinned == "" || tagOf(name) == "" || b.local() || b.stage.Windows() || builtHere(p, name) {
			continue
		}
		facts, _ := p.Images.Lookup(name)
		if facts.Answer == nil || facts.Answer.Means(pinned) {
			continue
		}
		old, _ := p.Images.Lookup(b.ref)
		if to := successor(old.Answer, facts.Answer, pinned); to != "" {
			b.renew(p, name, dated(pinned, old.Answer), dated(to, facts.Answer), to)
		}
	}
	return nil
}

// successor is the digest to stand in the place of one: where that is of an image for one platform and the tag has become
// an index, of the image for the same platform; "" when there is none.
func successor(old, now *image.Answer, digest string) string {
	if !single(old, digest) || single(now, now.Digest) {
		return now.Digest
	}
	for _, p := range now.Platforms {
		if p.Name == old.Platforms[0].Name {
			return p.Digest
		}
	}
	return ""
}

// single reports whether a digest is known to be of an image for one platform, and not of an index.
func single(a *image.Answer, digest string) bool {
	return a != nil && len(a.Platforms) == 1 && a.Platforms[0].Digest == digest
}

// renew reports with the fix. What the digest was declined for is only what the tag means today.
func (b base) renew(p *check.Pass, name, from, now, to string) {
	const message = "`%s` has been moved since it was pinned, and what was fixed in it is not here: %s → %s"
	p.OfferAbout(b.at.Span, to, fmt.Sprintf(message, name, from, now), func() (fixes.Fix, error) {
		edit, intent, err := fixes.Pin(p.File, b.stage, name+"@"+to)
		return fixes.Fix{Title: "Renew the digest", Intent: intent, Edits: []fixes.Edit{edit}}, err
	})
}

// dated is a digest as people read it, with the day on which the image was made where that is known.
func dated(digest string, a *image.Answer) string {
	short := digest[:min(len(digest), len("sha256:")+12)]
	if a == nil || a.Created.IsZero() {
		return short
	}
	return short + " (" + a.Created.UTC().Format(time.DateOnly) + ")"
}
