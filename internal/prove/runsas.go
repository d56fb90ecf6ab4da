package prove

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/pattern"
)

// runsAs: the graph is the same, up to one RUN at the end that creates the account, and the configuration differs in
// the user only.
func runsAs(intent fixes.RunsAs) predicate {
	return predicate{
		text:  func(c *change) error { return runsAsText(c, intent) },
		image: func(c *change, b, a image) error { return runsAsImage(c, b, a, intent) },
	}
}

func runsAsText(c *change, intent fixes.RunsAs) error {
	if !unprivileged(intent.User) {
		return fmt.Errorf("%q is not an unprivileged user", intent.User)
	}
	for _, i := range c.old {
		if i.Keyword != "USER" {
			return fmt.Errorf("the %s on line %d is changed", i.Keyword, i.Line())
		}
		if name, _, _ := strings.Cut(strings.Trim(i.Text(), `"'`), ":"); !isRootName(name) {
			return fmt.Errorf("line %d names another user than root already", i.Line())
		}
	}
	want := 1
	if intent.Create != "" {
		want = 2
	}
	if len(c.fixed) != want || c.fixed[want-1].Keyword != "USER" {
		return errors.New("more is added than a user")
	}
	if got := c.fixed[want-1].Text(); got != intent.User {
		return fmt.Errorf("the user becomes %s, not %s", got, intent.User)
	}
	if intent.Create == "" {
		return nil
	}
	return c.creates(c.fixed[0], intent)
}

// userPart matches a user's or a group's name or number.
var userPart = pattern.New(`^([a-z_][a-z0-9_-]{0,31}|[1-9][0-9]{0,8})$`)

// unprivileged reports whether user is "name", "name:group" or numbers, and not root.
func unprivileged(user string) bool {
	name, group, both := strings.Cut(user, ":")
	if !userPart.MatchString(name) || slices.Contains(rootLike, name) {
		return false
	}
	return !both || (userPart.MatchString(group) || group == "0") && (group == "0" || !slices.Contains(rootLike, group))
}

// rootLike are names that have root's powers, or lead to them.
var rootLike = []string{"root", "toor", "wheel", "sudo", "admin", "docker", "shadow", "disk"}

// creates checks the RUN that makes the account: run by root, without flags, its commands nothing but known forms.
func (c *change) creates(run *dockerfile.Instruction, intent fixes.RunsAs) error {
	if run.Keyword != "RUN" || len(run.Flags) > 0 || run.Form != dockerfile.ShellForm {
		return errors.New("what is added is not a plain RUN")
	}
	if run.Text() != intent.Create {
		return errors.New("what is added is not the stated command")
	}
	if err := asRoot(c.BaseUser, run); err != nil {
		return err
	}
	for s := run.Stage; s != nil; s = s.Parent {
		for _, i := range s.Instructions {
			if i.Index < run.Index && (registers.MatchString(i.Text()) || c.mayRegister(i)) {
				return fmt.Errorf("line %d may have made an account or a group of that name already", i.Line())
			}
		}
	}
	cmds, err := chain(run)
	if err != nil {
		return err
	}
	made := map[string]bool{}
	for _, cmd := range cmds {
		words, ok := cmd.Texts()
		if !ok {
			return errors.New("the account's name is not literal")
		}
		if err := account(words, made); err != nil {
			return err
		}
	}
	name, group, _ := strings.Cut(intent.User, ":")
	if !made["user "+name] {
		return fmt.Errorf("the command does not create %s", name)
	}
	if group != "" && group != "0" && !made["group "+group] && !made["user "+group] {
		return fmt.Errorf("the command does not create the group %s", group)
	}
	return nil
}

// mayRegister reports whether a copy to the root or to /etc brings the files that name the accounts.
func (c *change) mayRegister(i *dockerfile.Instruction) bool {
	if i.Keyword != "COPY" && i.Keyword != "ADD" || len(i.Words) < 2 {
		return false
	}
	last := len(i.Words) - 1
	dest := path.Clean(i.Words[last].Text)
	if !path.IsAbs(dest) {
		dest = path.Join("/", i.Stage.Before(i).Workdir, dest)
	}
	for _, w := range i.Words[:last] {
		_, from := i.Flag("from")
		for _, name := range []string{"etc/passwd", "etc/group"} {
			inside, ok := strings.CutPrefix("/"+name, strings.TrimSuffix(dest, "/")+"/")
			switch {
			case !ok:
			case from && (path.Clean(w.Text) == "/" || slices.Contains([]string{"etc", "rootfs"}, path.Base(w.Text))):
				return true
			case !from && c.holds(path.Join(clean(w.Text), inside)):
				return true
			}
		}
	}
	return false
}

// holds reports whether a build context has a file of that name.
func (c *change) holds(name string) bool {
	return slices.ContainsFunc(c.Builds, func(b buildcontext.Build) bool {
		if b.Context == nil || !fs.ValidPath(name) {
			return false
		}
		_, err := fs.Stat(b.Context, name)
		return err == nil
	})
}

// registers match what makes accounts or groups.
var registers = pattern.New(`/etc/(passwd|group)|\b(useradd|adduser|groupadd|addgroup|newusers)\b`)

// An option says what an option of an account command may have as its value; nil for none.
type option func(value string) bool

// accounts are the commands that create a user or a group, with the options that give it no power and no files but
// those of its own: shadow's (useradd(8), groupadd(8)), Debian's (adduser(8)) and BusyBox's.
var accounts = map[string]map[string]option{
	"useradd": {
		"-r": nil, "--system": nil, "-M": nil, "--no-create-home": nil, "-m": nil, "--create-home": nil, "-U": nil,
		"--user-group": nil, "-l": nil, "--no-log-init": nil, "-N": nil, "--no-user-group": nil,
		"-u": number, "--uid": number, "-g": group, "--gid": group, "-s": shellPath, "--shell": shellPath,
		"-d": home, "--home-dir": home, "--home": home, "-c": remark, "--comment": remark,
	},
	"adduser": {
		"-S": nil, "-D": nil, "-H": nil, "--system": nil, "--no-create-home": nil, "--disabled-password": nil,
		"--disabled-login": nil, "--group": nil, "--quiet": nil,
		"-u": number, "--uid": number, "-G": group, "--ingroup": group, "--gid": group, "-s": shellPath, "--shell": shellPath,
		"-h": home, "--home": home, "-g": remark, "--gecos": remark,
	},
	"groupadd": {"-r": nil, "--system": nil, "-g": number, "--gid": number},
	"addgroup": {"-S": nil, "--system": nil, "-g": number, "--gid": number, "--quiet": nil},
}

// ids are the options that take the number of what is made.
var ids = map[string][]string{"user ": {"-u", "--uid"}, "group ": {"-g", "--gid"}}

func number(value string) bool {
	n, err := strconv.Atoi(value)
	return err == nil && n > 0 && n < 1<<31
}

func group(value string) bool {
	return userPart.MatchString(value) && !slices.Contains(rootLike, value)
}

func shellPath(value string) bool {
	return slices.Contains([]string{
		"/bin/false", "/usr/bin/false", "/sbin/nologin", "/usr/sbin/nologin", "/bin/nologin", "/bin/sh", "/bin/bash",
		"/bin/ash",
	}, value)
}

var homes = pattern.New(`^(/nonexistent|/dev/null|/home/[a-z_][a-z0-9_-]*)$`)

func home(value string) bool { return homes.MatchString(value) }

var remarks = pattern.New(`^[A-Za-z0-9 ,_-]*$`)

func remark(value string) bool { return remarks.MatchString(value) }

// account checks one command and notes in made what it makes.
func account(words []string, made map[string]bool) error {
	known, ok := accounts[words[0]]
	if !ok {
		return fmt.Errorf("%s is not known as a command that creates an account", words[0])
	}
	kind := map[bool]string{true: "group ", false: "user "}[strings.Contains(words[0], "group")]
	var names []string
	for at := 1; at < len(words); at++ {
		w := words[at]
		if !strings.HasPrefix(w, "-") {
			names = append(names, w)
			continue
		}
		used, err := takeOption(known, words, at)
		if err != nil {
			return err
		}
		if value := optionValue(words, at, used); number(value) && slices.Contains(ids[kind], optionName(w)) {
			made[kind+value] = true
		}
		at += used
	}
	if len(names) != 1 || !userPart.MatchString(names[0]) || slices.Contains(rootLike, names[0]) || number(names[0]) {
		return fmt.Errorf("the account that %s creates is not known", words[0])
	}
	made[kind+names[0]] = true
	return nil
}

// takeOption checks the option at words[at] and returns how many further words it takes. Joined short options without
// values are taken apart: -rm.
func takeOption(known map[string]option, words []string, at int) (int, error) {
	name, value, joined := strings.Cut(words[at], "=")
	holds, ok := known[name]
	switch {
	case !ok && !joined && !strings.HasPrefix(name, "--") && allFlags(known, name[1:]):
		return 0, nil
	case !ok:
		return 0, fmt.Errorf("what %s %s does is not known", words[0], name)
	case holds == nil:
		if joined {
			return 0, fmt.Errorf("what %s %s does is not known", words[0], words[at])
		}
		return 0, nil
	case joined && strings.HasPrefix(name, "--"):
	case !joined && at+1 < len(words):
		value = words[at+1]
	default:
		return 0, fmt.Errorf("%s %s has no value", words[0], name)
	}
	if !holds(value) {
		return 0, fmt.Errorf("what %s %s %s does is not known", words[0], name, value)
	}
	if joined {
		return 0, nil
	}
	return 1, nil
}

func allFlags(known map[string]option, letters string) bool {
	for _, r := range letters {
		if holds, ok := known["-"+string(r)]; !ok || holds != nil {
			return false
		}
	}
	return letters != ""
}

func optionName(word string) string {
	name, _, _ := strings.Cut(word, "=")
	return name
}

func optionValue(words []string, at, used int) string {
	if used == 1 {
		return words[at+1]
	}
	_, value, _ := strings.Cut(words[at], "=")
	return value
}

func runsAsImage(c *change, b, a image, intent fixes.RunsAs) error {
	n := len(b.steps)
	switch {
	case prefix(b.steps, a.steps) != n:
		return errors.New("a step sees another user, or is moved")
	case intent.Create == "" && len(a.steps) != n, intent.Create != "" && len(a.steps) != n+1:
		return errors.New("a step is added")
	}
	if intent.Create != "" {
		shell, script, _, err := runs(a.steps[n])
		if err != nil {
			return err
		}
		if err := isScript(c.fixed[0], script); err != nil {
			return err
		}
		if !knownShell(shell) {
			return fmt.Errorf("what the shell %q does with a script is not known", shell)
		}
		if c.copied() {
			return errors.New("another stage copies from the one in which the account is created")
		}
	}
	return onlyUser(b, a, intent.User)
}

// copied reports whether another stage uses files of the changed one.
func (c *change) copied() bool {
	for _, i := range c.before.Instructions {
		if from, ok := i.Flag("from"); ok {
			if s := c.before.Stage(from.Value); s != nil && c.stands(s) {
				return true
			}
		}
		for _, fl := range i.Flags {
			if strings.EqualFold(fl.Name, "mount") && strings.Contains(fl.Value, "from=") {
				return true
			}
		}
	}
	return false
}

// onlyUser checks that of the configuration only the user differs, and that nothing is left to be run later with it.
func onlyUser(b, a image, user string) error {
	old, fixed, err := configs(b, a)
	if err != nil {
		return err
	}
	if different := fieldsThatDiffer(old, fixed); !slices.Equal(different, []string{"config.User"}) {
		return fmt.Errorf("the configuration differs in %s", strings.Join(different, ", "))
	}
	if string(fixed["config.User"]) != strconv.Quote(user) {
		return fmt.Errorf("the user is %s", fixed["config.User"])
	}
	if _, ok := fixed["config.OnBuild"]; ok {
		return errors.New("images based on this one run its ONBUILD instructions as that user")
	}
	return nil
}
