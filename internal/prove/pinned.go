package prove

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	"google.golang.org/protobuf/proto"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// pinned: the first step of the stage and of those that stand on it, the pull of the base image, names the same image and
// a digest, or another digest; every further step and the configuration are the same.
func pinned(intent fixes.Pinned) predicate {
	return predicate{
		text:  func(c *change) error { return pinnedText(c, intent) },
		image: func(c *change, b, a image) error { return pinnedImage(c, b, a, intent) },
	}
}

// pinsOne takes the place of the textual invariant that no FROM and no ARG differs: one word of one of them does. The
// words themselves are pinnedText's matter.
func (c *change) pinsOne() error {
	if len(c.old) != 1 || len(c.fixed) != 1 || len(c.before.Stages) != len(c.after.Stages) {
		return errors.New("more than one instruction is changed")
	}
	intent, ok := c.Intent.(fixes.Pinned)
	if !ok || intent.Stage < 0 || intent.Stage >= len(c.before.Stages) {
		return errors.New("there is no such stage")
	}
	c.stage = intent.Stage
	if c.before.Stages[c.stage].Windows() {
		return errors.New("the stage is for Windows")
	}
	return nil
}

func pinnedText(c *change, intent fixes.Pinned) error {
	if err := sameImage(intent.From, intent.To); err != nil {
		return err
	}
	if err := c.notReplaced(intent); err != nil {
		return err
	}
	s := c.before.Stages[c.stage]
	switch {
	case s.Parent != nil:
		return errors.New("the stage stands on another stage")
	case len(s.From.Words) == 0 || strings.EqualFold(s.Base, "scratch"):
		return errors.New("the stage stands on nothing")
	case c.old[0].Keyword != c.fixed[0].Keyword || c.old[0].Index != c.fixed[0].Index:
		return errors.New("an instruction takes the place of another")
	}
	if c.old[0].Index == s.From.Index {
		return c.oneWord(s.From.Words[0].Span, s.From.Words[0].Text, intent)
	}
	return c.oneDefault(s, intent)
}

// notReplaced checks that no build puts a named context in the image's place: one that is called like the image before
// would no longer be taken, and one like the image afterwards would be.
func (c *change) notReplaced(intent fixes.Pinned) error {
	for _, b := range c.Builds {
		if b.AnyNamed {
			return errors.New("a build may put another context in the place of the image")
		}
		for name := range b.Named {
			if n := hubName(name); n == hubName(intent.From) || n == hubName(intent.To) {
				return fmt.Errorf("a build puts %s in the place of the image", b.Named[name])
			}
		}
	}
	return nil
}

// hubName is a reference without what may be left out: Docker Hub's name and the default tag.
func hubName(ref string) string {
	ref = strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(ref), "docker.io/"), "library/")
	return strings.TrimSuffix(ref, ":latest")
}

// plainReference matches a reference without a digest, variables or quotes; pinnedReference one with a tag and a digest.
var (
	plainReference  = pattern.New(`^[a-z0-9][A-Za-z0-9._:/-]*$`)
	pinnedReference = pattern.New(`^([a-z0-9][A-Za-z0-9._:/-]*):([A-Za-z0-9_][A-Za-z0-9._-]{0,127})@sha256:[0-9a-f]{64}$`)
)

// sameImage checks that the two references name the same image: the same name, and the same tag unless there was none or
// "latest" and no digest.
func sameImage(from, to string) error {
	m := pinnedReference.FindStringSubmatch(to)
	if old := pinnedReference.FindStringSubmatch(from); m != nil && old != nil {
		if old[1] != m[1] || old[2] != m[2] {
			return fmt.Errorf("%s:%s is another image than %s:%s", m[1], m[2], old[1], old[2])
		}
		return nil
	}
	if m == nil || !plainReference.MatchString(from) {
		return errors.New("what is changed is not a plain reference that gains a digest")
	}
	name, tag := from, ""
	if at := strings.LastIndexByte(from, ':'); at > strings.LastIndexByte(from, '/') {
		name, tag = from[:at], from[at+1:]
	}
	switch {
	case name != m[1]:
		return fmt.Errorf("%s is another image than %s", m[1], name)
	case tag != "" && tag != "latest" && tag != m[2]:
		return fmt.Errorf("the tag becomes %s, not %s", m[2], tag)
	}
	return nil
}

// oneWord checks that of the changed instruction only the bytes at differ: text before, the new reference afterwards.
func (c *change) oneWord(at dockerfile.Span, text string, intent fixes.Pinned) error {
	b, a := c.old[0], c.fixed[0]
	if text != intent.From || c.before.Text(at) != intent.From {
		return fmt.Errorf("%s is changed, not %s", text, intent.From)
	}
	old, fixed := c.before.Text(b.Span), c.after.Text(a.Span)
	want := old[:at.Start-b.Span.Start] + intent.To + old[at.End-b.Span.Start:]
	if fixed != want {
		return errors.New("more than the reference of the base image is changed")
	}
	return nil
}

// oneDefault checks that the changed instruction is the global ARG that the stage's FROM consists of, and that nothing
// else sees it.
func (c *change) oneDefault(s *dockerfile.Stage, intent fixes.Pinned) error {
	m := variableOnly.FindStringSubmatch(s.From.Words[0].Text)
	if m == nil || c.old[0].Keyword != "ARG" || c.old[0].Stage != nil {
		return errors.New("what is changed is not what the stage stands on")
	}
	name := m[1] + m[2]
	if reserved(name) {
		return fmt.Errorf("%s has a value of its own", name)
	}
	uses := regexp.MustCompile(`\b` + name + `\b`)
	for _, i := range c.before.Instructions {
		most := 0
		if i.Index == c.old[0].Index || i.Index == s.From.Index {
			most = 1
		}
		if len(uses.FindAllString(c.before.Text(i.Span), -1)) > most {
			return fmt.Errorf("%s is used on line %d as well", name, i.Line())
		}
	}
	var found []dockerfile.Word
	for _, w := range c.old[0].Words {
		if strings.HasPrefix(w.Text, name+"=") {
			found = append(found, w)
		}
	}
	if len(found) != 1 {
		return fmt.Errorf("%s is not declared once", name)
	}
	quoted := strings.TrimPrefix(found[0].Text, name+"=")
	value := strings.Trim(quoted, `"'`)
	start := found[0].Span.Start + len(name) + 1 + strings.Index(quoted, value)
	return c.oneWord(dockerfile.Span{Start: start, End: start + len(value)}, value, intent)
}

// variableOnly matches a word that is one variable and nothing else.
var variableOnly = pattern.New(`^\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))$`)

func pinnedImage(c *change, b, a image, intent fixes.Pinned) error {
	if !bytes.Equal(b.config, a.config) {
		return fmt.Errorf("%s has another configuration: %s", b.name(), differs(b, a))
	}
	if len(b.steps) == 0 || len(b.steps) != len(a.steps) {
		return errors.New("there are more steps, or fewer")
	}
	for n := range b.steps {
		if n > 0 && b.steps[n].key != a.steps[n].key {
			return fmt.Errorf("%s has another step %d", b.name(), n)
		}
	}
	if b.steps[0].key == a.steps[0].key {
		if c.old[0].Keyword == "ARG" {
			return nil // a build that sets the argument does not see its default
		}
		return errors.New("the base image is the same as before")
	}
	return pinnedSource(b.steps[0], a.steps[0], intent)
}

// pinnedSource checks that both steps pull an image, and differ in the stated references only.
func pinnedSource(b, a step, intent fixes.Pinned) error {
	x, err := b.op()
	if err != nil {
		return err
	}
	y, err := a.op()
	if err != nil {
		return err
	}
	old, fixed := x.GetSource(), y.GetSource()
	if old == nil || fixed == nil || !slices.Equal(b.raw.Inputs, a.raw.Inputs) || len(b.inner)+len(a.inner) > 0 {
		return errors.New("the first step is not the base image")
	}
	if !pulls(old, intent.From, ":latest") || !pulls(fixed, intent.To, "") {
		return fmt.Errorf("the base image is %s", fixed.Identifier)
	}
	old.Identifier = fixed.Identifier
	if !proto.Equal(x, y) {
		return errors.New("the base image is pulled in another way")
	}
	return nil
}

// pulls reports whether a source is the image of that reference, in the long form that BuildKit gives it.
func pulls(s *pb.SourceOp, ref, defaultTag string) bool {
	short := strings.TrimPrefix(strings.TrimPrefix(ref, "index."), "docker.io/")
	for _, long := range []string{ref, "docker.io/" + short, "docker.io/library/" + short} {
		if id := "docker-image://" + long; s.Identifier == id || defaultTag != "" && s.Identifier == id+defaultTag {
			return true
		}
	}
	return false
}
