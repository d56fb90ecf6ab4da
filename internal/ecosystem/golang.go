package ecosystem

import (
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// moduleCache is where the official images keep downloaded modules.
const moduleCache = "/go/pkg/mod"

// golang knows the go command; see https://go.dev/ref/mod#go-mod-download.
func golang(words []string) verdict {
	if path.Base(words[0]) != "go" {
		return verdict{}
	}
	args, dir := chdir(words[1:])
	if len(args) == 0 {
		return verdict{}
	}
	v := verdict{kind: install, manager: "go", dir: dir, read: readModules,
		stays: []string{"pkg/mod", "=/go"}}
	switch args[0] {
	case "mod":
		return goMod(v, args[1:])
	case "get":
		v.unknown = "go get reads the sources and changes go.mod; go mod download does neither"
		return v
	case "install", "run", "build", "test", "vet":
		return goBuild(v, args)
	case "env", "version", "clean", "telemetry":
		if slices.ContainsFunc(args, steersGo) {
			return verdict{}
		}
		return verdict{kind: harmless}
	}
	return verdict{}
}

// steersGo reports whether a word of "go env -w" may make later commands read other files.
func steersGo(word string) bool {
	name, text, set := strings.Cut(word, "=")
	return set && (Steers(name, text) || name == "GOPATH" || name == "GOMODCACHE")
}

// chdir takes the -C flag out of the go command's words.
func chdir(args []string) ([]string, string) {
	for k, a := range args {
		if a == "-C" && k+1 < len(args) {
			return append(append([]string{}, args[:k]...), args[k+2:]...), args[k+1]
		}
		if text, ok := strings.CutPrefix(a, "-C="); ok {
			return append(append([]string{}, args[:k]...), args[k+1:]...), text
		}
	}
	return args, ""
}

func goMod(v verdict, args []string) verdict {
	if len(args) == 0 {
		return verdict{}
	}
	switch args[0] {
	case "download", "verify":
		p := options{switches: []string{"-x", "-json", "-modcacherw"}}.parse(args[1:])
		v.unknown = p.doubt()
	case "tidy", "vendor":
		v.unknown = "go mod " + args[0] + " reads the sources; go mod download does not"
	default:
		return verdict{}
	}
	return v
}

// goBuild is a command that compiles. An install that names a module's version reads nothing of the project; a run of
// one may do anything.
func goBuild(v verdict, args []string) verdict {
	for _, a := range args[1:] {
		if strings.Contains(a, "@") && !strings.HasPrefix(a, "-") {
			if args[0] == "install" {
				return verdict{kind: harmless}
			}
			return verdict{}
		}
	}
	v.implicit = true
	v.unknown = "go " + args[0] + " downloads and compiles in one step"
	return v
}

// readModules lists the module files: the main module's or the workspace's, and those of local replacements.
func readModules(r *reading) {
	r.writes(moduleCache)
	work := r.upward(r.dir, "go.work")
	if work != "" {
		r.workspace(work)
		return
	}
	mod := r.upward(r.dir, "go.mod")
	if mod == "" {
		r.refuse("there is no go.mod in the build context")
		return
	}
	requires := r.module(mod)
	r.vendored(path.Dir(mod))
	if requires == 0 && r.unknown == "" && r.idle == "" {
		r.idle = mod + " requires no module"
	}
}

// vendored records that the modules are part of the sources.
func (r *reading) vendored(dir string) {
	if r.exists(path.Join(dir, "vendor/modules.txt")) {
		r.idle = "vendor/ holds the modules"
	}
}

// module reads one go.mod and returns how many modules it requires from elsewhere.
func (r *reading) module(name string) int {
	data, ok := r.content(name)
	if !ok {
		return 0
	}
	dir := path.Dir(name)
	r.optional(dir, "go.sum")
	f, err := modfile.Parse(name, data, nil)
	if err != nil {
		r.refuse("%s cannot be read: %v", name, err)
		return 0
	}
	local := r.replaced(dir, f.Replace)
	return len(f.Require) - min(local, len(f.Require))
}

// replaced adds the go.mod of every replacement by a directory, and counts them.
func (r *reading) replaced(dir string, replaces []*modfile.Replace) int {
	local := 0
	for _, rep := range replaces {
		if rep.New.Version != "" {
			continue
		}
		local++
		if target, ok := r.within(dir, rep.New.Path); ok {
			r.content(path.Join(target, "go.mod"))
		}
	}
	return local
}

// workspace reads a go.work and every module it uses.
func (r *reading) workspace(name string) {
	data, ok := r.content(name)
	if !ok {
		return
	}
	dir := path.Dir(name)
	r.optional(dir, "go.work.sum")
	f, err := modfile.ParseWork(name, data, nil)
	if err != nil {
		r.refuse("%s cannot be read: %v", name, err)
		return
	}
	requires := 0
	for _, use := range f.Use {
		if target, ok := r.within(dir, use.Path); ok {
			requires += r.module(path.Join(target, "go.mod"))
		}
	}
	r.replaced(dir, f.Replace)
	r.vendored(dir)
	if requires == 0 && r.unknown == "" && r.idle == "" {
		r.idle = "the modules of " + name + " require no other"
	}
}
