package checks

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/image"
	"github.com/lighterman/lighterman/internal/pattern"
)

const (
	// maxHeirs is how many Dockerfiles are looked at to find those that stand on one another's images.
	maxHeirs = 1000
	// maxHeirNames is how many names of a repository are passed by to find them.
	maxHeirNames = 50_000
)

// heir says which other Dockerfile of the repository may stand on the image, and would then be built as the new user.
func heir(p *check.Pass) string {
	for _, line := range p.Once("which Dockerfiles stand on images of the repository", heirs) {
		name, on, found := strings.Cut(line, "\n")
		switch {
		case !found:
			return line
		case name != p.File.Path:
			return fmt.Sprintf("%s stands on %s, which may be this image, and its steps would no longer run as root", name, on)
		}
	}
	for _, line := range p.Once("which workflows run their jobs in images of the repository", jobs) {
		name, in, _ := strings.Cut(line, "\n")
		return fmt.Sprintf("%s runs jobs in %s, which may be this image, and the steps of a job need root", name, in)
	}
	return ""
}

// jobImage finds the image that a job of a workflow runs in: docs.github.com, "Running jobs in a container".
var jobImage = pattern.New(`(?m)^[ \t]+container:[ \t]*(?:\r?\n[ \t]+image:[ \t]*)?["']?([\w./-]+)`)

// jobs lists the workflows that run a job in an image which the repository itself seems to build: the path, a line end and
// the image.
func jobs(repo fs.FS) []string {
	by := map[string]string{} // the workflow by the name of the image
	for _, name := range together(repo, []string{".github/workflows/*.y*ml"}) {
		text, err := fs.ReadFile(repo, name)
		if err != nil {
			continue
		}
		for _, m := range jobImage.FindAllSubmatch(text, -1) {
			if image := imageName(string(m[1])); !official[image] && image != "" {
				by[image] = name
			}
		}
	}
	var out []string
	for _, image := range buildcontext.Mentioned(repo, "Dockerfile", tagged, slices.Sorted(maps.Keys(by))) {
		out = append(out, by[image]+"\n"+image)
	}
	return out
}

// tagged matches what stands before the name that an image is given when it is built.
const tagged = `(?:-t\b|--tag|tags?\b)`

// heirs lists the Dockerfiles that stand on an image which the repository itself seems to build: the path, a line end and
// the image. A line without a line end says why that is not known.
func heirs(repo fs.FS) []string {
	names, complete := dockerfilesOf(repo)
	if !complete {
		return []string{"the repository has too many files to see whether a Dockerfile of it stands on this image"}
	}
	if r, ok := repo.(buildcontext.Prefetcher); ok {
		_ = r.Prefetch(names) // what could not be fetched together is read one by one
	}
	var out []string
	on := map[string][]string{} // the Dockerfiles by the name of the image
	for _, name := range names {
		text, err := fs.ReadFile(repo, name)
		if err != nil || !ownImage(text) {
			continue
		}
		f, err := dockerfile.Parse(name, text)
		if err != nil {
			continue // no builder reads it either
		}
		for _, s := range f.Stages {
			if ref := strangeBase(s); ref != "" && partOfTheBuild(repo, f, ref) {
				out = append(out, name+"\n"+ref)
			} else if ref != "" {
				on[imageName(ref)] = append(on[imageName(ref)], name+"\n"+ref)
			}
		}
	}
	built := slices.Concat(buildcontext.Mentioned(repo, "Dockerfile", builtAs, slices.Sorted(maps.Keys(on))), composeImages(repo))
	for _, image := range built {
		out = append(out, on[image]...)
	}
	return out
}

// fromLine finds what a FROM names.
var fromLine = pattern.New(`(?im)^\s*FROM\s+(?:--\S+\s+)*(\S+)`)

// ownImage reports whether a Dockerfile's text names an image that is neither official nor otherwise known.
func ownImage(text []byte) bool {
	for _, m := range fromLine.FindAllSubmatch(text, -1) {
		ref := string(m[1])
		if _, known := image.Bundled().Lookup(ref); !known && !official[imageName(ref)] {
			return true
		}
	}
	return false
}

// strangeBase is the image that a stage stands on, as far as it is literal, "" for another stage and for what no
// repository but its own builds.
func strangeBase(s *dockerfile.Stage) string {
	ref, known := s.Image()
	if s.Parent != nil || ref == "scratch" {
		return ""
	}
	if !known {
		ref, _, _ = strings.Cut(ref, "$") // of acme/base:${TAG} the name is known
	}
	if official[imageName(ref)] {
		return ""
	}
	return ref
}

// partOfTheBuild reports whether a build puts what another service or target builds in the place of an image.
func partOfTheBuild(repo fs.FS, f *dockerfile.File, ref string) bool {
	for _, b := range check.BuildsOf(repo, f) {
		for name, is := range b.Named {
			if spelled(name) == spelled(ref) && (strings.HasPrefix(is, "service:") || strings.HasPrefix(is, "target:")) {
				return true
			}
		}
	}
	return false
}

// imageName is a reference without tag and digest, and without Docker Hub's name.
func imageName(ref string) string {
	name := strings.TrimSuffix(withoutDigest(ref), ":"+tagOf(ref))
	name = strings.TrimRight(name, ":-./")
	return strings.TrimPrefix(strings.TrimPrefix(name, "docker.io/"), "library/")
}

// builtAs matches what stands before the name of an image where one is built: docker build -t, tags of workflows and bake
// files, a variable that is called after an image.
const builtAs = `(?:-t\b|--tag|tags?\b|image\w*\s*[:?]?=|image_(?:name|tag|repo)\w*:)`

// composeImages are the names of the images that services of compose files are built as.
func composeImages(repo fs.FS) []string {
	var out []string
	for _, name := range together(repo, []string{"*compose*.y*ml", "*/*compose*.y*ml"}) {
		text, err := readHead(repo, name)
		if err != nil {
			continue
		}
		lines := strings.Split(string(text), "\n")
		for n, line := range lines {
			if m := imageLine.FindStringSubmatch(line); m != nil && besideBuild(lines, n, len(m[1])) {
				out = append(out, imageName(m[2]))
			}
		}
	}
	return out
}

// imageLine is what a service says it is built as, or taken from.
var imageLine = pattern.New(`^([ ]+)image:\s*["']?([^\s"'#$]+)`)

// besideBuild reports whether "build" stands beside line n, which is so far indented.
func besideBuild(lines []string, n, indent int) bool {
	beside := func(line string) (build, over bool) {
		trimmed := strings.TrimLeft(line, " ")
		at := len(line) - len(trimmed)
		return at == indent && strings.HasPrefix(trimmed, "build:"), strings.TrimSpace(line) != "" && at < indent
	}
	for _, step := range []int{-1, 1} {
		for k := n + step; k >= 0 && k < len(lines); k += step {
			build, over := beside(lines[k])
			if build {
				return true
			}
			if over {
				break
			}
		}
	}
	return false
}

// builtHere reports whether some file of the repository names an image that is no official one as something that is built.
func builtHere(p *check.Pass, ref string) bool {
	name := imageName(ref)
	return name != "" && !official[name] && (buildcontext.Mentions(p.Repo, p.File.Path, builtAs, name) ||
		slices.Contains(p.Once("as what compose services are built", composeImages), name))
}

// dockerfilesOf lists a repository's Dockerfiles; complete is false when there are too many files.
func dockerfilesOf(repo fs.FS) (out []string, complete bool) {
	seen := 0
	err := fs.WalkDir(repo, ".", func(name string, d fs.DirEntry, err error) error {
		switch seen++; {
		case err != nil || seen > maxHeirNames || len(out) > maxHeirs:
			return fs.ErrInvalid
		case d.IsDir() && slices.Contains([]string{".git", "node_modules", "vendor", "testdata"}, d.Name()):
			return fs.SkipDir
		case d.Type().IsRegular() && dockerfile.Named(name):
			out = append(out, name)
		}
		return nil
	})
	return out, err == nil
}
