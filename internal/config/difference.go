package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Change is a value that is not what it was.
type Change struct {
	Key string // "checks.copy-order", "paths.exclude", "builds[0]"
	// Was and Is are the values on one line, as they are written; "" is none.
	Was, Is string
	// WasFrom and IsFrom say where they come from, as Write does.
	WasFrom, IsFrom string
}

// Difference is what holds after and did not before, in the order of Write. Where a value only comes from elsewhere
// there is none.
func Difference(before, after *Config) []Change {
	was, is := before.values(), after.values()
	old := map[string]value{}
	for _, v := range was {
		old[v.key] = v
	}
	var out []Change
	for _, v := range is {
		o := old[v.key]
		delete(old, v.key)
		if o.text != v.text {
			out = append(out, Change{v.key, o.text, v.text, o.from, v.from})
		}
	}
	for _, v := range was {
		if _, left := old[v.key]; left {
			out = append(out, Change{Key: v.key, Was: v.text, WasFrom: v.from})
		}
	}
	return out
}

// Abroad reports whether an origin lies in another repository: it has a colon before the path besides that before the
// line. Paths have none.
func Abroad(origin string) bool { return strings.Count(origin, ":") > 1 }

// A value is one of the things that hold, on one line.
type value struct{ key, text, from string }

// values are all that can differ.
func (c *Config) values() []value {
	var out []value
	add := func(key, text string) { out = append(out, value{key, text, c.origin(key)}) }
	add("fail-on", word(c.FailOn))
	add("builder", string(c.Builder))
	for _, r := range c.Rules {
		out = append(out, value{"checks." + r.Check.Name, r.word(), r.Origin})
	}
	add("paths.include", flow(plain(c.include)))
	add("paths.exclude", flow(plain(c.exclude)))
	for n, b := range c.builds {
		add(fmt.Sprintf("builds[%d]", n), b.String())
	}
	add("trusted-registries", flow(c.Registries))
	add("comments.max-inline", fmt.Sprint(c.MaxInline))
	add("drafts", string(c.Drafts))
	add("bots", string(c.Bots))
	for _, v := range c.Sweeps.values() {
		add("sweeps."+v[0], v[1])
	}
	return out
}

// String is the build on one line, as YAML has it.
func (b build) String() string {
	parts := []string{"files: " + flow(plain(b.Files))}
	if b.Context != "" {
		parts = append(parts, "context: "+text(b.Context.clean()))
	}
	if b.Target != "" {
		parts = append(parts, "target: "+text(b.Target))
	}
	var args []string
	for _, key := range slices.Sorted(maps.Keys(b.Args)) {
		args = append(args, text(key)+": "+text(string(b.Args[key])))
	}
	if args != nil {
		parts = append(parts, "args: {"+strings.Join(args, ", ")+"}")
	}
	if len(b.Platforms) > 0 {
		parts = append(parts, "platforms: "+flow(plain(b.Platforms)))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
