package dockerfile

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/syntax"
)

// A Script is the shell program of a shell-form RUN, CMD, ENTRYPOINT or HEALTHCHECK.
type Script struct {
	Text string // what the shell is given
	AST  *syntax.File
	Bash bool // parsed as bash because SHELL says so, else as POSIX sh

	text  mapped
	calls func() []Command
}

// ErrNoScript is wrapped by Instruction.Script's error when there is no shell program that could be read: exec form, a
// shell that is not a Unix one, text too large or too deeply nested.
var ErrNoScript = errors.New("no readable shell script")

// The bounds within which a script is parsed; the shell parser is recursive and a stack overflow cannot be recovered.
const (
	maxScript  = 64 << 10
	maxNesting = 1000
)

// Script is the instruction's shell program. A heredoc RUN (RUN <<EOF) is parsed from its content. The result is shared and
// must not be changed.
func (i *Instruction) Script() (*Script, error) { return i.script() }

// OwnScript is like Script, for a caller who changes the result.
func (i *Instruction) OwnScript() (*Script, error) { return i.parseScript() }

func (i *Instruction) parseScript() (*Script, error) {
	if i.Form != ShellForm {
		return nil, fmt.Errorf("line %d: exec form: %w", i.Line(), ErrNoScript)
	}
	lang, err := i.language()
	if err != nil {
		return nil, err
	}
	text := i.scriptText()
	if len(text.text) > maxScript || nesting(text.text) > maxNesting {
		return nil, fmt.Errorf("line %d: too large or too deeply nested: %w", i.Line(), ErrNoScript)
	}
	ast, err := syntax.NewParser(syntax.Variant(lang), syntax.KeepComments(true)).Parse(strings.NewReader(text.text), "")
	if err != nil {
		return nil, fmt.Errorf("line %d: shell syntax: %w: %w", i.Line(), err, ErrNoScript)
	}
	s := &Script{Text: text.text, AST: ast, Bash: lang == syntax.LangBash, text: text}
	s.calls = sync.OnceValue(s.findCalls)
	return s, nil
}

// language is the shell dialect in force.
func (i *Instruction) language() (syntax.LangVariant, error) {
	if i.Stage == nil || i.Stage.Windows() {
		return 0, fmt.Errorf("line %d: not a Unix shell: %w", i.Line(), ErrNoScript)
	}
	shell := i.Stage.Before(i).Shell
	if len(shell) == 0 {
		return syntax.LangPOSIX, nil
	}
	switch path.Base(shell[0]) {
	case "sh", "dash", "ash":
		return syntax.LangPOSIX, nil
	case "bash":
		return syntax.LangBash, nil
	}
	return 0, fmt.Errorf("line %d: shell %s: %w", i.Line(), shell[0], ErrNoScript)
}

// scriptText is the text the shell is given, as BuildKit's dispatchRun builds it.
func (i *Instruction) scriptText() mapped {
	body := i.body
	if i.Keyword == "HEALTHCHECK" && len(i.Words) > 0 {
		at := len(i.Words[0].Text)
		at += len(body.text[at:]) - len(strings.TrimLeft(body.text[at:], " \t"))
		body = body.slice(at, len(body.text))
	}
	if len(i.Heredocs) == 0 {
		return body
	}
	if len(i.Heredocs) == 1 && isOnlyHeredoc(body.text) {
		return i.heredocText(i.Heredocs[0])
	}
	return i.withHeredocs(body)
}

// isOnlyHeredoc reports whether the body is nothing but one redirection: "<<EOF", "<<-'EOF'".
func isOnlyHeredoc(body string) bool {
	return strings.HasPrefix(body, "<<") && !strings.ContainsAny(body, " \t;|&>") && strings.Count(body, "<<") == 1
}

// heredocText is a here-document's content, without the leading tabs that "<<-" takes away.
func (i *Instruction) heredocText(h Heredoc) mapped {
	var m mapped
	var text []byte
	src := i.file.Src
	for at := h.Body.Start; at < h.Body.End; {
		line := i.file.LineSpan(i.file.Line(at))
		for h.Chomp && at < line.End && src[at] == '\t' {
			at++
		}
		m.add(src, at, line.End, &text)
		at = line.End
	}
	m.text = string(text)
	return m
}

// withHeredocs is the command line followed by its here-documents, for the shell to read.
func (i *Instruction) withHeredocs(body mapped) mapped {
	var m mapped
	var text []byte
	src := i.file.Src
	for _, s := range body.segs {
		m.add(src, s.pos, s.pos+s.n, &text)
	}
	first := i.file.LineSpan(i.file.Line(i.Heredocs[0].Body.Start)).Start
	m.add(src, first-1, first, &text) // the line end before the first content line
	m.add(src, first, i.Heredocs[len(i.Heredocs)-1].End.End, &text)
	m.text = string(text)
	return m
}

// nesting is an upper bound of how deep the shell grammar can nest in text.
func nesting(text string) int {
	n := 0
	for _, opener := range []string{"(", "{", "`", "if", "while", "until", "for", "case", "select", "!", "[["} {
		n += strings.Count(text, opener)
	}
	return n
}

// Span is the bytes of the file that a node of AST was written with.
func (s *Script) Span(n syntax.Node) Span {
	return s.text.span(int(n.Pos().Offset()), int(n.End().Offset()))
}

// Range is the bytes of the file behind a range of Text.
func (s *Script) Range(start, end int) Span { return s.text.span(start, end) }

// A Command is a simple command of a script: a program and its arguments.
type Command struct {
	Words []Argument
	Call  *syntax.CallExpr
	Stmt  *syntax.Stmt // the statement it stands in; nil where Calls could not tell
	Span  Span
}

// Name is the program as written without its directory, "" when it is not literal.
func (c Command) Name() string {
	if len(c.Words) == 0 || !c.Words[0].Literal {
		return ""
	}
	return path.Base(c.Words[0].Text)
}

// Args are the words after the program's name.
func (c Command) Args() []Argument { return c.Words[min(1, len(c.Words)):] }

// Texts are the literal texts of all words; ok is false when one is not literal.
func (c Command) Texts() (texts []string, ok bool) {
	for _, w := range c.Words {
		if !w.Literal {
			return nil, false
		}
		texts = append(texts, w.Text)
	}
	return texts, true
}

// Plain reports whether c is nothing but a program and arguments: no assignments, redirections, negation, background.
func (c Command) Plain() bool {
	s := c.Stmt
	return s != nil && len(c.Call.Assigns) == 0 && len(s.Redirs) == 0 && !s.Negated && !s.Background && !s.Coprocess &&
		!s.Disown && len(c.Words) > 0
}

// An Argument is a word of a Command.
type Argument struct {
	Text    string // after quote removal; for a word that is not literal, as written
	Literal bool   // no expansion of any kind can change it: no $, `, ~, and no unquoted * ? [ {
	Span    Span
}

// Chain splits the script into the commands of one "a && b && c" list. ok is false unless the whole script is such a
// list of plain commands, without comments.
func (s *Script) Chain() (cmds []Command, ok bool) {
	if len(s.AST.Stmts) != 1 || len(s.AST.Last) > 0 {
		return nil, false
	}
	return s.chain(s.AST.Stmts[0])
}

func (s *Script) chain(stmt *syntax.Stmt) ([]Command, bool) {
	if len(stmt.Comments) > 0 || stmt.Semicolon.IsValid() {
		return nil, false
	}
	switch cmd := stmt.Cmd.(type) {
	case *syntax.CallExpr:
		c := s.command(stmt, cmd)
		return []Command{c}, c.Plain()
	case *syntax.BinaryCmd:
		if cmd.Op != syntax.AndStmt || stmt.Negated || stmt.Background || len(stmt.Redirs) > 0 {
			return nil, false
		}
		left, ok := s.chain(cmd.X)
		if !ok {
			return nil, false
		}
		right, ok := s.chain(cmd.Y)
		return append(left, right...), ok
	}
	return nil, false
}

// Calls are all simple commands of the script at any depth, in source order, command substitutions included. The result is
// shared and must not be changed.
func (s *Script) Calls() []Command { return slices.Clip(s.calls()) }

func (s *Script) findCalls() []Command {
	var out []Command
	syntax.Walk(s.AST, func(n syntax.Node) bool {
		if stmt, ok := n.(*syntax.Stmt); ok {
			if call, ok := stmt.Cmd.(*syntax.CallExpr); ok && len(call.Args) > 0 {
				out = append(out, s.command(stmt, call))
			}
		}
		return true
	})
	return out
}

// HasComments reports whether the script has a comment of its own; text joined behind one would be lost.
func (s *Script) HasComments() bool {
	found := false
	syntax.Walk(s.AST, func(n syntax.Node) bool {
		if _, ok := n.(*syntax.Comment); ok {
			found = true
		}
		return !found
	})
	return found
}

func (s *Script) command(stmt *syntax.Stmt, call *syntax.CallExpr) Command {
	c := Command{Call: call, Stmt: stmt, Span: s.Span(call)}
	for _, w := range call.Args {
		c.Words = append(c.Words, s.argument(w))
	}
	return c
}

func (s *Script) argument(w *syntax.Word) Argument {
	if text, ok := literal(w); ok {
		return Argument{Text: text, Literal: true, Span: s.Span(w)}
	}
	return Argument{Text: s.Text[w.Pos().Offset():w.End().Offset()], Span: s.Span(w)}
}

// literal is a word's value after quote removal, if no expansion can change it.
func literal(w *syntax.Word) (string, bool) {
	var b strings.Builder
	for k, part := range w.Parts {
		switch p := part.(type) {
		case *syntax.Lit:
			if strings.HasSuffix(p.Value, "$") && k+1 < len(w.Parts) {
				return "", false // $'a\tb': dash takes it as it stands, bash and BusyBox do not
			}
			text, ok := unescape(p.Value, k == 0)
			if !ok {
				return "", false
			}
			b.WriteString(text)
		case *syntax.SglQuoted:
			if p.Dollar {
				return "", false
			}
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			text, ok := quoted(p)
			if !ok {
				return "", false
			}
			b.WriteString(text)
		default:
			return "", false
		}
	}
	return b.String(), true
}

// unescape takes the backslashes out of an unquoted literal; false when it holds a pattern, a brace or a tilde.
func unescape(s string, first bool) (string, bool) {
	var b strings.Builder
	for k := 0; k < len(s); k++ {
		switch c := s[k]; {
		case c == '\\' && k+1 < len(s):
			k++
			if s[k] != '\n' {
				b.WriteByte(s[k])
			}
		case strings.IndexByte("*?[{", c) >= 0, c == '~' && (first && k == 0 || strings.ContainsAny(s[:k], ":=")):
			return "", false
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

func quoted(q *syntax.DblQuoted) (string, bool) {
	if q.Dollar {
		return "", false
	}
	var b strings.Builder
	for _, part := range q.Parts {
		lit, ok := part.(*syntax.Lit)
		if !ok {
			return "", false
		}
		text := lit.Value
		for k := 0; k < len(text); k++ {
			if text[k] == '\\' && k+1 < len(text) && strings.IndexByte("$`\"\\\n", text[k+1]) >= 0 {
				k++
				if text[k] == '\n' {
					continue
				}
			}
			b.WriteByte(text[k])
		}
	}
	return b.String(), true
}
