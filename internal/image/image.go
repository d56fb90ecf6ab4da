// Package image knows facts about base images: who they run as, which shell and libc they carry.
//
// Facts may know nothing about an image; a check that needs an answer it does not get gives advice instead of a fix.
// Bundled is a small table of well known images that needs no network; every row of it names its source and its day.
package image

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
	// Workdir is the config's working directory; "/" when the image sets none.
	Workdir string
	// Entrypoint says what the image's own ENTRYPOINT makes of a CMD: "none" when it sets none, "passes" when it is a
	// script that ends in running the words it was given, "own" when they are arguments to a program of the image.
	Entrypoint string
	// StepsDown says that the image's own entrypoint starts as root and runs the program as another user.
	StepsDown bool
	// Port is the port below 1024 on which the image's own program listens unless it is told otherwise.
	Port int
	// Source says where the facts come from: a page and a date.
	Source string
}

// Facts answers questions about images by reference. It may be asked for any reference, from many goroutines.
type Facts interface {
	Lookup(ref string) (Image, bool)
}
