package ecosystem

import (
	"path"
	"slices"
	"strings"
)

var cargoFiles = files{
	read:  []string{"Cargo.toml"},
	other: []string{"rust-toolchain", "rust-toolchain.toml", "recipe.json"},
	locks: []string{"Cargo.lock"},
	dirs:  []string{".cargo"},
}

// cargoStays are where cargo keeps what it downloads and builds: its home, and the target directory.
var cargoStays = []string{"/cargo", ".cargo", "/target", "=target", "registry", "sccache"}

// cargo knows the cargo command. Every command of its own needs the sources of each target to be there, if only to find
// out what targets there are (https://doc.rust-lang.org/cargo/guide/project-layout.html), so that nothing of the
// project can be fetched before them without help.
func cargo(words []string) verdict {
	switch path.Base(words[0]) {
	case "rustup":
		return rustup(words[1:])
	case "cargo":
	default:
		return verdict{}
	}
	args := words[1:]
	if len(args) > 0 && strings.HasPrefix(args[0], "+") {
		args = args[1:] // +nightly
	}
	v := verdict{kind: install, manager: "cargo", dir: path.Dir(manifestPath(args)), stays: cargoStays, read: readCrate}
	switch sub := first(args); sub {
	case "--version", "-V", "binstall", "search", "login":
		return verdict{kind: harmless}
	case "install":
		if !slices.Contains(args, "--path") && !slices.ContainsFunc(args, func(a string) bool {
			return strings.HasPrefix(a, "--path=") || a == "." || a == "./"
		}) {
			return verdict{kind: harmless}
		}
	case "chef":
		if len(args) < 2 || args[1] != "cook" {
			return verdict{}
		}
		v.read = func(r *reading) { r.optional(r.dir, "recipe.json") }
		return v
	case "build", "b", "check", "c", "test", "t", "run", "r", "rustc", "clippy", "bench", "zigbuild", "auditable":
	case "fetch", "vendor":
		v.unknown = "cargo " + sub + " needs the sources of every target to be there; " +
			"cargo chef cook, or a stub of the sources, can stand before the copy"
		return v
	default:
		return verdict{}
	}
	v.implicit = true
	v.unknown = "cargo " + first(args) + " fetches and compiles in one step; " +
		"cargo chef cook, or a build of a stub, can compile the dependencies before the copy"
	return v
}

// manifestPath is the value of --manifest-path, "" without it.
func manifestPath(args []string) string {
	for k, a := range args {
		if text, ok := strings.CutPrefix(a, "--manifest-path="); ok {
			return text
		}
		if a == "--manifest-path" && k+1 < len(args) {
			return args[k+1]
		}
	}
	return ""
}

func rustup(args []string) verdict {
	switch first(args) {
	case "target", "component", "toolchain", "default", "update", "set", "install", "--version":
		return verdict{kind: harmless}
	}
	return verdict{}
}

// readCrate lists the manifest and what stands beside it, and knows when there is nothing to fetch.
func readCrate(r *reading) {
	name := r.upward(r.dir, "Cargo.toml")
	if name == "" {
		r.refuse("there is no Cargo.toml in the build context")
		return
	}
	r.writes("/usr/local/cargo/registry", path.Join(path.Dir(name), "target"))
	r.optional(path.Dir(name), "Cargo.lock", "rust-toolchain", "rust-toolchain.toml", ".cargo/config.toml",
		".cargo/config")
	var crate map[string]any
	if r.toml(name, &crate) && !needsCrates(crate) {
		r.idle = name + " depends on no other crate"
	}
}

// needsCrates reports whether a manifest has dependencies, or members that may have.
func needsCrates(crate map[string]any) bool {
	for _, key := range []string{"dependencies", "dev-dependencies", "build-dependencies", "target",
		"workspace", "patch"} {
		if len(table(crate, key)) > 0 {
			return true
		}
	}
	return false
}
