package checks

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/spare"
)

// A candidate is a line of an ignore file that would keep out what is, by the files of the context, on the disk of whoever
// builds.
type candidate struct {
	pattern string
	places  []string // context paths at which it would lie
}

// hidden reports whether the ignore file keeps all of it out already.
func (c candidate) hidden(b buildcontext.Build) bool {
	return !slices.ContainsFunc(c.places, func(at string) bool { return !b.Hides(at) })
}

// committed reports whether something of the kind is part of the repository.
func (c candidate) committed(repo fs.FS, b buildcontext.Build) bool {
	return slices.ContainsFunc(c.places, func(at string) bool {
		if at == ".git" {
			return false
		}
		_, err := fs.Stat(b.Context, at)
		return err == nil && !spare.Untracked(repo, path.Join(b.Dir, at))
	})
}

// maxManifests bounds how many names are looked at to find manifests.
const maxManifests = 3_000

// candidates are those for copies of the directories.
func candidates(dirs []string, b buildcontext.Build) []candidate {
	var out []candidate
	if b.Dir == "." && slices.Contains(dirs, ".") {
		out = append(out, candidate{".git", []string{".git"}})
	}
	found := buildcontext.Once(b, "manifests in "+strings.Join(dirs, "\x00"), func() foundManifests { return manifestsIn(dirs, b) })
	out = append(out, beside("node_modules", found.node)...)
	out = append(out, beside("target", found.rust)...)
	out = append(out, beside("target", found.maven)...)
	for _, name := range []string{"bin", "obj"} {
		if len(found.dotnet) > 4 {
			out = append(out, beside(name, found.dotnet)...)
			continue
		}
		for k := range found.dotnet { // bin is the name of other directories too
			out = append(out, beside(name, found.dotnet[k:k+1])...)
		}
	}
	if len(found.python) > 0 {
		out = append(out, candidate{path.Join(found.python[0], ".venv"), eachIn(found.python[:1], ".venv")})
		out = append(out, candidate{"**/__pycache__", eachIn(found.python, "__pycache__")})
	}
	return slices.DeleteFunc(out, func(c candidate) bool {
		_, ok := spare.ParsePattern(c.pattern)
		return !ok // a directory whose name would have to be quoted
	})
}

// beside is the one candidate for a name beside manifests.
func beside(name string, dirs []string) []candidate {
	switch len(dirs) {
	case 0:
		return nil
	case 1:
		return []candidate{{path.Join(dirs[0], name), eachIn(dirs, name)}}
	}
	return []candidate{{"**/" + name, eachIn(dirs, name)}}
}

func eachIn(dirs []string, name string) []string {
	var out []string
	for _, d := range dirs {
		out = append(out, path.Join(d, name))
	}
	return out
}

// foundManifests are the directories with a manifest of a kind, the nearest to the root first.
type foundManifests struct{ node, rust, maven, dotnet, python []string }

func manifestsIn(dirs []string, b buildcontext.Build) foundManifests {
	var out foundManifests
	seen := 0
	for _, dir := range dirs {
		_ = fs.WalkDir(b.Context, dir, func(name string, d fs.DirEntry, err error) error {
			if seen++; err != nil || seen > maxManifests {
				return fs.SkipAll // what is found so far is enough to speak of
			}
			if d.IsDir() {
				if passedOver(d.Name()) && name != dir {
					return fs.SkipDir
				}
				return nil
			}
			out.add(path.Dir(name), d.Name())
			return nil
		})
	}
	for _, list := range []*[]string{&out.node, &out.rust, &out.maven, &out.dotnet, &out.python} {
		slices.SortFunc(*list, nearer)
		*list = slices.Compact(*list)
	}
	if len(out.rust) > 1 {
		out.rust = out.rust[:1] // the members of a workspace build into the root's
	}
	return out
}

func nearer(a, b string) int {
	if n := depth(a) - depth(b); n != 0 {
		return n
	}
	return strings.Compare(a, b)
}

func depth(dir string) int {
	if dir == "." {
		return 0
	}
	return 1 + strings.Count(dir, "/")
}

func passedOver(dir string) bool {
	return slices.Contains([]string{".git", "node_modules", "vendor", ".venv", "testdata", "target", "bin", "obj"}, dir)
}

func (m *foundManifests) add(dir, base string) {
	switch ext := path.Ext(base); {
	case base == "package.json":
		m.node = append(m.node, dir)
	case base == "Cargo.toml":
		m.rust = append(m.rust, dir)
	case base == "pom.xml":
		m.maven = append(m.maven, dir)
	case ext == ".csproj" || ext == ".fsproj" || ext == ".vbproj":
		m.dotnet = append(m.dotnet, dir)
	case base == "pyproject.toml", base == "setup.py", base == "Pipfile", strings.HasPrefix(base, "requirements") && ext == ".txt":
		m.python = append(m.python, dir)
	}
}

// envFiles are files of environment variables that git ignores, in directories that are copied, of which an example or the
// file itself says that there are any. A program may well read its own; that is why there is no fix then.
func (l *leaks) envFiles(dirs []string, b buildcontext.Build) []string {
	var out []string
	for _, dir := range dirs {
		entries, err := fs.ReadDir(b.Context, dir)
		if err != nil {
			continue
		}
		for _, base := range []string{".env", ".env.local"} {
			at := path.Join(dir, base)
			example := slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
				return e.Name() == base || strings.HasPrefix(e.Name(), base+".") && !spare.EnvFile(e.Name())
			})
			if example && spare.Untracked(l.pass.Repo, path.Join(b.Dir, at)) && !b.Hides(at) {
				if _, ok := spare.ParsePattern(at); ok {
					out = append(out, at)
				}
			}
		}
	}
	return out
}
