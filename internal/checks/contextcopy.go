package checks

import (
	"io/fs"
	"path"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/ecosystem"
)

// A contextCopy is a COPY or ADD of files from the build context, seen in one context.
type contextCopy struct {
	instruction *dockerfile.Instruction
	sources     []copySource
	to          place // the directory, or the file's own path
	intoDir     bool  // whether a file lands in the directory to, rather than becoming to
}

// A copySource is one thing that is copied.
type copySource struct {
	path    string // in the context
	dir     bool   // its contents are copied
	matched bool   // it was named by a pattern
}

// fromContext reports whether an instruction copies from the build context, as far as its words tell: no other stage or
// image, no address, no here-document.
func fromContext(i *dockerfile.Instruction) bool {
	_, from := i.Flag("from")
	if from || i.Keyword != "COPY" && i.Keyword != "ADD" || len(i.Words) < 2 || len(i.Heredocs) > 0 {
		return false
	}
	for _, w := range i.Words[:len(i.Words)-1] {
		if strings.Contains(w.Text, "://") || strings.HasPrefix(w.Text, "git@") {
			return false
		}
	}
	return true
}

// readCopy is what an instruction copies in a context. It reports false when that cannot be told: variables, a source
// that is not there, a symbolic link.
func readCopy(context fs.FS, i *dockerfile.Instruction, at settings) (contextCopy, bool) {
	last := i.Words[len(i.Words)-1].Text
	target, ok := at.expand(strings.Trim(last, `"'`))
	if !ok || target == "" {
		return contextCopy{}, false
	}
	c := contextCopy{instruction: i, to: at.workdir.join(target)}
	for _, w := range i.Words[:len(i.Words)-1] {
		sources, ok := readSource(context, strings.Trim(w.Text, `"'`))
		if !ok {
			return contextCopy{}, false
		}
		c.sources = append(c.sources, sources...)
	}
	many := len(c.sources) > 1 || c.sources[0].dir
	c.intoDir = many || strings.HasSuffix(target, "/") || target == "." || target == ".." ||
		c.to == at.workdir
	return c, true
}

func readSource(context fs.FS, text string) ([]copySource, bool) {
	if strings.ContainsAny(text, `$\`) {
		return nil, false
	}
	name := strings.TrimPrefix(path.Clean("/"+text), "/")
	if name == "" {
		name = "."
	}
	names, matched := []string{name}, strings.ContainsAny(name, "*?[")
	if matched {
		names, _ = fs.Glob(context, name) // a malformed pattern matches nothing
	}
	var out []copySource
	for _, n := range names {
		info, err := fs.Stat(context, n)
		if err != nil || !info.IsDir() && !info.Mode().IsRegular() {
			return nil, false
		}
		out = append(out, copySource{n, info.IsDir(), matched})
	}
	return out, len(out) > 0
}

// image is where a file of the context lands, if the copy brings it.
func (c contextCopy) image(name string) (place, bool) {
	for _, s := range c.sources {
		switch rel, in := place(s.path).below(place(name)); {
		case s.dir && s.path == ".":
			return c.to.join(name), true
		case s.dir && in && rel != ".":
			return c.to.join(rel), true
		case !s.dir && s.path == name && c.intoDir:
			return c.to.join(path.Base(name)), true
		case !s.dir && s.path == name:
			return c.to, true
		}
	}
	return "", false
}

// origin is the directory of the context that a directory of the image shows after the copy: root is the source it
// comes from, dir the way from there.
func (c contextCopy) origin(at place) (root, dir string, ok bool) {
	rel, in := c.to.below(at)
	if !in {
		return "", "", false
	}
	for _, s := range c.sources {
		switch {
		case s.dir && !s.matched:
			return s.path, rel, true
		case !s.dir && rel == ".":
			return path.Dir(s.path), ".", true
		}
	}
	return "", "", false
}

// name is the context path that a path of the image would have come from.
func (c contextCopy) name(at place) (string, bool) {
	root, dir, ok := c.origin(at)
	return path.Join(root, dir), ok
}

// broad reports whether the copy brings a directory, or what a pattern matched, with files in it that are no manifests.
func (c contextCopy) broad(context fs.FS) bool {
	for _, s := range c.sources {
		if s.dir && holdsSources(context, s.path) || s.matched && !s.dir && isSource(s.path) {
			return true
		}
	}
	return false
}

// isSource reports whether a file matched by a pattern is more than a manifest or a tool's settings.
func isSource(name string) bool {
	switch path.Ext(name) {
	case ".json", ".yml", ".yaml", ".toml", ".lock", ".txt", ".md", "":
		return false
	}
	return !ecosystem.Manifest(name) && !strings.HasPrefix(path.Base(name), ".")
}

// holdsSources reports whether a directory holds a file that no install reads.
func holdsSources(context fs.FS, dir string) bool {
	found := false
	err := fs.WalkDir(context, dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !ecosystem.Manifest(name) {
			found = true
			return fs.SkipAll
		}
		return err
	})
	return found || err != nil
}
