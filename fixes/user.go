package fixes

import (
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// SetUser switches to user directly below after, and before that runs create, one line of shell that makes the
// account, unless it is empty. When after is itself a USER and nothing is created, its user is replaced.
//
// It refuses a Windows stage, a place that a later USER of the stage overrides or after which a RUN or a WORKDIR
// would act as the new user, and creating an account where root was already left.
func SetUser(f *dockerfile.File, after *dockerfile.Instruction, user, create string) ([]Edit, error) {
	if err := switchable(f, after, user, create); err != nil {
		return nil, err
	}
	if after.Keyword == "USER" && create == "" {
		e, err := ReplaceBody(f, after, user)
		if err != nil {
			return nil, err
		}
		return []Edit{e}, nil
	}
	lines, more := dressed(f, after, "USER "+user), 1
	if create != "" {
		if err := creates(f, after, create); err != nil {
			return nil, err
		}
		lines = dressed(f, after, "RUN "+create) + eolNear(f, after) + lines
		more++
	}
	return checked(f, more, insertBelow(f, after, lines))
}

func switchable(f *dockerfile.File, after *dockerfile.Instruction, user, create string) error {
	switch {
	case after == nil || after.Stage == nil:
		return refuse("there is no stage to set the user of")
	case after.Index >= len(f.Instructions) || f.Instructions[after.Index] != after:
		return refuse("what ONBUILD defers is left alone: it takes effect in other builds")
	case after.Stage.Windows():
		return refuse("a Windows stage has other users")
	case user == "" || strings.ContainsAny(user+create, "\r\n"):
		return refuse("the user or the command that creates it is not one line")
	case create != "" && !slices.Contains([]string{"", "root", "0", "root:root", "0:0"}, userAfter(after)):
		return refuse("only root can create a user, and %s is in force", userAfter(after))
	}
	for _, i := range f.Instructions[after.Index+1:] {
		if i.Stage == after.Stage && slices.Contains([]string{"USER", "RUN", "WORKDIR"}, i.Keyword) {
			return refuse("%s on line %d comes after it", i.Keyword, i.Line())
		}
	}
	return nil
}

// creates refuses a command that is not a list of known programs, or a place where RUN is not run by a Unix shell.
func creates(f *dockerfile.File, after *dockerfile.Instruction, create string) error {
	if _, err := parseCommand(f, create); err != nil {
		return err
	}
	if shell := shellAfter(after); len(shell) > 0 && !unixShells[path.Base(shell[0])] {
		return refuse("RUN is run by %s there", shell[0])
	}
	return nil
}

var unixShells = words(`sh ash dash bash`)

// shellAfter is the SHELL in force behind i.
func shellAfter(i *dockerfile.Instruction) []string {
	if i.Keyword != "SHELL" {
		return i.Stage.Before(i).Shell
	}
	var out []string
	for _, w := range i.Words {
		out = append(out, w.Text)
	}
	return out
}

// userAfter is the user in force behind i, as written; "" when the stage has set none.
func userAfter(i *dockerfile.Instruction) string {
	if i.Keyword == "USER" {
		return strings.Trim(i.Text(), `"'`)
	}
	return i.Stage.Before(i).User
}
