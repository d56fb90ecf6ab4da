package review

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/ecosystem"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/pattern"
)

const (
	// maxDirs is how many directories are listed to find what to prefetch. A listing is free in a repository whose tree
	// GitHub gives in one answer; in a larger one each directory costs a request.
	maxDirs = 250
	// maxPrefetch is how many files are prefetched beside the Dockerfiles.
	maxPrefetch = 150
	// maxManifest is the size in bytes above which a file is left for later.
	maxManifest = 512 << 10
)

// prefetch reads the Dockerfiles and what their checks will ask for in as few requests as the host allows. What it
// misses is read when it is asked for.
func prefetch(tree forge.Tree, picked []forge.ChangedFile) error {
	var names []string
	for _, c := range picked {
		names = append(names, c.Path)
	}
	near, sources, err := manifests(tree, starts(names), language(picked))
	if err != nil {
		return err
	}
	all := unique(slices.Concat(names, mentions(tree, picked), near))
	var talk []string
	for _, name := range names {
		talk = append(talk, buildcontext.Mentioning(tree, name)...)
	}
	full := (len(all) + batch - 1) / batch * batch
	all = unique(slices.Concat(all, small(tree, talk), sources))
	return tree.Prefetch(all[:min(len(all), full)])
}

// unique is names without those that come a second time.
func unique(names []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(names, func(name string) bool {
		was := seen[name]
		seen[name] = true
		return was
	})
}

// small are the names of files that are not large.
func small(tree fs.FS, names []string) []string {
	return slices.DeleteFunc(unique(names), func(name string) bool {
		info, err := fs.Stat(tree, name)
		return err != nil || !info.Mode().IsRegular() || info.Size() > maxManifest
	})
}

// batch is how many files a host reads in one request; the last request is filled up with sources.
const batch = 50

// language tells the sources of the programs that the changed lines build or start, which some fixes look through, and the
// lock files of what they install.
func language(picked []forge.ChangedFile) func(name string) bool {
	var exts []string
	for _, c := range picked {
		if strings.Contains(c.Patch, "go build") || strings.Contains(c.Patch, "go install") {
			exts = append(exts, ".go")
		}
		if strings.Contains(c.Patch, "npm ") || strings.Contains(c.Patch, "yarn") {
			exts = append(exts, ".js", ".cjs", ".mjs", ".ts")
		}
	}
	installs := slices.ContainsFunc(picked, func(c forge.ChangedFile) bool { return installing.MatchString(c.Patch) })
	return func(name string) bool {
		return slices.Contains(exts, path.Ext(name)) || installs && ecosystem.Lock(name) && !strings.HasSuffix(name, ".sum")
	}
}

// installing matches the managers whose lock files are looked through.
var installing = pattern.New(`\b(npm|yarn|pnpm|bun|poetry|uv|pipenv|pdm|bundle|composer)\b`)

// starts are the directories in which to look first: the root, where the configuration and the workflows are, and those
// above the Dockerfiles.
func starts(dockerfiles []string) []string {
	dirs := []string{".", ".github", ".github/workflows"}
	for _, name := range dockerfiles {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// manifests are the wanted files in and below the directories, nearest first, and beside them those that are sources, and other
// Dockerfiles, which may build on the image.
func manifests(tree fs.FS, dirs []string, source func(string) bool) (found, sources []string, err error) {
	seen := map[string]bool{}
	for n := 0; n < len(dirs) && len(seen) < maxDirs && len(found) < maxPrefetch; n++ {
		dir := dirs[n]
		if seen[dir] || check.PassedOver(dir) {
			continue
		}
		seen[dir] = true
		entries, err := fs.ReadDir(tree, dir)
		if err != nil && !forge.Answer(err) {
			return nil, nil, err
		}
		for _, e := range entries {
			name := path.Join(dir, e.Name())
			if e.IsDir() {
				dirs = append(dirs, name)
			} else if wanted(name) && slight(e) {
				found = append(found, name)
			} else if (source(name) || dockerfile.Named(name)) && slight(e) {
				sources = append(sources, name)
			}
		}
	}
	return found[:min(len(found), maxPrefetch)], sources, nil
}

func slight(e fs.DirEntry) bool {
	info, err := e.Info()
	return err == nil && info.Mode().IsRegular() && info.Size() <= maxManifest
}
