package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// A Builder is what builds the images of a repository. Fixes use only syntax that it takes. The zero value is BuildKit.
type Builder string

// The builders.
const (
	BuildKit       Builder = "buildkit"
	Buildah        Builder = "buildah"
	Kaniko         Builder = "kaniko"
	OfficialImages Builder = "official-images" // the rules of Docker's official images
)

// A feature is syntax that came with BuildKit and that not every builder takes.
type feature struct {
	name    string
	used    func(*dockerfile.Instruction) bool
	without []Builder // the builders that do not take it, or not in all versions in use
}

// features. Buildah learned some of them late, so that the one in use may not know them; kaniko, which is not developed
// any more, reads most of them and does nothing about them, which is worse; and an official image is held to what every
// builder takes.
var features = []feature{
	{"RUN --mount", flagged("mount", "RUN"), []Builder{Kaniko, OfficialImages}},
	{"RUN --mount=type=cache", mountsCache, []Builder{Buildah}},
	{"RUN --network and --security", either(flagged("network", "RUN"), flagged("security", "RUN")),
		[]Builder{Kaniko, OfficialImages}},
	{"--link", flagged("link", "COPY", "ADD"), []Builder{Buildah, Kaniko, OfficialImages}},
	{"--chmod", flagged("chmod", "COPY", "ADD"), []Builder{Kaniko}},
	{"--parents", flagged("parents", "COPY"), []Builder{Buildah, Kaniko, OfficialImages}},
	{"--exclude", flagged("exclude", "COPY", "ADD"), []Builder{Kaniko, OfficialImages}},
	{"--checksum", flagged("checksum", "ADD"), []Builder{Kaniko, OfficialImages}},
	{"a heredoc", func(i *dockerfile.Instruction) bool { return len(i.Heredocs) > 0 }, []Builder{Kaniko}},
}

func flagged(name string, keywords ...string) func(*dockerfile.Instruction) bool {
	return func(i *dockerfile.Instruction) bool {
		_, ok := i.Flag(name)
		return ok && slices.Contains(keywords, i.Keyword)
	}
}

func mountsCache(i *dockerfile.Instruction) bool {
	return slices.ContainsFunc(i.Flags, func(fl dockerfile.Flag) bool {
		return i.Keyword == "RUN" && strings.EqualFold(fl.Name, "mount") && strings.Contains(fl.Value, "type=cache")
	})
}

func either(a, b func(*dockerfile.Instruction) bool) func(*dockerfile.Instruction) bool {
	return func(i *dockerfile.Instruction) bool { return a(i) || b(i) }
}

// takes reports why the builder may not take what a fix brings into a file. What the file used before is its own
// affair.
func (b Builder) takes(before, after *dockerfile.File) error {
	for _, f := range features {
		if slices.Contains(f.without, b) && uses(after, f) && !uses(before, f) {
			return fmt.Errorf("the builder is %s, which may not take %s", b, f.name)
		}
	}
	if b == OfficialImages && strings.TrimSpace(after.Directive("syntax")) != "" && before.Directive("syntax") == "" {
		return fmt.Errorf("the builder is %s, which takes no syntax line", b)
	}
	return nil
}

func uses(f *dockerfile.File, what feature) bool {
	return slices.ContainsFunc(f.Instructions, what.used)
}
