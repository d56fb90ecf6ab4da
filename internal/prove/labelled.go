package prove

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// labelled: one MAINTAINER became a LABEL of the same text; of the configuration the author is gone, the label is
// there, and nothing else differs.
func labelled(intent fixes.Labelled) predicate {
	return predicate{
		text:  func(c *change) error { return labelledText(c, intent) },
		image: func(c *change, b, a image) error { return labelledImage(c, b, a, intent) },
	}
}

func labelledText(c *change, intent fixes.Labelled) error {
	old, fixed, err := c.pair("MAINTAINER", "LABEL")
	if err != nil {
		return err
	}
	if old.Keyword != "MAINTAINER" || fixed.Keyword != "LABEL" {
		return errors.New("what is changed is not a MAINTAINER that became a LABEL")
	}
	if author := old.Text(); author != intent.Value && stripped(author) != intent.Value {
		return fmt.Errorf("the author is %q, not %q", author, intent.Value)
	}
	for _, i := range c.before.Instructions {
		if among("LABEL ONBUILD", i.Keyword) && strings.Contains(i.Text(), fixes.AuthorsLabel) {
			return fmt.Errorf("line %d sets the label too", i.Line())
		}
	}
	return nil
}

// stripped is text without one pair of equal quotes around it and the blanks within.
func stripped(text string) string {
	n := len(text)
	if n < 2 || text[0] != text[n-1] || text[0] != '"' && text[0] != '\'' {
		return text
	}
	return strings.TrimSpace(text[1 : n-1])
}

func labelledImage(c *change, b, a image, intent fixes.Labelled) error {
	if err := sameSteps(b.steps, a.steps); err != nil {
		return err
	}
	old, fixed, err := configs(b, a)
	if err != nil {
		return err
	}
	author, err := json.Marshal(maintainer(c.old[0]))
	if err != nil {
		return err
	}
	if !bytes.Equal(old["author"], author) || fixed["author"] != nil {
		return errors.New("the author is not the one of the MAINTAINER, or still there")
	}
	was, is := labels(old), labels(fixed)
	if _, had := was[fixes.AuthorsLabel]; had {
		return errors.New("the label is set already")
	}
	was[fixes.AuthorsLabel] = intent.Value
	if !maps.Equal(was, is) {
		return errors.New("the labels differ in more than the author's")
	}
	for _, name := range fieldsThatDiffer(old, fixed) {
		if name != "author" && name != "config.Labels" {
			return fmt.Errorf("%s has another configuration: %s", b.name(), name)
		}
	}
	return nil
}

// maintainer is the text of a MAINTAINER as BuildKit takes it.
func maintainer(i *dockerfile.Instruction) string { return i.Text() }

func labels(config map[string]json.RawMessage) map[string]string {
	out := map[string]string{}
	if json.Unmarshal(config["config.Labels"], &out) != nil || out == nil {
		return map[string]string{}
	}
	return out
}
