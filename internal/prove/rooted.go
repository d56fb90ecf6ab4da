package prove

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// rooted: one WORKDIR changed from a relative to an absolute path, and with base images that work where this one does
// every stage is built the same.
func rooted(intent fixes.Rooted) predicate {
	return predicate{
		text:  func(c *change) error { return rootedText(c, intent) },
		image: func(_ *change, b, a image) error { return equal(b, a) },
	}
}

// literalDir matches a path that no expansion and no quoting changes.
var literalDir = pattern.New(`^[A-Za-z0-9_.@+/-]+$`)

func rootedText(c *change, intent fixes.Rooted) error {
	old, fixed, err := c.pair("WORKDIR")
	if err != nil {
		return err
	}
	switch was, is := old.Text(), fixed.Text(); {
	case !literalDir.MatchString(was) || !literalDir.MatchString(is) || path.IsAbs(was) || !path.IsAbs(is):
		return errors.New("the directory is not a literal one that became absolute")
	case path.Join(intent.Base, was) != is:
		return fmt.Errorf("%s is not %s as seen from %s", is, was, intent.Base)
	}
	if err := first(old); err != nil {
		return err
	}
	if err := c.ownBase(old.Stage); err != nil {
		return err
	}
	ref, ok := old.Stage.Image()
	if !ok || c.Bases[ref].Workdir == "" || c.Bases[ref].Workdir != intent.Base {
		return errors.New("in which directory the base image works is not known")
	}
	if strings.Contains(ref, "onbuild") {
		return errors.New("the base image may set another directory when it is built on")
	}
	c.workdir = intent.Base
	return nil
}

// first checks that no WORKDIR stands above i, in its stage or those that it is based on.
func first(i *dockerfile.Instruction) error {
	for s := i.Stage; s != nil; s = s.Parent {
		for _, j := range s.Instructions {
			inner := j.Inner != nil && j.Inner.Keyword == "WORKDIR"
			if (j.Keyword == "WORKDIR" || inner) && (s != i.Stage || j.Index < i.Index) {
				return fmt.Errorf("line %d sets the directory before", j.Line())
			}
		}
	}
	return nil
}
