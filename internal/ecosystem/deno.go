package ecosystem

import (
	"encoding/json"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

var denoFiles = files{
	read:  []string{"deno.json", "deno.jsonc", "deps.ts", "import_map.json"},
	locks: []string{"deno.lock"},
}

var denoOptions = options{
	switches: []string{"--frozen", "--frozen-lockfile", "--quiet", "-q", "--reload", "-r", "--allow-scripts", "--no-lock",
		"--node-modules-dir", "--no-npm", "--no-remote", "--prod", "--allow-import", "-I"},
	values: []string{"--lock", "--config", "-c", "--log-level", "-L"},
}

// deno knows the command deno; see https://docs.deno.com/runtime/reference/cli/install.
func deno(words []string) verdict {
	if path.Base(words[0]) != "deno" || len(words) < 2 {
		return verdict{}
	}
	p := denoOptions.parse(words[2:])
	v := verdict{kind: install, manager: "deno", stays: []string{"deno-dir", ".cache/deno"}, unknown: p.doubt()}
	switch sub := words[1]; {
	case sub == "--version", sub == "-V", sub == "upgrade":
		return verdict{kind: harmless}
	case sub == "install" && (isGlobal(words) || slices.Contains(words, "-gf")):
		if !slices.ContainsFunc(words, remote) || slices.ContainsFunc(words[2:], isScript) {
			return verdict{}
		}
		return verdict{kind: harmless}
	case sub == "install", sub == "i":
		if len(p.rest) > 0 {
			v.unknown = either(v.unknown, "it adds packages to deno.json, or follows the imports of a file")
		}
	case sub == "cache":
	default:
		return verdict{}
	}
	v.read = func(r *reading) {
		d := &denoReader{reading: r}
		d.project(p)
		if words[1] != "cache" {
			d.mapped()
		}
		for _, file := range p.rest {
			if !remote(file) {
				d.entry(file)
			}
		}
	}
	return v
}

// isScript reports whether a word is a program of the sources.
func isScript(word string) bool {
	ext := path.Ext(word)
	return isLocal(word) || !remote(word) && (ext == ".ts" || ext == ".js" || ext == ".tsx" || ext == ".json")
}

// remote reports whether a module comes from elsewhere.
func remote(module string) bool {
	for _, scheme := range []string{"https://", "http://", "npm:", "jsr:", "node:"} {
		if strings.HasPrefix(module, scheme) {
			return true
		}
	}
	return false
}

// A denoReader collects what one call reads.
type denoReader struct {
	*reading
	local []string // names that the import map gives to places in the sources
	named []string // all names that it knows
}

// denoSettings are the settings of deno.json that name no file an install reads; see
// https://docs.deno.com/runtime/fundamentals/configuration.
var denoSettings = []string{"$schema", "name", "version", "exports", "tasks", "imports", "scopes", "lint", "fmt",
	"compilerOptions", "exclude", "include", "test", "bench", "publish", "lock", "nodeModulesDir", "unstable", "workspace",
	"importMap", "deploy", "license", "permissions", "allowScripts", "compile", "description", "author"}

type denoConfig struct {
	Imports   map[string]string            `json:"imports"`
	Scopes    map[string]map[string]string `json:"scopes"`
	ImportMap string                       `json:"importMap"`
	Lock      json.RawMessage              `json:"lock"`
	Workspace json.RawMessage              `json:"workspace"`
	Modules   any                          `json:"nodeModulesDir"`
}

// project reads the settings in the command's directory.
func (d *denoReader) project(p parsed) {
	d.writes("/deno-dir", "/root/.cache/deno")
	if p.has("--lock", "--config", "-c") {
		d.refuse("it names files of its own")
	}
	d.optional(d.dir, "deno.lock")
	for dir := d.dir; dir != "."; {
		dir = path.Dir(dir)
		for _, name := range []string{"deno.json", "deno.jsonc", "package.json"} {
			if d.exists(path.Join(dir, name)) {
				d.refuse("%s above it may make it part of a workspace", path.Join(dir, name))
			}
		}
	}
	found := d.config(d.dir, true)
	if !d.node(d.dir, p.has("--node-modules-dir")) && !found && len(p.rest) == 0 {
		d.refuse("there is no deno.json in the build context")
	}
}

// node reads a package.json, if there is one.
func (d *denoReader) node(dir string, modules bool) bool {
	manifest := d.exists(path.Join(dir, "package.json"))
	if manifest || modules {
		d.writes(path.Join(dir, "node_modules"))
	}
	if manifest {
		n := &node{reading: d.reading, manager: "deno", ignoreScripts: true}
		n.npmrc(path.Join(dir, ".npmrc"))
		if m := n.member(dir, false); len(m.Workspaces) > 0 {
			d.refuse("%s has workspaces", path.Join(dir, "package.json"))
		}
		for _, l := range n.linked {
			d.refuse("%s depends on %s, which is part of the sources", l.manifest, l.version)
		}
	}
	return manifest
}

// config reads one deno.json.
func (d *denoReader) config(dir string, root bool) bool {
	name := path.Join(dir, "deno.json")
	if !d.exists(name) {
		name += "c"
	}
	if !d.exists(name) {
		return false
	}
	data, ok := d.content(name)
	if !ok {
		return true
	}
	var config denoConfig
	var all map[string]json.RawMessage
	plain := withoutComments(data)
	if json.Unmarshal(plain, &config) != nil || json.Unmarshal(plain, &all) != nil {
		d.refuse("%s cannot be read", name)
		return true
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if !slices.Contains(denoSettings, key) {
			d.refuse("%s sets %s, which may name other files", name, key)
		}
	}
	d.imports(name, config)
	if config.Modules != nil && config.Modules != false && config.Modules != "none" {
		d.writes(path.Join(dir, "node_modules"))
	}
	if lock := string(config.Lock); lock != "" && lock != "true" && lock != "false" {
		d.refuse("%s names a lock file of its own", name)
	}
	if root {
		d.members(name, config.Workspace)
	} else if len(config.Workspace) > 0 {
		d.refuse("%s is a workspace in another", name)
	}
	return true
}

// imports notes which names the import map gives to places in the sources.
func (d *denoReader) imports(name string, config denoConfig) {
	if config.ImportMap != "" && !remote(config.ImportMap) {
		d.refuse("%s names the import map %s", name, config.ImportMap)
	}
	sets := []map[string]string{config.Imports}
	for _, scope := range config.Scopes {
		sets = append(sets, scope)
	}
	for _, m := range sets {
		for key, target := range m {
			d.named = append(d.named, key)
			if !remote(target) {
				d.local = append(d.local, key)
			}
		}
	}
}

// mapped refuses an import map that gives a name to a file: an install follows all that the map names, which is no
// package, like a program's imports (cache_top_level_deps of Deno's tools/pm). A directory alone is not followed.
func (d *denoReader) mapped() {
	for _, name := range d.local {
		if !strings.HasSuffix(name, "/") {
			d.refuse("the import map gives %s to a part of the sources", name)
		}
	}
}

// members reads the settings of a workspace's members: directories, or all directories in one.
func (d *denoReader) members(name string, raw json.RawMessage) {
	if len(raw) == 0 {
		return
	}
	var list []string
	var nested struct{ Members []string }
	if json.Unmarshal(raw, &list) != nil {
		if json.Unmarshal(raw, &nested) != nil {
			d.refuse("the workspace of %s cannot be read", name)
			return
		}
		list = nested.Members
	}
	for _, member := range list {
		for _, dir := range d.directories(name, member) {
			d.config(dir, false)
			d.node(dir, false)
		}
	}
}

// directories are those that a member of a workspace names.
func (d *denoReader) directories(name, member string) []string {
	at, ok := d.within(d.dir, strings.TrimSuffix(member, "/*"))
	if !ok || strings.ContainsAny(at, "*?[{") {
		d.refuse("the workspace pattern %s of %s is not known", member, name)
		return nil
	}
	if !strings.HasSuffix(member, "/*") {
		return []string{at}
	}
	var out []string
	entries, _ := fs.ReadDir(d.context, at) // a directory that is not there holds no member
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, path.Join(at, e.Name()))
		}
	}
	return out
}

// moduleName matches the names of modules that a file imports or exports from.
var moduleName = pattern.New(`\b(?:from|import)\s*\(?\s*["']([^"'\n]+)["']`)

// entry reads a file whose imports are fetched. All have to come from elsewhere, else the sources are followed.
func (d *denoReader) entry(file string) {
	name, ok := d.within(d.dir, file)
	if !ok {
		return
	}
	data, ok := d.content(name)
	if !ok {
		return
	}
	for _, m := range moduleName.FindAllStringSubmatch(string(data), -1) {
		module := m[1]
		mapsTo := func(key string) bool {
			return module == key || strings.HasSuffix(key, "/") && strings.HasPrefix(module, key)
		}
		if !remote(module) && (slices.ContainsFunc(d.local, mapsTo) || !slices.ContainsFunc(d.named, mapsTo)) {
			d.refuse("%s imports %s, which is part of the sources", name, module)
		}
	}
}

// withoutComments takes comments and trailing commas out of JSON.
func withoutComments(data []byte) []byte {
	var out []byte
	for k := 0; k < len(data); k++ {
		switch c := data[k]; {
		case c == '"':
			start := k
			for k++; k < len(data) && data[k] != '"'; k++ {
				if data[k] == '\\' {
					k++
				}
			}
			out = append(out, data[start:min(k+1, len(data))]...)
		case c == '/' && k+1 < len(data) && data[k+1] == '/':
			for k < len(data) && data[k] != '\n' {
				k++
			}
		case c == '/' && k+1 < len(data) && data[k+1] == '*':
			for k += 2; k+1 < len(data) && (data[k] != '*' || data[k+1] != '/'); k++ {
			}
			k++
		case (c == '}' || c == ']') && endsWithComma(out):
			out = append(out[:lastComma(out)], c)
		default:
			out = append(out, c)
		}
	}
	return out
}

func endsWithComma(text []byte) bool { return lastComma(text) >= 0 }

// lastComma is the place of a comma at the end of a text but for white space, -1 when there is none.
func lastComma(text []byte) int {
	trimmed := strings.TrimRight(string(text[max(0, len(text)-200):]), " \t\r\n")
	if !strings.HasSuffix(trimmed, ",") {
		return -1
	}
	return max(0, len(text)-200) + len(trimmed) - 1
}
