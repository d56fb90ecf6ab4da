package fixes

import (
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// fresh are the places that a builder makes anew for each RUN: what one RUN leaves there, the next does not find.
var fresh = []string{"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/", "/proc/", "/sys/", "/run/secrets"}

// leavesPlace says why what follows cmds, commands of run, would find itself elsewhere in the same shell than in a
// RUN of its own: something lies in a fresh place, or the working directory is gone, which a builder would make
// again.
func leavesPlace(run *dockerfile.Instruction, cmds []dockerfile.Command) error {
	for _, c := range cmds {
		for _, w := range c.Args() {
			for _, place := range fresh {
				if strings.Contains(strings.ReplaceAll(w.Text, "/dev/null", ""), place) {
					return refuse("%s is made anew for each RUN", place)
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
		if workdir == "" || !slices.Contains([]string{"rm", "rmdir", "mv"}, c.Name()) {
			continue
		}
		for _, w := range c.Args() {
			if holdsDir(w, workdir) {
				return refuse("%s %s may take the working directory away", c.Name(), w.Text)
			}
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
