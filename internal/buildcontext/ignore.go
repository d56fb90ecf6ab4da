package buildcontext

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

const ignoreName = ".dockerignore"

// podmanIgnoreName is the name of the ignore file that podman and buildah prefer.
const podmanIgnoreName = ".containerignore"

// maxIgnore is the size in bytes above which an ignore file is taken for unreadable.
const maxIgnore = 1 << 20

// ignoreOf reads the ignore file of a build by BuildKit's rule (dockerui.Client): the one named after the Dockerfile
// and beside it replaces the one at the context's root. Neither the Dockerfile nor the ignore file is exempt from its own
// patterns.
//
// doubt says why it is not known which one counts. An empty one named after the Dockerfile wins with the frontend that is
// built in, and does not with one that "# syntax" names: on its way from there "empty" becomes "not there".
func ignoreOf(repo *snapshot, dockerfilePath, dir string, podman bool) (name string, m *matcher, doubt string) {
	empty := ""
	names := []string{dockerfilePath + ignoreName, path.Join(dir, ignoreName)}
	if podman { // ContainerIgnoreFile of buildah's pkg/util
		names = []string{dockerfilePath + podmanIgnoreName, names[0], path.Join(dir, podmanIgnoreName), names[1]}
	}
	for _, name := range names {
		info, err := repo.Lstat(name)
		switch {
		case err != nil:
		case info.Size() == 0:
			empty = name
		case empty != "":
			return name, &matcher{broken: true}, empty + " is empty, and whether " + name + " counts then depends on the frontend"
		default:
			return name, readIgnore(repo, name, info), ""
		}
	}
	return "", &matcher{}, ""
}

// readIgnore compiles an ignore file. With one that BuildKit would refuse nothing can be built, so it hides everything.
func readIgnore(repo *snapshot, name string, info fs.FileInfo) *matcher {
	broken := &matcher{broken: true}
	if !info.Mode().IsRegular() || info.Size() > maxIgnore {
		return broken
	}
	data, err := fs.ReadFile(repo, name)
	if err != nil {
		return broken
	}
	patterns, err := ignorefile.ReadAll(bytes.NewReader(readable(data)))
	if err != nil {
		return broken
	}
	compiled, err := patternmatcher.New(patterns)
	if err != nil {
		return broken
	}
	return &matcher{patterns: patterns, compiled: compiled}
}

// readable is a text with U+FFFD for every byte that is no UTF-8, for which the matcher takes them too, and for NUL, which is
// in no name: of either it complains on the process's standard error, each time.
func readable(text []byte) []byte {
	return bytes.ReplaceAll([]byte(string([]rune(string(text)))), []byte{0}, []byte("\uFFFD"))
}

// A matcher says which names an ignore file keeps out of a context. The zero value keeps out none.
type matcher struct {
	patterns []string
	broken   bool

	mu       sync.Mutex // patternmatcher compiles its patterns while it matches
	compiled *patternmatcher.PatternMatcher
}

// excludes reports whether the patterns match a context-relative name, by the walk that fsutil makes for BuildKit: each
// directory's result is handed down to what it holds.
func (m *matcher) excludes(name string) bool {
	if m.broken {
		return true
	}
	if m.compiled == nil || name == "." {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var info patternmatcher.MatchInfo
	excluded := false
	for k, c := range name + "/" {
		if c != '/' {
			continue
		}
		var err error
		if excluded, info, err = m.compiled.MatchesUsingParentResults(name[:k], info); err != nil {
			return true
		}
	}
	return excluded
}

// reincludes reports whether some pattern takes names back that others exclude.
func (m *matcher) reincludes() bool { return m.compiled != nil && m.compiled.Exclusions() }

// hidesAll reports whether a name is excluded together with everything that could lie below it.
func (m *matcher) hidesAll(name string) bool {
	if m == nil || m.broken || !m.excludes(name+"/x") {
		return m != nil && m.broken
	}
	for k := len(m.patterns) - 1; k >= 0; k-- {
		back, isBack := strings.CutPrefix(m.patterns[k], "!")
		switch {
		case isBack && mayReach(back, name):
			return false
		case !isBack && (matchesBelow(m.patterns[k], name) || m.covers(k, name)):
			return true
		}
	}
	return false
}

// matchesBelow reports whether a pattern matches everything below a name by itself, not only through the name.
func matchesBelow(pattern, name string) bool {
	return pattern == "**" || pattern == name+"/**" || pattern == "**/"+path.Base(name)+"/**"
}

// covers reports whether the k-th pattern excludes a name, or what holds it, with everything below. By the matcher's rule
// that is so only where the patterns before it have left something to exclude: of "*", "!a/b", "*" the last one does
// nothing for a, so a/b comes back.
func (m *matcher) covers(k int, name string) bool {
	one, err := patternmatcher.New(m.patterns[k : k+1])
	if err != nil {
		return false
	}
	for n, c := range name + "/" {
		if c != '/' {
			continue
		}
		if match, err := one.MatchesOrParentMatches(name[:n]); err != nil || !match {
			continue
		}
		if k == 0 || !slices.ContainsFunc(m.patterns[:k], func(p string) bool { return strings.HasPrefix(p, "!") }) {
			return true
		}
		before, err := patternmatcher.New(m.patterns[:k])
		return err == nil && !(&matcher{compiled: before}).excludes(name[:n])
	}
	// name/* takes everything below too, but leaves name itself.
	return m.patterns[k] == name+"/*" && !slices.ContainsFunc(m.patterns[:k], func(p string) bool { return p[0] == '!' })
}

// mayReach reports whether a pattern could match a name, what holds it or what lies below it.
func mayReach(pattern, name string) bool {
	fixed := pattern
	if k := strings.IndexAny(pattern, `*?[\`); k >= 0 {
		fixed = pattern[:k]
		return strings.HasPrefix(name+"/", fixed) || strings.HasPrefix(fixed, name+"/")
	}
	return fixed == name || strings.HasPrefix(name, fixed+"/") || strings.HasPrefix(fixed, name+"/")
}
