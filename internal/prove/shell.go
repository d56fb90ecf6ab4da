package prove

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	"google.golang.org/protobuf/proto"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// simpleExpansion matches what a word may hold besides literal text: variables and patterns. Neither runs a command
// nor sets anything.
var simpleExpansion = pattern.New("^(" + strings.Join([]string{
	"[^$`<>()\\\\]", "\\\\[^$`]", `\$[A-Za-z_]\w*`, `\$\{[A-Za-z_]\w*\}`,
}, "|") + ")*$")

// shellVariable matches names whose value depends on the running shell itself.
var shellVariable = pattern.New(`\$\{?(_\b|RANDOM|SRANDOM|SECONDS|LINENO|PPID|SHLVL|BASH|EPOCH|OLDPWD|PWD|` +
	`HISTCMD|FUNCNAME|PIPESTATUS|OPTIND|OPTARG|REPLY|COMP_|DIRSTACK)`)

// chain reads the instruction's script as one "a && b && c" list of plain commands without command substitution.
func chain(i *dockerfile.Instruction) ([]dockerfile.Command, error) {
	script, err := i.Script()
	if err != nil {
		return nil, err
	}
	cmds, ok := script.Chain()
	if strings.Contains(script.Text, "\r") {
		return nil, fmt.Errorf("the shell takes the carriage return on line %d as text", i.Line())
	}
	if !ok {
		return nil, fmt.Errorf("the script on line %d is more than plain commands joined by &&", i.Line())
	}
	for _, c := range cmds {
		for _, w := range c.Words {
			if !w.Literal && (!simpleExpansion.MatchString(w.Text) || shellVariable.MatchString(w.Text)) {
				return nil, fmt.Errorf("the script on line %d has an expansion that is not known: %s", i.Line(), w.Text)
			}
		}
	}
	return cmds, nil
}

// single reads a script that is one command of literal words.
func single(i *dockerfile.Instruction) ([]string, error) {
	cmds, err := chain(i)
	if err != nil {
		return nil, err
	}
	words, ok := cmds[0].Texts()
	if len(cmds) != 1 || !ok {
		return nil, fmt.Errorf("the script on line %d is more than one command of literal words", i.Line())
	}
	return words, nil
}

// sameWords reports whether two commands are written with the same words.
func sameWords(x, y dockerfile.Command) bool {
	return slices.EqualFunc(x.Words, y.Words, func(v, w dockerfile.Argument) bool {
		return v.Text == w.Text && v.Literal == w.Literal
	})
}

// runs takes the shell and the script out of an exec step and returns the step without them.
func runs(s step) (shell []string, script string, rest *pb.ExecOp, err error) {
	op, err := s.op()
	if err != nil {
		return nil, "", nil, err
	}
	rest = op.GetExec()
	if rest == nil || len(rest.Meta.Args) < 2 {
		return nil, "", nil, errors.New("a step is not a command for a shell")
	}
	last := len(rest.Meta.Args) - 1
	shell, script = rest.Meta.Args[:last], rest.Meta.Args[last]
	return shell, script, rest, nil
}

// sameButScript reports whether two exec steps differ in nothing but the script that their shell is given, that
// script being what stands in i and j.
func sameButScript(b, a step, i, j *dockerfile.Instruction) error {
	bs, btext, bop, err := runs(b)
	if err != nil {
		return err
	}
	as, atext, aop, err := runs(a)
	if err != nil {
		return err
	}
	if err := isScript(i, btext); err != nil {
		return err
	}
	if err := isScript(j, atext); err != nil {
		return err
	}
	if !knownShell(bs) || !slices.Equal(bs, as) {
		return fmt.Errorf("what the shell %q does with a script is not known", bs)
	}
	if slices.ContainsFunc(bop.Meta.Env, changesShell) {
		return errors.New("a variable gives the shell commands of its own")
	}
	bop.Meta.Args, aop.Meta.Args = nil, nil
	if !proto.Equal(bop, aop) || !slices.Equal(b.raw.Inputs, a.raw.Inputs) {
		return errors.New("the step's environment, user, directory or mounts differ")
	}
	return nil
}

// changesShell reports whether a variable makes a shell read or define something before its script (bash(1)).
func changesShell(kv string) bool {
	name, _, _ := strings.Cut(kv, "=")
	return slices.Contains([]string{"BASH_ENV", "SHELLOPTS", "BASHOPTS"}, name) ||
		strings.HasPrefix(name, "BASH_FUNC_")
}

// isScript checks that the graph runs the script that was read from the file.
func isScript(i *dockerfile.Instruction, text string) error {
	script, err := i.Script()
	if err != nil {
		return err
	}
	if strings.TrimSpace(script.Text) != strings.TrimSpace(text) {
		return fmt.Errorf("the script on line %d is not what the step runs", i.Line())
	}
	return nil
}

// knownShell reports whether shell is a POSIX shell with options that do not change what "&&" between plain commands
// means.
func knownShell(shell []string) bool {
	if len(shell) < 2 {
		return false
	}
	switch shell[0] {
	case "/bin/sh", "sh", "/bin/bash", "bash", "/usr/bin/bash", "/bin/ash", "/bin/dash", "/bin/sh.exe":
	default:
		return false
	}
	return slices.Contains([]string{
		"-c", "-ec", "-exc", "-xec", "-uc", "-euc", "-eux -c", "-euxc", "-eu -c", "-e -c", "-x -c", "-u -c", "-xc", "-ex -c",
		"-o pipefail -c", "-e -o pipefail -c", "-eo pipefail -c", "-euo pipefail -c", "-exo pipefail -c", "-euxo pipefail -c",
		"-eux -o pipefail -c", "-eu -o pipefail -c", "-ex -o pipefail -c", "-u -o pipefail -c", "-o errexit -o pipefail -c",
		"-o errexit -o nounset -o pipefail -c", "-o errexit -c", "-xo pipefail -c", "-uo pipefail -c",
	}, strings.Join(shell[1:], " "))
}

// execOf is the step's ExecOp, nil when it is another kind of step.
func execOf(s step) *pb.ExecOp {
	op, err := s.op()
	if err != nil {
		return nil
	}
	return op.GetExec()
}

// copies are the copy actions of a step, those of its layer for a linked copy; nil when it is another kind of step.
func copies(s step) []*pb.FileActionCopy {
	if len(s.inner) == 1 {
		s = s.inner[0]
	}
	op, err := s.op()
	if err != nil || op.GetFile() == nil {
		return nil
	}
	var out []*pb.FileActionCopy
	for _, action := range op.GetFile().Actions {
		if action.GetCopy() == nil {
			return nil
		}
		out = append(out, action.GetCopy())
	}
	return out
}
