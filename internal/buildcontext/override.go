package buildcontext

import (
	"maps"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// An Override is a way of building that the repository's owner stated to us. What it leaves out stays as it is found.
type Override struct {
	Origin    string // where it is said, for people
	Dir       string // the context directory from the repository's root; "" when not stated
	Target    string
	Args      map[string]string
	Platforms []string
}

// FindStated lists the ways in which f is built when its owner stated some: those and no others. Without a directory an
// override is laid over each way that Find finds.
func (r *Repository) FindStated(f *dockerfile.File, overrides []Override) []Build {
	if len(overrides) == 0 {
		return r.Find(f)
	}
	var out []Build
	for _, o := range overrides {
		if o.Dir != "" {
			out = append(out, open(r.files, f.Path, stated{origin: o.Origin, dir: o.Dir, target: o.Target, args: o.Args,
				platforms: o.Platforms}))
			continue
		}
		for _, b := range r.Find(f) {
			out = append(out, o.over(b))
		}
	}
	return distinct(out)
}

// over is a way of building with what the override says.
func (o Override) over(b Build) Build {
	b.Origin += "; " + o.Origin
	if o.Target != "" {
		b.Target, b.AnyTarget = o.Target, false
	}
	args := maps.Clone(b.Args)
	if args == nil {
		args = map[string]string{}
	}
	maps.Copy(args, o.Args)
	b.Args = args
	if len(o.Platforms) > 0 {
		b.Platforms = o.Platforms
	}
	return b
}
