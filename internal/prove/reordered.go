package prove

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	"google.golang.org/protobuf/proto"

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
	if len(c.old) < 2 || len(c.fixed) <= len(c.old) {
		return errors.New("what is changed is not a copy that moved down and files copied before")
	}
	err := c.everyContext(func(b buildcontext.Build) error { return inputsExist(b, intent.Inputs) })
	if err != nil {
		return err
	}
	broad, jumped := c.old[0], c.old[1:]
	early := c.fixed[:len(c.fixed)-len(c.old)]
	moved := c.fixed[len(early):]
	if !slices.Contains([]string{"COPY", "ADD"}, broad.Keyword) || !sameText(broad, moved[len(moved)-1]) {
		return errors.New("what moved is not a copy")
	}
	for k, i := range jumped {
		if !sameText(i, moved[k]) {
			return fmt.Errorf("line %d is changed", i.Line())
		}
		if i.Keyword != "RUN" && !slices.Contains(metadata, i.Keyword) {
			return fmt.Errorf("a %s stands between the copy and the install", i.Keyword)
		}
		if err := c.installs(i, intent.Inputs); err != nil {
			return err
		}
	}
	for _, i := range early {
		if i.Keyword != "COPY" || len(i.Heredocs) > 0 {
			return fmt.Errorf("a %s is added", i.Keyword)
		}
	}
	return nil
}

// inputsExist checks that the inputs are regular files, or directories of such, of the build context.
func inputsExist(b buildcontext.Build, inputs []string) error {
	if len(inputs) == 0 {
		return errors.New("it is not said what the install reads")
	}
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

func reorderedImage(c *change, b, a image, intent fixes.Reordered) error {
	n := prefix(b.steps, a.steps)
	early := len(a.steps) - len(b.steps)
	jumped := 0
	for _, i := range c.old {
		if i.Keyword == "RUN" {
			jumped++
		}
	}
	if early < 1 || jumped < 1 || n+jumped >= len(b.steps) {
		return errors.New("the steps are not those of a copy that moved down")
	}
	broad := b.steps[n]
	for k := 1; k <= jumped; k++ {
		if b.steps[n+k].key != a.steps[n+early+k-1].key {
			return errors.New("a step that was jumped over differs")
		}
		if err := seesNoContext(b.steps[n+k], broad); err != nil {
			return err
		}
	}
	if broad.key != a.steps[n+early+jumped].key {
		return errors.New("the copy that moved differs")
	}
	if err := c.earlyCopies(broad, a.steps[n:n+early], intent.Inputs); err != nil {
		return err
	}
	return rest(b, a, n+jumped+1, n+early+jumped+1)
}

// seesNoContext checks that a step is a command without mounts of the build context.
func seesNoContext(s, broad step) error {
	if execOf(s) == nil {
		return errors.New("a step other than a command was jumped over")
	}
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

// earlyCopies checks that each early copy brings inputs to where the broad copy brings them, with the same owner and
// mode, and that together they bring all of them.
func (c *change) earlyCopies(broad step, early []step, inputs []string) error {
	tree := copies(broad)
	if len(tree) != 1 || tree[0].AttemptUnpackDockerCompatibility && tree[0].Src != "/" ||
		len(tree[0].IncludePatterns)+len(tree[0].ExcludePatterns) > 0 || strings.ContainsAny(tree[0].Src, `*?[\`) {
		return errors.New("what the copy that moved brings is not known")
	}
	left := slices.Clone(inputs)
	for _, s := range early {
		files := copies(s)
		if len(files) == 0 || !slices.Equal(inputsOf(s), inputsOf(broad)) || len(s.inner) != len(broad.inner) {
			return errors.New("what is copied early is not from where the copy that moved takes it")
		}
		for _, file := range files {
			name, err := c.earlyFile(tree[0], file, inputs)
			if err != nil {
				return err
			}
			left = slices.DeleteFunc(left, func(in string) bool { return in == name })
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("%s is not copied early", strings.Join(left, ", "))
	}
	return nil
}

// earlyFile checks one early copy and returns which input it brings.
func (c *change) earlyFile(tree, file *pb.FileActionCopy, inputs []string) (string, error) {
	name := strings.TrimPrefix(path.Clean("/"+file.Src), "/")
	if strings.ContainsAny(file.Src, `*?[\`) || !slices.Contains(inputs, name) {
		return "", fmt.Errorf("%s is copied early and is not said to be an input", file.Src)
	}
	rel, ok := below(tree.Src, "/"+name)
	if !ok {
		return "", fmt.Errorf("the copy that moved does not bring %s", name)
	}
	dir, err := c.isDirectory(name)
	if err != nil {
		return "", err
	}
	want := path.Join("/", tree.Dest, rel)
	got := path.Clean("/" + file.Dest)
	if strings.HasSuffix(file.Dest, "/") && !dir {
		got = path.Join(got, path.Base(name)) // of a directory it is the content that is copied
	}
	if got != want {
		return "", fmt.Errorf("%s is copied to %s first and to %s later", name, got, want)
	}
	x, y := proto.CloneOf(tree), proto.CloneOf(file)
	for _, cp := range []*pb.FileActionCopy{x, y} {
		cp.Src, cp.Dest, cp.AttemptUnpackDockerCompatibility = "", "", cp.AttemptUnpackDockerCompatibility && cp == y
	}
	if !proto.Equal(x, y) {
		return "", fmt.Errorf("%s is copied with another owner or mode first", name)
	}
	return name, nil
}

// below is the part of name that comes after the directory dir.
func below(dir, name string) (string, bool) {
	dir = path.Clean("/" + dir)
	if !within(name, dir) && dir != "/" || name == dir {
		return "", false
	}
	return strings.TrimPrefix(name[len(strings.TrimSuffix(dir, "/")):], "/"), true
}

// installs checks that a RUN that is jumped over only installs dependencies: known commands, whose manifests are
// among the inputs and whose output the broad copy does not overwrite.
func (c *change) installs(i *dockerfile.Instruction, inputs []string) error {
	if i.Keyword != "RUN" {
		return nil
	}
	cmds, err := chain(i)
	if err != nil {
		return err
	}
	for _, cmd := range cmds {
		words, ok := cmd.Texts()
		if !ok {
			return fmt.Errorf("the install on line %d has words that are not literal", i.Line())
		}
		tool, err := installer(words)
		if err != nil {
			return err
		}
		if err := tool.reads(inputs); err != nil {
			return err
		}
		err = c.everyContextOnce("free of "+strings.Join(tool.writes, " "), func(b buildcontext.Build) error {
			return outputFree(b.Context, tool.writes)
		})
		if err != nil {
			return err
		}
		err = c.everyContext(func(b buildcontext.Build) error { return complete(b.Context, inputs, words) })
		if err != nil {
			return err
		}
	}
	return nil
}

// outputFree checks that no directory of the build context is called like one that the install writes.
func outputFree(fsys fs.FS, names []string) error {
	return fs.WalkDir(fsys, ".", func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read the build context: %w", err)
		}
		if d.IsDir() && slices.Contains(names, d.Name()) {
			return fmt.Errorf("%s in the build context would overwrite what the install writes", at)
		}
		return nil
	})
}
