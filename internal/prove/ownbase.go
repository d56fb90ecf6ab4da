package prove

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// ownBase checks that in every build a stage stands on the image that the file names: no build may give an argument that
// FROM is made of, or put a named context in the image's place. What is known of the image holds only then.
func (c *change) ownBase(s *dockerfile.Stage) error {
	for s.Parent != nil {
		s = s.Parent
	}
	ref, _ := s.Image()
	for _, b := range c.Builds {
		if b.AnyNamed {
			return errors.New("a build may put another context in the place of the base image")
		}
		for name := range b.Named {
			if hubName(name) == hubName(ref) {
				return fmt.Errorf("a build puts %s in the place of the base image", b.Named[name])
			}
		}
		for _, m := range fromVariable.FindAllStringSubmatch(s.Base, -1) {
			if _, given := b.Args[m[1]]; given || b.Unknown != "" || slices.Contains(b.Varied, m[1]) {
				return fmt.Errorf("%s sets %s, and with it the base image", b.Origin, m[1])
			}
		}
	}
	return nil
}

// fromVariable matches the use of a variable, in whatever form.
var fromVariable = pattern.New(`\$\{?([A-Za-z_][A-Za-z0-9_]*)`)
