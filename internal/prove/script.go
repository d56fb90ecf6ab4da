package prove

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// leaves are the words after which a script may be over, or its shell another.
var leaves = []string{
	"exit", "exec", "return", "trap", "eval", "source", ".", "alias", "unalias", "enable", "command", "builtin", "hash",
	"break", "continue", "kill", "wait", "suspend", "coproc", "shopt", "umask", "ulimit", "declare", "typeset", "readonly",
}

// stricter matches the options of set that change nothing in what a command does: they print, or end the script
// sooner.
var stricter = pattern.New(`^(-[eux]+|-[eux]*o pipefail)( (-[eux]+|-[eux]*o pipefail))*$`)

// endsWith checks that fixed's script is old's with the command behind it, and that the command then runs exactly
// when old's script succeeds, and last.
func endsWith(old, fixed *dockerfile.Instruction, command string) error {
	b, err := old.Script()
	if err != nil {
		return err
	}
	a, err := fixed.Script()
	if err != nil {
		return err
	}
	if b.HasComments() != a.HasComments() || b.HasComments() && len(old.Heredocs) == 0 {
		return fmt.Errorf("the script on line %d has comments", old.Line())
	}
	if strings.Contains(b.Text, "\r") {
		return fmt.Errorf("the shell takes the carriage return on line %d as text", old.Line())
	}
	if err := reachesEnd(b); err != nil {
		return err
	}
	was, is := b.AST.Stmts, a.AST.Stmts
	switch {
	case len(was) > 0 && len(is) == len(was) && allAlike(was[:len(was)-1], is[:len(was)-1]):
		return joinedEnd(was[len(was)-1], is[len(is)-1], command)
	case len(was) > 1 && len(is) == len(was)+1 && allAlike(was, is[:len(was)]):
		return addedEnd(was, is[len(is)-1], command)
	}
	return fmt.Errorf("the script on line %d is not the old one with a command behind it", old.Line())
}

// joinedEnd checks that the last statement became "old && command". The shell's -e is off for all that stands left of
// "&&", so that the last pipeline has to have only simple commands without substitutions, for which that makes no
// difference.
func joinedEnd(was, is *syntax.Stmt, command string) error {
	both, ok := is.Cmd.(*syntax.BinaryCmd)
	if !ok || both.Op != syntax.AndStmt || !bare(is) || !alike(both.X, was) || !isCommand(both.Y, command) {
		return fmt.Errorf("the script does not end with %q", "&& "+command)
	}
	return simpleEnd(was)
}

// addedEnd checks a statement of its own at the end: it runs only after success because the script begins with "set
// -e" and the statement before it is one command, whose failure that stops.
func addedEnd(was []*syntax.Stmt, added *syntax.Stmt, command string) error {
	first, err := printed(was[0])
	if err != nil || !strings.HasPrefix(first, "set -e") || !bare(was[0]) {
		return errors.New("the command would also run after a failure: the script does not begin with set -e")
	}
	last := was[len(was)-1]
	if _, ok := last.Cmd.(*syntax.CallExpr); !ok || last.Negated || last.Background {
		return errors.New("the command would also run after a failure: the last one is not simple")
	}
	if !isCommand(added, command) {
		return fmt.Errorf("the script does not end with %q", command)
	}
	return nil
}

// isCommand reports whether a statement is the command, word for word.
func isCommand(s *syntax.Stmt, command string) bool {
	text, err := printed(s)
	_, ok := s.Cmd.(*syntax.CallExpr)
	return ok && bare(s) && err == nil && text == command
}

func allAlike(x, y []*syntax.Stmt) bool {
	return slices.EqualFunc(x, y, alike)
}

// bare reports whether a statement is nothing but its command.
func bare(s *syntax.Stmt) bool {
	return !s.Negated && !s.Background && !s.Coprocess && !s.Disown && len(s.Redirs) == 0 && !s.Semicolon.IsValid()
}

// alike reports whether two statements are the same, whatever their layout.
func alike(x, y *syntax.Stmt) bool {
	a, err := printed(x)
	if err != nil {
		return false
	}
	b, err := printed(y)
	return err == nil && a == b
}

// printed is a statement in one fixed layout.
func printed(s *syntax.Stmt) (string, error) {
	var out strings.Builder
	err := syntax.NewPrinter(syntax.SingleLine(true)).Print(&out, s)
	return strings.TrimSpace(out.String()), err
}

// reachesEnd checks that the shell which runs the script is at its end the same that it was, in the foreground, with
// the same commands.
func reachesEnd(s *dockerfile.Script) error {
	var bad error
	syntax.Walk(s.AST, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.FuncDecl, *syntax.CoprocClause:
			bad = errors.New("the script defines functions")
		case *syntax.Assign:
			if n.Name != nil && slices.Contains([]string{"PATH", "IFS", "BASH_ENV", "HOME"}, n.Name.Value) {
				bad = fmt.Errorf("the script sets %s", n.Name.Value)
			}
		case *syntax.Stmt:
			if n.Background || n.Coprocess || n.Disown {
				bad = errors.New("the script starts something in the background")
			}
		}
		return bad == nil
	})
	if bad != nil {
		return bad
	}
	for _, cmd := range s.Calls() {
		if err := staysShell(cmd); err != nil {
			return err
		}
	}
	return nil
}

// staysShell checks one command of a script.
func staysShell(cmd dockerfile.Command) error {
	name := cmd.Name()
	if name == "" || slices.Contains(leaves, name) {
		return fmt.Errorf("the script may end or change the shell before its end (%s)", cmd.Words[0].Text)
	}
	words, ok := cmd.Texts()
	switch {
	case name == "set" && (!ok || !stricter.MatchString(strings.Join(words[1:], " "))):
		return errors.New("the script sets options of the shell that are not known")
	case name == "export" && (!ok || strings.Contains(strings.Join(words, " "), "PATH=")):
		return errors.New("the script exports what the command may depend on")
	}
	return nil
}

// simpleEnd checks the last operand of an and-or list.
func simpleEnd(s *syntax.Stmt) error {
	switch cmd := s.Cmd.(type) {
	case *syntax.BinaryCmd:
		if cmd.Op == syntax.Pipe || cmd.Op == syntax.PipeAll {
			if err := simpleEnd(cmd.X); err != nil {
				return err
			}
		}
		return simpleEnd(cmd.Y)
	case *syntax.CallExpr:
		nested := false
		syntax.Walk(cmd, func(n syntax.Node) bool {
			switch n.(type) {
			case *syntax.CmdSubst, *syntax.ProcSubst:
				nested = true
			}
			return !nested
		})
		if nested {
			return errors.New("the script's last command runs others within it")
		}
		return nil
	}
	return errors.New("the script's last command is not a simple one")
}
