package spare

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
)

// unknownDir stands for the working directory that a base image sets.
const unknownDir = "?"

// workdir is where an instruction works; one that is not known is the same for all that do not set it.
func workdir(i *dockerfile.Instruction) string {
	if dir := i.Stage.Before(i).Workdir; dir != "" {
		return dir
	}
	return unknownDir
}

// joined is where a name leads from a directory, "" when that is not known.
func joined(dir, name string) string {
	name = strings.Trim(name, `"'`)
	switch {
	case dir == "" || strings.ContainsAny(name, "$`*?["):
		return ""
	case path.IsAbs(name):
		return path.Clean(name)
	}
	return path.Join(dir, name)
}

// reaches reports whether one of the directories at, in which packages were installed, is where a copy would bring what p
// hides, or lies above it: what is looked for in a directory is looked for above it too (nodejs.org/api/modules.html). With
// p in every directory that must hold for each that has a manifest.
func reaches(b buildcontext.Build, holder *dockerfile.Instruction, p Pattern, at []string) bool {
	from, ok := sourceOf(b, holder)
	to := joined(workdir(holder), holder.Words[len(holder.Words)-1].Text)
	if !ok || to == "" || slices.Contains(at, "") {
		return len(at) > 0 // no more is known than that it is installed
	}
	wanted := []string{p.Dir}
	if p.Deep {
		wanted = packagesIn(b.Context, from)
	}
	for _, dir := range wanted {
		place := path.Join(to, strings.TrimPrefix(strings.TrimPrefix(dir, from), "/"))
		serves := func(in string) bool { return strings.HasPrefix(place+"/", strings.TrimSuffix(in, "/")+"/") }
		if !slices.ContainsFunc(at, serves) {
			return false
		}
	}
	return len(at) > 0
}

// sourceOf is the one directory of the context that a copy brings.
func sourceOf(b buildcontext.Build, i *dockerfile.Instruction) (dir string, ok bool) {
	var dirs []string
	for _, text := range sourceTexts(i) {
		name := strings.TrimPrefix(path.Clean("/"+text), "/")
		if name == "" || name == "*" {
			name = "."
		}
		info, err := fs.Stat(b.Context, name)
		if err != nil {
			return "", false
		}
		if info.IsDir() {
			dirs = append(dirs, name)
		}
	}
	if len(dirs) != 1 {
		return "", false
	}
	return dirs[0], true
}

// packagesIn are the directories below one that have a manifest, only itself when it has one.
func packagesIn(context fs.FS, root string) (out []string) {
	if _, err := fs.Stat(context, path.Join(root, "package.json")); err == nil {
		return []string{root}
	}
	seen := 0
	_ = fs.WalkDir(context, root, func(name string, d fs.DirEntry, err error) error {
		if seen++; err != nil || seen > maxNames {
			return fs.SkipAll // those found so far have to be served
		}
		if d.IsDir() && slices.Contains([]string{".git", "node_modules", "vendor", "testdata"}, d.Name()) {
			return fs.SkipDir
		}
		if d.Name() == "package.json" {
			out = append(out, path.Dir(name))
		}
		return nil
	})
	return out
}
