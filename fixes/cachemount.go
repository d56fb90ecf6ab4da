package fixes

import (
	"fmt"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// CacheMounted promises that one RUN gains a cache mount at Target, where a package manager keeps what it fetches and
// nothing else looks for it, and that nothing else differs.
type CacheMounted struct {
	Target string // an absolute path: "/root/.npm"
}

// Claim implements Intent.
func (i CacheMounted) Claim() Claim {
	kept := "downloads are"
	if i.Target == "/root/.cache/pip" {
		kept = "downloads, and what pip builds from source, are"
	}
	const text = "checked: changes only one step, whose %s kept in a cache of the builder at %s and no longer in the image"
	return Claim{Intended, fmt.Sprintf(text, kept, i.Target)}
}

// MountCache gives a RUN a cache mount at an absolute path (docs.docker.com/reference/dockerfile, "RUN
// --mount=type=cache").
func MountCache(f *dockerfile.File, run *dockerfile.Instruction, target string) (Edit, CacheMounted, error) {
	e, err := SetFlag(f, run, "mount", "type=cache,target="+target)
	return e, CacheMounted{target}, err
}
