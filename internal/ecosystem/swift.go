package ecosystem

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

var swiftFiles = files{
	read:  []string{"Package.swift", "Package@swift-*.swift"},
	other: []string{".swift-version"},
	locks: []string{"Package.resolved"},
	dirs:  []string{".swiftpm/configuration"},
}

var swiftOptions = options{
	switches: []string{"--skip-update", "--force-resolved-versions", "--only-use-versions-from-resolved-file",
		"--disable-automatic-resolution", "-v", "--verbose", "-q", "--quiet", "--disable-sandbox",
		"--disable-dependency-cache", "--enable-dependency-cache", "--replace-scm-with-registry", "--static-swift-stdlib"},
	values: []string{"--package-path", "-c", "--configuration", "--jobs", "-j", "--scratch-path", "--build-path"},
}

// swift knows the package manager of Swift; see https://docs.swift.org/swiftpm/documentation/packagemanagerdocs.
func swift(words []string) verdict {
	if path.Base(words[0]) != "swift" || len(words) < 2 {
		return verdict{}
	}
	v := verdict{kind: install, manager: "swift", stays: []string{".build", "swiftpm"}}
	var p parsed
	switch words[1] {
	case "--version":
		return verdict{kind: harmless}
	case "package":
		p = swiftOptions.parse(words[2:])
		switch first(p.rest) {
		case "resolve":
			v.unknown = p.doubt()
			if len(p.rest) > 1 {
				v.unknown = either(v.unknown, "it changes which version of a package is used")
			}
		case "update":
			v.unknown = "it changes Package.resolved, which a later copy of the sources would undo"
		default:
			return verdict{}
		}
	case "build", "run", "test":
		p = swiftOptions.parse(words[2:])
		v.implicit = true
		v.unknown = "swift " + words[1] + " fetches and compiles in one step; " +
			"swift package resolve needs Package.swift and Package.resolved only and can stand before the copy"
	default:
		return verdict{}
	}
	v.dir = p.value("--package-path")
	v.read = func(r *reading) {
		s := &swiftReader{reading: r, seen: map[string]bool{}}
		scratch := either(p.value("--scratch-path", "--build-path"), ".build")
		r.writes(join(r.dir, scratch), "/root/.cache/org.swift.swiftpm")
		s.optional(s.dir, "Package.resolved", ".swift-version")
		s.tree(path.Join(s.dir, ".swiftpm/configuration"))
		s.manifests(s.dir)
	}
	return v
}

// swiftReader follows the manifests of one call.
type swiftReader struct {
	*reading
	seen map[string]bool
}

// manifests reads a package's Package.swift and those for certain versions of Swift.
func (s *swiftReader) manifests(dir string) {
	if s.seen[dir] || s.unknown != "" {
		return
	}
	s.seen[dir] = true
	names, _ := fs.Glob(s.context, path.Join(dir, "Package@swift-*.swift")) // the pattern is well formed
	for _, name := range append(names, path.Join(dir, "Package.swift")) {
		if data, ok := s.content(name); ok {
			s.manifest(dir, name, string(data))
		}
	}
}

var (
	swiftComment = pattern.New(`(?m)^\s*//.*$`)
	swiftImport  = pattern.New(`(?m)\bimport\s+(.*)$`)
	localPackage = pattern.New(`\.package\s*\(\s*(?:name\s*:\s*"[^"]*"\s*,\s*)?path\s*:\s*`)
	localLiteral = pattern.New(localPackage.String() + `"([^"\\]*)"`)
	localBinary  = pattern.New(`binaryTarget\s*\([^)]*\bpath\s*:`)
)

// manifest reads one manifest. It is a program: without Foundation or a C library it has no way to read files.
func (s *swiftReader) manifest(dir, name, text string) {
	text = swiftComment.ReplaceAllString(text, "")
	for _, m := range swiftImport.FindAllStringSubmatch(text, -1) {
		module := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(m[1]), ";"))
		if !slices.Contains([]string{"PackageDescription", "CompilerPluginSupport"}, module) {
			s.refuse("%s imports %s, with which it may read the sources", name, module)
		}
	}
	if strings.Contains(text, "gitInformation") || strings.Contains(text, "@_") {
		s.refuse("%s may read the sources", name)
	}
	if localBinary.MatchString(text) {
		s.refuse("%s names a binary that is part of the sources", name)
	}
	found := localLiteral.FindAllStringSubmatch(text, -1)
	if len(found) != len(localPackage.FindAllString(text, -1)) {
		s.refuse("%s depends on a package whose place is not known", name)
	}
	for _, m := range found {
		if at, ok := s.within(dir, m[1]); ok {
			s.manifests(at)
		}
	}
}
