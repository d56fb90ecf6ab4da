package prove

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	"google.golang.org/protobuf/proto"
	"mvdan.cc/sh/v3/syntax"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// A rewrite is one command whose words changed. The assignments in front of a program count as words.
type rewrite struct {
	*change
	run     *dockerfile.Instruction // the RUN before
	was, is []dockerfile.Argument
	sets    int // how many words of was are assignments
	in      surroundings
}

// A rewording is what one Rule allows.
type rewording struct {
	command func(r rewrite) error                   // why a rewrite is not what the rule makes
	spares  []string                                // directories that afterwards hold less, or nothing
	needs   func(words []string, literal bool) bool // whether a later command may need what is no longer there; nil: none
	against *pattern.Pattern                        // what a file must not say; nil: nothing
}

// reworded: one RUN differs, its script is the old one but for the words of commands, and each command that differs
// became what the rule makes of it.
func reworded(intent fixes.Reworded) predicate {
	return predicate{
		text: func(c *change) error { return rewordedText(c, intent) },
		image: func(c *change, b, a image) error {
			n := prefix(b.steps, a.steps)
			if n >= len(b.steps) || n >= len(a.steps) {
				return errors.New("no step differs")
			}
			if err := sameButWords(b.steps[n], a.steps[n], c.old[0], c.fixed[0]); err != nil {
				return err
			}
			spares := rewordings[intent.Rule].spares
			if err := mountsNothing(b.steps[n], spares); err != nil {
				return err
			}
			if len(spares) > 0 && mountsCache(b.steps[n], path.Base(spares[0])) {
				return errors.New("a mount keeps what would no longer be kept")
			}
			return rest(b, a, n+1, n+1)
		},
	}
}

func rewordedText(c *change, intent fixes.Reworded) error {
	rule, ok := rewordings[intent.Rule]
	if !ok {
		return fmt.Errorf("nothing is known of the rule %q", intent.Rule)
	}
	old, fixed, err := c.pair("RUN")
	if err != nil {
		return err
	}
	if err := sameFlags(old, fixed); err != nil {
		return err
	}
	if err := c.knowsOption(old, intent.Rule); err != nil {
		return err
	}
	changed, err := rewrites(old, fixed)
	if err != nil {
		return err
	}
	if len(changed) == 0 {
		return errors.New("no command has other words")
	}
	if rule.against != nil {
		if said := rule.against.FindStringSubmatch(string(c.Before)); said != nil {
			return fmt.Errorf("what the command does depends on %s", strings.TrimSpace(said[0]))
		}
	}
	for _, r := range changed {
		r.change, r.run = c, old
		if err := c.unreplaced(old, r.was[min(r.sets, len(r.was)-1)].Text); err != nil {
			return err
		}
		if err := rule.command(r); err != nil {
			return err
		}
	}
	return c.spared(old, rule)
}

// spared checks that nothing needs what is no longer there.
func (c *change) spared(run *dockerfile.Instruction, rule rewording) error {
	if len(rule.spares) == 0 {
		return nil
	}
	if err := c.notNeeded(run, cleanup{removes: rule.spares}); err != nil {
		return err
	}
	if err := c.notRead(run, rule.spares); err != nil {
		return err
	}
	if rule.needs != nil && usesIndex(run) {
		return errors.New("the same step may need what is no longer kept")
	}
	for _, i := range c.before.Instructions[run.Index+1:] {
		if i.Keyword == "RUN" && rule.needs != nil && mayNeed(i, rule.needs) {
			return fmt.Errorf("line %d may need what is no longer kept", i.Line())
		}
	}
	return nil
}

// mayNeed reports whether a RUN has a command that needs something, or cannot be read.
func mayNeed(i *dockerfile.Instruction, needs func([]string, bool) bool) bool {
	if i.Form == dockerfile.ExecForm {
		return needs(texts(i), true)
	}
	script, err := i.Script()
	return err != nil || slices.ContainsFunc(script.Calls(), func(cmd dockerfile.Command) bool {
		var words []string
		for _, w := range cmd.Words {
			words = append(words, w.Text)
		}
		return needs(words, cmd.Words[0].Literal)
	})
}

// rewrites are the commands of two RUNs that differ, when nothing else does.
func rewrites(old, fixed *dockerfile.Instruction) ([]rewrite, error) {
	if old.Form != fixed.Form {
		return nil, errors.New("the form of the RUN differs")
	}
	if old.Form == dockerfile.ExecForm {
		return []rewrite{{was: execCommand(old).Words, is: execCommand(fixed).Words}}, nil
	}
	b, err := plainScript(old)
	if err != nil {
		return nil, err
	}
	a, err := plainScript(fixed)
	if err != nil {
		return nil, err
	}
	was, is, in := b.Calls(), a.Calls(), around(b)
	if len(was) != len(is) {
		return nil, errors.New("the script has other commands")
	}
	var out []rewrite
	for k := range was {
		r := rewrite{was: wordsOf(b, was[k]), is: wordsOf(a, is[k]), sets: len(was[k].Call.Assigns), in: in[was[k].Call]}
		if !slices.EqualFunc(r.was, r.is, sameWord) {
			out = append(out, r)
			was[k].Call.Assigns, is[k].Call.Assigns = nil, nil
			was[k].Call.Args, is[k].Call.Args = placeholder(k), placeholder(k)
		}
	}
	if !slices.EqualFunc(b.AST.Stmts, a.AST.Stmts, alike) {
		return nil, errors.New("more than the words of commands differs in the script")
	}
	return out, nil
}

// plainScript is the script of a RUN in which a program's name means the program.
func plainScript(i *dockerfile.Instruction) (*dockerfile.Script, error) {
	script, err := i.OwnScript()
	if err != nil {
		return nil, err
	}
	if strings.Contains(script.Text, "\r") {
		return nil, fmt.Errorf("the shell takes the carriage return on line %d as text", i.Line())
	}
	var bad error
	syntax.Walk(script.AST, func(n syntax.Node) bool {
		switch n.(type) {
		case *syntax.FuncDecl, *syntax.CoprocClause:
			bad = errors.New("the script defines functions")
		}
		return bad == nil
	})
	for _, cmd := range script.Calls() {
		if name := cmd.Name(); name == "alias" || name == "eval" || name == "hash" || name == "enable" {
			bad = fmt.Errorf("the script may give a name another meaning (%s)", name)
		} else if name == "." || name == "source" {
			if len(cmd.Words) != 2 || !onlySettings(cmd.Words[1].Text) {
				bad = fmt.Errorf("the script may give a name another meaning (%s)", name)
			}
		}
	}
	return script, bad
}

// wordsOf are the assignments and the words of a command.
func wordsOf(s *dockerfile.Script, cmd dockerfile.Command) []dockerfile.Argument {
	var out []dockerfile.Argument
	for _, a := range cmd.Call.Assigns {
		text := s.Text[a.Pos().Offset():a.End().Offset()]
		out = append(out, dockerfile.Argument{Text: text, Literal: plainAssignment.MatchString(text)})
	}
	return append(out, cmd.Words...)
}

// plainAssignment matches an assignment of a value that the shell takes as it stands.
var plainAssignment = pattern.New(`^[A-Za-z_]\w*=[\w./:@%+-]*$`)

func sameWord(v, w dockerfile.Argument) bool { return v.Text == w.Text && v.Literal == w.Literal }

// placeholder stands for the words of a command that changed.
func placeholder(k int) []*syntax.Word {
	return []*syntax.Word{{Parts: []syntax.WordPart{&syntax.Lit{Value: fmt.Sprintf("changed%d", k)}}}}
}

// sameButWords checks that two exec steps differ in nothing but the script, or the array of words, of i and j.
func sameButWords(b, a step, i, j *dockerfile.Instruction) error {
	if i.Form != dockerfile.ExecForm {
		return sameButScript(b, a, i, j)
	}
	bop, aop := execOf(b), execOf(a)
	if bop == nil || aop == nil {
		return errors.New("a step is not a command")
	}
	if !slices.Equal(bop.Meta.Args, texts(i)) || !slices.Equal(aop.Meta.Args, texts(j)) {
		return errors.New("the array is not what the step runs")
	}
	bop.Meta.Args, aop.Meta.Args = nil, nil
	if !proto.Equal(bop, aop) || !slices.Equal(b.raw.Inputs, a.raw.Inputs) {
		return errors.New("the step's environment, user, directory or mounts differ")
	}
	return nil
}

func texts(i *dockerfile.Instruction) (out []string) {
	for _, w := range i.Words {
		out = append(out, w.Text)
	}
	return out
}

// added are the words of is that was does not have, by their place in is; the others are the same in the same order.
func (r rewrite) added() (map[int]string, error) {
	out := map[int]string{}
	k := 0
	for at, w := range r.is {
		switch {
		case k < len(r.was) && sameWord(r.was[k], w):
			k++
		case !w.Literal:
			return nil, fmt.Errorf("the added word %s is not literal", w.Text)
		default:
			out[at] = w.Text
		}
	}
	if k < len(r.was) || len(out) == 0 {
		return nil, errors.New("more than the added words differs in a command")
	}
	return out, nil
}

// mountsCache reports whether a step mounts a cache that may be the tool's, wherever it lies.
func mountsCache(s step, tool string) bool {
	e := execOf(s)
	return e != nil && slices.ContainsFunc(e.Mounts, func(m *pb.Mount) bool {
		return m.MountType == pb.MountType_CACHE && !strings.Contains(m.Dest, "/apt") && !within(m.Dest, "/root/.npm") ||
			strings.Contains(m.Dest, tool)
	})
}

// usesIndex reports whether a step calls apk, behind an install, for something that an index is needed for.
func usesIndex(i *dockerfile.Instruction) bool {
	script, err := i.Script()
	if err != nil {
		return i.Form != dockerfile.ExecForm
	}
	added := false
	for _, cmd := range script.Calls() {
		if cmd.Name() != "apk" {
			continue
		}
		has := func(verb string) bool {
			return slices.ContainsFunc(cmd.Args(), func(w dockerfile.Argument) bool { return w.Text == verb })
		}
		if added && !has("add") && !has("del") && !has("update") && !has("--no-cache") {
			return true
		}
		added = added || has("add")
	}
	return false
}
