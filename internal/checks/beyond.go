package checks

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

// heirWorks says which other Dockerfile may stand on the image and work from what is removed in it, "" for none. from
// looks at one of them.
func heirWorks(p *check.Pass, from func(*dockerfile.File) bool) string {
	for _, line := range p.Once("which Dockerfiles stand on images of the repository", heirs) {
		name, on, found := strings.Cut(line, "\n")
		if !found {
			return line
		}
		text, err := fs.ReadFile(p.Repo, name)
		if err != nil || name == p.File.Path {
			continue
		}
		if f, err := dockerfile.Parse(name, text); err == nil && from(f) {
			return fmt.Sprintf("%s stands on %s, which may be this image, and works from what would be removed", name, on)
		}
	}
	return ""
}

// installsWithLists reports whether a Dockerfile has a stage that begins to install without fetching lists, or copies them.
func installsWithLists(f *dockerfile.File) bool {
	if copiesLists.Match(f.Src) {
		return true
	}
	for _, s := range f.Stages {
		var users aptUsers
		if users.add(s.Instructions); len(users.readers) > 0 || users.onbuild != nil {
			return true
		}
	}
	return false
}

var copiesLists = pattern.New(`--?from=\S+ /var/lib(/apt\S*)? |from=[^ ]*source=/var/lib`)

// worksOffline reports whether a Dockerfile installs from a cache.
func worksOffline(f *dockerfile.File) bool { return offline.Match(f.Src) }

var offline = pattern.New(`--(prefer-)?offline|--network=none|--cacheonly|/\.npm\b|\.cache/|/var/cache/`)

// commandInstalls says which compose file starts the image with a command that installs with the lists, "" for none.
func commandInstalls(p *check.Pass) string {
	for _, b := range p.Builds {
		if !b.Command {
			continue
		}
		name, _, _ := strings.Cut(b.Origin, ",")
		text, err := fs.ReadFile(p.Repo, name)
		if err != nil || callsInstall.Match(text) && !callsUpdate.Match(text) {
			return name + " gives the container a command that may install with these lists"
		}
	}
	return ""
}

var (
	callsInstall = pattern.New(`\bapt(-get|itude)?["', ][^\n]*\binstall\b`)
	callsUpdate  = pattern.New(`\bapt(-get|itude)?["', ][^\n]*\bupdate\b`)
)
