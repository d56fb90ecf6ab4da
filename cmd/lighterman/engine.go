package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/image"
	"github.com/lighterman/lighterman/internal/prove"
)

// newEngine is the catalogue with all that its fixes are held to: the same for the App, the command line and the demo.
// close ends the prover's children.
func newEngine(log *slog.Logger) (o check.Options, close func()) {
	pool := prove.NewPool(prove.Options{Logger: log})
	pool.Warm()
	o = check.Options{Checks: checks.All(), Images: image.Bundled(), Prover: pool, Linter: pool, Today: today()}
	return o, func() { pool.Close() }
}

// today is the day that ends of life are held against: the clock's, or that of LIGHTERMAN_TODAY (2026-11-25), with which
// a run can be repeated, and tests are.
func today() time.Time {
	day, err := time.Parse(time.DateOnly, os.Getenv("LIGHTERMAN_TODAY"))
	if err != nil {
		return time.Now()
	}
	return day
}

// localEngine is newEngine for a checkout, with what the repository itself decided, narrowed to the checks named; none
// named means all.
func localEngine(repo fs.FS, names []string, status io.Writer) (o check.Options, close func(), err error) {
	c, err := decisions{checks: names}.load(repo, false, status)
	if err != nil {
		return o, nil, err
	}
	o, close = newEngine(quiet())
	return c.Options(o), close, nil
}

// decisions are the flags that have a say in the configuration.
type decisions struct {
	file   string
	failOn string
	checks []string
}

func (d *decisions) flags(f *pflag.FlagSet) {
	f.StringVar(&d.file, "config", "", "this configuration instead of the repository's .github/lighterman.yml")
	f.StringSliceVar(&d.checks, "check", nil, "only this check (may be repeated)")
}

// named reports whether a finding is one of the named checks'; none named means all.
func (d decisions) named(f check.Finding) bool {
	return len(d.checks) == 0 || slices.ContainsFunc(d.checks, f.Check.GoesBy)
}

func (d *decisions) failOnFlag(f *pflag.FlagSet) {
	const usage = "exit with 1 from this severity on: info, warning, error or never (default warning)"
	f.StringVar(&d.failOn, "fail-on", "", usage)
}

// load reads the configuration of a repository. others keeps the checks that are not named: a fix is held against them
// too. status hears of what could not be taken over; the rest holds.
func (d decisions) load(repo fs.FS, others bool, status io.Writer) (*config.Config, error) {
	s, err := d.settings(others)
	if err != nil {
		return nil, err
	}
	c, err := config.Load(repo, s)
	if err != nil {
		return nil, err
	}
	for _, p := range c.Missing {
		fmt.Fprintf(status, "lighterman: %v\n", p)
	}
	for _, p := range c.Unread {
		fmt.Fprintf(status, "lighterman: %v lies in another repository, which only the App reads; the rest holds\n", p)
	}
	return c, nil
}

// settings are what the flags have to say.
func (d decisions) settings(others bool) (s config.Settings, err error) {
	for _, name := range d.checks {
		if checks.Named(name) == nil {
			return s, unknownCheck(name)
		}
	}
	s = config.Settings{Checks: checks.All(), FailOn: d.failOn, Only: d.checks, Others: others}
	if d.file != "" {
		text, err := os.ReadFile(d.file)
		if err != nil {
			return s, fmt.Errorf("read the configuration: %w", err)
		}
		s.Source = &config.Source{Reference: config.Reference{Path: d.file}, Text: text}
	}
	return s, nil
}

// sources reads the files that findings speak of, before and beside them what their fixes touch; a file that a fix adds
// has no text.
func sources(repo fs.FS, findings []check.Finding) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, f := range findings {
		names := []string{f.Path}
		for _, fix := range f.Fixes {
			for _, e := range fix.Edits {
				names = append(names, e.Path)
			}
		}
		for n, name := range names {
			if out[name] != nil {
				continue
			}
			data, err := fs.ReadFile(repo, name)
			if err != nil && (n == 0 || !errors.Is(err, fs.ErrNotExist)) {
				return nil, fmt.Errorf("read %s: %w", name, err)
			}
			out[name] = data
		}
	}
	return out, nil
}
