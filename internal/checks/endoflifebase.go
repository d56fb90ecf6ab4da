package checks

import (
	"fmt"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/image"
)

var endOfLifeBase = &check.Check{
	Name:     "end-of-life-base",
	Family:   check.Pinning,
	Summary:  "the base image is of a release that gets no more security fixes",
	Severity: check.Warning,
	Run:      runEndOfLifeBase,
}

func runEndOfLifeBase(p *check.Pass) error {
	told := map[string]bool{}
	for _, b := range basesOf(p) {
		if ended := endedBy(p.Today, image.Lifetimes(b.ref)); len(ended) > 0 && !told[b.ref] {
			told[b.ref] = true
			p.Advise(b.at.Span, endOfLife(ended), "which release to go to is for you to decide: a newer one may behave differently")
		}
	}
	return nil
}

// endedBy are the lifetimes that were over before the day.
func endedBy(day time.Time, all []image.Lifetime) []image.Lifetime {
	var out []image.Lifetime
	for _, l := range all {
		if !day.Before(l.Last.AddDate(0, 0, 1)) {
			out = append(out, l)
		}
	}
	return out
}

// endOfLife is the message. It names dates of the table and not the day's, so that it stays the same.
func endOfLife(ended []image.Lifetime) string {
	var parts []string
	for _, l := range ended {
		parts = append(parts, fmt.Sprintf("%s %s has had no security fixes since %s", l.Name, l.Cycle, l.Last.Format(time.DateOnly)))
	}
	return strings.Join(parts, ", and ") + ", so holes found since then stay open in what is built on it"
}
