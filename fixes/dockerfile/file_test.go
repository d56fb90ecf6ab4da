package dockerfile_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

func asError(err error, target **dockerfile.Error) bool { return errors.As(err, target) }

func parse(t *testing.T, src string) *dockerfile.File {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestErrorsNameTheLine(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"unknown instruction", "FROM a\nFOO b\n", "Dockerfile:2: unknown instruction: FOO"},
		{"no FROM", "ARG a=1\n", "Dockerfile:1: no FROM"},
		{"empty", "", "no instructions"},
		{"binary", "FROM a\nRUN \x00\n", "Dockerfile:2: binary content"},
		{"long line", "FROM a\nRUN " + strings.Repeat("x", 70_000) + "\n", "line greater than max"},
		{"megabyte line", "FROM a\nRUN " + strings.Repeat("x", 1<<20-20) + "\n", "line greater than max"},
		{"too large", strings.Repeat("#\n", 1<<20), "more than the 1048576"},
		{"unterminated heredoc", "FROM a\nRUN <<E\nx\n", "Dockerfile:2: unterminated heredoc"},
		{"copy without destination", "FROM a\n\nCOPY x\n", "Dockerfile:3:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := dockerfile.Parse("Dockerfile", []byte(c.src))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestHostileInputIsBounded(t *testing.T) {
	for name, src := range map[string]string{
		"ten thousand instructions": "FROM a\n" + strings.Repeat("RUN a && b\n", 10_000),
		"nested subshells":          "FROM a\nRUN " + strings.Repeat("(", 50_000) + "\n",
		"nested substitutions":      "FROM a\nRUN <<E\n" + strings.Repeat("$(", 300_000) + "\nE\n",
		"nested onbuild":            "FROM a\n" + strings.Repeat("ONBUILD \\\n", 90_000) + "RUN a\n",
		"nested json":               "FROM a\nCMD " + strings.Repeat("[", 60_000) + "\n",
		"nested expansion":          "FROM a\nRUN <<E " + strings.Repeat("${a:-", 10_000) + "\nE\n",
	} {
		t.Run(name, func(t *testing.T) {
			f, err := dockerfile.Parse("Dockerfile", []byte(src))
			if err != nil {
				t.Log(err)
				return
			}
			for _, i := range f.Instructions {
				if _, err := i.Script(); err != nil && !errors.Is(err, dockerfile.ErrNoScript) {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestInstructionParts(t *testing.T) {
	f := parse(t, "# syntax=docker/dockerfile:1\n# top\nFROM a AS b\n# why\n# so\ncopy --from=b \\\n  # in between\n  --chown=1:2 x \\\n  y /z/\nENV k v w\nENV a=\"b c\" d=e\\ f\n")
	i := f.Instructions[1]
	if got := f.Text(i.Lead); got != "# why\n# so\n" {
		t.Errorf("lead %q", got)
	}
	if got := f.Text(f.Instructions[0].Lead); got != "# top\n" {
		t.Errorf("the first lead %q must not hold the directive", got)
	}
	var flags []string
	for _, fl := range i.Flags {
		flags = append(flags, fl.Name+"="+fl.Value+" "+f.Text(fl.Span))
	}
	if diff := cmp.Diff([]string{"from=b --from=b", "chown=1:2 --chown=1:2"}, flags); diff != "" {
		t.Error(diff)
	}
	var words []string
	for _, w := range i.Words {
		words = append(words, f.Text(w.Span))
	}
	if diff := cmp.Diff([]string{"x", "y", "/z/"}, words); diff != "" {
		t.Error(diff)
	}
	if len(i.Comments) != 1 || f.Text(i.Comments[0]) != "  # in between\n" {
		t.Errorf("comments %v", i.Comments)
	}
	if got := len(f.Instructions[3].Words); got != 2 {
		t.Errorf("ENV a=\"b c\" d=e\\ f has %d words, want 2", got)
	}
}

func TestStages(t *testing.T) {
	f := parse(t, `ARG V=22
FROM node:${V}-slim AS Base
USER node
WORKDIR /app
FROM base
WORKDIR sub
SHELL ["/bin/bash", "-c"]
RUN a
WORKDIR $X
WORKDIR y
`)
	last := f.Final()
	if last.Parent != f.Stages[0] || f.Stage("BASE") != f.Stages[0] || f.Stage("0") != f.Stages[0] || f.Stage("7") != nil {
		t.Error("stages are not resolved by name without case and by number")
	}
	if image, ok := last.Image(); image != "node:22-slim" || !ok {
		t.Errorf("image %q %v", image, ok)
	}
	before := last.Before(last.Instructions[2])
	want := dockerfile.State{User: "node", Workdir: "/app/sub", Shell: []string{"/bin/bash", "-c"}}
	if diff := cmp.Diff(want, before); diff != "" {
		t.Error(diff)
	}
	if end := last.End(); end.Workdir != "" {
		t.Errorf("a WORKDIR with a variable must be unknown, got %q", end.Workdir)
	}
	if f.Stages[0].Shipped() != true || last.Windows() {
		t.Error("the base stage is part of the shipped chain; nothing here is Windows")
	}
}

// TestScriptSpans holds the way back from the shell's words to the file, through all that BuildKit takes out.
func TestScriptSpans(t *testing.T) {
	f := parse(t, "FROM a\nRUN apt-get update \\\n  # first\n  && apt-get \\\n     install -y 'a b' \\\n\n  $X\n")
	script, err := f.Instructions[1].Script()
	if err != nil {
		t.Fatal(err)
	}
	cmds, ok := script.Chain()
	if !ok || len(cmds) != 2 {
		t.Fatalf("chain of %d, %v", len(cmds), ok)
	}
	var got []string
	for _, w := range cmds[1].Words {
		got = append(got, fmt.Sprintf("%s|%v|%s", w.Text, w.Literal, f.Text(w.Span)))
	}
	want := []string{"apt-get|true|apt-get", "install|true|install", "-y|true|-y", "a b|true|'a b'", "$X|false|$X"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := f.Text(cmds[1].Span); got != "apt-get \\\n     install -y 'a b' \\\n\n  $X" {
		t.Errorf("command span %q", got)
	}
}

func TestHeredocScript(t *testing.T) {
	f := parse(t, "FROM a\nRUN <<-EOF\n\tapt-get update\n\t\tapt-get install -y x\n\tEOF\n")
	script, err := f.Instructions[1].Script()
	if err != nil {
		t.Fatal(err)
	}
	calls := script.Calls()
	if len(calls) != 2 || f.Text(calls[1].Words[0].Span) != "apt-get" || calls[1].Words[3].Text != "x" {
		t.Fatalf("calls %+v", calls)
	}
	if _, ok := script.Chain(); ok {
		t.Error("two statements are not one && list")
	}
}

// TestChainRefuses holds the allowlist: anything that is not "plain && plain" is not a chain.
func TestChainRefuses(t *testing.T) {
	for _, body := range []string{
		"a; b", "a || b", "a | b", "a & b", "! a && b", "(a) && b", "{ a; } && b", "X=1 a && b", "a > f && b",
		"a && b &", "a && b # c", "if a; then b; fi", "a $(b) && for x in y; do z; done", "a && f() { b; }", "X=1", "a;",
		"[[ a ]] && b", "time a && b",
	} {
		script, err := parse(t, "FROM a\nRUN "+body+"\n").Instructions[1].Script()
		if err != nil {
			continue
		}
		if cmds, ok := script.Chain(); ok && body != "time a && b" && body != "[[ a ]] && b" {
			t.Errorf("%q is taken for a chain: %v", body, cmds)
		}
	}
}

func TestLiteral(t *testing.T) {
	for body, want := range map[string]bool{
		"x a": true, `x "a b"`: true, `x a\ b`: true, "x 'a*'": true, `x "a\$b"`: true, "x a=b": true,
		"x *": false, "x ~": false, "x $a": false, "x `a`": false, "x {a,b}": false, "x a=~": false, "x [a]": false,
		`x "$a"`: false,
	} {
		script, err := parse(t, "FROM a\nRUN "+body+"\n").Instructions[1].Script()
		if err != nil {
			t.Fatal(err)
		}
		if got := script.Calls()[0].Words[1].Literal; got != want {
			t.Errorf("%q literal %v, want %v", body, got, want)
		}
	}
}
