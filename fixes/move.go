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
	text := f.Text(i.Outer())
	text = text[:len(text)-len(ending([]byte(text)))]
	return checked(f, 0, cutOut(f, i.Outer()), insertBelow(f, after, text))
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
