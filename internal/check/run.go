package check

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sourcegraph/conc/panics"
	"github.com/sourcegraph/conc/pool"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/image"
)

// Run runs every check on every file and returns what they found, fixes unverified. Findings are in the order of paths,
// then of the source; the result does not depend on Options.Concurrency. A file that cannot be read and a check that
// fails or panics become a Skip, and the rest goes on. The error is only ever the context's.
func Run(ctx context.Context, repo fs.FS, paths []string, o Options) (*Result, error) {
	o.Checks = o.tuned()
	subjects := make([]subject, len(paths))
	contexts := contextsOf(repo)
	each(ctx, o, len(paths), func(n int) { subjects[n] = load(repo, contexts, paths[n], o) })
	looks := make([]look, len(paths)*len(o.Checks))
	each(ctx, o, len(looks), func(n int) {
		s, c := subjects[n/len(o.Checks)], o.Checks[n%len(o.Checks)]
		if s.file != nil && (o.runs(c) || o.runsAsked(c, s.asked)) {
			looks[n] = s.pass(ctx, c, repo, o)
		}
	})
	result := &Result{}
	for n, s := range subjects {
		result.add(s, looks[n*len(o.Checks):(n+1)*len(o.Checks)], o)
	}
	return result, ctx.Err()
}

// A look is what came of one check on one file.
type look struct {
	ran     bool
	found   []Finding
	ignored []silenced
	skip    *Skip
}

// tuned are the checks with the severities that were decided for them.
func (o Options) tuned() []*Check {
	out := slices.Clone(o.Checks)
	for n, c := range out {
		if s, ok := o.Severities[c.Name]; ok && s != c.Severity {
			changed := *c
			changed.Severity = s
			out[n] = &changed
		}
	}
	return out
}

// each calls do for 0 to n-1, at most Options.Concurrency at once, and stops starting more once ctx is done.
func each(ctx context.Context, o Options, n int, do func(int)) {
	workers := o.Concurrency
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	p := pool.New().WithMaxGoroutines(workers)
	for k := range n {
		if ctx.Err() != nil {
			break
		}
		p.Go(func() { do(k) })
	}
	p.Wait()
}

// runs reports whether the check is run.
func (o Options) runs(c *Check) bool {
	if c.Aging && !o.Aging || c.OptIn && !slices.ContainsFunc(o.Enabled, c.GoesBy) {
		return false
	}
	return o.Audit || !o.ignores(c)
}

// runsAsked reports whether the check, which runs only when it is asked for, is run because a file asks for it.
func (o Options) runsAsked(c *Check, asked []string) bool {
	return !c.Aging && slices.ContainsFunc(asked, c.GoesBy) && (o.Audit || !o.ignores(c))
}

// ignores reports whether the check is switched off for the whole repository.
func (o Options) ignores(c *Check) bool { return slices.ContainsFunc(o.Ignored, c.GoesBy) }

// GoesBy reports whether name is the check's name or what another tool calls it, in any case.
func (c *Check) GoesBy(name string) bool {
	return strings.EqualFold(name, c.Name) ||
		slices.ContainsFunc(c.Aliases, func(alias string) bool { return strings.EqualFold(name, alias) })
}

// A subject is one file on its way through the checks; file is nil when it was skipped.
type subject struct {
	path    string
	file    *dockerfile.File
	builds  []buildcontext.Build
	ignores ignores
	skip    *Skip
	asked   []string // see askedOf
	lint    *lint
}

// load reads and parses one file. A panic, be it BuildKit's, becomes a Skip of that file.
func load(repo fs.FS, contexts *buildcontext.Repository, path string, o Options) (s subject) {
	if caught := panics.Try(func() { s = parse(repo, contexts, path, o) }); caught != nil {
		return subject{path: path, skip: &Skip{Path: path, Reason: fmt.Sprintf("panic: %v", caught.Value), Failed: true}}
	}
	return s
}

func parse(repo fs.FS, contexts *buildcontext.Repository, path string, o Options) subject {
	s := subject{path: path}
	src, err := read(repo, path)
	var other elsewhere
	if errors.As(err, &other) {
		s.skip = &Skip{Path: path, Reason: string(other)}
		return s
	}
	if err == nil {
		if reason := template(path, src); reason != "" {
			s.skip = &Skip{Path: path, Reason: reason}
			return s
		}
		s.file, err = dockerfile.Parse(path, src)
	}
	if err != nil {
		s.skip = skipped(path, err)
		return s
	}
	s.builds = contexts.FindStated(s.file, o.stated(path))
	s.ignores = ignoresOf(s.file)
	s.asked, s.lint = askedOf(s.file), &lint{}
	return s
}

func (o Options) stated(path string) []buildcontext.Override {
	if o.Stated == nil {
		return nil
	}
	return o.Stated(path)
}

// An elsewhere is a name under which there is no file, but what leads to one.
type elsewhere string

func (e elsewhere) Error() string { return string(e) }

const (
	aLink      elsewhere = "a symbolic link, which is not followed"
	aSubmodule elsewhere = "a submodule"
)

// read returns a file's bytes, refusing what is too large before it is in memory.
func read(repo fs.FS, path string) ([]byte, error) {
	info, err := fs.Stat(repo, path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		return nil, aLink
	case mode&fs.ModeIrregular != 0: // forge.Tree's word for it
		return nil, aSubmodule
	case !mode.IsRegular():
		return nil, fmt.Errorf("read %s: not a regular file", path)
	}
	if info.Size() > dockerfile.MaxSize {
		return nil, fmt.Errorf("%s: %d bytes are more than the %d a Dockerfile may have", path, info.Size(), dockerfile.MaxSize)
	}
	return fs.ReadFile(repo, path)
}

func skipped(path string, err error) *Skip {
	skip := &Skip{Path: path, Reason: strings.TrimPrefix(err.Error(), path+": "), Failed: true}
	var located *dockerfile.Error
	if errors.As(err, &located) {
		skip.Line, skip.Reason = located.Line, located.Msg
	}
	return skip
}

// pass runs one check on the file. A panic is named and contained.
func (s subject) pass(ctx context.Context, c *Check, repo fs.FS, o Options) look {
	p := &Pass{Check: c, File: s.file, Repo: repo, Builds: s.builds, Images: o.Images, Today: o.Today,
		Registries: o.Registries, counting: o.counting}
	if p.Images == nil {
		p.Images = unknown{}
	}
	if p.Today.IsZero() {
		p.Today = time.Now()
	}
	out := look{ran: true}
	p.lint = func() []Remark { return s.linted(ctx, repo, o) }
	reported, limit := 0, reportable(s.file)
	p.report = func(f Finding) {
		if reported++; reported > limit {
			panic(full{limit})
		}
		f.Line, f.EndLine = s.file.Line(f.At.Start), s.file.Line(max(f.At.Start, f.At.End-1))
		by, covered := s.ignores.cover(f, s.file)
		switch {
		case covered:
			out.ignored = append(out.ignored, silenced{f, by})
		case o.ignores(c):
			out.ignored = append(out.ignored, silenced{f, nowhere})
		default:
			out.found = append(out.found, f)
		}
	}
	if err := contained(func() error { return c.Run(p) }); err != nil {
		out.skip = &Skip{Path: s.path, Reason: fmt.Sprintf("check %s: %v", c.Name, err), Failed: true}
	}
	return out
}

// contained is what run returns, or its panic as an error.
func contained(run func() error) (err error) {
	caught := panics.Try(func() { err = run() })
	if caught == nil {
		return err
	}
	if f, ok := caught.Value.(full); ok {
		return f
	}
	return fmt.Errorf("panic: %v", caught.Value)
}

// unknown is the Facts that know nothing.
type unknown struct{}

func (unknown) Lookup(string) (image.Image, bool) { return image.Image{}, false }

// add puts one file's findings into the result, sorted and with their identities.
func (r *Result) add(s subject, looks []look, o Options) {
	if s.skip != nil {
		r.Skipped = append(r.Skipped, *s.skip)
	}
	if skip := s.lintSkip(); skip != nil {
		r.Skipped = append(r.Skipped, *skip)
	}
	var found []Finding
	for n, l := range looks {
		if l.skip != nil && !o.ignores(o.Checks[n]) {
			r.Skipped = append(r.Skipped, *l.skip)
		}
		found = append(found, l.found...)
	}
	if s.file == nil {
		return
	}
	r.Files++
	slices.SortStableFunc(found, order)
	identify(s.file, found)
	r.Findings = append(r.Findings, found...)
	if o.Audit {
		r.audit(s, looks, o)
	}
}

func order(a, b Finding) int {
	return cmp.Or(a.At.Start-b.At.Start, a.At.End-b.At.End, strings.Compare(a.Check.Name, b.Check.Name),
		strings.Compare(a.Message, b.Message))
}

// identify gives each finding its ID. The words are hashed: they may hold what must not be repeated.
func identify(f *dockerfile.File, found []Finding) {
	twins := map[string]int{}
	for n := range found {
		what := words(f, found[n].At)
		if found[n].About != "" {
			what += "\x00" + found[n].About
		}
		key := strings.Join([]string{found[n].Check.Name, f.Path, what}, "\x00")
		nth := strconv.Itoa(twins[key])
		twins[key]++
		found[n].words, found[n].nth = what, nth
		found[n].ID = id(found[n].Check, f.Path, what, nth)
		found[n].Kin = named(found[n].Check, "kin", what, nth)
	}
}

func id(c *Check, path, words, nth string) string { return named(c, c.Name, path, words, nth) }

func named(c *Check, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return c.Name + ":" + hex.EncodeToString(sum[:10])
}

// words are the words of the instruction that holds the first byte of at, without white space that carries no meaning.
func words(f *dockerfile.File, at dockerfile.Span) string {
	i := instructionAt(f, at)
	if i == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(i.Keyword)
	for _, fl := range i.Flags {
		b.WriteString(" --" + fl.Name + "=" + fl.Value)
	}
	b.WriteString(" " + strings.Join(strings.Fields(i.Text()), " "))
	for _, h := range i.Heredocs {
		b.WriteString("\n" + h.Content)
	}
	return b.String()
}

// instructionAt is the instruction that holds the first byte of at, or in whose lead comments it stands.
func instructionAt(f *dockerfile.File, at dockerfile.Span) *dockerfile.Instruction {
	n, _ := slices.BinarySearchFunc(f.Instructions, at.Start, func(i *dockerfile.Instruction, offset int) int {
		if i.Span.End <= offset {
			return -1
		}
		return 1
	})
	if n == len(f.Instructions) || f.Instructions[n].Lead.Start > at.Start {
		return nil
	}
	return f.Instructions[n]
}
