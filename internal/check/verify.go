package check

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// Examine runs the checks and keeps of the offered fixes those that were verified and proven. A finding whose fixes all
// fall away stays, with the reason in Refused.
func Examine(ctx context.Context, repo fs.FS, paths []string, o Options) (*Result, error) {
	result, err := Run(ctx, repo, paths, o)
	if err != nil {
		return nil, err
	}
	result.ration(repo)
	names := map[string][]string{}
	for _, f := range result.Findings {
		names[f.Path] = append(names[f.Path], f.Check.Name)
	}
	each(ctx, o, len(result.Findings), func(n int) {
		result.Findings[n].settle(ctx, repo, names[result.Findings[n].Path], o)
	})
	return result, ctx.Err()
}

// byPath are the names of the checks that found something in a file, once per finding.
func byPath(findings []Finding, path string) []string {
	var names []string
	for _, f := range findings {
		if f.Path == path {
			names = append(names, f.Check.Name)
		}
	}
	return names
}

// settle drops the fixes that do not hold. before are the names of the checks that found something in the file.
func (f *Finding) settle(ctx context.Context, repo fs.FS, before []string, o Options) {
	var kept []fixes.Fix
	src, err := fs.ReadFile(repo, f.Path)
	for _, fix := range f.Fixes {
		if err == nil {
			err = verify(ctx, repo, step{f.Path, src, src, fix.Edits, fix, f.Check.Name, before}, o)
		}
		if err == nil {
			kept = append(kept, fix)
			continue
		}
		if f.Refused == "" {
			f.Refused = err.Error()
		}
		err = nil
	}
	if len(kept) > 0 {
		f.Refused = ""
	}
	f.Fixes = kept
}

// A step takes a file from one text to the next by one fix.
type step struct {
	path   string
	src    []byte // the original, which edits refer to
	before []byte // the text before this step
	edits  []fixes.Edit
	fix    fixes.Fix
	check  string   // whose finding the fix is for
	names  []string // the checks that found something in before, once per finding
}

// verify applies the step's edits, looks again, and has the difference proven.
func verify(ctx context.Context, repo fs.FS, s step, o Options) error {
	after, err := fixes.Apply(s.path, s.src, s.edits)
	if err != nil {
		return err
	}
	if bytes.Equal(after, s.before) {
		return fmt.Errorf("the fix changes nothing")
	}
	again, err := Run(ctx, Overlay(repo, map[string][]byte{s.path: after}), []string{s.path}, o)
	if err != nil {
		return err
	}
	if err := improved(s, again); err != nil {
		return err
	}
	return prove(ctx, repo, s, after, o)
}

// improved asserts that the fixed text parses, has the finding no more, and gives rise to no other.
func improved(s step, again *Result) error {
	for _, skip := range again.Skipped {
		return fmt.Errorf("the fixed file cannot be checked: line %d: %s", skip.Line, skip.Reason)
	}
	was, is := count(s.names), count(byPath(again.Findings, s.path))
	if is[s.check] >= was[s.check] {
		return fmt.Errorf("the finding would still be there after the fix")
	}
	for name, n := range is {
		if n > was[name] {
			return fmt.Errorf("the fix would give rise to %s", name)
		}
	}
	return nil
}

func count(names []string) map[string]int {
	n := map[string]int{}
	for _, name := range names {
		n[name]++
	}
	return n
}

func prove(ctx context.Context, repo fs.FS, s step, after []byte, o Options) error {
	if o.Prover == nil {
		return fmt.Errorf("fixes are not proven here")
	}
	subject := load(Overlay(repo, map[string][]byte{s.path: s.before}), s.path)
	if subject.file == nil {
		return fmt.Errorf("the file cannot be read: %s", subject.skip.Reason)
	}
	return o.Prover.Prove(ctx, Case{
		Path:     s.path,
		Before:   s.before,
		After:    after,
		Intent:   s.fix.Intent,
		Builds:   subject.builds,
		BaseUser: baseUser(subject.file, o),
	})
}

// baseUser is the user of the image that the final stage stands on, "" when it is not known.
func baseUser(f *dockerfile.File, o Options) string {
	ref, ok := f.Final().Image()
	if !ok || o.Images == nil {
		return ""
	}
	facts, _ := o.Images.Lookup(ref)
	return facts.User
}

// Combined is several fixes for one file made at once.
type Combined struct {
	Edits []fixes.Edit
	Text  []byte         // the file with Edits made
	Taken []int          // indexes of the findings whose first fix is in
	Left  map[int]string // why the first fix of a finding is not in
}

// Combine merges the first fixes of a file's findings in their order. Every fix is verified and proven again on top of
// those already in, so the whole is a chain of proven steps; one that does not fit is left out, with the reason. findings
// are those of one path from one Examine.
func Combine(ctx context.Context, repo fs.FS, path string, findings []Finding, o Options) (*Combined, error) {
	src, err := read(repo, path)
	if err != nil {
		return nil, err
	}
	c := &Combined{Text: src, Left: map[int]string{}}
	names := byPath(findings, path)
	for n, f := range findings {
		if len(f.Fixes) == 0 || f.Path != path {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		edits, err := fixes.Merge(c.Edits, f.Fixes[0])
		if err == nil {
			err = verify(ctx, repo, step{path, src, c.Text, edits, f.Fixes[0], f.Check.Name, names}, o)
		}
		if err != nil {
			c.Left[n] = err.Error()
			continue
		}
		names = without(names, f.Check.Name)
		c.Edits, c.Taken = edits, append(c.Taken, n)
		if c.Text, err = fixes.Apply(path, src, edits); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// without is names with one occurrence of name taken out.
func without(names []string, name string) []string {
	var out []string
	for _, n := range names {
		if n == name {
			name = ""
			continue
		}
		out = append(out, n)
	}
	return out
}

// Fixed is what Fix made of one file.
type Fixed struct {
	Path    string
	Before  []byte
	After   []byte
	Applied []Finding // in the order in which their fixes were made
}

// maxRounds bounds Fix: every round takes at least one finding away, and no file needs many.
const maxRounds = 20

// Fix makes every proven fix of a file, round by round, until nothing more is offered: what conflicts in one round is
// taken up by the next, on the text the one before left. Only findings for which want is true are fixed.
func Fix(ctx context.Context, repo fs.FS, path string, want func(Finding) bool, o Options) (*Fixed, error) {
	src, err := read(repo, path)
	if err != nil {
		return nil, err
	}
	out := &Fixed{Path: path, Before: src, After: src}
	for range maxRounds {
		now := Overlay(repo, map[string][]byte{path: out.After})
		result, err := Examine(ctx, now, []string{path}, o)
		if err != nil {
			return nil, err
		}
		for n := range result.Findings {
			if !want(result.Findings[n]) {
				result.Findings[n].Fixes = nil
			}
		}
		c, err := Combine(ctx, now, path, result.Findings, o)
		if err != nil {
			return nil, err
		}
		if len(c.Taken) == 0 {
			return out, nil
		}
		for _, n := range c.Taken {
			out.Applied = append(out.Applied, result.Findings[n])
		}
		out.After = c.Text
	}
	return out, nil
}
