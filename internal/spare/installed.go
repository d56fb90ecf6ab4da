package spare

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/pattern"
)

// makers are, by family, the commands that make in the image what the pattern keeps out of it.
var makers = map[Family]*pattern.Pattern{
	Node: pattern.New(`^(npm (ci|install|i|clean-install)|yarn( install)?|pnpm (install|i)|bun (install|i))( -[^ ]*)*$`),
	Python: pattern.New(
		`^(uv (sync|venv|pip install)|poetry install|pdm (install|sync)|pipenv (install|sync)|pip3? install|` +
			`python[0-9.]* -m (pip install|venv)|virtualenv) ?`),
	Target: pattern.New(
		`^(cargo( \+[^ ]+)? (build|install|chef cook|run|auditable build|leptos build|zigbuild)|` +
			`mvnw?( [^ ]+)* (package|install|verify|deploy))( |$)`),
	DotNet: pattern.New(`^dotnet (restore|build|publish)( |$)`),
}

// installedNeeded: what was installed or built beside the sources is not needed where the build makes it itself. holders
// are the copies that would bring it.
func installedNeeded(f *dockerfile.File, b buildcontext.Build, p Pattern, holders []int) (why string, sure bool) {
	for _, at := range holders {
		i := f.Instructions[at]
		if i.Stage == nil || !madeFor(f, b, i, p) {
			return fmt.Sprintf("the %s on line %d brings %s, and no step of the stage makes it anew", i.Keyword, i.Line(), p.Text), false
		}
	}
	return "", false
}

// madeFor reports whether the stage of a copy, one it stands on or one that stands on it makes what p hides where the copy
// would bring it, or copies it from another.
func madeFor(f *dockerfile.File, b buildcontext.Build, holder *dockerfile.Instruction, p Pattern) bool {
	var at []string // the directories in which it is made
	for _, s := range f.Stages {
		if !standsOn(s, holder.Stage) && !standsOn(holder.Stage, s) {
			continue
		}
		for _, i := range s.Instructions {
			if takesMade(i, p) {
				return true
			}
			at = append(at, makes(f, i, p)...)
		}
	}
	if p.Family != Node {
		return len(at) > 0
	}
	return reaches(b, holder, p, at)
}

func standsOn(s, base *dockerfile.Stage) bool {
	for ; s != nil; s = s.Parent {
		if s == base {
			return true
		}
	}
	return false
}

// takesMade reports whether an instruction copies it from another stage.
func takesMade(i *dockerfile.Instruction, p Pattern) bool {
	_, from := i.Flag("from")
	return from && i.Keyword == "COPY" && len(i.Words) > 0 &&
		strings.HasSuffix(strings.Trim(i.Words[len(i.Words)-1].Text, `"'/`), p.Base)
}

// makes are the directories in which a RUN makes it. What only one branch of a script does may not be done.
func makes(f *dockerfile.File, i *dockerfile.Instruction, p Pattern) (at []string) {
	if i.Keyword != "RUN" {
		return nil
	}
	if script, err := i.Script(); err == nil && branches.MatchString(script.Text) && !otherwise.MatchString(script.Text) {
		return nil
	}
	maker := makerOf(f, p)
	dir := workdir(i)
	for _, words := range commands(i) {
		line := strings.TrimRight(path.Base(words[0])+" "+strings.Join(words[1:], " "), " ")
		switch {
		case words[0] == "cd" && len(words) == 2:
			dir = joined(dir, words[1])
		case maker.MatchString(line) && !global(words) && !relies(f, words):
			at = append(at, joined(dir, told(words)))
		}
	}
	return at
}

// relies reports whether a command works with what was built before it: dotnet without building or restoring first. And
// cargo installs what is no part of the project, unless it is told a path.
func relies(f *dockerfile.File, words []string) bool {
	restored := func(i *dockerfile.Instruction) bool { return strings.Contains(i.Text(), "dotnet restore") }
	return slices.Contains(words, "--no-build") ||
		slices.Contains(words, "--no-restore") && !slices.ContainsFunc(f.Instructions, restored) ||
		slices.Contains(words, "install") && path.Base(words[0]) == "cargo" && !slices.Contains(words, "--path")
}

var (
	branches  = pattern.New(`(?m)(?:^|[;&|\s])if\s`)
	otherwise = pattern.New(`(?m)(?:^|[;&|\s])else\s`)
)

// ownMakers are, by base name, the commands that make it where the file speaks of it by its name: "pip install" then makes
// no ".venv", and "dotnet restore" no "bin".
var ownMakers = map[string]*pattern.Pattern{
	".venv": pattern.New(
		`^(uv (sync|venv)|poetry install|pdm (install|sync)|pipenv (install|sync)|python[0-9.]* -m venv|virtualenv) ?`),
	"venv": pattern.New(`^(uv venv|python[0-9.]* -m venv|virtualenv) ?`),
	"bin":  pattern.New(`^dotnet (build|publish|msbuild)( |$)`),
}

func makerOf(f *dockerfile.File, p Pattern) *pattern.Pattern {
	own := ownMakers[p.Base]
	if own == nil {
		return makers[p.Family]
	}
	name := regexp.MustCompile(`(?:^|[\s"'=:(/]|\./)` + regexp.QuoteMeta(p.Base) + `/`)
	for _, i := range f.Instructions {
		for _, m := range name.FindAllString(i.Text(), -1) {
			if p.Base != "bin" || !strings.HasPrefix(m, "/") { // /usr/bin is another
				return own
			}
		}
	}
	return makers[p.Family]
}

// told is the directory that an option names.
func told(words []string) string {
	for _, w := range words {
		for _, option := range []string{"--prefix=", "--cwd=", "--dir="} {
			if dir, ok := strings.CutPrefix(w, option); ok {
				return dir
			}
		}
	}
	return "."
}

// global reports whether an install is for the machine rather than the project, or none.
func global(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains(idle, w)
	})
}

// idle are the options with which an install makes nothing in the project.
var idle = strings.Fields("-g --global --location=global -h --help --dry-run -v --version --package-lock-only --lockfile-only " +
	"--mode=update-lockfile")

// commands are the commands of an instruction as words; nil when they cannot be read. A word that is not literal is as
// written.
func commands(i *dockerfile.Instruction) [][]string {
	if i.Form == dockerfile.ExecForm {
		var words []string
		for _, w := range i.Words {
			words = append(words, w.Text)
		}
		if len(words) == 0 {
			return nil
		}
		return [][]string{words}
	}
	script, err := i.Script()
	if err != nil {
		return nil
	}
	var out [][]string
	for _, c := range script.Calls() {
		var words []string
		for _, a := range c.Words {
			words = append(words, a.Text)
		}
		if len(words) > 0 {
			out = append(out, words)
		}
	}
	return out
}
