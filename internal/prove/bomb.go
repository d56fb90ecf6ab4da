package prove

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// The bounds in bytes on what a file may expand to. BuildKit's own test files stay under the first by a wide margin.
const (
	maxInstruction = 4 << 20  // one instruction
	maxExpansion   = 32 << 20 // the whole file: every step carries the environment along
)

// sizes are upper bounds in bytes of the values that variables may have.
type sizes struct {
	of    map[string]int
	floor int // of every variable: some names are themselves expanded
}

func (s sizes) get(name string) int { return max(s.of[name], s.floor) }

func (s sizes) clone() sizes {
	out := sizes{of: make(map[string]int, len(s.of)), floor: s.floor}
	for name, n := range s.of {
		out.of[name] = n
	}
	return out
}

// merge raises s to at least t.
func (s *sizes) merge(t sizes) {
	for name, n := range t.of {
		s.of[name] = max(s.of[name], n)
	}
	s.floor = max(s.floor, t.floor)
}

// total is an upper bound of the environment's size.
func (s sizes) total() int {
	sum := 0
	for name := range s.of {
		sum = plus(sum, len(name)+2+s.get(name))
	}
	return plus(sum, s.floor)
}

// A bounder adds up what expanding a file can take at most.
type bounder struct {
	start  sizes // what a base image and the build arguments set
	global sizes // with the ARGs before the first FROM
	stages map[*dockerfile.Stage]sizes
	args   map[string]int
	cost   int
}

// bounded returns an error when expanding the file's variables in one of the worlds could take more memory than it
// may. It is a bound from above that never expands anything itself.
func bounded(f *dockerfile.File, all []world) error {
	_, err := measure(f, all)
	return err
}

func measure(f *dockerfile.File, all []world) (*bounder, error) {
	b := &bounder{
		start:  sizes{of: map[string]int{}},
		stages: map[*dockerfile.Stage]sizes{},
		args:   map[string]int{},
	}
	b.worlds(all)
	b.global = b.start.clone()
	b.predefined()
	for _, i := range f.Args {
		if err := b.instruction(i, &b.global); err != nil {
			return b, err
		}
	}
	for _, s := range f.Stages {
		if err := b.stage(f, s); err != nil {
			return b, err
		}
	}
	return b, nil
}

// worlds takes over what build arguments and base images may hold.
func (b *bounder) worlds(all []world) {
	for _, w := range all {
		for name, value := range w.Args {
			b.args[name] = max(b.args[name], len(value))
		}
	}
	for _, base := range bases("") {
		for _, kv := range base.Env {
			name, value, _ := strings.Cut(kv, "=")
			b.start.of[name] = max(b.start.of[name], len(value))
		}
	}
}

// predefined adds what BuildKit sets in the global scope: platforms and the target's name.
func (b *bounder) predefined() {
	for _, where := range []string{"BUILD", "TARGET"} {
		for _, what := range []string{"PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT", "STAGE"} {
			b.global.of[where+what] = 256
		}
	}
}

// stage bounds one stage: the triggers of the stage that it stands on, then its own instructions.
func (b *bounder) stage(f *dockerfile.File, s *dockerfile.Stage) error {
	env := b.start.clone()
	var triggers []*dockerfile.Instruction
	for _, t := range f.Stages[:s.Index] {
		if t == s.Parent || strings.Contains(s.Base, "$") {
			env.merge(b.stages[t])
			triggers = append(triggers, onbuilds(t)...)
		}
	}
	for _, i := range slices.Concat([]*dockerfile.Instruction{s.From}, triggers, s.Instructions) {
		scope := &env
		if i == s.From {
			scope = &b.global
		}
		if err := b.instruction(i, scope); err != nil {
			return err
		}
	}
	b.stages[s] = env
	return nil
}

func onbuilds(s *dockerfile.Stage) []*dockerfile.Instruction {
	var out []*dockerfile.Instruction
	for _, i := range s.Instructions {
		if i.Inner != nil {
			out = append(out, i.Inner)
		}
	}
	return out
}

// instruction bounds one instruction and, for ENV and ARG, what it sets.
func (b *bounder) instruction(i *dockerfile.Instruction, env *sizes) error {
	text := i.Text()
	for _, fl := range i.Flags {
		text += " " + fl.Value
	}
	for _, h := range i.Heredocs {
		text += h.Content
	}
	n := bound(text, *env)
	if n > maxInstruction {
		return fmt.Errorf("the variables of line %d may expand to more than %d MiB", i.Line(), maxInstruction>>20)
	}
	b.cost = plus(b.cost, times(4, plus(n, len(text))))
	switch i.Keyword {
	case "ENV", "ARG":
		b.set(i, env)
	case "RUN":
		b.cost = plus(b.cost, times(3, env.total()))
	}
	if b.cost > maxExpansion {
		const carried = "the variables that the steps up to line %d carry may take more than %d MiB"
		return fmt.Errorf(carried, i.Line(), maxExpansion>>20)
	}
	return nil
}

// set raises the bounds of the variables that an ENV or ARG sets. All its words see the values from before it.
func (b *bounder) set(i *dockerfile.Instruction, env *sizes) {
	before := env.clone()
	words := i.Words
	if len(words) > 0 && i.Keyword == "ENV" && !strings.Contains(words[0].Text, "=") {
		env.raise(words[0].Text, bound(i.Text(), before)) // ENV name the rest of the line
		return
	}
	for _, w := range words {
		name, value, _ := strings.Cut(w.Text, "=")
		n := bound(value, before)
		if i.Keyword == "ARG" {
			n = max(n, b.args[name], b.global.get(name))
			env.raise(name, n)
			before = env.clone() // an ARG's words see those before them
			continue
		}
		env.raise(name, n)
	}
}

// raise makes n a bound of the variable name; when the name is itself expanded or quoted, of every variable.
func (s *sizes) raise(name string, n int) {
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_.-", r) {
			s.floor = max(s.floor, n)
			return
		}
	}
	s.of[name] = max(s.of[name], n)
}

// bound is an upper bound of the size of text after expansion. ${name/pattern/text} can put text at every place of
// the value, and text can repeat what was matched; all other forms give the value or a word that is counted anyway.
func bound(text string, env sizes) int {
	if !utf8.ValidString(text) {
		text = string([]rune(text)) // the scanner makes three bytes of each one that is not UTF-8
	}
	n := 0
	for at := 0; at < len(text); {
		dollar := strings.IndexByte(text[at:], '$')
		if dollar < 0 {
			return plus(n, len(text)-at)
		}
		n = plus(n, dollar)
		at += dollar + 1
		braced := strings.HasPrefix(text[at:], "{")
		if braced {
			at++
		}
		name := variable(text[at:])
		at += len(name)
		n = plus(n, len(name)+2) // an escaped dollar leaves all of it as it is
		value := env.get(name)
		if braced && strings.HasPrefix(text[at:], "/") {
			rest := bound(text[at:], env)
			return plus(n, plus(value, times(2, times(plus(value, 1), rest))))
		}
		n = plus(n, value)
	}
	return n
}

// variable is the name at the start of s: letters, digits and underscores (shell.processName).
func variable(s string) string {
	for k, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' {
			return s[:k]
		}
	}
	return s
}

// plus and times saturate far above every limit and far below an overflow.
func plus(a, b int) int { return min(a+b, math.MaxInt32) }

func times(a, b int) int {
	if a != 0 && b > math.MaxInt32/a {
		return math.MaxInt32
	}
	return a * b
}
