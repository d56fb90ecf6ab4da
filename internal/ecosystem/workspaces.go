package ecosystem

import (
	"encoding/json"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxWalked bounds how many directories are looked at for workspaces.
const maxWalked = 20_000

// globs reads the workspaces of a package.json: a list, or a mapping with the list under "packages".
func (n *node) globs(raw json.RawMessage) []string {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	var nested struct {
		Packages []string `json:"packages"`
	}
	if err := json.Unmarshal(raw, &nested); err != nil {
		n.refuse("the workspaces of package.json cannot be read")
	}
	return nested.Packages
}

// packages lists the directories, other than the root's own, that hold a package.json and match the patterns; a pattern
// that begins with "!" takes away.
func (r *reading) packages(patterns []string) []string {
	var found []string
	for _, p := range patterns {
		p, minus := strings.CutPrefix(p, "!")
		p = strings.TrimSuffix(path.Clean(strings.TrimPrefix(p, "./")), "/")
		if !knownPattern(p) {
			r.refuse("the workspace pattern %s is not known", p)
			continue
		}
		if minus {
			found = slices.DeleteFunc(found, func(dir string) bool { return matches(p, r.relative(dir)) })
			continue
		}
		found = append(found, r.expand(p)...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// maxDeep bounds how many "**" a pattern may have: each one multiplies the ways to match it.
const maxDeep = 3

// knownPattern reports whether a workspace pattern means the same to every manager and stays inside the project.
func knownPattern(p string) bool {
	return !strings.ContainsAny(p, `{}()[]+\`) && !strings.HasPrefix(p, "..") && !strings.HasPrefix(p, "/") &&
		!strings.Contains(p, "!") && strings.Count(p, "**") <= maxDeep
}

// relative is a context path seen from the install's directory.
func (r *reading) relative(name string) string {
	if r.dir == "." {
		return name
	}
	return strings.TrimPrefix(name, r.dir+"/")
}

// expand lists the packages that one pattern names.
func (r *reading) expand(pattern string) []string {
	fixed := pattern
	if k := strings.IndexAny(pattern, "*?"); k >= 0 {
		fixed = path.Dir(pattern[:k] + "x")
	}
	var found []string
	walked := 0
	err := fs.WalkDir(r.context, path.Join(r.dir, fixed), func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fs.SkipDir // a directory that is not there holds no package
		case !d.IsDir():
			return nil
		case d.Name() == "node_modules" || d.Name() == ".git":
			return fs.SkipDir
		}
		if walked++; walked > maxWalked {
			r.refuse("there are more than %d directories to look for workspaces in", maxWalked)
			return fs.SkipAll
		}
		relative := r.relative(name)
		if matches(pattern, relative) {
			r.foreign(name)
		}
		if name != r.dir && matches(pattern, relative) && r.exists(path.Join(name, "package.json")) {
			found = append(found, name)
		}
		if !strings.Contains(pattern, "**") && strings.Count(relative, "/") >= strings.Count(pattern, "/") && name != r.dir {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		r.refuse("the workspaces %s cannot be listed: %v", pattern, err)
	}
	return found
}

// foreign refuses a package whose manifest is in one of the other forms that pnpm reads.
func (r *reading) foreign(dir string) {
	if r.exists(path.Join(dir, "package.yaml")) || r.exists(path.Join(dir, "package.json5")) {
		r.refuse("%s holds a manifest that is not JSON", dir)
	}
}

// matches reports whether a slash-separated name matches a pattern in which "**" stands for any number of names.
func matches(pattern, name string) bool {
	return matchParts(strings.Split(pattern, "/"), strings.Split(name, "/"))
}

func matchParts(pattern, name []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			for k := range len(name) + 1 {
				if matchParts(pattern[1:], name[k:]) {
					return true
				}
			}
			return false
		}
		if len(name) == 0 {
			return false
		}
		if ok, err := path.Match(pattern[0], name[0]); err != nil || !ok {
			return false
		}
		pattern, name = pattern[1:], name[1:]
	}
	return len(name) == 0
}
