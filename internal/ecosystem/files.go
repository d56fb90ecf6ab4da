package ecosystem

import (
	"path"
	"slices"
	"strings"
)

// files are the names that a manager gives its files. Names may be patterns of path.Match.
type files struct {
	read  []string // manifests whose content Read looks at
	other []string // manifests of which it only needs to know that they exist
	locks []string // lock files
	dirs  []string // directories that hold nothing but such files: ".mvn", "gradle/wrapper"
}

// families are the files of the managers that keep them in their own files.
func families() []files {
	return []files{bunFiles, mavenFiles, gradleFiles, dotnetFiles, cargoFiles, dartFiles, swiftFiles, haskellFiles,
		denoFiles}
}

// compiled asks the managers of languages that are compiled, and those that are new to old ones.
func compiled(words []string) verdict {
	for _, ask := range []func([]string) verdict{bun, maven, gradle, dotnet, cargo, dart, swift, stack, cabal, deno} {
		if v := ask(words); v.kind != other {
			return v
		}
	}
	return verdict{}
}

// isRead reports whether a manager looks into a file of that path.
func isRead(name string) bool {
	return slices.ContainsFunc(families(), func(f files) bool { return named(f.read, name) })
}

// isLock reports whether a file of that path is a manager's lock file.
func isLock(name string) bool {
	return slices.ContainsFunc(families(), func(f files) bool { return named(f.locks, name) })
}

// isManifest reports whether a file of that path is one of a manager's files.
func isManifest(name string) bool {
	return slices.ContainsFunc(families(), func(f files) bool {
		return named(f.read, name) || named(f.other, name) || named(f.locks, name) || f.within(name)
	})
}

// named reports whether the end of a path is one of the names; a name with a slash is the end of a longer path.
func named(names []string, file string) bool {
	return slices.ContainsFunc(names, func(pattern string) bool {
		parts := strings.Split(file, "/")
		n := strings.Count(pattern, "/") + 1
		if n > len(parts) {
			return false
		}
		ok, err := path.Match(pattern, strings.Join(parts[len(parts)-n:], "/"))
		return ok && err == nil
	})
}

// within reports whether a path lies in one of the directories.
func (f files) within(name string) bool {
	return slices.ContainsFunc(f.dirs, func(dir string) bool { return strings.Contains("/"+name, "/"+dir+"/") })
}
