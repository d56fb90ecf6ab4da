package fixes

import (
	"regexp"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// AppendCommand lets run, a RUN in shell form, run command at the end if all before succeeded: " && command" on a
// line of its own. The script must be one && list of programs, of pipelines of them, with assignments and
// redirections of their own; nothing in it may leave the shell, or change it in a way that command could see. A RUN
// that is one here-document gets a last line instead; see appendLine.
//
// command is itself an && list of known programs on one line.
func AppendCommand(f *dockerfile.File, run *dockerfile.Instruction, command string) ([]Edit, error) {
	added, err := parseCommand(f, command)
	if err != nil {
		return nil, err
	}
	lists, err := listsOf(f, run)
	if err != nil {
		return nil, err
	}
	if len(run.Heredocs) > 0 {
		return appendLine(f, run, lists, added, command)
	}
	if len(lists) != 1 || lists[0].Ended {
		return nil, refuse("the script on line %d is more than commands joined by &&", run.Line())
	}
	cmds := lists[0].Commands()
	if err := leaveShell(run, cmds, added); err != nil {
		return nil, err
	}
	if err := sameInList(run, cmds); err != nil {
		return nil, err
	}
	text := layoutOf(f, run, cmds).join(f, firstEOL(f, run)) + command
	return scripted(f, run, 0, slices.Concat(cmds, added), edit(f, point(run.Body.End), text))
}

// listsOf reads the script of a RUN as and-lists.
func listsOf(f *dockerfile.File, run *dockerfile.Instruction) ([]dockerfile.List, error) {
	script, err := scriptOf(f, run)
	if err != nil {
		return nil, err
	}
	lists, ok := script.Lists()
	switch {
	case !ok:
		return nil, refuse("the script on line %d is more than commands joined by &&", run.Line())
	case strings.Contains(run.Text(), "\r"):
		return nil, refuse("the shell takes the carriage return on line %d as text", run.Line())
	case script.HasComments() && len(run.Heredocs) == 0:
		return nil, refuse("the script on line %d ends in a comment", run.Line())
	}
	return lists, nil
}

// scriptOf is the script of a RUN that a plain Unix shell runs.
func scriptOf(f *dockerfile.File, run *dockerfile.Instruction) (*dockerfile.Script, error) {
	if err := own(f, run); err != nil {
		return nil, err
	}
	if run.Keyword != "RUN" {
		return nil, refuse("%s on line %d is not a RUN", run.Keyword, run.Line())
	}
	if err := whole(f, run); err != nil {
		return nil, err
	}
	script, err := run.Script()
	if err != nil {
		return nil, refuse("%v", err)
	}
	return script, plainShell(f, run)
}

// leaveShell says which of cmds, those of run, may change the shell that runs the added commands, or never let it
// come to them.
func leaveShell(run *dockerfile.Instruction, cmds, added []dockerfile.Command) error {
	if err := keepsWorkdir(run, cmds); err != nil && !placeless(added) {
		return err
	}
	for _, c := range cmds {
		switch {
		case isSet(c) && !mentions(added, "$"):
			continue
		case c.Name() == "cd" && c.Plain() && placeless(added), isQuietExport(c):
			continue
		}
		if _, err := program(c); err != nil {
			return err
		}
	}
	return nil
}

// simpleSubstitution matches a command substitution of one simple command.
var simpleSubstitution = regexp.MustCompile("\\$\\([^()$;|&<>\n`'\"]*\\)")

// sameInList says why the script of run may do something else once "&&" stands behind it: then the shell's -e is off
// in what was its last command, and in the substitutions within (POSIX.1-2024, set -e).
func sameInList(run *dockerfile.Instruction, cmds []dockerfile.Command) error {
	stops := slices.ContainsFunc(cmds, stopsAtFailure)
	for _, option := range run.Stage.Before(run).Shell {
		stops = stops || strings.HasPrefix(option, "-") && strings.Contains(option, "e")
	}
	rest := simpleSubstitution.ReplaceAllString(run.Text(), "")
	if stops && (strings.Contains(rest, "$(") || strings.ContainsAny(rest, "`") || strings.Contains(rest, "<(")) {
		return refuse("set -e would no longer hold in the substitution on line %d", run.Line())
	}
	return nil
}

// isSet reports whether c only makes the shell stricter or more talkative: "set -eux", "set -o pipefail".
func isSet(c dockerfile.Command) bool {
	if c.Name() != "set" || len(c.Words) < 2 || !c.Plain() {
		return false
	}
	for k, w := range c.Args() {
		switch {
		case w.Literal && w.Text == "pipefail" && strings.HasSuffix(c.Words[k].Text, "o"):
		case w.Literal && len(w.Text) > 1 && w.Text[0] == '-' && strings.Trim(w.Text[1:], "euxo") == "":
		default:
			return false
		}
	}
	return true
}

// isQuietExport reports whether c exports nothing but settings that only say how to talk to people.
func isQuietExport(c dockerfile.Command) bool {
	return c.Name() == "export" && c.Plain() && !slices.ContainsFunc(c.Args(), func(w dockerfile.Argument) bool {
		name, _, ok := strings.Cut(w.Text, "=")
		return !ok || !w.Literal || !conversational[name]
	})
}

// conversational are the variables that only say how programs talk to people.
var conversational = words(`DEBIAN_FRONTEND DEBIAN_PRIORITY DEBCONF_NONINTERACTIVE_SEEN LANG LANGUAGE LC_ALL TERM TZ`)

// stopsAtFailure reports whether c is "set -e", with other options at most.
func stopsAtFailure(c dockerfile.Command) bool {
	return isSet(c) && slices.ContainsFunc(c.Args(), func(w dockerfile.Argument) bool {
		return w.Text[0] == '-' && strings.Contains(w.Text, "e")
	})
}

// mentions reports whether a word of cmds contains text.
func mentions(cmds []dockerfile.Command, text string) bool {
	return slices.ContainsFunc(cmds, func(c dockerfile.Command) bool {
		return slices.ContainsFunc(c.Words, func(w dockerfile.Argument) bool { return strings.Contains(w.Text, text) })
	})
}

// placeless reports whether cmds do the same in every directory: each argument is an option or an absolute path.
func placeless(cmds []dockerfile.Command) bool {
	for _, c := range cmds {
		for _, w := range c.Args() {
			if !strings.HasPrefix(w.Text, "-") && !strings.HasPrefix(w.Text, "/") {
				return false
			}
		}
	}
	return true
}

// appendLine adds a last line to a RUN that is one here-document run by the shell. The exit status stays what it was
// only if the script begins with "set -e" and its last statement is one whose failure that stops: not an && list.
func appendLine(f *dockerfile.File, run *dockerfile.Instruction, lists []dockerfile.List, added []dockerfile.Command,
	command string) ([]Edit, error) {
	doc := run.Heredocs[0]
	first, last := lists[0].Commands(), lists[len(lists)-1]
	switch {
	case len(run.Heredocs) != 1 || !strings.HasPrefix(run.Text(), "<<") || strings.ContainsAny(run.Text(), " \t;|&>"):
		return nil, refuse("the here-document on line %d is not the shell's script", run.Line())
	case strings.HasPrefix(strings.TrimLeft(doc.Content, "\t"), "#!"):
		return nil, refuse("the here-document on line %d is run by another program", run.Line())
	case strings.Contains(f.Text(doc.Body), "\r"):
		return nil, refuse("the shell takes the carriage returns of the here-document on line %d as text", run.Line())
	case !stopsAtFailure(first[0]):
		return nil, refuse("the here-document on line %d does not begin with set -e", run.Line())
	case len(last.Pipelines) != 1 || len(lists) == 1:
		return nil, refuse("the here-document on line %d ends with more than one command", run.Line())
	}
	var cmds []dockerfile.Command
	for _, l := range lists {
		cmds = append(cmds, l.Commands()...)
	}
	if err := leaveShell(run, cmds, added); err != nil {
		return nil, err
	}
	indent := indentOf(f.Text(f.LineSpan(f.Line(doc.Body.End - 1))))
	text := indent + command + eolAt(f, doc.Body.End)
	return scripted(f, run, 0, slices.Concat(cmds, added), edit(f, point(doc.Body.End), text))
}

// parseCommand reads a command that is to be written into f: an && list of known programs on one line.
func parseCommand(f *dockerfile.File, command string) ([]dockerfile.Command, error) {
	if command == "" || strings.ContainsAny(command, "\r\n") {
		return nil, refuse("the command is not one line")
	}
	g, err := dockerfile.Parse(f.Path, []byte("FROM scratch\nRUN "+command+"\n"))
	switch {
	case err != nil:
		return nil, refuse("the command is not a line of shell: %s", problem(err))
	case len(g.Instructions) != 2 || g.Instructions[1].Text() != command || len(g.Instructions[1].Flags) > 0:
		return nil, refuse("the command is not one line of shell")
	}
	cmds, err := joinable(g, g.Instructions[1])
	if err != nil {
		return nil, refuse("%s is not a command to add: %v", command, err)
	}
	return cmds, nil
}
