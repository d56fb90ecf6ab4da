package prove

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// leaves are the words after which a script may be over, or its shell another.
var leaves = []string{
	"exit", "exec", "return", "trap", "eval", "source", ".", "alias", "unalias", "enable", "command", "builtin", "hash", "unset",
	"break", "continue", "kill", "wait", "suspend", "coproc",
}

// endsWith checks that fixed's script is old's followed by "&& command", and that the command then runs exactly when old's
// script succeeds, and last.
func endsWith(old, fixed *dockerfile.Instruction, command string) error {
	b, err := old.Script()
	if err != nil {
		return err
	}
	a, err := fixed.Script()
	if err != nil {
		return err
	}
	if len(b.AST.Stmts) == 0 || len(b.AST.Stmts) != len(a.AST.Stmts) || b.HasComments() || a.HasComments() {
		return fmt.Errorf("the script on line %d has another shape", old.Line())
	}
	last := len(b.AST.Stmts) - 1
	for k := range last {
		if !alike(b.AST.Stmts[k], a.AST.Stmts[k]) {
			return fmt.Errorf("the script on line %d differs in more than its end", old.Line())
		}
	}
	both, ok := a.AST.Stmts[last].Cmd.(*syntax.BinaryCmd)
	if !ok || both.Op != syntax.AndStmt || !bare(a.AST.Stmts[last]) || !alike(both.X, b.AST.Stmts[last]) {
		return fmt.Errorf("the script on line %d is not the old one with a command behind it", old.Line())
	}
	text, err := printed(both.Y)
	if _, ok := both.Y.Cmd.(*syntax.CallExpr); !ok || !bare(both.Y) || err != nil || text != command {
		return fmt.Errorf("the script on line %d does not end with %q", old.Line(), command)
	}
	return joinable(b)
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

// joinable checks that "&& x" behind the script means: when the script succeeds, x. The script must reach its end in
// the foreground, with the programs it names; and since -e is off for all that stands left of "&&", its last pipeline must
// have only simple commands without substitutions, for which -e makes no difference there.
func joinable(s *dockerfile.Script) error {
	var bad error
	syntax.Walk(s.AST, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.FuncDecl, *syntax.CoprocClause:
			bad = errors.New("the script defines functions")
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
		if name := cmd.Name(); name == "" || slices.Contains(leaves, name) {
			return fmt.Errorf("the script may end or change the shell before its end (%s)", cmd.Words[0].Text)
		}
	}
	return simpleEnd(s.AST.Stmts[len(s.AST.Stmts)-1])
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
