package buildcontext

import (
	"maps"
	"slices"
)

// Dockerfiles lists the files that are stated to be built by what stands at the root and in the root's own directories,
// whatever they are called, sorted.
func (r *Repository) Dockerfiles() []string {
	out := slices.Sorted(maps.Keys(r.books.common().byPath))
	return slices.DeleteFunc(out, func(name string) bool { return !isFile(r.files, name) })
}
