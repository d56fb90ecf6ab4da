package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/report"
	"github.com/lighterman/lighterman/internal/review"
)

// reviewSettings are the flags of review.
type reviewSettings struct {
	base    string
	diff    string
	format  string
	failOn  string
	checks  []string
	verbose bool
}

var formats = []string{"text", "json", "sarif", "github", "html"}

func reviewCommand() *cobra.Command {
	var s reviewSettings
	cmd := &cobra.Command{
		Use:   "review [PATH]",
		Short: "Review the Dockerfiles of a checkout or folder, or only what a branch changed",
		Long: `Review the Dockerfiles of a git checkout or a plain folder.

Without --base the whole tree is looked at. With it, only what changed since HEAD left REV, uncommitted changes
included, exactly as the bot would say it on a pull request. --diff takes a patch (git diff's output, "-" for standard
input) that leads to the files as they are.

Exit code: 0 nothing found, 1 findings at or above --fail-on, 2 it could not look.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runReview(cmd, argument(args), s)
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.base, "base", "", "review what changed since HEAD left this revision")
	f.StringVar(&s.diff, "diff", "", "review what this patch changed; - for standard input")
	f.StringVar(&s.format, "format", "text", "text, json, sarif, github or html")
	f.StringVar(&s.failOn, "fail-on", "warning", "exit with 1 from this severity on: info, warning or error")
	f.StringSliceVar(&s.checks, "check", nil, "only this check (may be repeated)")
	f.BoolVarP(&s.verbose, "verbose", "v", false, "also say what was passed over")
	cmd.MarkFlagsMutuallyExclusive("base", "diff")
	return cmd
}

func runReview(cmd *cobra.Command, path string, s reviewSettings) error {
	failOn, err := check.ParseSeverity(s.failOn)
	if err != nil {
		return err
	}
	if !slices.Contains(formats, s.format) {
		return fmt.Errorf("format %q is none of %s", s.format, strings.Join(formats, ", "))
	}
	c, err := openCheckout(cmd.Context(), path)
	if err != nil {
		return err
	}
	o, done, err := localEngine(c.repo, s.checks, quiet())
	if err != nil {
		return err
	}
	defer done()
	r := reviewer{checkout: c, o: o, in: cmd.InOrStdin(), reviewSettings: s}
	v, page, err := r.look(cmd.Context(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if err := r.write(cmd.OutOrStdout(), v, page); err != nil {
		return err
	}
	return verdict(v, failOn)
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
	o  check.Options
	in io.Reader
}

// look examines what was asked for. The page is only made where it is wanted.
func (r reviewer) look(ctx context.Context, status io.Writer) (v report.View, page report.Page, err error) {
	changed, err := r.changed(ctx)
	if err != nil {
		return v, page, err
	}
	if r.whole() && r.format != "html" {
		v, err = r.examine(ctx, changed, status)
		return v, page, err
	}
	opinion, err := review.Look(ctx, r.repo, changed, r.o)
	if err != nil {
		return v, page, err
	}
	if v, err = r.view(opinion, changed); err == nil && r.format == "html" {
		page, err = r.page(opinion, changed, v)
	}
	return v, page, err
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
		return slices.DeleteFunc(files, func(f forge.ChangedFile) bool { return !r.asked(f.Path) }), nil
	}
	paths, err := r.dockerfiles(ctx)
	if err != nil {
		return nil, err
	}
	var out []forge.ChangedFile
	for _, path := range paths {
		text, _ := os.ReadFile(filepath.Join(r.root, filepath.FromSlash(path))) // what cannot be read is told by the engine
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

// asked reports whether a file lies under the path that was named.
func (r reviewer) asked(path string) bool {
	return r.under == "." || path == r.under || strings.HasPrefix(path, r.under+"/")
}

// examine looks at whole files in portions, so that a terminal sees how far it is.
func (r reviewer) examine(ctx context.Context, files []forge.ChangedFile, status io.Writer) (report.View, error) {
	v := report.View{}
	step, end := progress(status, len(files))
	defer end()
	for portion := range slices.Chunk(files, 8) {
		var paths []string
		for _, f := range portion {
			paths = append(paths, f.Path)
		}
		result, err := check.Examine(ctx, r.repo, paths, r.o)
		if err != nil {
			return v, err
		}
		v.Files += result.Files
		v.Findings = append(v.Findings, result.Findings...)
		v.Skipped = append(v.Skipped, result.Skipped...)
		for _, path := range paths {
			step(path)
		}
	}
	var err error
	v.Sources, err = sources(r.repo, v.Findings)
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
	draft := review.Reconcile(opinion, nil, nil).Review
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

func (r reviewer) write(w io.Writer, v report.View, page report.Page) error {
	var out bytes.Buffer
	var err error
	switch r.format {
	case "text":
		err = report.Text(&out, v, report.TextOptions{Color: colours(w), Verbose: r.verbose})
	case "json":
		err = report.JSON(&out, v)
	case "sarif":
		err = report.SARIF(&out, v, report.SARIFTool{Version: version(), Checks: checks.All(), Help: checks.Page})
	case "github":
		err = report.GitHub(&out, v)
	case "html":
		err = report.HTML(&out, page)
	}
	if err != nil {
		return err
	}
	_, err = out.WriteTo(w)
	return err
}
