package prove

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

// otherTools are those of languages with one way to install, each with what it is known to read. What their manifests
// name is checked by completeOther.
var otherTools = []tool{
	{
		commands:  []string{"dart pub get", "flutter pub get", "flutter packages get", "pub get"},
		manifests: []string{"pubspec.yaml"}, also: []string{"pubspec.lock", "pubspec_overrides.yaml"},
		options: options{switches: `--offline --no-offline -n --enforce-lockfile --no-example --no-precompile --precompile
			--suppress-analytics -v --verbose --color --no-color`, dirs: "-C --directory"},
		beside: []string{".dart_tool", ".flutter-plugins-dependencies"}, writes: []string{"/root/.pub-cache"}, alters: true,
	},
	{
		commands: []string{"swift package resolve"}, manifests: []string{"Package.swift", "Package@swift-*.swift"},
		also: []string{"Package.resolved", ".swift-version"},
		options: options{switches: `--skip-update --force-resolved-versions --only-use-versions-from-resolved-file
			--disable-automatic-resolution -v --verbose -q --quiet --disable-dependency-cache --enable-dependency-cache`},
		beside: []string{".build"}, writes: []string{"/root/.cache/org.swift.swiftpm"}, alters: true,
	},
	{
		commands: []string{"deno install", "deno i"}, manifests: []string{"deno.json", "deno.jsonc", "package.json"},
		also: []string{"deno.lock", "package.json", ".npmrc"},
		options: options{switches: `--frozen --frozen-lockfile --quiet -q --reload -r --allow-scripts --no-lock
			--node-modules-dir --no-npm --no-remote --prod --allow-import -I`, values: "--log-level -L"},
		beside: []string{"node_modules"}, writes: []string{"/deno-dir", "/root/.cache/deno"}, alters: true,
	},
	{
		commands: []string{"deno cache deps.ts"}, manifests: []string{"deps.ts"},
		also:    []string{"deno.json", "deno.jsonc", "deno.lock", "package.json", ".npmrc"},
		options: options{switches: "--frozen --quiet -q --reload -r --no-lock"},
		beside:  []string{"node_modules"}, writes: []string{"/deno-dir", "/root/.cache/deno"}, alters: true,
	},
	{
		commands: []string{"cabal build", "cabal v2-build", "cabal new-build"}, manifests: []string{"*.cabal"},
		also: []string{"cabal.project", "cabal.project.freeze", "cabal.project.local"},
		options: options{switches: `--only-dependencies --dependencies-only --enable-tests --disable-tests
			--enable-benchmarks --disable-benchmarks --disable-documentation --disable-profiling -v -v1 -v0 -j
			-j1 -j2 -j4 -j8 -O -O1 -O2 -O0`},
		needs: []string{"--only-dependencies|--dependencies-only"}, beside: []string{"dist-newstyle"},
		writes: []string{"/root/.cabal"},
	},
	{
		commands: []string{"stack build"}, manifests: []string{"stack.yaml"}, also: []string{"stack.yaml.lock"},
		options: options{switches: `--only-dependencies --dependencies-only --system-ghc --install-ghc --no-install-ghc
			--allow-different-user --fast --no-terminal --silent -v --verbose`, values: "--jobs"},
		needs: []string{"--only-dependencies|--dependencies-only"}, beside: []string{".stack-work"},
		writes: []string{"/root/.stack"}, alters: true,
	},
	{
		commands: []string{
			"dart --version", "flutter --version", "flutter config", "flutter precache", "flutter doctor", "swift --version",
			"deno --version", "cabal update", "stack update",
		},
		free: true, system: true,
	},
}

// otherManifests are the manifests of otherTools that are looked into.
var otherManifests = []string{"pubspec.yaml", "Package.swift", "Package@swift-*.swift", "deno.json", "deno.jsonc",
	"deps.ts", "stack.yaml", "*.cabal"}

// completeOther is complete for the manifests of otherTools.
func completeOther(fsys fs.FS, name string, inputs []string, e effect) error {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("read %s in the build context: %w", name, err)
	}
	switch base := path.Base(name); {
	case base == "pubspec.yaml":
		return pubspecComplete(fsys, name, string(text), inputs, e)
	case strings.HasSuffix(base, ".swift"):
		return swiftComplete(fsys, name, string(text), inputs)
	case base == "deno.json", base == "deno.jsonc":
		return denoComplete(fsys, name, text, inputs)
	case base == "deps.ts":
		for _, settings := range []string{"deno.json", "deno.jsonc"} {
			settings = path.Join(path.Dir(name), settings)
			if text, err := fs.ReadFile(fsys, settings); err == nil && denoMapped.Match(text) {
				return fmt.Errorf("%s puts part of the sources in the place of an import", settings)
			}
		}
		return denoModule(name, string(text))
	case base == "stack.yaml", strings.HasSuffix(base, ".cabal"):
		return haskellComplete(fsys, name, string(text), inputs, e)
	}
	return nil
}

// needs checks that a file is an input, if it is there.
func needs(fsys fs.FS, file string, inputs []string) error {
	if _, err := fs.Lstat(fsys, file); err == nil && !covered(file, inputs) {
		return fmt.Errorf("the install also reads %s, which is not copied before", file)
	}
	return nil
}

var (
	pubPath   = pattern.New(`(?m)\bpath:\s*["']?([^\s"',}]+)`)
	pubMember = pattern.New(`(?m)^\s*-\s*["']?([\w./-]+)["']?\s*$`)
	generates = pattern.New(`(?m)^\s+generate:\s*true`)
)

// pubspecComplete checks that the manifests of packages that are taken from directories are inputs.
func pubspecComplete(fsys fs.FS, name, text string, inputs []string, e effect) error {
	dir := path.Dir(name)
	if strings.HasPrefix(e.name, "flutter") {
		if generates.MatchString(text) || pubPath.MatchString(text) {
			return fmt.Errorf("%s makes flutter read the sources", name)
		}
		for _, platform := range []string{"android", "ios", "linux", "macos", "windows"} {
			if _, err := fs.Lstat(fsys, path.Join(dir, platform)); err == nil {
				return fmt.Errorf("flutter pub get writes into %s", path.Join(dir, platform))
			}
		}
	}
	for _, m := range append(pubPath.FindAllStringSubmatch(text, -1), pubMember.FindAllStringSubmatch(text, -1)...) {
		if err := needs(fsys, path.Join(dir, m[1], "pubspec.yaml"), inputs); err != nil {
			return err
		}
	}
	return nil
}

var (
	swiftImport  = pattern.New(`(?m)\bimport\s+(\S.*?)\s*;?\s*$`)
	swiftPath    = pattern.New(`\bpath\s*:\s*"([^"]*)"`)
	swiftAddress = pattern.New(`\burl\s*:\s*"([^"]*)"`)
	swiftRemote  = pattern.New(`^((https?|ssh|git)://|git@)`)
)

// swiftComplete checks that a manifest has no means to read files, and that those of local packages are inputs.
func swiftComplete(fsys fs.FS, name, text string, inputs []string) error {
	for _, m := range swiftImport.FindAllStringSubmatch(text, -1) {
		if m[1] != "PackageDescription" && m[1] != "CompilerPluginSupport" {
			return fmt.Errorf("%s imports %s, with which it may read the sources", name, m[1])
		}
	}
	dir := path.Dir(name)
	for _, m := range swiftAddress.FindAllStringSubmatch(text, -1) {
		if !swiftRemote.MatchString(m[1]) {
			return fmt.Errorf("%s takes a package from %s, which may be part of the sources", name, m[1])
		}
	}
	for _, m := range swiftPath.FindAllStringSubmatch(text, -1) {
		if err := needs(fsys, path.Join(dir, m[1], "Package.swift"), inputs); err != nil {
			return err
		}
	}
	versions, _ := fs.Glob(fsys, path.Join(dir, "Package@swift-*.swift")) // the pattern is well formed
	for _, version := range versions {
		if err := needs(fsys, version, inputs); err != nil {
			return err
		}
	}
	if mirrors := path.Join(dir, ".swiftpm/configuration"); !allCovered(fsys, mirrors, inputs) {
		if _, err := fs.Lstat(fsys, mirrors); err == nil {
			return fmt.Errorf("the install also reads %s, which is not copied before", mirrors)
		}
	}
	return nil
}

// denoComplete checks that settings name no other files, and that those of a workspace's members are inputs.
func denoComplete(fsys fs.FS, name string, text []byte, inputs []string) error {
	for _, setting := range []string{`"vendor"`, `"links"`, `"patch"`, `"importMap"`} {
		if bytes.Contains(text, []byte(setting)) {
			return fmt.Errorf("%s sets %s, which may name other files", name, setting)
		}
	}
	var settings struct{ Workspace json.RawMessage }
	if err := json.Unmarshal(text, &settings); err != nil && bytes.Contains(text, []byte(`"workspace"`)) {
		return fmt.Errorf("%s cannot be read", name)
	}
	for _, at := range regexp.MustCompile(`"([^"]+)"`).FindAllSubmatch(settings.Workspace, -1) {
		dirs, _ := fs.Glob(fsys, path.Join(path.Dir(name), string(at[1])))
		for _, dir := range dirs {
			for _, file := range []string{"deno.json", "deno.jsonc", "package.json"} {
				if err := needs(fsys, path.Join(dir, file), inputs); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

var (
	// denoMapped matches an address that stands for a file, and types that every module is checked with.
	denoMapped = pattern.New(`"(https?|npm|jsr):[^"]*"\s*:\s*"(\.{0,2}/|file:)|"(types|jsxImportSource)"\s*:`)
	// denoNotes match imports that are no plain statements (docs.deno.com/runtime/reference/ts_config_migration).
	denoNotes = pattern.New("\\bimport\\s*\\(\\s*[^\\s\"']|<reference\\b|" +
		"@(deno-types|ts-types|ts-self-types|jsxImportSource)\\b")
	moduleName = pattern.New(`\b(?:from|import)\s*\(?\s*["']([^"'\n]+)["']`)
)

// denoModule checks that all that a file imports comes from elsewhere.
func denoModule(name, text string) error {
	if note := denoNotes.FindString(text); note != "" {
		return fmt.Errorf("%s imports by %s what may be part of the sources", name, note)
	}
	for _, m := range moduleName.FindAllStringSubmatch(text, -1) {
		if !strings.Contains(m[1], "://") && !strings.HasPrefix(m[1], "npm:") && !strings.HasPrefix(m[1], "jsr:") {
			return fmt.Errorf("%s imports %s, which may be part of the sources", name, m[1])
		}
	}
	return nil
}

// stackPlace matches packages and settings of stack that are files: an address has a colon (docs.haskellstack.org).
var stackPlace = pattern.New(`(?m)\b(archive|git|hg|url|location)\s*:\s*["']?[^\s:"'#]+["']?\s*(#.*)?$|` +
	`^\s*-?\s*["']?[^\s:"'#]+\.(tar\.gz|tgz|zip|tar)["']?\s*(#.*)?$|` +
	`\b(resolver|snapshot)\s*:\s*[^\s:#]*(/|\.ya?ml)[^\s:#]*\s*(#.*)?$`)

// haskellComplete checks that a package is described by a file that is an input, and built without a program of its
// own.
func haskellComplete(fsys fs.FS, name, text string, inputs []string, e effect) error {
	if len(e.lacks) > 0 {
		return fmt.Errorf("%s reads the sources without %s", e.name, strings.ReplaceAll(e.lacks[0], "|", " or "))
	}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(strings.TrimSpace(key), "build-type") && !strings.EqualFold(strings.TrimSpace(value), "simple") {
			return fmt.Errorf("%s is built by a program of its own", name)
		}
	}
	dirs := []string{path.Dir(name)}
	if path.Base(name) == "stack.yaml" {
		if place := stackPlace.FindString(text); place != "" {
			return fmt.Errorf("%s names part of the sources: %s", name, strings.TrimSpace(place))
		}
		for _, m := range pubMember.FindAllStringSubmatch(text, -1) {
			dirs = append(dirs, path.Join(path.Dir(name), m[1]))
		}
	}
	for _, dir := range dirs {
		if _, err := fs.Lstat(fsys, path.Join(dir, "package.yaml")); err == nil {
			return fmt.Errorf("%s is made complete from the modules among the sources", path.Join(dir, "package.yaml"))
		}
		found, _ := fs.Glob(fsys, path.Join(dir, "*.cabal")) // the pattern is well formed
		if i := slices.IndexFunc(found, func(f string) bool { return !covered(f, inputs) }); i >= 0 {
			return fmt.Errorf("the install also reads %s, which is not copied before", found[i])
		}
	}
	return nil
}
