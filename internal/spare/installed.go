package spare

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
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
func installedNeeded(f *dockerfile.File, p Pattern, holders []int) (why string, sure bool) {
	for _, at := range holders {
		i := f.Instructions[at]
		if i.Stage == nil || !madeIn(f, i.Stage, p) {
			return fmt.Sprintf("the %s on line %d brings %s, and no step of the stage makes it anew", i.Keyword, i.Line(), p.Text), false
		}
	}
	return "", false
}

// madeIn reports whether the stage, one it stands on or one that stands on it makes what p hides, or copies it from another.
func madeIn(f *dockerfile.File, stage *dockerfile.Stage, p Pattern) bool {
	for _, s := range f.Stages {
		if !standsOn(s, stage) && !standsOn(stage, s) {
			continue
		}
		for _, i := range s.Instructions {
			if makes(i, p) {
				return true
			}
		}
	}
	return false
}

func standsOn(s, base *dockerfile.Stage) bool {
	for ; s != nil; s = s.Parent {
		if s == base {
			return true
		}
	}
	return false
}

func makes(i *dockerfile.Instruction, p Pattern) bool {
	if _, from := i.Flag("from"); from && i.Keyword == "COPY" && len(i.Words) > 0 {
		return strings.HasSuffix(strings.Trim(i.Words[len(i.Words)-1].Text, `"'/`), p.Base)
	}
	if i.Keyword != "RUN" {
		return false
	}
	return slices.ContainsFunc(commands(i), func(words []string) bool {
		line := path.Base(words[0]) + " " + strings.Join(words[1:], " ")
		line = strings.TrimRight(line, " ")
		return makers[p.Family].MatchString(line) && !global(words)
	})
}

// global reports whether an install is for the machine rather than the project.
func global(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		return w == "-g" || w == "--global" || w == "--location=global" || w == "-h" || w == "--help" || w == "--dry-run"
	})
}

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
