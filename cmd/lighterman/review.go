package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/report"
	"github.com/lighterman/lighterman/internal/review"
)

// reviewSettings are the flags of review.
type reviewSettings struct {
	decisions
	input
	asking
	base    string
	diff    string
	formats []string
	color   string
	verbose bool
}

func reviewCommand() *cobra.Command {
	var s reviewSettings
	cmd := &cobra.Command{
		Use:   "review [PATH...]",
		Short: "Review the Dockerfiles of a checkout or folder, or only what a branch changed",
		Long: `Review the Dockerfiles of a git checkout or a plain folder, all of them or those under the given paths.

Without --base the whole tree is looked at. With it, only what changed since HEAD left REV, uncommitted changes
included, exactly as the bot would say it on a pull request: by the configuration as it was there, too. --diff takes a
patch (git diff's output, "-" for standard input) that leads to the files as they are. --stdin reads one Dockerfile, for
editors: --path says where it lies or would lie.

--format takes a name, or NAME=FILE to write there, and may be repeated: text, json, sarif, github (workflow commands)
or html. Colours are for terminals only, and not with NO_COLOR in the environment; --color decides otherwise.

Exit code: 0 nothing found, 1 findings at or above --fail-on, 2 it could not look.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runReview(cmd, args, s)
		},
	}
	f := cmd.Flags()
	s.decisions.flags(f)
	s.failOnFlag(f)
	s.input.flags(f)
	s.asking.flags(f)
	f.StringVar(&s.base, "base", "", "review what changed since HEAD left this revision")
	f.StringVar(&s.diff, "diff", "", "review what this patch changed; - for standard input")
	f.StringArrayVar(&s.formats, "format", []string{"text"}, "text, json, sarif, github or html; NAME=FILE writes there")
	f.StringVar(&s.color, "color", "auto", "auto, always or never")
	f.BoolVarP(&s.verbose, "verbose", "v", false, "also say what was passed over, and which ignore comments do nothing")
	cmd.MarkFlagsMutuallyExclusive("base", "diff", "stdin")
	return cmd
}

func runReview(cmd *cobra.Command, paths []string, s reviewSettings) error {
	outputs, err := outputsOf(s.formats)
	if err != nil {
		return err
	}
	if !slices.Contains(colourWords, s.color) {
		return fmt.Errorf("color %q is none of %s", s.color, strings.Join(colourWords, ", "))
	}
	engine, done := newEngine(quiet()) // comes up while the checkout is read
	defer done()
	c, err := s.open(cmd, paths)
	if err != nil {
		return err
	}
	r := reviewer{checkout: c, o: engine, in: cmd.InOrStdin(), status: cmd.ErrOrStderr(), outputs: outputs, reviewSettings: s}
	v, page, err := r.look(cmd.Context())
	if err != nil {
		return err
	}
	if err := r.write(cmd.OutOrStdout(), v, page); err != nil {
		return err
	}
	return verdict(v, r.config.FailOn)
}

// verdict is the exit code as an error, nil for 0.
func verdict(v report.View, failOn check.Severity) error {
	if slices.ContainsFunc(v.Skipped, func(s check.Skip) bool { return s.Failed }) {
		return exit(exitFailed)
	}
	if slices.ContainsFunc(v.Findings, func(f check.Finding) bool { return f.Check.Severity >= failOn }) {
		return exit(exitFindings)
	}
	return nil
}

// reviewer looks at one checkout.
type reviewer struct {
	*checkout
	reviewSettings
	outputs []output
	config  *config.Config
	o       check.Options
	in      io.Reader
	status  io.Writer
}

// look examines what was asked for. The page is only made where it is wanted.
func (r *reviewer) look(ctx context.Context) (v report.View, page report.Page, err error) {
	all, err := r.changed(ctx)
	if err != nil {
		return v, page, err
	}
	notes, err := r.decide(all)
	if err != nil {
		return v, page, err
	}
	r.o.Images = r.facts(false)
	r.o = r.config.Options(r.o)
	if r.whole() && !r.wants("html") {
		v, err = r.examine(ctx, r.keeps(all))
		return v, page, err
	}
	changed := slices.DeleteFunc(all, func(f forge.ChangedFile) bool { return !r.asked(f.Path) })
	opinion, err := review.Look(ctx, r.repo, changed, review.Settings{Options: r.o, MaxInline: r.config.MaxInline})
	if err != nil {
		return v, page, err
	}
	opinion.Notes = append(opinion.Notes, notes...)
	if v, err = r.view(opinion, changed); err == nil && r.wants("html") {
		page, err = r.page(opinion, changed, v)
	}
	return v, page, err
}

// decide reads the configuration: for a change, as it was before it, as the bot does.
func (r *reviewer) decide(changed []forge.ChangedFile) (notes []review.Note, err error) {
	if r.whole() {
		r.config, err = r.load(r.repo, false, r.status)
		return nil, err
	}
	if r.config, err = r.load(review.Before(r.repo, changed), false, r.status); err != nil {
		return nil, err
	}
	for _, f := range changed {
		if config.Wanted(f.Path) && r.file == "" {
			fmt.Fprintf(r.status, "lighterman: the change to %s is not in effect before it is merged; --config takes it now\n", f.Path)
		}
	}
	return foresee(review.Before(r.repo, changed), r.repo, changed), nil
}

// foresee tells what a change makes of a repository's configuration, whatever this run goes by.
func foresee(was, is fs.FS, changed []forge.ChangedFile) []review.Note {
	s := config.Settings{Checks: checks.All()}
	before, err := config.Load(was, s)
	if err != nil {
		before = config.Default(s.Checks)
	}
	return review.Changed(is, changed, before, s)
}

func (r reviewer) whole() bool { return r.base == "" && r.diff == "" }

// changed are the files under review: those of the patch, or every Dockerfile as if it were new.
func (r reviewer) changed(ctx context.Context) ([]forge.ChangedFile, error) {
	patch, err := r.patch(ctx)
	if err != nil {
		return nil, err
	}
	if !r.whole() {
		files, err := review.ReadPatch(patch)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", cmp.Or(r.diff, "the output of git diff"), err)
		}
		return files, nil
	}
	paths, err := r.dockerfiles(ctx)
	if err != nil {
		return nil, err
	}
	var out []forge.ChangedFile
	for _, path := range paths {
		text, _ := fs.ReadFile(r.repo, path) // what cannot be read is told by the engine
		out = append(out, review.Whole(path, text))
	}
	return out, nil
}

func (r reviewer) patch(ctx context.Context) ([]byte, error) {
	switch {
	case r.base != "":
		return r.since(ctx, r.base)
	case r.diff == "-":
		return io.ReadAll(r.in)
	case r.diff != "":
		return os.ReadFile(r.diff)
	}
	return nil, nil
}

// asked reports whether a file lies under a path that was named.
func (r reviewer) asked(path string) bool {
	return slices.ContainsFunc(r.under, func(under string) bool {
		return under == "." || path == under || strings.HasPrefix(path, under+"/")
	})
}

// keeps are the paths of the files that the configuration does not exclude.
func (r reviewer) keeps(files []forge.ChangedFile) []string {
	var paths []string
	for _, f := range files {
		paths = append(paths, f.Path)
	}
	return r.kept(paths, r.config, r.status)
}

// examine looks at whole files in portions, so that a terminal sees how far it is.
func (r reviewer) examine(ctx context.Context, paths []string) (report.View, error) {
	v := report.View{}
	step, end := progress(r.status, len(paths))
	defer end()
	r.o.Audit = r.verbose && len(r.checks) == 0
	repo := check.Open(r.repo)
	for portion := range slices.Chunk(paths, 32) {
		result, err := check.Examine(ctx, repo, portion, r.o)
		if err != nil {
			return v, err
		}
		v.Files += result.Files
		v.Findings = append(v.Findings, result.Findings...)
		v.Skipped = append(v.Skipped, result.Skipped...)
		v.Suppressed = append(v.Suppressed, result.Suppressed...)
		v.Unused = append(v.Unused, result.Unused...)
		for _, path := range portion {
			step(path)
		}
	}
	if r.o.Audit && slices.Contains(r.under, ".") {
		v.Unused = append(v.Unused, r.config.Unused(v.Suppressed)...)
	}
	told := v.Findings
	for _, s := range v.Suppressed {
		told = append(told[:len(told):len(told)], s.Finding)
	}
	var err error
	v.Sources, err = sources(r.repo, told)
	return v, err
}

// view is what the bot would say, for printing.
func (r reviewer) view(opinion *review.Opinion, changed []forge.ChangedFile) (report.View, error) {
	v := report.View{Files: dockerfiles(changed), Elsewhere: opinion.Elsewhere}
	for _, c := range opinion.Comments {
		f := c.Finding
		if len(c.Also) > 0 {
			f.Message += "; the same in " + strings.Join(c.Also, ", ")
		}
		v.Findings = append(v.Findings, f)
	}
	slices.SortStableFunc(v.Findings, func(a, b check.Finding) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), a.At.Start-b.At.Start)
	})
	for _, n := range opinion.Notes {
		v.Skipped = append(v.Skipped, check.Skip{Path: n.Path, Line: n.Line, Reason: n.Words, Failed: n.Urgent})
	}
	var err error
	v.Sources, err = sources(r.repo, v.Findings)
	return v, err
}

// dockerfiles counts the Dockerfiles that are still there.
func dockerfiles(changed []forge.ChangedFile) int {
	n := 0
	for _, c := range changed {
		if c.Status != forge.Removed && check.Subject(c.Path) {
			n++
		}
	}
	return n
}

// page shows what the bot would post.
func (r reviewer) page(opinion *review.Opinion, changed []forge.ChangedFile, v report.View) (report.Page, error) {
	page := report.Page{
		Title: "Review of " + filepath.Base(r.root),
		Lead:  fmt.Sprintf("Dockerfiles: %d. Findings: %d.", v.Files, len(v.Findings)),
	}
	draft := review.Reconcile(opinion, &forge.Standing{Checkless: true}).Review
	if draft == nil {
		return page, nil
	}
	page.Summary = draft.Body
	for _, c := range changed {
		file, err := drafted(c, draft.Comments)
		if err != nil {
			return page, err
		}
		file.Hunks = review.Hide(file.Hunks, review.PrivateLines(c.Path, v.Sources[c.Path], v.Findings))
		if len(file.Threads) > 0 {
			page.Files = append(page.Files, file)
		}
	}
	return page, nil
}

// drafted is one file of the page with its comments in place.
func drafted(c forge.ChangedFile, comments []forge.DraftComment) (report.PageFile, error) {
	diff, err := review.ParseDiff(c.Patch)
	if err != nil {
		return report.PageFile{}, fmt.Errorf("%s: %w", c.Path, err)
	}
	file := report.PageFile{Path: c.Path, Hunks: diff.Rows()}
	for n, d := range comments {
		if d.Path == c.Path {
			file.Threads = append(file.Threads, report.PageThread{
				ID: fmt.Sprint(n + 1), StartLine: d.StartLine, Line: d.Line, Author: "lighterman", Body: d.Body,
			})
		}
	}
	return file, nil
}

// write writes each of the outputs that are wanted.
func (r reviewer) write(w io.Writer, v report.View, page report.Page) error {
	for _, o := range r.outputs {
		var out bytes.Buffer
		if err := r.format(&out, o, w, v, page); err != nil {
			return err
		}
		if o.file == "" {
			if _, err := out.WriteTo(w); err != nil {
				return err
			}
			continue
		}
		if err := os.WriteFile(o.file, out.Bytes(), 0o644); err != nil {
			return fmt.Errorf("write --format %s: %w", o.name, err)
		}
	}
	return nil
}

func (r reviewer) format(out *bytes.Buffer, o output, w io.Writer, v report.View, page report.Page) error {
	switch o.name {
	case "json":
		return report.JSON(out, v)
	case "sarif":
		return report.SARIF(out, v, report.SARIFTool{Version: version(), Checks: checks.All(), Help: checks.Page})
	case "github":
		return report.GitHub(out, v)
	case "html":
		return report.HTML(out, page)
	}
	if o.file != "" {
		w = nil // a file is no terminal
	}
	return report.Text(out, v, report.TextOptions{Color: colours(w, r.color), Verbose: r.verbose})
}

func (r reviewer) wants(format string) bool {
	return slices.ContainsFunc(r.outputs, func(o output) bool { return o.name == format })
}
