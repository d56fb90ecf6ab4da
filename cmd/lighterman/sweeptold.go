package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/report"
	"github.com/lighterman/lighterman/internal/sweep"
)

// told is what came of the sweep of a repository, for a terminal. Of a dry run everything but patches is a comment, as git
// apply has it.
func (r *hubSweeper) told(p spot, o sweep.Outcome) string {
	t := &teller{dry: r.ask.DryRun, agreed: r.agreed}
	switch {
	case p.err != nil:
		return ""
	case o.Skipped != "":
		t.line("%s: passed over: %s", p, cmp.Or(o.Problem, string(o.Skipped)))
		return t.String()
	case o.Consent == sweep.Refused:
		t.line("%s: sweeps are switched off by the configuration", p)
		t.steps(o.Steps)
		return t.String()
	}
	t.line("%s: %s in %s, %d to fix", p, report.Counted(o.Totals.Findings, "finding"),
		report.Counted(o.Totals.Dockerfiles, "Dockerfile"), o.Totals.Fixable)
	if o.Survey != nil && o.Survey.Declined > 0 {
		t.line("  %s muted: a pull request with them was closed or taken back", report.Counted(o.Survey.Declined, "finding"))
	}
	t.consent(o, p.Owner)
	t.steps(o.Steps)
	return t.String()
}

// A teller writes lines.
type teller struct {
	strings.Builder
	dry    bool
	agreed bool
}

func (t *teller) line(format string, args ...any) {
	if t.dry {
		t.WriteString("# ")
	}
	t.WriteString(shown(fmt.Sprintf(format, args...)) + "\n")
}

// consent tells that nobody decided anything, where that is why nothing is written, and what there would be.
func (t *teller) consent(o sweep.Outcome, owner string) {
	if o.Sweeps.Decided || t.agreed {
		return
	}
	if o.Survey != nil && o.Consent == sweep.Missing {
		for _, b := range o.Survey.Bundles {
			t.line("  %s: %s in %s", b.Topic.Name, report.Counted(len(b.Applied), "fix"), report.Counted(len(b.Files), "file"))
		}
	}
	t.line("  nothing is written, for nobody decided whether sweeps are enabled: set sweeps.enabled in the repository's "+
		".github/lighterman.yml or in %s/.github, or give --yes", owner)
}

// steps tells what was done, or would be. Topics of which there is nothing to tell share a line.
func (t *teller) steps(steps []sweep.Step) {
	var whys []string
	resting := map[string][]string{}
	for _, s := range steps {
		if s.Act == sweep.Rest && s.Number == 0 {
			if !slices.Contains(whys, s.Why) {
				whys = append(whys, s.Why)
			}
			resting[s.Why] = append(resting[s.Why], s.Topic)
			continue
		}
		t.step(s)
	}
	for _, why := range whys {
		t.line("  at rest: %s: %s", strings.Join(resting[why], ", "), why)
	}
}

func (t *teller) step(s sweep.Step) {
	t.line("  %s: %s%s: %s", s.Topic, t.act(s), title(s.Motion), s.Why)
	switch {
	case s.Failed != nil:
		t.line("    GitHub does not let the App: %v", s.Failed)
	case t.dry:
		t.motion(s.Motion)
	}
}

// actWords are what is done, before the number of the pull request: as it was done, and as it would be.
var actWords = map[sweep.Act][2]string{
	sweep.Rest:     {"at rest", "at rest"},
	sweep.Open:     {"opened", "would be opened"},
	sweep.Finish:   {"finished", "would be finished"},
	sweep.Renew:    {"made anew", "would be made anew"},
	sweep.Retext:   {"updated", "would be updated"},
	sweep.Withdraw: {"closed", "would be closed"},
	sweep.Yield:    {"yielded", "would be yielded"},
	sweep.Tidy:     {"branch deleted", "branch would be deleted"},
	sweep.Answer:   {"answered", "would be answered"},
}

// act is what was done with which pull request.
func (t *teller) act(s sweep.Step) string {
	act, tense := s.Act, 0
	if s.Motion.Open != nil {
		act = sweep.Open // whatever of it an earlier sweep began
	}
	if t.dry || !s.Done {
		tense = 1
	}
	words := actWords[act][tense]
	if s.Number > 0 {
		words += fmt.Sprintf(" #%d", s.Number)
	}
	return words
}

// title is what a pull request is called from then on, "" when that is not written.
func title(m forge.Motion) string {
	switch {
	case m.Text != nil:
		return fmt.Sprintf(" %q", m.Text.Title)
	case m.Open != nil:
		return fmt.Sprintf(" %q", m.Open.Title)
	}
	return ""
}

// motion prints what would be written.
func (t *teller) motion(m forge.Motion) {
	text := m.Say
	switch {
	case m.Text != nil:
		text = m.Text.Body
	case m.Open != nil:
		text = m.Open.Body
	}
	if text != "" {
		t.line("")
		for line := range strings.Lines(text) {
			t.line("    %s", strings.TrimRight(line, "\r\n"))
		}
		t.line("")
	}
	if m.Commit == nil {
		return
	}
	for _, f := range m.Commit.Files {
		t.WriteString(fixes.Patch(f.Path, f.Before, f.Text))
	}
	t.WriteString("\n")
}
