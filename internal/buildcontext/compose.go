package buildcontext

import (
	"path"
	"slices"
	"strings"
)

// defaultDockerfile is what compose and BuildKit build when no file is named.
const defaultDockerfile = "Dockerfile"

// isCompose reports whether a file of that name is, by convention, a compose file.
func isCompose(base string) bool {
	stem, ok := strings.CutSuffix(base, ".yml")
	if !ok {
		stem, ok = strings.CutSuffix(base, ".yaml")
	}
	for _, name := range []string{"compose", "docker-compose"} {
		if ok && (stem == name || strings.HasPrefix(stem, name+".") || strings.HasPrefix(stem, name+"-")) {
			return true
		}
	}
	return false
}

// composed lists what the compose files say about a Dockerfile. They are looked for at the root, in the root's own
// directories, and in the directories that hold the Dockerfile.
func composed(repo *snapshot, dockerfilePath string) []stated {
	var out []stated
	for _, dir := range composeDirs(repo, dockerfilePath) {
		out = append(out, composedIn(repo, dir, dockerfilePath)...)
	}
	return out
}

func composeDirs(repo *snapshot, dockerfilePath string) []string {
	dirs := []string{"."}
	entries, _ := repo.ReadDir(".") // a root that cannot be listed has no compose files
	for _, e := range entries {
		if e.IsDir() && !skipped(e.Name()+"/x") {
			dirs = append(dirs, e.Name())
		}
	}
	for dir := path.Dir(dockerfilePath); dir != "."; dir = path.Dir(dir) {
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// composedIn reads one directory's compose files, the base file first: what an override file leaves out about a service
// stands there.
func composedIn(repo *snapshot, dir, dockerfilePath string) []stated {
	var out []stated
	base := value{}
	for k, name := range composeFiles(repo, dir) {
		file, err := readYAML(repo, name, "build")
		if err != nil {
			continue // states nothing
		}
		services := file.get("services")
		for _, s := range services.pairs() {
			b := service{dir: dir, build: s.value.get("build"), base: base.get(s.key).get("build")}
			b.origin = name + ", service " + s.key
			if got, ok := b.stated(dockerfilePath); ok {
				got.container = containerOf(s.value, base.get(s.key))
				out = append(out, got)
			}
		}
		if k == 0 {
			base = services
		}
	}
	return out
}

// composeFiles lists a directory's compose files in the order in which compose itself prefers them.
func composeFiles(repo *snapshot, dir string) []string {
	entries, _ := repo.ReadDir(dir) // what cannot be listed is not there
	var names []string
	for _, e := range entries {
		if isCompose(e.Name()) && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return strings.Count(a, ".") - strings.Count(b, ".") })
	for k := range names {
		names[k] = path.Join(dir, names[k])
	}
	return names
}

// A service is the build section of a compose service.
type service struct {
	origin string
	dir    string // the compose file's own
	build  value
	base   value // the same service's section in the base file, for what build leaves out
}

// field is a build section's field; a section that is a plain text is its context.
func field(build value, key string) value {
	if text := build.text(); text != "" && key == "context" {
		return build
	}
	return build.get(key)
}

func (s service) field(key string) value {
	if v := field(s.build, key); v.there() {
		return v
	}
	return field(s.base, key)
}

// stated is what the service says, if it builds that Dockerfile.
func (s service) stated(dockerfilePath string) (stated, bool) {
	if s.build.text() == "" && !s.build.isMap() || s.field("dockerfile_inline").there() {
		return stated{}, false
	}
	if c := s.field("context"); c.there() && c.text() == "" {
		return stated{}, false // compose refuses it
	}
	context, known := substitute(s.field("context").text())
	file, fileKnown := substitute(s.field("dockerfile").text())
	if strings.Contains(context, "://") || strings.HasPrefix(context, "git@") || !fileKnown {
		return stated{}, false // built from another repository, or from a file that is not named here
	}
	out := stated{origin: s.origin, target: s.known("target"), args: s.args(), platforms: texts(s.field("platforms"))}
	dir, inside := clean(s.dir, context)
	if !known || !inside {
		out.unknown = "its context " + context + " cannot be told from " + s.origin
		tail := strings.TrimPrefix(path.Clean(file), "../")
		return out, strings.Contains(file, "/") && strings.HasSuffix("/"+dockerfilePath, "/"+tail)
	}
	out.dir = dir
	if file == "" {
		file = defaultDockerfile
	}
	named, ok := clean(dir, file)
	return out, ok && named == dockerfilePath
}

func (s service) known(key string) string {
	text, ok := substitute(s.field(key).text())
	if !ok {
		return ""
	}
	return text
}

// args are the build arguments with known values, written as a mapping or as a list of name=value.
func (s service) args() map[string]string {
	out := map[string]string{}
	args := s.field("args")
	for _, p := range args.pairs() {
		if text, ok := substitute(p.value.text()); ok && text != "" {
			out[p.key] = text
		}
	}
	for _, v := range args.list() {
		name, text, ok := strings.Cut(v.text(), "=")
		if text, known := substitute(text); ok && known {
			out[name] = text
		}
	}
	return out
}

func texts(v value) []string {
	var out []string
	for _, item := range v.list() {
		if text, ok := substitute(item.text()); ok && text != "" {
			out = append(out, text)
		}
	}
	return out
}

// substitute replaces compose's ${name:-default} and ${name-default} by the default; any other variable makes the text
// unknown, and it is returned as it was.
func substitute(text string) (string, bool) {
	out := text
	for {
		start := strings.IndexByte(out, '$')
		if start < 0 {
			return out, true
		}
		end := strings.IndexByte(out, '}')
		if !strings.HasPrefix(out[start:], "${") || end < start {
			return text, false
		}
		_, fallback, ok := strings.Cut(out[start+2:end], "-")
		if !ok || strings.Contains(fallback, "$") {
			return text, false
		}
		out = out[:start] + fallback + out[end+1:]
	}
}
