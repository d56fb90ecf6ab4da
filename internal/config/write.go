package config

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/lighterman/lighterman/internal/check"
)

// Write prints what holds as a configuration file, with the origin of each value behind it: "default", the place in a
// file, or a flag. What it prints may be kept as the file; what presets decided is part of it, so it names none.
func (c *Config) Write(w io.Writer) error {
	p := &printer{c: c}
	p.value(0, "fail-on", word(c.FailOn), "fail-on")
	p.value(0, "builder", string(c.Builder), "builder")
	p.checks()
	p.head(0, "paths")
	p.list(1, "include", plain(c.include), "paths.include")
	p.list(1, "exclude", plain(c.exclude), "paths.exclude")
	p.builds()
	p.list(0, "trusted-registries", c.Registries, "trusted-registries")
	p.head(0, "comments")
	p.value(1, "max-inline", fmt.Sprint(c.MaxInline), "comments.max-inline")
	p.value(0, "drafts", string(c.Drafts), "drafts")
	p.value(0, "bots", string(c.Bots), "bots")
	p.sweeps()
	return p.flush(w)
}

func word(s check.Severity) string {
	if s == Never {
		return "never"
	}
	return s.String()
}

// printer collects lines of "key: value" with their origins.
type printer struct {
	c       *Config
	lines   []string
	origins []string
}

func (p *printer) line(depth int, text, origin string) {
	p.lines = append(p.lines, strings.Repeat("  ", depth)+text)
	p.origins = append(p.origins, origin)
}

// widest is the width up to which origins stand in one column.
const widest = 48

func (p *printer) flush(w io.Writer) error {
	width := 0
	for n, line := range p.lines {
		if p.origins[n] != "" && len(line) <= widest {
			width = max(width, len(line))
		}
	}
	out := bufio.NewWriter(w)
	for n, line := range p.lines {
		if p.origins[n] != "" {
			line = fmt.Sprintf("%-*s  # %s", width, line, p.origins[n])
		}
		fmt.Fprintln(out, line)
	}
	return out.Flush()
}

func (p *printer) head(depth int, key string) { p.line(depth, key+":", "") }

func (p *printer) value(depth int, key, value, path string) {
	p.line(depth, key+": "+value, p.c.origin(path))
}

// list writes a list on one line when it has no item, else an item a line.
func (p *printer) list(depth int, key string, items []string, path string) {
	if len(items) == 0 {
		p.value(depth, key, "[]", path)
		return
	}
	p.line(depth, key+":", p.c.origin(path))
	for n, item := range items {
		p.line(depth+1, "- "+text(item), p.c.origins[fmt.Sprintf("%s[%d]", path, n)])
	}
}

func (p *printer) checks() {
	p.head(0, "checks")
	for _, r := range p.c.Rules {
		p.line(1, r.Check.Name+": "+r.word(), r.Origin)
	}
}

// word is a rule as the file has it.
func (r Rule) word() string {
	if !r.On {
		return "off"
	}
	return r.Severity.String()
}

func (p *printer) builds() {
	if len(p.c.builds) == 0 {
		p.value(0, "builds", "[]", "builds")
		return
	}
	p.head(0, "builds")
	for n, b := range p.c.builds {
		path := fmt.Sprintf("builds[%d]", n)
		p.line(1, "- files: "+flow(plain(b.Files)), p.c.origin(path))
		if b.Context != "" {
			p.value(2, "context", text(b.Context.clean()), path+".context")
		}
		if b.Target != "" {
			p.value(2, "target", text(b.Target), path+".target")
		}
		if len(b.Args) > 0 {
			p.line(2, "args:", p.c.origin(path+".args"))
		}
		for _, key := range slices.Sorted(maps.Keys(b.Args)) {
			p.value(3, text(key), text(string(b.Args[key])), path+".args."+key)
		}
		if len(b.Platforms) > 0 {
			p.value(2, "platforms", flow(plain(b.Platforms)), path+".platforms")
		}
	}
}

// origin is where a value comes from.
func (c *Config) origin(key string) string {
	if o := c.origins[key]; o != "" {
		return o
	}
	return defaultOrigin
}

// text is a YAML scalar on one line that reads back as s.
func text(s string) string {
	out, err := yaml.Dump(s, yaml.WithLineWidth(-1))
	line := strings.TrimSuffix(string(out), "\n")
	if err != nil || strings.Contains(line, "\n") {
		return fmt.Sprintf("%q", s)
	}
	return line
}

func flow(items []string) string {
	var out []string
	for _, item := range items {
		out = append(out, fmt.Sprintf("%q", item))
	}
	return "[" + strings.Join(out, ", ") + "]"
}
