package checks

import (
	"fmt"
	"io/fs"
	"slices"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// prepared is why steps before the copy may have told the install of places that are there only behind it: a setting,
// a link, a script in the place of a program.
func (p *plan) prepared() string {
	if p.preparedOnce == nil {
		p.preparedOnce = new(string)
		*p.preparedOnce = p.preparing()
	}
	return *p.preparedOnce
}

func (p *plan) preparing() string {
	for _, s := range lineage(p.stage) {
		for _, i := range s.Instructions {
			if i == p.broad.instruction {
				return ""
			}
			if name := p.tells(i); name != "" {
				return fmt.Sprintf("line %d names %s, which only the copy brings", i.Line(), name)
			}
		}
	}
	return ""
}

// tells is the place of the sources that a step names: in a script, or in a file that it puts somewhere else.
func (p *plan) tells(i *dockerfile.Instruction) string {
	switch i.Keyword {
	case "RUN":
		if makesOnly(i) {
			return ""
		}
		return p.named(i, i.File().Text(i.Span), false)
	case "COPY", "ADD":
		for _, doc := range i.Heredocs {
			if name := p.named(i, doc.Content, false); name != "" {
				return name
			}
		}
		if !fromContext(i) {
			return ""
		}
		if c, ok := readCopy(p.build.Context, i, p.at[i]); ok {
			return p.told(i, c)
		}
	}
	return ""
}

// makesOnly reports whether a RUN only makes directories, accounts and owners.
func makesOnly(run *dockerfile.Instruction) bool {
	cmds, complete := commands(run)
	makes := []string{"mkdir", "chown", "chmod", "chgrp", "useradd", "groupadd", "adduser", "addgroup", "touch"}
	return complete && !slices.ContainsFunc(cmds, func(c dockerfile.Command) bool {
		return len(c.Words) > 0 && !slices.Contains(makes, c.Words[0].Text)
	})
}

// maxTold bounds how many files are looked through, maxToldSize how large one may be.
const (
	maxTold     = 40
	maxToldSize = 64 << 10
)

// told is the place of the sources that files name which a copy brings to some other directory.
func (p *plan) told(i *dockerfile.Instruction, c contextCopy) (found string) {
	if _, in := p.broad.to.below(c.to); in {
		return ""
	}
	seen := 0
	for _, s := range c.sources {
		_ = fs.WalkDir(p.build.Context, s.path, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil
			}
			if seen++; seen > maxTold {
				return fs.SkipAll // that many are no settings
			}
			info, err := d.Info()
			if err != nil || info.Size() > maxToldSize {
				return nil
			}
			text, err := fs.ReadFile(p.build.Context, name)
			if err == nil {
				found = p.named(i, string(text), false)
			}
			if found != "" {
				return fs.SkipAll
			}
			return nil
		})
		if found != "" {
			return found
		}
	}
	return ""
}

// broughtBefore reports whether a copy before the one that is looked at brings a file of the context to its place.
func (p *plan) broughtBefore(name string) bool {
	to, ok := p.broad.image(name)
	if !ok {
		return false
	}
	for _, s := range lineage(p.stage) {
		for _, i := range s.Instructions {
			if i == p.broad.instruction {
				return false
			}
			if !fromContext(i) {
				continue
			}
			c, ok := readCopy(p.build.Context, i, p.at[i])
			if at, brings := c.image(name); ok && brings && at == to {
				return true
			}
		}
	}
	return false
}
