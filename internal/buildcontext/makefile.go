package buildcontext

import (
	"fmt"
	"path"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

// isMakefile reports whether a file of that name is read by make.
func isMakefile(name string) bool {
	switch base := path.Base(name); base {
	case "Makefile", "makefile", "GNUmakefile":
		return true
	default:
		return path.Ext(base) == ".mk"
	}
}

// A makefile is what is known of a Makefile's variables.
type makefile struct {
	raw   map[string]string // as set; those that are set in several ways are left out
	known map[string]phrase
	lost  map[string]bool // set in several ways, or being looked at
}

var (
	makeVariable = pattern.New(`^ *(?:export +|override +)*([A-Za-z0-9_.-]+)[ \t]*(\?|:|::|:::|\+|!)?=[ \t]*(.*)$`)
	ofOneTarget  = pattern.New(`^[^\t=#]*:[ \t]*(?:export +|override +|private +)*([A-Za-z0-9_.-]+)[ \t]*[?:+]?=`)
)

// makeRecipes is what the recipes of a Makefile state. Each line of a recipe has a shell of its own.
func makeRecipes(repo *snapshot, name string) []recipe {
	data, err := readText(repo, name)
	if err != nil || !mayBuild(string(data)) {
		return nil
	}
	lines := logicalLines(string(data))
	m := makefile{map[string]string{}, map[string]phrase{}, map[string]bool{}}
	for _, l := range lines {
		m.define(l.text)
	}
	var out []recipe
	for _, l := range lines {
		if strings.HasPrefix(l.text, "\t") && len(out) < maxCommands {
			s := script{origin: fmt.Sprintf("%s, line %d", name, l.number), bases: []string{path.Dir(name), "."},
				make: true, values: m.value}
			out = append(out, s.recipes(l.text)...)
		}
	}
	return out
}

// A logicalLine is a line with those that continue it.
type logicalLine struct {
	number int // 1-based, of the first
	text   string
}

// logicalLines are parts of the text: joining them line by line would take time in its square.
func logicalLines(text string) []logicalLine {
	var out []logicalLine
	start, number := 0, 1
	for at, n := 0, 1; at < len(text); n++ {
		end := at + strings.IndexByte(text[at:], '\n')
		if end < at {
			end = len(text)
		}
		if line := strings.TrimSuffix(text[at:end], "\r"); !strings.HasSuffix(line, `\`) || end >= len(text) {
			out = append(out, logicalLine{number, strings.TrimSuffix(text[start:end], "\r")})
			start, number = end+1, n+1
		}
		at = end + 1
	}
	return out
}

// define notes what a line sets. One that sets it for a single target, adds to it or sets it otherwise makes it unknown.
func (m makefile) define(line string) {
	if strings.HasPrefix(line, "\t") {
		return
	}
	if found := ofOneTarget.FindStringSubmatch(line); found != nil {
		m.lost[found[1]] = true
		return
	}
	found := makeVariable.FindStringSubmatch(line)
	if found == nil {
		return
	}
	name, how := found[1], found[2]
	text, _, _ := strings.Cut(found[3], " #")
	text = strings.TrimSpace(text)
	if old, ok := m.raw[name]; ok && old != text || how == "+" || how == "!" {
		m.lost[name] = true
	}
	m.raw[name] = text
}

// value is what a variable holds, with the variables in it.
func (m makefile) value(name string) (phrase, bool) {
	if p, ok := m.known[name]; ok {
		return p, p.known()
	}
	raw, ok := m.raw[name]
	if !ok || m.lost[name] || len(raw) > maxPhrase {
		return phrase{}, false
	}
	m.lost[name] = true // while it is looked at, for one that refers to itself
	p := phrase{}
	l := lexer{text: raw, make: true, value: m.value, inner: func(string) {}}
	for l.at < len(l.text) {
		if part, ok := l.variable(); ok {
			p = p.plus(part)
			continue
		}
		p = p.plus(literal(l.text[l.at : l.at+1]))
		l.at++
	}
	m.lost[name], m.known[name] = false, p
	if strings.ContainsAny(p.text, " \t") {
		m.known[name] = unknownPhrase("$(" + name + ")") // several words
	}
	return m.known[name], m.known[name].known()
}
