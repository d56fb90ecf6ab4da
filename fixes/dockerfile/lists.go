package dockerfile

import "mvdan.cc/sh/v3/syntax"

// A List is one statement of a script written as "a && b | c && d".
type List struct {
	Pipelines [][]Command // the operands of "&&", each a pipeline of one or more commands
	Ended     bool        // by a semicolon
}

// Commands are all commands of l in order.
func (l List) Commands() []Command {
	var out []Command
	for _, p := range l.Pipelines {
		out = append(out, p...)
	}
	return out
}

// Lists splits the script into its top-level statements. ok is false unless each is a List whose commands start a program,
// if need be with assignments before it and redirections: no "||", no negation, no background job, no compound.
func (s *Script) Lists() (lists []List, ok bool) {
	for _, stmt := range s.AST.Stmts {
		l := List{Ended: stmt.Semicolon.IsValid()}
		if l.Pipelines, ok = s.pipelines(stmt); !ok {
			return nil, false
		}
		lists = append(lists, l)
	}
	return lists, len(lists) > 0
}

// pipelines are the operands of an and-list.
func (s *Script) pipelines(stmt *syntax.Stmt) ([][]Command, bool) {
	and, ok := stmt.Cmd.(*syntax.BinaryCmd)
	if !ok || and.Op != syntax.AndStmt {
		p, ok := s.pipeline(stmt)
		return [][]Command{p}, ok
	}
	left, ok := s.pipelines(and.X)
	if !ok || !unadorned(stmt) {
		return nil, false
	}
	right, ok := s.pipelines(and.Y)
	return append(left, right...), ok
}

// pipeline are the commands of one.
func (s *Script) pipeline(stmt *syntax.Stmt) ([]Command, bool) {
	switch cmd := stmt.Cmd.(type) {
	case *syntax.CallExpr:
		return []Command{s.command(stmt, cmd)}, len(cmd.Args) > 0 && forward(stmt)
	case *syntax.BinaryCmd:
		if cmd.Op != syntax.Pipe || !unadorned(stmt) {
			return nil, false
		}
		left, ok := s.pipeline(cmd.X)
		if !ok {
			return nil, false
		}
		right, ok := s.pipeline(cmd.Y)
		return append(left, right...), ok
	}
	return nil, false
}

// forward reports whether stmt is waited for and its exit status is that of its command.
func forward(stmt *syntax.Stmt) bool {
	return !stmt.Negated && !stmt.Background && !stmt.Coprocess && !stmt.Disown
}

func unadorned(stmt *syntax.Stmt) bool { return forward(stmt) && len(stmt.Redirs) == 0 }
