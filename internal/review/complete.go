package review

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
)

// A host lists what a pull request changes, but not all that matters of it: it leaves out the diffs of large files, and it
// knows nothing of Dockerfiles whose meaning changes with another file.

// complete are the changed files with the diffs of Dockerfiles that the host left out, made from the merge base. Where it
// counts no lines there may be some all the same: a .gitattributes file, which may be the pull request's own, makes any file a
// binary one.
func (r *Reviewer) complete(ctx context.Context, change *forge.Change, head forge.Tree) ([]forge.ChangedFile, error) {
	files := slices.Clone(change.Files)
	missing := func(c forge.ChangedFile) bool {
		told := c.Lines == 0 && (c.Status == forge.Added || c.Status == forge.Copied) // as a whole, whatever its lines are
		return c.Patch == "" && !told && c.Status != forge.Removed && r.Options.Subject(c.Path)
	}
	if !slices.ContainsFunc(files, missing) {
		return files, nil
	}
	standing, err := r.Forge.Standing(ctx, change.Ref)
	if err != nil {
		return nil, err
	}
	base, err := r.Forge.MergeBase(ctx, change.Ref.Repo, standing.Base, change.Head)
	if err != nil {
		return nil, err
	}
	before, err := r.Forge.Tree(ctx, change.Ref.Repo, base)
	if err != nil {
		return nil, err
	}
	for n := range files {
		if c := &files[n]; missing(*c) {
			if err := compute(c, before, head); err != nil {
				return nil, err
			}
		}
	}
	return files, nil
}

// compute makes the diff of one file, if both texts are small enough to be looked at.
func compute(c *forge.ChangedFile, base, head forge.Tree) error {
	was := c.Path
	if c.OldPath != "" {
		was = c.OldPath
	}
	before, known, err := text(base, was)
	if err != nil {
		return err
	}
	after, alsoKnown, err := text(head, c.Path)
	if err != nil || !known || !alsoKnown {
		c.Lines = max(c.Lines, 1) // it may be all of them
		return err
	}
	lines := splitLines(string(diff.Diff("a", before, "b", after)))
	if len(lines) > 3 {
		c.Patch, c.Computed = strings.Join(lines[3:], ""), true
	}
	return nil
}

// text is a file's content, nothing when it is not there; known is false when it is none to be looked at.
func text(tree forge.Tree, name string) (data []byte, known bool, err error) {
	info, err := tree.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, true, nil
	}
	if err != nil || !info.Mode().IsRegular() || info.Size() > dockerfile.MaxSize {
		return nil, false, unlessAnswer(err)
	}
	data, err = tree.ReadFile(name)
	return data, err == nil, unlessAnswer(err)
}

// unlessAnswer is an error that is not a fact about a file.
func unlessAnswer(err error) error {
	if forge.Answer(err) {
		return nil
	}
	return err
}

// maxAffected is how many Dockerfiles are looked at that the pull request does not change itself.
const maxAffected = 20

// concerns reports whether a changed file may matter to a Dockerfile that is not changed: a manifest, an ignore file, what
// says how it is built; or to the configuration.
func concerns(c forge.ChangedFile) bool {
	return wanted(c.Path) || c.OldPath != "" && wanted(c.OldPath)
}

// affected are the Dockerfiles, nearest first, whose meaning may change with another file: one below its directory or in
// a directory above. They are told apart from changed files by having no status.
func affected(tree fs.FS, changed, picked []forge.ChangedFile, o check.Options) ([]forge.ChangedFile, error) {
	var dirs []string
	for _, c := range changed {
		if concerns(c) {
			dirs = append(dirs, path.Dir(c.Path))
		}
	}
	if len(dirs) == 0 {
		return nil, nil
	}
	slices.Sort(dirs)
	dirs = slices.Compact(dirs)
	found, err := dockerfiles(tree, dirs, o)
	slices.SortStableFunc(found, func(a, b string) int {
		return distance(dirs, path.Dir(a)) - distance(dirs, path.Dir(b))
	})
	var out []forge.ChangedFile
	for _, name := range found {
		mine := func(c forge.ChangedFile) bool { return c.Path == name }
		if len(out) < maxAffected && !slices.ContainsFunc(picked, mine) {
			out = append(out, forge.ChangedFile{Path: name})
		}
	}
	return out, err
}

// dockerfiles are the Dockerfiles above and below the directories, of the first maxDirs that are come by: in a tree that
// the host does not list as a whole each costs a request.
func dockerfiles(tree fs.FS, dirs []string, o check.Options) ([]string, error) {
	next := []string{"."}
	var found []string
	seen := map[string]bool{}
	for n := 0; n < len(next) && len(seen) < maxDirs; n++ {
		dir := next[n]
		if seen[dir] || check.PassedOver(dir) {
			continue
		}
		seen[dir] = true
		entries, err := fs.ReadDir(tree, dir)
		if err != nil && !forge.Answer(err) {
			return nil, err
		}
		for _, e := range entries {
			name := path.Join(dir, e.Name())
			switch {
			case e.IsDir() && slices.ContainsFunc(dirs, func(d string) bool { return within(name, d) || within(d, name) }):
				next = append(next, name)
			case e.Type().IsRegular() && o.Subject(name) && !unclear(name) && distance(dirs, dir) >= 0:
				found = append(found, name)
			}
		}
	}
	return found, nil
}

// distance is how many directories lie between dir and the nearest of dirs that is above or below it, -1 when none is.
func distance(dirs []string, dir string) int {
	best := -1
	for _, d := range dirs {
		if !within(d, dir) && !within(dir, d) {
			continue
		}
		if n := max(depth(d)-depth(dir), depth(dir)-depth(d)); best < 0 || n < best {
			best = n
		}
	}
	return best
}

func within(dir, above string) bool {
	return above == "." || dir == above || strings.HasPrefix(dir, above+"/")
}

func depth(dir string) int {
	if dir == "." {
		return 0
	}
	return strings.Count(dir, "/") + 1
}
