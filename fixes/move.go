package fixes

import (
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// Move puts i, with the comments directly above it, directly below after, an instruction of the same stage or its
// FROM.
//
// It refuses to change what a setting reaches: i does not pass a SHELL, USER, WORKDIR, ENV, ARG or VOLUME that it
// observes, and if it is one itself, nothing that observes it. What steps see of each other's files is for the
// caller.
func Move(f *dockerfile.File, i, after *dockerfile.Instruction) ([]Edit, error) {
	if err := movable(f, i, after); err != nil {
		return nil, err
	}
	for _, other := range crossed(f, i, after) {
		if observes(i, other) || observes(other, i) || settles(i, other) {
			return nil, refuse("%s on line %d cannot pass %s on line %d: their order makes a difference",
				i.Keyword, i.Line(), other.Keyword, other.Line())
		}
	}
	return moved(f, i, after, f.Text(i.Outer()))
}

// moved are the edits that put text, what becomes of i and the comments directly above it, below after.
func moved(f *dockerfile.File, i, after *dockerfile.Instruction, text string) ([]Edit, error) {
	text = text[:len(text)-len(ending([]byte(text)))]
	return checked(f, 0, cutOut(f, i.Outer()), insertBelow(f, after, text))
}

// MoveTo is Move for a COPY or ADD to a relative target, which is written as an absolute one, target, so that it may
// pass a WORKDIR. That both mean the same is for the caller.
func MoveTo(f *dockerfile.File, i, after *dockerfile.Instruction, target string) ([]Edit, error) {
	if err := movable(f, i, after); err != nil {
		return nil, err
	}
	if i.Keyword != "COPY" && i.Keyword != "ADD" || i.Form != dockerfile.NoForm || len(i.Heredocs) > 0 ||
		len(i.Words) < 2 || !strings.HasPrefix(target, "/") {
		return nil, refuse("%s on line %d cannot be given another target", i.Keyword, i.Line())
	}
	for _, other := range crossed(f, i, after) {
		if other.Keyword != "WORKDIR" && (observes(i, other) || observes(other, i) || settles(i, other)) {
			return nil, refuse("%s on line %d cannot pass %s on line %d: their order makes a difference",
				i.Keyword, i.Line(), other.Keyword, other.Line())
		}
	}
	last, outer := i.Words[len(i.Words)-1], i.Outer()
	if f.Text(last.Span) != last.Text || strings.ContainsAny(last.Text, "\"'$") {
		return nil, refuse("%s on line %d cannot be given another target", i.Keyword, i.Line())
	}
	text := f.Text(outer)
	at, end := last.Span.Start-outer.Start, last.Span.End-outer.Start
	return moved(f, i, after, text[:at]+target+text[end:])
}

func movable(f *dockerfile.File, i, after *dockerfile.Instruction) error {
	if err := own(f, i); err != nil {
		return err
	}
	switch {
	case after == nil || after.Index >= len(f.Instructions) || f.Instructions[after.Index] != after:
		return refuse("there is no instruction to move it to")
	case i.Keyword == "FROM":
		return refuse("a stage is not moved")
	case i.Stage == nil || i.Stage != after.Stage:
		return refuse("an instruction is not moved to another stage")
	case i == after || i.Index == after.Index+1:
		return refuse("%s on line %d stands there already", i.Keyword, i.Line())
	}
	return nil
}

// crossed are the instructions that i passes on its way to stand below after.
func crossed(f *dockerfile.File, i, after *dockerfile.Instruction) []*dockerfile.Instruction {
	if after.Index > i.Index {
		return f.Instructions[i.Index+1 : after.Index+1]
	}
	return f.Instructions[after.Index+1 : i.Index]
}

// observes reports whether what i does may depend on the setting that other makes.
func observes(i, other *dockerfile.Instruction) bool {
	run := i.Keyword == "RUN"
	copies := i.Keyword == "COPY" || i.Keyword == "ADD"
	switch other.Keyword {
	case "ENV", "ARG":
		return run || strings.Contains(i.File().Text(i.Span), "$")
	case "USER":
		return run || i.Keyword == "WORKDIR"
	case "WORKDIR":
		return run || i.Keyword == "WORKDIR" || copies && !absoluteTarget(i)
	case "SHELL":
		return i.Form == dockerfile.ShellForm
	case "VOLUME":
		return run || copies || i.Keyword == "WORKDIR"
	}
	return false
}

// absoluteTarget reports whether a COPY or ADD surely writes to an absolute path.
func absoluteTarget(i *dockerfile.Instruction) bool {
	if len(i.Words) == 0 {
		return false
	}
	return strings.HasPrefix(strings.Trim(i.Words[len(i.Words)-1].Text, `"`), "/")
}

// settles reports whether of a and b the later one has the last word.
func settles(a, b *dockerfile.Instruction) bool {
	values := []string{"ENV", "ARG"}
	starts := []string{"CMD", "ENTRYPOINT"}
	last := []string{"USER", "WORKDIR", "SHELL", "LABEL", "HEALTHCHECK", "STOPSIGNAL", "ONBUILD", "MAINTAINER"}
	both := func(set []string) bool { return slices.Contains(set, a.Keyword) && slices.Contains(set, b.Keyword) }
	return both(values) || both(starts) || a.Keyword == b.Keyword && slices.Contains(last, a.Keyword)
}
