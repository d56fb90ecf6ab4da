package spare

import (
	"io/fs"
	"path"
	"strings"

	"github.com/lighterman/lighterman/internal/buildcontext"
)

// Untracked reports whether a path of the repository is one that git ignores, by the .gitignore files above it: such a file
// is on the disk of whoever has it, and in no commit.
func Untracked(repo fs.FS, name string) bool {
	dir := path.Dir(name)
	for {
		if text, err := fs.ReadFile(repo, path.Join(dir, ".gitignore")); err == nil && len(text) <= maxRead {
			rel := name
			if dir != "." {
				rel = strings.TrimPrefix(name, dir+"/")
			}
			if patterns := gitPatterns(string(text)); len(patterns) > 0 && buildcontext.Excludes(patterns, rel) {
				return true
			}
		}
		if dir == "." {
			return false
		}
		dir = path.Dir(dir)
	}
}

// Wanted reports whether a file of that repository path is opened for any Dockerfile that copies a directory. Others are
// only opened for a fix. Whoever reads a repository over a network fetches these beforehand.
func Wanted(name string) bool {
	return path.Base(name) == ".gitignore" || EnvFile(path.Base(name))
}

// gitPatterns are the patterns of a .gitignore in the language of ignore files for builds: one without a slash but at its
// end matches at any depth (git-scm.com/docs/gitignore). Those with a backslash are left out.
func gitPatterns(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" || line[0] == '#' || strings.Contains(line, `\`) {
			continue
		}
		line, back := strings.CutPrefix(line, "!")
		line = strings.TrimSuffix(line, "/")
		if !strings.Contains(line, "/") {
			line = "**/" + line
		}
		if line = strings.TrimPrefix(line, "/"); back {
			line = "!" + line
		}
		out = append(out, line)
	}
	return out
}
