package prove

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/spare"
)

// leavesOut: lines were added to an ignore file. The Dockerfile is the same, and so are its graph and configuration: what may
// differ is what the context holds. Every line hides a family of names that a build can spare, no other file leaves any
// context, and no Dockerfile that may be built with the file names or needs what is hidden.
func leavesOut(c check.Case, i fixes.Ignored) error {
	if !bytes.Equal(c.Before, c.After) {
		return errors.New("the Dockerfile is changed too")
	}
	if len(c.Others) != 1 || c.Others[0].Path != i.File {
		return errors.New("another file than the ignore file is changed")
	}
	if base := path.Base(i.File); !strings.HasSuffix(base, ".dockerignore") {
		return fmt.Errorf("%s is no ignore file", i.File)
	}
	if err := appendedLines(c.Others[0], i.Patterns); err != nil {
		return err
	}
	patterns, err := spared(i.Patterns)
	if err != nil {
		return err
	}
	if err := takesNothingBack(c.Others[0].Before, patterns); err != nil {
		return err
	}
	own := slices.IndexFunc(c.Shared, func(s check.Shared) bool { return s.Path == c.Path })
	if own < 0 || !slices.ContainsFunc(c.Shared[own].After, func(b buildcontext.Build) bool { return b.Ignore == i.File }) {
		return fmt.Errorf("it is not known that %s is built with %s", c.Path, i.File)
	}
	for name, text := range buildcontext.Inline(c.Repo, c.Path) {
		for _, p := range patterns {
			if strings.Contains(text, p.Base) {
				return fmt.Errorf("%s holds a Dockerfile of its own, which speaks of %s", name, p.Base)
			}
		}
	}
	walked := map[string]bool{}
	for _, s := range c.Shared {
		if err := withPatterns(c, s, i.File, patterns, walked); err != nil {
			if s.Path != c.Path {
				err = fmt.Errorf("%s: %w", s.Path, err)
			}
			return err
		}
	}
	return nil
}

// appendedLines checks the text: what was there still is, byte for byte, and behind it stand the patterns, one a line, with
// the file's line ends.
func appendedLines(file check.Changed, patterns []string) error {
	edit, err := fixes.Ignore(file.Path, file.Before, patterns)
	if err != nil {
		return err
	}
	if string(file.After) != string(file.Before)+edit.New {
		return errors.New("more than the lines that are said to be added differs in the ignore file")
	}
	before, err := buildcontext.Patterns(file.Before)
	if err != nil {
		return err
	}
	after, err := buildcontext.Patterns(file.After)
	if err != nil {
		return err
	}
	if !slices.Equal(after, append(before, patterns...)) {
		return errors.New("the ignore file would be read as other patterns than those that are added")
	}
	return nil
}

// spared reads the patterns, each of which must hide names that a build may be able to spare.
func spared(lines []string) ([]spare.Pattern, error) {
	var out []spare.Pattern
	for _, line := range lines {
		p, ok := spare.ParsePattern(line)
		if !ok {
			return nil, fmt.Errorf("%s may hide what a build needs", line)
		}
		out = append(out, p)
	}
	return out, nil
}

// takesNothingBack checks that no line of the ignore file takes back what the patterns behind it would hide again.
func takesNothingBack(text []byte, patterns []spare.Pattern) error {
	lines, err := buildcontext.Patterns(text)
	if err != nil {
		return err
	}
	for _, line := range lines {
		back, ok := strings.CutPrefix(line, "!")
		if !ok {
			continue
		}
		fixed := strings.TrimPrefix(back, "/")
		wild := strings.IndexAny(fixed, `*?[\`)
		if wild >= 0 {
			fixed = fixed[:wild]
		}
		for _, p := range patterns {
			hidden := path.Join(p.Dir, p.Base)
			if p.Deep && (wild >= 0 || slices.Contains(strings.Split(fixed, "/"), p.Base)) ||
				!p.Deep && (within(fixed, hidden) || within(hidden, fixed) || wild >= 0 && strings.HasPrefix(hidden, fixed)) {
				return fmt.Errorf("the ignore file takes back %s, which may lie in %s", line, p.Text)
			}
		}
	}
	return nil
}

// withPatterns checks one Dockerfile that may be built with the ignore file. walked are the contexts that were compared
// already, which do not depend on the Dockerfile.
func withPatterns(c check.Case, s check.Shared, file string, patterns []spare.Pattern, walked map[string]bool) error {
	if s.File == nil {
		return unread(s.Text, patterns)
	}
	if len(s.Before) != len(s.After) {
		return errors.New("it would be built in other ways")
	}
	known := len(s.After) > 0
	for k, b := range s.After {
		was := s.Before[k]
		if was.Dir != b.Dir || was.Origin != b.Origin {
			return errors.New("it would be built from another directory")
		}
		if b.Unknown != "" {
			known = false
		}
		for name, is := range b.Named {
			if path.Clean(is) == path.Dir(file) {
				return fmt.Errorf("%s: the directory is also the named context %s", b.Origin, name)
			}
		}
		if b.AnyNamed {
			return fmt.Errorf("%s: which named contexts there are is not known", b.Origin)
		}
		if b.Unknown != "" || b.Ignore != file {
			continue
		}
		if err := needsNothing(s, was, patterns); err != nil {
			return err
		}
		if key := was.Dir + "\n" + was.Ignore; !walked[key] {
			walked[key] = true
			if err := leftOut(c, was, b, patterns); err != nil {
				return err
			}
		}
	}
	if known {
		return nil
	}
	for _, p := range patterns {
		if why := spare.Names(s.File, p); why != "" {
			return fmt.Errorf("from which directory it is built is not known, and %s", why)
		}
	}
	return nil
}

// unread is about what is called like a Dockerfile and cannot be read as one, be it a template: it must not speak of what is
// hidden.
func unread(text []byte, patterns []spare.Pattern) error {
	for _, p := range patterns {
		if bytes.Contains(text, []byte(p.Base)) {
			return fmt.Errorf("it cannot be read and speaks of %s", p.Base)
		}
	}
	return nil
}

// needsNothing checks that one way of building a file can spare the patterns.
func needsNothing(s check.Shared, b buildcontext.Build, patterns []spare.Pattern) error {
	for _, p := range patterns {
		if why, _ := spare.Needed(s.File, b, p); why != "" {
			return errors.New(why)
		}
	}
	return nil
}

// maxContext bounds how many names of a context are compared.
const maxContext = 200_000

// leftOut compares a context before and after. Of what is there only what git ignores may leave, so that no commit is built
// into another image, and a single file that a pattern names outright. Lines behind all others can leave out nothing but what
// they match, so what no line can match is not walked.
func leftOut(c check.Case, before, after buildcontext.Build, patterns []spare.Pattern) error {
	l := leaving{c, before, after, patterns, 0}
	for _, p := range patterns {
		if p.Deep {
			return fs.WalkDir(before.Context, ".", l.judge)
		}
	}
	for _, p := range patterns {
		at := path.Join(p.Dir, p.Base)
		if _, err := fs.Stat(before.Context, at); err != nil {
			continue // nothing of it is there
		}
		if err := fs.WalkDir(before.Context, at, l.judge); err != nil {
			return err
		}
	}
	return nil
}

// leaving judges the names of a context.
type leaving struct {
	c             check.Case
	before, after buildcontext.Build
	patterns      []spare.Pattern
	seen          int
}

func (l *leaving) judge(name string, d fs.DirEntry, err error) error {
	if err != nil {
		return fmt.Errorf("read the build context: %w", err)
	}
	if l.seen++; l.seen > maxContext {
		return errors.New("the build context is too large to be compared")
	}
	if name == ".git" && l.before.Dir == "." {
		return fs.SkipDir
	}
	if _, err := fs.Stat(l.after.Context, name); err == nil {
		return nil
	}
	if !slices.ContainsFunc(l.patterns, func(p spare.Pattern) bool { return p.Hides(name) }) {
		return fmt.Errorf("%s would be left out too", name)
	}
	if d.IsDir() || outright(name, l.patterns) || spare.Untracked(l.c.Repo, path.Join(l.before.Dir, name)) {
		return nil
	}
	return fmt.Errorf("%s is in the repository, and would be left out", name)
}

// outright reports whether a pattern is the path of that one file, and hides a secret.
func outright(name string, patterns []spare.Pattern) bool {
	return slices.ContainsFunc(patterns, func(p spare.Pattern) bool {
		return p.Text == name && (p.Family == spare.Env || p.Family == spare.Key)
	})
}
