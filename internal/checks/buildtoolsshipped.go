package checks

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/ecosystem"
	"github.com/lighterman/lighterman/internal/pattern"
)

var buildToolsShipped = &check.Check{
	Name:     "build-tools-shipped",
	Family:   check.SmallerImage,
	Summary:  "the image that ships carries the tools it was built with",
	Severity: check.Warning,
	Run:      runBuildToolsShipped,
}

// A toolchain is an image whose only use is to compile, with the base on which what it makes runs.
type toolchain struct {
	compiles *pattern.Pattern // the command that makes the program
	runs     string           // where that runs
}

// toolchains are known by the image's name. What interpreters make needs the interpreter; they are not here.
var toolchains = map[string]toolchain{
	"golang":                            {pattern.New(`\bgo (build|install)\b`), "gcr.io/distroless/static-debian12"},
	"rust":                              {pattern.New(`\bcargo (build|install)\b`), "gcr.io/distroless/cc-debian12"},
	"maven":                             {pattern.New(`\bmvnw? .*\b(package|install|verify)\b`), "eclipse-temurin with the tag of a JRE"},
	"gradle":                            {pattern.New(`\bgradlew? .*\b(build|assemble|bootJar|shadowJar|installDist)\b`), "eclipse-temurin with the tag of a JRE"},
	"mcr.microsoft.com/dotnet/sdk":      {pattern.New(`\bdotnet (publish|build)\b`), "mcr.microsoft.com/dotnet/aspnet"},
	"mcr.microsoft.com/dotnet/core/sdk": {pattern.New(`\bdotnet (publish|build)\b`), "mcr.microsoft.com/dotnet/aspnet"},
	"swift":                             {pattern.New(`\bswift build\b`), "swift with the tag that ends in -slim"},
	"haskell":                           {pattern.New(`\b(cabal|stack) (build|install)\b`), "debian with the tag that ends in -slim"},
}

func runBuildToolsShipped(p *check.Pass) error {
	s := shippedStage(p)
	if s.Windows() || developmentName.MatchString(s.Name) || workplace(p.File.Path) || len(s.Instructions) == 0 {
		return nil
	}
	if ofToolchain(p, s) {
		return nil
	}
	compilersKept(p, s)
	return nil
}

// ofToolchain reports a shipped stage that stands on a toolchain's image and compiles its program there.
func ofToolchain(p *check.Pass, s *dockerfile.Stage) bool {
	root := rootOf(s)
	ref, ok := root.Image()
	if !ok || s.End().User == "" && !starts(s) {
		return false
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(withoutDigest(ref), "docker.io/"), "library/"), ":")
	t, ok := toolchains[name]
	if !ok || !t.compiles.MatchString(stageText(s)) {
		return false
	}
	message := fmt.Sprintf("the image ships with all of `%s`, the sources and what the build left behind, and its program "+
		"needs none of it: build in a stage of its own and copy the result to one FROM %s", name, t.runs)
	if name != "golang" {
		p.Advise(root.From.Code(), message, "which files the program needs when it runs is not known; the page has an example")
		return true
	}
	if a := homeOf(p, s); a.ok && linksCgo(a) {
		p.Advise(root.From.Code(), message, "cgo is not switched off; with CGO_ENABLED=0 the program needs no C library")
		return true
	}
	if reason := ranBeside(p); reason != "" {
		p.Advise(root.From.Code(), message, reason)
		return true
	}
	p.Offer(root.From.Code(), message, func() (fixes.Fix, error) { return fixes.SecondStage(p.File, t.runs) })
	return true
}

// starts reports whether a stage, or one below it, says what it runs: it is not only there to be built upon.
func starts(s *dockerfile.Stage) bool {
	for ; s != nil; s = s.Parent {
		if slices.ContainsFunc(s.Instructions, func(i *dockerfile.Instruction) bool {
			return i.Keyword == "CMD" || i.Keyword == "ENTRYPOINT"
		}) {
			return true
		}
	}
	return false
}

// compilers match packages that only building needs, on Debian and Alpine.
var compilers = pattern.New(`^(apt|apk):(gcc|g\+\+|clang|build-essential|build-base|alpine-sdk|make|cmake|autoconf|automake|` +
	`python3?-dev|musl-dev|libc6?-dev|linux-headers)$`)

// compilersKept reports compilers that one step installs and nothing removes, in a stage that uses them in another step.
func compilersKept(p *check.Pass, s *dockerfile.Stage) {
	left := leftovers{}
	for _, t := range lineage(s) {
		for _, i := range t.Instructions {
			left.after(i)
		}
	}
	for _, t := range lineage(s) {
		for _, i := range t.Instructions {
			if i.Keyword == "RUN" && starts(s) {
				keptBy(p, i, left)
			}
		}
	}
}

// keptBy reports the compilers among what one step leaves. Debian's and Alpine's own removal of what was installed with
// them counts as removing all.
func keptBy(p *check.Pass, run *dockerfile.Instruction, left leftovers) {
	var found []string
	cmds, _ := placedCommands(run)
	for _, c := range cmds {
		for _, made := range ecosystem.Makes(c.Command, c.dir) {
			if compilers.MatchString(made) && left[made] == run {
				_, name, _ := strings.Cut(made, ":")
				found = append(found, name)
			}
		}
	}
	if len(found) == 0 || removesBuildTools(run.File()) || worksWith(shippedStage(p), found) {
		return
	}
	names, ship, them := shipping(found)
	p.Advise(run.Code(), fmt.Sprintf("%s %s with the image, and only the build uses %s: build in a stage of its own and copy the "+
		"result, or remove %s in the same step", names, ship, them, them),
		"which files the program needs when it runs is not known; the page has an example")
}

// shipping are the words for packages that ship with an image: their names, and how one speaks of one or of several.
func shipping(packages []string) (names, ship, them string) {
	slices.Sort(packages)
	packages = slices.Compact(packages)
	if len(packages) == 1 {
		return packages[0], "ships", "it"
	}
	return strings.Join(packages, ", "), "ship", "them"
}

// worksWith reports whether a stage is there to build with: what it starts is one of the tools, or a shell to work in.
func worksWith(s *dockerfile.Stage, tools []string) bool {
	for ; s != nil; s = s.Parent {
		for _, i := range s.Instructions {
			if i.Keyword != "CMD" && i.Keyword != "ENTRYPOINT" {
				continue
			}
			words := strings.Fields(i.File().Text(i.Body))
			if i.Form == dockerfile.ExecForm {
				words = nil
				for _, w := range i.Words {
					words = append(words, w.Text)
				}
			}
			if len(words) > 0 && (slices.Contains(tools, words[0]) || len(words) == 1 && onlyShell(words[0])) {
				return true
			}
		}
	}
	return false
}

// onlyShell reports whether a program is a shell, which without a script is for people to work in.
func onlyShell(program string) bool {
	return slices.Contains([]string{"sh", "bash", "ash", "zsh"}, path.Base(program))
}

// removesBuildTools reports whether a step of the file removes packages in a way that is not followed here.
func removesBuildTools(f *dockerfile.File) bool {
	text := string(f.Src)
	for _, word := range []string{"autoremove", "purge", "apk del", "apt-get remove", "apt-mark"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}
