package buildcontext

import (
	"path"
	"regexp"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

// maxPhrase bounds the length of a phrase in bytes. What is longer is no path that anybody wrote.
const maxPhrase = 4096

// maxHoles bounds the variables of a phrase.
const maxHoles = 32

// hole stands in a phrase for a variable whose value is not known.
const hole = "\x00"

// A phrase is a text whose variables may be unknown: "services/${{ matrix.name }}/Dockerfile".
type phrase struct {
	text  string   // with a hole for every unknown variable
	holes []string // the variables as written, one for each hole
}

// literal is a phrase without holes.
func literal(text string) phrase {
	if len(text) > maxPhrase || strings.Contains(text, hole) {
		return unknownPhrase("…")
	}
	return phrase{text: text}
}

// unknownPhrase is a variable and nothing else.
func unknownPhrase(variable string) phrase {
	if len(variable) > 100 {
		variable = "…"
	}
	return phrase{text: hole, holes: []string{strings.ReplaceAll(variable, hole, "")}}
}

// between is a text in which what stands between open and "}}" has a value.
func between(text, open string, value func(inner string) phrase) phrase {
	out := phrase{}
	for {
		before, rest, ok := strings.Cut(text, open)
		out = out.plus(literal(before))
		if !ok {
			return out
		}
		inner, after, _ := strings.Cut(rest, "}}")
		out = out.plus(value(inner))
		text = after
	}
}

// plus is the phrase followed by another.
func (p phrase) plus(q phrase) phrase {
	if len(p.text)+len(q.text) > maxPhrase || len(p.holes)+len(q.holes) > maxHoles {
		return unknownPhrase("…")
	}
	return phrase{p.text + q.text, append(p.holes[:len(p.holes):len(p.holes)], q.holes...)}
}

// known reports whether the phrase has no holes.
func (p phrase) known() bool { return len(p.holes) == 0 }

// empty reports whether there is nothing in it.
func (p phrase) empty() bool { return p.text == "" }

// orNothing is the text, "" when a part of it is not known.
func (p phrase) orNothing() string {
	if !p.known() {
		return ""
	}
	return p.text
}

// String is the phrase as it was written.
func (p phrase) String() string { return p.with(func(k int) string { return p.holes[k] }) }

// with is the text with something in place of each hole.
func (p phrase) with(fill func(k int) string) string {
	if p.known() {
		return p.text
	}
	var b strings.Builder
	for k, part := range strings.Split(p.text, hole) {
		if k > 0 {
			b.WriteString(fill(k - 1))
		}
		b.WriteString(part)
	}
	return b.String()
}

// bind is the phrase with the variables put in whose values are known.
func (p phrase) bind(values map[string]string) phrase {
	if p.known() || len(values) == 0 {
		return p
	}
	out := phrase{}
	for k, part := range strings.Split(p.text, hole) {
		if k > 0 {
			name := p.holes[k-1]
			if value, ok := values[name]; ok {
				out = out.plus(literal(value))
			} else {
				out = out.plus(unknownPhrase(name))
			}
		}
		out = out.plus(literal(part))
	}
	return out
}

// below is the phrase as a path seen from a directory. A hole counts as one or more names that lead downwards; ok is
// false when the path leads out of the repository, or may do so.
func (p phrase) below(dir string) (phrase, bool) {
	if path.IsAbs(p.text) || strings.Contains(p.text, hole) && strings.Contains(afterHole(p.text), "..") {
		return phrase{}, false
	}
	joined := path.Join(dir, p.text)
	if joined == ".." || strings.HasPrefix(joined, "../") {
		return phrase{}, false
	}
	return phrase{joined, p.holes}, true
}

func afterHole(text string) string {
	_, after, _ := strings.Cut(text, hole)
	return after
}

// joined is a path below the phrase, which is one too.
func (p phrase) joined(name phrase) (phrase, bool) {
	if p.known() {
		return name.below(p.text)
	}
	if path.IsAbs(name.text) || strings.Contains(name.text, "..") {
		return phrase{}, false
	}
	return phrase{path.Join(p.text, name.text), append(p.holes[:len(p.holes):len(p.holes)], name.holes...)}, true
}

// unify matches a clean path with holes against a known path, and returns what each variable must then be:
// services/${{ matrix.name }}/Dockerfile is services/api/Dockerfile when the expression is api. A path that is nothing
// but holes says nothing, so it matches none.
func (p phrase) unify(name string) (map[string]string, bool) {
	if p.known() {
		return nil, p.text == name
	}
	if strings.Trim(p.text, hole+"/") == "" || !strings.HasPrefix(name, p.text[:strings.Index(p.text, hole)]) {
		return nil, false
	}
	found := p.pattern(path.Base(name)).FindStringSubmatch(name)
	if found == nil {
		return nil, false
	}
	values := map[string]string{}
	for k, variable := range p.holes {
		if value, ok := values[variable]; ok && value != found[k+1] {
			return nil, false
		}
		values[variable] = found[k+1]
	}
	return values, true
}

// pattern is the regular expression that unify matches: one hole alone may span directories, unless it is all that
// stands before the file's own name.
func (p phrase) pattern(base string) *pattern.Pattern {
	group := "(.+)"
	if len(p.holes) > 1 || p.text == hole+"/"+base {
		group = "([^/]+)"
	}
	parts := strings.Split(p.text, hole)
	for k, part := range parts {
		parts[k] = regexp.QuoteMeta(part)
	}
	return pattern.New("(?s)^" + strings.Join(parts, group) + "$")
}
