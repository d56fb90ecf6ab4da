package fixes

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// TestKeyValueMeansTheSame writes thousands of values in the old form, of the pieces that go wrong, and holds what
// KeyValue makes of them against BuildKit's own parser and expansion: the same key and the same value, whatever the
// variables hold.
func TestKeyValueMeansTheSame(t *testing.T) {
	pieces := []string{
		"a", "b/c", " ", "  ", "\t", "$A", "${B}", "$", "$$", "${A:-x y}", "${A#x}", "$1", "'", `"`, `\`, `\ `, `\"`, `\$A`,
		"=", "#", "<<", "<", ">", "&&", ";", "`", "ü", "\u00a0", "\v", "{", "}", "(", ")", "*", "~", "!", ",", "-", "%",
	}
	random := rand.New(rand.NewPCG(1, 2))
	changed := 0
	for range 6000 {
		value := pieces[random.IntN(len(pieces))]
		for range random.IntN(5) {
			value += pieces[random.IntN(len(pieces))]
		}
		if random.IntN(3) == 0 {
			value = `"` + value + `"`
		}
		src := "FROM a\n" + []string{"ENV K ", "LABEL K ", "env K\t "}[random.IntN(3)] + value + "\n"
		f, err := dockerfile.Parse("Dockerfile", []byte(src))
		if err != nil || len(f.Instructions) != 2 {
			continue
		}
		e, err := KeyValue(f, f.Instructions[1])
		if err != nil {
			continue
		}
		changed++
		after, err := Apply("Dockerfile", f.Src, []Edit{e})
		if err != nil {
			t.Fatalf("%q: %v", src, err)
		}
		for _, env := range [][]string{nil, {"A=1", "B=2"}, {"A=x  y", `B="z`}, {`A='`, "B=$A"}, {`A=\`, "B= "}} {
			was, is := pairOf(t, src, env), pairOf(t, string(after), env)
			if was != is {
				t.Errorf("%q: %q, then %q: %q with %q", src, was, after, is, env)
			}
		}
	}
	if changed < 400 {
		t.Errorf("only %d were changed", changed)
	}
}

// pairOf is the one key and value that the second instruction of a file sets.
func pairOf(t *testing.T, src string, env []string) [2]string {
	t.Helper()
	result, err := parser.Parse(bytes.NewReader([]byte(src)))
	if err != nil {
		t.Fatalf("%q: %v", src, err)
	}
	stages, _, err := instructions.Parse(result.AST, nil)
	if err != nil || len(stages) != 1 || len(stages[0].Commands) != 1 {
		t.Fatalf("%q: %v", src, err)
	}
	lex := shell.NewLex(result.EscapeToken)
	expand := func(word string) (string, error) {
		out, _, err := lex.ProcessWord(word, shell.EnvsFromSlice(env))
		return out, err
	}
	var pairs []instructions.KeyValuePair
	switch c := stages[0].Commands[0].(type) {
	case *instructions.EnvCommand:
		err, pairs = c.Expand(expand), c.Env
	case *instructions.LabelCommand:
		err, pairs = c.Expand(expand), c.Labels
	}
	if err != nil {
		return [2]string{"error", strings.SplitN(err.Error(), "\n", 2)[0]}
	}
	if len(pairs) != 1 {
		t.Fatalf("%q: %d pairs", src, len(pairs))
	}
	return [2]string{pairs[0].Key, pairs[0].Value}
}
