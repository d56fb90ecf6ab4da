package check

import (
	"path"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// Subject reports whether a file, named from the root of what is looked at, is a Dockerfile to look at: by its name, and
// not in a folder that is passed over.
func Subject(name string) bool {
	for dir := path.Dir(name); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if PassedOver(dir) {
			return false
		}
	}
	return dockerfile.Named(name)
}

// PassedOver reports whether a folder holds other people's files or, by Go's convention, the data of tests: Dockerfiles
// there are not what the repository ships. Naming such a folder outright looks at it all the same.
func PassedOver(dir string) bool {
	switch strings.ToLower(path.Base(dir)) {
	case ".git", "node_modules", "vendor", ".venv", "testdata":
		return true
	}
	return false
}
