package prove

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// notNeeded checks that nothing below the cleanup reads what it removes: not in its own stage, nor in those that
// stand on that one, nor in those that copy or mount from one of these what may hold the files.
func (c *change) notNeeded(old *dockerfile.Instruction, clean cleanup) error {
	holds := map[*dockerfile.Stage]bool{old.Stage: true}
	for _, i := range c.before.Instructions[old.Index+1:] {
		if i.Keyword == "FROM" && holds[i.Stage.Parent] {
			holds[i.Stage] = true
		}
		for _, t := range taken(i) {
			switch {
			case !holds[c.before.Stage(t.from)]:
			case t.within(clean.removes):
				return fmt.Errorf("line %d copies what is removed", i.Line())
			case t.above(clean.removes):
				holds[i.Stage] = true
			}
		}
		if i.Keyword == "VOLUME" && holds[i.Stage] && slices.ContainsFunc(i.Words, func(w dockerfile.Word) bool {
			return taking{path: w.Text}.touches(clean.removes)
		}) {
			return fmt.Errorf("line %d hands what is removed to others", i.Line())
		}
		if clean.refresh == nil && holds[i.Stage] {
			if err := c.worksFrom(i, clean); err != nil {
				return fmt.Errorf("line %d %w", i.Line(), err)
			}
		}
		if clean.refresh == nil || !holds[i.Stage] {
			continue
		}
		again, err := c.needs(i, clean)
		if err != nil {
			return fmt.Errorf("line %d %w", i.Line(), err)
		}
		holds[i.Stage] = !again
	}
	return nil
}

// worksFrom says why an instruction may work from the cache of a manager.
func (c *change) worksFrom(i *dockerfile.Instruction, clean cleanup) error {
	switch {
	case i.Keyword == "RUN" && (reads(i, clean.removes) || worksOffline(i, clean.managers)):
		return errors.New("may read what is removed")
	case among("CMD ENTRYPOINT HEALTHCHECK", i.Keyword):
		return c.startsFromCache(i, clean)
	}
	return nil
}

// reads reports whether a RUN names one of the directories other than to remove it, or has a manager install from its
// own cache.
func reads(i *dockerfile.Instruction, dirs []string) bool {
	script, err := i.Script()
	if err == nil && slices.ContainsFunc(script.Calls(), func(cmd dockerfile.Command) bool {
		return carriesAway(i, cmd, dirs)
	}) {
		return true
	}
	named := func(text string) bool {
		return slices.ContainsFunc(dirs, func(dir string) bool {
			return strings.Contains(text, strings.TrimPrefix(dir, "/root")) // of "~/.npm" and "$HOME/.npm" as well
		})
	}
	offline := strings.Contains(i.Text(), "offline") && slices.ContainsFunc(dirs, ownCache)
	if !named(i.Text()) {
		return offline
	}
	if err != nil {
		return true
	}
	known := false
	for _, cmd := range script.Calls() {
		for _, w := range cmd.Args() {
			switch {
			case !named(w.Text):
			case !slices.Contains([]string{"rm", "rmdir"}, cmd.Name()):
				return true
			default:
				known = true
			}
		}
	}
	return offline || !known
}

// ownCache reports whether a directory is one from which a manager installs when it is told that there is no network.
func ownCache(dir string) bool {
	return strings.Contains(dir, ".npm") || strings.Contains(dir, "yarn") || strings.Contains(dir, ".cache")
}

// A taking is a path that an instruction takes out of another stage.
type taking struct{ from, path string }

// taken are the takings of an instruction: the sources of a COPY, or what a RUN mounts.
func taken(i *dockerfile.Instruction) []taking {
	var out []taking
	if from, ok := i.Flag("from"); ok && len(i.Words) > 0 {
		for _, w := range i.Words[:len(i.Words)-1] {
			out = append(out, taking{from.Value, w.Text})
		}
	}
	for _, fl := range i.Flags {
		if !strings.EqualFold(fl.Name, "mount") {
			continue
		}
		t := taking{path: "/"}
		for field := range strings.SplitSeq(fl.Value, ",") {
			switch key, value, _ := strings.Cut(field, "="); strings.ToLower(key) {
			case "from":
				t.from = value
			case "source", "src":
				t.path = value
			}
		}
		out = append(out, t)
	}
	return out
}

// fixed is the path as far as it is literal; whole reports whether that is all of it.
func (t taking) fixed() (name string, whole bool) {
	if at := strings.IndexAny(t.path, "*?[$\\\"'"); at >= 0 {
		dir, base := path.Split("/" + t.path[:at])
		return strings.TrimSuffix(path.Clean(dir), "/") + "/" + base, false
	}
	return path.Clean("/" + t.path), true
}

// within reports whether one of the directories, or something in it, is what is taken, or may be.
func (t taking) within(dirs []string) bool {
	name, whole := t.fixed()
	return slices.ContainsFunc(dirs, func(dir string) bool {
		return within(name, dir) || !whole && strings.HasPrefix(dir, name)
	})
}

// above reports whether one of the directories lies in what is taken.
func (t taking) above(dirs []string) bool {
	name, _ := t.fixed()
	return slices.ContainsFunc(dirs, func(dir string) bool { return within(dir, name) })
}

// needs says why an instruction may need the files that a manager works from. again reports that it begins by making
// them anew, so that what follows does not need the old ones either.
func (c *change) needs(i *dockerfile.Instruction, clean cleanup) (again bool, err error) {
	switch i.Keyword {
	case "RUN":
		return c.runNeeds(i, clean)
	case "ONBUILD":
		if i.Inner != nil && i.Inner.Keyword == "RUN" {
			_, err = c.runNeeds(i.Inner, clean)
		}
	case "CMD", "ENTRYPOINT", "HEALTHCHECK":
		if namesManager.MatchString(i.Text()) {
			err = errors.New("has a command that installs from the files that are removed")
		} else if name := c.startInstalls(i, namesManager, fetchesLists); name != "" {
			err = fmt.Errorf("starts %s, which installs from the files that are removed", name)
		}
	}
	return false, err
}

// startInstalls is a script of a build context that a command names and that installs, and has nothing of what unless
// matches, nil for whatever else it has.
func (c *change) startInstalls(i *dockerfile.Instruction, installs, unless *pattern.Pattern) (found string) {
	wanted := func(name string) bool {
		return path.Ext(name) == "" && strings.Contains(i.Text(), "/"+path.Base(name)) ||
			path.Ext(name) == ".sh" && strings.Contains(i.Text(), path.Base(name))
	}
	for _, b := range c.Builds {
		if b.Context == nil || b.Remote {
			continue
		}
		_, err := eachSource(b.Context, wanted, func(name string, text []byte) error {
			if installs.Match(text) && (unless == nil || !unless.Match(text)) {
				found = name
			}
			return nil
		})
		if err != nil && found == "" {
			found = "a file that cannot be read" // what cannot be looked at may install, too
		}
	}
	return found
}

var fetchesLists = pattern.New(`\bapt(-get|itude)?\b[^\n]*\bupdate\b`)

func (c *change) runNeeds(i *dockerfile.Instruction, clean cleanup) (again bool, err error) {
	leaves := func(cmd dockerfile.Command) error {
		err := c.leavesLists(cmd, clean)
		if err == nil && carriesAway(i, cmd, clean.removes) {
			err = fmt.Errorf("may take what is removed elsewhere (%s)", cmd.Name())
		}
		return err
	}
	if i.Form == dockerfile.ExecForm {
		return false, leaves(execCommand(i))
	}
	script, err := i.Script()
	if err != nil || slices.ContainsFunc(i.Heredocs, func(h dockerfile.Heredoc) bool { return forOthers(i, h) }) {
		return false, errors.New("may install from the files that are removed: its script could not be read")
	}
	sure := surely(script.AST.Stmts)
	for _, cmd := range script.Calls() {
		switch {
		case sure[cmd.Stmt] && fetches(cmd, clean):
			return true, nil
		case slices.Contains([]string{"exit", "exec", "return"}, cmd.Name()):
			sure = nil // what follows may not run
		}
		if err := leaves(cmd); err != nil {
			return false, err
		}
	}
	return false, nil
}

// forOthers reports whether a here-document of i is not for the shell and names a manager.
func forOthers(i *dockerfile.Instruction, h dockerfile.Heredoc) bool {
	alone := strings.HasPrefix(i.Text(), "<<") && !strings.ContainsAny(i.Text(), " \t;|&>")
	return strings.HasPrefix(strings.TrimLeft(h.Content, "\t"), "#!") || !alone && namesManager.MatchString(h.Content)
}

func execCommand(i *dockerfile.Instruction) (c dockerfile.Command) {
	for _, w := range i.Words {
		c.Words = append(c.Words, dockerfile.Argument{Text: w.Text, Literal: true, Span: w.Span})
	}
	return c
}
