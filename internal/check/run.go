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
	subjects := make([]subject, len(paths))
	contexts := buildcontext.Open(repo)
	each(ctx, o, len(paths), func(n int) { subjects[n] = load(repo, contexts, paths[n]) })
	found := make([][]Finding, len(paths)*len(o.Checks))
	skips := make([]*Skip, len(found))
	each(ctx, o, len(found), func(n int) {
		s, c := subjects[n/len(o.Checks)], o.Checks[n%len(o.Checks)]
		if s.file != nil && !o.off(c) {
			found[n], skips[n] = s.pass(c, repo, o)
		}
	})
	result := &Result{}
	for n, s := range subjects {
		part := slices.Concat(found[n*len(o.Checks) : (n+1)*len(o.Checks)]...)
		result.add(s, part, skips[n*len(o.Checks):(n+1)*len(o.Checks)])
	}
	return result, ctx.Err()
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

// off reports whether the check is switched off for the whole repository.
func (o Options) off(c *Check) bool {
	return slices.ContainsFunc(o.Ignored, c.GoesBy) || c.OptIn && !slices.ContainsFunc(o.Enabled, c.GoesBy)
}

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
}

// load reads and parses one file. A panic, be it BuildKit's, becomes a Skip of that file.
func load(repo fs.FS, contexts *buildcontext.Repository, path string) (s subject) {
	if caught := panics.Try(func() { s = parse(repo, contexts, path) }); caught != nil {
		return subject{path: path, skip: &Skip{Path: path, Reason: fmt.Sprintf("panic: %v", caught.Value), Failed: true}}
	}
	return s
}

func parse(repo fs.FS, contexts *buildcontext.Repository, path string) subject {
	s := subject{path: path}
	src, err := read(repo, path)
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
	s.builds = contexts.Find(s.file)
	s.ignores = ignoresOf(s.file)
	return s
}

// read returns a file's bytes, refusing what is too large before it is in memory.
func read(repo fs.FS, path string) ([]byte, error) {
	info, err := fs.Stat(repo, path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
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
func (s subject) pass(c *Check, repo fs.FS, o Options) (found []Finding, skip *Skip) {
	p := &Pass{Check: c, File: s.file, Repo: repo, Builds: s.builds, Images: o.Images, Today: o.Today}
	if p.Images == nil {
		p.Images = unknown{}
	}
	if p.Today.IsZero() {
		p.Today = time.Now()
	}
	reported, limit := 0, reportable(s.file)
	p.report = func(f Finding) {
		if reported++; reported > limit {
			panic(full{limit})
		}
		f.Line, f.EndLine = s.file.Line(f.At.Start), s.file.Line(max(f.At.Start, f.At.End-1))
		if !s.ignores.cover(f, s.file) {
			found = append(found, f)
		}
	}
	err := contained(func() error { return c.Run(p) })
	if err != nil {
		return found, &Skip{Path: s.path, Reason: fmt.Sprintf("check %s: %v", c.Name, err), Failed: true}
	}
	return found, nil
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
func (r *Result) add(s subject, found []Finding, skips []*Skip) {
	for _, skip := range append([]*Skip{s.skip}, skips...) {
		if skip != nil {
			r.Skipped = append(r.Skipped, *skip)
		}
	}
	if s.file == nil {
		return
	}
	r.Files++
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(a.At.Start-b.At.Start, a.At.End-b.At.End, strings.Compare(a.Check.Name, b.Check.Name),
			strings.Compare(a.Message, b.Message))
	})
	identify(s.file, found)
	r.Findings = append(r.Findings, found...)
}

// identify gives each finding its ID. The words are hashed: they may hold what must not be repeated.
func identify(f *dockerfile.File, found []Finding) {
	twins := map[string]int{}
	for n := range found {
		key := strings.Join([]string{found[n].Check.Name, f.Path, words(f, found[n].At)}, "\x00")
		sum := sha256.Sum256([]byte(key + "\x00" + strconv.Itoa(twins[key])))
		twins[key]++
		found[n].ID = found[n].Check.Name + ":" + hex.EncodeToString(sum[:10])
	}
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
