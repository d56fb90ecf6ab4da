package prove

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
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
	if err := asRoot(c.BaseUser, old); err != nil {
		return err
	}
	return c.notNeeded(old, clean)
}

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
	text := func(i *dockerfile.Instruction) (out []string) {
		for _, fl := range i.Flags {
			out = append(out, i.File().Text(fl.Span))
		}
		return out
	}
	if !slices.Equal(text(old), text(fixed)) {
		return fmt.Errorf("the flags on line %d differ", old.Line())
	}
	return nil
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

// notNeeded checks that no later step of the stage, or of one based on it, reads what the cleanup removes.
func (c *change) notNeeded(old *dockerfile.Instruction, clean cleanup) error {
	for _, i := range c.before.Instructions[old.Index+1:] {
		if from, ok := i.Flag("from"); ok && c.copiesRemoved(i, from.Value, clean.removes) {
			return fmt.Errorf("line %d copies what is removed", i.Line())
		}
		if i.Stage != nil && i.Keyword == "RUN" && c.stands(i.Stage) && clean.refresh != nil && !refreshed(i, clean) {
			return fmt.Errorf("line %d installs from the files that are removed", i.Line())
		}
	}
	return nil
}

// copiesRemoved reports whether a COPY names something within the removed directories of the changed stage.
func (c *change) copiesRemoved(i *dockerfile.Instruction, from string, dirs []string) bool {
	s := c.before.Stage(from)
	if s == nil || !c.stands(s) {
		return false
	}
	return slices.ContainsFunc(i.Words, func(w dockerfile.Word) bool {
		return slices.ContainsFunc(dirs, func(dir string) bool { return within(path.Clean("/"+w.Text), dir) })
	})
}

// refreshed reports whether i does not need what the cleanup removes: it does not call the manager to install, or
// calls it to make the files again first.
func refreshed(i *dockerfile.Instruction, clean cleanup) bool {
	script, err := i.Script()
	if err != nil {
		return !slices.ContainsFunc(clean.managers, func(m string) bool { return strings.Contains(i.Text(), m) })
	}
	for _, cmd := range script.Calls() {
		if !slices.Contains(clean.managers, cmd.Name()) {
			continue
		}
		for _, w := range cmd.Args() {
			switch {
			case slices.Contains(clean.refresh, w.Text):
				return true
			case slices.Contains([]string{"install", "upgrade", "dist-upgrade", "build-dep", "source", "download"}, w.Text):
				return false
			}
		}
	}
	return true
}

// mountsNothing checks that none of the directories lies on, above or below a mount of the step.
func mountsNothing(s step, dirs []string) error {
	e := execOf(s)
	if e == nil {
		return errors.New("a step is not a command")
	}
	for _, m := range e.Mounts {
		for _, dir := range dirs {
			if m.Dest != "/" && (within(m.Dest, dir) || within(dir, m.Dest)) {
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
