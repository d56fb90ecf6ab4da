package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/report"
	"github.com/lighterman/lighterman/internal/sweep"
)

// sweepSettings are the flags of sweep.
type sweepSettings struct {
	decisions
	asking
	families []string
	report   string
}

func sweepCommand() *cobra.Command {
	var s sweepSettings
	var where storage
	var status bool
	cmd := &cobra.Command{
		Use:   "sweep [PATH...]",
		Short: "Show what can be fixed in a whole checkout, one change for each family of fixes",
		Long: `Show what can be fixed in a whole checkout or folder, as one change for each family of fixes: caching, smaller-image,
non-root, pinning, context and hygiene, and one for what makes a Dockerfile another one (multi-stage). Each change starts
from the checkout as it is, holds only fixes that were verified and proven, and is printed as a patch under what it does.
Nothing is written: git apply takes a patch, and so does lighterman fix --check.

--report DIR writes, in place of the patches, a report over many repositories: DIR/report.html, one page that needs nothing
else, and DIR/report.json (its first fields are "format": "lighterman-sweep" and "version": 1). Every PATH is a repository of
the report then, whether it is a checkout, a part of one or a plain folder, so that a folder of repositories is reported with
FOLDER/*. What is there already is only replaced when it is a report, too. Nothing else is written.

--status tells of the sweeps that a server does. An SQLite database belongs to one process: stop the server first, or look
at its admin page.

Exit code: 0, whether there was something to fix or not; 2 when a file or a repository could not be looked at.`,
		Example: `  lighterman sweep
  lighterman sweep --family caching --family smaller-image services
  lighterman sweep --report out ~/src/*`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if status {
				return sweepStatus(cmd, &where)
			}
			return runSweep(cmd, args, s)
		},
	}
	f := cmd.Flags()
	where.flags(f)
	f.BoolVar(&status, "status", false, "print how far the sweeps of a server have come, from its database, and nothing else")
	s.decisions.flags(f)
	s.asking.flags(f)
	f.StringSliceVar(&s.families, "family", nil,
		"only this family of fixes (may be repeated; default those of the configuration)")
	f.StringVar(&s.report, "report", "", "write report.html and report.json over all PATHs to this folder instead")
	return cmd
}

func runSweep(cmd *cobra.Command, args []string, s sweepSettings) error {
	engine, done := newEngine(quiet()) // comes up while the checkout is read
	defer done()
	engine.Images = s.facts(false)
	if s.report != "" {
		return runSweepReport(cmd, args, s, engine)
	}
	c, err := input{}.open(cmd, args)
	if err != nil {
		return err
	}
	survey, err := s.look(cmd.Context(), c, engine, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if err := printSurvey(cmd.OutOrStdout(), survey); err != nil {
		return err
	}
	if !tellSkipped(cmd.ErrOrStderr(), survey.Result.Skipped) {
		return exit(exitFailed)
	}
	return nil
}

// look surveys what was asked for of a checkout, as its own configuration has it.
func (s sweepSettings) look(ctx context.Context, c *checkout, engine check.Options, status io.Writer) (*sweep.Survey, error) {
	settings, err := s.load(c.repo, true, status)
	if err != nil {
		return nil, err
	}
	topics, err := s.topics(settings)
	if err != nil {
		return nil, err
	}
	paths, err := c.dockerfiles(ctx)
	if err != nil {
		return nil, err
	}
	return sweep.LookFor(ctx, c.repo, c.kept(paths, settings, status), topics, s.named, settings.Options(engine))
}

// topics are those that were asked for, else those of the configuration.
func (s sweepSettings) topics(c *config.Config) ([]sweep.Topic, error) {
	names := s.families
	if len(names) == 0 {
		names = c.Sweeps.Families
	}
	var families []check.Family
	for _, name := range names {
		f := check.Family(name)
		if !slices.Contains(check.Families(), f) {
			return nil, fmt.Errorf("there is no family %q: it is one of %s", name, familyNames())
		}
		families = append(families, f)
	}
	return sweep.Topics(families), nil
}

func familyNames() string {
	var names []string
	for _, f := range check.Families() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

// printSurvey prints each bundle: its name, its fixes, and the patch.
func printSurvey(out io.Writer, s *sweep.Survey) error {
	var b strings.Builder
	for _, bundle := range s.Bundles {
		fmt.Fprintf(&b, "# %s: %s in %s\n", bundle.Topic.Name, report.Counted(len(bundle.Applied), "fix"),
			report.Counted(len(bundle.Files), "file"))
		for _, f := range bundle.Applied {
			fix := f.Fixes[0]
			fmt.Fprintf(&b, "# %s: %s (%s; %s)\n", place(f.Path, fix), fix.Title, f.Check.Name, fix.Intent.Claim().Words)
		}
		for _, f := range bundle.Files {
			b.WriteString(fixes.Patch(f.Path, f.Before, f.Text))
		}
		b.WriteString("\n")
	}
	if len(s.Bundles) == 0 {
		fmt.Fprintf(&b, "nothing to fix in %s\n", report.Counted(s.Result.Files, "Dockerfile"))
	}
	_, err := io.WriteString(out, b.String())
	return err
}
