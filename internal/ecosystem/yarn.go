package ecosystem

import (
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

var yarnOptions = options{
	switches: []string{"--frozen-lockfile", "--immutable", "--immutable-cache", "--check-cache", "--production", "--prod",
		"--ignore-scripts", "--non-interactive", "--silent", "-s", "--pure-lockfile", "--ignore-engines", "--ignore-optional",
		"--ignore-platform", "--no-progress", "--check-files", "--prefer-offline", "--inline-builds", "--verbose", "--force",
		"--no-lockfile", "--no-bin-links", "--flat", "--all", "-A", "--json"},
	values: []string{"--network-timeout", "--network-concurrency", "--cache-folder", "--cwd", "--mode", "--registry",
		"--mutex"},
}

// yarn knows the yarn command, classic and berry.
func yarn(words []string) verdict {
	if base := path.Base(words[0]); base != "yarn" && base != "yarnpkg" {
		return verdict{}
	}
	o := yarnOptions
	o.switches = append(slices.Clone(o.switches), "--version", "-v")
	p := o.parse(words[1:])
	switch sub := first(p.rest); {
	case p.has("--version", "-v"), sub == "cache", sub == "config":
		return verdict{kind: harmless}
	case sub == "global" && len(p.rest) > 1 && p.rest[1] == "add":
		return tool(p.rest[2:])
	case sub == "", sub == "install":
		return yarnInstall(p, len(p.rest) > 1)
	case sub == "workspaces" && len(p.rest) > 1 && p.rest[1] == "focus":
		return yarnInstall(p, false)
	case sub == "add":
		return yarnInstall(p, true)
	}
	return verdict{}
}

func yarnInstall(p parsed, adds bool) verdict {
	v := verdict{kind: install, manager: "yarn", dir: p.value("--cwd"), unknown: p.doubt()}
	if adds && v.unknown == "" {
		v.unknown = "it adds packages to package.json, which a later copy of the sources would undo"
	}
	v.read = func(r *reading) {
		n := &node{reading: r, manager: "yarn", lifecycle: npmLifecycle, linksOwnBins: true, locks: []string{"yarn.lock"},
			settings: []string{".yarnrc", ".yarnrc.yml", ".yarnclean"}, above: []string{".yarnrc", ".yarnrc.yml", ".npmrc"},
			ignoreScripts: p.has("--ignore-scripts") || p.value("--mode") == "skip-build"}
		if !n.exists(path.Join(n.dir, "yarn.lock")) {
			n.above = append(n.above, "yarn.lock") // then the project is the one above
		}
		n.classic()
		n.berry()
		n.project(func(root manifest) []string { return n.packages(n.globs(root.Workspaces)) })
	}
	return v
}

// classic reads .yarnrc.
func (n *node) classic() {
	name := path.Join(n.dir, ".yarnrc")
	if !n.exists(name) {
		return
	}
	data, _ := n.content(name)
	for _, line := range strings.Split(string(data), "\n") {
		key, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch key = strings.Trim(key, `"'`); {
		case key == "" || key[0] == '#', key == "registry", key == "network-timeout", key == "lastUpdateCheck",
			key == "--install.frozen-lockfile", key == "save-prefix", key == "strict-ssl":
		case key == "yarn-path":
			n.named(n.dir, strings.Trim(text, `"'`))
		default:
			n.refuse("%s sets %s, which may name other files", name, key)
		}
	}
}

// named adds a file that a settings file names.
func (n *node) named(dir, file string) {
	if name, ok := n.within(dir, file); ok {
		n.required(name)
	}
}

// yarnrc is what is read of .yarnrc.yml; see https://yarnpkg.com/configuration/yarnrc.
type yarnrc struct {
	NodeLinker string `yaml:"nodeLinker"`
	YarnPath   string `yaml:"yarnPath"`
	Plugins    []struct {
		Path string `yaml:"path"`
	} `yaml:"plugins"`
}

// berry reads .yarnrc.yml and the directories that come with it.
func (n *node) berry() {
	n.tree(path.Join(n.dir, ".yarn/patches")) // they need no settings
	name := path.Join(n.dir, ".yarnrc.yml")
	if !n.exists(name) {
		return
	}
	for _, dir := range []string{".yarn/releases", ".yarn/plugins", ".yarn/cache"} {
		n.tree(path.Join(n.dir, dir))
	}
	data, _ := n.content(name)
	rc, keys, err := parseYarnrc(data)
	if err != nil {
		n.refuse("%s cannot be read: %v", name, err)
		return
	}
	for _, key := range keys {
		if !slices.Contains(berrySettings, key) {
			n.refuse("%s sets %s, which may name other files", name, key)
		}
	}
	if rc.YarnPath != "" {
		n.named(n.dir, rc.YarnPath)
	}
	for _, p := range rc.Plugins {
		n.named(n.dir, p.Path)
	}
	n.linker(rc.NodeLinker)
}

// linker says where the chosen linker writes besides node_modules.
func (n *node) linker(name string) {
	if name == "" || name == "pnp" {
		for _, file := range []string{".pnp.cjs", ".pnp.loader.mjs", ".yarn/cache", ".yarn/unplugged",
			".yarn/install-state.gz"} {
			n.writes(path.Join(n.dir, file))
		}
	}
}

// berrySettings are the settings that name no file, or one that is looked at.
var berrySettings = []string{"nodeLinker", "yarnPath", "plugins", "enableScripts", "enableTelemetry",
	"enableGlobalCache",
	"compressionLevel", "npmRegistryServer", "npmScopes", "npmAuthToken", "npmAlwaysAuth", "nmHoistingLimits", "nmMode",
	"logFilters", "httpTimeout", "httpRetry", "networkConcurrency", "checksumBehavior", "defaultSemverRangePrefix",
	"packageExtensions", "enableImmutableInstalls", "enableProgressBars", "enableColors", "supportedArchitectures",
	"npmPublishAccess", "preferInteractive", "pnpMode", "unsafeHttpWhitelist", "npmRegistries", "enableStrictSsl",
	"cacheMigrationMode", "catalog", "catalogs", "npmMinimalAgeGate", "approvedGitRepositories", "enableHardenedMode", "enableNetwork", "enableMirror",
	"enableMessageNames", "enableInlineHunks", "preferReuse", "preferDeferredVersions", "taskPoolConcurrency",
	"nmSelfReferences", "npmPreapprovedPackages", "npmAuthIdent", "initScope", "changesetBaseRefs", "enableCacheClean",
	"pnpEnableInlining", "pnpFallbackMode", "winLinkType"}

func parseYarnrc(data []byte) (yarnrc, []string, error) {
	var rc yarnrc
	var all map[string]yaml.Node
	if err := yaml.Load(data, &all); err != nil {
		return rc, nil, err
	}
	var keys []string
	for k := range all {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return rc, keys, yaml.Load(data, &rc)
}
