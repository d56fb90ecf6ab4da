package ecosystem

import (
	"path"
	"slices"
	"strings"
)

// systemPackages are the commands of the operating systems' package managers that read no project file, as long as no
// word of theirs is a path.
var systemPackages = map[string][]string{
	"apt-get":  {"update", "install", "upgrade", "dist-upgrade", "clean", "autoclean", "autoremove", "remove", "purge"},
	"apt":      {"update", "install", "upgrade", "clean", "autoremove", "remove", "purge"},
	"apk":      {"add", "del", "update", "upgrade"},
	"dnf":      {"install", "update", "upgrade", "clean", "makecache", "remove"},
	"microdnf": {"install", "update", "upgrade", "clean", "remove"},
	"yum":      {"install", "update", "upgrade", "clean", "makecache", "remove"},
}

// accounts are the programs that create users and groups.
var accounts = []string{"adduser", "addgroup", "useradd", "groupadd"}

// scratch are directories outside any project that steps clean up.
var scratch = []string{"/var/lib/apt/", "/var/cache/", "/tmp/", "/var/tmp/", "/root/.cache", "/root/.npm",
	"/usr/share/doc",
	"/usr/share/man"}

// bystander knows the commands that often stand beside an install and leave the sources alone.
func bystander(words []string) verdict {
	args := words[1:]
	ok := false
	switch name := path.Base(words[0]); {
	case systemPackages[name] != nil:
		ok = system(systemPackages[name], args)
	case slices.Contains(accounts, name):
		ok = true
	case name == "rm":
		ok = cleans(words)
	case name == "set":
		ok = len(args) > 0 && !slices.ContainsFunc(args, func(a string) bool { return strings.ContainsAny(a, "$`") })
	case name == "echo", name == "true", name == ":":
		ok = true
	case name == "pipx":
		ok = len(args) > 1 && args[0] == "install" && tool(args[1:]).kind == harmless
	case name == "corepack":
		ok = len(args) > 0 && (args[0] == "enable" || args[0] == "prepare")
	case name == "git":
		ok = len(args) > 1 && args[0] == "config" && (args[1] == "--global" || args[1] == "--system")
	}
	if !ok {
		return verdict{}
	}
	return verdict{kind: harmless}
}

// system reports whether the words are one of the subcommands with package names and flags only.
func system(subcommands, args []string) bool {
	found := false
	for _, a := range args {
		if strings.Contains(a, "/") && !strings.Contains(a, "://") {
			return false
		}
		found = found || slices.Contains(subcommands, a)
	}
	return found
}

// cleans reports whether the command removes nothing but what lies in directories no project uses.
func cleans(words []string) bool {
	if path.Base(words[0]) != "rm" {
		return false
	}
	for _, a := range words[1:] {
		outside := slices.ContainsFunc(scratch, func(dir string) bool { return strings.HasPrefix(a, dir) })
		if !strings.HasPrefix(a, "-") && !outside || strings.Contains(a, "..") || strings.ContainsAny(a, "$`{") {
			return false
		}
	}
	return true
}
