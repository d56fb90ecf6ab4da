package prove

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	"google.golang.org/protobuf/proto"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// ranByRoot: a USER moved below RUNs that only install packages; of these steps only the user differs, who is root then.
func ranByRoot(intent fixes.RanByRoot) predicate {
	return predicate{
		text: func(c *change) error {
			user, err := c.lowered("USER")
			if err != nil {
				return err
			}
			if got := strings.Trim(user.Text(), `"'`); got != intent.User || isRootName(got) {
				return fmt.Errorf("the user is %s, not %s", got, intent.User)
			}
			return c.surelyRoot(user)
		},
		image: func(c *change, b, a image) error {
			return c.loweredImage(b, a, func(was, is *pb.Meta) error {
				if was.User != intent.User { // that root is whoever was there before is known from the text
					return fmt.Errorf("a step runs as %q, not as %s", was.User, intent.User)
				}
				was.User = is.User
				return nil
			})
		},
	}
}

// deferred: an ARG or ENV moved below RUNs that only install packages; of these steps only its variables are gone.
func deferred(intent fixes.Deferred) predicate {
	return predicate{
		text: func(c *change) error {
			moved, err := c.lowered("ARG", "ENV")
			if err != nil {
				return err
			}
			if got := variables(moved); !slices.Equal(got, intent.Names) || slices.ContainsFunc(got, mayBeRead) {
				return fmt.Errorf("the variables %s may be read by what runs between", strings.Join(got, ", "))
			}
			return c.unnamed(intent.Names)
		},
		image: func(c *change, b, a image) error {
			return c.loweredImage(b, a, func(was, is *pb.Meta) error {
				was.Env = slices.DeleteFunc(was.Env, func(kv string) bool {
					name, _, _ := strings.Cut(kv, "=")
					return slices.Contains(intent.Names, name) && !slices.Contains(is.Env, kv)
				})
				return nil
			})
		},
	}
}

// lowered is the instruction of one of the kinds that moved down, when nothing else changed and all RUNs that it passed
// install packages or look after files.
func (c *change) lowered(keywords ...string) (*dockerfile.Instruction, error) {
	if len(c.old) < 2 || len(c.old) != len(c.fixed) {
		return nil, errors.New("more than one instruction moved")
	}
	moved := c.old[0]
	if !slices.Contains(keywords, moved.Keyword) || !sameText(moved, c.fixed[len(c.fixed)-1]) ||
		!slices.EqualFunc(c.old[1:], c.fixed[:len(c.fixed)-1], sameText) {
		return nil, errors.New("more differs than one instruction that moved down")
	}
	runs := 0
	for _, i := range c.old[1:] {
		switch i.Keyword {
		case "RUN":
			runs++
			if err := onlyPackages(i); err != nil {
				return nil, err
			}
		case "LABEL", "EXPOSE", "STOPSIGNAL", "CMD":
			if moved.Keyword == "USER" || strings.Contains(i.Text(), "$") {
				return nil, fmt.Errorf("%s on line %d stands between", i.Keyword, i.Line())
			}
		default:
			return nil, fmt.Errorf("%s on line %d stands between", i.Keyword, i.Line())
		}
	}
	if runs == 0 {
		return nil, errors.New("it passed no step")
	}
	return moved, nil
}

// onlyPackages checks that a RUN does nothing but what operating systems' package managers and a few tools beside them do.
func onlyPackages(i *dockerfile.Instruction) error {
	if len(i.Flags) > 0 {
		return fmt.Errorf("the step on line %d has options", i.Line())
	}
	if shell := i.Stage.Before(i).Shell; len(shell) > 0 && !knownShell(shell) {
		return fmt.Errorf("what the shell %q does with the script on line %d is not known", shell, i.Line())
	}
	if strings.Contains(string(i.File().Src), "BASH_ENV") {
		return errors.New("a variable gives the shell commands of its own")
	}
	cmds, err := chain(i)
	if err != nil {
		return err
	}
	for _, cmd := range cmds {
		words, ok := patterned(cmd)
		if !ok {
			return fmt.Errorf("what the step on line %d does is not known", i.Line())
		}
		if _, known, err := systemEffect(path.Base(words[0]), words, "/"); err != nil || !known {
			return fmt.Errorf("whether %s on line %d depends on it is not known", words[0], i.Line())
		}
	}
	return nil
}

// loweredImage compares two images whose steps differ in what forgive takes out of the earlier one's.
func (c *change) loweredImage(b, a image, forgive func(was, is *pb.Meta) error) error {
	if len(b.steps) != len(a.steps) {
		return errors.New("there are more or fewer steps")
	}
	for k := range b.steps {
		if b.steps[k].key == a.steps[k].key {
			continue
		}
		was, is := execOf(b.steps[k]), execOf(a.steps[k])
		if was == nil || is == nil {
			return errors.New("a step differs that is not a command")
		}
		shell, _, _, err := runs(b.steps[k])
		if err != nil || !knownShell(shell) || slices.ContainsFunc(was.Meta.Env, changesShell) {
			return errors.New("the shell of a step, or what it runs before its script, is not known")
		}
		if err := forgive(was.Meta, is.Meta); err != nil {
			return err
		}
		if !proto.Equal(was, is) || !slices.Equal(b.steps[k].raw.Inputs, a.steps[k].raw.Inputs) {
			return errors.New("more differs in a step")
		}
	}
	b.steps, a.steps = nil, nil
	return equal(b, a)
}

func isRootName(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	id, err := strconv.Atoi(name)
	return name == "root" || err == nil && id == 0
}

// variables are the names that an ARG or ENV sets.
func variables(i *dockerfile.Instruction) (out []string) {
	if i.Keyword == "ENV" && len(i.Words) > 0 && !strings.Contains(i.Words[0].Text, "=") {
		return []string{i.Words[0].Text}
	}
	for _, w := range i.Words {
		name, _, _ := strings.Cut(w.Text, "=")
		out = append(out, name)
	}
	return out
}

// volatileName matches variables that say which build this is.
var volatileName = pattern.New(`^(BUILD_?(DATE|TIME|TIMESTAMP|NUMBER|NUM|ID|REV|SHA|COMMIT|URL|TAG)|` +
	`(VCS|GIT)_?(REF|SHA|SHA1|COMMIT|REV|REVISION|HASH|TAG|BRANCH|URL|DESCRIBE|COMMIT_SHA|COMMIT_HASH)|` +
	`(COMMIT|SHORT_SHA|SHA|REVISION|REV)(_(SHA|HASH|ID|REF|DATE))?|CI_(COMMIT_\w+|PIPELINE_\w+|JOB_\w+)|GITHUB_(SHA|RUN_\w+|REF\w*)|` +
	`SOURCE_(COMMIT|VERSION|REV)|CACHE_?BUST(ER)?|CACHE_DATE|DATE|TIMESTAMP|CREATED)$`)

// mayBeRead reports whether package managers or what they start may look at a variable of that name. Names of versions, commits
// and dates are known to mean nothing to them.
func mayBeRead(name string) bool { return !volatileName.MatchString(name) }

// unnamed checks that no step that the variables were taken from names them.
func (c *change) unnamed(names []string) error {
	for _, i := range c.old[1:] {
		for _, name := range names {
			if strings.Contains(c.before.Text(i.Span), name) {
				return fmt.Errorf("line %d names %s", i.Line(), name)
			}
		}
	}
	return nil
}
