package fixes

import (
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// AppendCommand lets run, a RUN in shell form, run command at the end, if all before succeeded: " && command" on a line
// of its own. The script must be an && list of programs that leave the shell as it is. A RUN that is one here-document
// gets a last line instead; it must begin with "set -e" and end with a plain command, so that its exit status is kept.
func AppendCommand(f *dockerfile.File, run *dockerfile.Instruction, command string) ([]Edit, error) {
	if err := runnable(f, run); err != nil {
		return nil, err
	}
	if _, err := parseCommand(f, command); err != nil {
		return nil, err
	}
	cmds, err := chain(f, run)
	if err != nil {
		return nil, err
	}
	for _, c := range cmds {
		if _, err := program(c); err != nil {
			return nil, err
		}
	}
	eol := eolAt(f, f.LineSpan(f.Line(run.KeywordSpan.Start)).End)
	text := layoutOf(f, run, cmds).join(f, eol) + command
	return checked(f, 0, edit(f, point(run.Body.End), text))
}

// RemoveCommand takes cmd, one of the && list of run, out of it, with its "&&" and its line. The rest stays as written.
// It refuses the only command, and one with a comment line next to it, which might be about it.
func RemoveCommand(f *dockerfile.File, run *dockerfile.Instruction, cmd dockerfile.Command) ([]Edit, error) {
	if err := runnable(f, run); err != nil {
		return nil, err
	}
	cmds, err := chain(f, run)
	if err != nil {
		return nil, err
	}
	k := slices.IndexFunc(cmds, func(c dockerfile.Command) bool { return c.Span == cmd.Span })
	switch {
	case k < 0:
		return nil, refuse("the command is not one of the list of the RUN on line %d", run.Line())
	case len(cmds) == 1:
		return nil, refuse("nothing would be left of the RUN on line %d", run.Line())
	}
	before, after := run.Body.Start, run.Body.End
	if k > 0 {
		before = cmds[k-1].Span.End
	}
	if k+1 < len(cmds) {
		after = cmds[k+1].Span.Start
	}
	if commented(run, dockerfile.Span{Start: before, End: after}) {
		return nil, refuse("a comment stands next to the command")
	}
	cut := dockerfile.Span{Start: cmd.Span.Start, End: after}
	if k+1 == len(cmds) || k > 0 && f.Line(cmd.Span.Start) == f.Line(before) {
		cut = dockerfile.Span{Start: before, End: cmd.Span.End}
	}
	return checked(f, 0, edit(f, cut, ""))
}

func runnable(f *dockerfile.File, run *dockerfile.Instruction) error {
	if err := own(f, run); err != nil {
		return err
	}
	if run.Keyword != "RUN" {
		return refuse("%s on line %d is not a RUN", run.Keyword, run.Line())
	}
	return nil
}

// parseCommand reads a command that is to be written into f: an && list of programs on one line.
func parseCommand(f *dockerfile.File, command string) ([]dockerfile.Command, error) {
	if command == "" || strings.ContainsAny(command, "\r\n") {
		return nil, refuse("the command is not one line")
	}
	g, err := dockerfile.Parse(f.Path, []byte("FROM scratch\nRUN "+command+"\n"))
	if err != nil {
		return nil, refuse("the command is not a line of shell: %v", err)
	}
	return joinable(g, g.Instructions[1])
}
