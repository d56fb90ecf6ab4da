package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"time"

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
	o = check.Options{Checks: checks.All(), Images: image.Bundled(), Prover: pool, Today: today()}
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

// localEngine is newEngine for a checkout, with what the repository itself has switched off, narrowed to the checks
// named; none named means all.
func localEngine(repo fs.FS, names []string, log *slog.Logger) (o check.Options, close func(), err error) {
	ignored, err := config.HadolintIgnored(repo)
	if err != nil {
		return o, nil, err
	}
	var chosen []*check.Check
	for _, name := range names {
		c := checks.Named(name)
		if c == nil {
			return o, nil, unknownCheck(name)
		}
		chosen = append(chosen, c)
	}
	o, close = newEngine(log)
	o.Ignored = ignored
	if len(chosen) > 0 {
		o.Checks = slices.CompactFunc(chosen, func(a, b *check.Check) bool { return a == b })
	}
	return o, close, nil
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
