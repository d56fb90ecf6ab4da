package ecosystem

import (
	"maps"
	"path"
	"slices"

	"go.yaml.in/yaml/v4"
)

// pnpmLifecycle are the scripts of the project and of its workspace packages that "pnpm install" runs; see
// https://pnpm.io/scripts#lifecycle-scripts.
var pnpmLifecycle = append([]string{"pnpm:devPreinstall"}, npmLifecycle...)

var pnpmOptions = options{
	switches: []string{"--frozen-lockfile", "--no-frozen-lockfile", "--prod", "-P", "--production", "--dev", "-D",
		"--offline",
		"--prefer-offline", "--ignore-scripts", "--no-optional", "--shamefully-hoist", "--recursive", "-r", "--silent", "-s",
		"--force", "--strict-peer-dependencies", "--no-strict-peer-dependencies", "--workspace-root", "-w",
		"--aggregate-output",
		"--stream", "--use-stderr", "--color", "--no-color", "--fail-if-no-match", "--hoist", "--no-hoist",
		"--ignore-pnpmfile"},
	values: []string{"--filter", "-F", "--dir", "-C", "--reporter", "--store-dir", "--network-concurrency", "--loglevel",
		"--registry", "--child-concurrency", "--fetch-timeout", "--package-import-method", "--node-linker"},
}

// pnpm knows the pnpm command; see https://pnpm.io/cli/install.
func pnpm(words []string) verdict {
	if path.Base(words[0]) != "pnpm" {
		return verdict{}
	}
	o := pnpmOptions
	o.switches = append(slices.Clone(o.switches), "-g", "--global", "-v", "--version")
	p := o.parse(words[1:])
	switch sub := first(p.rest); {
	case p.has("-v", "--version"), sub == "config", sub == "store":
		return verdict{kind: harmless}
	case isGlobal(words) && (sub == "add" || sub == "install" || sub == "i"):
		return tool(p.rest[1:])
	case (sub == "install" || sub == "i") && p.has("--offline"):
		return verdict{} // what it links was fetched before
	case sub == "install", sub == "i", sub == "fetch":
		return pnpmInstall(p, len(p.rest) > 1)
	case sub == "add":
		return pnpmInstall(p, true)
	}
	return verdict{}
}

func pnpmInstall(p parsed, adds bool) verdict {
	v := verdict{kind: install, manager: "pnpm", dir: p.value("--dir", "-C"), unknown: p.doubt()}
	if adds && v.unknown == "" {
		v.unknown = "it adds packages to package.json, which a later copy of the sources would undo"
	}
	v.read = func(r *reading) {
		n := &node{reading: r, manager: "pnpm", ignoreScripts: p.has("--ignore-scripts"), lifecycle: pnpmLifecycle,
			linksOwnBins: true, locks: []string{"pnpm-lock.yaml"}, above: []string{"pnpm-workspace.yaml", ".npmrc"}}
		for _, hook := range []string{".pnpmfile.cjs", ".pnpmfile.mjs", "pnpmfile.js"} {
			if n.exists(path.Join(r.dir, hook)) {
				n.refuse("%s is a program the install runs, which may read the sources", path.Join(r.dir, hook))
			}
		}
		root := n.project(n.pnpmWorkspaces)
		n.patched(root.Pnpm.Patched)
	}
	return v
}

// pnpmWorkspace is what is read of pnpm-workspace.yaml; see https://pnpm.io/settings.
type pnpmWorkspace struct {
	Packages  []string             `yaml:"packages"`
	Patched   map[string]string    `yaml:"patchedDependencies"`
	Overrides map[string]any       `yaml:"overrides"`
	Other     map[string]yaml.Node `yaml:",inline"`
}

// pnpmSettings are the other settings of pnpm-workspace.yaml that name no file.
var pnpmSettings = []string{"catalog", "catalogs", "onlyBuiltDependencies", "ignoredBuiltDependencies",
	"neverBuiltDependencies",
	"autoInstallPeers", "strictPeerDependencies", "shamefullyHoist", "hoist", "hoistPattern", "publicHoistPattern",
	"nodeLinker",
	"linkWorkspacePackages", "preferWorkspacePackages", "sharedWorkspaceLockfile", "saveWorkspaceProtocol",
	"minimumReleaseAge",
	"minimumReleaseAgeExclude", "packageExtensions", "peerDependencyRules", "allowedDeprecatedVersions",
	"supportedArchitectures",
	"engineStrict", "resolutionMode", "dedupePeerDependents", "injectWorkspacePackages", "updateNotifier", "savePrefix",
	"allowBuilds", "strictDepBuilds", "trustPolicy", "blockExoticSubdeps", "verifyDepsBeforeRun", "cleanupUnusedCatalogs",
	"catalogMode", "optimisticRepeatInstall", "dedupeDirectDeps", "ignoreScripts", "nodeVersion", "useNodeVersion",
	"managePackageManagerVersions", "packageManagerStrict", "packageManagerStrictVersion", "enablePrePostScripts",
	"childConcurrency", "networkConcurrency", "fetchRetries", "fetchTimeout", "registry", "preferFrozenLockfile",
	"includeWorkspaceRoot", "trustPolicyExclude", "ignoredOptionalDependencies", "preferSymlinkedExecutables"}

// pnpmWorkspaces lists the packages of pnpm-workspace.yaml; without one there are none, whatever package.json says.
func (n *node) pnpmWorkspaces(manifest) []string {
	name := path.Join(n.dir, "pnpm-workspace.yaml")
	if !n.exists(name) {
		return nil
	}
	data, _ := n.content(name)
	var w pnpmWorkspace
	if err := yaml.Load(data, &w); err != nil {
		n.refuse("%s cannot be read: %v", name, err)
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(w.Other)) {
		if !slices.Contains(pnpmSettings, key) {
			n.refuse("%s sets %s, which may name other files", name, key)
		}
	}
	n.local(name, w.Overrides, 0)
	n.patched(w.Patched)
	return n.packages(w.Packages)
}

// patched adds the patch files that are applied to dependencies.
func (n *node) patched(files map[string]string) {
	for _, f := range slices.Sorted(maps.Values(files)) {
		n.named(n.dir, f)
	}
}
