package buildcontext

import (
	"path"
	"slices"
	"strings"
)

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

// maxIncluded bounds how many further files one directory's compose files include or extend.
const maxIncluded = 32

// maxExtends bounds a chain of services that extend one another.
const maxExtends = 8

// A project is the compose files of one directory, and those that they name.
type project struct {
	repo     *snapshot
	files    map[string]value
	services map[string]map[string]value // by file and name
}

// composed reads one directory's compose files, the base file first: what an override file leaves out about a service
// stands there.
func composed(repo *snapshot, names []string) []recipe {
	p := project{repo, map[string]value{}, map[string]map[string]value{}}
	slices.SortStableFunc(names, func(a, b string) int { return strings.Count(a, ".") - strings.Count(b, ".") })
	var out []recipe
	for k, name := range names {
		base := ""
		if k > 0 {
			base = names[0]
		}
		out = append(out, p.read(name, base)...)
	}
	for k := 0; k < len(names) && k < maxIncluded; k++ {
		for _, more := range p.included(names[k]) {
			if !slices.Contains(names, more) {
				names = append(names, more)
				out = append(out, p.read(more, "")...)
			}
		}
	}
	return out
}

// open is a file's document, read once. One that cannot be read states nothing.
func (p project) open(name string) value {
	if v, ok := p.files[name]; ok || len(p.files) > maxIncluded+maxStating {
		return v
	}
	v, err := readYAML(p.repo, name, "build", "include", "extends", "healthcheck", "user")
	if err != nil {
		v = value{}
	}
	p.files[name] = v
	return v
}

// included are the files that a compose file includes: paths, or mappings with one or several.
func (p project) included(name string) []string {
	var out []string
	for _, item := range p.open(name).get("include").list() {
		paths := item.orList()
		if item.isMap() {
			paths = item.get("path").orList()
		}
		for _, v := range paths {
			if full, ok := clean(path.Dir(name), v.text()); ok && v.text() != "" && isYAML(full) {
				out = append(out, full)
			}
		}
	}
	return out
}

func isYAML(name string) bool {
	return strings.HasSuffix(name, ".yml") || strings.HasSuffix(name, ".yaml")
}

// read lists what the services of a file state.
func (p project) read(name, base string) []recipe {
	var out []recipe
	services := p.open(name).get("services").pairs()
	waited := waitedFor(services)
	for _, s := range services {
		layers := p.layers(name, s.key, maxExtends)
		if base != "" {
			layers = append(layers, p.layers(base, s.key, maxExtends)...)
		}
		b := service{layers: layers}
		if s.value.get("build").there() || base == "" || overrides(s.value) {
			for _, r := range b.recipes(name + ", service " + s.key) {
				r.container.waited = waited[s.key]
				out = append(out, r)
			}
		}
	}
	return out
}

// overrides reports whether a service of an override file says something about its container that matters here.
func overrides(s value) bool { return s.get("healthcheck").there() || s.get("user").there() }

// A layer is what one file says about a service.
type layer struct {
	dir     string // of the file
	service value
}

// service is a service of a file.
func (p project) service(file, name string) value {
	byName, ok := p.services[file]
	if !ok {
		byName = map[string]value{}
		for _, s := range p.open(file).get("services").pairs() {
			byName[s.key] = s.value
		}
		p.services[file] = byName
	}
	return byName[name]
}

// layers are a service and the services that it extends, the one that wins first.
func (p project) layers(file, name string, depth int) []layer {
	s := p.service(file, name)
	if !s.there() || depth == 0 {
		return nil
	}
	out := []layer{{path.Dir(file), s}}
	extends := s.get("extends")
	next, from := extends.text(), file
	if extends.isMap() {
		next = extends.get("service").text()
		if other := extends.get("file").text(); other != "" {
			full, ok := clean(path.Dir(file), other)
			if !ok || !isYAML(full) {
				return out
			}
			from = full
		}
	}
	if next == "" {
		return out
	}
	return append(out, p.layers(from, next, depth-1)...)
}

// A service is a compose service with all that it is made of.
type service struct{ layers []layer }

// field is a field of the build section, and the directory of the file in which it stands. A section that is a plain
// text is its context.
func (s service) field(key string) (value, string) {
	for _, l := range s.layers {
		build := l.service.get("build")
		if build.text() != "" && key == "context" {
			return build, l.dir
		}
		if v := build.get(key); v.there() {
			return v, l.dir
		}
	}
	return value{}, ""
}

// recipes is what the service states: at most one recipe.
func (s service) recipes(origin string) []recipe {
	build := slices.IndexFunc(s.layers, func(l layer) bool {
		b := l.service.get("build")
		return b.text() != "" || b.isMap()
	})
	inline, _ := s.field("dockerfile_inline")
	context, dir := s.field("context")
	if build < 0 || inline.there() || context.there() && context.text() == "" {
		return nil // compose refuses an empty context
	}
	if !context.there() {
		dir = s.layers[build].dir
	}
	r := recipe{origin: origin, bases: []string{dir}, within: true, args: s.settings("args"),
		named:     s.settings("additional_contexts"),
		platforms: s.platforms(), container: containerOf(s.layers)}
	r.context, r.file, r.target = substitute(context.text()), s.text("dockerfile"), s.text("target")
	if isURL(r.context.text) || r.file.text == hole {
		return nil // built from another repository, or from a file that is not named here
	}
	return []recipe{r}
}

func (s service) text(key string) phrase {
	v, _ := s.field(key)
	return substitute(v.text())
}

// settings are a section of names and texts, written as a mapping or as a list of name=text, in which an upper layer
// wins, name by name.
func (s service) settings(key string) map[string]string {
	out := map[string]string{}
	for k := len(s.layers) - 1; k >= 0; k-- {
		section := s.layers[k].service.get("build").get(key)
		for _, p := range section.pairs() {
			set(out, p.key, substitute(p.value.text()), key == "args")
		}
		for _, v := range section.list() {
			if name, text, ok := strings.Cut(v.text(), "="); ok || key == "args" && name != "" {
				set(out, name, substitute(text), key == "args")
			}
		}
	}
	return out
}

// set adds a setting. An argument whose value is not known, or is taken from the machine's environment, is a hole.
func set(out map[string]string, name string, text phrase, argument bool) {
	if argument && (!text.known() || text.empty()) {
		out[name] = hole
		return
	}
	out[name] = text.String()
}

func (s service) platforms() []string {
	v, _ := s.field("platforms")
	var out []string
	for _, item := range v.list() {
		if text := substitute(item.text()); text.known() && !text.empty() {
			out = append(out, text.text)
		}
	}
	return out
}

// substitute replaces compose's ${name:-default} and ${name-default} by the default; any other variable is a hole. $$
// is a dollar sign.
func substitute(text string) phrase {
	out := phrase{}
	for len(text) < maxPhrase {
		before, rest, found := strings.Cut(text, "$")
		out = out.plus(literal(before))
		if !found {
			return out
		}
		var part phrase
		part, text = variableOf(rest)
		out = out.plus(part)
	}
	return unknownPhrase("…")
}

// variableOf is what a variable is replaced by, and what comes behind it; text begins behind its dollar sign.
func variableOf(text string) (phrase, string) {
	if rest, ok := strings.CutPrefix(text, "$"); ok {
		return literal("$"), rest
	}
	inner, ok := strings.CutPrefix(text, "{")
	if !ok {
		k := 0
		for k < len(text) && nameByte(text[k]) {
			k++
		}
		return unknownPhrase("$" + text[:k]), text[k:]
	}
	inner, rest, closed := strings.Cut(inner, "}")
	name, fallback, has := strings.Cut(inner, "-")
	if !closed || !has || strings.Contains(fallback, "$") || strings.Trim(name, ":"+nameBytes) != "" {
		return unknownPhrase("${" + inner + "}"), rest
	}
	return literal(fallback), rest
}

const nameBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

func nameByte(c byte) bool { return strings.IndexByte(nameBytes, c) >= 0 }
