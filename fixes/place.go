package fixes

import (
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// fresh are the places that a builder makes anew for each RUN: what one RUN leaves there, the next does not find.
var fresh = []string{"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/", "/proc/", "/sys/", "/run/secrets"}

// started are the files that a builder looks at when it starts a RUN: the accounts, which say what the home directory
// is, and the shell itself. A running shell does not look again.
var started = []string{
	"/etc/passwd", "/etc/group", "/etc/nsswitch.conf",
	"/bin/sh", "/bin/bash", "/bin/dash", "/bin/ash", "/bin/busybox",
}

// leavesPlace says why what follows cmds, commands of run, would find itself elsewhere in the same shell than in a
// RUN of its own: something lies in a fresh place, or the working directory is gone, which a builder would make
// again.
func leavesPlace(run *dockerfile.Instruction, cmds []dockerfile.Command) error {
	for _, place := range []string{"/dev/", "/proc/", "/sys/", "/etc/", "/bin/", "/usr/bin/"} {
		if strings.HasPrefix(run.Stage.Before(run).Workdir+"/", place) {
			return refuse("what is done in %s may not last from one RUN to the next", place)
		}
	}
	for _, c := range cmds {
		for _, w := range c.Args() {
			for _, place := range fresh {
				if strings.Contains(strings.ReplaceAll(w.Text, "/dev/null", ""), place) {
					return refuse("%s is made anew for each RUN", place)
				}
			}
			for _, file := range started {
				if strings.Contains(w.Text, file) {
					return refuse("a running shell does not look at %s again", file)
				}
			}
		}
	}
	return keepsWorkdir(run, cmds)
}

// keepsWorkdir refuses commands of run that may take its working directory away.
func keepsWorkdir(run *dockerfile.Instruction, cmds []dockerfile.Command) error {
	workdir := run.Stage.Before(run).Workdir
	for _, c := range cmds {
		if workdir == "" {
			continue
		}
		for _, w := range takenAway(c) {
			if holdsDir(w, workdir) {
				return refuse("%s %s may take the working directory away", c.Name(), w.Text)
			}
		}
	}
	return nil
}

// takenAway are the arguments of a command that removes what they name.
func takenAway(c dockerfile.Command) []dockerfile.Argument {
	switch c.Name() {
	case "rm", "rmdir", "mv":
		return c.Args()
	case "find":
		n := slices.IndexFunc(c.Args(), func(w dockerfile.Argument) bool { return strings.HasPrefix(w.Text, "-") })
		acts := func(w dockerfile.Argument) bool { return w.Text == "-delete" || strings.HasPrefix(w.Text, "-exec") }
		if n >= 0 && slices.ContainsFunc(c.Args()[n:], acts) {
			return c.Args()[:n]
		}
	}
	return nil
}

// holdsDir reports whether what the argument w names in directory dir may be dir itself or one above it. dir is
// absolute and clean.
func holdsDir(w dockerfile.Argument, dir string) bool {
	switch {
	case strings.HasPrefix(w.Text, "-"):
		return false
	case w.Literal:
		return strings.HasPrefix(dir+"/", under(dir, w.Text))
	case strings.ContainsAny(w.Text, "$`~{\"'\\") || !strings.ContainsAny(w.Text, "*?["):
		return true
	}
	parent, name := path.Split(w.Text[:strings.IndexAny(w.Text, "*?[")])
	return strings.HasPrefix(dir, under(dir, parent)+name)
}

// under is the absolute form of a path in dir, with a slash at its end.
func under(dir, name string) string {
	if !path.IsAbs(name) {
		name = path.Join(dir, name)
	}
	return strings.TrimSuffix(path.Clean(name), "/") + "/"
}
