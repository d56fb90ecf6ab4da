package ecosystem

import (
	"path"
	"slices"
	"strings"
)

// npmLifecycle are the scripts of the project that "npm ci" and "npm install" run; see
// https://docs.npmjs.com/cli/v11/using-npm/scripts#npm-ci.
var npmLifecycle = []string{"preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare",
	"postprepare",
	"dependencies"}

var npmOptions = options{
	switches: []string{"--omit", "--include", "--only", "--production", "--prod", "--dev", "--no-audit", "--audit",
		"--no-fund",
		"--fund", "--legacy-peer-deps", "--strict-peer-deps", "--force", "-f", "--silent", "-s", "--quiet", "-q", "--verbose",
		"-d", "-dd", "-ddd", "--no-optional", "--unsafe-perm", "--prefer-offline", "--prefer-online", "--no-save",
		"--no-progress",
		"--progress", "--ignore-scripts", "--no-color", "--no-update-notifier", "--frozen-lockfile", "--engine-strict",
		"--foreground-scripts", "--no-package-lock", "--loglevel", "--cache", "--registry", "--fetch-timeout",
		"--fetch-retries",
		"--maxsockets", "--cpu", "--os", "--libc", "--install-strategy", "--no-bin-links", "--if-present", "--no-shrinkwrap"},
	values: []string{"--prefix", "-C", "-w", "--workspace"},
}

// npm knows the npm command; see https://docs.npmjs.com/cli/v11/commands/npm-ci.
func npm(words []string) verdict {
	if path.Base(words[0]) != "npm" {
		return verdict{}
	}
	p := npmValued(words[1:])
	switch sub := first(p.rest); {
	case sub == "" && p.has("-v", "--version"), sub == "config", sub == "set", sub == "cache":
		return verdict{kind: harmless}
	case isGlobal(words) && slices.Contains([]string{"install", "i", "add", "update", "upgrade"}, sub):
		return tool(p.rest[1:])
	case slices.Contains([]string{"ci", "clean-install", "ic", "install-clean", "install", "i", "in", "add"}, sub):
		return npmInstall(p)
	}
	return verdict{}
}

// npmValued parses npm's words; some of its flags take their value with or without "=".
func npmValued(args []string) parsed {
	o := npmOptions
	spaced := []string{"--loglevel", "--cache", "--registry", "--fetch-timeout", "--fetch-retries", "--maxsockets",
		"--omit",
		"--include", "--only", "--cpu", "--os", "--libc", "--install-strategy"}
	o.values = slices.Concat(o.values, spaced)
	o.switches = slices.DeleteFunc(slices.Clone(o.switches), func(s string) bool { return slices.Contains(spaced, s) })
	o.switches = append(o.switches, "-v", "--version", "-g", "--global", "--location")
	return o.parse(args)
}

func isGlobal(words []string) bool {
	return slices.Contains(words, "-g") || slices.Contains(words, "--global") ||
		slices.Contains(words, "--location=global")
}

func first(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// tool is an install into the image itself: it reads nothing of the project, unless it names a path.
func tool(packages []string) verdict {
	for _, p := range packages {
		if isLocal(p) || strings.HasSuffix(p, ".tgz") || strings.Contains(p, "$") {
			return verdict{}
		}
	}
	return verdict{kind: harmless}
}

func npmInstall(p parsed) verdict {
	v := verdict{kind: install, manager: "npm", dir: p.value("--prefix", "-C"), unknown: p.doubt()}
	if len(p.rest) > 1 && v.unknown == "" {
		v.unknown = "it adds packages to package.json, which a later copy of the sources would undo"
	}
	v.read = func(r *reading) {
		n := &node{reading: r, manager: "npm", lifecycle: npmLifecycle, linksOwnBins: true,
			ignoreScripts: p.has("--ignore-scripts"),
			locks:         []string{"package-lock.json", "npm-shrinkwrap.json"}}
		n.project(func(root manifest) []string { return n.packages(n.globs(root.Workspaces)) })
	}
	return v
}
