package prove

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
)

// metadata are the instructions that no step sees.
var metadata = []string{"LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "HEALTHCHECK", "STOPSIGNAL"}

// reordered: the broad copy moved behind the RUNs that followed it; before them stand copies of files that it brings
// too, to the same places.
func reordered(intent fixes.Reordered) predicate {
	return predicate{
		text:  func(c *change) error { return reorderedText(c, intent) },
		image: func(c *change, b, a image) error { return reorderedImage(c, b, a, intent) },
	}
}

func reorderedText(c *change, intent fixes.Reordered) error {
	if len(c.old) < 2 || len(c.fixed) < len(c.old) {
		return errors.New("what is changed is not a copy that moved down and files copied before")
	}
	err := c.everyContext(func(b buildcontext.Build) error { return inputsExist(b, intent.Inputs) })
	if err != nil {
		return err
	}
	broad, jumped := c.old[0], c.old[1:]
	early := c.fixed[:len(c.fixed)-len(c.old)]
	moved := c.fixed[len(early):]
	last := moved[len(moved)-1]
	if !slices.Contains([]string{"COPY", "ADD"}, broad.Keyword) || !sameText(broad, last) && !sameSources(broad, last) {
		return errors.New("what moved is not a copy")
	}
	for k, i := range jumped {
		if !sameText(i, moved[k]) {
			return fmt.Errorf("line %d is changed", i.Line())
		}
		if err := mayPass(last, i); err != nil {
			return err
		}
	}
	for _, i := range early {
		if i.Keyword != "COPY" || len(i.Heredocs) > 0 {
			return fmt.Errorf("%s is added", withArticle(i.Keyword))
		}
	}
	return nil
}

// sameSources reports whether two copies are written with the same words but for the target, which was relative and is
// absolute. Whether both mean the same place is seen in the graph.
func sameSources(b, a *dockerfile.Instruction) bool {
	if b.Keyword != a.Keyword || b.Form != dockerfile.NoForm || a.Form != dockerfile.NoForm ||
		len(b.Heredocs)+len(a.Heredocs) > 0 || len(b.Words) < 2 || len(b.Words) != len(a.Words) ||
		len(b.Flags) != len(a.Flags) {
		return false
	}
	n := len(b.Words) - 1
	was, is := b.Words[n], a.Words[n]
	text := func(i *dockerfile.Instruction) string { // all but the target
		span := i.Words[n].Span
		return i.File().Text(dockerfile.Span{Start: i.Span.Start, End: span.Start}) +
			strings.TrimRight(i.File().Text(dockerfile.Span{Start: span.End, End: i.Span.End}), "\r\n")
	}
	return text(b) == text(a) && !strings.ContainsAny(was.Text+is.Text, "$\"'\\") &&
		!strings.HasPrefix(was.Text, "/") && strings.HasPrefix(is.Text, "/")
}

// mayPass checks that a copy may stand behind an instruction instead of before it, as far as the words of both tell.
func mayPass(broad, i *dockerfile.Instruction) error {
	switch i.Keyword {
	case "RUN":
		_, err := works(i, "/")
		return err
	case "WORKDIR":
		target := strings.Trim(broad.Words[len(broad.Words)-1].Text, `"`)
		if !strings.HasPrefix(target, "/") {
			return errors.New("a WORKDIR stands between the copy and the install and changes where it copies to")
		}
	case "ENV", "ARG":
		if strings.Contains(broad.File().Text(broad.Span), "$") {
			return fmt.Errorf("%s stands between the copy, which has a variable, and the install", withArticle(i.Keyword))
		}
	case "USER", "SHELL":
	case "COPY":
		if _, elsewhere := i.Flag("from"); !elsewhere || len(i.Heredocs) > 0 {
			return errors.New("a COPY stands between the copy and the install")
		}
	default:
		if !slices.Contains(metadata, i.Keyword) {
			return fmt.Errorf("%s stands between the copy and the install", withArticle(i.Keyword))
		}
	}
	return nil
}

// withArticle is a keyword with its article, for a sentence.
func withArticle(keyword string) string {
	if strings.ContainsRune("AEIO", rune(keyword[0])) {
		return "an " + keyword
	}
	return "a " + keyword
}

// inputsExist checks that the inputs are regular files, or directories of such, of the build context.
func inputsExist(b buildcontext.Build, inputs []string) error {
	for _, name := range inputs {
		if !fs.ValidPath(name) || name == "." {
			return fmt.Errorf("%q is not a file of the build context", name)
		}
		if err := unlinked(b.Context, name); err != nil {
			return err
		}
		err := fs.WalkDir(b.Context, name, func(at string, d fs.DirEntry, err error) error {
			if err != nil {
				return fmt.Errorf("read %s in the build context: %w", at, err)
			}
			if !d.IsDir() && !d.Type().IsRegular() {
				return fmt.Errorf("%s is not a regular file", at)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// unlinked checks that a name is there and that neither it nor a directory above it is a symbolic link.
func unlinked(fsys fs.FS, name string) error {
	for at := name; at != "."; at = path.Dir(at) {
		info, err := fs.Lstat(fsys, at)
		if err != nil {
			return fmt.Errorf("%s is not in the build context", name)
		}
		if !info.IsDir() && !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a regular file", at)
		}
	}
	return nil
}

// isDirectory reports whether a name is a directory; in every build context, or in none.
func (c *change) isDirectory(name string) (bool, error) {
	dirs := 0
	err := c.everyContext(func(b buildcontext.Build) error {
		info, err := fs.Lstat(b.Context, name)
		if err == nil && info.IsDir() {
			dirs++
		}
		return err
	})
	if err == nil && dirs != 0 && dirs != len(c.Builds) {
		err = fmt.Errorf("%s is a directory in one build and a file in another", name)
	}
	return dirs > 0, err
}

// A shift is a copy that moved, in the steps of one image.
type shift struct {
	standing []step // before it, in both
	broad    step
	tree     *pb.FileActionCopy // what it brings
	early    []step
	jumped   []step
}

func reorderedImage(c *change, b, a image, intent fixes.Reordered) error {
	s, err := shifted(b, a)
	if err != nil {
		return err
	}
	p := placed{change: c, shift: s}
	if err := p.earlyCopies(intent.Inputs); err != nil {
		return err
	}
	if err := p.standingCopies(); err != nil {
		return err
	}
	if err := p.steps(); err != nil {
		return err
	}
	n := len(s.standing) + len(s.jumped) + 1
	return rest(b, a, n, n+len(s.early))
}

// shifted finds the copy that moved, and checks that what it moved over is the same in both images.
func shifted(b, a image) (shift, error) {
	n, early := prefix(b.steps, a.steps), len(a.steps)-len(b.steps)
	if early < 0 || n+1 >= len(b.steps) {
		return shift{}, errors.New("the steps are not those of a copy that moved down")
	}
	s := shift{standing: b.steps[:n], broad: b.steps[n], early: a.steps[n : n+early]}
	rest := a.steps[n+early:]
	at := slices.IndexFunc(rest, func(s step) bool { return s.key == b.steps[n].key })
	if at < 1 || n+at >= len(b.steps) {
		return shift{}, errors.New("the copy that moved differs, or a step that was jumped over")
	}
	s.jumped = b.steps[n+1 : n+1+at]
	for k, step := range s.jumped {
		if step.key != rest[k].key {
			return shift{}, errors.New("a step that was jumped over differs")
		}
	}
	tree := copies(s.broad)
	if len(tree) != 1 || tree[0].AttemptUnpackDockerCompatibility && tree[0].Src != "/" ||
		len(tree[0].IncludePatterns)+len(tree[0].ExcludePatterns) > 0 || strings.ContainsAny(tree[0].Src, `*?[\`) {
		return shift{}, errors.New("what the copy that moved brings is not known")
	}
	s.tree = tree[0]
	return s, nil
}

// seesNoContext checks that a step is a command without mounts of the build context.
func seesNoContext(s, broad step) error {
	context := inputsOf(broad)
	for _, in := range s.raw.Inputs {
		if slices.Contains(context, in) {
			return errors.New("a command that was jumped over mounts the build context")
		}
	}
	return nil
}

// inputsOf are the inputs of a copy, of the step that makes its layer for a linked one.
func inputsOf(s step) []string {
	if len(s.inner) == 1 {
		return s.inner[0].raw.Inputs
	}
	return s.raw.Inputs
}

// below is the part of name that comes after the directory dir.
func below(dir, name string) (string, bool) {
	dir = path.Clean("/" + dir)
	if !within(name, dir) && dir != "/" || name == dir {
		return "", false
	}
	return strings.TrimPrefix(name[len(strings.TrimSuffix(dir, "/")):], "/"), true
}
