package checks

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/check"
)

// unhealthyHealthcheck finds health checks that can only fail.
var unhealthyHealthcheck = &check.Check{
	Name:     "unhealthy-healthcheck",
	Family:   check.Hygiene,
	Summary:  "the health check runs a program or a shell that the image does not have, so it always fails",
	Severity: check.Warning,
	Run:      runUnhealthyHealthcheck,
}

func runUnhealthyHealthcheck(p *check.Pass) error {
	var seen []*dockerfile.Instruction
	for _, s := range builtStages(p) {
		l := launchOf(p, s)
		if i := healthcheckOf(s); i != nil && !slices.Contains(seen, i) && !s.Windows() {
			seen = append(seen, i)
			l.judgeProbe(p, i.Code(), "the health check", probeIn(i))
		}
	}
	judgeServices(p)
	return nil
}

// judgeServices looks at the health checks of the compose services that run the image.
func judgeServices(p *check.Pass) {
	for n, b := range p.Builds {
		s := runStage(p, b)
		if s == nil || len(b.Probe) < 2 || s.Windows() {
			continue
		}
		same := func(o buildcontext.Build) bool { return runStage(p, o) == s && slices.Equal(o.Probe, b.Probe) }
		if slices.ContainsFunc(p.Builds[:n], same) {
			continue
		}
		launchOf(p, s).judgeProbe(p, s.From.Code(), "the health check of "+b.Origin+",", probeOfService(b.Probe))
	}
}

// runStage is the stage whose image a build makes, nil when that is not known.
func runStage(p *check.Pass, b buildcontext.Build) *dockerfile.Stage {
	switch {
	case b.AnyTarget:
		return nil
	case b.Target == "":
		return p.File.Final()
	}
	return p.File.Stage(b.Target)
}

// healthcheckOf is the HEALTHCHECK in force at the end of a stage, nil when it has none.
func healthcheckOf(s *dockerfile.Stage) *dockerfile.Instruction {
	var last *dockerfile.Instruction
	for _, stage := range lineage(s) {
		for _, i := range stage.Instructions {
			if i.Keyword == "HEALTHCHECK" {
				last = i
			}
		}
	}
	return last
}

// A probe is what a health check runs.
type probe struct {
	shell    bool     // it needs /bin/sh
	programs []string // in order; nil when they cannot be read
}

// probeIn is what a HEALTHCHECK runs.
func probeIn(i *dockerfile.Instruction) probe {
	switch {
	case i.Form == dockerfile.ExecForm && len(i.Words) > 1:
		var words []string
		for _, w := range i.Words[1:] {
			words = append(words, w.Text)
		}
		return execProbe(words)
	case i.Form != dockerfile.ShellForm:
		return probe{}
	}
	out := probe{shell: len(i.Stage.Before(i).Shell) == 0}
	script, err := i.Script()
	if err != nil {
		return out
	}
	for _, c := range script.Calls() {
		out.programs = append(out.programs, c.Name())
	}
	return out
}

// execProbe is a probe without a shell. Of a shell that is called with a script its first word is read.
func execProbe(words []string) probe {
	name := path.Base(words[0])
	if len(words) == 3 && words[1] == "-c" && (name == "sh" || name == "ash") {
		return shellProbe(words[2])
	}
	if strings.Contains(words[0], "/") && name != "sh" {
		return probe{} // where it lies is its own business
	}
	return probe{programs: []string{name}, shell: name == "sh"}
}

// shellProbe is a script for the shell, of which only plain words at the beginning are read.
func shellProbe(script string) probe {
	out := probe{shell: true}
	if fields := strings.Fields(script); len(fields) > 0 && !strings.ContainsAny(fields[0], "$`\"'()=[") {
		out.programs = []string{fields[0]}
	}
	for _, other := range probing {
		if strings.Contains(script, other) && !slices.Contains(out.programs, other) {
			out.programs = append(out.programs, other)
		}
	}
	return out
}

// probeOfService is the test of a compose service.
func probeOfService(test []string) probe {
	if test[0] == "CMD-SHELL" {
		return shellProbe(test[1])
	}
	if test[0] != "CMD" {
		return probe{}
	}
	return execProbe(test[1:])
}

// probing are programs that health checks ask with. One that is not there may be the second choice of a script.
var probing = strings.Fields("curl wget nc ncat python python3 node bun deno php ruby perl java bash")

// judgeProbe reports a probe that cannot run.
func (l launch) judgeProbe(p *check.Pass, at dockerfile.Span, what string, run probe) {
	if !l.known || l.swapped(p) {
		return
	}
	if has, known := l.carries("sh"); run.shell && known && !has {
		p.Advise(at, fmt.Sprintf("%s runs in a shell, which %s does not have, so every probe fails and the container "+
			"counts as unhealthy", what, l.says()), l.probeAdvice())
		return
	}
	var asking []string
	for _, name := range run.programs {
		if name == "command" || name == "which" {
			return // a choice of several
		}
		if slices.Contains(probing, name) && !slices.Contains(asking, name) {
			asking = append(asking, name)
		}
	}
	if len(asking) != 1 {
		return
	}
	if has, known := l.carries(asking[0]); known && !has {
		p.Advise(at, fmt.Sprintf("%s runs %s, which neither %s has nor a step installs, so every probe fails and the "+
			"container counts as unhealthy", what, asking[0], l.says()), l.probeAdvice())
	}
}

// probeAdvice is how the image could be asked, by what it has.
func (l launch) probeAdvice() string {
	const url = "http://localhost:PORT/"
	name := path.Base(l.base.Name)
	has := func(program string) bool {
		has, known := l.carries(program)
		return has && known
	}
	switch {
	case l.base.Shell == "none":
		return "there is nothing in the image to ask with but its own program: give it a command that asks itself, and write " +
			`HEALTHCHECK CMD ["/app", "healthcheck"]`
	case has("curl"):
		return "which address answers is not known; the image has curl: HEALTHCHECK CMD curl -fsS " + url + " || exit 1"
	case has("wget"):
		return "which address answers is not known; the image has wget: HEALTHCHECK CMD wget -q -O /dev/null " + url + " || exit 1"
	case name == "python":
		return "which address answers is not known; the image has Python: HEALTHCHECK CMD " +
			`["python", "-c", "import urllib.request as r; r.urlopen('` + url + `', timeout=3)"]`
	case name == "node", name == "bun":
		return "which address answers is not known; the image has JavaScript: HEALTHCHECK CMD " +
			`["` + name + `", "-e", "fetch('` + url + `').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]`
	}
	return "which address answers is not known, and a program to ask with has to be installed in this stage, or be its own"
}
