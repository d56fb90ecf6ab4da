package trial

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/buildcontext"
)

// A workspace is a copy of a build context that can be changed, with a Dockerfile beside it.
type workspace struct {
	context string          // the directory
	file    string          // the Dockerfile, in a directory of its own
	edited  map[string]bool // the SHA-256 of what a fix wrote into the context
}

// lay makes a workspace below dir: the files of the repository as they are, other files that the fix changes as it
// leaves them, and src as the Dockerfile. One inside the context stays as it was, so that an image into which it is
// copied does not differ for that. Files are linked where that works, so nothing may be written in place.
func lay(dir, root string, b buildcontext.Build, name string, src []byte, edits []fixes.Edit) (*workspace, error) {
	w := &workspace{filepath.Join(dir, "context"), filepath.Join(dir, "file", path.Base(name)), map[string]bool{}}
	if err := copyTree(filepath.Join(root, filepath.FromSlash(b.Dir)), w.context); err != nil {
		return nil, fmt.Errorf("copy the build context: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(w.file), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(w.file, src, 0o644); err != nil {
		return nil, err
	}
	if own, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)+".dockerignore")); err == nil {
		if err := os.WriteFile(w.file+".dockerignore", own, 0o644); err != nil {
			return nil, err
		}
	}
	return w, w.edit(root, b.Dir, name, edits)
}

// edit makes a fix's edits of other files than the Dockerfile.
func (w *workspace) edit(root, dir, dockerfile string, edits []fixes.Edit) error {
	done := map[string]bool{dockerfile: true}
	for _, e := range edits {
		if done[e.Path] {
			continue
		}
		done[e.Path] = true
		src, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(e.Path)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		after, err := fixes.Apply(e.Path, src, edits)
		if err != nil {
			return err
		}
		if e.Path == dockerfile+".dockerignore" {
			err = os.WriteFile(w.file+".dockerignore", after, 0o644)
		}
		if inside, ok := within(dir, e.Path); ok && err == nil {
			w.edited[fmt.Sprintf("%x", sha256.Sum256(after))] = true
			err = w.write(inside, after)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// within is a repository path relative to a directory of the repository.
func within(dir, name string) (string, bool) {
	if dir == "." {
		return name, true
	}
	return strings.CutPrefix(name, dir+"/")
}

// write puts a file into the context, anew, so that what it was linked to stays as it is.
func (w *workspace) write(name string, data []byte) error {
	full := filepath.Join(w.context, filepath.FromSlash(name))
	perm := fs.FileMode(0o644)
	if info, err := os.Lstat(full); err == nil {
		if !info.Mode().IsRegular() {
			return fmt.Errorf("write %s: it is no plain file", name)
		}
		perm = info.Mode().Perm()
		if err := os.Remove(full); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	return os.WriteFile(full, data, perm)
}

// leavings are where tools of many kinds put what they make. A checkout that is built in has them, a clean one has not,
// and a fix has to be right for both.
var leavings = [...]string{"node_modules", ".venv", "dist", "target", "__pycache__"}

// mark plants a file in each of the leavings that the context does not have.
func (w *workspace) mark() error {
	for _, dir := range leavings {
		if exists(filepath.Join(w.context, dir)) {
			continue
		}
		if err := w.write(path.Join(dir, "lighterman-marker.txt"), []byte("planted\n")); err != nil {
			return err
		}
	}
	return nil
}

// comments say how a remark is written in a source file, by the file's extension. A file of another kind is not touched.
var comments = map[string]string{
	".js": "// %s", ".mjs": "// %s", ".cjs": "// %s", ".ts": "// %s", ".tsx": "// %s", ".jsx": "// %s", ".go": "// %s",
	".java": "// %s", ".kt": "// %s", ".rs": "// %s", ".c": "// %s", ".cc": "// %s", ".cpp": "// %s", ".cs": "// %s",
	".php": "// %s", ".swift": "// %s", ".scala": "// %s", ".py": "# %s", ".rb": "# %s", ".ex": "# %s", ".exs": "# %s",
	".sh": "# %s", ".pl": "# %s", ".css": "/* %s */", ".html": "<!-- %s -->", ".conf": "# %s", ".txt": "%s", ".md": "%s",
}

// notSource reports whether a file of such a kind steers the build, so that touching it would be no ordinary change.
func notSource(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, ".") || strings.Contains(base, "config.") || strings.Contains(base, "requirements") ||
		slices.Contains([]string{"setup.py", "conftest.py", "mix.exs", "Package.swift", "CMakeLists.txt"}, base)
}

// source chooses the file to touch: the first, by depth and then name, of the most common kind of source code.
func source(context fs.FS) string {
	byKind := map[string][]string{}
	_ = fs.WalkDir(context, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // what cannot be read cannot be touched either
		case d.IsDir() && slices.Contains([]string{".git", "node_modules", "vendor", ".venv", "target", "dist"}, d.Name()):
			return fs.SkipDir
		case d.Type().IsRegular() && comments[path.Ext(name)] != "" && !notSource(name):
			byKind[path.Ext(name)] = append(byKind[path.Ext(name)], name)
		}
		return nil
	})
	best := ""
	for kind, names := range byKind {
		if prose(kind) < prose(best) || prose(kind) == prose(best) &&
			(len(names) > len(byKind[best]) || len(names) == len(byKind[best]) && kind < best) {
			best = kind
		}
	}
	return slices.MinFunc(append(byKind[best], ""), shallow)
}

// prose ranks kinds of files: code, then what is only written, then none.
func prose(kind string) int {
	switch kind {
	case "":
		return 2
	case ".txt", ".md", ".conf", ".css", ".html", ".sh":
		return 1
	}
	return 0
}

// shallow orders names by depth; "" is last.
func shallow(a, b string) int {
	if a == "" || b == "" {
		return len(b) - len(a)
	}
	if n := strings.Count(a, "/") - strings.Count(b, "/"); n != 0 {
		return n
	}
	return strings.Compare(a, b)
}

// touch adds a remark to a source file that no build has seen before.
func (w *workspace) touch(name string) error {
	data, err := os.ReadFile(filepath.Join(w.context, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	form := comments[path.Ext(name)]
	if form == "" {
		return fmt.Errorf("touch %s: how a remark is written in such a file is not known", name)
	}
	line := fmt.Sprintf("\n"+form+"\n", "touched by lighterman "+rand.Text())
	return w.write(name, append(data, line...))
}

// copyTree copies a directory, with hard links for its files where the file system has them.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		return copyEntry(name, filepath.Join(to, rel), d)
	})
}

func copyEntry(from, to string, d fs.DirEntry) error {
	switch {
	case d.IsDir():
		info, err := d.Info()
		if err != nil {
			return err
		}
		if err := os.MkdirAll(to, 0o755); err != nil {
			return err
		}
		return os.Chmod(to, info.Mode().Perm()|0o700)
	case d.Type()&fs.ModeSymlink != 0:
		dest, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(dest, to)
	case d.Type().IsRegular():
		if os.Link(from, to) == nil {
			return nil
		}
		return copyFile(from, to, d)
	}
	return nil // sockets and the like are not sent to a builder either
}

func copyFile(from, to string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, data, info.Mode().Perm()); err != nil {
		return err
	}
	if err := os.Chmod(to, info.Mode().Perm()); err != nil { // whatever the umask is
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}
