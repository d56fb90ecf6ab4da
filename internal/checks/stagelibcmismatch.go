package checks

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/image"
	"github.com/lighterman/lighterman/internal/pattern"
)

var stageLibcMismatch = &check.Check{
	Name:     "stage-libc-mismatch",
	Family:   check.Hygiene,
	Summary:  "what was built for one C library or release is copied onto a base with another",
	Severity: check.Warning,
	Run:      runStageLibcMismatch,
}

func runStageLibcMismatch(p *check.Pass) error {
	m := mismatches{
		Pass: p, homes: map[*dockerfile.Stage]home{}, made: map[*dockerfile.Stage][]compiled{}, named: map[string]bool{},
		bridged: map[*dockerfile.Stage]bool{}, rebuilt: map[*dockerfile.Stage]int{},
		prefixes: map[*dockerfile.Stage][]string{},
		node:     sync.OnceValue(func() string { return nodeNative(p) }),
	}
	for _, s := range p.File.Stages {
		told := map[string]bool{}
		for _, i := range s.Instructions {
			from, ok := i.Flag("from")
			if i.Keyword != "COPY" || !ok || len(i.Words) < 2 || told[from.Value] {
				continue
			}
			if message := m.of(i, from.Value); message != "" {
				told[from.Value] = true
				p.Advise(i.Code(), message, "which of the two bases is to change is for you to decide")
			}
		}
	}
	return nil
}

// mismatches looks for them in one file, and remembers what it found out of each stage: a file may copy from one many
// times.
type mismatches struct {
	*check.Pass
	homes   map[*dockerfile.Stage]home
	made    map[*dockerfile.Stage][]compiled
	named   map[string]bool // whether packages are mentioned
	bridged map[*dockerfile.Stage]bool
	rebuilt map[*dockerfile.Stage]int // the last instruction that installs the packages of Node.js anew
	// prefixes are the directories below which pip installs.
	prefixes map[*dockerfile.Stage][]string
	node     func() string // a package with a compiled part that the project depends on
}

// A home is an image that files come from or go to, as far as it binds what is built on it.
type home struct {
	ref   string
	facts image.Image
	stage *dockerfile.Stage // nil for an image that is copied from directly
	ok    bool              // its C library is known
}

// of says what is wrong with a copy, "" when nothing is known to be.
func (m mismatches) of(copied *dockerfile.Instruction, from string) string {
	a, b := m.home(from), m.homeOfStage(copied.Stage)
	if !a.ok || !b.ok || a.ref == b.ref {
		return ""
	}
	for _, n := range m.tiedIn(a, copied) {
		if message := m.clash(a, b, n); message != "" {
			return message
		}
	}
	return ""
}

// clash says why something that was made on a does not work on b, "" when it may.
func (m mismatches) clash(a, b home, n tied) string {
	switch {
	case a.facts.Libc != b.facts.Libc:
		if n.libc && !m.bridges(b.stage) {
			const message = "%s on `%s` needs %s, and `%s` has %s, on which it does not work"
			return fmt.Sprintf(message, n.what, a.ref, a.facts.Libc, b.ref, b.facts.Libc)
		}
	case n.release != nil && a.facts.Name == b.facts.Name:
		if x, y := n.release(a.ref), n.release(b.ref); x != "" && y != "" && x != y {
			return fmt.Sprintf("%s for %s %s does not fit `%s`", n.what, a.facts.Name, x, b.ref)
		}
	case n.program && debianOf(a.ref) > debianOf(b.ref) && debianOf(b.ref) > 0:
		const message = "%s on `%s` may need more than the older glibc of `%s` has"
		return fmt.Sprintf(message, n.what, a.ref, b.ref)
	}
	return ""
}

// home is what --from names: a stage or an image.
func (m mismatches) home(from string) home {
	if s := m.File.Stage(from); s != nil {
		return m.homeOfStage(s)
	}
	facts, ok := m.Images.Lookup(from)
	return home{ref: from, facts: facts, ok: ok && hasLibc(facts)}
}

// homeOfStage is the image that a stage stands on.
func (m mismatches) homeOfStage(s *dockerfile.Stage) home {
	if h, ok := m.homes[s]; ok {
		return h
	}
	m.homes[s] = homeOf(m.Pass, s)
	return m.homes[s]
}

func homeOf(p *check.Pass, s *dockerfile.Stage) home {
	h := home{stage: s}
	if ref, ok := s.Image(); ok && !s.Windows() && !argsPassed(p, argsIn(rootOf(s).Base)) && !replaced(p, ref) {
		facts, known := p.Images.Lookup(ref)
		h.ref, h.facts, h.ok = ref, facts, known && hasLibc(facts)
	}
	return h
}

func hasLibc(facts image.Image) bool { return facts.Libc == "glibc" || facts.Libc == "musl" }

// bridges reports whether a stage installs what runs programs of the other C library.
func (m mismatches) bridges(s *dockerfile.Stage) bool {
	found, ok := m.bridged[s]
	if !ok {
		found = slices.ContainsFunc(runsOf(s), func(i *dockerfile.Instruction) bool { return bridge.MatchString(i.Text()) })
		m.bridged[s] = found
	}
	return found
}

var bridge = pattern.New(`\b(gcompat|libc6-compat|glibc|musl)\b`)

// runsOf are the RUNs of a stage and of those it stands on, the first ones first.
func runsOf(s *dockerfile.Stage) []*dockerfile.Instruction {
	var out []*dockerfile.Instruction
	if s.Parent != nil {
		out = runsOf(s.Parent)
	}
	for _, i := range s.Instructions {
		if i.Keyword == "RUN" {
			out = append(out, i)
		}
	}
	return out
}

// debians are the releases of Debian by name.
var debians = map[string]int{"stretch": 9, "buster": 10, "bullseye": 11, "bookworm": 12, "trixie": 13}

// distrolessDebian matches the release in the name of a distroless image.
var distrolessDebian = pattern.New(`^gcr\.io/distroless/[a-z0-9-]*-debian([0-9]+)\b`)

// debianOf is the release of Debian that a reference names, 0 when it names none.
func debianOf(ref string) int {
	if m := distrolessDebian.FindStringSubmatch(ref); m != nil {
		return wholeNumber(m[1])
	}
	words := strings.Split(tagOf(ref), "-")
	for _, word := range words {
		if n := debians[word]; n > 0 {
			return n
		}
	}
	name := strings.TrimSuffix(withoutDigest(ref), ":"+tagOf(ref))
	if name == "debian" || strings.HasSuffix(name, "/library/debian") {
		major, _, _ := strings.Cut(words[0], ".")
		return wholeNumber(major)
	}
	return 0
}

// wholeNumber is a number as written, 0 when it is none.
func wholeNumber(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

// leading matches the version at the start of a tag.
var leading = pattern.New(`^[0-9]+(?:\.[0-9]+)*`)

// major and minor are the parts of a tag's version that an installed package is bound to: "22", "3.12".
func major(ref string) string { return versionOf(ref, 1) }
func minor(ref string) string { return versionOf(ref, 2) }

// versionOf is the first n parts of a tag's version, "" when it has fewer.
func versionOf(ref string, n int) string {
	parts := strings.Split(leading.FindString(tagOf(ref)), ".")
	if len(parts) < n || parts[0] == "" {
		return ""
	}
	return strings.Join(parts[:n], ".")
}
