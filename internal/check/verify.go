package check

import (
	"context"
	"fmt"
	"io/fs"
	"sync"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// Examine runs the checks and keeps of the offered fixes those that were verified and proven. A finding whose fixes all
// fall away stays, with the reason in Refused.
func Examine(ctx context.Context, repo fs.FS, paths []string, o Options) (*Result, error) {
	repo = open(repo)
	result, err := Run(ctx, repo, paths, o)
	if err != nil {
		return nil, err
	}
	result.ration(repo)
	names := map[string][]string{}
	for _, f := range result.Findings {
		names[f.Path] = append(names[f.Path], f.Check.Name)
	}
	v := newVerifier(repo, o)
	each(ctx, o, len(result.Findings), func(n int) {
		result.Findings[n].settle(ctx, v, names[result.Findings[n].Path])
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
func (f *Finding) settle(ctx context.Context, v *verifier, before []string) {
	var kept []fixes.Fix
	for _, fix := range f.Fixes {
		err := v.verify(ctx, step{path: f.Path, edits: fix.Edits, fix: fix, check: f.Check.Name, names: before})
		if err == nil {
			kept = append(kept, fix)
			continue
		}
		f.Withdrawn = append(f.Withdrawn, fix.Class())
		if f.Refused == "" {
			f.Refused = err.Error()
		}
	}
	if len(kept) > 0 {
		f.Refused = ""
	}
	f.Fixes = kept
}

// A step takes the repository from one state to the next by one fix.
type step struct {
	path   string
	before map[string][]byte // the files that earlier steps changed, as they are before this one
	edits  []fixes.Edit      // of all steps up to this one, against the files as the repository has them
	fix    fixes.Fix
	check  string   // whose finding the fix is for
	names  []string // the checks that found something in path before, once per finding
}

// A verifier holds fixes against a repository.
type verifier struct {
	repo fs.FS
	o    Options
	all  func() ([]string, error) // the repository's Dockerfiles, looked for once
	read sync.Map                 // Dockerfiles that were parsed, by name: what several fixes share is parsed once
}

func newVerifier(repo fs.FS, o Options) *verifier {
	return &verifier{repo: repo, o: o, all: sync.OnceValues(func() ([]string, error) { return dockerfiles(repo) })}
}

// verify makes the step's edits, looks again, and has the difference proven.
func (v *verifier) verify(ctx context.Context, s step) error {
	after, err := edited(v.repo, s.edits)
	if err != nil {
		return err
	}
	changed, err := changes(Overlay(v.repo, s.before), after)
	if err != nil {
		return err
	}
	if len(changed) == 0 {
		return fmt.Errorf("the fix changes nothing")
	}
	o := v.o
	o.Audit, o.counting = false, true
	again, err := Run(ctx, Overlay(v.repo, after), []string{s.path}, o)
	if err != nil {
		return err
	}
	if err := improved(s, again); err != nil {
		return err
	}
	if err := v.built(s, after); err != nil {
		return err
	}
	return v.prove(ctx, s, after, changed)
}

// built asserts that what builds the image takes what the fix brings in.
func (v *verifier) built(s step, after map[string][]byte) error {
	if v.o.Builder == "" || v.o.Builder == BuildKit {
		return nil
	}
	was, err := parsed(Overlay(v.repo, s.before), s.path)
	if err != nil {
		return err
	}
	is, err := parsed(Overlay(v.repo, after), s.path)
	if err != nil {
		return err
	}
	return v.o.Builder.takes(was, is)
}

func parsed(repo fs.FS, path string) (*dockerfile.File, error) {
	src, err := read(repo, path)
	if err != nil {
		return nil, err
	}
	return dockerfile.Parse(path, src)
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

// Prove makes one fix alone and has the difference proven, without looking again at what the checks then find.
func Prove(ctx context.Context, repo fs.FS, path string, fix fixes.Fix, o Options) error {
	after, err := edited(repo, fix.Edits)
	if err != nil {
		return err
	}
	changed, err := changes(repo, after)
	if err != nil {
		return err
	}
	return newVerifier(repo, o).prove(ctx, step{path: path, edits: fix.Edits, fix: fix}, after, changed)
}

// prove puts the difference that a step makes before the prover.
func (v *verifier) prove(ctx context.Context, s step, after map[string][]byte, changed []Changed) error {
	if v.o.Prover == nil {
		return fmt.Errorf("fixes are not proven here")
	}
	now := Overlay(v.repo, s.before)
	subject := load(now, contextsOf(now), s.path, v.o)
	if subject.file == nil {
		return fmt.Errorf("the file cannot be read: %s", subject.skip.Reason)
	}
	c := Case{
		Path:     s.path,
		Before:   subject.file.Src,
		After:    subject.file.Src,
		Intent:   s.fix.Intent,
		Builds:   subject.builds,
		BaseUser: baseUser(subject.file, v.o),
		Bases:    basesOf(subject.file, v.o.Images),
		Repo:     now,
	}
	for _, other := range changed {
		if other.Path == s.path {
			c.After = other.After
			continue
		}
		c.Others = append(c.Others, other)
	}
	if len(c.Others) > 0 {
		var err error
		if c.Shared, err = v.shared(ctx, now, Overlay(v.repo, after), s.path, c.Others); err != nil {
			return err
		}
	}
	return v.o.Prover.Prove(ctx, c)
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
	Edits  []fixes.Edit
	Text   []byte         // the file with Edits made
	Others []Changed      // the other files that Edits change, by path
	Taken  []int          // indexes of the findings whose first fix is in
	Left   map[int]string // why the first fix of a finding is not in
}

// Combine merges the first fixes of a file's findings in their order. Every fix is verified and proven again on top of
// those already in, so the whole is a chain of proven steps; one that does not fit is left out, with the reason. findings
// are those of one path from one Examine.
func Combine(ctx context.Context, repo fs.FS, path string, findings []Finding, o Options) (*Combined, error) {
	repo = open(repo)
	src, err := read(repo, path)
	if err != nil {
		return nil, err
	}
	c := &Combined{Text: src, Left: map[int]string{}}
	v, names, before := newVerifier(repo, o), byPath(findings, path), map[string][]byte{}
	for n, f := range findings {
		if len(f.Fixes) == 0 || f.Path != path {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		edits, err := fixes.Merge(c.Edits, f.Fixes[0])
		if err == nil {
			err = v.verify(ctx, step{path, before, edits, f.Fixes[0], f.Check.Name, names})
		}
		if err != nil {
			c.Left[n] = err.Error()
			continue
		}
		names = without(names, f.Check.Name)
		c.Edits, c.Taken = edits, append(c.Taken, n)
		if before, err = edited(repo, edits); err != nil {
			return nil, err
		}
	}
	return c, c.apply(repo, path, before)
}

// apply takes over the files as the edits leave them.
func (c *Combined) apply(repo fs.FS, path string, after map[string][]byte) error {
	changed, err := changes(repo, after)
	for _, other := range changed {
		if other.Path == path {
			c.Text = other.After
			continue
		}
		c.Others = append(c.Others, other)
	}
	return err
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
	Others  []Changed // the other files that are changed with it, by path
	Applied []Finding // in the order in which their fixes were made
	Skipped []Skip    // what could not be looked at
}

// Files are all files that differ, by path.
func (f *Fixed) Files() map[string][]byte {
	out := map[string][]byte{f.Path: f.After}
	for _, other := range f.Others {
		out[other.Path] = other.After
	}
	return out
}

// maxRounds bounds Fix: every round takes at least one finding away, and no file needs many.
const maxRounds = 20

// Fix makes every proven fix of a file, round by round, until nothing more is offered: what conflicts in one round is
// taken up by the next, on the text the one before left. Only findings for which want is true are fixed.
func Fix(ctx context.Context, repo fs.FS, path string, want func(Finding) bool, o Options) (*Fixed, error) {
	repo = open(repo)
	src, err := read(repo, path)
	if err != nil {
		return nil, err
	}
	out := &Fixed{Path: path, Before: src, After: src}
	for range maxRounds {
		now := Overlay(repo, out.Files())
		result, err := Examine(ctx, now, []string{path}, o)
		if err != nil {
			return nil, err
		}
		out.Skipped = result.Skipped
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
		if err := out.advance(repo, c); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// advance takes over what a round made.
func (f *Fixed) advance(repo fs.FS, c *Combined) error {
	f.After = c.Text
	after := f.Files()
	for _, other := range c.Others {
		after[other.Path] = other.After
	}
	delete(after, f.Path)
	var err error
	f.Others, err = changes(repo, after)
	return err
}
