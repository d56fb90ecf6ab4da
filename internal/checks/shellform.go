package checks

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// shellForm finds programs that the image starts through a shell.
var shellForm = &check.Check{
	Name:     "shell-form",
	Family:   check.Hygiene,
	Summary:  "the program is started through a shell, which can keep stop signals from it",
	Severity: check.Warning,
	Aliases:  []string{"DL3025", "JSONArgsRecommended"},
	Run:      runShellForm,
}

func runShellForm(p *check.Pass) error {
	var seen []*dockerfile.Instruction
	for _, s := range builtStages(p) {
		l := launchOf(p, s)
		i := l.shellLine()
		if i == nil || s.Windows() || slices.Contains(seen, i) {
			continue
		}
		seen = append(seen, i)
		if !slices.Contains(shells[:], i.Text()) {
			judgeShellForm(p, l, i)
		}
	}
	return nil
}

// shells are lines that start a shell because a shell is what is wanted.
var shells = [...]string{"sh", "bash", "ash", "/bin/sh", "/bin/bash", "/bin/ash"}

// shellLine is the instruction in force that starts a shell. A CMD next to an ENTRYPOINT in shell form is ignored by
// the builder, so it is the ENTRYPOINT then.
func (l launch) shellLine() *dockerfile.Instruction {
	for _, i := range []*dockerfile.Instruction{l.entrypoint, l.cmd} {
		if i != nil && i.Form == dockerfile.ShellForm {
			return i
		}
	}
	return nil
}

func judgeShellForm(p *check.Pass, l launch, i *dockerfile.Instruction) {
	message := i.Keyword + " starts the program through a shell, which can keep the stop signal from it: " +
		"the container is then killed after the grace period, with its work cut off"
	if strings.HasPrefix(i.Text(), "[") {
		broken := i.Keyword + " looks like an array but is not valid JSON, so a shell is given the brackets as a command"
		p.Advise(i.Code(), broken, "what the array should hold is a guess")
		return
	}
	script, err := i.Script()
	if err == nil && execs(script, i) {
		return
	}
	fix, reason := fixes.Fix{}, "its shell script could not be read"
	if err == nil {
		fix, reason = l.direct(p, i, script)
	}
	if reason != "" {
		p.Advise(i.Code(), message, reason)
		return
	}
	p.Report(i.Code(), message, fix)
}

// direct is the fix that writes the words as an array, or why there is none.
func (l launch) direct(p *check.Pass, i *dockerfile.Instruction, script *dockerfile.Script) (fixes.Fix, string) {
	words, reason := plainWords(script, i)
	if reason == "" {
		reason = cmp.Or(l.combination(i), commanded(p, i), l.runnable(p, words[0]))
	}
	if reason != "" {
		return fixes.Fix{}, reason
	}
	edit, err := fixes.ReplaceBody(p.File, i, array(words))
	if err != nil {
		return fixes.Fix{}, err.Error()
	}
	return fixes.Fix{
		Title:  "Start the program without a shell",
		Intent: fixes.StartsDirectly{Keyword: i.Keyword, Words: words},
		Edits:  []fixes.Edit{edit},
	}, ""
}

// execs reports whether the script ends with the shell replacing itself by the program: then signals reach it. The last
// part of a pipeline is not the shell itself.
func execs(script *dockerfile.Script, i *dockerfile.Instruction) bool {
	calls := script.Calls()
	if len(calls) == 0 || strings.Contains(strings.ReplaceAll(script.Text, "||", ""), "|") {
		return false
	}
	last := calls[len(calls)-1]
	if last.Name() != "exec" || len(last.Args()) == 0 || last.Stmt == nil || last.Stmt.Background {
		return false
	}
	return script.Span(last.Stmt).End == i.Body.End
}

// plainWords are the words of a script that is one plain command, or why it is not.
func plainWords(script *dockerfile.Script, i *dockerfile.Instruction) (words []string, reason string) {
	if len(i.Stage.Before(i).Shell) > 0 {
		return nil, "SHELL is set, so the shell may be meant"
	}
	cmds, ok := script.Chain()
	if !ok || len(cmds) != 1 {
		return nil, "the line is more than one plain command, so it needs the shell; " +
			"\"exec\" before the last program lets signals through"
	}
	words, ok = cmds[0].Texts()
	if !ok {
		return nil, "the shell has words to expand; \"exec\" before the program lets signals through"
	}
	if slices.Contains(builtins[:], words[0]) {
		return nil, words[0] + " is a command of the shell itself"
	}
	if slices.Contains(shells[:], words[0]) {
		return nil, words[0] + " is a shell itself; \"exec\" before the last program in it lets signals through"
	}
	for _, w := range words {
		if !utf8.ValidString(w) {
			return nil, "it holds bytes that JSON cannot"
		}
	}
	return words, ""
}

// combination says why the words would mean something else next to the image's other instruction.
func (l launch) combination(i *dockerfile.Instruction) string {
	switch {
	case !l.known:
		return fmt.Sprintf("whether %s sets an ENTRYPOINT or a SHELL of its own is not known", l.says())
	case i.Keyword == "ENTRYPOINT" && l.cmd != nil:
		return "CMD, which is ignored next to a shell-form ENTRYPOINT, would become its arguments"
	case i.Keyword == "ENTRYPOINT":
		return ""
	case l.entrypoint != nil && !forwards(l.entrypoint):
		return "the words are arguments of ENTRYPOINT, which may treat them in another way than a shell line"
	case l.entrypoint != nil:
		return ""
	case l.base.Entrypoint == "none" || l.base.Entrypoint == "passes":
		return ""
	case l.base.Entrypoint == "":
		return fmt.Sprintf("what the ENTRYPOINT of %s makes of the words is not known", l.says())
	}
	return fmt.Sprintf("the words would become arguments of the ENTRYPOINT of %s", l.says())
}

// commanded says which compose service gives a command that a shell-form ENTRYPOINT ignores and an array would get.
func commanded(p *check.Pass, i *dockerfile.Instruction) string {
	for _, b := range p.Builds {
		if b.Command && i.Keyword == "ENTRYPOINT" {
			return fmt.Sprintf("the command of %s, which a shell-form ENTRYPOINT ignores, would become its arguments",
				b.Origin)
		}
	}
	if i.Keyword == "ENTRYPOINT" {
		for _, name := range p.Once("which manifests give containers arguments", manifestsWithArguments) {
			return fmt.Sprintf("the args of %s, which a shell-form ENTRYPOINT ignores, would be given to it", name)
		}
	}
	return ""
}

// forwards reports whether an ENTRYPOINT is nothing but an init that runs the words after it.
func forwards(i *dockerfile.Instruction) bool {
	if i.Form != dockerfile.ExecForm || len(i.Words) == 0 || len(i.Words) > 2 {
		return false
	}
	init := path.Base(i.Words[0].Text)
	return (init == "tini" || init == "dumb-init") && (len(i.Words) == 1 || i.Words[1].Text == "--")
}

// runnable says why the kernel may refuse to start what a shell would: a script without a "#!" line is run by the shell
// itself.
func (l launch) runnable(p *check.Pass, program string) string {
	o := l.origin(p, program)
	if o.tree == nil {
		if path.Ext(program) != "" {
			return fmt.Sprintf("whether %s begins with a #! line, without which only a shell starts it, is not known",
				program)
		}
		return ""
	}
	head, err := o.head()
	if err != nil {
		return fmt.Sprintf("%s could not be read", o.file)
	}
	if bytes.HasPrefix(head, []byte("#!")) || bytes.HasPrefix(head, []byte("\x7fELF")) {
		return ""
	}
	return fmt.Sprintf("%s has no #! line, so only a shell can start it", o.file)
}

// array writes the words as a JSON array the way people write one.
func array(words []string) string {
	quoted := make([]string, len(words))
	for n, w := range words {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(w) // a string always encodes, and a Buffer takes every write
		quoted[n] = strings.TrimSuffix(b.String(), "\n")
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// builtins are the commands that dash, bash and busybox ash run themselves, whether or not a program of that name
// exists, and the reserved words that begin a compound command.
var builtins = [...]string{
	".", ":", "[", "[[", "alias", "bg", "bind", "break", "builtin", "caller", "case", "cd", "chdir", "command",
	"compgen", "complete", "compopt", "continue", "declare", "dirs", "disown", "echo", "enable", "eval",
	"exec", "exit", "export", "false", "fc", "fg", "for", "function", "getopts", "hash", "help", "history",
	"if", "jobs", "kill", "let", "local", "logout", "mapfile", "popd", "printf", "pushd", "pwd", "read",
	"readarray", "readonly", "return", "select", "set", "shift", "shopt", "source", "suspend", "test", "time",
	"times", "trap", "true", "type", "typeset", "ulimit", "umask", "unalias", "unset", "until", "wait",
	"while", "{", "}", "!",
}
