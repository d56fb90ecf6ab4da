package buildcontext

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

// maxMentioning bounds how many files are searched for a mention.
const maxMentioning = 80

// scriptDirs are directories of the root in which scripts that build images are kept.
var scriptDirs = strings.Fields("scripts script hack bin ci tools build docker .github docs .buildkite .cloudbuild")

// Mentions reports whether some file that people or machines build from, a script or a README, says a name on one line
// with the word, in any case: "--target test" mentions the target test. It is looser than Find, and for questions where a
// wrong no would annoy.
func Mentions(repository fs.FS, dockerfilePath, word, name string) bool {
	return len(Mentioned(repository, dockerfilePath, word, []string{name})) > 0
}

// Mentioned are those of the names that Mentions finds.
func Mentioned(repository fs.FS, dockerfilePath, word string, names []string) []string {
	left := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "" })
	if len(left) == 0 {
		return nil
	}
	repo := remembered(repository)
	var out []string
	for _, file := range mentioning(repo, dockerfilePath) {
		data, err := readText(repo, file)
		if err != nil {
			continue
		}
		lower := strings.ToLower(string(data))
		left = slices.DeleteFunc(left, func(name string) bool {
			found := strings.Contains(lower, strings.ToLower(name)) && besides(word, name).Match(data)
			if found {
				out = append(out, name)
			}
			return found
		})
	}
	return out
}

// besides matches a name on one line with a word before it, or alone on the line below.
func besides(word, name string) *pattern.Pattern {
	return pattern.New(`(?i)` + word + `[^\n]*?[^\w-]` + regexp.QuoteMeta(name) + `(?:[^\w-]|$)` + `|(?im)` + word +
		`\W*\r?\n\W*` + regexp.QuoteMeta(name) + `(?::\S*)?\W*?$`)
}

// holdsOne matches what hands a builder a Dockerfile that is no file: compose's dockerfile_inline, bake's dockerfile-inline,
// Tilt's dockerfile_contents, and a script's "docker build -f -".
var holdsOne = pattern.New(`dockerfile[_-]inline|dockerfile_contents|build[^\n]*\s(?:-f|--file)[ =]?-(?:\s|$)`)

// Inline lists the files that hold a Dockerfile of their own, with their texts. An Earthfile is one in another language, and
// is built with the same ignore file.
func Inline(repository fs.FS, dockerfilePath string) map[string]string {
	repo := remembered(repository)
	out := map[string]string{}
	for _, file := range mentioning(repo, dockerfilePath) {
		data, err := readText(repo, file)
		if err == nil && (path.Base(file) == "Earthfile" || holdsOne.Match(data)) {
			out[file] = string(data)
		}
	}
	return out
}

// Mentioning lists the files that Mentions, Mentioned and Inline read for a Dockerfile, the likely ones first.
func Mentioning(repository fs.FS, dockerfilePath string) []string {
	return mentioning(remembered(repository), dockerfilePath)
}

// mentioning lists the files to search, the likely ones first.
func mentioning(repo *snapshot, dockerfilePath string) []string {
	var likely, others []string
	dirs := append(topmost(repo), above(dockerfilePath)...)
	dirs = dirs[:min(len(dirs), maxRows)]
	for _, dir := range append(scriptDirs, workflowDir, ".circleci", ".github/actions") {
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	for _, dir := range dirs {
		for _, name := range regular(repo, dir) {
			switch {
			case Wanted(name):
				likely = append(likely, name)
			case talks(path.Base(name)) && slices.Contains(append(scriptDirs, ".", path.Dir(dockerfilePath)), dir):
				others = append(others, name)
			}
		}
	}
	out := append(likely, others...)
	return out[:min(len(out), maxMentioning)]
}

// talks reports whether a file of that name may say how to build images: scripts, pipelines, READMEs.
func talks(base string) bool {
	switch path.Ext(base) {
	case ".md", ".rst", ".adoc", ".sh", ".bash", ".ps1", ".bat", ".cmd", ".py", ".yml", ".yaml", ".toml", ".groovy",
		".just", ".hcl", ".mjs":
		return true
	case "":
		lower := strings.ToLower(base)
		return !strings.Contains(lower, "license") && !strings.HasPrefix(base, ".git")
	}
	return false
}
