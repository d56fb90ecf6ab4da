package ecosystem

import (
	"maps"
	"path"
	"slices"
)

var bunFiles = files{
	read:  []string{"bunfig.toml"},
	locks: []string{"bun.lock", "bun.lockb"},
}

var bunOptions = options{
	switches: []string{"--frozen-lockfile", "--production", "-p", "--no-save", "--ignore-scripts", "--no-progress",
		"--silent", "--verbose", "--no-cache", "--no-verify", "--no-summary", "--force", "-f", "--save-text-lockfile",
	},
	values: []string{"--omit", "--backend", "--registry", "--network-concurrency", "--concurrent-scripts", "--linker",
		"--filter", "--cwd", "--cpu", "--os"},
}

// bun knows the bun command; see https://bun.sh/docs/cli/install.
func bun(words []string) verdict {
	if path.Base(words[0]) != "bun" {
		return verdict{}
	}
	o := bunOptions
	o.switches = append(slices.Clone(o.switches), "-g", "--global", "-v", "--version", "--revision")
	p := o.parse(words[1:])
	switch sub := first(p.rest); {
	case sub == "" && p.has("-v", "--version", "--revision"), sub == "pm" && len(p.rest) > 1 && p.rest[1] == "cache":
		return verdict{kind: harmless}
	case isGlobal(words) && (sub == "add" || sub == "install" || sub == "i" || sub == "a"):
		return tool(p.rest[1:])
	case sub == "install", sub == "i", sub == "ci":
		return bunInstall(p, len(p.rest) > 1)
	case sub == "add", sub == "a":
		return bunInstall(p, true)
	}
	return verdict{}
}

func bunInstall(p parsed, adds bool) verdict {
	v := verdict{kind: install, manager: "bun", dir: p.value("--cwd"), unknown: p.doubt()}
	if adds && v.unknown == "" {
		v.unknown = "it adds packages to package.json, which a later copy of the sources would undo"
	}
	v.read = func(r *reading) {
		n := &node{reading: r, manager: "bun", lifecycle: npmLifecycle, linksOwnBins: true,
			ignoreScripts: p.has("--ignore-scripts"), locks: bunFiles.locks}
		if !n.there(path.Join(n.dir, "bun.lock")) && !n.there(path.Join(n.dir, "bun.lockb")) {
			n.locks = slices.Concat(n.locks, lockFilesOf("npm", "yarn", "pnpm")) // those it would take over
		}
		n.bunfig(path.Join(n.dir, "bunfig.toml"))
		n.environment()
		root := n.project(func(root manifest) []string { return n.packages(n.globs(root.Workspaces)) })
		n.patched(root.Patched)
	}
	return v
}

// lockFilesOf are the lock files of other managers.
func lockFilesOf(managers ...string) []string {
	all := map[string][]string{"npm": {"package-lock.json"}, "yarn": {"yarn.lock"},
		"pnpm": {"pnpm-lock.yaml", "pnpm-workspace.yaml"}}
	var out []string
	for _, m := range managers {
		out = append(out, all[m]...)
	}
	return out
}

// environment refuses the files from which bun fills its environment before it does anything; see
// https://bun.sh/docs/runtime/env.
func (n *node) environment() {
	for _, name := range []string{".env", ".env.local", ".env.production", ".env.development", ".env.production.local",
		".env.development.local"} {
		if n.there(path.Join(n.dir, name)) {
			n.refuse("bun takes settings from %s", path.Join(n.dir, name))
		}
	}
}

// bunSettings are the settings of bunfig.toml's install table that name no file; see
// https://bun.sh/docs/runtime/bunfig.
var bunSettings = []string{"optional", "dev", "peer", "production", "exact", "saveTextLockfile", "auto",
	"frozenLockfile", "dryRun", "registry", "scopes", "linkWorkspacePackages", "ignoreScripts", "concurrentScripts",
	"linker", "minimumReleaseAge", "minimumReleaseAgeExcludes", "logLevel", "prefer", "lockfile"}

// bunfig reads bun's own settings.
func (n *node) bunfig(name string) {
	if !n.exists(name) {
		return
	}
	var settings struct {
		Install map[string]any `toml:"install"`
	}
	if !n.toml(name, &settings) {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(settings.Install)) {
		if !slices.Contains(bunSettings, key) {
			n.refuse("%s sets install.%s, which may name other files", name, key)
		}
	}
}
