package report

import (
	"bytes"
	"io"
	"net/url"
	"strings"
	"unicode/utf16"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
)

// SARIFTool describes the program for the SARIF log.
type SARIFTool struct {
	Version string
	Checks  []*check.Check
	Help    func(*check.Check) string // the page of a check, as Markdown
}

const home = "https://github.com/lighterman/lighterman"

// SARIF writes v as a SARIF 2.1.0 log (OASIS, errata 01) with fixes. A result is recognised across pushes by its
// partial fingerprint, which is the finding's ID. GitHub's own, primaryLocationLineHash, is left to the action that
// uploads: it warns of every one that it would have made otherwise.
func SARIF(w io.Writer, v View, tool SARIFTool) error {
	run := sarif.NewRunWithInformationURI("lighterman", home)
	run.Tool.Driver.WithVersion(tool.Version)
	run.WithColumnKind("utf16CodeUnits")
	for _, c := range tool.Checks {
		run.AddRule(c.Name).
			WithShortDescription(sarif.NewMultiformatMessageString().WithText(c.Summary)).
			WithHelp(sarif.NewMultiformatMessageString().WithText(c.Summary).WithMarkdown(tool.Help(c))).
			WithHelpURI(pageOf(c)).
			WithDefaultConfiguration(sarif.NewReportingConfiguration().WithLevel(sarifLevel(c.Severity)).WithEnabled(!c.OptIn))
	}
	secret := v.secrecy()
	for _, f := range v.Findings {
		if secret.hidden(v, f) {
			f.Fixes = nil
		}
		run.AddResult(v.result(f))
	}
	v.suppress(run)
	invocation := sarif.NewInvocation().WithExecutionSuccessful(true)
	for _, s := range v.Skipped {
		if s.Failed {
			invocation.WithExecutionSuccessful(false)
		}
		invocation.AddToolExecutionNotification(notification(s))
	}
	run.AddInvocation(invocation)
	log := sarif.NewReport()
	log.AddRun(run)
	return log.PrettyWrite(w)
}

func (v View) result(f check.Finding) *sarif.Result {
	r := sarif.NewRuleResult(f.Check.Name).
		WithLevel(sarifLevel(f.Check.Severity)).
		WithMessage(sarif.NewTextMessage(f.Message)).
		WithPartialFingerprints(map[string]string{"lighterman/v1": f.ID}).
		WithLocations([]*sarif.Location{place(f.Path, v.stretch(f))})
	if len(f.Fixes) > 0 {
		r.WithFixes([]*sarif.Fix{v.sarifFix(f)})
	}
	return r
}

// suppress adds what was suppressed. Code scanning raises alerts for such results too, so a View holds them only when
// somebody asked for all there is.
func (v View) suppress(run *sarif.Run) {
	for _, s := range v.Suppressed {
		s.Fixes = nil
		kind := "external"
		if s.Inline {
			kind = "inSource"
		}
		run.AddResult(v.result(s.Finding).WithSuppressions([]*sarif.Suppression{sarif.NewSuppression().WithKind(kind)}))
	}
}

// stretch is the region that a finding stands on, without the end of its last line. Columns count UTF-16 code units,
// and a byte order mark is none.
func (v View) stretch(f check.Finding) *sarif.Region {
	src := v.Sources[f.Path]
	end := min(f.At.End, len(src))
	end = f.At.Start + len(strings.TrimRight(string(src[min(f.At.Start, end):end]), "\r\n"))
	if end > len(src) || end <= f.At.Start {
		return sarif.NewSimpleRegion(f.Line, f.EndLine)
	}
	return sarif.NewRegion().
		WithStartLine(f.Line).WithStartColumn(units(src, f.At.Start)).
		WithEndLine(1 + bytes.Count(src[:end], []byte("\n"))).WithEndColumn(units(src, end))
}

// units is the 1-based column of a byte in UTF-16 code units.
func units(src []byte, at int) int {
	line := string(src[bytes.LastIndexByte(src[:at], '\n')+1 : at])
	return 1 + len(utf16.Encode([]rune(strings.TrimPrefix(line, "\ufeff"))))
}

func sarifLevel(s check.Severity) string {
	return map[check.Severity]string{check.Info: "note", check.Warning: "warning", check.Error: "error"}[s]
}

func place(path string, region *sarif.Region) *sarif.Location {
	return sarif.NewLocation().WithPhysicalLocation(
		sarif.NewPhysicalLocation().WithArtifactLocation(artifact(path)).WithRegion(region))
}

func artifact(path string) *sarif.ArtifactLocation {
	return sarif.NewArtifactLocation().WithURI((&url.URL{Path: path}).String())
}

func (v View) sarifFix(f check.Finding) *sarif.Fix {
	changes := map[string]*sarif.ArtifactChange{}
	fix := sarif.NewFix().WithDescription(sarif.NewTextMessage(f.Fixes[0].Title))
	for _, e := range v.edits(f) {
		if changes[e.Path] == nil {
			changes[e.Path] = sarif.NewArtifactChange().WithArtifactLocation(artifact(e.Path))
			fix.AddArtifactChange(changes[e.Path])
		}
		changes[e.Path].AddReplacement(sarif.NewReplacement().
			WithDeletedRegion(v.region(e)).
			WithInsertedContent(sarif.NewArtifactContent().WithText(e.New)))
	}
	return fix
}

// region is the whole lines of an edit, the last line end included where there is one; an insertion's is empty.
func (v View) region(e fixes.LineEdit) *sarif.Region {
	r := sarif.NewRegion().WithStartLine(e.StartLine).WithStartColumn(1)
	src := v.Sources[e.Path]
	if lines := len(v.lines(e.Path)); e.EndLine == lines && len(src) > 0 && src[len(src)-1] != '\n' {
		return r.WithEndLine(e.EndLine)
	}
	return r.WithEndLine(e.EndLine + 1).WithEndColumn(1)
}

func notification(s check.Skip) *sarif.Notification {
	level := "note"
	if s.Failed {
		level = "error"
	}
	return sarif.NewNotification().WithLevel(level).WithMessage(sarif.NewTextMessage(s.Reason)).
		WithLocations([]*sarif.Location{place(s.Path, sarif.NewSimpleRegion(max(1, s.Line), max(1, s.Line)))})
}
