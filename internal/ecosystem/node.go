package ecosystem

import (
	"bytes"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

// A manifest is what is read of a package.json. Fields whose shape differs between tools stay raw.
type manifest struct {
	Scripts      map[string]any  `json:"scripts"`
	Dependencies map[string]any  `json:"dependencies"`
	Dev          map[string]any  `json:"devDependencies"`
	Optional     map[string]any  `json:"optionalDependencies"`
	Peer         map[string]any  `json:"peerDependencies"`
	Overrides    any             `json:"overrides"`
	Resolutions  any             `json:"resolutions"`
	Workspaces   json.RawMessage `json:"workspaces"`
	Bin          any             `json:"bin"`
	Directories  map[string]any  `json:"directories"`
	PackageMgr   string          `json:"packageManager"`
	// Patched are the patches that bun applies.
	Patched map[string]string `json:"patchedDependencies"`
	Pnpm    struct {
		Overrides map[string]any    `json:"overrides"`
		Patched   map[string]string `json:"patchedDependencies"`
	} `json:"pnpm"`
}

// A node is one install by npm, yarn, pnpm or bun.
type node struct {
	*reading
	manager       string
	ignoreScripts bool
	lifecycle     []string // the scripts the manager runs, of the project itself
	linksOwnBins  bool     // whether programs of workspace packages get a link, which needs the program's file
	locks         []string
	settings      []string // settings files beside the manifest
	above         []string // files in the directories above that the manager would read too

	members map[string]bool // the directories whose manifests are read
	linked  []linked        // the dependencies that are places in the file system
}

// A linked dependency is one that a manifest takes from the file system.
type linked struct{ manifest, version string }

// project reads the manifest in the install's directory, its workspaces and its settings, and says where the
// dependencies go.
func (n *node) project(workspaces func(root manifest) []string) manifest {
	dir := n.dir
	n.inside(dir)
	n.optional(dir, n.locks...)
	n.optional(dir, n.settings...)
	n.optional(dir, ".corepack.env")
	if n.npmrc(path.Join(dir, ".npmrc")) && n.manager == "npm" {
		n.ignoreScripts = true
	}
	root := n.member(dir, false)
	for _, w := range workspaces(root) {
		n.npmrc(path.Join(w, ".npmrc")) // a member's own cannot turn scripts off
		n.member(w, n.linksOwnBins)
	}
	for _, l := range n.linked {
		if !n.members[l.target(linking[n.manager])] {
			n.refuse("%s depends on %s, which is part of the sources", l.manifest, l.version)
		}
	}
	return root
}

// linking are the ways to name a directory of which a manager makes a link; of others it takes a copy. npm does that
// unless it is told to install links, see https://docs.npmjs.com/cli/v11/using-npm/config#install-links.
var linking = map[string][]string{"npm": {"file:"}, "yarn": {"link:", "portal:"}, "pnpm": {"link:"}}

// target is the directory that a linked dependency names, as a context path; "?" for an archive and the like.
func (l linked) target(schemes []string) string {
	for _, scheme := range schemes {
		if dir, ok := strings.CutPrefix(l.version, scheme); ok && strings.HasPrefix(dir, ".") {
			return path.Join(path.Dir(l.manifest), dir)
		}
	}
	return "?"
}

// inside refuses a directory that belongs to a workspace above it, for then that one is installed, and one below
// settings that the manager would read as well.
func (n *node) inside(dir string) {
	for dir != "." {
		dir = path.Dir(dir)
		for _, name := range n.above {
			if name = path.Join(dir, name); n.exists(name) {
				n.refuse("the install reads %s above it as well", name)
			}
		}
		name := path.Join(dir, "package.json")
		if data, ok := n.peek(name); ok && n.manager != "pnpm" {
			if m, err := parseManifest(data); err != nil || len(m.Workspaces) > 0 {
				n.refuse("%s above it may make it part of a workspace", name)
			}
		}
	}
}

// parseManifest reads a package.json, with or without a byte order mark.
func parseManifest(data []byte) (manifest, error) {
	var m manifest
	return m, json.Unmarshal(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &m)
}

// member reads one package's manifest.
func (n *node) member(dir string, links bool) manifest {
	name := path.Join(dir, "package.json")
	data, ok := n.content(name)
	if !ok {
		return manifest{}
	}
	m, err := parseManifest(data)
	if err != nil {
		n.refuse("%s is no valid package.json", name)
		return m
	}
	n.writes(path.Join(dir, "node_modules"))
	if n.members == nil {
		n.members = map[string]bool{}
	}
	n.members[dir] = true
	n.locals(name, m)
	n.scripts(dir, m)
	if links {
		n.bins(dir, m)
	}
	return m
}

// locals notes dependencies that are directories or archives of the repository.
func (n *node) locals(name string, m manifest) {
	for _, set := range []map[string]any{m.Dependencies, m.Dev, m.Optional, m.Peer, m.Pnpm.Overrides} {
		n.local(name, set, 0)
	}
	n.local(name, m.Overrides, 0)
	n.local(name, m.Resolutions, 0)
}

// maxNested bounds how deep overrides are followed.
const maxNested = 20

func (n *node) local(name string, v any, depth int) {
	switch v := v.(type) {
	case string:
		if isLocal(v) {
			n.linked = append(n.linked, linked{name, v})
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			item := v[key]
			if depth < maxNested {
				n.local(name, item, depth+1)
			} else {
				n.refuse("%s nests its overrides too deeply", name)
			}
		}
	}
}

// isLocal reports whether a dependency's version is a place in the file system; see
// https://docs.npmjs.com/cli/v11/configuring-npm/package-json#local-paths. Patches that yarn keeps in its own directory
// are none: they are inputs of their own.
func isLocal(version string) bool {
	if patched, ok := strings.CutPrefix(version, "patch:"); ok {
		return !keptPatch(patched)
	}
	for _, prefix := range []string{"file:", "git+file:", "link:", "portal:", "exec:", "./", "../", "/", "~/"} {
		if strings.HasPrefix(version, prefix) {
			return true
		}
	}
	archive := strings.HasSuffix(version, ".tgz") || strings.HasSuffix(version, ".tar.gz") ||
		strings.HasSuffix(version, ".tar")
	return version == "." || version == ".." || archive && !strings.Contains(version, "://")
}

// keptPatch reports whether all patches of a "patch:" version lie in .yarn/patches or come with yarn; see
// https://yarnpkg.com/protocol/patch.
func keptPatch(version string) bool {
	k := strings.LastIndexByte(version, '#')
	for _, p := range strings.Split(version[k+1:], "&") {
		p = strings.TrimPrefix(strings.TrimPrefix(p, "optional!"), "~")
		p = strings.TrimPrefix(p, "/")
		kept := strings.HasPrefix(p, ".yarn/patches/") || strings.HasPrefix(p, "builtin<")
		if k < 0 || !kept || strings.Contains(p, "..") {
			return false
		}
	}
	return true
}

// scripts refuses lifecycle scripts that are not known to leave the sources alone.
func (n *node) scripts(dir string, m manifest) {
	if n.ignoreScripts {
		return
	}
	for _, set := range []map[string]any{m.Dependencies, m.Dev, m.Optional} {
		for _, name := range nosy {
			if _, ok := set[name]; ok {
				n.refuse("the install script of %s reads the sources", name)
			}
		}
	}
	if n.exists(path.Join(dir, "binding.gyp")) {
		n.refuse("%s makes the install compile sources", path.Join(dir, "binding.gyp"))
	}
	for _, event := range n.lifecycle {
		text, ok := m.Scripts[event]
		if !ok {
			continue
		}
		line, _ := text.(string)
		if !n.tame(dir, strings.TrimSpace(line)) {
			n.refuse("the install runs the %s script of %s, which may read the sources", event, path.Join(dir, "package.json"))
		}
	}
}

// nosy are packages whose own install scripts look at the project that installs them: Prisma generates its client from
// the schema, msw writes to the public directory, the others read settings files.
var nosy = []string{"@prisma/client", "prisma", "nx", "msw", "puppeteer", "simple-git-hooks", "lefthook"}

var (
	onlyAllow = pattern.New(`^(npx (-y |--yes )?)?only-allow (npm|pnpm|yarn|bun)$`)
	onlyEcho  = pattern.New(`^echo [\w "'.,:!-]*$`)
)

// tame reports whether a lifecycle script reads no file but those it adds.
func (n *node) tame(dir, line string) bool {
	switch {
	case line == "", line == "true", line == "exit 0", onlyAllow.MatchString(line), onlyEcho.MatchString(line):
		return true
	case line == "patch-package":
		n.tree(path.Join(dir, "patches"))
		return true
	}
	return false
}

// bins refuses programs of a workspace's package: the install links them, makes their files executable, and passes over
// those that are not there yet.
func (n *node) bins(dir string, m manifest) {
	var files []string
	switch bin := m.Bin.(type) {
	case string:
		files = append(files, bin)
	case map[string]any:
		for _, f := range bin {
			text, _ := f.(string)
			files = append(files, text)
		}
	}
	if d, ok := m.Directories["bin"].(string); ok {
		files = append(files, d)
	}
	slices.Sort(files)
	for _, f := range files {
		if name, ok := n.within(dir, f); ok && n.there(name) {
			n.refuse("the install links %s, a program of a workspace package, which is part of the sources", name)
		}
	}
}

// npmrc reads a settings file, if it is there, and reports whether it turns scripts off.
func (n *node) npmrc(name string) (ignoreScripts bool) {
	if !n.exists(name) {
		return false
	}
	data, _ := n.content(name)
	for _, line := range strings.Split(string(data), "\n") {
		key, text, _ := strings.Cut(strings.TrimSpace(line), "=")
		key, text = strings.TrimSpace(key), strings.Trim(strings.TrimSpace(text), `"'`)
		switch {
		case key == "" || key[0] == '#' || key[0] == ';':
		case key == "ignore-scripts":
			ignoreScripts = text == "true"
		case readsMore(key):
			n.refuse("%s sets %s, which may name other files", name, key)
		}
	}
	return ignoreScripts
}

// readsMore reports whether a setting of .npmrc may make the install read files or write elsewhere.
func readsMore(key string) bool {
	key = key[strings.LastIndexByte(key, ':')+1:]
	switch key {
	case "prefix", "node-options", "script-shell", "globalconfig", "userconfig", "dir", "modules-dir", "virtual-store-dir",
		"lockfile-dir", "store-dir", "cache", "pnpmfile", "global-pnpmfile", "patches-dir", "init-module", "location",
		"workspace", "workspaces", "install-links":
		return true
	}
	return strings.HasSuffix(key, "file") && key != "lockfile" && !strings.HasSuffix(key, "-lockfile")
}
