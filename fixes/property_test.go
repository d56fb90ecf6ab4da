package fixes_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// blocks are the instructions of which files are made up, line by line.
var blocks = [][]string{
	{"RUN make"},
	{"RUN rm -rf /src"},
	{"RUN apt-get update && \\", "    apt-get install -y curl"},
	{"RUN apt-get update \\", "\t&& apt-get install -y \\", "# tools", "\t   curl"},
	{"RUN \\", "  # first", "  touch a && \\", "", "  touch b"},
	{"RUN --mount=type=cache,target=/c pip install x"},
	{"RUN --network=none touch x"},
	{"RUN cd /x && make; true"},
	{"RUN [\"make\"]"},
	{"RUN <<EOF", "set -e", "# not a comment", "make", "EOF"},
	{"RUN <<-E", "\tmake", "\tE"},
	{"COPY . ."},
	{"COPY --chown=1:1 \\", "  # why", "  a b /c/"},
	{"COPY <<F /x", "FROM nothing", "F"},
	{"ADD x /y"},
	{"ENV A=1"},
	{"ARG B"},
	{"USER node"},
	{"WORKDIR /app"},
	{"LABEL a=b"},
	{"VOLUME /v"},
	{"ONBUILD RUN make"},
	{"ONBUILD COPY . ."},
	{"SHELL [\"/bin/bash\", \"-c\"]"},
	{"CMD make -x"},
	{"CMD [\"make\", \"-x\"]"},
	{"HEALTHCHECK --interval=5s CMD curl x"},
	{"FROM alpine AS b"},
}

// drawFile makes up a Dockerfile.
func drawFile(t *rapid.T) *dockerfile.File {
	var lines []string
	lines = append(lines, rapid.SampledFrom([][]string{
		nil, {"# syntax=docker/dockerfile:1"}, {"# escape=\\"}, {"# check=skip=all", "# syntax=docker/dockerfile:1"},
	}).Draw(t, "directives")...)
	lines = append(lines, rapid.SampledFrom([][]string{
		nil, {"# Copyright"}, {"", "# Copyright"}, {"ARG V=1"}, {"ARG V=1", "ARG W=2", "# escape=`"},
		{"ARG V=1", "# check=error=true"},
		{"# hadolint ignore=DL3006", "# escape=`", "ARG V=1"},
	}).Draw(t, "head")...)
	lines = append(lines, "FROM debian")
	for range rapid.IntRange(0, 7).Draw(t, "blocks") {
		lines = append(lines, rapid.SampledFrom([][]string{
			nil, nil, nil, {""}, {"# about it"}, {"", "# hadolint ignore=DL3009"}, {"# aside", ""},
		}).Draw(t, "lead")...)
		block := slices.Clone(rapid.SampledFrom(blocks).Draw(t, "block"))
		block[0] = rapid.SampledFrom([]string{"", "", "  ", "\t"}).Draw(t, "indent") + block[0]
		if rapid.IntRange(0, 5).Draw(t, "lower") == 0 {
			keyword, rest, _ := strings.Cut(block[0], " ")
			block[0] = strings.ToLower(keyword) + " " + rest
		}
		lines = append(lines, block...)
	}
	eol := rapid.SampledFrom([]string{"\n", "\n", "\r\n"}).Draw(t, "eol")
	src := strings.Join(lines, eol) + rapid.SampledFrom([]string{eol, eol, "", eol + eol}).Draw(t, "end")
	src = rapid.SampledFrom([]string{"", "", "", "\ufeff"}).Draw(t, "bom") + src
	f, err := dockerfile.Parse("Dockerfile", []byte(src))
	if err != nil {
		t.Skip(err) // two SHELLs as one, a heredoc with carriage returns ...
	}
	return f
}

// drawEdits applies a recipe that is drawn to instructions that are drawn; nil when it was refused.
func drawEdits(t *rapid.T, f *dockerfile.File) (edits []fixes.Edit, removes bool) {
	oneOf := func(texts ...string) string { return rapid.SampledFrom(texts).Draw(t, "text") }
	pick := func() *dockerfile.Instruction { return rapid.SampledFrom(f.Instructions).Draw(t, "instruction") }
	i := pick()
	var err error
	switch oneOf("move", "before", "after", "remove", "merge", "append", "less", "flag", "keyword", "body", "word", "more",
		"user", "create") {
	case "move":
		edits, err = fixes.Move(f, i, pick())
	case "before":
		edits = []fixes.Edit{fixes.InsertBefore(f, i, oneOf("# why", "ARG X=1"))}
	case "after":
		edits = []fixes.Edit{fixes.InsertAfter(f, i, oneOf("# why", "ARG X=1"))}
	case "remove":
		if i.Keyword != "FROM" {
			edits, removes = []fixes.Edit{fixes.Remove(f, i)}, true
		}
	case "merge":
		edits, err = fixes.MergeRuns(f, i, f.Instructions[min(i.Index+1, len(f.Instructions)-1)])
	case "append":
		edits, err = fixes.AppendCommand(f, i, "rm -rf /var/lib/apt/lists/*")
	case "less":
		edits, err = fixes.RemoveCommand(f, i, command(i, oneOf("apt-get", "touch")))
	case "flag":
		edits, err = one(fixes.SetFlag(f, i, oneOf("chown", "from", "mount", "platform"), "x"))
	case "keyword":
		edits, err = one(fixes.ReplaceKeyword(f, i, "COPY"))
	case "body":
		edits, err = one(fixes.ReplaceBody(f, i, "[\"x\", \"y\"]"))
	case "word":
		edits, err = one(fixes.ReplaceWord(f, i, word(i, oneOf("x", "curl", "make")), "z"))
	case "more":
		edits, err = one(fixes.AddWord(f, i, word(i, oneOf("x", "install", "make")), "-y"))
	case "user":
		edits, err = fixes.SetUser(f, i, "app", "")
	case "create":
		edits, err = fixes.SetUser(f, i, "app", "useradd app")
	}
	if err != nil {
		return nil, false
	}
	return edits, removes
}

// TestRecipesHoldOnAnyFile: whatever the file, a recipe that does not refuse keeps everything that must be kept, and
// no comment is lost.
func TestRecipesHoldOnAnyFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFile(t)
		edits, removes := drawEdits(t, f)
		if edits == nil {
			return
		}
		src, err := fixes.Apply(f.Path, f.Src, edits)
		if err != nil {
			t.Fatal(err)
		}
		holds(t, f, src, edits)
		if !removes && bytes.Count(src, []byte("#")) < bytes.Count(f.Src, []byte("#")) {
			t.Fatalf("a comment is lost:\n%s\nbecame\n%s", f.Src, src)
		}
		if t.Failed() {
			t.Logf("%s\nbecame\n%s", f.Src, src)
		}
	})
}

// TestMergedFixesHaveNoOrder: fixes that Merge accepts one after the other are accepted in every order with the same
// result, and that still is a Dockerfile with its parser directives.
func TestMergedFixesHaveNoOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFile(t)
		var accepted []fixes.Edit
		var fits []fixes.Fix
		for range 4 {
			edits, _ := drawEdits(t, f)
			if merged, err := fixes.Merge(accepted, fixes.Fix{Edits: edits}); err == nil && edits != nil {
				accepted, fits = merged, append(fits, fixes.Fix{Edits: edits})
			}
		}
		want := apply(t, f, accepted)
		var shuffled []fixes.Edit
		for _, fix := range rapid.Permutation(fits).Draw(t, "order") {
			merged, err := fixes.Merge(shuffled, fix)
			if err != nil {
				t.Fatalf("accepted in one order, not in another: %v", err)
			}
			shuffled = merged
		}
		if got := apply(t, f, shuffled); got != want {
			t.Fatalf("the order of fixes matters:\n%s\nagainst\n%s", want, got)
		}
		holds(t, f, []byte(want), accepted)
		if t.Failed() {
			t.Logf("%s\nbecame\n%s", f.Src, want)
		}
	})
}

func apply(t *rapid.T, f *dockerfile.File, edits []fixes.Edit) string {
	src, err := fixes.Apply(f.Path, f.Src, edits)
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

// FuzzApply: edits in bounds that Merge accepts are applied; everything outside them is kept, byte for byte.
func FuzzApply(f *testing.F) {
	f.Add([]byte("FROM a\nRUN b\n"), 0, 0, "# x\n", 7, 13, "RUN c\n")
	f.Add([]byte(""), 0, 0, "x", 0, 0, "y")
	f.Add([]byte("abc"), 1, 2, "", 2, 3, "d")
	f.Add([]byte("abc"), 2, 1, "", -1, 3, "d")
	f.Fuzz(func(t *testing.T, src []byte, s1, e1 int, new1 string, s2, e2 int, new2 string) {
		a := fixes.Edit{Path: "f", Start: s1, End: e1, New: new1}
		b := fixes.Edit{Path: "f", Start: s2, End: e2, New: new2}
		accepted, err := fixes.Merge([]fixes.Edit{a}, fixes.Fix{Edits: []fixes.Edit{b}})
		if err != nil {
			return
		}
		inside := 0 <= s1 && s1 <= e1 && e1 <= len(src) && 0 <= s2 && s2 <= e2 && e2 <= len(src)
		got, err := fixes.Apply("f", src, accepted)
		if (err == nil) != inside {
			t.Fatalf("edits in bounds: %v, but Apply said %v", inside, err)
		}
		if err != nil {
			return
		}
		if s2 < s1 {
			a, b = b, a
		}
		want := string(src[:a.Start]) + a.New + string(src[a.End:b.Start]) + b.New + string(src[b.End:])
		if string(got) != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}
