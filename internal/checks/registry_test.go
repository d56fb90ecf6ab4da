package checks_test

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/image"
)

// registryFile is the file of a case's repository that stands for a registry: a reference a line, and what is said of it.
//
//	node:22 digest=a1 size=400
//	node digest=a1 tag=22.1.0
//	golang:1.26 digest=d4 created=2026-11-20 image=linux/amd64:d5 image=linux/arm64:d6
//	acme/app:1 unanswered=it does not know acme/app:1
const registryFile = "registry.txt"

// asked is o with the case's registry, if it has one, asked before the bundled table, and with what the case's
// configuration decides.
func asked(repo fs.FS, o check.Options) check.Options {
	text, err := fs.ReadFile(repo, registryFile)
	if err == nil {
		o.Images = registry{strings.Split(string(text), "\n")}
	}
	if c, err := config.Load(repo, config.Settings{Checks: checks.All()}); err == nil {
		return c.Options(o)
	}
	return o
}

type registry struct{ lines []string }

// Lookup implements image.Facts.
func (r registry) Lookup(ref string) (image.Image, bool) {
	i, ok := image.Bundled().Lookup(ref)
	for _, line := range r.lines {
		name, facts, _ := strings.Cut(line, " ")
		if name != ref {
			continue
		}
		if why, failed := strings.CutPrefix(facts, "unanswered="); failed {
			i.Unanswered = why
			return i, ok
		}
		i.Answer = &image.Answer{Day: today}
		for field := range strings.FieldsSeq(facts) {
			put(i.Answer, field)
		}
		return i, true
	}
	i.Unanswered = fmt.Sprintf("it does not know %s", ref)
	return i, ok
}

// put reads one field. A digest is written short.
func put(a *image.Answer, field string) {
	key, value, _ := strings.Cut(field, "=")
	switch key {
	case "digest":
		a.Digest = "sha256:" + strings.Repeat(value, 64/len(value))
	case "tag":
		a.Tag = value
	case "created":
		day, err := time.Parse(time.DateOnly, value)
		if err != nil {
			panic(err)
		}
		a.Created = day
	case "image":
		platform, digest, _ := strings.Cut(value, ":")
		digest = "sha256:" + strings.Repeat(digest, 64/len(digest))
		a.Platforms = append(a.Platforms, image.Platform{Name: platform, Digest: digest})
	case "size":
		size, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			panic(err)
		}
		a.Platforms = []image.Platform{{Name: "linux/amd64", Size: size << 20}}
	default:
		panic(field)
	}
}
