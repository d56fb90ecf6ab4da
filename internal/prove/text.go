package prove

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

// maxWindow bounds how many instructions a fix may lie between.
const maxWindow = 200

// A change is a case with both files read, and the instructions between which they differ. Everything outside old and
// fixed is the same, byte for byte.
type change struct {
	check.Case
	before, after *dockerfile.File
	old, fixed    []*dockerfile.Instruction
	stage         int // index of the one stage in which they lie

	workdir string           // where base images work, when that matters
	answers map[string]error // of questions about the build contexts
}

// read parses both files and checks what holds for every Intent (the textual invariant): only instructions between
// two others in one stage differ; those that set what later ones see keep their text and order; no comment is lost
// or leaves its instruction.
func read(c check.Case) (*change, error) {
	ch, err := parse(c)
	if err != nil {
		return nil, err
	}
	ch.cut()
	for _, holds := range ch.invariants() {
		if err := holds(); err != nil {
			return nil, err
		}
	}
	return ch, nil
}

// parse reads both files.
func parse(c check.Case) (*change, error) {
	if bytes.Equal(c.Before, c.After) {
		return nil, errors.New("nothing is changed")
	}
	before, err := dockerfile.Parse(c.Path, c.Before)
	if err != nil {
		return nil, err
	}
	after, err := dockerfile.Parse(c.Path, c.After)
	if err != nil {
		return nil, fmt.Errorf("the result is not a Dockerfile: %w", err)
	}
	return &change{Case: c, before: before, after: after, answers: map[string]error{}}, nil
}

// invariants are the textual invariants of the change's Intent.
func (c *change) invariants() []func() error {
	if _, ok := c.Intent.(fixes.Pinned); ok {
		return []func() error{c.head, c.pinsOne, c.lineEnds, c.comments}
	}
	switch c.Intent.(type) {
	case fixes.Labelled, fixes.Rooted, fixes.Entered: // the setting that they change is one of those that differ
		return []func() error{c.head, c.oneStage, c.lineEnds, c.comments}
	}
	return []func() error{c.head, c.settings, c.oneStage, c.lineEnds, c.comments}
}

// cut finds the window: what is left without the common instructions at both ends.
func (c *change) cut() {
	b, a := c.before.Instructions, c.after.Instructions
	for len(b) > 0 && len(a) > 0 && sameText(b[0], a[0]) {
		b, a = b[1:], a[1:]
	}
	for len(b) > 0 && len(a) > 0 && sameText(b[len(b)-1], a[len(a)-1]) {
		b, a = b[:len(b)-1], a[:len(a)-1]
	}
	c.old, c.fixed = b, a
}

// sameText reports whether two instructions have the same bytes. The last line of a file may gain or lose its line
// end, when something is put behind it.
func sameText(b, a *dockerfile.Instruction) bool {
	x, y := b.File().Text(b.Span), a.File().Text(a.Span)
	if b.Span.End == len(b.File().Src) || a.Span.End == len(a.File().Src) {
		x, y = strings.TrimRight(x, "\r\n"), strings.TrimRight(y, "\r\n")
	}
	return x == y
}

// head checks the byte order mark and the parser directives.
func (c *change) head() error {
	if directives(c.before) != directives(c.after) {
		return errors.New("the parser directives differ")
	}
	if syntax := c.before.Directive("syntax"); syntax != "" && !ownFrontend.MatchString(syntax) {
		return fmt.Errorf("what the frontend %s builds is not known", syntax)
	}
	return nil
}

// ownFrontend matches the frontends that this package's BuildKit is a version of.
var ownFrontend = pattern.New(
	`^(docker\.io/)?docker/dockerfile(-upstream)?(:(1[\w.]*(-labs)?|latest|labs|experimental))?(@sha256:[0-9a-f]{64})?$`)

func directives(f *dockerfile.File) string {
	end := 0
	if bytes.HasPrefix(f.Src, []byte("\xef\xbb\xbf")) {
		end = 3
	}
	if n := len(f.Directives); n > 0 {
		end = f.Directives[n-1].Span.End
	}
	return string(f.Src[:end])
}

// setting are the instructions whose meaning reaches beyond themselves; no Intent declares a change to them.
var setting = []string{
	"FROM", "ENV", "ARG", "LABEL", "SHELL", "WORKDIR", "VOLUME", "EXPOSE", "ONBUILD", "STOPSIGNAL", "MAINTAINER",
}

// settings checks that the setting instructions are the same, in the same order.
func (c *change) settings() error {
	b, a := settings(c.before), settings(c.after)
	for k := range min(len(b), len(a)) {
		if sameText(b[k], a[k]) {
			continue
		}
		first := func(i *dockerfile.Instruction) bool { return sameText(i, a[k]) }
		if m := slices.IndexFunc(b[k:], first); m > 0 && len(b) == len(a) {
			return fmt.Errorf("the %s on line %d would stand behind the %s on line %d, and what that changes is not known",
				b[k].Keyword, b[k].Line(), b[k+m].Keyword, b[k+m].Line())
		}
		return fmt.Errorf("the %s on line %d is changed or moved", b[k].Keyword, b[k].Line())
	}
	if len(b) != len(a) {
		return errors.New("an instruction that sets what others see is added or removed")
	}
	return nil
}

func settings(f *dockerfile.File) []*dockerfile.Instruction {
	var out []*dockerfile.Instruction
	for _, i := range f.Instructions {
		if slices.Contains(setting, i.Keyword) {
			out = append(out, i)
		}
	}
	return out
}

// oneStage checks that all that differs lies in one stage.
func (c *change) oneStage() error {
	all := slices.Concat(c.old, c.fixed)
	if len(all) == 0 {
		return errors.New("no instruction is changed")
	}
	if len(all) > maxWindow {
		return fmt.Errorf("more than %d instructions lie between what is changed", maxWindow)
	}
	for _, i := range all {
		if i.Stage == nil || i.Keyword == "FROM" || i.Stage.Index != all[0].Stage.Index {
			return errors.New("more than one stage is changed")
		}
	}
	c.stage = all[0].Stage.Index
	if c.before.Stages[c.stage].Windows() {
		return errors.New("the stage is for Windows")
	}
	return nil
}

// lineEnds checks that a file whose lines all end in one way stays so.
func (c *change) lineEnds() error {
	crlf, all := bytes.Count(c.Before, []byte("\r\n")), bytes.Count(c.Before, []byte("\n"))
	if mixed := crlf != 0 && crlf != all; mixed {
		return nil
	}
	if crlf == 0 && bytes.Count(c.After, []byte("\r")) != bytes.Count(c.Before, []byte("\r")) ||
		crlf != 0 && bytes.Count(c.After, []byte("\r\n")) != bytes.Count(c.After, []byte("\n")) {
		return errors.New("the line ends differ from those of the file")
	}
	return nil
}

// comments checks that no comment is lost, added or taken from the instruction below it. Only those of an instruction
// that is gone may go with it.
func (c *change) comments() error {
	left := map[string]int{}
	for _, text := range comments(c.before) {
		left[text]++
	}
	for _, text := range comments(c.after) {
		if left[text]--; left[text] < 0 {
			return fmt.Errorf("the comment %q is added or doubled", text)
		}
	}
	for _, i := range c.old {
		for _, text := range commentsOf(i) {
			if left[text] > 0 && c.gone(i) {
				left[text]--
			}
		}
	}
	for text, n := range left {
		if n > 0 {
			return fmt.Errorf("the comment %q is lost", text)
		}
	}
	return c.leads()
}

// gone reports whether i's text is not in the changed part of the file afterwards, and no instruction of its kind
// took its place.
func (c *change) gone(i *dockerfile.Instruction) bool {
	count := func(all []*dockerfile.Instruction) (n int) {
		for _, j := range all {
			if j.Keyword == i.Keyword {
				n++
			}
		}
		return n
	}
	return count(c.fixed) < count(c.old) && !hasText(c.fixed, i)
}

// hasText reports whether an instruction with the text of i is among all.
func hasText(all []*dockerfile.Instruction, i *dockerfile.Instruction) bool {
	return slices.ContainsFunc(all, func(j *dockerfile.Instruction) bool { return sameText(i, j) })
}

// leads checks that every instruction that is there before and after still has its own comments directly above it.
func (c *change) leads() error {
	b, a := c.before.Instructions, c.after.Instructions
	for k := 0; len(b)-1-k >= 0 && len(a)-1-k >= 0 && sameText(b[len(b)-1-k], a[len(a)-1-k]); k++ {
		if !keepsLead(b[len(b)-1-k], a[len(a)-1-k]) {
			return fmt.Errorf("the %s on line %d loses the comment above it", b[len(b)-1-k].Keyword, b[len(b)-1-k].Line())
		}
	}
	for _, i := range c.old {
		same := func(j *dockerfile.Instruction) bool { return sameText(i, j) }
		if at := slices.IndexFunc(c.fixed, same); at >= 0 && !keepsLead(i, c.fixed[at]) {
			return fmt.Errorf("the %s on line %d loses the comment above it", i.Keyword, i.Line())
		}
	}
	return nil
}

// keepsLead reports whether the comments above b still stand above a. Comments of an instruction in between that is
// gone may stand above them.
func keepsLead(b, a *dockerfile.Instruction) bool {
	return strings.HasSuffix(lead(a), lead(b))
}

func lead(i *dockerfile.Instruction) string { return i.File().Text(i.Lead) }

// comments are the comment lines of a file, without the white space around them.
func comments(f *dockerfile.File) []string {
	var out []string
	for _, s := range f.Segments() {
		if s.Kind == dockerfile.Comment {
			out = append(out, strings.TrimSpace(f.Text(s.Span)))
		}
	}
	return out
}

// commentsOf are the comment lines above and inside an instruction.
func commentsOf(i *dockerfile.Instruction) []string {
	var out []string
	for line := range strings.Lines(lead(i)) {
		if text := strings.TrimSpace(line); text != "" {
			out = append(out, text)
		}
	}
	for _, s := range i.Comments {
		out = append(out, strings.TrimSpace(i.File().Text(s)))
	}
	return out
}
