package ecosystem

import (
	"path"
	"slices"
	"strings"
)

// manifests are files whose content Read looks at, lockFiles those of which it only needs to know that they exist.
var (
	manifests = []string{"go.mod", "go.work", "package.json", ".npmrc", ".yarnrc", ".yarnrc.yml", "pnpm-workspace.yaml",
		"pyproject.toml", "poetry.toml", "uv.toml",
		"Gemfile", "gems.rb", "Pipfile", "pdm.toml", "composer.json", "mix.exs"}

	lockFiles = []string{"go.sum", "go.work.sum", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock",
		"pnpm-lock.yaml", "poetry.lock", "uv.lock", "pdm.lock",
		"Gemfile.lock", "gems.locked", "Pipfile.lock", "composer.lock",
		"symfony.lock", "mix.lock"}
)

// Wanted reports whether a file of that repository path may be opened by Read. Whoever reads a repository over a
// network fetches these beforehand.
func Wanted(name string) bool {
	for _, dir := range strings.Split(path.Dir(name), "/") {
		if dir == "node_modules" || dir == "vendor" || dir == ".git" || dir == "testdata" {
			return false
		}
	}
	return slices.Contains(manifests, path.Base(name)) || isRequirements(name) || isRead(name) || isProgram(name)
}

// isProgram reports whether a path is, by convention, a Gemfile or the settings beside one, or describes an environment
// of conda.
func isProgram(name string) bool {
	base := path.Base(name)
	return isEnvironment(base) || base == "composer.lock" ||
		path.Ext(base) == ".exs" && path.Base(path.Dir(name)) == "config" ||
		strings.HasSuffix(base, ".gemfile") || strings.HasPrefix(base, "Gemfile") && !Lock(name) ||
		strings.HasSuffix(name, ".bundle/config")
}

func isEnvironment(base string) bool {
	ext := path.Ext(base)
	return (ext == ".yml" || ext == ".yaml") && (strings.Contains(base, "environment") || strings.Contains(base, "conda"))
}

// Manifest reports whether a file of that path is one that installs read: a manifest, a lock file, a list of
// requirements. A copy that brings nothing else stands where it should.
func Manifest(name string) bool {
	return slices.Contains(manifests, path.Base(name)) || Lock(name) || isRequirements(name) ||
		isManifest(name) || isEnvironment(path.Base(name))
}

// Lock reports whether a file of that path is a lock file.
func Lock(name string) bool { return slices.Contains(lockFiles, path.Base(name)) || isLock(name) }

// isRequirements reports whether a path is, by convention, a list of requirements for pip.
func isRequirements(name string) bool {
	base := path.Base(name)
	if path.Ext(base) != ".txt" && path.Ext(base) != ".in" {
		return false
	}
	return strings.Contains(base, "requirements") || strings.Contains(base, "constraints") ||
		path.Base(path.Dir(name)) == "requirements"
}
