package checks

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

// unreachableStage finds stages that nothing uses.
var unreachableStage = &check.Check{
	Name:     "unreachable-stage",
	Family:   check.Hygiene,
	Summary:  "nothing uses this stage, so it is read and kept up for nothing",
	Severity: check.Info,
	Run:      runUnreachableStage,
}

func runUnreachableStage(p *check.Pass) error {
	if slices.ContainsFunc(p.Builds, func(b buildcontext.Build) bool { return b.AnyTarget }) {
		return nil
	}
	u := usesOf(p.File)
	for _, s := range builtStages(p) {
		u.mark(s)
	}
	for _, s := range u.idle(p.File) {
		if forPeople(s) || u.variant(s) || buildcontext.Mentions(p.Repo, p.File.Path, "target", s.Name) {
			continue
		}
		p.Advise(s.From.Code(), fmt.Sprintf("nothing uses %s: no other stage does, and no build that this repository states "+
			"targets it, so its steps are kept up and never run", stageTitle(s)),
			"whether somebody builds it by hand is not known here")
	}
	return nil
}

// stageTitle is a stage for people.
func stageTitle(s *dockerfile.Stage) string {
	if s.Name == "" {
		return fmt.Sprintf("stage %d", s.Index)
	}
	return "the stage `" + s.Name + "`"
}

// uses says which stages use which.
type uses struct {
	of   map[*dockerfile.Stage][]*dockerfile.Stage // what each stage uses
	used map[*dockerfile.Stage]bool
	any  bool // some stage is named by a variable that may stand for any of them
}

func usesOf(f *dockerfile.File) *uses {
	u := &uses{of: map[*dockerfile.Stage][]*dockerfile.Stage{}, used: map[*dockerfile.Stage]bool{}}
	for _, s := range f.Stages {
		u.add(s, s.Parent)
		if strings.Contains(s.Base, "$") {
			for _, other := range mayName(f, s.Base) {
				u.add(s, other)
			}
		}
		for _, i := range s.Instructions {
			for _, from := range sourcesOf(i) {
				u.any = u.any || strings.Contains(from.Value, "$")
				u.add(s, f.Stage(from.Value))
			}
		}
	}
	return u
}

func (u *uses) add(s, other *dockerfile.Stage) {
	if other != nil && other != s {
		u.of[s] = append(u.of[s], other)
	}
}

// mark notes that a stage is built, with all that it uses.
func (u *uses) mark(s *dockerfile.Stage) {
	if u.used[s] {
		return
	}
	u.used[s] = true
	for _, other := range u.of[s] {
		u.mark(other)
	}
}

// idle are the stages that nothing uses, without those that another such stage uses. Of several with a name none is
// meant: they are variants of one image, and one of them is picked by name. Of several without a name the first stands
// for all.
func (u *uses) idle(f *dockerfile.File) []*dockerfile.Stage {
	var named, unnamed []*dockerfile.Stage
	for _, s := range f.Stages {
		switch {
		case u.any || u.used[s] || u.byUnused(s):
		case s.Name != "":
			named = append(named, s)
		default:
			unnamed = append(unnamed, s)
		}
	}
	if len(named) > 1 {
		named = nil
	}
	return append(unnamed[:min(len(unnamed), 1)], named...)
}

// variant reports whether a stage goes on from, or copies from, one that is used: then it is another product of the same
// file.
func (u *uses) variant(s *dockerfile.Stage) bool {
	return s.Name != "" && slices.ContainsFunc(u.of[s], func(t *dockerfile.Stage) bool { return u.used[t] })
}

// byUnused reports whether another stage that nothing uses does use this one: then that one is reported.
func (u *uses) byUnused(s *dockerfile.Stage) bool {
	for other, sources := range u.of {
		if !u.used[other] && slices.Contains(sources, s) {
			return true
		}
	}
	return false
}

// sourcesOf are the flags of an instruction that name a stage, an image or a named context: --from of a COPY and of a
// RUN's mounts. The value is what is named.
func sourcesOf(i *dockerfile.Instruction) []dockerfile.Flag {
	if i.Inner != nil {
		i = i.Inner
	}
	var out []dockerfile.Flag
	for _, fl := range i.Flags {
		switch {
		case i.Keyword == "COPY" && strings.EqualFold(fl.Name, "from"):
			out = append(out, fl)
		case i.Keyword == "RUN" && strings.EqualFold(fl.Name, "mount"):
			for field := range strings.SplitSeq(fl.Value, ",") {
				if key, value, ok := strings.Cut(field, "="); ok && strings.EqualFold(key, "from") {
					out = append(out, dockerfile.Flag{Name: fl.Name, Value: value, Span: fl.Span})
				}
			}
		}
	}
	return out
}

var variableInName = pattern.New(`\\\$(\\\{[^}]*\\\}|\w+)`)

// mayName are the stages that a FROM with variables may stand for: base-${VARIANT} for base-slim.
func mayName(f *dockerfile.File, base string) []*dockerfile.Stage {
	pattern, err := regexp.Compile("(?i)^" + variableInName.ReplaceAllString(regexp.QuoteMeta(base), ".*") + "$")
	if err != nil {
		return f.Stages
	}
	var out []*dockerfile.Stage
	for _, s := range f.Stages {
		if s.Name != "" && pattern.MatchString(s.Name) {
			out = append(out, s)
		}
	}
	return out
}

// byHand are the words in names of stages that people and editors build by hand, with --target: it is what such a stage is
// for, and BuildKit passes over it in every other build.
var byHand = strings.Fields("dev devel development local debug debugger test tests testing tester unittest e2e lint " +
	"linter format fmt check checks verify validate ci cd shell docs doc bench benchmark coverage audit export exporter artifact " +
	"artifacts binary binaries bin out output release dist package update vendor devcontainer watch storybook scan sbom")

// forPeople reports whether a stage is, by what it holds, meant to be built by name: it says how to run, it only collects
// files for --output, or it is called after something people do.
func forPeople(s *dockerfile.Stage) bool {
	if s.Name == "" {
		return false
	}
	words := strings.FieldsFunc(s.Name, func(r rune) bool { return strings.ContainsRune("-_.", r) })
	if slices.ContainsFunc(words, func(w string) bool { return slices.Contains(byHand, w) }) {
		return true
	}
	collects := strings.EqualFold(s.Base, "scratch")
	for _, i := range s.Instructions {
		switch i.Keyword {
		case "CMD", "ENTRYPOINT", "HEALTHCHECK", "EXPOSE", "STOPSIGNAL":
			return true
		case "COPY", "ADD", "ARG", "LABEL":
		default:
			collects = false
		}
	}
	return collects
}
