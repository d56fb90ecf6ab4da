package ecosystem

import (
	"cmp"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// manager is a package manager (or a tool like one) with the cache it fills as a side effect. All lists are words set
// off by blanks; see managers.
type manager struct {
	programs string
	fills    string // the verbs that fill the cache; "-" is a call without a verb
	off      string // options that keep the cache empty
	cache    string // where the cache is, in the form of Makes
	cleans   string // the verb that empties it, and a word that must follow
}

const rpmVerbs = "install update upgrade groupinstall localinstall reinstall makecache"

// managers says where each keeps its cache when run as root without settings, from the tools' own documentation.
var managers = []manager{
	{"apk", "add update upgrade", "--no-cache", "/var/cache/apk", "cache clean"},
	{"yum", rpmVerbs, "", "/var/cache/yum", "clean"},
	{"dnf microdnf", rpmVerbs, "", "/var/cache/dnf", "clean"},
	{"zypper", "install in refresh ref update up", "", "/var/cache/zypp", "clean"},
	{"pip pip3", "install download wheel", "--no-cache-dir", "~/.cache/pip", "cache purge"},
	{"npm", "install i ci add update", "", "~/.npm", "cache clean"},
	{"yarn", "- install add", "", "/usr/local/share/.cache/yarn", "cache clean"},
	{"composer", "install update require create-project", "--no-cache", "~/.composer/cache", "clear-cache"},
	{"conda mamba", "install create update env", "", "/opt/conda/pkgs", "clean"},
	{"go", "build install test", "", "~/.cache/go-build", "clean -cache"},
	{"go", "mod get build install", "", "/go/pkg/mod", "clean -modcache"},
}

// among reports whether word is one of those in a list set off by blanks.
func among(list, word string) bool { return slices.Contains(strings.Fields(list), word) }

// calls are the managers that one command calls, with its words after the program.
type calls struct {
	of    []manager
	name  string
	words []string
}

// managerCall reads a command as a call of a package manager other than apt, also behind sudo and as "python -m pip".
func managerCall(c dockerfile.Command) (calls, bool) {
	args := c.Words
	switch {
	case c.Name() == "sudo":
		args = c.Args()
	case strings.HasPrefix(c.Name(), "python") && len(args) > 2 && args[1].Text == "-m":
		args = args[2:]
	}
	out := calls{name: dockerfile.Command{Words: args}.Name()}
	for _, m := range managers {
		if among(m.programs, out.name) {
			out.of = append(out.of, m)
		}
	}
	for _, w := range args[min(1, len(args)):] {
		out.words = append(out.words, w.Text)
	}
	return out, len(out.of) > 0
}

// verb is the first word that is no option.
func (c calls) verb() (verb string, rest []string) {
	for n, w := range c.words {
		if !strings.HasPrefix(w, "-") {
			return w, c.words[n+1:]
		}
	}
	return "", nil
}

func (c calls) makes() []string {
	verb, rest := c.verb()
	if slices.Contains(c.words, "--version") || slices.Contains(c.words, "--help") {
		return nil
	}
	var out []string
	if c.name == "apk" && verb == "add" {
		out = apkPackages(rest)
	}
	for _, m := range c.of {
		off := slices.ContainsFunc(c.words, func(w string) bool {
			return among(m.off, w) || among("npm yarn", m.programs) && strings.HasPrefix(w, "--cache")
		})
		if !off && among(m.fills, cmp.Or(verb, "-")) {
			out = append(out, m.cache)
		}
	}
	return out
}

// RPMPackages are what a command installs by yum, dnf, microdnf or zypper: "rpm:vim". What removes them is not followed.
func RPMPackages(c dockerfile.Command) []string {
	m, ok := managerCall(c)
	verb, rest := m.verb()
	if !ok || !among("yum dnf microdnf zypper", m.name) || !among("install in", verb) {
		return nil
	}
	return packages("rpm:", withoutOptions(rest))
}

// apkPackages are what "apk add" installs: the virtual package where there is one, else each.
func apkPackages(words []string) []string {
	for n, w := range words {
		if name, ok := strings.CutPrefix(w, "--virtual="); ok {
			return packages("apk:", []string{name})
		}
		if (w == "--virtual" || w == "-t") && n+1 < len(words) {
			return packages("apk:", words[n+1:n+2])
		}
	}
	return packages("apk:", withoutOptions(words))
}

func withoutOptions(words []string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(w string) bool { return strings.HasPrefix(w, "-") })
}

func (c calls) removes() (patterns []string, only bool) {
	verb, rest := c.verb()
	if c.name == "apk" && verb == "del" {
		return packages("apk:", withoutOptions(rest)), true
	}
	for _, m := range c.of {
		want, word, _ := strings.Cut(m.cleans, " ")
		if verb == want && (word == "" || slices.Contains(c.words, word)) {
			patterns, only = append(patterns, m.cache), true
		}
	}
	return patterns, only
}
