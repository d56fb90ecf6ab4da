package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/sourcegraph/conc/pool"
	"github.com/spf13/cobra"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/report"
	"github.com/lighterman/lighterman/internal/sweep"
	"github.com/lighterman/lighterman/internal/sweep/stock"
)

// A target is one repository of a report.
type target struct {
	name string
	look func(ctx context.Context, status io.Writer) (stock.Entry, error) // an error ends the whole sweep
}

// runSweepReport looks at each path as a repository, and at those on GitHub, and writes the report over all of them.
func runSweepReport(cmd *cobra.Command, paths, repos []string, s sweepSettings, engine check.Options) error {
	if _, err := s.topics(config.Default(engine.Checks)); err != nil {
		return err
	}
	if err := reportable(s.report); err != nil {
		return err
	}
	var targets []target
	if len(paths) > 0 || len(repos) == 0 && !s.all {
		targets = s.folders(cmd.Context(), paths, engine)
	}
	if len(repos) > 0 || s.all {
		r, err := s.remote(cmd, repos, engine)
		if err != nil {
			return err
		}
		there, err := r.targets(cmd.Context(), repos, s.all)
		if err != nil {
			return err
		}
		targets = append(targets, there...)
	}
	entries, err := lookAt(cmd.Context(), targets, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	all := stock.Add(entries)
	if err := writeSweep(s.report, report.Sweep{Stock: all, At: engine.Today, Version: version()}); err != nil {
		return err
	}
	return told(cmd, all, filepath.Join(s.report, reportFiles[0]))
}

// told says in a line what came out, and by the exit code whether all could be looked at.
func told(cmd *cobra.Command, t stock.Stock, page string) error {
	fmt.Fprintf(cmd.OutOrStdout(), "%s in %s of %s, %d with a proven fix: %s\n", report.Counted(t.Findings, "finding"),
		report.Counted(t.Files, "Dockerfile"), report.Counted(t.Looked, "repository"), t.Fixable, page)
	ok := t.Unread == 0
	for _, e := range t.Entries {
		if e.Passed == stock.Unreadable {
			fmt.Fprintf(cmd.ErrOrStderr(), "lighterman: %s: cannot be looked at: %s\n", e.Name, e.Detail)
			ok = false
		}
	}
	if !ok {
		return exit(exitFailed)
	}
	return nil
}

// lookAt looks at every target, some at a time, and shows on a terminal how far it is.
func lookAt(ctx context.Context, targets []target, status io.Writer) ([]stock.Entry, error) {
	entries := make([]stock.Entry, len(targets))
	notes := make([]bytes.Buffer, len(targets))
	step, end := gauged(status, len(targets))
	p := pool.New().WithContext(ctx).WithCancelOnError().WithMaxGoroutines(runtime.NumCPU())
	for n, t := range targets {
		p.Go(func(ctx context.Context) (err error) {
			entries[n], err = t.look(ctx, &notes[n])
			step(t.name)
			return err
		})
	}
	err := p.Wait()
	end()
	for n := range notes {
		_, _ = notes[n].WriteTo(status)
	}
	return entries, err
}

// folders are the targets that paths of this machine name, each once. Those of one checkout share what is known of it.
func (s sweepSettings) folders(ctx context.Context, paths []string, engine check.Options) (out []target) {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	open := map[string]fs.FS{}
	var seen []string
	for _, path := range paths {
		abs, err := real(path)
		if err == nil && slices.Contains(seen, abs) {
			continue
		}
		seen = append(seen, abs)
		c, err := openCheckout(ctx, path)
		if err == nil {
			if open[c.root] == nil {
				open[c.root] = check.Open(c.repo)
			}
			c.repo = open[c.root]
		}
		out = append(out, s.folder(nameOf(path), c, err, engine))
	}
	return out
}

// folder is the target that a checkout is, or that could not be opened.
func (s sweepSettings) folder(name string, c *checkout, cause error, engine check.Options) target {
	return target{name, func(ctx context.Context, status io.Writer) (stock.Entry, error) {
		var survey *sweep.Survey
		err := cause
		if err == nil {
			survey, err = s.look(ctx, c, engine, status)
		}
		switch {
		case ctx.Err() != nil:
			return stock.Entry{}, ctx.Err()
		case err != nil:
			return stock.PassedOver(name, "", engine.Today, stock.Unreadable, err.Error()), nil
		}
		for _, skip := range survey.Result.Skipped {
			skip.Path = name + ": " + skip.Path
			tellSkipped(status, []check.Skip{skip})
		}
		return stock.Surveyed(name, "", engine.Today, survey), nil
	}}
}

// nameOf is what a repository is called that a path names.
func nameOf(path string) string {
	clean := filepath.Clean(path)
	if abs, err := filepath.Abs(path); err == nil && clean == "." {
		clean = filepath.Base(abs)
	}
	return filepath.ToSlash(clean)
}

// reportFiles are what a report consists of.
var reportFiles = [...]string{"report.html", "report.json"}

// reportable makes the folder of a report when it is not there, and reports whether what lies there may be replaced.
func reportable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder of the report: %w", err)
	}
	for _, name := range reportFiles {
		path := filepath.Join(dir, name)
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() || !isReport(path) {
			return fmt.Errorf("%s is not a report of a sweep, and is not replaced", path)
		}
	}
	return nil
}

func isReport(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, 4096))
	return err == nil && report.IsSweep(head)
}

// writeSweep writes both files, each whole or not at all.
func writeSweep(dir string, s report.Sweep) error {
	if err := reportable(dir); err != nil { // a sweep takes its time
		return err
	}
	for n, write := range []func(io.Writer, report.Sweep) error{report.SweepHTML, report.SweepJSON} {
		var out bytes.Buffer
		if err := write(&out, s); err != nil {
			return err
		}
		if err := replace(filepath.Join(dir, reportFiles[n]), out.Bytes()); err != nil {
			return err
		}
	}
	return nil
}
