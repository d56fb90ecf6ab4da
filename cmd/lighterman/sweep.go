package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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
	app      appSettings
	where    storage
	shared   *pflag.FlagSet // those that are also variables, as for serve
	all      bool
	dryRun   bool
	yes      bool
	opens    int
}

func sweepCommand() *cobra.Command {
	var s sweepSettings
	var status bool
	cmd := &cobra.Command{
		Use:   "sweep [PATH... | OWNER/REPO...]",
		Short: "Show what can be fixed in a whole checkout, or propose it on GitHub, one change for each family of fixes",
		Long: `Show what can be fixed in a whole checkout or folder, as one change for each family of fixes: caching, smaller-image,
non-root, pinning, context and hygiene, and one for what makes a Dockerfile another one (multi-stage). Each change starts
from the checkout as it is, holds only fixes that were verified and proven, and is printed as a patch under what it does.
Nothing is written: git apply takes a patch, and so does lighterman fix --check.

OWNER/REPO, where there is no such path, is a repository on GitHub, and --all is every one that the App reaches. The App's
credentials are given as to serve: by the same flags, variables or credentials file. Each change becomes a pull request, or
brings the one up to date that is open, where sweeps.enabled is true in the configuration of the repository or its owner.
--yes agrees where nobody decided; without it the repository is looked at, and nothing is written. --dry-run writes nothing
at all, and prints of each pull request its title, text and patch.

--report DIR writes, in place of the patches, a report over many repositories: DIR/report.html, one page that needs nothing
else, and DIR/report.json (its first fields are "format": "lighterman-sweep" and "version": 1). Every PATH is a repository of
the report then, whether it is a checkout, a part of one or a plain folder, so that a folder of repositories is reported with
FOLDER/*. What is there already is only replaced when it is a report, too. Nothing else is written, on GitHub neither.

--status tells of the sweeps that a server does, from its database. The server may go on meanwhile.

Exit code: 0, whether there was something to fix or not; 2 when a file or a repository could not be looked at.`,
		Example: `  lighterman sweep
  lighterman sweep --family caching --family smaller-image services
  lighterman sweep --report out ~/src/*
  lighterman sweep --dry-run acme/shop
  lighterman sweep --report out --all`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if status {
				return sweepStatus(cmd, &s.where)
			}
			paths, repos, err := s.sort(args)
			if err == nil && (s.all || len(repos) > 0) {
				err = settle(s.shared, os.LookupEnv, nil)
			}
			if err != nil {
				return err
			}
			return runSweep(cmd, paths, repos, s)
		},
	}
	f := cmd.Flags()
	s.shared = pflag.NewFlagSet("shared", pflag.ContinueOnError)
	s.app.flags(s.shared)
	s.where.flags(s.shared)
	s.asking.flags(s.shared)
	f.AddFlagSet(s.shared)
	f.BoolVar(&status, "status", false, "print how far the sweeps of a server have come, from its database, and nothing else")
	s.decisions.flags(f)
	f.StringSliceVar(&s.families, "family", nil,
		"only this family of fixes (may be repeated; default those of the configuration)")
	f.StringVar(&s.report, "report", "", "write report.html and report.json over all repositories to this folder instead")
	f.BoolVar(&s.all, "all", false, "every repository that the App reaches on GitHub")
	f.BoolVar(&s.dryRun, "dry-run", false, "write nothing on GitHub, and print what would be written")
	f.BoolVar(&s.yes, "yes", false, "open pull requests where nobody decided whether sweeps are enabled")
	f.IntVar(&s.opens, "opens", 20, "how many pull requests are opened at most")
	return cmd
}

func runSweep(cmd *cobra.Command, paths, repos []string, s sweepSettings) error {
	engine, done := newEngine(quiet()) // comes up while the checkout is read
	defer done()
	engine.Images = s.facts(false)
	if s.report != "" {
		return runSweepReport(cmd, paths, repos, s, engine)
	}
	if s.all || len(repos) > 0 {
		return runSweepRemote(cmd, repos, s, engine)
	}
	c, err := input{}.open(cmd, paths)
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

// ownerRepo is how a repository on GitHub is written.
var ownerRepo = regexp.MustCompile(`^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$`)

// sort tells the arguments apart: what is there is a path. A report takes both, and tells of what cannot be opened.
func (s sweepSettings) sort(args []string) (paths, repos []string, err error) {
	for _, arg := range args {
		_, err := os.Lstat(arg)
		switch {
		case err != nil && ownerRepo.MatchString(arg):
			repos = append(repos, arg)
		case err != nil && s.report == "":
			return nil, nil, fmt.Errorf("%q is neither a path that is there nor a repository on GitHub, OWNER/REPO: %w", arg, err)
		default:
			paths = append(paths, arg)
		}
	}
	remote := s.all || len(repos) > 0
	switch {
	case s.all && len(args) > 0:
		err = errors.New("--all is every repository, and takes no other")
	case remote && len(paths) > 0 && s.report == "":
		err = fmt.Errorf("%s is a path, and %s a repository on GitHub: sweep one after the other", paths[0], repos[0])
	case !remote && (s.dryRun || s.yes):
		err = errors.New("--dry-run and --yes are for repositories on GitHub; of paths nothing is ever written")
	case remote && (s.file != "" || len(s.checks) > 0):
		err = errors.New("--config and --check are for paths: on GitHub the configuration that a repository has there holds")
	}
	return paths, repos, err
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

// topics are those that were asked for, else those of the configuration, which may want none.
func (s sweepSettings) topics(c *config.Config) ([]sweep.Topic, error) {
	names := s.families
	if len(names) == 0 {
		names = c.Sweeps.Families
	}
	if len(names) == 0 {
		return nil, nil
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
