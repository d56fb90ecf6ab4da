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

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
)

func fixCommand() *cobra.Command {
	var names []string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "fix [PATH]",
		Short: "Write the proven fixes into the Dockerfiles, or print them as a diff",
		Long: `Write the proven fixes into the Dockerfiles of a checkout or folder, or with --dry-run print them as a diff.
Only fixes that were verified and proven are made; a second run changes nothing.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runFix(cmd, argument(args), names, dryRun)
		},
	}
	cmd.Flags().StringSliceVar(&names, "check", nil, "only fixes of this check (may be repeated)")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print the difference and write nothing")
	return cmd
}

// argument is the first argument, "." without one.
func argument(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}

func runFix(cmd *cobra.Command, path string, names []string, dryRun bool) error {
	ctx := cmd.Context()
	c, err := openCheckout(ctx, path)
	if err != nil {
		return err
	}
	o, done, err := localEngine(c.repo, nil, quiet())
	if err != nil {
		return err
	}
	defer done()
	want, err := wanted(names)
	if err != nil {
		return err
	}
	paths, err := c.dockerfiles(ctx)
	if err != nil {
		return err
	}
	step, end := progress(cmd.ErrOrStderr(), len(paths))
	defer end()
	f := fixer{checkout: c, want: want, o: o, dryRun: dryRun, out: cmd.OutOrStdout(), others: map[string][]byte{}}
	for _, path := range paths {
		if err := f.fix(ctx, path); err != nil {
			return err
		}
		step(path)
	}
	return f.printOthers()
}

// wanted tells the findings of the named checks from others; none named means all.
func wanted(names []string) (func(check.Finding) bool, error) {
	for _, name := range names {
		if checks.Named(name) == nil {
			return nil, unknownCheck(name)
		}
	}
	return func(f check.Finding) bool {
		for _, name := range names {
			if f.Check.GoesBy(name) {
				return true
			}
		}
		return len(names) == 0
	}, nil
}

// fixer fixes one file after another.
type fixer struct {
	*checkout
	want   func(check.Finding) bool
	o      check.Options
	dryRun bool
	out    io.Writer
	others map[string][]byte // what other files than Dockerfiles are to be: several Dockerfiles may share one
}

func (f fixer) fix(ctx context.Context, path string) error {
	fixed, err := check.Fix(ctx, check.Overlay(f.repo, f.others), path, f.want, f.o)
	if err != nil {
		return err
	}
	if len(fixed.Applied) == 0 {
		return nil
	}
	for _, other := range fixed.Others {
		f.others[other.Path] = other.After
	}
	if f.dryRun {
		return f.print(path, fixed.Before, fixed.After)
	}
	for _, name := range slices.Sorted(maps.Keys(fixed.Files())) {
		if err := f.write(name, fixed.Files()[name]); err != nil {
			return err
		}
	}
	for _, done := range fixed.Applied {
		fix := done.Fixes[0]
		fmt.Fprintf(f.out, "%s: %s (%s)\n", place(path, fix), fix.Title, fix.Intent.Claim().Words)
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
	if bytes.Equal(before, after) {
		return nil
	}
	text := diff.Diff("a/"+path, before, "b/"+path, after)
	if before == nil {
		text = bytes.Replace(text, []byte("--- a/"+path+"\n"), []byte("--- /dev/null\n"), 1)
	}
	_, err := f.out.Write(text)
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
