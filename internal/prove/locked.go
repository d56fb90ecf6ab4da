package prove

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

// lockedPlaces match, in the lock files of the managers, packages that are taken from the sources. A lock file may name
// one that its manifest no longer does.
var lockedPlaces = map[string]*pattern.Pattern{
	"package-lock.json":   pattern.New(`"resolved":\s*"file:`),
	"npm-shrinkwrap.json": pattern.New(`"resolved":\s*"file:`),
	"yarn.lock":           pattern.New(`(?m)^\s+resolved "file:`),
	"pnpm-lock.yaml":      pattern.New(`\btarball: ["']?file:`),
	"poetry.lock":         pattern.New(`(?m)^\s*type\s*=\s*["'](directory|file)["']`),
	"uv.lock":             pattern.New(`\bsource\s*=\s*\{\s*(directory|path)\s*=`),
	"Pipfile.lock":        pattern.New(`"path":\s*"|"file":\s*"(file:|[^":]*")`),
	"Gemfile.lock":        pattern.New(`(?m)^PATH\r?$`),
	"gems.locked":         pattern.New(`(?m)^PATH\r?$`),
	"pnpm-workspace.yaml": pattern.New(`:\s*["']?(file|portal|exec):\S`), // what a package extension may add
	".yarnrc.yml":         pattern.New(`:\s*["']?(file|link|portal|exec):\S`),
	"composer.lock":       pattern.New(`"type":\s*"path"|"url":\s*"(\.|\\?/|file:)`),
}

// lockPatch matches a patch that pnpm's lock file names.
var lockPatch = pattern.New(`(?m)^\s+path: ["']?([^\s"']+)`)

// lockComplete checks that a lock file, if an input is one, names nothing of the sources but inputs.
func lockComplete(fsys fs.FS, name string, inputs []string) error {
	places, known := lockedPlaces[path.Base(name)]
	if !known {
		return nil
	}
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("read %s in the build context: %w", name, err)
	}
	if places.Match(text) {
		return fmt.Errorf("%s takes a package from the sources", name)
	}
	if path.Base(name) != "pnpm-lock.yaml" {
		return nil
	}
	for _, m := range lockPatch.FindAllStringSubmatch(string(text), -1) {
		if err := needs(fsys, path.Join(path.Dir(name), m[1]), inputs); err != nil {
			return err
		}
	}
	return nil
}

var (
	packagePlace = pattern.New(`"(?:file|link|portal|git\+file|exec):([^"]*)"`)
	packagePatch = pattern.New(`"patch:[^"#]*#([^"]*)"`)
)

// packageComplete checks that what a package.json takes from the file system, wherever it says so, is an input, or has a
// manifest that is one.
func packageComplete(fsys fs.FS, name string, inputs []string) error {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("read %s in the build context: %w", name, err)
	}
	for _, m := range packagePlace.FindAllStringSubmatch(string(text), -1) {
		at := path.Join(path.Dir(name), m[1])
		info, err := fs.Lstat(fsys, at)
		if err == nil && info.IsDir() {
			at = path.Join(at, "package.json")
		}
		if err := needs(fsys, at, inputs); err != nil {
			return err
		}
	}
	for _, m := range packagePatch.FindAllStringSubmatch(string(text), -1) {
		for _, file := range strings.Split(m[1], "&") {
			if err := patchCovered(fsys, name, strings.TrimPrefix(file, "optional!"), inputs); err != nil {
				return err
			}
		}
	}
	return nil
}

// patchCovered checks that a patch is an input: one that is named from the root of a project, which is the package's
// directory or one above it, or from that directory (yarnpkg.com/protocol/patch).
func patchCovered(fsys fs.FS, name, file string, inputs []string) error {
	if strings.HasPrefix(file, "builtin<") {
		return nil
	}
	fromRoot, ok := strings.CutPrefix(file, "~/")
	if !ok {
		return needs(fsys, path.Join(path.Dir(name), file), inputs)
	}
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if err := needs(fsys, path.Join(dir, fromRoot), inputs); err != nil || dir == "." {
			return err
		}
	}
}
