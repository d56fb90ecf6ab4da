package checks

import (
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

var chownCopies = &check.Check{
	Name:     "chown-copies",
	Family:   check.SmallerImage,
	Summary:  "a recursive `chown` or `chmod` after COPY stores every copied file twice",
	Severity: check.Warning,
	Run:      runChownCopies,
}

func runChownCopies(p *check.Pass) error {
	for _, s := range p.File.Stages {
		if !shipped(p, s) {
			continue
		}
		for n, i := range s.Instructions {
			if i.Keyword != "RUN" {
				continue
			}
			if h, ok := handoverOf(i, s.Instructions[:n]); ok {
				h.report(p)
			}
		}
	}
	return nil
}

// A handover is a RUN that gives, recursively, another owner or mode to what COPYs above it brought.
type handover struct {
	run     *dockerfile.Instruction
	above   []*dockerfile.Instruction // the stage's instructions before run
	program string                    // chown or chmod
	options []string
	value   dockerfile.Argument   // the owner or the mode
	written []dockerfile.Argument // the paths
	paths   []string              // the same, absolute; "" for one that is not known
}

// handoverOf finds the first recursive chown or chmod of i on a path into which a COPY or ADD above put something.
func handoverOf(i *dockerfile.Instruction, above []*dockerfile.Instruction) (handover, bool) {
	cmds, _ := placedCommands(i)
	for _, c := range cmds {
		if c.Name() != "chown" && c.Name() != "chmod" {
			continue
		}
		h := handover{run: i, above: above, program: c.Name()}
		if h.read(c); h.recursive() && slices.ContainsFunc(above, h.covers) {
			return h, true
		}
	}
	return handover{}, false
}

// read takes "chown -R owner path..." apart.
func (h *handover) read(c placed) {
	var words []dockerfile.Argument
	for _, w := range c.Args() {
		if strings.HasPrefix(w.Text, "-") {
			h.options = append(h.options, w.Text)
		} else {
			words = append(words, w)
		}
	}
	if len(words) < 2 {
		return
	}
	h.value, h.written = words[0], words[1:]
	for _, w := range h.written {
		h.paths = append(h.paths, seenFrom(c.dir, w))
	}
}

func (h *handover) recursive() bool {
	return slices.ContainsFunc(h.options, func(o string) bool {
		return o == "--recursive" || !strings.HasPrefix(o, "--") && strings.Contains(o, "R")
	})
}

// seenFrom is the absolute path behind a word, "" when it is not known.
func seenFrom(dir string, w dockerfile.Argument) string {
	switch {
	case !w.Literal || w.Text == "":
		return ""
	case path.IsAbs(w.Text):
		return path.Clean(w.Text)
	case dir == "":
		return ""
	}
	return path.Join(dir, w.Text)
}

// covers reports whether i is a COPY or ADD into one of the paths. Where the paths are not known, the same words count.
func (h *handover) covers(i *dockerfile.Instruction) bool {
	if i.Keyword != "COPY" && i.Keyword != "ADD" || len(i.Words) == 0 {
		return false
	}
	text := i.Words[len(i.Words)-1].Text
	to, _ := destination(i)
	for n, p := range h.paths {
		if to != "" && p != "" && within(to, p) || to == "" && p == "" && sameWords(text, h.written[n].Text) {
			return true
		}
	}
	return false
}

// sameWords reports whether two paths that cannot be resolved are written alike: "$HOME/app/" and "${HOME}/app".
func sameWords(a, b string) bool {
	plain := strings.NewReplacer("{", "", "}", "", `"`, "")
	return path.Clean(plain.Replace(a)) == path.Clean(plain.Replace(b))
}

func (h *handover) report(p *check.Pass) {
	message := "`" + h.program + " -R` stores every copied file a second time, in a layer of its own"
	plan, reason := h.plan(p)
	if reason != "" {
		p.Advise(h.run.Code(), message, reason)
		return
	}
	title := "Set the owner while copying"
	if plan.mode != "" {
		title = "Set the mode while copying"
	}
	p.Offer(h.run.Code(), message, func() (fixes.Fix, error) {
		edits, err := plan.edits(p.File)
		return fixes.Fix{
			Title:  title,
			Intent: fixes.OwnedCopies{Owner: plan.owner, Mode: plan.mode, Paths: h.paths},
			Edits:  edits,
		}, err
	})
}
