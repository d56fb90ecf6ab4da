package buildcontext

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// isGitLab reports whether a file is GitLab's pipeline.
func isGitLab(name string) bool { return name == ".gitlab-ci.yml" || name == ".gitlab-ci.yaml" }

// gitLab is what the scripts of a pipeline's jobs state.
func gitLab(repo *snapshot, name string) []recipe {
	file, err := readYAML(repo, name, "build", "kaniko")
	if err != nil {
		return nil
	}
	var out []recipe
	for _, j := range file.pairs() {
		var lines []string
		for _, key := range []string{"before_script", "script", "after_script"} {
			lines = append(lines, j.value.get(key).scriptLines(4)...)
		}
		s := script{origin: name + ", job " + j.key, bases: []string{"."},
			values: literals(j.value.get("variables"), file.get("variables"))}
		if out = append(out, s.recipes(strings.Join(lines, "\n"))...); len(out) > maxCommands {
			break
		}
	}
	return out
}

// scriptLines are the texts of a list, lists in it included.
func (v value) scriptLines(depth int) []string {
	if text := v.text(); text != "" {
		return []string{text}
	}
	var out []string
	for _, item := range v.list() {
		if depth > 0 {
			out = append(out, item.scriptLines(depth-1)...)
		}
	}
	return out
}

// literals looks variables up in sections of names and texts, the nearest first. A text with variables is not known.
func literals(sections ...value) func(name string) (phrase, bool) {
	return func(name string) (phrase, bool) {
		for _, s := range sections {
			v := s.get(name)
			if v.isMap() {
				v = v.get("value")
			}
			if v.there() {
				return literal(v.text()), v.scalar() && !strings.Contains(v.text(), "$")
			}
		}
		return phrase{}, false
	}
}

// lineFiles are the files of other systems, whose lines are read as command lines one after the other: by the path of
// the file, or by its name for task runners.
var lineFiles = []string{
	".travis.yml", ".circleci/config.yml", "azure-pipelines.yml", "bitbucket-pipelines.yml", ".drone.yml",
	".woodpecker.yml", "Jenkinsfile", "buildspec.yml",
}

var taskFiles = []string{"justfile", "Justfile", ".justfile", "Taskfile.yml", "Taskfile.yaml"}

func isLineFile(name string) bool {
	return slices.Contains(lineFiles, name) || slices.Contains(taskFiles, path.Base(name))
}

// lineRecipes is what the lines of such a file state.
func lineRecipes(repo *snapshot, name string) []recipe {
	data, err := readText(repo, name)
	if err != nil || !mayBuild(string(data)) {
		return nil
	}
	var out []recipe
	for _, l := range logicalLines(string(data)) {
		bases := []string{path.Dir(name), "."}
		if slices.Contains(lineFiles, name) {
			bases = bases[1:]
		}
		s := script{origin: name, bases: bases}
		if out = append(out, s.recipes(strings.TrimLeft(l.text, " \t@"))...); len(out) > maxCommands {
			break
		}
	}
	return out
}

func isPackageJSON(name string) bool { return path.Base(name) == "package.json" }

// packageScripts is what the scripts of a package.json state. In a directory without a Dockerfile they are not looked at:
// there may be hundreds.
func packageScripts(repo *snapshot, name string) []recipe {
	beside := func(file string) bool { return dockerfile.Named(file) }
	if path.Dir(name) != "." && !slices.ContainsFunc(regular(repo, path.Dir(name)), beside) {
		return nil
	}
	data, err := readText(repo, name)
	if err != nil || !mayBuild(string(data)) {
		return nil
	}
	var file struct{ Scripts map[string]string }
	if json.Unmarshal(data, &file) != nil {
		return nil
	}
	var out []recipe
	for _, key := range slices.Sorted(maps.Keys(file.Scripts)) {
		s := script{origin: name + ", script " + key, bases: []string{path.Dir(name)}}
		if out = append(out, s.recipes(file.Scripts[key])...); len(out) > maxCommands {
			break
		}
	}
	return out
}
