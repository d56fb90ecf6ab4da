package review

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/forge"
)

// maxMentions is how many words of one patch are taken for files that a check may ask for.
const maxMentions = 20

var (
	namesFiles = regexp.MustCompile(`(?i)^[+ ]\s*(?:ADD|COPY|ENTRYPOINT|CMD)\s`)
	betweens   = regexp.MustCompile(`[\s",\[\]]+`)
)

// mentions are the small files of the tree that the shown lines of the changed Dockerfiles name as what is copied or
// started. It guesses from the patch, before any Dockerfile was read, so that all are read in one request.
func mentions(tree fs.FS, picked []forge.ChangedFile) []string {
	var out []string
	for _, c := range picked {
		n := 0
		for line := range strings.Lines(c.Patch) {
			if !namesFiles.MatchString(line) {
				continue
			}
			for _, word := range betweens.Split(line, -1)[1:] {
				if n++; n > maxMentions {
					break
				}
				out = append(out, existing(tree, path.Dir(c.Path), word)...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// existing are the small files that word names from the Dockerfile's directory or from the root.
func existing(tree fs.FS, dir, word string) []string {
	var out []string
	for _, name := range []string{path.Join(dir, word), path.Clean(strings.TrimLeft(word, "/"))} {
		if !fs.ValidPath(name) || strings.ContainsAny(word, "$*?=\\") || strings.HasPrefix(word, "--") {
			continue
		}
		if info, err := fs.Stat(tree, name); err == nil && info.Mode().IsRegular() && info.Size() <= maxManifest {
			out = append(out, name)
		}
	}
	return out
}
