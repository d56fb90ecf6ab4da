package checks

import (
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

var goDynamicBinary = &check.Check{
	Name:     "go-dynamic-binary",
	Summary:  "a Go program that needs a C library is copied to an image that has none",
	Severity: check.Error,
	Run:      runGoDynamicBinary,
}

var goDebugInfo = &check.Check{
	Name:     "go-debug-info",
	Summary:  "the shipped Go program carries debug information, about a quarter of its size",
	Severity: check.Info,
	Run:      runGoDebugInfo,
}

// A goBuild is one command that builds a Go program, in the RUN it stands in.
type goBuild struct {
	run *dockerfile.Instruction
	placed
}

// goBuilds are the commands of a stage that build Go programs. Tests and cross-builds of several targets are none.
func goBuilds(s *dockerfile.Stage) (out []goBuild) {
	for _, run := range runsOf(s) {
		cmds, _ := placedCommands(run)
		for _, c := range cmds {
			if c.Name() == "go" && len(c.Words) > 1 && (c.Words[1].Text == "build" || c.Words[1].Text == "install") {
				out = append(out, goBuild{run, c})
			}
		}
	}
	return out
}

// taken reports whether a COPY takes what the command builds; a directory above counts.
func (b goBuild) taken(copied *dockerfile.Instruction) bool {
	outputs := outputsOf("go", b.placed)
	for _, w := range copied.Words[:len(copied.Words)-1] {
		source := path.Join("/", w.Text)
		if slices.ContainsFunc(outputs, func(at string) bool { return within(at, source) || within(source, at) }) {
			return true
		}
	}
	return false
}

// copies are the COPYs of the file that take something from stage s.
func copiesFrom(f *dockerfile.File, s *dockerfile.Stage) (out []*dockerfile.Instruction) {
	for _, i := range f.Instructions {
		if from, ok := i.Flag("from"); ok && i.Keyword == "COPY" && len(i.Words) > 1 && f.Stage(from.Value) == s {
			out = append(out, i)
		}
	}
	return out
}

func runGoDynamicBinary(p *check.Pass) error {
	for _, s := range p.File.Stages {
		a := homeOf(p, s)
		if !a.ok {
			continue
		}
		builds := goBuilds(s)
		if len(builds) == 0 {
			continue
		}
		cgo := linksCgo(a)
		for _, copied := range copiesFrom(p.File, s) {
			to, ok := bare(p, copied.Stage)
			if !ok {
				continue
			}
			for _, b := range builds {
				if linker(a, b.placed, cgo) == "go" && b.taken(copied) {
					dynamic(p, b, to)
				}
			}
		}
	}
	return nil
}

// bare reports whether a stage stands on an image that is known to have no C library, and which.
func bare(p *check.Pass, s *dockerfile.Stage) (ref string, ok bool) {
	ref, ok = s.Image()
	if !ok || argsPassed(p, argsIn(rootOf(s).Base)) {
		return "", false
	}
	facts, ok := p.Images.Lookup(ref)
	return ref, ok && facts.Libc == "none"
}

// dynamic reports a build whose program has to be static.
func dynamic(p *check.Pass, b goBuild, base string) {
	rewording{
		message: "with cgo on, the Go program needs the C library as soon as a package such as `net` does, and `" + base +
			"` has none: it ends at its start with \"no such file or directory\"",
		title: "Build the program without cgo", rule: fixes.WithoutCgo,
		words: []fixes.Rewording{{At: b.Words[0].Span, How: fixes.Before, Text: "CGO_ENABLED=0"}},
	}.report(p, b.run, b.run)
}

func runGoDebugInfo(p *check.Pass) error {
	for _, s := range p.File.Stages {
		for _, b := range goBuilds(s) {
			ships := shipped(p, s) || slices.ContainsFunc(copiesFrom(p.File, s), func(i *dockerfile.Instruction) bool {
				return shipped(p, i.Stage) && b.taken(i)
			})
			if ships && !settlesDebugInfo(b, stageText(s)) {
				debugInfo(p, b)
			}
		}
	}
	return nil
}

// settlesDebugInfo reports whether it is decided what the program carries: it is stripped, compressed or made for a debugger.
func settlesDebugInfo(b goBuild, text string) bool {
	for _, w := range b.Words {
		name, _, _ := strings.Cut(w.Text, "=")
		if slices.Contains([]string{"-ldflags", "--ldflags", "-gcflags", "-race", "-cover", "-buildmode"}, name) {
			return true
		}
	}
	return strings.Contains(text, "-ldflags") || strings.Contains(text, "GOFLAGS") || strings.Contains(text, "strip ") ||
		strings.Contains(text, "upx") || strings.Contains(text, "dlv") || strings.Contains(text, "delve")
}

func debugInfo(p *check.Pass, b goBuild) {
	rewording{
		message: "the Go program ships with its symbol table and debug information, about a quarter of its size, which only " +
			"a debugger reads",
		title: "Build the program without debug information", rule: fixes.WithoutDebugInfo,
		words: []fixes.Rewording{{At: b.Words[1].Span, Text: `-trimpath -ldflags="-s -w"`}},
	}.report(p, b.run, b.run)
}
