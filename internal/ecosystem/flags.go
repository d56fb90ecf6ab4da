package ecosystem

import (
	"slices"
	"strings"
)

// options are the flags of a command that are known to change nothing about which files it reads, and those whose value
// the manager looks at itself.
type options struct {
	switches []string // take no value; "--name=x" is accepted too
	values   []string // take a value: "--name=x" or "--name x"
}

// parsed is a command line taken apart.
type parsed struct {
	rest    []string            // what is no flag
	given   map[string][]string // the values of flags; a switch has the value ""
	unknown string              // the first flag that is not known
}

// parse takes the words after the subcommand apart.
func (o options) parse(args []string) parsed {
	p := parsed{given: map[string][]string{}}
	for k := 0; k < len(args); k++ {
		if !strings.HasPrefix(args[k], "-") || args[k] == "-" {
			p.rest = append(p.rest, args[k])
			continue
		}
		name, text, inline := strings.Cut(args[k], "=")
		switch {
		case slices.Contains(o.switches, name):
			p.given[name] = append(p.given[name], text)
		case slices.Contains(o.values, name) && (inline || k+1 < len(args)):
			if !inline {
				k++
				text = args[k]
			}
			p.given[name] = append(p.given[name], text)
		case p.unknown == "":
			p.unknown = name
		}
	}
	return p
}

// has reports whether one of the flags was given, other than as "--flag=false".
func (p parsed) has(names ...string) bool {
	for _, n := range names {
		if v, ok := p.given[n]; ok && v[len(v)-1] != "false" {
			return true
		}
	}
	return false
}

// value is the last value of one of the flags.
func (p parsed) value(names ...string) string {
	for _, n := range names {
		if v := p.given[n]; len(v) > 0 {
			return v[len(v)-1]
		}
	}
	return ""
}

// doubt is why the command's flags leave it unknown what it reads, "" when they do not.
func (p parsed) doubt() string {
	if p.unknown == "" {
		return ""
	}
	return "its flag " + p.unknown + " is not known"
}
