package checks

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// cdForWorkdir finds RUNs that go to a directory for all that they do, where WORKDIR would say it once: the directory
// is there, and what follows does not work in the old one. A script that goes to several places, or builds something
// and removes it again, is left alone.
var cdForWorkdir = &check.Check{
	Name:     "cd-for-workdir",
	Family:   check.Hygiene,
	Summary:  "a RUN begins with a cd where WORKDIR would say it for the steps that follow, too",
	Severity: check.Info,
	Aliases:  []string{"DL3003", "AVD-DS-0013", "DS013"},
	Run:      runCdForWorkdir,
}

func runCdForWorkdir(p *check.Pass) error {
	for _, s := range p.File.Stages {
		if s.Windows() {
			continue
		}
		told := map[string]bool{}
		for _, i := range s.Instructions {
			if e, ok := enters(i); ok && !told[e.dir] && e.there(s) {
				told[e.dir] = e.judge(p)
			}
		}
	}
	return nil
}

// An entry is a RUN all of which happens in a directory that it goes to first.
type entry struct {
	run *dockerfile.Instruction
	cd  dockerfile.Command
	dir string // absolute
}

// enters reads a RUN of that kind.
func enters(i *dockerfile.Instruction) (e entry, ok bool) {
	if i.Keyword != "RUN" || len(i.Heredocs) > 0 {
		return e, false
	}
	script, err := i.Script()
	if err != nil {
		return e, false
	}
	cmds, ok := script.Chain()
	if !ok || len(cmds) < 2 || cmds[0].Name() != "cd" {
		return e, false
	}
	words, ok := cmds[0].Texts()
	if !ok || len(words) != 2 || strings.HasPrefix(words[1], "-") {
		return e, false
	}
	e = entry{i, cmds[0], absolutePath(i, words[1])}
	return e, e.dir != "" && e.dir != "/" && !e.leaves(cmds[1:])
}

// leaves reports whether the commands go elsewhere, or deal with the directory as such: build there and remove it.
func (e entry) leaves(cmds []dockerfile.Command) bool {
	return slices.ContainsFunc(cmds, func(c dockerfile.Command) bool {
		if slices.Contains([]string{"cd", "pushd", "popd", "dirs", "pwd"}, c.Name()) {
			return true
		}
		removes := slices.Contains([]string{"rm", "rmdir", "mv"}, c.Name())
		return slices.ContainsFunc(c.Args(), func(w dockerfile.Argument) bool {
			return strings.Contains(w.Text, "PWD") || removes && (!w.Literal || strings.HasPrefix(w.Text, "..") ||
				path.IsAbs(w.Text) && strings.HasPrefix(e.dir+"/", path.Clean(w.Text)+"/"))
		})
	})
}

// there reports whether the file itself shows that the directory is there when the RUN starts.
func (e entry) there(s *dockerfile.Stage) bool {
	for _, stage := range lineage(s) {
		for _, i := range stage.Instructions {
			if stage == s && i.Index >= e.run.Index {
				return false
			}
			if made := makesDir(i); made == e.dir || strings.HasPrefix(made, e.dir+"/") {
				return true
			}
		}
	}
	return false
}

// makesDir is the directory that is surely there after a WORKDIR or COPY; "" when there is none.
func makesDir(i *dockerfile.Instruction) string {
	switch i.Keyword {
	case "WORKDIR":
		return absolutePath(i, i.Text())
	case "COPY", "ADD":
		if to, dir := destination(i); dir {
			return to
		} else if to != "" {
			return path.Dir(to)
		}
	}
	return ""
}

// judge reports the finding when the change is small; it says whether it did.
func (e entry) judge(p *check.Pass) bool {
	here := e.run.Stage.Before(e.run).Workdir == e.dir
	message := fmt.Sprintf("the step goes to `%s` by itself, which the steps below do not see; WORKDIR says it once for all",
		e.dir)
	after := next(e.run)
	switch {
	case here:
		message = fmt.Sprintf("the step goes to `%s`, where it is already", e.dir)
	case after != nil && after.Keyword == "WORKDIR" && path.IsAbs(after.Text()):
	case e.again() > 1:
		message = fmt.Sprintf("%d steps go to `%s`, each by itself; WORKDIR says it once for all", e.again(), e.dir)
		const reason = "what follows works in another directory, which a second WORKDIR would have to set again"
		p.Advise(e.run.Code(), message, reason)
		return true
	default:
		return false
	}
	fix, err := fixes.EnterByWorkdir(p.File, e.run, e.cd, e.dir)
	if err != nil {
		p.Advise(e.run.Code(), message, err.Error())
		return false
	}
	p.Report(e.run.Code(), message, fix)
	return false
}

// again is how many steps of the stage go there.
func (e entry) again() int {
	n := 0
	for _, i := range e.run.Stage.Instructions {
		if other, ok := enters(i); ok && other.dir == e.dir && i.Stage.Before(i).Workdir != e.dir {
			n++
		}
	}
	return n
}
