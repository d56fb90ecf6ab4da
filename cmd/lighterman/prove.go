package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/prove/trial"
)

// proveSettings are the flags of prove.
type proveSettings struct {
	addr     string
	format   string
	checks   []string
	together bool
	touch    string
	rebuilds int
}

func proveCommand() *cobra.Command {
	var s proveSettings
	cmd := &cobra.Command{
		Use:   "prove [PATH]",
		Short: "Build before and after each proven fix for real, and compare what comes out",
		Long: `Build the Dockerfiles of a checkout or folder with a BuildKit daemon, before and after each fix that would be
offered, and compare: every file of the image, its configuration, its compressed size, and which steps run again after
a source file changed. What differs between two builds of the same file is not held against the fix.

THIS RUNS THE COMMANDS OF YOUR DOCKERFILES. Use it on code that you trust. Nothing of the checkout is written.

The daemon is the one that --addr or BUILDKIT_HOST names, else a builder that docker buildx keeps in a container.

Exit code: 0 everything agrees, 1 a build shows something else than the proof says, 2 it could not try.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runProve(cmd, argument(args), s) },
	}
	f := cmd.Flags()
	f.StringVar(&s.addr, "addr", "", "the BuildKit daemon (default BUILDKIT_HOST)")
	f.StringVar(&s.format, "format", "text", "text or json")
	f.StringSliceVar(&s.checks, "check", nil, "only fixes of this check (may be repeated)")
	f.BoolVar(&s.together, "together", false, "make all fixes of a file at once instead of one by one")
	f.StringVar(&s.touch, "touch", "", "the file to change before building again, relative to the build context")
	f.IntVar(&s.rebuilds, "rebuilds", 1, "how often to build again; the median time is told")
	return cmd
}

func runProve(cmd *cobra.Command, path string, s proveSettings) error {
	if !slices.Contains([]string{"text", "json"}, s.format) {
		return fmt.Errorf("format %q is neither text nor json", s.format)
	}
	ctx := cmd.Context()
	c, err := openCheckout(ctx, path)
	if err != nil {
		return err
	}
	o, done, err := localEngine(c.repo, s.checks, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer done()
	daemon, err := trial.Dial(ctx, s.addr)
	if err != nil {
		return err
	}
	defer daemon.Close()
	p := prover{c, o, s, daemon, cmd.ErrOrStderr()}
	reports, err := p.all(ctx)
	if err != nil {
		return err
	}
	if err := p.write(cmd.OutOrStdout(), reports); err != nil {
		return err
	}
	return verdictOf(reports)
}

// verdictOf is the exit code as an error, nil for 0.
func verdictOf(reports []*trial.Report) error {
	came := map[trial.Verdict]bool{}
	for _, r := range reports {
		for _, x := range r.Results {
			came[x.Verdict] = true
		}
	}
	switch {
	case came[trial.Disagrees]:
		return exit(exitFindings)
	case came[trial.Untried]:
		return exit(exitFailed)
	}
	return nil
}

// prover tries one file after another.
type prover struct {
	*checkout
	o check.Options
	proveSettings
	daemon *trial.Daemon
	status io.Writer
}

func (p prover) all(ctx context.Context) ([]*trial.Report, error) {
	paths, err := p.dockerfiles(ctx)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program's own file: %w", err)
	}
	o := trial.Options{Touch: p.touch, Rebuilds: p.rebuilds, Self: self, Progress: p.say}
	reports := []*trial.Report{}
	for _, path := range paths {
		cases, err := p.cases(ctx, path)
		if err != nil {
			return nil, err
		}
		for _, c := range cases {
			r, err := p.daemon.Try(ctx, c, o)
			if err != nil {
				return nil, fmt.Errorf("try the fixes of %s: %w", path, err)
			}
			reports = append(reports, r)
		}
	}
	return reports, nil
}

func (p prover) say(what string) { fmt.Fprintln(p.status, what) }

// cases are what there is to try of one Dockerfile: nothing when no fix is offered, else each way in which it is built.
func (p prover) cases(ctx context.Context, path string) ([]trial.Case, error) {
	changes, err := p.changes(ctx, path)
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	src, err := fs.ReadFile(p.repo, path)
	if err != nil {
		return nil, err
	}
	f, err := dockerfile.Parse(path, src)
	if err != nil {
		return nil, err
	}
	var out []trial.Case
	for _, b := range buildcontext.Find(p.repo, f) {
		if b.Unknown != "" {
			p.say(fmt.Sprintf("%s: not built as %s says: %s", path, b.Origin, b.Unknown))
			continue
		}
		out = append(out, trial.Case{Root: p.root, Path: path, Source: src, Build: b, Changes: changes})
	}
	if len(out) == 0 {
		p.say(path + ": not built, because how it is built is not known")
	}
	return out, nil
}

// changes are the fixes that are offered for a file: each by itself, or all together.
func (p prover) changes(ctx context.Context, path string) ([]trial.Change, error) {
	result, err := check.Examine(ctx, p.repo, []string{path}, p.o)
	if err != nil {
		return nil, err
	}
	if p.together {
		return p.combined(ctx, path, result.Findings)
	}
	var out []trial.Change
	for _, f := range result.Findings {
		if len(f.Fixes) > 0 {
			fix := f.Fixes[0]
			out = append(out, trial.Change{
				Check: f.Check.Name, Title: fix.Title, Intents: []fixes.Intent{fix.Intent}, Edits: fix.Edits,
			})
		}
	}
	return out, nil
}

func (p prover) combined(ctx context.Context, path string, findings []check.Finding) ([]trial.Change, error) {
	c, err := check.Combine(ctx, p.repo, path, findings, p.o)
	if err != nil || len(c.Taken) == 0 {
		return nil, err
	}
	out := trial.Change{Title: "All fixes together", Edits: c.Edits}
	var names []string
	for _, n := range c.Taken {
		out.Intents = append(out.Intents, findings[n].Fixes[0].Intent)
		names = append(names, findings[n].Check.Name)
	}
	out.Check = strings.Join(slices.Compact(names), ", ")
	return []trial.Change{out}, nil
}

func (p prover) write(w io.Writer, reports []*trial.Report) error {
	if p.format == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(map[string]any{"version": 1, "daemon": p.daemon.Addr, "reports": reports})
	}
	if len(reports) == 0 {
		_, err := fmt.Fprintln(w, "No fix to try.")
		return err
	}
	return trial.Write(w, reports)
}
