package fixes_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
)

var update = flag.Bool("update", false, "rewrite the results in testdata/fixes")

// TestRecipes runs the archives of testdata/fixes. A case is three files: "name" is a Dockerfile, "name.do" what to
// do with it, one recipe a line, and "name.after" the result or "name.refused" the reason. An instruction is named by
// the line it starts on; "5!" is what the ONBUILD on line 5 defers:
//
//	move 5 2              insert-before 3 ARG X     merge 3 4 5          flag 3 chown 1:1
//	remove 5              insert-after 3 RUN x      append 3 rm /x       keyword 3 COPY
//	pin 1 node:22@sha256:...
//	user 3 node           remove-command 3 rm       body 3 ["a"]         word 3 old new
//	user 3 app useradd app                                               add-word 3 install -y
//	reword 3 install -y      reword-before 3 go CGO_ENABLED=0            reword-instead 3 sudo
//
// In a Dockerfile ␍ at the end of a line stands for a carriage return, ␂ for a byte order mark, and a last line of
// only ␄ for "no final line end".
func TestRecipes(t *testing.T) {
	archives, err := filepath.Glob("../testdata/fixes/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			out := &txtar.Archive{Comment: a.Comment}
			for _, c := range recipeCases(t, a) {
				t.Run(c.name, func(t *testing.T) { c.run(t) })
				out.Files = append(out.Files, c.files()...)
			}
			if *update {
				if err := os.WriteFile(path, txtar.Format(out), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

type recipeCase struct {
	name, before, do string
	after, refused   string // as the archive has them, then as they are
}

func recipeCases(t *testing.T, a *txtar.Archive) []*recipeCase {
	t.Helper()
	var out []*recipeCase
	for _, f := range a.Files {
		name, part, _ := strings.Cut(f.Name, ".")
		if part == "" {
			out = append(out, &recipeCase{name: name, before: string(f.Data)})
			continue
		}
		if len(out) == 0 || out[len(out)-1].name != name {
			t.Fatalf("%s does not follow its Dockerfile", f.Name)
		}
		switch c := out[len(out)-1]; part {
		case "do":
			c.do = string(f.Data)
		case "after":
			c.after = string(f.Data)
		case "refused":
			c.refused = string(f.Data)
		default:
			t.Fatalf("%s is not part of a case", f.Name)
		}
	}
	return out
}

func (c *recipeCase) files() []txtar.File {
	files := []txtar.File{{Name: c.name, Data: []byte(c.before)}, {Name: c.name + ".do", Data: []byte(c.do)}}
	if c.refused != "" {
		return append(files, txtar.File{Name: c.name + ".refused", Data: []byte(c.refused)})
	}
	return append(files, txtar.File{Name: c.name + ".after", Data: []byte(c.after)})
}

func (c *recipeCase) run(t *testing.T) {
	f := parseFile(t, decode(c.before))
	edits, err := perform(f, c.do)
	var after, refused string
	if err != nil {
		if !errors.Is(err, fixes.ErrRefused) {
			t.Fatalf("%v is not a refusal", err)
		}
		refused = err.Error() + "\n"
	} else {
		src, err := fixes.Apply(f.Path, f.Src, edits)
		if err != nil {
			t.Fatal(err)
		}
		after = encode(string(src))
		holds(t, f, src, edits)
	}
	if *update {
		c.after, c.refused = after, refused
		return
	}
	if diff := cmp.Diff(c.after, after); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(c.refused, refused); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
}

func decode(s string) string {
	s = strings.TrimSuffix(s, "\n␄\n")
	return strings.NewReplacer("␍\n", "\r\n", "␂", "\ufeff").Replace(s)
}

func encode(s string) string {
	if !strings.HasSuffix(s, "\n") {
		s += "\n␄\n"
	}
	return strings.NewReplacer("\r\n", "␍\n", "\ufeff", "␂").Replace(s)
}

func parseFile(t testing.TB, src string) *dockerfile.File {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// perform makes the edits of the lines of do, all of them against f.
func perform(f *dockerfile.File, do string) ([]fixes.Edit, error) {
	var all []fixes.Edit
	for line := range strings.Lines(do) {
		edits, err := performOne(f, strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, err
		}
		if all, err = fixes.Merge(all, fixes.Fix{Title: line, Edits: edits}); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func performOne(f *dockerfile.File, line string) ([]fixes.Edit, error) {
	recipe, rest, _ := strings.Cut(line, " ")
	at, rest, _ := strings.Cut(rest, " ")
	i := find(f, at)
	first, second, _ := strings.Cut(rest, " ")
	switch recipe {
	case "move-to":
		return fixes.MoveTo(f, i, find(f, first), second)
	case "move":
		return fixes.Move(f, i, find(f, first))
	case "merge":
		runs := []*dockerfile.Instruction{i}
		for _, at := range strings.Fields(rest) {
			runs = append(runs, find(f, at))
		}
		return fixes.MergeRuns(f, runs...)
	case "append":
		return fixes.AppendCommand(f, i, rest)
	case "remove-command":
		return fixes.RemoveCommand(f, i, command(i, first))
	case "pin":
		e, _, err := fixes.Pin(f, i.Stage, first)
		return one(e, err)
	case "user":
		return fixes.SetUser(f, i, first, second)
	case "insert-before":
		return one(fixes.InsertBefore(f, i, strings.ReplaceAll(rest, `\n`, "\n")), nil)
	case "insert-after":
		return one(fixes.InsertAfter(f, i, strings.ReplaceAll(rest, `\n`, "\n")), nil)
	case "remove":
		return one(fixes.Remove(f, i), nil)
	case "flag":
		return one(fixes.SetFlag(f, i, first, second))
	case "keyword":
		return one(fixes.ReplaceKeyword(f, i, first))
	case "body":
		return one(fixes.ReplaceBody(f, i, rest))
	case "word":
		return one(fixes.ReplaceWord(f, i, word(i, first), second))
	case "reword":
		return fixes.Reword(f, i, fixes.Rewording{At: word(i, first), Text: second})
	case "reword-before":
		return fixes.Reword(f, i, fixes.Rewording{At: word(i, first), How: fixes.Before, Text: second})
	case "reword-instead":
		return fixes.Reword(f, i, fixes.Rewording{At: word(i, first), How: fixes.Instead, Text: second})
	case "add-word":
		return one(fixes.AddWord(f, i, word(i, first), second))
	}
	return nil, fmt.Errorf("no recipe is called %q", recipe)
}

func one(e fixes.Edit, err error) ([]fixes.Edit, error) { return []fixes.Edit{e}, err }

// find is the instruction that starts on a line; with "!" what the ONBUILD there defers.
func find(f *dockerfile.File, at string) *dockerfile.Instruction {
	number, inner := strings.CutSuffix(at, "!")
	n, err := strconv.Atoi(number)
	if err != nil {
		return nil
	}
	for _, i := range f.Instructions {
		if i.Line() == n && inner {
			return i.Inner
		}
		if i.Line() == n {
			return i
		}
	}
	return nil
}

// command is the first command of i whose words, joined, begin with text.
func command(i *dockerfile.Instruction, text string) dockerfile.Command {
	script, err := i.Script()
	if err != nil {
		return dockerfile.Command{}
	}
	for _, c := range script.Calls() {
		if len(c.Words) > 0 && c.Words[0].Text == text {
			return c
		}
	}
	return dockerfile.Command{}
}

// word is the place of the first word of i that reads text.
func word(i *dockerfile.Instruction, text string) dockerfile.Span {
	for _, w := range i.Words {
		if w.Text == text {
			return w.Span
		}
	}
	script, err := i.Script()
	if err != nil {
		return dockerfile.Span{}
	}
	for _, c := range script.Calls() {
		for _, w := range c.Words {
			if w.Text == text {
				return w.Span
			}
		}
	}
	return dockerfile.Span{}
}

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Error(args ...any)
	Fatalf(format string, args ...any)
}

// holds checks what must hold after every recipe: the result parses; the parser directives, the byte order mark, the
// style of line ends and the end of the file are what they were; lines that no edit touches are there, in order; and
// no comment was lost from between the lines that stay.
func holds(t tester, f *dockerfile.File, src []byte, edits []fixes.Edit) {
	t.Helper()
	g, err := dockerfile.Parse(f.Path, src)
	if err != nil {
		t.Fatalf("the result does not parse: %v\n%s", err, src)
	}
	if diff := cmp.Diff(directives(f), directives(g)); diff != "" {
		t.Errorf("directives: %s", diff)
	}
	bom := []byte("\ufeff")
	if bytes.HasPrefix(f.Src, bom) != bytes.HasPrefix(src, bom) || bytes.Count(src, bom) != bytes.Count(f.Src, bom) {
		t.Error("the byte order mark is not where it was")
	}
	if was, is := lineEnds(f.Src), lineEnds(src); (was == "lf" || was == "crlf") && is != was && is != "" {
		t.Errorf("line ends were %s and are %s", was, is)
	}
	if bytes.HasSuffix(f.Src, []byte("\n")) != bytes.HasSuffix(src, []byte("\n")) {
		t.Error("the end of the file changed")
	}
	untouched(t, f, src, edits)
}

func directives(f *dockerfile.File) []string {
	out := []string{}
	for _, d := range f.Directives {
		out = append(out, d.Name+"="+d.Value)
	}
	return out
}

// lineEnds is "lf", "crlf", "mixed", or "" when there is no line end.
func lineEnds(src []byte) string {
	all, crlf := bytes.Count(src, []byte("\n")), bytes.Count(src, []byte("\r\n"))
	switch {
	case all == 0:
		return ""
	case crlf == 0:
		return "lf"
	case crlf == all:
		return "crlf"
	}
	return "mixed"
}

// untouched checks that the lines on which no edit stands are found in the result, in order, without their line ends.
func untouched(t tester, f *dockerfile.File, src []byte, edits []fixes.Edit) {
	t.Helper()
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\ufeff", "").Replace(string(src)), "\n")
	at := 0
	for n := 1; n <= f.Lines(); n++ {
		span := f.LineSpan(n)
		if slices.ContainsFunc(edits, func(e fixes.Edit) bool { return touches(e, span) }) {
			continue
		}
		line := strings.TrimPrefix(strings.TrimRight(f.Text(span), "\r\n"), "\ufeff")
		k := slices.Index(lines[at:], line)
		if k < 0 {
			t.Errorf("line %d is gone or moved: %q", n, line)
			return
		}
		at += k + 1
	}
}

// touches reports whether e changes the text of a line: replaces some of it, or inserts into it or at its very end.
func touches(e fixes.Edit, line dockerfile.Span) bool {
	if e.Start == e.End && e.Start == line.End {
		return e.New[0] != '\n' && e.New[0] != '\r'
	}
	return e.Start < line.End && e.End > line.Start
}
