package report

import (
	"io"
	"net/url"

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

// SARIF writes v as a SARIF 2.1.0 log (OASIS, errata 01) with fixes. Code scanning recognises a result across pushes by
// its partial fingerprint, which is the finding's ID.
func SARIF(w io.Writer, v View, tool SARIFTool) error {
	run := sarif.NewRunWithInformationURI("lighterman", home)
	run.Tool.Driver.WithVersion(tool.Version)
	run.WithColumnKind("utf16CodeUnits")
	for _, c := range tool.Checks {
		run.AddRule(c.Name).
			WithShortDescription(sarif.NewMultiformatMessageString().WithText(c.Summary)).
			WithHelp(sarif.NewMultiformatMessageString().WithText(c.Summary).WithMarkdown(tool.Help(c))).
			WithHelpURI(home + "/blob/main/internal/checks/" + c.Name + ".md")
	}
	secret := v.secrecy()
	for _, f := range v.Findings {
		if secret.hidden(v, f) {
			f.Fixes = nil
		}
		run.AddResult(v.result(f))
	}
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
		WithLocations([]*sarif.Location{place(f.Path, sarif.NewSimpleRegion(f.Line, f.EndLine))})
	if len(f.Fixes) > 0 {
		r.WithFixes([]*sarif.Fix{v.sarifFix(f)})
	}
	return r
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
