package prove

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

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

// builtSteps checks that the steps of the stage are copies of the build context and runs of the go command, of which the
// last builds the program, and that the program has no cgo.
func builtSteps(s *dockerfile.Stage, program string) error {
	var last *dockerfile.Instruction
	for _, i := range s.Instructions {
		var err error
		switch i.Keyword {
		case "RUN":
			last, err = i, builds(i)
		case "COPY":
			last = i
			if len(i.Flags)+len(i.Heredocs) > 0 || i.Form == dockerfile.ExecForm {
				err = fmt.Errorf("the COPY on line %d does not only copy the build context", i.Line())
			} else if !besideSystem(i) {
				err = fmt.Errorf("the COPY on line %d may change what the program finds in its image", i.Line())
			}
		case "ENV", "ARG":
			err = harmlessEnv(i)
		}
		if err != nil {
			return err
		}
	}
	if last == nil || last.Keyword != "RUN" {
		return errors.New("the last step does not build the program")
	}
	for _, m := range cgoSet.FindAllStringSubmatch(string(s.From.File().Src), -1) {
		if strings.Trim(m[1], `"'`) != "0" {
			return errors.New("cgo may be on, and then the program needs the C library of its image")
		}
	}
	return writesProgram(last, program)
}

// besideSystem reports whether a COPY puts its files into a directory of the program's own: not among certificates, time
// zones and the like, and not over the whole image.
func besideSystem(i *dockerfile.Instruction) bool {
	if len(i.Words) == 0 {
		return false
	}
	to, dir := i.Words[len(i.Words)-1].Text, i.Stage.Before(i).Workdir
	if strings.ContainsAny(to, "$\\\"'`") || !path.IsAbs(to) && dir == "" {
		return false
	}
	if !path.IsAbs(to) {
		to = path.Join(dir, to)
	}
	to = path.Clean(to)
	system := slices.ContainsFunc(strings.Fields("/etc /usr /lib /lib64 /run /var /dev /proc /sys"), func(at string) bool {
		return within(to, at)
	})
	return to != "/" && (!system || within(to, "/usr/src/"+path.Base(to)) || within(to, "/usr/src/app"))
}

var cgoSet = pattern.New(`CGO_ENABLED[= ]\s*([^\s;&|]*)`)

// findings are variables that say where things are found, or how Go builds.
const findings = "PATH HOME GOPATH GOROOT GOBIN GOFLAGS GOEXPERIMENT GOENV GOWORK GOTOOLCHAIN SSL_CERT_FILE ZONEINFO"

// harmlessEnv checks that an ENV, or an ARG, does not say where programs lie, and how Go builds only as this package knows.
func harmlessEnv(i *dockerfile.Instruction) error {
	for _, w := range i.Words {
		name, _, ok := strings.Cut(w.Text, "=")
		switch {
		case !ok && i.Keyword == "ENV":
			return fmt.Errorf("the ENV on line %d is in the old form", i.Line())
		case among(findings, name),
			strings.HasPrefix(name, "LD_"), i.Keyword == "ARG" && strings.HasPrefix(name, "GO"),
			strings.HasPrefix(name, "CGO_") && name != "CGO_ENABLED":
			return fmt.Errorf("the %s on line %d says where Go or the program finds things", i.Keyword, i.Line())
		}
	}
	return nil
}

// builds checks that a RUN only gets packages and modules and builds: nothing it does makes Go code or tells Go how to
// build.
func builds(run *dockerfile.Instruction) error {
	cmds, err := chainOf(run)
	if err != nil {
		return err
	}
	for _, cmd := range cmds {
		words, ok := cmd.Texts()
		verb := ""
		if len(words) > 1 {
			verb = words[1]
		}
		switch {
		case cmd.Name() == "go" && cmd.Words[0].Text == "go" && len(cmd.Words) > 1 && cmd.Words[1].Text == "build":
			if err := goFlags(cmd); err != nil {
				return err
			}
		case ok && words[0] == "go" && len(words) > 2 && verb == "mod" && among("download verify tidy", words[2]):
		case ok && words[0] == "go" && among("vet test version", verb):
		case ok && words[0] == "apk" && verb == "add", ok && words[0] == "apt-get" && among("update install", verb):
		case ok && len(words) > 2 && words[0] == "rm" && strings.HasPrefix(words[2], "/var/lib/apt/lists/"):
		default:
			return fmt.Errorf("what %s on line %d does to the program is not known", cmd.Words[0].Text, run.Line())
		}
	}
	return nil
}

// chainOf are the commands of a RUN that runs one after the other, in the default shell.
func chainOf(run *dockerfile.Instruction) ([]dockerfile.Command, error) {
	no := fmt.Errorf("the step on line %d is not a plain list of commands", run.Line())
	if len(run.Stage.Before(run).Shell) > 0 || len(run.Heredocs) > 0 {
		return nil, no
	}
	for _, fl := range run.Flags {
		kind, target := mountOf(fl)
		if kind != "cache" || !within(target, "/root/.cache") && !within(target, "/go/pkg") {
			return nil, fmt.Errorf("the step on line %d has a mount or another flag", run.Line())
		}
	}
	script, err := run.Script()
	if err != nil {
		return nil, no
	}
	if !andList(script) {
		return nil, no
	}
	cmds := script.Calls()
	for _, cmd := range cmds {
		for _, a := range cmd.Call.Assigns {
			value := script.Text[a.Pos().Offset():a.End().Offset()]
			if !buildSetting.MatchString(value) {
				return nil, fmt.Errorf("%s on line %d may say how the program is built", value, run.Line())
			}
		}
	}
	return cmds, nil
}

// andList reports whether a script is one list of commands joined by "&&", with nothing else to them than assignments.
func andList(s *dockerfile.Script) bool {
	plain := len(s.AST.Stmts) == 1
	syntax.Walk(s.AST, func(n syntax.Node) bool {
		stmt, ok := n.(*syntax.Stmt)
		if !ok {
			return plain
		}
		switch cmd := stmt.Cmd.(type) {
		case *syntax.CallExpr:
			plain = plain && bare(stmt) && len(cmd.Args) > 0
		case *syntax.BinaryCmd:
			plain = plain && bare(stmt) && cmd.Op == syntax.AndStmt
		default:
			plain = false
		}
		return plain
	})
	return plain
}

// buildSetting matches the variables of the go command that leave a program for Linux as it is.
var buildSetting = pattern.New(
	`^(CGO_ENABLED=["']?0["']?|GOOS=["']?linux["']?|GOARCH=["']?(amd64|arm64)["']?|GO111MODULE=on)$`)

// mountOf is the type and the target of a --mount flag.
func mountOf(fl dockerfile.Flag) (kind, target string) {
	if !strings.EqualFold(fl.Name, "mount") {
		return "", ""
	}
	for field := range strings.SplitSeq(fl.Value, ",") {
		switch key, value, _ := strings.Cut(field, "="); strings.ToLower(key) {
		case "type":
			kind = value
		case "target", "dst", "destination":
			target = path.Clean(value)
		}
	}
	return kind, target
}

// goFlags checks the words of a go build: options that are known to leave a program self-contained, and one package.
func goFlags(cmd dockerfile.Command) error {
	packages := 0
	for k := 2; k < len(cmd.Words); k++ {
		w := cmd.Words[k]
		name, _, joined := strings.Cut(w.Text, "=")
		name = strings.Replace(name, "--", "-", 1)
		switch {
		case !strings.HasPrefix(name, "-"):
			if packages++; packages > 1 || !w.Literal || strings.Contains(w.Text, "...") ||
				strings.Contains(w.Text, "node_modules") {
				return errors.New("which one program go build makes is not known")
			}
		case among("-trimpath -v -a -x", name):
		case among("-o -ldflags -tags -mod -p -gcflags -installsuffix -buildvcs", name):
			if name != "-buildvcs" && !joined {
				k++
			}
			if k >= len(cmd.Words) || strings.Contains(w.Text+cmd.Words[k].Text, "linkmode") {
				return fmt.Errorf("go build %s is not understood", w.Text)
			}
		default:
			return fmt.Errorf("go build %s may make a program that needs more than itself", w.Text)
		}
	}
	return nil
}

// writesProgram checks that the last command of a RUN builds the program without cgo and writes it to its path.
func writesProgram(run *dockerfile.Instruction, program string) error {
	cmds, err := chainOf(run)
	if err != nil {
		return err
	}
	cmd := cmds[len(cmds)-1]
	if cmd.Name() != "go" || len(cmd.Words) < 2 || cmd.Words[1].Text != "build" {
		return errors.New("the last step does not build the program")
	}
	if !strings.Contains(string(run.File().Src), "CGO_ENABLED") || !cgoOff(run, cmd) {
		const on = "cgo is not switched off (CGO_ENABLED=0), and with it the program may need the C library of its image"
		return errors.New(on)
	}
	var outputs []string
	for k, w := range cmd.Words {
		if w.Text == "-o" && k+1 < len(cmd.Words) && cmd.Words[k+1].Literal {
			outputs = append(outputs, cmd.Words[k+1].Text)
		}
		if name, ok := strings.CutPrefix(w.Text, "-o="); ok && w.Literal {
			outputs = append(outputs, name)
		}
	}
	dir := run.Stage.Before(run).Workdir
	if len(outputs) != 1 || dir == "" || strings.HasSuffix(outputs[0], "/") {
		return errors.New("where go build puts the program is not said by -o")
	}
	at := outputs[0]
	if !path.IsAbs(at) {
		at = path.Join(dir, at)
	}
	if at = path.Clean(at); at != program {
		return fmt.Errorf("go build writes %s, and %s is what starts", at, program)
	}
	return nil
}

// cgoOff reports whether CGO_ENABLED=0 stands before a command or in an ENV above it.
func cgoOff(run *dockerfile.Instruction, cmd dockerfile.Command) bool {
	for _, a := range cmd.Call.Assigns {
		if a.Name != nil && a.Name.Value == "CGO_ENABLED" {
			return true // chainOf checked that it is 0
		}
	}
	return slices.ContainsFunc(run.Stage.Instructions, func(i *dockerfile.Instruction) bool {
		return i.Keyword == "ENV" && i.Index < run.Index && slices.ContainsFunc(i.Words, func(w dockerfile.Word) bool {
			return strings.Trim(w.Text, `"`) == "CGO_ENABLED=0" || w.Text == `CGO_ENABLED="0"`
		})
	})
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
