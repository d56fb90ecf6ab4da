package ecosystem

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// A pyproject is a decoded pyproject.toml; see https://packaging.python.org/en/latest/specifications/pyproject-toml/.
type pyproject struct {
	*reading
	name string // of the file
	all  map[string]any
}

// pyproject reads the pyproject.toml of a directory.
func (r *reading) pyproject(dir string) (pyproject, bool) {
	p := pyproject{reading: r, name: path.Join(dir, "pyproject.toml")}
	return p, r.toml(p.name, &p.all)
}

// has reports whether there is a table of a dotted path.
func (p pyproject) has(name string) bool { return table(p.all, name) != nil }

// flag is a boolean of a table; ok is false when it is not set.
func (p pyproject) flag(tableName, key string) (value, ok bool) {
	value, ok = table(p.all, tableName)[key].(bool)
	return value, ok
}

// requirements refuses dependencies that are part of the sources, in the tables that every tool reads.
func (p pyproject) requirements() {
	project := table(p.all, "project")
	lists := []any{project["dependencies"]}
	for _, set := range []map[string]any{table(project, "optional-dependencies"), table(p.all, "dependency-groups")} {
		for _, name := range slices.Sorted(maps.Keys(set)) {
			lists = append(lists, set[name])
		}
	}
	for _, list := range lists {
		for _, requirement := range texts(list) {
			p.requirement(requirement)
		}
	}
}

// requirement refuses one that is a place in the file system.
func (p pyproject) requirement(text string) {
	requirement, _, _ := strings.Cut(text, ";")
	if isPath(strings.TrimSpace(requirement)) || strings.HasPrefix(text, "-") {
		p.refuse("%s depends on %s, which is part of the sources", p.name, text)
	}
}

// places refuses the entries of a table of dependencies that are a place in the file system: those with one of the
// keys, at any depth, and addresses of files.
func (p pyproject) places(set any, keys ...string) {
	switch v := set.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			text, _ := v[key].(string)
			if slices.Contains(keys, key) {
				p.refuse("%s depends on %s, which is part of the sources", p.name, text)
			}
			p.places(v[key], keys...)
		}
	case []any:
		for _, item := range v {
			p.places(item, keys...)
		}
	case []map[string]any:
		for _, item := range v {
			p.places(item, keys...)
		}
	case string:
		if strings.Contains(v, "file:") {
			p.refuse("%s depends on %s, which is part of the sources", p.name, v)
		}
	}
}

// remote refuses an index or a list of links that is no address on the network.
func (r *reading) remote(name, address string) {
	if !strings.Contains(address, "://") || strings.HasPrefix(address, "file:") {
		r.refuse("%s looks for packages in %s", name, address)
	}
}

// computed is why a field of the project's metadata is only known to a program that reads the sources or .git, "" when
// it stands in the file.
func (p pyproject) computed(fields ...string) string {
	for _, field := range texts(table(p.all, "project")["dynamic"]) {
		if !slices.Contains(fields, field) {
			continue
		}
		if tool := p.fromGit(); tool != "" && field == "version" {
			return p.name + " takes the version from .git by " + tool
		}
		return p.name + " leaves " + field + " to a program that reads the sources"
	}
	return ""
}

// fromGit is the tool that takes the project's version from .git, "" when there is none.
func (p pyproject) fromGit() string {
	known := []string{"setuptools_scm", "setuptools-scm", "hatch-vcs", "versioningit", "poetry-dynamic-versioning",
		"dunamai", "versioneer", "setuptools-git-versioning", "flit_scm", "pbr"}
	for _, requirement := range texts(table(p.all, "build-system")["requires"]) {
		for _, tool := range known {
			if strings.HasPrefix(strings.ToLower(requirement), tool) {
				return tool
			}
		}
	}
	for _, tool := range known {
		if p.has("tool." + tool) {
			return tool
		}
	}
	return ""
}
