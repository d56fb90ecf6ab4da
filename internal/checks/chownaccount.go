package checks

import (
	"slices"
	"strconv"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/image"
)

// account asks that the owner's names mean, when the first COPY looks them up, what they mean to the RUN. BuildKit
// takes a name that is not there yet for root, without an error.
func (o *ownedPlan) account(base image.Image) string {
	user, group, _ := strings.Cut(o.owner, ":")
	for _, name := range []string{user, group} {
		if !numeric(name) && name != "root" && name != "" && !o.exists(name, base) {
			return "no step above the COPY is known to create " + name
		}
	}
	for _, i := range o.above[slices.Index(o.above, o.copies[0]):] {
		if i.Keyword == "RUN" && (mentions(i, user) || mentions(i, group)) {
			return "a step between the COPY and this one is about " + user
		}
	}
	return ""
}

func numeric(name string) bool {
	_, err := strconv.ParseUint(name, 10, 32)
	return err == nil
}

// exists reports whether the base image has the account, or a step above the first COPY creates one of that name.
func (o *ownedPlan) exists(name string, base image.Image) bool {
	if name == base.Account || base.Shell == "dash" && base.Libc == "glibc" && name == "www-data" {
		return true
	}
	for _, s := range lineage(o.run.Stage) {
		for _, i := range s.Instructions {
			if i == o.copies[0] {
				return false
			}
			if i.Keyword == "RUN" && creates(i, name) {
				return true
			}
		}
	}
	return false
}

var accountTools = []string{"useradd", "adduser", "groupadd", "addgroup"}

// creates reports whether a RUN creates an account or a group of that name.
func creates(i *dockerfile.Instruction, name string) bool {
	cmds, _ := commands(i)
	return slices.ContainsFunc(cmds, func(c dockerfile.Command) bool {
		return slices.Contains(accountTools, c.Name()) && slices.ContainsFunc(c.Args(), func(w dockerfile.Argument) bool {
			return w.Literal && w.Text == name
		})
	})
}

// mentions reports whether an account tool of a RUN is about the name.
func mentions(i *dockerfile.Instruction, name string) bool {
	cmds, _ := commands(i)
	return name != "0" && slices.ContainsFunc(cmds, func(c dockerfile.Command) bool {
		return (slices.Contains(accountTools, c.Name()) || c.Name() == "usermod") &&
			slices.ContainsFunc(c.Args(), func(w dockerfile.Argument) bool { return !w.Literal || w.Text == name })
	})
}
