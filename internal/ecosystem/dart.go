package ecosystem

import (
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

var dartFiles = files{
	read:  []string{"pubspec.yaml", "pubspec_overrides.yaml"},
	locks: []string{"pubspec.lock"},
}

var pubOptions = options{
	switches: []string{"--offline", "--no-offline", "-n", "--enforce-lockfile", "--no-example", "--no-precompile",
		"--precompile", "--suppress-analytics", "--no-version-check", "-v", "--verbose", "--color", "--no-color"},
	values: []string{"-C", "--directory"},
}

var dartStays = []string{".pub-cache", "pub-cache"}

// dart knows "dart pub get", "flutter pub get" and the old "pub get"; see https://dart.dev/tools/pub/cmd/pub-get.
func dart(words []string) verdict {
	program := path.Base(words[0])
	args := words[1:]
	for len(args) > 0 && strings.HasPrefix(args[0], "--") && args[0] != "--version" {
		args = args[1:] // --disable-analytics, --suppress-analytics
	}
	flutter := program == "flutter"
	switch {
	case program != "dart" && !flutter && program != "pub":
		return verdict{}
	case program == "pub":
		args = append([]string{"pub"}, args...)
	case flutter && first(args) == "packages":
		args = append([]string{"pub"}, args[1:]...)
	}
	sub := ""
	if len(args) > 1 {
		sub = args[1]
	}
	switch first(args) {
	case "", "--version", "precache", "doctor", "config":
		return verdict{kind: harmless}
	case "pub":
		return pub(flutter, sub, args[min(2, len(args)):])
	case "build":
		v := pubGet(flutter, parsed{})
		v.implicit = true
		v.unknown = program + " build gets packages and compiles in one step; " +
			program + " pub get needs pubspec.yaml and pubspec.lock only and can stand before the copy"
		if slices.Contains(args, "--no-pub") {
			return verdict{}
		}
		return v
	}
	return verdict{}
}

func pub(flutter bool, sub string, args []string) verdict {
	p := pubOptions.parse(args)
	switch sub {
	case "get":
		v := pubGet(flutter, p)
		v.dir = p.value("-C", "--directory")
		v.unknown = p.doubt()
		if len(p.rest) > 0 {
			v.unknown = "it names more than its options"
		}
		return v
	case "global", "cache":
		if !slices.ContainsFunc(args, func(a string) bool { return a == "-s" || a == "--source" || isLocal(a) }) {
			return verdict{kind: harmless}
		}
	case "add", "upgrade", "downgrade":
		v := pubGet(flutter, p)
		v.unknown = "it changes pubspec.lock, which a later copy of the sources would undo"
		return v
	}
	return verdict{}
}

func pubGet(flutter bool, p parsed) verdict {
	return verdict{kind: install, manager: "dart", stays: dartStays, read: func(r *reading) {
		r.writes("/root/.pub-cache")
		s := &pubspecs{reading: r, flutter: flutter, seen: map[string]bool{}}
		s.optional(s.dir, "pubspec.lock")
		s.root(s.dir)
	}}
}

// pubspecs follows the manifests of one call of pub.
type pubspecs struct {
	*reading
	flutter bool
	seen    map[string]bool
}

// A pubspec is what is read of a pubspec.yaml; see https://dart.dev/tools/pub/pubspec.
type pubspec struct {
	Dependencies map[string]any `yaml:"dependencies"`
	Dev          map[string]any `yaml:"dev_dependencies"`
	Overrides    map[string]any `yaml:"dependency_overrides"`
	Workspace    []string       `yaml:"workspace"`
	Resolution   string         `yaml:"resolution"`
	Flutter      map[string]any `yaml:"flutter"`
}

// root reads the manifest of the project itself.
func (s *pubspecs) root(dir string) {
	spec, ok := s.spec(dir)
	if !ok {
		return
	}
	if spec.Resolution == "workspace" {
		s.refuse("%s is resolved by a workspace above it", path.Join(dir, "pubspec.yaml"))
	}
	s.ownOutputs(dir)
	if name := path.Join(dir, "pubspec_overrides.yaml"); s.exists(name) {
		data, _ := s.content(name)
		s.dependencies(dir, name, data)
	}
	for _, member := range spec.Workspace {
		if at, ok := s.within(dir, member); ok && !strings.ContainsAny(member, "*?[{") {
			s.spec(at)
			s.ownOutputs(at)
			s.optional(at, "pubspec_overrides.yaml")
		} else {
			s.refuse("the workspace pattern %s is not known", member)
		}
	}
}

// ownOutputs says what pub writes into one package's directory.
func (s *pubspecs) ownOutputs(dir string) {
	s.writes(path.Join(dir, ".dart_tool"))
	if !s.flutter {
		return
	}
	s.writes(path.Join(dir, ".flutter-plugins-dependencies"))
	for _, platform := range []string{"android", "ios", "linux", "macos", "windows"} {
		if s.there(path.Join(dir, platform)) {
			s.refuse("flutter pub get writes into %s as well", path.Join(dir, platform))
		}
	}
}

// spec reads one manifest and those of the packages it takes from directories.
func (s *pubspecs) spec(dir string) (pubspec, bool) {
	name := path.Join(dir, "pubspec.yaml")
	if s.seen[name] || s.unknown != "" {
		return pubspec{}, false
	}
	s.seen[name] = true
	data, ok := s.content(name)
	if !ok {
		return pubspec{}, false
	}
	return s.dependencies(dir, name, data)
}

func (s *pubspecs) dependencies(dir, name string, data []byte) (pubspec, bool) {
	var spec pubspec
	if err := yaml.Load(data, &spec); err != nil {
		s.refuse("%s cannot be read", name)
		return spec, false
	}
	if generates, _ := spec.Flutter["generate"].(bool); generates {
		s.refuse("%s generates code from the sources", name)
	}
	for _, set := range []map[string]any{spec.Dependencies, spec.Dev, spec.Overrides} {
		for _, key := range slices.Sorted(maps.Keys(set)) {
			dep := set[key]
			s.dependency(dir, name, dep)
		}
	}
	return spec, true
}

func (s *pubspecs) dependency(dir, name string, dep any) {
	fields, _ := dep.(map[string]any)
	local, isPath := fields["path"].(string)
	switch {
	case isPath && s.flutter:
		s.refuse("%s depends on %s, which is part of the sources", name, local)
	case isPath:
		if at, ok := s.within(dir, local); ok {
			s.spec(at)
		}
	case fields["git"] != nil:
		url, _ := fields["git"].(string)
		if more, ok := fields["git"].(map[string]any); ok {
			url, _ = more["url"].(string)
		}
		if !strings.Contains(url, "://") && !strings.HasPrefix(url, "git@") || strings.HasPrefix(url, "file:") {
			s.refuse("%s depends on %s, which is part of the sources", name, url)
		}
	}
}
