package prove

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// A cleanup is a command that may be appended to a RUN: it throws away what the managers keep for themselves.
type cleanup struct {
	managers []string // one of them has to be called in the same script
	removes  []string // directories
	refresh  []string // what makes the removed files again: "update"; nil when nothing needs them
}

// cleanups are all commands that are accepted, word for word. None of them can touch what a package installed.
var cleanups = map[string]cleanup{
	"rm -rf /var/lib/apt/lists/*": {apt, []string{"/var/lib/apt/lists"}, []string{"update"}},
	"rm -rf /var/lib/apt/lists":   {apt, []string{"/var/lib/apt/lists"}, []string{"update"}},
	"rm -r /var/lib/apt/lists/*":  {apt, []string{"/var/lib/apt/lists"}, []string{"update"}},
	"apt-get clean":               {apt, []string{"/var/cache/apt"}, nil},
	"apt-get autoclean":           {apt, []string{"/var/cache/apt"}, nil},
	"rm -rf /var/cache/apt/*":     {apt, []string{"/var/cache/apt"}, nil},
	"rm -rf /var/cache/apk/*":     {[]string{"apk"}, []string{"/var/cache/apk"}, nil},
	"yum clean all":               {rpm, []string{"/var/cache/yum"}, nil},
	"dnf clean all":               {rpm, []string{"/var/cache/dnf"}, nil},
	"microdnf clean all":          {rpm, []string{"/var/cache/yum", "/var/cache/dnf"}, nil},
	"zypper clean --all":          {[]string{"zypper"}, []string{"/var/cache/zypp"}, nil},
	"zypper clean -a":             {[]string{"zypper"}, []string{"/var/cache/zypp"}, nil},
	"zypper clean":                {[]string{"zypper"}, []string{"/var/cache/zypp"}, nil},
	"rm -rf /var/cache/yum":       {rpm, []string{"/var/cache/yum"}, nil},
	"rm -rf /var/cache/yum/*":     {rpm, []string{"/var/cache/yum"}, nil},
	"rm -rf /var/cache/dnf":       {rpm, []string{"/var/cache/dnf"}, nil},
	"rm -rf /var/cache/dnf/*":     {rpm, []string{"/var/cache/dnf"}, nil},
	"npm cache clean --force":     {[]string{"npm"}, []string{"/root/.npm"}, nil},
	"yarn cache clean":            {[]string{"yarn"}, []string{"/usr/local/share/.cache/yarn"}, nil},
	"rm -rf /root/.cache/pip":     {[]string{"pip", "pip3"}, []string{"/root/.cache/pip"}, nil},
	"rm -rf /root/.npm":           {[]string{"npm"}, []string{"/root/.npm"}, nil},
}

var (
	apt = []string{"apt-get", "apt"}
	rpm = []string{"yum", "dnf", "microdnf"}
)

// appended: one RUN differs, its script is the old one followed by "&& command", and the command is a known cleanup
// after something that the same script does.
func appended(intent fixes.Appended) predicate {
	return predicate{
		text: func(c *change) error { return appendedText(c, intent) },
		image: func(c *change, b, a image) error {
			n := prefix(b.steps, a.steps)
			if n >= len(b.steps) || n >= len(a.steps) {
				return errors.New("no step differs")
			}
			if err := sameButScript(b.steps[n], a.steps[n], c.old[0], c.fixed[0]); err != nil {
				return err
			}
			if err := mountsNothing(b.steps[n], cleanups[intent.Command].removes); err != nil {
				return err
			}
			return rest(b, a, n+1, n+1)
		},
	}
}

// rest checks that from the given steps on, and in their configuration, two images are equal.
func rest(b, a image, atB, atA int) error {
	b.steps, a.steps = b.steps[atB:], a.steps[atA:]
	return equal(b, a)
}

func appendedText(c *change, intent fixes.Appended) error {
	clean, ok := cleanups[intent.Command]
	if !ok {
		return fmt.Errorf("%q is not known as a cleanup that removes nothing else", intent.Command)
	}
	old, fixed, err := c.pair("RUN")
	if err != nil {
		return err
	}
	if err := sameFlags(old, fixed); err != nil {
		return err
	}
	if err := endsWith(old, fixed, intent.Command); err != nil {
		return err
	}
	if err := calls(old, clean.managers); err != nil {
		return err
	}
	if err := keepsTools(old, clean, intent.Command); err != nil {
		return err
	}
	if err := asRoot(c.BaseUser, old); err != nil {
		return err
	}
	if err := c.notNeeded(old, clean); err != nil {
		return err
	}
	if said := readsLists.Find(c.Before); clean.refresh != nil && said != nil {
		return fmt.Errorf("%s works from the lists whenever it is called", said)
	}
	if clean.refresh == nil {
		return c.onlyCache(old, intent.Command)
	}
	return nil
}

// readsLists matches the names of programs that look things up in the lists, and have no others.
var readsLists = pattern.New(`\b(apt-file|apt-xapian-index|command-not-found)\b`)

// pair is the one instruction that differs, before and after.
func (c *change) pair(keywords ...string) (old, fixed *dockerfile.Instruction, err error) {
	if len(c.old) != 1 || len(c.fixed) != 1 {
		return nil, nil, errors.New("more than one instruction is changed")
	}
	old, fixed = c.old[0], c.fixed[0]
	if !slices.Contains(keywords, old.Keyword) || !slices.Contains(keywords, fixed.Keyword) {
		return nil, nil, fmt.Errorf("a %s is changed to a %s", old.Keyword, fixed.Keyword)
	}
	return old, fixed, nil
}

// sameFlags checks that the flags are written the same.
func sameFlags(old, fixed *dockerfile.Instruction) error {
	if !slices.Equal(flagTexts(old), flagTexts(fixed)) {
		return fmt.Errorf("the flags on line %d differ", old.Line())
	}
	return nil
}

// flagTexts are the builder flags of an instruction as they are written.
func flagTexts(i *dockerfile.Instruction) (out []string) {
	for _, fl := range i.Flags {
		out = append(out, i.File().Text(fl.Span))
	}
	return out
}

// calls checks that the script calls one of the programs directly, and none through another user.
func calls(i *dockerfile.Instruction, programs []string) error {
	script, err := i.Script()
	if err != nil {
		return err
	}
	found := false
	for _, cmd := range script.Calls() {
		switch name := cmd.Name(); {
		case slices.Contains([]string{"sudo", "gosu", "su", "su-exec", "doas", "setpriv", "chroot"}, name):
			return fmt.Errorf("the script on line %d runs commands as another user", i.Line())
		case slices.Contains(programs, name):
			found = true
		}
	}
	if !found {
		return fmt.Errorf("the script on line %d does not call %s", i.Line(), strings.Join(programs, " or "))
	}
	return nil
}

// removing are the words that tell a package manager to take packages away.
var removing = []string{"remove", "purge", "autoremove", "--purge", "--remove", "-P", "-r", "del", "erase"}

// keepsTools checks that a script leaves the program of a cleanup where it is, and neither moves nor links its
// directories.
func keepsTools(i *dockerfile.Instruction, clean cleanup, command string) error {
	tool, _, _ := strings.Cut(command, " ")
	script, err := i.Script()
	if err != nil {
		return err
	}
	for _, cmd := range script.Calls() {
		away := slices.Contains([]string{"rm", "rmdir", "unlink", "mv", "find"}, cmd.Name())
		purges := slices.ContainsFunc(cmd.Args(), func(w dockerfile.Argument) bool {
			return slices.Contains(removing, w.Text)
		})
		for _, w := range cmd.Args() {
			t := taking{path: strings.Trim(w.Text, `"'`)}
			switch {
			case path.Base(t.path) == "rm", purges && (strings.Contains(t.path, "coreutils") || t.path == "busybox"),
				away && path.IsAbs(t.path) && (t.within(removers) || t.above(removers)):
				return fmt.Errorf("the script on line %d may take rm away (%s)", i.Line(), w.Text)
			case (purges || away) && path.Base(t.path) == tool:
				return fmt.Errorf("the script on line %d may take %s away", i.Line(), tool)
			case !away && cmd.Name() != "mkdir" && cmd.Name() != "ls" && t.touches(clean.removes):
				return fmt.Errorf("the script on line %d uses %s otherwise", i.Line(), w.Text)
			}
		}
	}
	return nil
}

// removers are the places of the program that most cleanups are.
var removers = []string{"/bin/rm", "/usr/bin/rm"}

// touches reports whether the path is one of the directories, what holds nothing else, or in one of them.
func (t taking) touches(dirs []string) bool {
	return path.IsAbs(t.path) && slices.ContainsFunc(dirs, func(dir string) bool {
		return t.within([]string{path.Dir(dir)})
	})
}

// asRoot checks that, as far as is known, i runs as root.
func asRoot(baseUser string, i *dockerfile.Instruction) error {
	user := i.Stage.Before(i).User
	if user == "" {
		user = baseUser
	}
	user, _, _ = strings.Cut(user, ":")
	if user != "" && user != "root" && user != "0" {
		return fmt.Errorf("line %d runs as the user %s, who may not remove those files", i.Line(), user)
	}
	return nil
}

// mountsNothing checks that none of the directories lies on, above or below a mount of the step.
func mountsNothing(s step, dirs []string) error {
	e := execOf(s)
	if e == nil {
		return errors.New("a step is not a command")
	}
	for _, m := range e.Mounts {
		for _, dir := range dirs {
			if at := path.Clean(m.Dest); at != "/" && (within(at, dir) || within(dir, at)) {
				return fmt.Errorf("%s is mounted from outside the image", m.Dest)
			}
		}
	}
	return nil
}

// within reports whether the absolute path name is dir or lies below it.
func within(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/")
}
