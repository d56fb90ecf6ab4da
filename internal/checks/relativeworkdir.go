package checks

import (
	"fmt"
	"path"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

// relativeWorkdir finds a WORKDIR that depends on where the base image happens to work. A relative one below an
// absolute one is plain enough.
var relativeWorkdir = &check.Check{
	Name:     "relative-workdir",
	Family:   check.Hygiene,
	Summary:  "a relative WORKDIR leads somewhere else when the base image changes",
	Severity: check.Warning,
	Aliases:  []string{"WorkdirRelativePath", "DL3000", "AVD-DS-0009", "DS009", "CKV_DOCKER_10"},
	Run:      runRelativeWorkdir,
}

func runRelativeWorkdir(p *check.Pass) error {
	for _, s := range p.File.Stages {
		if i := firstWorkdir(s); i != nil && !s.Windows() && relativeDir.MatchString(i.Text()) {
			judgeWorkdir(p, i)
		}
	}
	return nil
}

// relativeDir matches a path that is relative on every system and holds no variable that may make it absolute.
var relativeDir = pattern.New(`^["']?[^/\\$"'` + "`" + `:][^\\$` + "`" + `:]*$`)

// firstWorkdir is the first WORKDIR of the stage, nil when one that it is based on has set the directory before.
func firstWorkdir(s *dockerfile.Stage) *dockerfile.Instruction {
	for parent := s.Parent; parent != nil; parent = parent.Parent {
		if firstIn(parent) != nil {
			return nil
		}
	}
	i := firstIn(s)
	if i == nil || i.Keyword == "ONBUILD" {
		return nil
	}
	return i
}

// firstIn is the first instruction of the stage that sets the directory, here or, by ONBUILD, in what stands on it.
func firstIn(s *dockerfile.Stage) *dockerfile.Instruction {
	for _, i := range s.Instructions {
		if i.Keyword == "WORKDIR" || i.Inner != nil && i.Inner.Keyword == "WORKDIR" {
			return i
		}
	}
	return nil
}

func judgeWorkdir(p *check.Pass, i *dockerfile.Instruction) {
	message := fmt.Sprintf("`WORKDIR %s` leads from wherever the base image works, so another base image or another "+
		"release of it can move everything below", i.Text())
	ref, ok := i.Stage.Image()
	base, known := p.Images.Lookup(ref)
	if !ok || !known || !path.IsAbs(base.Workdir) {
		p.Advise(i.Code(), message, "in which directory the base image works is not known")
		return
	}
	fix, err := fixes.RootWorkdir(p.File, i, base.Workdir)
	if err != nil {
		p.Advise(i.Code(), message, err.Error())
		return
	}
	p.Report(i.Code(), message, fix)
}
