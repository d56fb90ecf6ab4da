package prove

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// surroundings are what a command stands in, as far as its input, output or status goes elsewhere.
type surroundings struct {
	fed    bool   // something is written to it
	heard  bool   // its output goes to a file, a variable or another command
	judged bool   // its failure is turned around, or waited for
	second bool   // it runs because another command failed
	reader string // the command that gets its output through a pipe
}

// around finds the surroundings of every command of a script.
func around(script *dockerfile.Script) map[*syntax.CallExpr]surroundings {
	out := map[*syntax.CallExpr]surroundings{}
	mark := func(n syntax.Node, set func(*surroundings)) {
		syntax.Walk(n, func(n syntax.Node) bool {
			if call, ok := n.(*syntax.CallExpr); ok {
				s := out[call]
				set(&s)
				out[call] = s
			}
			return true
		})
	}
	syntax.Walk(script.AST, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.BinaryCmd:
			if n.Op == syntax.Pipe || n.Op == syntax.PipeAll {
				reader := firstProgram(n.Y)
				mark(n.X, func(s *surroundings) { s.heard, s.reader = true, reader })
				mark(n.Y, func(s *surroundings) { s.fed = true })
			}
			if n.Op == syntax.OrStmt {
				mark(n.Y, func(s *surroundings) { s.second = true })
			}
		case *syntax.CmdSubst:
			mark(n, func(s *surroundings) { s.heard = true })
		case *syntax.WhileClause:
			for _, cond := range n.Cond {
				mark(cond, func(s *surroundings) { s.judged = true })
			}
		case *syntax.Stmt:
			for _, r := range n.Redirs {
				in := slices.Contains([]syntax.RedirOperator{syntax.RdrIn, syntax.Hdoc, syntax.DashHdoc, syntax.WordHdoc}, r.Op)
				mark(n, func(s *surroundings) { s.fed, s.heard = s.fed || in, s.heard || !in })
			}
			if n.Negated {
				mark(n, func(s *surroundings) { s.judged = true })
			}
		}
		return true
	})
	return out
}

// firstProgram is the name of the program that a statement begins with, "" when it does not begin with one.
func firstProgram(s *syntax.Stmt) string {
	switch cmd := s.Cmd.(type) {
	case *syntax.CallExpr:
		if len(cmd.Args) > 0 {
			return path.Base(cmd.Args[0].Lit())
		}
	case *syntax.BinaryCmd:
		return firstProgram(cmd.X)
	}
	return ""
}

// unreplaced checks that no earlier step puts something else in the place of a program.
func (c *change) unreplaced(run *dockerfile.Instruction, program string) error {
	name := path.Base(program)
	for s := run.Stage; s != nil; s = s.Parent {
		for _, i := range s.Instructions {
			if i.Index <= run.Index && putsInPlace(i, name) {
				return fmt.Errorf("line %d may put another program in the place of %s", i.Line(), name)
			}
		}
	}
	return nil
}

// writesTo matches a redirection into a file of a directory of programs, or of one that is put together.
var writesTo = pattern.New(`>\s*["']?[\w/$.{}-]*bin/([\w.+-]+)`)

// putsInPlace reports whether an instruction may write a program of that name.
func putsInPlace(i *dockerfile.Instruction, name string) bool {
	switch i.Keyword {
	case "COPY", "ADD":
		return len(i.Words) > 1 && slices.ContainsFunc(i.Words, func(w dockerfile.Word) bool { return path.Base(w.Text) == name }) &&
			strings.Contains(i.Words[len(i.Words)-1].Text, "bin")
	case "RUN":
	default:
		return false
	}
	for _, m := range writesTo.FindAllStringSubmatch(i.Text(), -1) {
		if m[1] == name {
			return true
		}
	}
	script, err := i.Script()
	return err == nil && slices.ContainsFunc(script.Calls(), func(cmd dockerfile.Command) bool { return puts(cmd, name) })
}

// puts reports whether a command may write a program of that name. A link to another version of it does not count.
func puts(cmd dockerfile.Command, name string) bool {
	if !slices.Contains([]string{"ln", "cp", "mv", "install", "tee", "update-alternatives", "dpkg-divert"}, cmd.Name()) {
		return false
	}
	named, versions := false, true
	for _, w := range cmd.Args() {
		text := strings.Trim(w.Text, `"'`)
		switch base := path.Base(text); {
		case strings.HasPrefix(text, "-") || !strings.Contains(text, "/"):
		case base == name && strings.Contains(text, "bin/"):
			named = true
		case !strings.HasPrefix(base, name):
			versions = false
		}
	}
	return named && !versions
}

// notRead checks that neither the step itself nor what stands behind it names the directories that will hold less,
// other than to remove them whether they are there or not.
func (c *change) notRead(run *dockerfile.Instruction, dirs []string) error {
	for _, i := range c.before.Instructions[run.Index:] {
		if i == run && reads(i, dirs) {
			return errors.New("the same step may read what is no longer kept")
		}
		if i.Keyword == "RUN" && removesForSure(i, dirs) {
			return fmt.Errorf("line %d fails when there is nothing to remove", i.Line())
		}
	}
	return nil
}

// removesForSure reports whether an rm of one of the directories does not say that it may be missing.
func removesForSure(i *dockerfile.Instruction, dirs []string) bool {
	script, err := i.Script()
	return err == nil && slices.ContainsFunc(script.Calls(), func(cmd dockerfile.Command) bool {
		if cmd.Name() != "rm" && cmd.Name() != "rmdir" {
			return false
		}
		named, forced := false, false
		for _, w := range cmd.Args() {
			forced = forced || w.Text == "--force" || strings.HasPrefix(w.Text, "-") && !strings.HasPrefix(w.Text, "--") &&
				strings.Contains(w.Text, "f")
			named = named || slices.ContainsFunc(dirs, func(dir string) bool {
				return strings.Contains(w.Text, strings.TrimPrefix(dir, "/root"))
			})
		}
		return named && !forced
	})
}
