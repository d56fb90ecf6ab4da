package checks

import (
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// systemTools are programs that change the system's own directories only, wherever they run.
var systemTools = []string{"apt-get", "apt", "apk", "yum", "dnf", "microdnf", "groupadd", "addgroup", "true", "echo",
	"update-ca-certificates", "locale-gen", "ldconfig"}

// fileTools are programs that change only the files which their arguments name.
var fileTools = []string{"mkdir", "touch", "chmod", "chown", "ln"}

// bystander says why a RUN before a recursive chown or chmod may have a part in what is in the paths, "" when it has
// none.
func bystander(i *dockerfile.Instruction, paths []string, program string) string {
	const unknown = "a RUN above may have put files there"
	script, err := i.Script()
	if err != nil {
		return unknown
	}
	lists, ok := script.Lists()
	if !ok || len(i.Heredocs) > 0 {
		return unknown
	}
	dir := i.Stage.Before(i).Workdir
	for _, l := range lists {
		for _, c := range l.Commands() {
			if len(c.Stmt.Redirs) > 0 || !stands(placed{c, dir}, paths, program) {
				return unknown
			}
		}
	}
	return ""
}

// stands reports whether a command is known to leave the paths alone. What chmod did, chown leaves as it is.
func stands(c placed, paths []string, program string) bool {
	switch name := c.Name(); {
	case slices.Contains(systemTools, name), name == "chmod" && program == "chown":
		return true
	case name == "rm": // what is gone has no owner; a word that runs a command could do anything
		return !slices.ContainsFunc(c.Args(), func(w dockerfile.Argument) bool { return strings.ContainsAny(w.Text, "$`") })
	case slices.Contains(accountTools, name), name == "usermod":
		return apart(homes(c), paths)
	case slices.Contains(fileTools, name):
		return apart(operandsFrom(c), paths)
	}
	return false
}

// homes are the absolute paths among the arguments of an account tool: home directories and shells; "" for what could
// be one.
func homes(c placed) []string {
	var out []string
	for _, w := range c.Args() {
		text := w.Text
		if _, value, ok := strings.Cut(text, "="); ok && strings.HasPrefix(text, "-") {
			text = value
		}
		switch {
		case !w.Literal:
			out = append(out, "")
		case path.IsAbs(text):
			out = append(out, path.Clean(text))
		}
	}
	return out
}

// operandsFrom are the files that a tool is given, "" for one that is not known.
func operandsFrom(c placed) []string {
	var out []string
	owner := c.Name() == "chmod" || c.Name() == "chown"
	for _, w := range c.Args() {
		switch {
		case strings.HasPrefix(w.Text, "-"):
		case owner:
			owner = false
		default:
			out = append(out, seenFrom(c.dir, w))
		}
	}
	return out
}

// apart reports whether all places are known and none of them lies in, or above, one of the paths.
func apart(places, paths []string) bool {
	for _, p := range places {
		if p == "" || slices.ContainsFunc(paths, func(q string) bool { return within(p, q) || within(q, p) }) {
			return false
		}
	}
	return true
}
