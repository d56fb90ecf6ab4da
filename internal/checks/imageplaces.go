package checks

import (
	"fmt"
	"path"
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
}

// settingsOf is, for every instruction of a stage and of those it stands on, what holds when it runs. Where the base image
// starts is left open: an image of the same name may start elsewhere tomorrow.
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
		if !ok {
			text = fmt.Sprintf("?%d", i.Index)
			s.workdir = place(text)
			return s
		}
		s.workdir = s.workdir.join(text)
	case "ENV":
		s.env = s.with(i)
	}
	return s
}

// with is the environment after an ENV; a value that is not known takes its variable away.
func (s settings) with(i *dockerfile.Instruction) map[string]string {
	env := make(map[string]string, len(s.env)+len(i.Words))
	for k, v := range s.env {
		env[k] = v
	}
	set := func(name, text string) {
		delete(env, name)
		if value, ok := s.expand(strings.Trim(text, `"'`)); ok && !strings.ContainsAny(value, "\\\"'") {
			env[name] = value
		}
	}
	if len(i.Words) > 1 && !strings.Contains(i.Words[0].Text, "=") {
		_, text, _ := strings.Cut(i.Text(), i.Words[0].Text)
		set(i.Words[0].Text, strings.TrimSpace(text))
		return env
	}
	for _, w := range i.Words {
		if name, text, ok := strings.Cut(w.Text, "="); ok {
			set(name, text)
		}
	}
	return env
}

// maxExpanded bounds the length of a path with its variables put in.
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
	for k < len(text) && (text[k] == '_' || 'a' <= text[k]|0x20 && text[k]|0x20 <= 'z' || k > 0 && '0' <= text[k] && text[k] <= '9') {
		k++
	}
	return text[:k], text[k:]
}
