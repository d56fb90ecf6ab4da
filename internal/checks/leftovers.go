package checks

import (
	"maps"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/ecosystem"
)

// leftovers are the things that the steps of one stage are known to have made and not to have removed, each with the
// step it comes from. Things are named as by ecosystem.Makes.
type leftovers map[string]*dockerfile.Instruction

// after adds what i makes and takes out what it removes.
func (l leftovers) after(i *dockerfile.Instruction) {
	switch i.Keyword {
	case "RUN":
		cmds, _ := placedCommands(i)
		for n, c := range cmds {
			for _, thing := range ecosystem.Makes(c.Command, c.dir) {
				if !mounted(i, thing) && !keptEmpty(i, thing) && (c.Name() != "mkdir" || filled(cmds[n+1:], thing)) {
					l[thing] = i
				}
			}
			l.remove(c)
		}
	case "COPY", "ADD":
		for _, file := range copiedFiles(i) {
			l[file] = i
		}
	}
}

// filled reports whether one of the commands works in a directory: an empty one is no mess.
func filled(cmds []placed, dir string) bool {
	return slices.ContainsFunc(cmds, func(c placed) bool {
		return within(c.dir, dir) || slices.ContainsFunc(c.Args(), func(w dockerfile.Argument) bool {
			return within(seenFrom(c.dir, w), dir)
		})
	})
}

// keptEmpty reports whether an ENV above i turns the cache off.
func keptEmpty(i *dockerfile.Instruction, cache string) bool {
	above := i.File().Instructions[:i.Index]
	return cache == "~/.cache/pip" && slices.ContainsFunc(above, func(a *dockerfile.Instruction) bool {
		return (a.Keyword == "ENV" || a.Keyword == "ARG") && strings.Contains(a.Text(), "PIP_NO_CACHE_DIR")
	})
}

func (l leftovers) remove(c placed) {
	for _, made := range l.takenBy(c) {
		delete(l, made)
	}
}

// takenBy are the things that a command removes, sorted.
func (l leftovers) takenBy(c placed) []string {
	patterns, _ := ecosystem.Removes(c.Command, c.dir)
	var taken []string
	for _, made := range slices.Sorted(maps.Keys(l)) {
		if slices.ContainsFunc(patterns, func(p string) bool { return ecosystem.Covers(p, made) }) {
			taken = append(taken, made)
		}
	}
	return taken
}

// copiedFiles are the paths of the single files that a COPY or ADD is known to bring: sources that look like an archive
// or a package, which somebody unpacks and then removes.
func copiedFiles(i *dockerfile.Instruction) []string {
	n := len(i.Words) - 1
	if n < 1 {
		return nil
	}
	var out []string
	for _, w := range i.Words[:n] {
		if strings.ContainsAny(w.Text, "$*?[<\"'") || !hasSuffix(w.Text, bundles) || unpacked(i, w.Text) {
			continue
		}
		if to := target(i, w.Text); to != "" {
			out = append(out, to)
		}
	}
	return out
}

var (
	archives = []string{".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2"}
	bundles  = append([]string{".zip", ".deb", ".rpm", ".apk", ".whl", ".run"}, archives...)
)

// unpacked reports whether ADD unpacks the source instead of copying it.
func unpacked(i *dockerfile.Instruction, source string) bool {
	return i.Keyword == "ADD" && hasSuffix(source, archives) && !strings.Contains(source, "://")
}

func hasSuffix(s string, endings []string) bool {
	return slices.ContainsFunc(endings, func(end string) bool { return strings.HasSuffix(s, end) })
}

// removesOnly reports whether a RUN does nothing but remove things.
func removesOnly(i *dockerfile.Instruction) bool {
	cmds, ok := placedCommands(i)
	if !ok || i.Keyword != "RUN" {
		return false
	}
	removes := false
	for _, c := range cmds {
		_, only := ecosystem.Removes(c.Command, c.dir)
		if !only && !slices.Contains([]string{"true", ":", "set", "cd", "sync", "echo"}, c.Name()) {
			return false
		}
		removes = removes || only
	}
	return removes
}

// cleanupsBelow are the RUNs that follow i without anything between and do nothing but remove things.
func cleanupsBelow(i *dockerfile.Instruction) []*dockerfile.Instruction {
	var out []*dockerfile.Instruction
	for _, below := range following(i) {
		if !removesOnly(below) {
			break
		}
		out = append(out, below)
	}
	return out
}
