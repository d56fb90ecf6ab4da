package checks

import (
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

var goDynamicBinary = &check.Check{
	Name:     "go-dynamic-binary",
	Family:   check.SmallerImage,
	Summary:  "a Go program that needs a C library is copied to an image that has none",
	Severity: check.Error,
	Run:      runGoDynamicBinary,
}

var goDebugInfo = &check.Check{
	Name:     "go-debug-info",
	Family:   check.SmallerImage,
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
		cgo := linksCgo(a) && !otherSystem.MatchString(stageText(s))
		for _, copied := range copiesFrom(p.File, s) {
			to, ok := bare(p, copied.Stage)
			if !ok || getsLibraries(copied.Stage) || exports(copied.Stage) {
				continue
			}
			for _, b := range builds {
				if linker(a, b.placed, cgo) == "go" && b.taken(copied) {
					dynamic(p, b, to, copied.Stage)
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
	return ref, ok && facts.Libc == "none" && !replaced(p, ref)
}

var (
	// otherSystem matches the setting with which Go builds for another system, where it leaves cgo.
	otherSystem = pattern.New(`\bGOOS["']?[=\s]["']?(windows|darwin|freebsd|openbsd|netbsd|js|wasip1|android|ios|plan9)\b`)
	// libraries matches a path that holds, or may hold, the C library or the program that loads it.
	libraries = pattern.New(`^(/?|/?(usr/)?(local/)?lib(32|64|x32)?(/.*)?|/?usr|.*\b(ld-linux|ld-musl|libc\.).*)$`)
	// looksForLibraries matches what is done to find the libraries of a program.
	looksForLibraries = pattern.New(`\b(ldd|lddtree|patchelf|ld-linux\S*|ld-musl\S*|libc\.(so|musl)\S*|static-get)\b`)
)

// getsLibraries reports whether a stage may be given the libraries that its programs need: they are copied, an archive is
// unpacked, or somebody looked for them.
func getsLibraries(s *dockerfile.Stage) bool {
	for _, i := range s.From.File().Instructions {
		if looksForLibraries.MatchString(i.Text()) {
			return true
		}
	}
	for _, i := range s.Instructions {
		if i.Keyword == "ADD" {
			return true
		}
		if i.Keyword != "COPY" || len(i.Words) < 2 {
			continue
		}
		to := i.Words[len(i.Words)-1].Text
		for _, w := range i.Words[:len(i.Words)-1] {
			if libraries.MatchString(w.Text) || to != "/" && libraries.MatchString(strings.TrimSuffix(to, "/")) {
				return true
			}
		}
	}
	return false
}

// exports reports whether a stage that starts nothing is called like one whose files are taken out of the builder.
func exports(s *dockerfile.Stage) bool {
	return !startsSomething(s) && exporting.MatchString(s.Name)
}

var exporting = pattern.New(`(?i)export|artifact|binar|output|release|^(bin|out|dist)$`)

func startsSomething(s *dockerfile.Stage) bool {
	return slices.ContainsFunc(s.Instructions, func(i *dockerfile.Instruction) bool {
		return i.Keyword == "CMD" || i.Keyword == "ENTRYPOINT"
	})
}

// dynamic reports a build whose program has to be static in the stage that it is copied to.
func dynamic(p *check.Pass, b goBuild, base string, to *dockerfile.Stage) {
	r := rewording{
		message: "with cgo on, the Go program needs the C library as soon as a package such as `net` does, and `" + base +
			"` has none: it ends at its start with \"no such file or directory\"",
		title: "Build the program without cgo", rule: fixes.WithoutCgo,
		words: []fixes.Rewording{{At: b.Words[0].Span, How: fixes.Before, Text: "CGO_ENABLED=0"}},
	}
	if !slices.ContainsFunc(p.File.Stages, func(s *dockerfile.Stage) bool {
		return (s == to || standsOn(s, to)) && startsSomething(s)
	}) {
		r.refused = "nothing starts in the image, so the program may be taken out of it and run elsewhere"
	}
	r.report(p, b.run, b.run)
}

func runGoDebugInfo(p *check.Pass) error {
	seen := map[dockerfile.Span]bool{} // a stage has the builds of those it stands on
	for _, s := range p.File.Stages {
		for _, b := range goBuilds(s) {
			ships := shipped(p, s) || slices.ContainsFunc(copiesFrom(p.File, s), func(i *dockerfile.Instruction) bool {
				return shipped(p, i.Stage) && b.taken(i)
			})
			text := stageText(s)
			if !ships || seen[b.Words[0].Span] || settlesDebugInfo(b, text) {
				continue
			}
			seen[b.Words[0].Span] = true
			if flags := b.linkerFlags(); len(flags) > 0 {
				linkedDebugInfo(p, b, flags)
			} else if !strings.Contains(text, "-ldflags") {
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
		if slices.Contains([]string{"-gcflags", "-race", "-cover", "-buildmode"}, name) {
			return true
		}
	}
	return strips.MatchString(text) || strings.Contains(text, "GOFLAGS") || strings.Contains(text, "strip ") ||
		strings.Contains(text, "upx") || strings.Contains(text, "dlv") || strings.Contains(text, "delve")
}

// linkerFlags are the words that hold the linker's flags.
func (b goBuild) linkerFlags() (out []dockerfile.Argument) {
	for k, w := range b.Words {
		name, _, inOne := strings.Cut(strings.TrimLeft(w.Text, `"'-`), "=")
		switch {
		case name != "ldflags" || !strings.Contains(w.Text, "-ldflags"):
		case inOne:
			out = append(out, w)
		case k+1 < len(b.Words):
			out = append(out, b.Words[k+1])
		}
	}
	return out
}

var (
	// strips matches a linker's flag that leaves symbols or debug information out, or says otherwise about them.
	strips = pattern.New(`(?:ldflags|["'=\s])[\s"'=]--?(?:s|w|compressdwarf)(?:["'=\s]|$)`)
	// stripped matches the same among the linker's flags.
	stripped = pattern.New(`(?:^|[\s"'=])--?(?:s|w|compressdwarf)(?:["'=\s]|$)`)
	// hidden matches flags that may be among those a variable or a command holds.
	hidden = pattern.New("^(?:--?ldflags=)?[\"']*[$`]|\\s[\"']*[$`]")
)

const carriesDebugInfo = "the Go program ships with its symbol table and debug information, about a quarter of its size, " +
	"which only a debugger reads"

func debugInfo(p *check.Pass, b goBuild) {
	rewording{
		message: carriesDebugInfo,
		title:   "Build the program without debug information", rule: fixes.WithoutDebugInfo,
		words: []fixes.Rewording{{At: b.Words[1].Span, Text: `-trimpath -ldflags="-s -w"`}},
	}.report(p, b.run, b.run)
}

// linkedDebugInfo reports a build that gives the linker flags which leave debug information in. Nothing is said of flags
// that say otherwise or cannot be read.
func linkedDebugInfo(p *check.Pass, b goBuild, flags []dockerfile.Argument) {
	settled := func(w dockerfile.Argument) bool {
		return stripped.MatchString(w.Text) || !w.Literal && hidden.MatchString(w.Text)
	}
	if slices.ContainsFunc(flags, settled) {
		return
	}
	r := rewording{message: carriesDebugInfo, title: "Build the program without debug information", rule: fixes.WithoutSymbols}
	word, err := fixes.StrippedFlags(p.File, flags[0].Span)
	switch {
	case len(flags) > 1:
		r.refused = "the linker's flags are given more than once"
	case !flags[0].Literal:
		r.refused = "the linker's flags are built from a variable"
	case err != nil:
		r.refused = err.Error()
	default:
		r.words = []fixes.Rewording{word}
	}
	r.report(p, b.run, b.run)
}
