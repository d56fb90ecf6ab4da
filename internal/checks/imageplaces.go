package checks

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// A place is a clean path in the image being built. One that begins with "?" lies below a directory that is not known,
// but is the same directory for every place with the same beginning: the base image's own, or one made with variables.
type place string

// join is where name leads from p.
func (p place) join(name string) place {
	if path.IsAbs(name) {
		return place(path.Clean(name))
	}
	return place(path.Join(string(p), name))
}

// below is how child is reached from p; ok is false when it does not lie in p.
func (p place) below(child place) (string, bool) {
	if p == child {
		return ".", true
	}
	prefix := strings.TrimSuffix(string(p), "/") + "/"
	if p == "/" && !path.IsAbs(string(child)) {
		return "", false
	}
	return strings.CutPrefix(string(child), prefix)
}

// apart reports whether neither place lies in the other, for certain.
func (p place) apart(q place) bool {
	if !p.comparable(q) {
		return false
	}
	_, in := p.below(q)
	_, out := q.below(p)
	return !in && !out
}

// known is the place as an absolute path, "" when it is not known.
func (p place) known() string {
	if p.root() != "" {
		return ""
	}
	return string(p)
}

// comparable reports whether it can be told how two places lie to each other.
func (p place) comparable(q place) bool { return p.root() == q.root() }

// root is the unknown directory a place lies in, "" for an absolute one.
func (p place) root() string {
	if path.IsAbs(string(p)) {
		return ""
	}
	root, _, _ := strings.Cut(string(p), "/")
	return root
}

// settings are what the instructions of a stage have set so far, as far as paths are concerned.
type settings struct {
	workdir place
	env     map[string]string // the variables with known values
	named   []variableSet     // what ENV and ARG set, oldest first; at most maxVariables
	lost    bool              // there were more: no variable is known
}

// maxVariables bounds how many variables of a stage are followed.
const maxVariables = 200

// A variableSet is one variable as an ENV or ARG sets it.
type variableSet struct{ name, text string }

// settingsOf is, for every instruction of a stage and of those it stands on, what holds when it runs. Where the base
// image starts is left open: an image of the same name may start elsewhere tomorrow.
func settingsOf(stage *dockerfile.Stage) map[*dockerfile.Instruction]settings {
	out := map[*dockerfile.Instruction]settings{}
	now := settings{workdir: "?base", env: map[string]string{}}
	for _, s := range lineage(stage) {
		for _, i := range s.Instructions {
			out[i] = now
			now = now.after(i)
		}
	}
	return out
}

// lineage is a stage with the stages it stands on, the first one first.
func lineage(stage *dockerfile.Stage) []*dockerfile.Stage {
	var out []*dockerfile.Stage
	for s := stage; s != nil; s = s.Parent {
		out = append([]*dockerfile.Stage{s}, out...)
	}
	return out
}

// after is what holds behind an instruction.
func (s settings) after(i *dockerfile.Instruction) settings {
	switch i.Keyword {
	case "WORKDIR":
		text, ok := s.expand(strings.Trim(i.Text(), `"'`))
		if !ok || len(s.workdir)+len(text) > maxExpanded {
			text = fmt.Sprintf("?%d", i.Index)
			s.workdir = place(text)
			return s
		}
		s.workdir = s.workdir.join(text)
	case "ENV", "ARG":
		return s.setting(i)
	}
	return s
}

// setting is what holds behind an ENV or ARG.
func (s settings) setting(i *dockerfile.Instruction) settings {
	set := variables(i)
	if s.lost = s.lost || len(s.named)+len(set) > maxVariables; s.lost {
		s.env, s.named = nil, nil
		return s
	}
	if i.Keyword == "ENV" {
		s.env = s.with(set)
	}
	s.named = slices.Concat(s.named, set)
	return s
}

// with is the environment after an ENV; a value that is not known takes its variable away.
func (s settings) with(set []variableSet) map[string]string {
	env := maps.Clone(s.env)
	for _, v := range set {
		delete(env, v.name)
		if value, ok := s.expand(v.text); ok && !strings.ContainsAny(value, "\\\"'") {
			env[v.name] = value
		}
	}
	return env
}

// variables are what an ENV or ARG sets, without the quotes around the values.
func variables(i *dockerfile.Instruction) []variableSet {
	if i.Keyword == "ENV" && len(i.Words) > 1 && !strings.Contains(i.Words[0].Text, "=") {
		_, text, _ := strings.Cut(i.Text(), i.Words[0].Text)
		return []variableSet{{i.Words[0].Text, strings.Trim(strings.TrimSpace(text), `"'`)}}
	}
	var out []variableSet
	for _, w := range i.Words {
		name, text, _ := strings.Cut(w.Text, "=")
		out = append(out, variableSet{name, strings.Trim(text, `"'`)})
	}
	return out
}

// maxExpanded bounds the length of a path with its variables put in, and that of the working directory, to which every
// relative WORKDIR adds.
const maxExpanded = 4096

// expand puts the known variables in; ok is false when one is not known or is written in another form than $name and
// ${name}.
func (s settings) expand(text string) (string, bool) {
	var b strings.Builder
	for len(text) > 0 && b.Len() < maxExpanded {
		before, rest, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return b.String(), !strings.ContainsAny(b.String(), "\\`")
		}
		name, after := variable(rest)
		value, ok := s.env[name]
		if !ok {
			return "", false
		}
		b.WriteString(value)
		text = after
	}
	return b.String(), len(text) == 0
}

// variable is the name at the start of what follows a "$", and what comes behind it.
func variable(text string) (name, rest string) {
	if inner, ok := strings.CutPrefix(text, "{"); ok {
		name, rest, _ = strings.Cut(inner, "}")
		return name, rest
	}
	k := 0
	for k < len(text) && (text[k] == '_' || isLetter(text[k]) || k > 0 && '0' <= text[k] && text[k] <= '9') {
		k++
	}
	return text[:k], text[k:]
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
