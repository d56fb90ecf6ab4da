// Package sweep looks at whole repositories for what can be fixed in them.
//
// A sweep examines every Dockerfile of a repository, as a review does those of a pull request, and puts the proven fixes
// together by what they are for: a Bundle is one change that a person reads, and takes or leaves, as a whole. Each bundle
// starts from the repository as it is, so that they can be taken in any order; what two of them would change alike is
// found again, or not, by the next sweep.
package sweep

import (
	"context"
	"fmt"
	"io/fs"
	"slices"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
)

// A Topic is what a bundle is about.
type Topic struct {
	Name   string // as it stands in the name of a branch
	Family check.Family
	// Whole is set for the fixes that make a Dockerfile another one (fixes.Fix.Whole). They are no company for small ones.
	Whole bool
}

// rewrites is the topic of what makes a Dockerfile another one.
const rewrites = "multi-stage"

// Topics are those of the families, in the order in which they are shown; no family means all.
func Topics(families []check.Family) []Topic {
	var out []Topic
	for _, f := range check.Families() {
		if len(families) > 0 && !slices.Contains(families, f) {
			continue
		}
		out = append(out, Topic{Name: string(f), Family: f})
		if f == check.SmallerImage {
			out = append(out, Topic{Name: rewrites, Family: f, Whole: true})
		}
	}
	return out
}

// covers reports whether the fix that is offered for a finding belongs to the topic.
func (t Topic) covers(f check.Finding) bool {
	return len(f.Fixes) > 0 && f.Check.Family == t.Family && f.Fixes[0].Whole == t.Whole
}

// A Bundle is what all proven fixes of a topic make of a repository.
type Bundle struct {
	Topic   Topic
	Files   []forge.FileText // the files that differ, by path; at most MaxFiles and what the last Dockerfile shares
	Applied []check.Finding  // in the order in which their fixes were made
	// Covered are the findings of the Dockerfiles as they stand in the repository; those of Applied that came up with
	// another fix are not among them.
	Covered []check.Finding
	Left    int // how many Dockerfiles are left for another bundle; there are none when a checkout is looked at
	Gain    Gain

	heirs []heir
}

// A Survey is what there is to say about a repository.
type Survey struct {
	Result   *check.Result
	Bundles  []Bundle // those in which there is something to fix
	Declined int      // how many findings with a fix are in none because people declined it
}

// Look surveys the Dockerfiles of a repository. The error says that it could not look; what could not be looked at of a
// single file is in Result.Skipped.
func Look(ctx context.Context, repo fs.FS, paths []string, topics []Topic, o check.Options) (*Survey, error) {
	return LookFor(ctx, repo, paths, topics, func(check.Finding) bool { return true }, o)
}

// LookFor is Look for some findings only. The checks of the others judge the fixes all the same.
func LookFor(ctx context.Context, repo fs.FS, paths []string, topics []Topic, want func(check.Finding) bool,
	o check.Options) (*Survey, error) {
	l, err := examine(ctx, repo, paths, o)
	if err != nil {
		return nil, err
	}
	l.want = want
	l.result.Findings = slices.DeleteFunc(l.result.Findings, func(f check.Finding) bool { return !want(f) })
	return l.survey(ctx, topics, mutes{})
}

// survey makes the bundles of the topics, but for what people declined.
func (l *looked) survey(ctx context.Context, topics []Topic, m mutes) (*Survey, error) {
	s := &Survey{Result: l.result}
	for _, t := range topics {
		for _, f := range l.result.Findings {
			if t.covers(f) && m.covers(t, f, l.there) {
				s.Declined++
			}
		}
		b, err := l.bundle(ctx, t, m)
		if err != nil {
			return nil, fmt.Errorf("make the fixes of %s: %w", t.Name, err)
		}
		if len(b.Files) > 0 {
			s.Bundles = append(s.Bundles, b)
		}
	}
	return s, nil
}
