package checks

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

// An account is whom the program shall run as. Ids are preferred to names, because Kubernetes refuses to start an image
// under runAsNonRoot when it cannot tell from a name that the user is not root; and with a group, so that the account's
// further groups (ubuntu is in sudo) are not taken along.
type account struct {
	user   string   // for USER
	names  []string // what a chown may call it
	create string   // the shell line that makes it; "" when it exists
}

// made is the id of accounts that a fix creates: outside the range of people and of packages' own accounts.
const made = 10001

// account picks whom to run as: the user that the file switched away from, else one that it creates, else one that the
// base image has, else a new one.
func (l launch) account(p *check.Pass, stated *dockerfile.Instruction) (account, string) {
	if user := l.leftUser(stated); user != "" {
		name, _, _ := strings.Cut(user, ":")
		return account{user: user, names: []string{name}}, ""
	}
	created, reason := l.created()
	switch b := l.base; {
	case reason != "":
		return account{}, reason
	case created != nil:
		return *created, ""
	case !isRoot(b.User):
		return account{user: b.User, names: []string{b.User, b.Account}}, ""
	case b.Account != "":
		ids := fmt.Sprintf("%d:%d", b.UID, b.GID)
		return account{user: ids, names: []string{b.Account, strconv.Itoa(b.UID)}}, ""
	case b.Shell == "none":
		return account{user: "65532:65532", names: []string{"65532"}}, ""
	case len(l.stage.End().Shell) > 0:
		return account{}, "no account exists, and the SHELL that would create one is not the usual"
	}
	if reason := l.taken(p); reason != "" {
		return account{}, reason
	}
	return l.fresh()
}

// registers match what may have made groups or accounts that created does not know, so that a new one could fail.
var registers = pattern.New(`/etc/(passwd|group)|\b(groupadd|addgroup|newusers)\b`)

// taken says which step may have made an account or a group of the name or the id that a new one gets.
func (l launch) taken(p *check.Pass) string {
	for _, i := range l.steps() {
		_, passwd := brought(p, i, "/etc/passwd")
		_, group := brought(p, i, "/etc/group")
		if passwd || group || registers.MatchString(i.Text()) {
			return fmt.Sprintf("line %d may have made accounts or groups, and which one the program is meant for is not known",
				i.Line())
		}
	}
	return ""
}

// fresh is a new account made with the tools of the base image.
func (l launch) fresh() (account, string) {
	out := account{user: fmt.Sprintf("%d:%d", made, made), names: []string{"app", strconv.Itoa(made)}}
	switch l.base.Adduser {
	case "shadow":
		out.create = fmt.Sprintf("groupadd --gid %d app && "+
			"useradd --uid %d --gid app --create-home --shell /usr/sbin/nologin app", made, made)
	case "busybox":
		out.create = fmt.Sprintf("addgroup -g %d app && "+
			"adduser -D -u %d -G app -s /sbin/nologin app", made, made)
	default:
		return account{}, fmt.Sprintf("%s has no unprivileged account that is known, and no known way to create one",
			l.says())
	}
	return out, ""
}

// leftUser is the literal unprivileged user that was in force before the USER root in force.
func (l launch) leftUser(stated *dockerfile.Instruction) string {
	user := ""
	for _, i := range l.steps() {
		if i == stated {
			return user
		}
		name := strings.Trim(i.Text(), `"'`)
		if i.Keyword == "USER" && !isRoot(name) && !strings.ContainsAny(name, "$\\") {
			user = name
		}
	}
	return ""
}

// created is the one account that the stage's own steps create, nil when there is none.
func (l launch) created() (*account, string) {
	var out []account
	for _, i := range l.steps() {
		if i.Keyword != "RUN" {
			continue
		}
		more, reason := createdBy(i)
		if reason != "" {
			return nil, reason
		}
		out = append(out, more...)
	}
	switch len(out) {
	case 0:
		return nil, ""
	case 1:
		return &out[0], ""
	}
	return nil, "several accounts are created, and which one the program is meant for is not known"
}

// createdBy are the accounts that one RUN creates. What cannot be read is told by ownedByRoot.
func createdBy(i *dockerfile.Instruction) (out []account, reason string) {
	cmds, _ := commands(i)
	for _, c := range cmds {
		switch c.Name() {
		case "userdel", "deluser", "usermod", "groupmod", "groupdel", "delgroup":
			return nil, c.Name() + " changes the accounts"
		case "useradd", "adduser":
			a, ok := accountOf(c)
			if !ok {
				return nil, fmt.Sprintf("the account that line %d creates could not be read", i.Line())
			}
			if script, err := i.Script(); err == nil {
				if _, always := script.Lists(); !always {
					return nil, fmt.Sprintf("line %d creates %s under a condition, so it may not be there", i.Line(), a.names[0])
				}
			}
			out = append(out, a)
		}
	}
	return out, ""
}

// valued are the flags of useradd and of both programs called adduser that take the next word as their value.
var valued = [...]string{
	"-u", "--uid", "-g", "--gid", "-G", "--groups", "--ingroup", "-d", "-h", "--home", "--home-dir", "-s",
	"--shell", "-c", "--comment", "--gecos", "-b", "--base-dir", "-k", "--skel", "-K", "--key", "-p",
	"--password", "-e", "--expiredate", "-f", "--inactive",
}

// accountOf reads a useradd or adduser command that creates one account of a literal name.
func accountOf(c dockerfile.Command) (account, bool) {
	flags, names := map[string]string{}, []string{}
	args, ok := c.Texts()
	if !ok {
		return account{}, false
	}
	for n := 1; n < len(args); n++ {
		flag, value, given := strings.Cut(args[n], "=")
		switch {
		case !strings.HasPrefix(flag, "-"):
			names = append(names, args[n])
			continue
		case !strings.HasPrefix(flag, "--") && len(flag) > 2:
			flag = "-" + flag[len(flag)-1:] // -ms: the last of several may take a value
		}
		if !given && slices.Contains(valued[:], flag) && n+1 < len(args) {
			n++
			value = args[n]
		}
		flags[flag] = value
	}
	if len(names) != 1 {
		return account{}, false
	}
	return named(c.Name(), names[0], flags), true
}

// named is the account of a name and the flags it was created with.
func named(tool, name string, flags map[string]string) account {
	first := func(keys ...string) string {
		for _, k := range keys {
			if flags[k] != "" {
				return flags[k]
			}
		}
		return ""
	}
	uid, group := first("-u", "--uid"), first("--gid", "--ingroup")
	if tool == "useradd" && group == "" {
		group = first("-g")
	} else if tool == "adduser" && group == "" {
		group = first("-G")
	}
	out := account{user: name, names: []string{name}}
	switch {
	case number(uid) && number(group):
		out.user = uid + ":" + group
	case number(uid):
		out.user = uid
	case group != "":
		out.user = name + ":" + group
	}
	if number(uid) {
		out.names = append(out.names, uid)
	}
	return out
}

func number(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n > 0
}
