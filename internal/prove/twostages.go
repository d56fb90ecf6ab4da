package prove

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

// twoStages: the one stage of a file builds by the same steps and got a name; a second one has the program that the first
// starts, copied from where "go build -o" writes it, and the configuration of the first. Everything that the program
// might look for in the old image is excluded by its sources: see selfContained.
func twoStages(intent fixes.TwoStages) predicate {
	return predicate{
		read:  readTwoStages,
		text:  func(c *change) error { return twoStagesText(c, intent) },
		split: func(c *change, b image, a []image) error { return twoStagesImages(c, b, a, intent) },
	}
}

// secondBases are the images on which a static program runs as it did on golang's: as root, with certificates, time zones
// and /tmp, and without an entrypoint.
var secondBases = []string{"gcr.io/distroless/static-debian12"}

func readTwoStages(c check.Case) (*change, error) {
	ch, err := parse(c)
	if err != nil {
		return nil, err
	}
	for _, holds := range []func() error{ch.head, ch.lineEnds, ch.comments} {
		if err := holds(); err != nil {
			return nil, err
		}
	}
	if len(ch.before.Stages) != 1 || len(ch.after.Stages) != 2 {
		return nil, errors.New("it is not one stage that became two")
	}
	return ch, nil
}

func twoStagesText(c *change, intent fixes.TwoStages) error {
	s := c.before.Final()
	if s.Windows() || s.Platform != "" {
		return errors.New("the stage is for Windows or another platform than the one asked for")
	}
	for _, holds := range []func() error{
		c.builtWhole, c.golang,
		func() error { return builtSteps(s, intent.Program) },
		func() error { return c.secondText(intent) },
		c.selfContained,
	} {
		if err := holds(); err != nil {
			return err
		}
	}
	return nil
}

// builtWhole checks that every known build of the file builds its last stage, and that nothing known brings its own
// command or probe to the container.
func (c *change) builtWhole() error {
	for _, b := range c.Builds {
		switch {
		case b.Unknown != "":
			return fmt.Errorf("how it is built is not known: %s", b.Unknown)
		case b.Target != "" || b.AnyTarget:
			return fmt.Errorf("a build asks for a stage by its name (%s)", b.Origin)
		case b.AnyNamed || len(b.Named) > 0:
			return fmt.Errorf("a build replaces images (%s)", b.Origin)
		case b.Command, len(b.Probe) > 0 && b.Probe[0] != "NONE":
			return fmt.Errorf("a command from outside runs in the container (%s)", b.Origin)
		case b.User != "" || len(b.Mounts) > 0:
			return fmt.Errorf("another user or a mount meets what lies in the container (%s)", b.Origin)
		case strings.Contains(c.before.Final().Base, "$") && passesArgs(b):
			return fmt.Errorf("a build may pass another base image (%s)", b.Origin)
		}
	}
	return nil
}

func passesArgs(b buildcontext.Build) bool { return len(b.Args)+len(b.Varied) > 0 }

// golangImage matches the official image of Go on Linux; it runs as root and has no entrypoint.
var golangImage = pattern.New(
	`^(docker\.io/)?(library/)?golang(:(latest|1(\.\d+){0,2}(-(alpine|trixie|bookworm|bullseye|buster)[\d.]*)?|` +
		`alpine|trixie|bookworm|bullseye))?(@sha256:[0-9a-f]{64})?$`)

func (c *change) golang() error {
	ref, ok := c.before.Final().Image()
	if !ok || !golangImage.MatchString(ref) {
		return errors.New("what else the base image brings is known only of the official image of Go")
	}
	if user := c.Bases[ref].User; !isRootName(user) && user != "" {
		return fmt.Errorf("the base image runs as %s", user)
	}
	return nil
}

// secondText checks the text of both stages, instruction by instruction.
func (c *change) secondText(intent fixes.TwoStages) error {
	was, first, second := c.before.Final(), c.after.Stages[0], c.after.Stages[1]
	name := was.Name
	if name == "" {
		name = "build"
	}
	if !slices.Contains(secondBases, intent.Base) || name != "build" && name != "builder" {
		return errors.New("the second stage is not one that is known")
	}
	called, ok := strings.CutPrefix(first.From.Text(), was.From.Text())
	if !ok || called != "" && (was.Name != "" || called != " AS build" && called != " as build" && called != " As build") {
		return errors.New("the first stage got more than a name")
	}
	stays, goes, err := divided(was)
	if err != nil {
		return err
	}
	if !slices.EqualFunc(stays, first.Instructions, sameCode) {
		return errors.New("the first stage has other steps than before")
	}
	dir := was.End().Workdir
	head := []string{intent.Base, dir, "--from=" + name + " " + intent.Program + " " + intent.Program}
	got := second.Instructions
	if len(got) < 2 || dir == "" || second.From.Text() != head[0] || len(second.From.Flags) > 0 ||
		got[0].Keyword != "WORKDIR" || got[0].Text() != head[1] || got[1].Keyword != "COPY" || len(got[1].Flags) != 1 ||
		got[1].File().Text(got[1].Flags[0].Span)+" "+got[1].Text() != head[2] {
		return errors.New("the second stage does not begin with its base, the directory and the program")
	}
	if !slices.EqualFunc(goes, got[2:], sameCode) {
		return errors.New("the second stage says something else about the container than the old one")
	}
	return startsOnly(was, intent.Program)
}

// sameCode reports whether two instructions are written alike, with the same comments above them where both have some.
func sameCode(b, a *dockerfile.Instruction) bool {
	return b.File().Text(b.Code()) == a.File().Text(a.Code()) && (keepsLead(b, a) || b.Keyword == "ENV")
}

// divided are the instructions of a stage that stay in it, and those that say how its container runs.
func divided(s *dockerfile.Stage) (stays, goes []*dockerfile.Instruction, err error) {
	last := 0
	for _, i := range s.Instructions {
		if among("RUN COPY", i.Keyword) {
			last = i.Index
		}
	}
	for _, i := range s.Instructions {
		runs := false
		switch i.Keyword {
		case "RUN", "COPY", "WORKDIR", "ARG":
			stays = append(stays, i)
			continue
		case "CMD", "ENTRYPOINT", "EXPOSE", "LABEL", "STOPSIGNAL":
			runs = true
		case "USER":
			runs = i.Index > last && (isRootName(i.Text()) || numericUser.MatchString(i.Text()))
		case "ENV":
			runs = !fixes.ForBuilding(i)
			if !runs || i.Index < last {
				stays = append(stays, i)
			}
			if !runs {
				continue
			}
		}
		if !runs || strings.Contains(i.Text(), "$") || i.Keyword == "CMD" && i.Form != dockerfile.ExecForm {
			return nil, nil, fmt.Errorf("what the %s on line %d needs is not known in another image", i.Keyword, i.Line())
		}
		goes = append(goes, i)
	}
	return stays, goes, nil
}

var numericUser = pattern.New(`^\d+(:\d+)?$`)

// startsOnly checks that the container starts the program, by an array of words.
func startsOnly(s *dockerfile.Stage, program string) error {
	byKeyword := map[string][]*dockerfile.Instruction{}
	for _, i := range s.Instructions {
		byKeyword[i.Keyword] = append(byKeyword[i.Keyword], i)
	}
	entry, cmd := byKeyword["ENTRYPOINT"], byKeyword["CMD"]
	if len(entry) > 1 || len(cmd) > 1 {
		return errors.New("it says twice what starts")
	}
	start := append(entry, cmd...)
	if len(start) == 0 || start[0].Form != dockerfile.ExecForm || len(start[0].Words) == 0 {
		return errors.New("the program is started by a shell, which the other image does not have")
	}
	at := start[0].Words[0].Text
	if strings.Contains(at, "/") && !path.IsAbs(at) {
		at = path.Join(s.End().Workdir, at)
	}
	if path.Clean(at) != program || !strings.Contains(at, "/") {
		return fmt.Errorf("%s is what starts, not %s", at, program)
	}
	return nil
}

// twoStagesImages compares one world: the first stage's steps are the old ones; the second stage ends with the directory
// and the copy of the program out of the first; and its configuration is the old one without what only building reads.
func twoStagesImages(c *change, b image, a []image, intent fixes.TwoStages) error {
	first, second := a[0], a[1]
	if err := sameSteps(b.steps, first.steps); err != nil {
		return fmt.Errorf("the first stage %w", err)
	}
	n := len(second.steps)
	if n < 3 {
		return errors.New("the second stage has too few steps")
	}
	if err := copiesProgram(second.steps[n-1], first.head, intent.Program); err != nil {
		return err
	}
	op, err := second.steps[n-2].op()
	if err != nil {
		return err
	}
	if f := op.GetFile(); f == nil || len(f.Actions) != 1 || f.Actions[0].GetMkdir() == nil ||
		f.Actions[0].GetMkdir().Path != c.before.Final().End().Workdir {
		return errors.New("the second stage has another step before the program is copied")
	}
	return sameContainer(b, second)
}

// copiesProgram checks a copy of one file out of the first stage to its own path.
func copiesProgram(s step, head, program string) error {
	op, err := s.op()
	if err != nil {
		return err
	}
	no := errors.New("the second stage does not end with the copy of the program")
	if op.GetFile() == nil || len(op.GetFile().Actions) != 1 || !slices.Equal(s.raw.Inputs, []string{head}) {
		return no
	}
	cp := op.GetFile().Actions[0].GetCopy()
	if cp == nil || cp.Src != program || cp.Dest != program || cp.Owner != nil && cp.Owner.User != nil || cp.Mode > 0 {
		return no
	}
	return nil
}

// sameContainer checks that two configurations differ in nothing but variables that only the go command reads.
func sameContainer(b, a image) error {
	old, fixed, err := configs(b, a)
	if err != nil {
		return err
	}
	old["config.Env"], fixed["config.Env"] = forRunning(old["config.Env"]), forRunning(fixed["config.Env"])
	if different := fieldsThatDiffer(old, fixed); len(different) > 0 {
		return fmt.Errorf("the container is configured otherwise: %s", strings.Join(different, ", "))
	}
	return nil
}

// forRunning is a list of variables without those that only the go command reads.
func forRunning(raw json.RawMessage) json.RawMessage {
	kept := slices.DeleteFunc(list(raw), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return strings.HasPrefix(name, "GO") && name != "GODEBUG" && name != "GOGC" && name != "GOMAXPROCS" &&
			name != "GOMEMLIMIT" && name != "GOTRACEBACK" || name == "CGO_ENABLED"
	})
	text, err := json.Marshal(kept)
	if err != nil {
		return nil
	}
	return text
}
