// Package ecosystem knows package managers: which commands of a RUN install a project's dependencies, and every file
// such a command reads from the repository.
//
// The answer is complete or it says what is missing: an Install with an Unknown reason must not be relied upon. What a
// command may do is known by allowlists. A flag, a script or a setting that is not on one makes the answer unknown.
//
// A manager is one file with one function that looks at a command's words; adding one is that file, its line in
// judges, and an archive in testdata/ecosystem.
package ecosystem

import (
	"errors"
	"io/fs"
	"path"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// An Install is an install command together with what it reads and writes.
type Install struct {
	Manager string // "npm", "go", ...
	Command dockerfile.Command
	Inputs  []string // files it reads, context-relative, sorted; empty when it reads none
	// Outputs are what it writes besides its own caches: context-relative, or absolute in the image. A later copy of
	// the context must not bring files of these names.
	Outputs []string
	Unknown string // why Inputs or Outputs may be incomplete; "" when they are complete
	Idle    string // why the command has nothing to fetch; "" when it has
	// Absent are files that the install would look at and that no commit has, but a working copy may: ".git".
	Absent []string
	// Prepares is set for a command that installs nothing itself: it makes the place for an install.
	Prepares bool
}

// A Call is a recognised install command, before anything is known of the repository.
type Call struct {
	Manager string
	Command dockerfile.Command
	Dir     string // where it runs, seen from the RUN's working directory: "." or relative or absolute
	// Implicit is set for a command that compiles, and fetches only what no step before it has fetched.
	Implicit bool
	// Anywhere is set for a command that reads the same files wherever it runs: all its paths are absolute.
	Anywhere bool
	// Stays are parts of the paths where what the command downloads stays, for later commands of the same manager to
	// find; nil when it installs into the project.
	Stays []string
	// AddsTo are the managers after whose install this one has little left to do: it adds the project itself, or runs what
	// needs all the sources.
	AddsTo []string

	prepares bool
	unknown  string
	read     func(*reading)
}

// A Step is a RUN as far as package managers are concerned.
type Step struct {
	Calls  []Call               // the installs, in order
	Others []dockerfile.Command // commands not known to leave the sources alone, in order
	Sets   []string             // variables that have the effect of the settings it writes: "BUNDLE_PATH=vendor/bundle"
	Opaque string               // why the RUN could not be read as a plain list of commands; "" when it could
}

// judges lists every manager. A function says what a command is to its manager; other is the zero verdict.
func judges() []func(words []string) verdict {
	return []func([]string) verdict{golang, npm, yarn, pnpm, pip, bystander,
		compiled,
		scripted}
}

// A kind says what a command means for the order of steps.
type kind int

const (
	other    kind = iota // may read anything
	harmless             // reads nothing of the project and writes nothing into it
	install              // installs dependencies; what it reads can be told
)

// A verdict is what a manager says about a command.
type verdict struct {
	kind     kind
	manager  string
	dir      string // the directory that a flag of the command selects
	implicit bool
	anywhere bool
	stays    []string
	expands  bool // words that the shell expands are known to say nothing about files
	prepares bool
	addsTo   []string
	sets     string         // the variable that would have the effect of the setting it writes
	unknown  string         // why it cannot be told what the command reads
	read     func(*reading) // tells it otherwise
}

// Look recognises the installs of a RUN.
func Look(run *dockerfile.Instruction) Step {
	if run.Form == dockerfile.ExecForm {
		return plain([]dockerfile.Command{execCommand(run)})
	}
	script, err := run.Script()
	if err != nil {
		return Step{Opaque: reason(err)}
	}
	if cmds, ok := script.Chain(); ok {
		return plain(cmds)
	}
	step := Step{Opaque: "its script is more than a list of commands joined by &&"}
	for _, c := range script.Calls() {
		if v := judge(c); v.kind == install {
			call := v.call(c, ".")
			call.unknown = step.Opaque
			step.Calls = append(step.Calls, call)
		}
	}
	return step
}

// reason says for people why a RUN has no readable script.
func reason(err error) string {
	if errors.Is(err, dockerfile.ErrNoScript) {
		return "its script cannot be read"
	}
	return err.Error()
}

// execCommand is the command of a RUN in exec form.
func execCommand(run *dockerfile.Instruction) dockerfile.Command {
	c := dockerfile.Command{Span: run.Code()}
	for _, w := range run.Words {
		c.Words = append(c.Words, dockerfile.Argument{Text: w.Text, Literal: true, Span: w.Span})
	}
	return c
}

// plain sorts the commands of one list.
func plain(cmds []dockerfile.Command) Step {
	var step Step
	step.follow(cmds, ".")
	return step
}

// follow sorts the commands of a list that starts in dir, following cd, also those that are handed to another shell.
func (step *Step) follow(cmds []dockerfile.Command, dir string) {
	for _, c := range cmds {
		if inner, ok := c.Inner(); ok {
			step.follow(inner, dir)
			continue
		}
		if c.Name() == "cd" {
			next, ok := changed(dir, c)
			if !ok {
				step.Opaque = "it changes to a directory that cannot be told"
			}
			dir = next
			continue
		}
		v := judge(c)
		switch v.kind {
		case install:
			step.Calls = append(step.Calls, v.call(c, dir))
		case other:
			step.Others = append(step.Others, c)
		}
		if v.sets != "" {
			step.Sets = append(step.Sets, v.sets)
		}
	}
}

// changed is the directory after a cd.
func changed(dir string, c dockerfile.Command) (string, bool) {
	args := c.Args()
	if len(args) != 1 || !args[0].Literal || args[0].Text == "" || args[0].Text[0] == '-' {
		return dir, false
	}
	return join(dir, args[0].Text), true
}

// join is where name leads from dir.
func join(dir, name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(dir, name)
}

// judge asks every manager. A word that the shell would still expand makes any known command unknown.
func judge(c dockerfile.Command) verdict {
	words, literal := make([]string, 0, len(c.Words)), true
	for _, w := range c.Words {
		words = append(words, w.Text)
		literal = literal && w.Literal
	}
	if len(words) == 0 || !c.Words[0].Literal {
		return verdict{}
	}
	for _, ask := range judges() {
		v := ask(words)
		switch {
		case v.kind == install && !literal && !v.implicit && !v.expands:
			v.unknown = "the shell expands some of its words"
		case v.kind == harmless && !literal && !cleans(words):
			v.kind = other
		}
		if v.kind != other {
			return v
		}
	}
	return verdict{}
}

// call places a verdict's command.
func (v verdict) call(c dockerfile.Command, dir string) Call {
	if v.dir != "" {
		dir = join(dir, v.dir)
	}
	return Call{Manager: v.manager, Command: c, Dir: dir, Implicit: v.implicit, Anywhere: v.anywhere, AddsTo: v.addsTo,
		Stays: v.stays, prepares: v.prepares, unknown: v.unknown, read: v.read}
}

// A Root is a directory of the build context that was copied into the image.
type Root struct {
	Context fs.FS  // the directory as the builder sees it; nothing above it is looked at
	Image   string // where its contents lie in the image: absolute, or "" when that is not known
	// Env is what variables are known to hold; a value with "$" in it is not known.
	Env map[string]string
}

// Read lists what the command reads and writes when it runs in the directory dir of root.
func (c Call) Read(root Root, dir string) Install {
	r := &reading{context: root.Context, image: root.Image, env: root.Env, dir: dir}
	if c.read != nil {
		c.read(r)
		r.home()
	}
	if c.unknown != "" {
		r.unknown = c.unknown
	}
	return Install{Manager: c.Manager, Command: c.Command, Inputs: r.sorted(), Outputs: r.written(), Unknown: r.unknown,
		Idle: r.idle, Absent: r.absent, Prepares: c.prepares}
}
