package trial

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

// What can differ about one path, or about the configuration.
const (
	added   = "added"
	removed = "removed"
	kinds   = "type"
	mode    = "mode"
	owner   = "owner"
	link    = "link"
	content = "content"
	attrs   = "attributes"
	config  = "config"
)

// A Difference is one thing that is not the same in two images.
type Difference struct {
	Path   string `json:"path"` // of a file, or the name of a field of the configuration
	What   string `json:"what"` // "added", "removed", "type", "mode", "owner", "link", "content", "attributes", "config"
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// differences are all there are between two images, sorted.
func differences(b, a *image) []Difference {
	var out []Difference
	for name, old := range b.files {
		if fixed, ok := a.files[name]; ok {
			out = append(out, old.against(name, fixed)...)
		} else {
			out = append(out, Difference{Path: name, What: removed})
		}
	}
	for name := range a.files {
		if _, ok := b.files[name]; !ok {
			out = append(out, Difference{Path: name, What: added})
		}
	}
	for name := range merged(b.config, a.config) {
		if old, fixed := b.config[name], a.config[name]; old != fixed {
			out = append(out, Difference{name, config, old, fixed})
		}
	}
	slices.SortFunc(out, func(x, y Difference) int {
		return cmp.Or(strings.Compare(x.Path, y.Path), strings.Compare(x.What, y.What))
	})
	return out
}

func merged(b, a map[string]string) map[string]string {
	all := maps.Clone(b)
	maps.Copy(all, a)
	return all
}

// against lists what differs between a file before and after.
func (f file) against(name string, a file) []Difference {
	if f.Type != a.Type {
		return []Difference{{name, kinds, f.Type, a.Type}}
	}
	var out []Difference
	for _, d := range []Difference{
		{name, mode, f.Mode, a.Mode},
		{name, owner, f.Owner, a.Owner},
		{name, link, f.Link, a.Link},
		{name, content, f.Sum, a.Sum},
		{name, attrs, f.Attrs, a.Attrs},
	} {
		if d.Before != d.After {
			out = append(out, d)
		}
	}
	return out
}

// noise is what differs between two builds of the same file.
type noise map[Difference]bool

func noiseOf(first, second *image) noise {
	n := noise{}
	for _, d := range differences(first, second) {
		n[d.key()] = true
	}
	return n
}

// without is what is left of differences when the noise is taken out.
func (n noise) without(all []Difference) []Difference {
	return slices.DeleteFunc(all, func(d Difference) bool { return n[d.key()] })
}

var digits = pattern.New(`[0-9]+`)

// key names the attribute of a difference whatever its values are: a path that comes or goes counts as one, and numbers
// in the names of logs, which hold times, do not count.
func (d Difference) key() Difference {
	k := Difference{Path: d.Path, What: d.What}
	if d.What == added || d.What == removed {
		k.What = "presence"
		if strings.Contains(path.Base(path.Dir(d.Path)), "log") || strings.HasSuffix(d.Path, ".log") {
			k.Path = digits.ReplaceAllString(d.Path, "#")
		}
	}
	return k
}
