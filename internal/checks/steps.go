package checks

import (
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

// commands are what a RUN runs, at any depth of its script and in source order. ok is false when that cannot be read.
func commands(i *dockerfile.Instruction) (cmds []dockerfile.Command, ok bool) {
	if i.Form == dockerfile.ExecForm {
		var c dockerfile.Command
		for _, w := range i.Words {
			c.Words = append(c.Words, dockerfile.Argument{Text: w.Text, Literal: true, Span: w.Span})
		}
		return []dockerfile.Command{c}, true
	}
	script, err := i.Script()
	if err != nil {
		return nil, false
	}
	return script.Calls(), true
}

// A placed command knows the directory it runs in, "" when unknown.
type placed struct {
	dockerfile.Command
	dir string
}

// placedCommands follow the "cd" of a script through its commands, starting at the stage's working directory.
func placedCommands(i *dockerfile.Instruction) (out []placed, ok bool) {
	cmds, ok := commands(i)
	dir := i.Stage.Before(i).Workdir
	for _, c := range cmds {
		out = append(out, placed{c, dir})
		if c.Name() == "cd" {
			dir = changed(dir, c.Args())
		}
	}
	return out, ok
}

func changed(dir string, args []dockerfile.Argument) string {
	switch {
	case len(args) != 1 || !args[0].Literal:
		return ""
	case path.IsAbs(args[0].Text):
		return path.Clean(args[0].Text)
	case dir == "":
		return ""
	}
	return path.Join(dir, args[0].Text)
}

// sourced are files that are read into the shell only to set variables or functions.
var sourced = []string{"os-release", "lsb-release", "profile", ".profile", ".bashrc", "env", "activate", "nvm.sh"}

// opaque reports whether a command runs code that is not in the Dockerfile and may install packages: a shell with a
// script or at the end of a pipe, a program whose name is a variable, a script that is called for what it sets up.
func opaque(c dockerfile.Command) bool {
	name := c.Name()
	switch name {
	case "":
		return true
	case "sh", "bash", "dash", "ash", "zsh", "eval":
		return true
	case ".", "source":
		return len(c.Args()) != 1 || !slices.Contains(sourced, path.Base(strings.Trim(c.Args()[0].Text, `"'`)))
	}
	return strings.HasSuffix(name, ".sh") || slices.Contains(provisioners, name) ||
		strings.Contains(c.Words[0].Text, "/") && setUp.MatchString(name)
}

var (
	// provisioners install system packages by themselves.
	provisioners = strings.Fields("gdebi rosdep mk-build-deps apt-fast nala tasksel ansible-playbook puppet")
	// setUp matches the names of scripts that do.
	setUp = pattern.New("install|setup|bootstrap|provision|deps|prepare")
)

// mounted reports whether a RUN has a mount that keeps what is written to dir out of its layer. A home directory may be
// written "~"; whoever mounts something there in a build mounts it for root.
func mounted(i *dockerfile.Instruction, dir string) bool {
	return mountsAt(i, dir, within)
}

// mountedBelow is the same for a part of the directory: "~/.npm/_cacache" of "~/.npm".
func mountedBelow(i *dockerfile.Instruction, dir string) bool {
	return mountsAt(i, dir, func(dir, target string) bool { return within(target, dir) })
}

func mountsAt(i *dockerfile.Instruction, dir string, covers func(dir, target string) bool) bool {
	if rest, ok := strings.CutPrefix(dir, "~/"); ok {
		dir = "/root/" + rest
	}
	return slices.ContainsFunc(i.Flags, func(fl dockerfile.Flag) bool {
		kind, target := mount(fl)
		return (kind == "cache" || kind == "tmpfs") && covers(dir, target)
	})
}

// mount is the type and the target of a --mount flag, "" for another flag.
func mount(fl dockerfile.Flag) (kind, target string) {
	if !strings.EqualFold(fl.Name, "mount") {
		return "", ""
	}
	kind = "bind"
	for field := range strings.SplitSeq(fl.Value, ",") {
		switch key, value, _ := strings.Cut(field, "="); strings.ToLower(key) {
		case "type":
			kind = value
		case "target", "dst", "destination":
			target = path.Clean(value)
		}
	}
	return kind, target
}

// within reports whether p is dir or lies below it; both are clean absolute paths.
func within(p, dir string) bool {
	return p == dir || dir == "/" || dir != "" && strings.HasPrefix(p, dir+"/")
}

// shipped reports whether what the stage leaves behind is in an image somebody builds: the last stage, or one that a
// build of this file targets.
func shipped(p *check.Pass, s *dockerfile.Stage) bool {
	if s.Shipped() {
		return true
	}
	for _, b := range p.Builds {
		for t := p.File.Stage(b.Target); b.Target != "" && t != nil; t = t.Parent {
			if t == s {
				return true
			}
		}
	}
	return false
}

// following are the instructions of i's stage below it.
func following(i *dockerfile.Instruction) []*dockerfile.Instruction {
	at := slices.Index(i.Stage.Instructions, i)
	return i.Stage.Instructions[at+1:]
}

// next is the instruction of i's stage directly below it, nil at the stage's end.
func next(i *dockerfile.Instruction) *dockerfile.Instruction {
	if rest := following(i); len(rest) > 0 {
		return rest[0]
	}
	return nil
}

// merged joins neighbouring RUNs, two or more, into the first.
func merged(f *dockerfile.File, runs []*dockerfile.Instruction) ([]fixes.Edit, error) {
	var edits []fixes.Edit
	for n := range runs[:len(runs)-1] {
		more, err := fixes.MergeRuns(f, runs[n], runs[n+1])
		if err != nil {
			return nil, err
		}
		edits = append(edits, more...)
	}
	return edits, nil
}
