package ecosystem

import (
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// AptLists is where apt keeps the package lists that "apt-get update" fetches.
const AptLists = "/var/lib/apt/lists"

// An Apt is one call of Debian's package manager, wherever in a command it stands: "apt-get update",
// "sudo -E apt-get -qq update", "xargs apt-get install".
type Apt struct {
	Program string   // apt-get, apt, aptitude or apt-cache
	Verb    string   // update, install ...; "" when there is none or it is not literal
	Options []string // the words that begin with a dash and their values, as written
	Args    []string // the words after the verb that are not options, as written
	Wrapped bool     // another program starts it: sudo, xargs, env
}

var (
	aptPrograms = []string{"apt-get", "apt", "aptitude", "apt-cache"}
	// aptReaders are the verbs that need the lists. Removing packages does not.
	aptReaders = []string{"install", "reinstall", "upgrade", "dist-upgrade", "full-upgrade", "safe-upgrade", "build-dep",
		"satisfy", "source", "download", "changelog", "show", "search", "list", "policy"}
	// aptValued are the options whose value is the next word (apt-get(8)).
	aptValued = []string{"-o", "--option", "-c", "--config-file", "-t", "--target-release", "--default-release", "-a",
		"--host-architecture", "-P", "--build-profiles"}
)

// AptCall reads a command as a call of apt. Words that are only printed ("echo apt-get update") are none.
func AptCall(c dockerfile.Command) (Apt, bool) {
	if slices.Contains([]string{"echo", "printf", "which", "command", "type"}, c.Name()) {
		return Apt{}, false
	}
	for n, w := range c.Words {
		if name := path.Base(w.Text); w.Literal && slices.Contains(aptPrograms, name) {
			a := Apt{Program: name, Wrapped: n > 0}
			a.read(c.Words[n+1:])
			return a, a.Verb != "" || n == 0
		}
	}
	return Apt{}, false
}

func (a *Apt) read(words []dockerfile.Argument) {
	for n := 0; n < len(words); n++ {
		w := words[n]
		switch {
		case strings.HasPrefix(w.Text, "-"):
			a.Options = append(a.Options, w.Text)
			if slices.Contains(aptValued, w.Text) && n+1 < len(words) {
				n++
				a.Options = append(a.Options, words[n].Text)
			}
		case a.Verb == "" && len(a.Args) == 0 && w.Literal:
			a.Verb = w.Text
		default:
			a.Args = append(a.Args, w.Text)
		}
	}
}

// Updates reports whether the call fetches the package lists to their usual place.
func (a Apt) Updates() bool {
	return a.Verb == "update" && a.Program != "apt-cache" &&
		!slices.ContainsFunc(a.Options, func(o string) bool { return strings.Contains(strings.ToLower(o), "dir::state") })
}

// Reads reports whether the call works from the package lists. A verb that cannot be read might.
func (a Apt) Reads() bool {
	return a.Program == "apt-cache" || a.Verb == "" && len(a.Args) > 0 || slices.Contains(aptReaders, a.Verb)
}

// RemovesAptLists reports whether the command takes the package lists away again: rm or find on their directory, one
// above it or its contents, or apt's own distclean. Patterns are read generously ("/var/lib/{apt,dpkg}",
// "/var/lib/apt/lists/*_*"): whoever wrote one meant it.
func RemovesAptLists(c dockerfile.Command) bool {
	if a, ok := AptCall(c); ok {
		return a.Verb == "distclean" || a.Verb == "dist-clean"
	}
	if !slices.ContainsFunc(c.Words, func(w dockerfile.Argument) bool { return w.Literal && path.Base(w.Text) == "rm" }) &&
		!(c.Name() == "find" && deletes(c)) {
		return false
	}
	return slices.ContainsFunc(c.Args(), func(w dockerfile.Argument) bool { return coversLists(w.Text) })
}

// deletes reports whether a find command removes what it finds.
func deletes(c dockerfile.Command) bool {
	return slices.ContainsFunc(c.Args(), func(w dockerfile.Argument) bool { return w.Text == "-delete" || w.Text == "rm" })
}

func coversLists(word string) bool {
	text := strings.Trim(word, `"'`)
	fixed := text
	if at := strings.IndexAny(text, "*?[{$\""); at >= 0 {
		fixed = text[:at]
	}
	if fixed == text {
		fixed = strings.TrimSuffix(fixed, "/") + "/"
	}
	whole := strings.HasPrefix(AptLists+"/", fixed) && strings.Contains(text, "apt")
	return whole || strings.Contains(text, "/apt/lists/*")
}
