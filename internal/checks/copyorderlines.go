package checks

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/ecosystem"
	"github.com/lighterman/lighterman/internal/pattern"
)

// finish makes the instructions that copy what the installs read, or says why there can be none.
func (p *plan) finish(out outcome) outcome {
	if out.guilty == nil {
		return out
	}
	if out.refused = either(p.flags(), either(p.overwrites(), p.looksAt())); out.refused != "" {
		return out
	}
	out.target = p.target()
	done, copies := map[string]bool{}, p.standing(out.first)
	for _, inputs := range p.inputs {
		p.linesFor(inputs, done, copies, &out)
	}
	return out
}

// target is where the copy writes, as an absolute path that means the same, "" when that is not known.
func (p *plan) target() string {
	written := p.broad.instruction.Words[len(p.broad.instruction.Words)-1].Text
	at := string(p.broad.to)
	if !path.IsAbs(at) || !plainName.MatchString(at) || !plainName.MatchString(written) ||
		p.broad.instruction.Form != dockerfile.NoForm {
		return ""
	}
	if written == "." || written == ".." || strings.HasSuffix(written, "/") {
		at = strings.TrimSuffix(at, "/") + "/"
	}
	return at
}

// linesFor adds the lines for one install, one for every directory. done are the inputs that need no more, copies those
// that stand before the install.
func (p *plan) linesFor(inputs []string, done map[string]bool, copies []contextCopy, out *outcome) {
	groups := map[place][]string{}
	for _, in := range inputs {
		at, brought := p.broad.image(in)
		switch stands := p.stands(copies, in, at); {
		case !brought && !stands:
			out.refused = either(out.refused, "the install reads "+in+", which it does not bring")
		case brought && !stands && !done[in]:
			dir := place(path.Dir(string(at)))
			groups[dir] = append(groups[dir], in)
			out.inputs = append(out.inputs, in)
		}
		done[in] = true
	}
	for _, to := range slices.Sorted(maps.Keys(groups)) {
		line, why := p.line(groups[to], to)
		out.lines = append(out.lines, line)
		out.refused = either(out.refused, why)
	}
}

// flags is why the copy's flags do not let it be split.
func (p *plan) flags() string {
	for _, f := range p.broad.instruction.Flags {
		switch strings.ToLower(f.Name) {
		case "chown", "chmod", "link":
		default:
			return "its flag --" + f.Name + " changes which files it brings"
		}
	}
	return ""
}

// overwrites is why the later copy may bring files over those that the installs wrote.
func (p *plan) overwrites() string {
	for _, at := range p.outputs {
		name, ok := p.broad.name(at)
		if !ok {
			continue
		}
		if _, err := fs.Stat(p.build.Context, name); err == nil {
			return name + " is part of the sources, so the later copy would overwrite what was installed"
		}
		if !p.build.Remote && !p.build.Hides(name) {
			return name + " is not in the ignore file, so the later copy could overwrite what was installed"
		}
	}
	return ""
}

// looksAt is why a working copy may bring what the installs would look at although no commit has it.
func (p *plan) looksAt() string {
	for _, name := range p.absent {
		if p.brings(name) && !p.build.Remote && !p.build.Hides(name) {
			return name + " is not in the ignore file, and the install takes the version of the project from it"
		}
	}
	return ""
}

// standing are the other copies from the context before the install.
func (p *plan) standing(install *dockerfile.Instruction) []contextCopy {
	var out []contextCopy
	for _, s := range lineage(p.stage) {
		for _, i := range s.Instructions {
			if i.Index >= install.Index || i == p.broad.instruction || !fromContext(i) {
				continue
			}
			if c, ok := readCopy(p.build.Context, i, p.at[i]); ok {
				out = append(out, c)
			}
		}
	}
	return out
}

// stands reports whether one of the copies brings an input to the same place, as the broad copy does. at is "" for an
// input that the broad copy does not bring.
func (p *plan) stands(copies []contextCopy, name string, at place) bool {
	return slices.ContainsFunc(copies, func(c contextCopy) bool {
		there, brings := c.image(name)
		return brings && (at == "" || there == at && flagText(c.instruction) == flagText(p.broad.instruction))
	})
}

// plainName is what a path may be made of so that it needs no quoting in a Dockerfile.
var plainName = pattern.New(`^[\w./@+-]+$`)

// line is the instruction that copies files of one directory to where the broad copy puts them.
func (p *plan) line(files []string, to place) (line, why string) {
	slices.SortStableFunc(files, func(a, b string) int {
		if ecosystem.Lock(a) != ecosystem.Lock(b) {
			if ecosystem.Lock(a) {
				return 1
			}
			return -1
		}
		return strings.Compare(a, b)
	})
	target := string(to)
	if rel, ok := p.at[p.broad.instruction].workdir.below(to); ok {
		target = rel
	}
	if target = strings.TrimSuffix(target, "/") + "/"; strings.HasPrefix(target, "?") {
		return "", "where it copies to is not known"
	}
	for _, name := range append(slices.Clone(files), target) {
		if !plainName.MatchString(name) {
			return "", fmt.Sprintf("the name %q needs quoting", name)
		}
	}
	words := []string{"COPY"}
	for _, f := range p.broad.instruction.Flags {
		words = append(words, p.pass.File.Text(f.Span))
	}
	return strings.Join(append(append(words, files...), target), " "), ""
}
