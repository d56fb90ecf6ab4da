// Package buildcontext says how a Dockerfile is built in its repository: from which directory, with which ignore file,
// target and arguments.
//
// What compose files, bake files, workflows, Makefiles and the like state is believed; otherwise the directory is
// inferred from which one makes the COPY sources exist. A file may be built in several ways, and what a check claims must
// hold for all of them.
//
// Every kind of file is read into recipes, which know nothing of Dockerfiles; a recipe is then matched with the path of
// one. Variables without a known value stay holes in its texts (phrase.go).
//
// A repository may stand behind a code host that charges for every read, so the package looks only at names until it
// has to open a file, and opens only the files that Wanted names and those that a compose file includes.
package buildcontext

import (
	"cmp"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// A Build is one way in which a Dockerfile is built.
type Build struct {
	Origin string // where it is said, for people: "compose.yml, service web"; "inferred from COPY sources"
	Stated bool   // a file says so; false when inferred
	Dir    string // the context directory relative to the repository's root, "." for the root itself
	Target string // the stage to build, "" for the last
	// AnyTarget is set when the target is named by a variable: any stage may be the one. Target is then "".
	AnyTarget bool
	Args      map[string]string // build arguments with known values
	Varied    []string          // names of the build arguments that are passed with values that are not known, sorted
	Platforms []string          // as stated; empty when nothing is said
	// Named are the named contexts, which FROM and COPY --from may use like images, and what each of them is: a directory
	// of the repository, or an image, a target or a URL as written ("docker-image://alpine:3.22", "target:base").
	Named map[string]string
	// AnyNamed is set when there may be more of them than Named holds, because a variable holds flags.
	AnyNamed bool
	// Pushed is where it is said that what is built is pushed to a registry, in the form of Origin; "" when nothing says so.
	Pushed string
	// Service is set when a compose service is built so. User, Mounts, Ports and Command are what it says about the
	// container that it starts: the user it sets instead of the image's, the paths in the container that come from the
	// host or a volume, the container's ports, and whether it gives a command in place of the image's.
	Service bool
	User    string
	Mounts  []string
	Ports   []string
	Command bool
	// Probe is the test of the service's healthcheck as compose has it: {"CMD", ...}, {"CMD-SHELL", script} or {"NONE"}; nil
	// when it has none.
	Probe []string
	// Relied is the key that makes the service one meant to stay up ("restart", "deploy"), and Waited another service that
	// waits until this one is healthy; "" for none.
	Relied string
	Waited string
	// Powers is what a compose service grants the container, or reaches from it, that is usually for root only:
	// "cap_add"; "" for none.
	Powers string
	// Unknown is what the files do not tell, for people: "context is ${{ matrix.dir }}". When it is not "", Context and
	// Whole are empty and nothing can be claimed about this way of building.
	Unknown string
	// Remote is set when the builder itself fetches the context from git: it holds exactly the committed files, and
	// BuildKit applies no ignore file to it.
	Remote bool
	// Ignore is the ignore file's path in the repository, "" when there is none or it is not applied.
	Ignore string
	// Context is the directory as the builder sees it: the ignore file's patterns applied, names relative to Dir.
	// Symbolic links are listed and never followed: what lies behind one does not exist for Context.
	Context fs.FS
	// Whole is the directory without the ignore file.
	Whole fs.FS

	ignored *matcher
	podman  bool // built by podman or buildah
}

// Hides reports whether the context would hold nothing of the file or directory of that context-relative name even if
// it existed, because the ignore file keeps it out.
func (b Build) Hides(name string) bool { return b.ignored.hidesAll(name) }

// Once is the answer to a question about b.Context and its files, whose names are the same ones for every Dockerfile that
// is built there: it is looked for once. The question's words tell it from others, and no answer may depend on what a
// Dockerfile says. The caller must not change the result.
func Once[T any](b Build, question string, ask func() T) T {
	v, ok := b.Context.(*view)
	if !ok {
		return ask()
	}
	return v.repo.once(b.Dir+"\x00"+b.Ignore+"\x00"+question, func() any { return ask() }).(T)
}

// skipped reports whether a path lies in a directory that holds other people's code.
func skipped(name string) bool {
	for _, dir := range strings.Split(path.Dir(name), "/") {
		if dir == "node_modules" || dir == "vendor" || dir == ".git" || dir == "testdata" {
			return true
		}
	}
	return false
}

// stated is what a file says about a build, before the context is opened.
type stated struct {
	origin    string
	dir       string
	target    string
	anyTarget bool
	args      map[string]string
	varied    []string
	platforms []string
	named     map[string]string
	anyNamed  bool
	remote    bool
	podman    bool
	pushed    bool
	unknown   string
	container container
}

// open makes the Build of what was stated.
func open(repo *snapshot, dockerfilePath string, s stated) Build {
	c := s.container
	b := Build{Origin: s.origin, Stated: true, Dir: s.dir, Target: s.target, AnyTarget: s.anyTarget,
		Args: s.args, Varied: s.varied, Platforms: s.platforms, Named: s.named, AnyNamed: s.anyNamed,
		Remote: s.remote, Unknown: s.unknown,
		Service: c.service, User: c.user, Mounts: c.mounts, Ports: c.ports, Command: c.command, Probe: c.probe,
		Relied: c.relied, Waited: c.waited, Powers: c.powers, podman: s.podman}
	if s.pushed {
		b.Pushed = s.origin
	}
	if b.Unknown == "" && !isDir(repo, b.Dir) {
		b.Unknown = "the context directory " + b.Dir + " is not in the repository"
	}
	return withContext(b, repo, dockerfilePath)
}

// withContext opens the views of the context directory.
func withContext(b Build, repo *snapshot, dockerfilePath string) Build {
	b.ignored = &matcher{}
	if b.Unknown == "" && !b.Remote {
		b.Ignore, b.ignored, b.Unknown = ignoreOf(repo, dockerfilePath, b.Dir, b.podman)
	}
	if b.Unknown != "" {
		b.Ignore, b.Context, b.Whole, b.ignored = "", nothing{}, nothing{}, &matcher{}
		return b
	}
	b.Whole = &view{repo: repo, dir: b.Dir, ignored: &matcher{}}
	b.Context = &view{repo: repo, dir: b.Dir, ignored: b.ignored}
	return b
}

// distinct drops builds that say the same as an earlier one, which is pushed if one of them is.
func distinct(all []Build) []Build {
	var out []Build
	for _, b := range all {
		if !known(out, b) {
			out = append(out, b)
		}
	}
	return out
}

// known reports whether one of all says the same as b, and lets it be pushed if b is.
func known(all []Build, b Build) bool {
	n := slices.IndexFunc(all, func(o Build) bool { return same(o, b) })
	if n >= 0 {
		all[n].Pushed = cmp.Or(all[n].Pushed, b.Pushed)
	}
	return n >= 0
}

func same(a, b Build) bool {
	return a.Dir == b.Dir && a.Target == b.Target && a.AnyTarget == b.AnyTarget && a.Ignore == b.Ignore && a.Remote == b.Remote &&
		a.Unknown == b.Unknown && a.AnyNamed == b.AnyNamed && maps.Equal(a.Args, b.Args) &&
		slices.Equal(a.Varied, b.Varied) && maps.Equal(a.Named, b.Named) && slices.Equal(a.Platforms, b.Platforms) &&
		sameContainer(a, b)
}

func sameContainer(a, b Build) bool {
	return a.Service == b.Service && a.User == b.User && a.Command == b.Command && a.Powers == b.Powers &&
		a.Relied == b.Relied && a.Waited == b.Waited && slices.Equal(a.Mounts, b.Mounts) &&
		slices.Equal(a.Ports, b.Ports) && slices.Equal(a.Probe, b.Probe)
}
