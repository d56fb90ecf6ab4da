package checks

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/image"
)

// A launch is how the image of one stage starts, and what it stands on.
type launch struct {
	stage      *dockerfile.Stage
	entrypoint *dockerfile.Instruction // in force; nil when the base image's holds
	cmd        *dockerfile.Instruction // in force; nil when there is none or the base image's holds
	ref        string                  // the base image at the end of the chain of parents
	base       image.Image
	known      bool // whether base is known
}

// launchOf reads CMD and ENTRYPOINT of the stage and its parents. By BuildKit's rule an ENTRYPOINT takes away the CMD
// that the stage inherits, unless the stage has set one before.
func launchOf(p *check.Pass, s *dockerfile.Stage) launch {
	l := launch{stage: s}
	for _, stage := range lineage(s) {
		own := false
		for _, i := range stage.Instructions {
			switch i.Keyword {
			case "CMD":
				l.cmd, own = i, true
			case "ENTRYPOINT":
				l.entrypoint = i
				if !own {
					l.cmd = nil
				}
			}
		}
	}
	var ok bool
	if argsPassed(p, argsIn(rootOf(s).Base)) {
		return l
	}
	if l.ref, ok = s.Image(); ok && !replaced(p, l.ref) {
		l.base, l.known = p.Images.Lookup(l.ref)
	}
	return l
}

// steps are the instructions of the stage and of those it is based on, in the order in which they take effect.
func (l launch) steps() []*dockerfile.Instruction {
	var out []*dockerfile.Instruction
	for _, s := range lineage(l.stage) {
		out = append(out, s.Instructions...)
	}
	return out
}

// starting are the instructions in force that say what is started.
func (l launch) starting() []*dockerfile.Instruction {
	return slices.DeleteFunc([]*dockerfile.Instruction{l.entrypoint, l.cmd},
		func(i *dockerfile.Instruction) bool { return i == nil })
}

// workdir is the directory in which the program starts, "" when it is not known.
func (l launch) workdir() string {
	if dir := l.stage.End().Workdir; dir != "" {
		return dir
	}
	for _, i := range l.steps() {
		if i.Keyword == "WORKDIR" {
			return ""
		}
	}
	return l.base.Workdir
}

// builtStages are the stages whose images are used: the last one, and those that builds name.
func builtStages(p *check.Pass) []*dockerfile.Stage {
	out := []*dockerfile.Stage{p.File.Final()}
	for _, b := range p.Builds {
		if s := p.File.Stage(b.Target); b.Target != "" && s != nil && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// An origin is where a file of the image comes from. The zero origin says: from a RUN or the base image, as far as the
// Dockerfile tells.
type origin struct {
	stage bool   // from another stage of the file
	file  string // its name in context
	tree  fs.FS  // the build context that holds file
}

// search are the directories in which a program without a directory of its own is looked for.
var search = [...]string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

// origin finds the last COPY or ADD that put a program there.
func (l launch) origin(p *check.Pass, program string) origin {
	places := []string{program}
	if !strings.Contains(program, "/") {
		places = places[:0]
		for _, dir := range search {
			places = append(places, path.Join(dir, program))
		}
	} else if !path.IsAbs(program) {
		dir := l.workdir()
		if dir == "" {
			return origin{}
		}
		places[0] = path.Join(dir, program)
	}
	steps := l.steps()
	slices.Reverse(steps)
	for _, i := range steps {
		for _, place := range places {
			if o, ok := brought(p, i, path.Clean(place)); ok {
				return o
			}
		}
	}
	return origin{}
}

// brought says whether a COPY or ADD put a file at place, an absolute path of the image, and from where.
func brought(p *check.Pass, i *dockerfile.Instruction, place string) (origin, bool) {
	if i.Keyword != "COPY" && i.Keyword != "ADD" || len(i.Words) < 2 {
		return origin{}, false
	}
	sources := i.Words[:len(i.Words)-1]
	dest, dir := destination(i)
	if dest == "" {
		return origin{}, false
	}
	rel, below := strings.CutPrefix(place, strings.TrimSuffix(dest, "/")+"/")
	if place != dest && !below {
		return origin{}, false
	}
	if from, other := i.Flag("from"); other {
		return origin{stage: p.File.Stage(from.Value) != nil}, true
	}
	for _, source := range sources {
		name := strings.TrimPrefix(path.Clean("/"+source.Text), "/")
		candidates := []string{path.Join(name, rel)} // source is a directory
		switch {
		case place == dest:
			candidates = []string{name}
		case dir && rel == path.Base(name):
			candidates = append(candidates, name)
		}
		if o, ok := contextFile(p, candidates); ok {
			return o, true
		}
	}
	return origin{}, false
}

// contextFile is the first of the names that is a regular file of a build's context.
func contextFile(p *check.Pass, names []string) (origin, bool) {
	for _, b := range p.Builds {
		for _, name := range names {
			if b.Context == nil || !fs.ValidPath(name) {
				continue
			}
			if info, err := fs.Stat(b.Context, name); err == nil && info.Mode().IsRegular() {
				return origin{file: name, tree: b.Context}, true
			}
		}
	}
	return origin{}, false
}

// maxHead bounds how much of a file is read to learn what it is.
const maxHead = 64 << 10

// head reads the first bytes of the file, at most maxHead.
func (o origin) head() ([]byte, error) { return readHead(o.tree, o.file) }

// says is the base image's name for people, without the digest that nobody reads.
func (l launch) says() string {
	name, _, _ := strings.Cut(cmp.Or(l.ref, rootOf(l.stage).Base), "@")
	return name
}
