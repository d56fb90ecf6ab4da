package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
)

// fixSettings are the flags of fix.
type fixSettings struct {
	decisions
	input
	asking
	dryRun bool
}

func fixCommand() *cobra.Command {
	var s fixSettings
	cmd := &cobra.Command{
		Use:   "fix [PATH...]",
		Short: "Write the proven fixes into the Dockerfiles, or print them as a diff",
		Long: `Write the proven fixes into the Dockerfiles of a checkout or folder, or with --dry-run print them as a diff.
Only fixes that were verified and proven are made; a second run changes nothing. A fix that makes the file another one, as
that of build-tools-shipped does, is made only when its check is named: --check build-tools-shipped. --stdin reads one Dockerfile and prints
it with its fixes made, for editors: --path says where it lies or would lie.

Exit code: 0, whether there was something to fix or not; 2 when a file could not be looked at.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runFix(cmd, args, s)
		},
	}
	f := cmd.Flags()
	s.decisions.flags(f)
	s.input.flags(f)
	s.asking.flags(f)
	f.BoolVar(&s.dryRun, "dry-run", false, "print the difference and write nothing")
	return cmd
}

func runFix(cmd *cobra.Command, args []string, s fixSettings) error {
	ctx := cmd.Context()
	engine, done := newEngine(quiet()) // comes up while the checkout is read
	defer done()
	c, err := s.open(cmd, args)
	if err != nil {
		return err
	}
	c.repo = check.Open(c.repo) // of what is written in between, others has what is new
	settings, err := s.load(c.repo, true, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	paths, err := c.dockerfiles(ctx)
	if err != nil {
		return err
	}
	if !s.stdin {
		paths = c.kept(paths, settings, cmd.ErrOrStderr())
	}
	engine.Images = s.facts(false)
	step, end := progress(cmd.ErrOrStderr(), len(paths))
	defer end()
	f := fixer{checkout: c, fixSettings: s, o: settings.Options(engine), out: cmd.OutOrStdout(), status: cmd.ErrOrStderr(),
		others: map[string][]byte{}}
	failed := false
	for _, path := range paths {
		ok, err := f.fix(ctx, path)
		if err != nil {
			return err
		}
		failed = failed || !ok
		step(path)
	}
	if err := f.printOthers(); err == nil && failed {
		return exit(exitFailed)
	} else {
		return err
	}
}

// fixer fixes one file after another.
type fixer struct {
	*checkout
	fixSettings
	o      check.Options
	out    io.Writer
	status io.Writer
	others map[string][]byte // what other files than Dockerfiles are to be: several Dockerfiles may share one
}

// fix makes the fixes of one file; ok is whether all of it could be looked at.
func (f fixer) fix(ctx context.Context, path string) (ok bool, err error) {
	fixed, err := check.Fix(ctx, check.Overlay(f.repo, f.others), path, f.wanted, f.o)
	if err != nil {
		return false, err
	}
	ok = tellSkipped(f.status, fixed.Skipped)
	for _, other := range fixed.Others {
		f.others[other.Path] = other.After
	}
	switch {
	case f.dryRun:
		err = f.print(path, fixed.Before, fixed.After)
	case f.stdin && ok:
		_, err = f.out.Write(fixed.After)
	case !f.stdin:
		err = f.put(fixed)
	}
	return ok, err
}

// wanted tells the findings of the named checks from others; none named means all. What would change another file
// cannot be printed as the fixed text of one; and what makes a file another one is made only when its check is named.
func (f fixer) wanted(found check.Finding) bool {
	if f.stdin && len(found.Fixes) > 0 && place(found.Path, found.Fixes[0]) != found.Path {
		return false
	}
	if len(f.checks) == 0 && len(found.Fixes) > 0 && found.Fixes[0].Whole {
		return false
	}
	return f.named(found)
}

// put writes what was fixed and says what was done.
func (f fixer) put(fixed *check.Fixed) error {
	if len(fixed.Applied) == 0 {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(fixed.Files())) {
		if err := f.write(name, fixed.Files()[name]); err != nil {
			return err
		}
	}
	for _, done := range fixed.Applied {
		fix := done.Fixes[0]
		fmt.Fprintf(f.out, "%s: %s (%s)\n", place(fixed.Path, fix), fix.Title, fix.Intent.Claim().Words)
	}
	return nil
}

// place names the files that a fix of a Dockerfile changes, when it changes others too.
func place(path string, fix fixes.Fix) string {
	var names []string
	for _, e := range fix.Edits {
		if !slices.Contains(names, e.Path) {
			names = append(names, e.Path)
		}
	}
	if slices.Equal(names, []string{path}) {
		return path
	}
	return path + ", " + strings.Join(slices.DeleteFunc(names, func(n string) bool { return n == path }), ", ")
}

// print writes the difference of one file as git does; before is nil for a new one.
func (f fixer) print(path string, before, after []byte) error {
	_, err := io.WriteString(f.out, fixes.Patch(path, before, after))
	return err
}

// printOthers prints, in a dry run, the files that Dockerfiles share, once and as they are in the end.
func (f fixer) printOthers() error {
	if !f.dryRun {
		return nil
	}
	for _, path := range slices.Sorted(maps.Keys(f.others)) {
		before, err := fs.ReadFile(f.repo, path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := f.print(path, before, f.others[path]); err != nil {
			return err
		}
	}
	return nil
}

// write brings a file to a text, if it is not so already.
func (f fixer) write(path string, text []byte) error {
	if before, err := fs.ReadFile(f.repo, path); err == nil && bytes.Equal(before, text) {
		return nil
	}
	return replace(filepath.Join(f.root, filepath.FromSlash(path)), text)
}

// replace writes a file anew with its mode kept, or one that is not there yet: whole or not at all. It does not write
// through a symbolic link.
func replace(path string, data []byte) error {
	mode := fs.FileMode(0o644)
	info, err := os.Lstat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("write %s: not a regular file", path)
	case err == nil:
		mode = info.Mode().Perm()
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".lighterman-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Chmod(mode)
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
