package checks

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/ecosystem"
	"github.com/lighterman/lighterman/internal/pattern"
)

var copyOrder = &check.Check{
	Name:     "copy-order",
	Family:   check.Caching,
	Summary:  "the sources are copied before dependencies are installed, so every change reinstalls them",
	Severity: check.Warning,
	Run:      runCopyOrder,
}

// maxCopies bounds how many copies of one stage are looked at.
const maxCopies = 20

func runCopyOrder(p *check.Pass) error {
	for _, stage := range p.File.Stages {
		o := ordering{pass: p, stage: stage, steps: map[*dockerfile.Instruction]ecosystem.Step{},
			reads: map[readKey]ecosystem.Install{}}
		last := o.lastInstall()
		if last < 0 {
			continue
		}
		o.at = settingsOf(stage)
		looked := 0
		for k, i := range stage.Instructions[:last] {
			if fromContext(i) && looked < maxCopies {
				looked++
				o.examine(i, stage.Instructions[k+1:])
			}
		}
	}
	return nil
}

// lastInstall is the place of the stage's last RUN with an install, -1 when there is none.
func (o ordering) lastInstall() int {
	last := -1
	for k, i := range o.stage.Instructions {
		if len(o.look(i).Calls) > 0 {
			last = k
		}
	}
	return last
}

// An ordering is copy-order looking at one stage.
type ordering struct {
	pass  *check.Pass
	stage *dockerfile.Stage
	at    map[*dockerfile.Instruction]settings
	steps map[*dockerfile.Instruction]ecosystem.Step
	reads map[readKey]ecosystem.Install
}

// A readKey names one reading of an install: several copies stand before the same install.
type readKey struct {
	build   string // its origin
	command dockerfile.Span
	root    string
	image   place
	dir     string
}

// examine looks at one copy in every way of building the file and reports once.
func (o ordering) examine(broad *dockerfile.Instruction, rest []*dockerfile.Instruction) {
	if len(o.pass.Builds) == 0 {
		o.unknownContext(broad, rest)
		return
	}
	var all []outcome
	for _, b := range o.pass.Builds {
		all = append(all, o.inBuild(b, broad, rest))
	}
	worst := slices.IndexFunc(all, func(out outcome) bool { return out.guilty != nil })
	if worst < 0 {
		return
	}
	message := said(*all[worst].guilty)
	if why := o.disagreement(all); why != "" {
		o.pass.Advise(broad.Code(), message, why)
		return
	}
	o.offer(broad, all[0], message)
}

// disagreement is why no single fix holds for every way of building the file.
func (o ordering) disagreement(all []outcome) string {
	for k, out := range all {
		why := out.refused
		switch {
		case why == "" && out.guilty == nil:
			why = "the install does not depend on it there"
		case why == "" && (out.target != all[0].target || !slices.Equal(out.lines, all[0].lines)):
			why = "the install reads other files there"
		}
		if why != "" && len(all) > 1 {
			why = o.pass.Builds[k].Origin + ": " + why
		}
		if why != "" {
			return why
		}
	}
	return ""
}

// offer reports the finding with its fix.
func (o ordering) offer(broad *dockerfile.Instruction, out outcome, message string) {
	edits, err := o.move(broad, out)
	if err != nil {
		o.pass.Advise(broad.Code(), message, err.Error())
		return
	}
	if len(out.lines) > 0 {
		edits = append(edits, fixes.InsertBefore(o.pass.File, broad, strings.Join(out.lines, "\n")))
	}
	o.pass.Report(broad.Code(), message, fixes.Fix{
		Title:  "Install the dependencies before copying the sources",
		Intent: fixes.Reordered{Inputs: out.inputs},
		Edits:  edits,
	})
}

// move is the edits that put the copy behind the installs. A relative target becomes an absolute one when a WORKDIR
// stands in between.
func (o ordering) move(broad *dockerfile.Instruction, out outcome) ([]fixes.Edit, error) {
	for _, i := range o.stage.Instructions {
		if i.Keyword == "WORKDIR" && i.Index > broad.Index && i.Index < out.last.Index && !absolute(broad) {
			return fixes.MoveTo(o.pass.File, broad, out.last, out.target)
		}
	}
	return fixes.Move(o.pass.File, broad, out.last)
}

// absolute reports whether the words of a copy say that it writes to an absolute path.
func absolute(i *dockerfile.Instruction) bool {
	return strings.HasPrefix(strings.Trim(i.Words[len(i.Words)-1].Text, `"'`), "/")
}

// unknownContext reports a copy of the whole context before an install when the context is not known.
func (o ordering) unknownContext(broad *dockerfile.Instruction, rest []*dockerfile.Instruction) {
	if call := o.plainly(broad, rest); call != nil {
		o.pass.Advise(broad.Code(), said(ecosystem.Install{Manager: call.Manager, Command: call.Command}),
			"from which directory the file is built is not known, so neither is what the install reads")
	}
}

// plainly is the first install behind a copy whose words say that it brings the whole context, whatever that is.
func (o ordering) plainly(broad *dockerfile.Instruction, rest []*dockerfile.Instruction) *ecosystem.Call {
	if !whole(broad) {
		return nil
	}
	for _, i := range rest {
		for _, call := range o.look(i).Calls {
			if !call.Implicit {
				return &call
			}
		}
	}
	return nil
}

// whole reports whether an instruction's words say that it copies the whole context.
func whole(i *dockerfile.Instruction) bool {
	source := strings.Trim(i.Words[0].Text, `"`)
	return len(i.Words) == 2 && (source == "." || source == "./")
}

// look is what a RUN does; nothing for another instruction.
func (o ordering) look(i *dockerfile.Instruction) ecosystem.Step {
	if i.Keyword != "RUN" {
		return ecosystem.Step{}
	}
	step, ok := o.steps[i]
	if !ok {
		step = ecosystem.Look(i)
		o.steps[i] = step
	}
	return step
}

// repeats says what is done again by managers that keep what they download for later steps.
var repeats = map[string]string{
	"go":     "downloads every module again",
	"maven":  "downloads every dependency again",
	"gradle": "downloads every dependency again",
	"dotnet": "downloads every package again",
	"dart":   "downloads every package again",
	"deno":   "downloads every module again",
	"swift":  "fetches every dependency again",
	"cargo":  "fetches and compiles every dependency again",
	"stack":  "fetches and compiles every dependency again",
	"cabal":  "fetches and compiles every dependency again",
}

// said is the finding's sentence.
func said(i ecosystem.Install) string {
	again, ok := repeats[i.Manager]
	if !ok {
		again = "reinstalls every dependency"
	}
	return fmt.Sprintf("the sources are copied before `%s`, so every change to them %s", spoken(i.Command), again)
}

var plainWord = pattern.New(`^([a-z][a-z.-]{0,15}|dependency:[a-z-]{1,20}|installDist|bootJar|shadowJar)$`)

// plainFlags are switches that often stand before what a command is to do.
var plainFlags = []string{"-B", "-q", "-U", "-ntp", "--batch-mode", "--no-transfer-progress", "--no-daemon", "--quiet"}

// spoken names a command by its first words. Longer ones, flags and values are left out: one of them may be a secret.
func spoken(c dockerfile.Command) string {
	words, args := []string{c.Name()}, c.Args()
	if c.Name() == "php" && len(args) > 0 && path.Base(args[0].Text) == "composer.phar" {
		words, args = []string{"composer.phar"}, args[1:]
	}
	for _, w := range args {
		if w.Literal && slices.Contains(plainFlags, w.Text) {
			continue
		}
		if len(words) == 3 || !w.Literal || !plainWord.MatchString(w.Text) {
			break
		}
		words = append(words, w.Text)
	}
	return strings.Join(words, " ")
}
