// Package buildcontext says how a Dockerfile is built in its repository: from which directory, with which ignore file,
// target and arguments.
//
// What compose files and workflows state is believed; otherwise the directory is inferred from which one makes the COPY
// sources exist. A file may be built in several ways, and what a check claims must hold for all of them.
package buildcontext

import "io/fs"

// A Build is one way in which a Dockerfile is built.
type Build struct {
	Origin    string            // where it is said, for people: "compose.yml, service web"; "inferred from COPY sources"
	Stated    bool              // a file says so; false when inferred
	Dir       string            // the context directory relative to the repository's root, "." for the root itself
	Target    string            // the stage to build, "" for the last
	Args      map[string]string // build arguments with known values
	Platforms []string          // as stated; empty when nothing is said
	// Context is the directory as the builder sees it: the ignore file's patterns applied, names relative to Dir.
	Context fs.FS
	// Whole is the directory without the ignore file.
	Whole fs.FS
}
