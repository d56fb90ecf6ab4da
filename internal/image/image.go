// Package image knows facts about base images: who they run as, which shell, libc and programs they carry, how long they
// get security fixes, and, where a registry was asked, what a tag means today.
//
// Facts may know nothing about an image; a check that needs an answer it does not get gives advice instead of a fix.
// Bundled is a table of well known images that needs no network; every row of it names its source and its day. Package
// registry asks registries and falls back to that table; an Image says which of the two it is from.
package image

import (
	"slices"
	"strings"
	"time"
)

// An Image is what is known of a base image. A zero field means "not known".
type Image struct {
	Name string // the repository without tag, as looked up: "node", "gcr.io/distroless/static-debian12"
	// User is the config's user; "root" when the image sets none.
	User string
	// Account is an unprivileged account the image has ready though it does not switch to it: "node".
	Account string
	UID     int // of Account
	GID     int // of Account
	// Shell is the program behind /bin/sh: "dash", "bash", "busybox"; "none" when the image has no shell.
	Shell string
	// Libc is "glibc", "musl" or "none".
	Libc string
	// Adduser says which account tools the image has: "shadow" (useradd), "busybox" (adduser -D), "none".
	Adduser string
	// Manager is the package manager: "apt", "apk", "dnf", "microdnf", "yum", "zypper", "pacman"; "none".
	Manager string
	// Programs and Missing are names of programs the image is known to have and known not to have, with commas. See Has.
	Programs string
	Missing  string
	// Workdir is the config's working directory; "/" when the image sets none.
	Workdir string
	// Entrypoint says what the image's own ENTRYPOINT makes of a CMD: "none" when it sets none, "passes" when it is a
	// script that ends in running the words it was given, "own" when they are arguments to a program of the image.
	Entrypoint string
	// StepsDown says that the image's own entrypoint starts as root and runs the program as another user.
	StepsDown bool
	// Port is the port below 1024 on which the image's own program listens unless it is told otherwise.
	Port int
	// Slim is the tag of a smaller variant of the same release with the same libc; "" when there is none or it is this one.
	Slim string
	// Variables are the names of all variables that the image sets, with commas, perhaps with some of other releases. See
	// Sets.
	Variables string
	// Made are the platforms that the image is known to be published for, with commas. See On.
	Made string
	// Source says where the facts come from: a page and a date, or a registry and a date.
	Source string

	// Answer is what the registry said; nil when it was not asked, or did not answer.
	Answer *Answer
	// Unanswered says why a registry that was asked did not answer, as the end of "the registry was asked, and ...".
	Unanswered string
}

// An Answer is what a registry said about a reference.
type Answer struct {
	Day    time.Time // when it was asked
	Source string    // who answered, and the day: "index.docker.io, 2026-11-25"
	// Digest is what the tag names: of the index when the image is for several platforms, else of its one manifest.
	Digest string
	// Tag is, for a reference without a tag or with "latest", a version's tag that names the same digest; "" when none
	// was found. For other references it is their own tag.
	Tag       string
	Created   time.Time // when the image says it was made; zero when it does not, or nothing that can be
	Platforms []Platform
	Config    Config
}

// A Platform is one of the platforms an image is made for.
type Platform struct {
	Name   string // "linux/arm64"
	Digest string // of its manifest
	Size   int64  // bytes of its compressed layers; 0 when it was not asked for
}

// A Config is how an image runs, as far as its configuration says.
type Config struct {
	User        string
	Workdir     string
	Env         []string
	Entrypoint  []string
	Cmd         []string
	Healthcheck bool
	Ports       []string // "80/tcp"
	OnBuild     []string
}

// Has reports whether the image has a program on its PATH, and whether that is known.
func (i Image) Has(program string) (has, known bool) {
	if slices.Contains(strings.Split(i.Programs, ","), program) {
		return true, true
	}
	return false, slices.Contains(strings.Split(i.Missing, ","), program)
}

// Sets are the names of the variables that the image sets; known is false when they are not known.
func (i Image) Sets() (names []string, known bool) {
	if i.Answer == nil {
		return strings.Split(i.Variables, ","), i.Variables != ""
	}
	for _, kv := range i.Answer.Config.Env {
		name, _, _ := strings.Cut(kv, "=")
		names = append(names, name)
	}
	return names, len(names) > 0
}

// On are all platforms that the image is published for; nil when they are not known.
func (i Image) On() []string {
	if i.Answer == nil || len(i.Answer.Platforms) == 0 {
		return strings.FieldsFunc(i.Made, func(r rune) bool { return r == ',' })
	}
	var names []string
	for _, p := range i.Answer.Platforms {
		names = append(names, p.Name)
	}
	return names
}

// Size is the compressed size of the image for a platform in bytes, or 0.
func (a *Answer) Size(platform string) int64 {
	if a == nil {
		return 0
	}
	for _, p := range a.Platforms {
		if p.Name == platform {
			return p.Size
		}
	}
	return 0
}

// Means reports whether a digest is what the reference names, or one of the images that it is made of.
func (a *Answer) Means(digest string) bool {
	return a.Digest == digest || slices.ContainsFunc(a.Platforms, func(p Platform) bool { return p.Digest == digest })
}

// Facts answers questions about images by reference. It may be asked for any reference, from many goroutines.
type Facts interface {
	Lookup(ref string) (Image, bool)
}
