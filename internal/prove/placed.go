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

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
)

// A placed is a shift together with the files of the build context that stand, before the steps that the copy moved
// over, where the copy brings them too.
type placed struct {
	*change
	shift
	names []string // context paths of files and directories
}

// into is the directory that the copy writes to.
func (p *placed) into() string { return path.Clean("/" + p.tree.Dest) }

// imageOf is where the copy brings a context path.
func (p *placed) imageOf(name string) (string, bool) {
	rel, ok := below(p.tree.Src, "/"+name)
	return path.Join("/", p.tree.Dest, rel), ok
}

// nameOf is the context path that the copy brings to a place of the image.
func (p *placed) nameOf(at string) (string, bool) {
	if !within(at, p.into()) {
		return "", false
	}
	rel := strings.TrimPrefix(at, strings.TrimSuffix(p.into(), "/"))
	name := strings.TrimPrefix(path.Join("/", p.tree.Src, rel), "/")
	return name, name != ""
}

// has reports whether a file that the copy brings to a place of the image stands there already.
func (p *placed) has(at string) bool {
	name, ok := p.nameOf(at)
	return ok && covered(name, p.names)
}

// holds reports whether one of the files that stand already lies below a directory of the image.
func (p *placed) holds(dir string) bool {
	return slices.ContainsFunc(p.names, func(name string) bool {
		at, ok := p.imageOf(name)
		return ok && at != dir && within(at, dir)
	})
}

// earlyCopies checks that each copy that was added brings inputs to where the broad copy brings them, with the same
// owner and mode, and that together they bring all of them.
func (p *placed) earlyCopies(inputs []string) error {
	for _, s := range p.early {
		files := copies(s)
		if len(files) == 0 || !p.fromSame(s) {
			return errors.New("what is copied early is not from where the copy that moved takes it")
		}
		for _, file := range files {
			name := clean(file.Src)
			if strings.ContainsAny(file.Src, `*?[\`) || !slices.Contains(inputs, name) {
				return fmt.Errorf("%s is copied early and is not said to be an input", file.Src)
			}
			if err := p.samePlace(file, name); err != nil {
				return err
			}
			p.names = append(p.names, name)
		}
	}
	for _, in := range inputs {
		if !slices.Contains(p.names, in) {
			return fmt.Errorf("%s is not copied early", in)
		}
	}
	return nil
}

// fromSame reports whether a copy takes from where the broad copy takes, and makes a layer in the same way.
func (p *placed) fromSame(s step) bool {
	return slices.Equal(inputsOf(s), inputsOf(p.broad)) && len(s.inner) == len(p.broad.inner)
}

// samePlace checks that a copy brings a file or the content of a directory to where the broad copy brings it, with the
// same owner and mode.
func (p *placed) samePlace(file *pb.FileActionCopy, name string) error {
	want, ok := p.imageOf(name)
	if !ok {
		return fmt.Errorf("the copy that moved does not bring %s", name)
	}
	dir, err := p.isDirectory(name)
	if err != nil {
		return err
	}
	got := path.Clean("/" + file.Dest)
	if strings.HasSuffix(file.Dest, "/") && !dir {
		got = path.Join(got, path.Base(name)) // of a directory it is the content that is copied
	}
	if got != want {
		return fmt.Errorf("%s is copied to %s first and to %s later", name, got, want)
	}
	x, y := proto.CloneOf(p.tree), proto.CloneOf(file)
	for _, cp := range []*pb.FileActionCopy{x, y} {
		cp.Src, cp.Dest, cp.AttemptUnpackDockerCompatibility = "", "", cp.AttemptUnpackDockerCompatibility && cp == y
	}
	if !proto.Equal(x, y) {
		return fmt.Errorf("%s is copied with another owner or mode first", name)
	}
	return nil
}

// standingCopies notes what copies before the broad one have brought already. It looks back as far as nothing may have
// changed these files since.
func (p *placed) standingCopies() error {
	runs := runsBefore(p.old[0])
	for _, s := range slices.Backward(p.standing) {
		switch {
		case execOf(s) != nil:
			if len(runs) == 0 || !p.leavesManifests(runs[len(runs)-1], s) {
				return nil
			}
			runs = runs[:len(runs)-1]
		case mkdirOf(s) != "":
		default:
			names, ok := p.brought(s)
			if !ok {
				return nil
			}
			p.names = append(p.names, names...)
		}
	}
	return nil
}

// runsBefore are the RUNs that stand in the instruction's stage before it.
func runsBefore(i *dockerfile.Instruction) []*dockerfile.Instruction {
	var out []*dockerfile.Instruction
	for _, other := range i.Stage.Instructions {
		if other.Index < i.Index && other.Keyword == "RUN" {
			out = append(out, other)
		}
	}
	return out
}

// leavesManifests reports whether a command before the copy is known to change no file that an install reads.
func (p *placed) leavesManifests(i *dockerfile.Instruction, s step) bool {
	effects, err := worksIn(i, s)
	return err == nil && !slices.ContainsFunc(effects, func(e effect) bool {
		return e.alters || slices.ContainsFunc(e.writes, func(at string) bool { return within(p.into(), at) })
	})
}

// brought are the context paths that a copy before the broad one brings to where that one brings them. It reports false
// when it may bring other files there.
func (p *placed) brought(s step) ([]string, bool) {
	files := copies(s)
	if len(files) == 0 {
		return nil, false
	}
	var out []string
	for _, file := range files {
		if apart(path.Clean("/"+file.Dest), p.into()) {
			continue
		}
		names, ok := p.matches(file)
		if !ok || !p.fromSame(s) {
			return nil, false
		}
		for _, name := range names {
			if p.samePlace(file, name) != nil {
				return nil, false
			}
		}
		out = append(out, names...)
	}
	return out, true
}

// matches are the context paths that a copy names, by a pattern if need be: regular files then, in every build the same.
func (p *placed) matches(file *pb.FileActionCopy) ([]string, bool) {
	pattern := clean(file.Src)
	names := []string{pattern}
	if strings.ContainsAny(pattern, `*?[\`) {
		first := true
		err := p.everyContext(func(b buildcontext.Build) error {
			found, err := fs.Glob(b.Context, pattern)
			if err == nil && !first && !slices.Equal(found, names) {
				err = errors.New("the builds differ in what matches")
			}
			names, first = found, false
			return err
		})
		if err != nil || strings.Contains(pattern, `\`) || !strings.HasSuffix(file.Dest, "/") || len(names) == 0 {
			return nil, false
		}
		for _, name := range names {
			if dir, err := p.isDirectory(name); err != nil || dir {
				return nil, false
			}
		}
	}
	err := p.everyContext(func(b buildcontext.Build) error { return inputsExist(b, names) })
	return names, err == nil
}

// apart reports whether neither of two directories lies in the other.
func apart(x, y string) bool { return !within(x, y) && !within(y, x) }

// mkdirOf is the directory that a step makes, "" when it is another kind of step.
func mkdirOf(s step) string {
	op, err := s.op()
	if err != nil || op.GetFile() == nil || len(op.GetFile().Actions) != 1 {
		return ""
	}
	return op.GetFile().Actions[0].GetMkdir().GetPath()
}
