package ecosystem

import (
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// A manager is a package manager (or a tool like one) with the cache it fills as a side effect.
type manager struct {
	programs []string
	fills    []string // the verbs that fill the cache; "" is a call without a verb
	off      []string // options that keep the cache empty
	caches   []string // where the cache is, in the form of Makes
	cleans   []string // "verb" or "verb word" that empties it
}

var rpmVerbs = []string{"install", "update", "upgrade", "groupinstall", "localinstall", "reinstall", "makecache"}

// managers says where each keeps its cache when run as root without settings, from the tools' own documentation.
var managers = []manager{
	{[]string{"apk"}, []string{"add", "update", "upgrade"}, []string{"--no-cache"},
		[]string{"/var/cache/apk"}, []string{"cache clean"}},
	{[]string{"yum"}, rpmVerbs, nil, []string{"/var/cache/yum"}, []string{"clean"}},
	{[]string{"dnf", "microdnf"}, rpmVerbs, nil, []string{"/var/cache/dnf"}, []string{"clean"}},
	{[]string{"zypper"}, []string{"install", "in", "refresh", "ref", "update", "up"}, nil,
		[]string{"/var/cache/zypp"}, []string{"clean", "cc"}},
	{[]string{"pip", "pip3"}, []string{"install", "download", "wheel"}, []string{"--no-cache-dir"},
		[]string{"~/.cache/pip"}, []string{"cache purge"}},
	{[]string{"npm"}, []string{"install", "i", "ci", "add", "update"}, nil, []string{"~/.npm"}, []string{"cache clean"}},
	{[]string{"yarn"}, []string{"", "install", "add"}, nil, []string{"/usr/local/share/.cache/yarn"}, []string{"cache clean"}},
	{[]string{"composer"}, []string{"install", "update", "require", "create-project"}, []string{"--no-cache"},
		[]string{"~/.composer/cache"}, []string{"clear-cache", "clearcache", "cc"}},
	{[]string{"conda", "mamba", "micromamba"}, []string{"install", "create", "update", "env"}, nil,
		[]string{"/opt/conda/pkgs"}, []string{"clean"}},
	{[]string{"go"}, []string{"build", "install", "test"}, nil, []string{"~/.cache/go-build"}, []string{"clean -cache"}},
	{[]string{"go"}, []string{"mod", "get", "build", "install"}, nil, []string{"/go/pkg/mod"}, []string{"clean -modcache"}},
}

// calls are the managers that one command calls, with its words after the program.
type calls struct {
	of    []manager
	name  string
	words []string
}

// managerCall reads a command as a call of a package manager other than apt, also behind sudo and as "python -m pip".
func managerCall(c dockerfile.Command) (calls, bool) {
	args := c.Words
	if len(args) > 2 && strings.HasPrefix(c.Name(), "python") && args[1].Text == "-m" || len(args) > 1 && c.Name() == "sudo" {
		args = args[len(args)-len(c.Args()):]
		if args[0].Text == "-m" {
			args = args[1:]
		}
	}
	out := calls{name: dockerfile.Command{Words: args}.Name()}
	for _, m := range managers {
		if out.name != "" && slices.Contains(m.programs, out.name) {
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
	var out []string
	if c.name == "apk" && verb == "add" {
		out = apkPackages(rest)
	}
	for _, m := range c.of {
		off := slices.ContainsFunc(c.words, func(w string) bool { return slices.Contains(m.off, w) })
		if !off && slices.Contains(m.fills, verb) {
			out = append(out, m.caches...)
		}
	}
	return out
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
		for _, clean := range m.cleans {
			want, word, _ := strings.Cut(clean, " ")
			if verb == want && (word == "" || slices.Contains(rest, word)) {
				patterns, only = append(patterns, m.caches...), true
			}
		}
	}
	return patterns, only
}
