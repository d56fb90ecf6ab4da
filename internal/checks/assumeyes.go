package checks

import (
	"fmt"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/ecosystem"
	"github.com/lighterman/lighterman/internal/pattern"
)

var assumeYes = &check.Check{
	Name:     "assume-yes",
	Family:   check.Hygiene,
	Summary:  "an install would wait for an answer that nobody gives in a build",
	Severity: check.Warning,
	Aliases:  []string{"DL3014", "DL3030", "DL3034", "DL3038", "AVD-DS-0021", "DS-0021", "DS021"},
	Run:      runAssumeYes,
}

var (
	// answered matches settings with which a manager does not ask.
	answered = pattern.New(`(?i)assume[-_]?(yes|no)|force-yes|non_?interactive\s*=\s*1`)
	// fed matches a manager that gets its answers from a pipe or a file.
	fed = pattern.New(`\|\s*(sudo\s+)?(apt|apt-get|aptitude|yum|t?dnf|microdnf|zypper)\b|<<<|[^<]<[^<]`)
)

func runAssumeYes(p *check.Pass) error {
	settled := map[*dockerfile.Stage]bool{}
	for _, i := range p.File.Instructions {
		if i.Stage == nil {
			continue
		}
		settled[i.Stage] = settled[i.Stage] || settled[i.Stage.Parent] || settlesAnswers(i)
		if run := bodyOf(i); run != nil && !settled[i.Stage] && !fed.MatchString(p.File.Text(run.Span)) {
			askedIn(p, i, run)
		}
	}
	return nil
}

// settlesAnswers reports whether an instruction makes a setting with which the managers do not ask, or may bring one.
func settlesAnswers(i *dockerfile.Instruction) bool {
	text := i.File().Text(i.Span)
	if i.Keyword == "COPY" || i.Keyword == "ADD" {
		return strings.Contains(text, "apt.conf") || strings.Contains(text, "yum.conf") || strings.Contains(text, "dnf.conf")
	}
	return answered.MatchString(text) && (i.Keyword != "RUN" || strings.Contains(text, "/etc/"))
}

// askedIn reports the commands of one RUN that would ask.
func askedIn(p *check.Pass, i, run *dockerfile.Instruction) {
	cmds, _ := commands(run)
	r := rewording{title: "Let the install go on without asking", rule: fixes.AssumesYes}
	for _, c := range cmds {
		verb, ok := ecosystem.Asks(c)
		if !ok {
			continue
		}
		if r.message == "" {
			r.message = fmt.Sprintf("`%s` asks before it goes on; nobody answers in a build, so it stops there", spoken(c))
		}
		r.words = append(r.words, fixes.Rewording{At: verb.Span, Text: "-y"})
	}
	if len(r.words) > 0 {
		r.report(p, i, run)
	}
}
