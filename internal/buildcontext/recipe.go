package buildcontext

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// defaultDockerfile is what compose and BuildKit build when no file is named.
const defaultDockerfile = "Dockerfile"

// A recipe is one way of building something as a file of the repository states it, before it is known which Dockerfile
// it builds.
type recipe struct {
	origin string
	bases  []string // directories that the paths may be relative to; the first in which the Dockerfile exists counts
	adrift string   // why the directory is not known; then bases are empty
	doubt  string   // why the context is not what the directory holds

	context phrase
	file    phrase // the Dockerfile; empty for the default one in the context
	within  bool   // the file is named as seen from the context, not from the base
	podman  bool   // the default file may be called Containerfile
	remote  bool
	pushed  bool     // what is built is pushed to a registry
	tags    []phrase // what it is called, for a command that pushes it

	target    phrase
	args      map[string]string // a hole for a value that is not known
	platforms []string
	named     map[string]string // as written
	loose     string            // a variable that may hold further flags, "" for none
	container container
}

// resolved is the recipe with one base: the first in which its Dockerfile exists. The second result is the Dockerfile's
// path in the repository; ok is false when it lies outside.
func (r recipe) resolved(repo *snapshot) (_ recipe, file phrase, ok bool) {
	if r.adrift != "" {
		return r, r.file, !r.file.empty()
	}
	for _, base := range r.bases {
		for _, name := range r.names() {
			full, inside := r.path(base, name)
			if !inside {
				continue
			}
			if !ok || full.known() && isFile(repo, full.text) {
				r.bases, file, ok = []string{base}, full, true
			}
			if full.known() && isFile(repo, full.text) {
				return r, file, true
			}
		}
	}
	if !ok && r.within && !r.file.empty() {
		r.adrift, ok = "its context "+r.context.String()+" leads out of the repository", true
	}
	return r, file, ok
}

// names are the names that the Dockerfile may have, the best first.
func (r recipe) names() []phrase {
	switch {
	case !r.file.empty():
		return []phrase{r.file}
	case r.podman:
		return []phrase{literal("Containerfile"), literal(defaultDockerfile)}
	}
	return []phrase{literal(defaultDockerfile)}
}

// path is the Dockerfile's path seen from a base.
func (r recipe) path(base string, name phrase) (phrase, bool) {
	if !r.file.empty() && !r.within {
		return name.below(base)
	}
	dir, ok := r.context.below(base)
	if !ok {
		return phrase{}, false
	}
	return dir.joined(name)
}

// of is what the recipe says, if it builds the Dockerfile of that path; file is its own, resolved.
func (r *recipe) of(file phrase, dockerfilePath string) (stated, bool) {
	if r.adrift != "" {
		return r.stated("", r.adrift), r.tailOf(dockerfilePath)
	}
	values, ok := file.unify(dockerfilePath)
	if !ok {
		return r.stated("", r.lost()), !r.context.known() && r.within && r.tailOf(dockerfilePath)
	}
	dir, inside := r.context.bind(values).below(r.bases[0])
	if !inside || !dir.known() {
		return r.stated("", r.lost()), true
	}
	return r.stated(dir.text, r.doubt), true
}

// tailOf reports whether a path that ends in the recipe's file, which lies somewhere, may be the Dockerfile's. A plain
// "Dockerfile" could be any.
func (r *recipe) tailOf(dockerfilePath string) bool {
	tail := strings.TrimPrefix(path.Clean(r.file.text), "../")
	return r.file.known() && strings.ContainsAny(strings.ReplaceAll(r.file.text, defaultDockerfile, ""), "/.") &&
		strings.HasSuffix("/"+dockerfilePath, "/"+tail)
}

// lost is why the context is not known.
func (r *recipe) lost() string { return "its context is " + r.context.String() }

func (r *recipe) stated(dir, unknown string) stated {
	known, varied := map[string]string{}, []string(nil)
	for _, name := range slices.Sorted(maps.Keys(r.args)) {
		if r.args[name] == hole {
			varied = append(varied, name)
		} else {
			known[name] = r.args[name]
		}
	}
	return stated{
		origin: r.origin, dir: dir, target: r.target.orNothing(), anyTarget: !r.target.known() || r.loose != "",
		args: known, varied: varied, platforms: r.platforms, named: r.contexts(), anyNamed: r.loose != "",
		remote: r.remote, podman: r.podman, pushed: r.pushed, unknown: unknown, container: r.container,
	}
}

// contexts are the named contexts; one that is a directory is named from the repository's root.
func (r *recipe) contexts() map[string]string {
	out := map[string]string{}
	for name, text := range r.named {
		out[name] = text
		if len(r.bases) == 0 || isURL(text) || strings.Contains(text, ":") {
			continue
		}
		if full, ok := clean(r.bases[0], text); ok {
			out[name] = full
		}
	}
	return out
}

// A book is the recipes of one directory's files, by the Dockerfile they build.
type book struct {
	byPath map[string][]entry
	loose  []entry // those whose Dockerfile is not fully known
	cut    string  // why some were left out; "" when none were
}

// An entry is a recipe with the path of its Dockerfile.
type entry struct {
	place  int // in the order in which they are stated
	recipe *recipe
	file   phrase
}

// maxRecipes bounds how many recipes one directory's files state, and maxLoose how many of them are compared with every
// Dockerfile because theirs is not fully known.
const (
	maxRecipes = 4000
	maxLoose   = 1000
)

// bound is a book of recipes.
func bound(repo *snapshot, recipes []recipe) *book {
	b := &book{byPath: map[string][]entry{}}
	if len(recipes) > maxRecipes {
		b.cut = fmt.Sprintf("the files that say so state more than %d builds", maxRecipes)
	}
	for n, r := range recipes[:min(len(recipes), maxRecipes)] {
		resolved, file, ok := r.resolved(repo)
		if !ok {
			continue
		}
		e := entry{n, &resolved, file}
		if resolved.adrift == "" && file.known() && (r.context.known() || !r.within) {
			b.byPath[file.text] = append(b.byPath[file.text], e)
		} else if len(b.loose) < maxLoose {
			b.loose = append(b.loose, e)
		} else {
			b.cut = fmt.Sprintf("the files that say so state more than %d builds with variables", maxLoose)
		}
	}
	return b
}

// of is what the book says about a Dockerfile, in the order of the files.
func (b *book) of(dockerfilePath string) []stated {
	all := slices.Concat(b.byPath[dockerfilePath], b.loose)
	slices.SortStableFunc(all, func(x, y entry) int { return x.place - y.place })
	var out []stated
	for _, e := range all {
		if s, ok := e.recipe.of(e.file, dockerfilePath); ok {
			out = append(out, s)
		}
	}
	if b.cut != "" {
		out = append(out, stated{origin: "too many files and services", unknown: b.cut, anyTarget: true, anyNamed: true})
	}
	return out
}

// isURL reports whether a context is not a directory: a repository, an archive, the standard input.
func isURL(context string) bool {
	return context == "-" || strings.Contains(context, "://") || strings.HasPrefix(context, "git@") ||
		strings.HasPrefix(context, "github.com/") || strings.HasSuffix(context, ".git")
}

// isFile reports whether a name is a regular file.
func isFile(repo *snapshot, name string) bool {
	info, err := repo.Lstat(name)
	return err == nil && info.Mode().IsRegular()
}
