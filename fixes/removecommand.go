package fixes

import (
	"slices"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// RemoveCommand takes cmd, one of the && list of run, out of it, with its "&&" and its line. The rest stays as
// written. It refuses the only command, and one with a comment line next to it, which might be about it.
func RemoveCommand(f *dockerfile.File, run *dockerfile.Instruction, cmd dockerfile.Command) ([]Edit, error) {
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
	around := dockerfile.Span{Start: run.Body.Start, End: run.Body.End}
	if k > 0 {
		around.Start = cmds[k-1].Span.End
	}
	if k+1 < len(cmds) {
		around.End = cmds[k+1].Span.Start
	}
	if commented(run, around) {
		return nil, refuse("a comment stands next to the command")
	}
	cut := dockerfile.Span{Start: cmd.Span.Start, End: around.End}
	if k+1 == len(cmds) || k > 0 && f.Line(cmd.Span.Start) == f.Line(around.Start-1) {
		cut = dockerfile.Span{Start: around.Start, End: cmd.Span.End}
	}
	return scripted(f, run, 0, slices.Concat(cmds[:k], cmds[k+1:]), edit(f, cut, ""))
}
