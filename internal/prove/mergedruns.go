package prove

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// system are programs, never builtins of a shell, that stay where they are: a shell remembers where it found a
// program, and a second shell would look again. With them the builtins that change nothing in the shell.
var system = strings.Fields(`
	apt apt-get apt-cache apt-mark aptitude dpkg apk yum dnf microdnf tdnf zypper rpm
	basename cat chgrp chmod chown cp date dirname du find grep head install ln ls mkdir mktemp mv rm rmdir sed sort strip
	tail tee touch tr truncate uniq wc
	addgroup adduser groupadd useradd ldconfig update-alternatives update-ca-certificates echo true`)

// programs are others that are never builtins. One that an earlier script may have installed anew is not looked up
// again in one shell, so that it may be called by one of the scripts only.
var programs = strings.Fields(`
	npm npx yarn pnpm corepack bun node pip pip3 python python3 poetry pdm uv pipenv conda mamba gem bundle composer php
	pecl pear docker-php-ext-configure docker-php-ext-enable docker-php-ext-install a2enmod a2dissite a2ensite
	go cargo rustup java javac mvn make cmake autoconf automake gcc g++ cpan cpanm perl jq openssl
	git curl wget tar unzip zip gzip gunzip bzip2 bunzip2 xz unxz zstd md5sum sha1sum sha256sum sha512sum R Rscript`)

// mergedRuns: neighbouring RUNs became one whose script is their scripts joined by "&&".
func mergedRuns() predicate {
	return predicate{text: mergedText, image: mergedImage}
}

func mergedText(c *change) error {
	if len(c.fixed) != 1 || len(c.old) < 2 || c.fixed[0].Keyword != "RUN" {
		return errors.New("what is changed is not several RUNs that became one")
	}
	var joined []dockerfile.Command
	called := &calledBefore{first: map[string]int{}}
	for k, i := range c.old {
		if i.Keyword != "RUN" {
			return fmt.Errorf("a %s stands between the commands", i.Keyword)
		}
		if k > 0 && !i.Lead.Empty() {
			return fmt.Errorf("a comment stands above line %d", i.Line())
		}
		if err := sameFlags(i, c.fixed[0]); err != nil {
			return err
		}
		cmds, err := chain(i)
		if err != nil {
			return err
		}
		if err := knownPrograms(i, cmds, k, called); err != nil {
			return err
		}
		if err := staysInPlace(i, cmds); k < len(c.old)-1 && err != nil {
			return err
		}
		joined = append(joined, cmds...)
	}
	merged, err := chain(c.fixed[0])
	if err != nil {
		return err
	}
	if !slices.EqualFunc(joined, merged, sameWords) {
		return errors.New("the commands are not those of the steps, in their order")
	}
	if len(innerComments(c.fixed)) != len(innerComments(c.old)) {
		return errors.New("a comment between the commands is lost")
	}
	return nil
}

// innerComments are the comment lines within instructions.
func innerComments(all []*dockerfile.Instruction) []dockerfile.Span {
	var out []dockerfile.Span
	for _, i := range all {
		out = append(out, i.Comments...)
	}
	return out
}

// keepsPrograms are those of the system that put no program in the place of another.
const keepsPrograms = `apt apt-get apt-cache apt-mark aptitude dpkg apk yum dnf microdnf tdnf zypper rpm
	chgrp chmod chown mkdir rm rmdir touch echo true du head ls tail wc`

// calledBefore is what the scripts so far called.
type calledBefore struct {
	first  map[string]int // by which script a program was first called
	placed []int          // the scripts that may have put a program in the place of another
}

// note says why a program that the k-th script calls may not be the one that a shell of its own would find.
func (c *calledBefore) note(name string, k int) error {
	first, again := c.first[name]
	placed := slices.ContainsFunc(c.placed, func(script int) bool { return first <= script && script < k })
	if again && first != k && (placed || !slices.Contains(system, name)) {
		return fmt.Errorf("%s is called by both steps and could have moved in between; one shell does not look again", name)
	}
	if !again {
		c.first[name] = k
	}
	if !among(keepsPrograms, name) {
		c.placed = append(c.placed, k)
	}
	return nil
}

// knownPrograms checks the commands of i, the k-th script.
func knownPrograms(i *dockerfile.Instruction, cmds []dockerfile.Command, k int, called *calledBefore) error {
	anew := func(w dockerfile.Argument) bool { return perStep(fromRoot(i, w)) }
	for _, cmd := range cmds {
		if !cmd.Words[0].Literal {
			return fmt.Errorf("%s may be any program", cmd.Words[0].Text)
		}
		if w := slices.IndexFunc(cmd.Words, anew); w >= 0 {
			return fmt.Errorf("%s is new for every step", cmd.Words[w].Text)
		}
		name := cmd.Words[0].Text
		switch {
		case name == "git" && !slices.ContainsFunc(cmd.Args(), atOnce):
			return errors.New("git may go on in the background")
		case !slices.Contains(system, name) && !slices.Contains(programs, name):
			return fmt.Errorf("%s is not known to leave the shell as it was", name)
		}
		if err := called.note(name, k); err != nil {
			return err
		}
	}
	return nil
}

// atOnce reports whether a word is a verb of git that leaves nothing running behind it: fetch and pull do.
func atOnce(w dockerfile.Argument) bool {
	return among("clone init checkout config apply archive", w.Text)
}

// fromRoot is a word of a script; where it may be a path, as seen from the root.
func fromRoot(i *dockerfile.Instruction, w dockerfile.Argument) string {
	if path.IsAbs(w.Text) || !strings.Contains(w.Text, "/") || strings.Contains(w.Text, ":") {
		return w.Text
	}
	return strings.TrimSuffix(i.Stage.Before(i).Workdir, "/") + "/" + strings.TrimPrefix(w.Text, "./")
}

// perStep reports whether a path is of what BuildKit mounts anew for every step: what one writes there the next does
// not see.
func perStep(name string) bool {
	for _, dir := range []string{"/dev/", "/proc", "/sys", "/etc/hosts", "/etc/resolv.conf"} {
		if strings.Contains(name, dir) && name != "/dev/null" {
			return true
		}
	}
	return false
}

// atStart are the files that a builder looks at when it starts a step: the accounts, for the home directory, and the
// shell itself. A running shell does not look again.
var atStart = []string{
	"/etc/passwd", "/etc/group", "/etc/nsswitch.conf",
	"/bin/sh", "/bin/bash", "/bin/dash", "/bin/ash", "/bin/busybox", "-binsh", // the last of Alpine's packages
}

// looksAtStart reports whether a path may be one of these files.
func looksAtStart(name string) bool {
	plain := path.IsAbs(name) && !strings.ContainsAny(name, "$\"'`")
	return plain && taking{path: name}.within(atStart) ||
		slices.ContainsFunc(atStart, func(file string) bool { return strings.Contains(name, file) })
}

// staysInPlace checks commands of i, which others follow: the shell, the accounts and the working directory are still
// there, and what is relative to it is not in a directory that holds one of them.
func staysInPlace(i *dockerfile.Instruction, cmds []dockerfile.Command) error {
	workdir := i.Stage.Before(i).Workdir
	for _, dir := range []string{"/dev", "/proc", "/sys", "/etc", "/bin", "/usr/bin"} {
		if within(workdir, dir) {
			return fmt.Errorf("what the script on line %d does in %s may not last", i.Line(), workdir)
		}
	}
	for _, cmd := range cmds {
		for _, w := range cmd.Args() {
			if looksAtStart(fromRoot(i, w)) {
				return fmt.Errorf("%s may be looked at before the next step only", w.Text)
			}
			if workdir != "" && slices.Contains([]string{"rm", "rmdir", "mv", "find"}, cmd.Name()) && mayHold(w, workdir) {
				return fmt.Errorf("%s %s may take the working directory away", cmd.Name(), w.Text)
			}
		}
	}
	return nil
}

// mayHold reports whether what a word names, seen from dir, may be dir or lie above it.
func mayHold(w dockerfile.Argument, dir string) bool {
	if strings.HasPrefix(w.Text, "-") {
		return false
	}
	t := taking{path: w.Text}
	if !path.IsAbs(w.Text) {
		t.path = dir + "/" + w.Text
	}
	name, whole := t.fixed()
	return within(dir, name) || !w.Literal && !whole && strings.HasPrefix(dir, name)
}

func mergedImage(c *change, b, a image) error {
	n := prefix(b.steps, a.steps)
	if n+len(c.old) > len(b.steps) || n >= len(a.steps) {
		return errors.New("the steps are not those of the commands")
	}
	for k, i := range c.old {
		if err := sameButScript(b.steps[n+k], a.steps[n], i, c.fixed[0]); err != nil {
			return err
		}
		if err := keepsMounts(b.steps[n+k]); err != nil {
			return err
		}
	}
	return rest(b, a, n+len(c.old), n+1)
}

// keepsMounts checks that what a step writes to its mounts is either kept or cannot be: a temporary file system, or a
// writable mount that is thrown away, would be new for the second step and is not for the second half of one.
func keepsMounts(s step) error {
	e := execOf(s)
	if e == nil {
		return errors.New("a step is not a command")
	}
	for _, m := range e.Mounts {
		switch {
		case m.Dest == pb.RootMount, m.Readonly && m.MountType == pb.MountType_BIND:
		case m.MountType == pb.MountType_SECRET, m.MountType == pb.MountType_SSH:
		case m.MountType == pb.MountType_CACHE && m.CacheOpt.GetSharing() != pb.CacheSharingOpt_PRIVATE:
		default:
			return fmt.Errorf("what is written to the mount %s is gone after each step", m.Dest)
		}
	}
	return nil
}
