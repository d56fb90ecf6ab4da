package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

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
	f := fixer{c, want, o, dryRun, cmd.OutOrStdout()}
	for _, path := range paths {
		if err := f.fix(ctx, path); err != nil {
			return err
		}
		step(path)
	}
	return nil
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
}

func (f fixer) fix(ctx context.Context, path string) error {
	fixed, err := check.Fix(ctx, f.repo, path, f.want, f.o)
	if err != nil {
		return err
	}
	if len(fixed.Applied) == 0 {
		return nil
	}
	if f.dryRun {
		_, err := f.out.Write(diff.Diff("a/"+path, fixed.Before, "b/"+path, fixed.After))
		return err
	}
	if err := replace(filepath.Join(f.root, filepath.FromSlash(path)), fixed.After); err != nil {
		return err
	}
	for _, done := range fixed.Applied {
		fmt.Fprintf(f.out, "%s: %s (%s)\n", path, done.Fixes[0].Title, done.Fixes[0].Intent.Claim().Words)
	}
	return nil
}

// replace writes a file anew with its mode kept: whole or not at all.
func replace(path string, data []byte) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".lighterman-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Chmod(info.Mode().Perm())
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
