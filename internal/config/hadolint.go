package config

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// hadolintFiles are the names under which hadolint looks for its configuration, in its order.
var hadolintFiles = []string{".hadolint.yaml", ".hadolint.yml", ".config/hadolint.yaml", ".config/hadolint.yml"}

// hadolint is what we take from its configuration; its other keys are its own business, and so are the ids of checks
// that we do not have.
type hadolint struct {
	Ignored  []string `key:"ignored"`
	Override struct {
		Error   []string `key:"error"`
		Warning []string `key:"warning"`
		Info    []string `key:"info"`
		Style   []string `key:"style"`
	} `key:"override"`
	Registries []string `key:"trustedRegistries"`
}

// takeHadolint puts the hadolint configuration on top: whoever decided there does not want to decide again.
func (c *Config) takeHadolint(repo fs.FS) error {
	for _, name := range hadolintFiles {
		text, err := readFile(repo, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		var h hadolint
		d, err := decode(Source{Reference{Path: name}, text}, &h, true)
		if err != nil {
			return err
		}
		c.takeOverrides(h, d)
		c.takeIgnored(h.Ignored, d)
		if len(h.Registries) > 0 {
			c.forget("trusted-registries")
			c.Registries, c.origins["trusted-registries"] = slices.Clone(h.Registries), d.origin("trustedRegistries")
		}
		return nil
	}
	return nil
}

func (c *Config) takeOverrides(h hadolint, d *decoder) {
	for _, o := range []struct {
		key   string
		names []string
		as    level
	}{
		{"style", h.Override.Style, "info"}, {"info", h.Override.Info, "info"},
		{"warning", h.Override.Warning, "warning"}, {"error", h.Override.Error, "error"},
	} {
		for k, name := range o.names {
			for _, n := range rulesFor(c.Rules, name) {
				c.Rules[n].Severity = severity(string(o.as))
				c.Rules[n].Origin = d.origin(fmt.Sprintf("override.%s[%d]", o.key, k))
			}
		}
	}
}

func (c *Config) takeIgnored(names []string, d *decoder) {
	for k, name := range names {
		key := fmt.Sprintf("ignored[%d]", k)
		for _, n := range rulesFor(c.Rules, name) {
			c.decide(n, "off", d.origin(key))
			c.Ignored = append(c.Ignored, Entry{name, d.src.Path, d.lines[key].line})
		}
	}
}
