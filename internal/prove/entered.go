package prove

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/moby/buildkit/solver/pb"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// entered: one RUN lost the cd that it began with and runs in that directory by WORKDIR, which the graph shows to be
// there already. What follows runs where it did.
func entered(intent fixes.Entered) predicate {
	return predicate{
		text:  func(c *change) error { return enteredText(c, intent) },
		image: func(c *change, b, a image) error { return enteredImage(c, b, a, intent) },
	}
}

func enteredText(c *change, intent fixes.Entered) error {
	if len(c.old) != 1 || c.old[0].Keyword != "RUN" || len(c.fixed) == 0 || len(c.fixed) > 2 {
		return errors.New("what is changed is not one RUN")
	}
	old, fixed := c.old[0], c.fixed[len(c.fixed)-1]
	workdir := c.fixed[0]
	if fixed.Keyword != "RUN" || workdir != fixed && (workdir.Keyword != "WORKDIR" || workdir.Text() != intent.Dir) {
		return fmt.Errorf("the RUN is not entered by WORKDIR %s", intent.Dir)
	}
	if len(c.fixed) == 2 && old.Stage.Before(old).Workdir == intent.Dir {
		return errors.New("the step is there already")
	}
	if !literalDir.MatchString(intent.Dir) || path.Clean(intent.Dir) != intent.Dir || !path.IsAbs(intent.Dir) {
		return errors.New("the directory is not a literal absolute one")
	}
	if len(old.Heredocs)+len(fixed.Heredocs) > 0 {
		return errors.New("a here-document stands in it")
	}
	if strings.Contains(string(c.Before), "CDPATH") {
		return errors.New("CDPATH may lead cd somewhere else")
	}
	if err := sameFlags(old, fixed); err != nil {
		return err
	}
	return withoutCd(old, fixed, intent.Dir)
}

var goesBack = pattern.New(`\b(cd|pushd|popd)\s+-`)

// withoutCd checks that fixed's script is old's without the cd to dir that it begins with.
func withoutCd(old, fixed *dockerfile.Instruction, dir string) error {
	was, err := chain(old)
	if err != nil {
		return err
	}
	is, err := chain(fixed)
	if err != nil {
		return err
	}
	words, ok := was[0].Texts()
	if !ok || len(words) != 2 || words[0] != "cd" || strings.HasPrefix(words[1], "-") || words[1] == "" {
		return errors.New("the script does not begin with a plain cd")
	}
	if to := words[1]; !path.IsAbs(to) && old.Stage.Before(old).Workdir == "" ||
		path.Clean(under(old.Stage.Before(old).Workdir, to)) != dir {
		return fmt.Errorf("cd does not lead to %s", dir)
	}
	if !slices.EqualFunc(was[1:], is, sameWords) {
		return errors.New("the script is not the old one without its cd")
	}
	for _, cmd := range is {
		if slices.Contains([]string{"cd", "pushd", "popd", "dirs", "pwd", "exec", "eval", ".", "source"}, cmd.Name()) {
			return fmt.Errorf("the script also uses %s", cmd.Name())
		}
		for _, w := range cmd.Words { // cd sets a variable that names the directory that it left
			if strings.Contains(w.Text, "OLDPWD") || strings.Contains(w.Text, "~-") || goesBack.MatchString(w.Text) {
				return errors.New("the script goes back to where cd came from")
			}
		}
	}
	return nil
}

func enteredImage(c *change, b, a image, intent fixes.Entered) error {
	n := prefix(b.steps, a.steps)
	at := n
	if len(c.fixed) == 2 {
		if n >= len(a.steps) || !makesOnly(a.steps[n], intent.Dir) {
			return errors.New("WORKDIR does more than make its directory")
		}
		at++
	}
	if n >= len(b.steps) || at >= len(a.steps) {
		return errors.New("no step differs")
	}
	if !slices.ContainsFunc(b.steps[:n], func(s step) bool { return makes(s, intent.Dir) }) {
		return fmt.Errorf("nothing shows that %s is there", intent.Dir)
	}
	if err := sameButPlace(b.steps[n], a.steps[at], c.old[0], c.fixed[len(c.fixed)-1], intent.Dir); err != nil {
		return err
	}
	return rest(b, a, n+1, at+1)
}

// sameButPlace checks that two steps differ in their script and their directory alone, which is dir for the second.
func sameButPlace(b, a step, i, j *dockerfile.Instruction, dir string) error {
	op, err := b.op()
	if err != nil {
		return err
	}
	exec := execOf(a)
	if op.GetExec() == nil || exec == nil || exec.Meta.Cwd != dir {
		return fmt.Errorf("the step does not run in %s", dir)
	}
	op.GetExec().Meta.Cwd = dir
	b.raw.Op, err = proto.MarshalOptions{Deterministic: true}.Marshal(op)
	if err != nil {
		return err
	}
	return sameButScript(b, a, i, j)
}

// makesOnly reports whether a step makes the directory and nothing else.
func makesOnly(s step, dir string) bool {
	actions := actionsOf(s)
	return len(actions) == 1 && actions[0].GetMkdir().GetPath() == dir
}

// makes reports whether after a step the directory is there: it, or something in it, is made or copied.
func makes(s step, dir string) bool {
	if len(s.inner) == 1 {
		s = s.inner[0]
	}
	return slices.ContainsFunc(actionsOf(s), func(action *pb.FileAction) bool {
		if mkdir := action.GetMkdir(); mkdir != nil {
			return within(path.Clean(mkdir.Path), dir)
		}
		dest := action.GetCopy().GetDest()
		return strings.HasPrefix(dest, strings.TrimSuffix(dir, "/")+"/")
	})
}

// actionsOf are the actions of a file step; nil when it is another kind of step.
func actionsOf(s step) []*pb.FileAction {
	op, err := s.op()
	if err != nil || op.GetFile() == nil {
		return nil
	}
	return op.GetFile().Actions
}
