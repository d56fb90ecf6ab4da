package checks

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/image"
	"github.com/lighterman/lighterman/internal/pattern"
)

// An ownedPlan is what takes the place of a handover: the flag on the COPYs, and of the RUN what it did to directories
// that no COPY made.
type ownedPlan struct {
	handover
	owner  string // for --chown; "" when it is a mode that is set
	mode   string // for --chmod
	copies []*dockerfile.Instruction
	dirs   []string // directories within the paths that a WORKDIR or a mkdir made, or the base image has
}

func (o *ownedPlan) edits(f *dockerfile.File) ([]fixes.Edit, error) {
	name, value := "chown", o.owner
	if o.mode != "" {
		name, value = "chmod", o.mode
	}
	var edits []fixes.Edit
	for _, c := range o.copies {
		if fl, ok := c.Flag(name); ok && fl.Value == value {
			continue
		}
		e, err := fixes.SetFlag(f, c, name, value)
		if err != nil {
			return nil, err
		}
		edits = append(edits, e)
	}
	last, err := o.replaced(f)
	return append(edits, last), err
}

// replaced leaves of the RUN what it did to the directories, or nothing.
func (o *ownedPlan) replaced(f *dockerfile.File) (fixes.Edit, error) {
	if len(o.dirs) > 0 {
		return fixes.ReplaceBody(f, o.run, strings.Join(append([]string{o.program, o.value.Text}, o.dirs...), " "))
	}
	e := fixes.Remove(f, o.run)
	if strings.Contains(e.New, "#") {
		return e, errors.New("the comment above the step would lose what it is about")
	}
	return e, nil
}

// plan decides whether the COPYs can set the owner themselves, and why not.
func (h *handover) plan(p *check.Pass) (*ownedPlan, string) {
	o := &ownedPlan{handover: *h}
	base, known := baseOf(p, h.run.Stage)
	for _, ask := range []func() string{
		o.command,
		o.setting,
		func() string { return o.frontend(p.File) },
		func() string { return o.asRoot(base) },
		o.gather,
		func() string { return o.places(base, known) },
		func() string { return o.account(base) },
		o.flags,
		func() string { return o.sources(p.Builds) },
	} {
		if reason := ask(); reason != "" {
			return nil, reason
		}
	}
	return o, ""
}

// baseOf is what is known of the image that a stage stands on. Images that copy files by ONBUILD are not known.
func baseOf(p *check.Pass, s *dockerfile.Stage) (image.Image, bool) {
	ref, ok := s.Image()
	if !ok || strings.Contains(ref, "onbuild") || argsPassed(p, argsIn(rootOf(s).Base)) || replaced(p, ref) {
		return image.Image{}, false
	}
	return p.Images.Lookup(ref)
}

// quiet are the options that change nothing but what is printed.
var quiet = []string{"--recursive", "--verbose", "--changes", "--quiet", "--silent"}

// command asks that the RUN is nothing but the one command, with paths that are known.
func (o *ownedPlan) command() string {
	script, err := o.run.Script()
	if err != nil {
		return "the step has no shell script"
	}
	cmds, ok := script.Chain()
	switch {
	case !ok || len(cmds) != 1 || len(o.run.Heredocs) > 0:
		return "the step does more than that"
	case len(o.run.Flags) > 0:
		return "the step has flags of its own"
	case slices.ContainsFunc(o.options, func(opt string) bool {
		return !slices.Contains(quiet, opt) && (strings.HasPrefix(opt, "--") || strings.Trim(opt, "-Rvcf") != "")
	}):
		return "`" + o.program + "` has options that COPY has not"
	case slices.Contains(o.paths, ""):
		return "which path is meant is known only to the shell"
	}
	return ""
}

var (
	ownerForm = pattern.New(`^[A-Za-z0-9_][\w-]*(:[A-Za-z0-9_][\w-]*)?$`)
	octal     = pattern.New(`^[0-7]{3,4}$`)
)

// setting reads the owner or the mode. "chown app" leaves the group as it is, which is root's for files from the build
// context; COPY --chown=app would take app's own group.
func (o *ownedPlan) setting() string {
	text := literalText(o.value)
	switch {
	case o.program == "chmod" && octal.MatchString(text):
		o.mode = text
	case o.program == "chmod":
		return "only a mode in octal does not depend on what the file had"
	case !ownerForm.MatchString(text):
		return "the owner is not written as user or user:group"
	case strings.Contains(text, ":"):
		o.owner = text
	default:
		o.owner = text + ":0"
	}
	return ""
}

func literalText(w dockerfile.Argument) string {
	if !w.Literal {
		return ""
	}
	return w.Text
}

// newFrontend matches the syntax lines that are known to ask for a frontend with --chmod, which came with 1.2.
var newFrontend = pattern.New(
	`^(docker\.io/)?docker/dockerfile:1(\.([2-9]|[1-9]\d)(\.\d+)?)?(-labs)?(@sha256:[0-9a-f]+)?$`)

func (o *ownedPlan) frontend(f *dockerfile.File) string {
	if syntax := f.Directive("syntax"); o.mode != "" && syntax != "" && !newFrontend.MatchString(syntax) {
		return "the syntax line may ask for a frontend without COPY --chmod"
	}
	return ""
}

// asRoot asks that the RUN may change owners at all.
func (o *ownedPlan) asRoot(base image.Image) string {
	user := o.run.Stage.Before(o.run).User
	if user == "" {
		user = base.User
	}
	name, _, _ := strings.Cut(user, ":")
	if name != "root" && name != "0" {
		return "the step is not known to run as root"
	}
	return ""
}

// gather goes through all that comes before the RUN, in the stages it stands on too, and sorts out what concerns the
// paths.
func (o *ownedPlan) gather() string {
	for _, s := range lineage(o.run.Stage) {
		for _, i := range s.Instructions {
			if i == o.run {
				break
			}
			if reason := o.meet(i); reason != "" {
				return reason
			}
		}
	}
	for _, p := range o.paths {
		if !slices.ContainsFunc(o.copies, func(c *dockerfile.Instruction) bool { return o.into(c, p) }) {
			return "nothing is copied to " + p
		}
	}
	return ""
}

func (o *ownedPlan) into(c *dockerfile.Instruction, p string) bool {
	to, _ := destination(c)
	return within(to, p)
}

// meet takes in one instruction before the RUN.
func (o *ownedPlan) meet(i *dockerfile.Instruction) string {
	switch i.Keyword {
	case "COPY", "ADD":
		return o.meetCopy(i)
	case "RUN":
		return bystander(i, o.paths, o.program)
	case "WORKDIR":
		dir := workdirAfter(i)
		if dir == "" {
			return "a WORKDIR with variables may lie in the path"
		}
		o.made(dir)
	case "VOLUME":
		return "a VOLUME may cover the path"
	}
	return ""
}

// made notes a directory that is there before, or without, a COPY: it and those above it within the paths keep the
// command to themselves.
func (o *ownedPlan) made(dir string) {
	for ; dir != "/"; dir = path.Dir(dir) {
		if slices.ContainsFunc(o.paths, func(p string) bool { return within(dir, p) }) && !slices.Contains(o.dirs, dir) {
			o.dirs = append(o.dirs, dir)
		}
	}
	slices.Sort(o.dirs)
}

func (o *ownedPlan) meetCopy(i *dockerfile.Instruction) string {
	to, _ := destination(i)
	if to == "" {
		return "where a " + i.Keyword + " above puts its files is not known"
	}
	inside := slices.ContainsFunc(o.paths, func(p string) bool { return within(to, p) })
	around := slices.ContainsFunc(o.paths, func(p string) bool { return within(p, to) })
	switch {
	case inside && i.Stage != o.run.Stage:
		return "an earlier stage put files there"
	case inside && i.Keyword == "ADD":
		return "ADD brings some of it"
	case inside:
		o.copies = append(o.copies, i)
	case around:
		return "a COPY above may bring some of it together with other files"
	}
	return ""
}

// workdirAfter is the working directory that a WORKDIR sets, "" when it is not known.
func workdirAfter(i *dockerfile.Instruction) string {
	if below := next(i); below != nil {
		return below.Stage.Before(below).Workdir
	}
	return i.Stage.End().Workdir
}
