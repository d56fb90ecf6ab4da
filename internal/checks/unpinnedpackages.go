package checks

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

var unpinnedPackages = &check.Check{
	Name:     "unpinned-packages",
	Family:   check.Pinning,
	Summary:  "packages of a language are installed in whatever version is the newest on the day",
	Severity: check.Info,
	Aliases:  []string{"DL3013", "DL3016", "DL3028", "DL3062"},
	Run:      runUnpinnedPackages,
}

func runUnpinnedPackages(p *check.Pass) error {
	constrained := constrains(p.File)
	for _, i := range p.File.Instructions {
		if run := bodyOf(i); run != nil {
			cmds, _ := commands(run)
			if message, refused := unpinnedOf(p, cmds, constrained); message != "" {
				p.Advise(i.Code(), message, refused)
			}
		}
	}
	return nil
}

// constrains reports whether the file sets a list of versions for all of pip's installs.
func constrains(f *dockerfile.File) bool { return bytes.Contains(f.Src, []byte("PIP_CONSTRAINT")) }

// unpinnedOf says what the first of the commands that does so installs without a version, and why nothing is offered.
func unpinnedOf(p *check.Pass, cmds []dockerfile.Command, constrained bool) (message, refused string) {
	const newest = "in whatever version is the newest on the day, so two builds of one commit differ"
	for _, c := range cmds {
		if names := unpinned(c); len(names) > 0 {
			command := strings.TrimSuffix(spoken(c), " "+names[0])
			return fmt.Sprintf("`%s` installs %s %s", command, some(names), newest), "which version you want is yours to say"
		}
		if constrained {
			continue
		}
		if name, list := unpinnedIn(p, c); name != "" {
			return fmt.Sprintf("`%s` installs `%s`, of which `%s` says no version, %s", spoken(c), name, list, newest),
				"`pip freeze` and `pip-compile` write the versions of all packages down"
		}
	}
	return "", ""
}

// An installer takes packages by name on its command line.
type installer struct {
	verbs  []string // one of these words, in a row
	valued []string // options whose value is the next word
	pinned *pattern.Pattern
	global bool // only with -g: otherwise it is about a project
}

// namedInstallers are known by the program.
var namedInstallers = map[string]installer{
	"pip":  {[]string{"install"}, pipValued, pipPinned, false},
	"pip3": {[]string{"install"}, pipValued, pipPinned, false},
	"pipx": {[]string{"install"}, []string{"--python", "--pip-args", "--index-url", "-i"}, pipPinned, false},
	"npm":  {[]string{"install", "i", "add"}, []string{"--registry", "--prefix", "--loglevel"}, npmPinned, true},
	"gem": {[]string{"install"}, []string{"-v", "--version", "-i", "--install-dir", "-n", "--bindir", "-s", "--source", "-P"},
		pattern.New(`:[\d~<>=]`), false},
	"go": {[]string{"install", "run"}, []string{"-tags", "-ldflags", "-o", "-C"}, pattern.New(`@v?[\w.-]*\d`), false},
}

var (
	pipValued = []string{"-r", "--requirement", "-c", "--constraint", "-i", "--index-url", "--extra-index-url", "-f", "--find-links",
		"-t", "--target", "--prefix", "--root", "--trusted-host", "--timeout", "--retries", "--proxy", "--cert", "--platform",
		"--python-version", "--only-binary", "--no-binary", "--cache-dir", "-e", "--editable", "--progress-bar", "--log", "--src",
		"--global-option", "--install-option", "--config-settings", "--abi", "--implementation", "--upgrade-strategy", "--python"}
	// A version, a file, an address, or a variable, of which nothing is known.
	pipPinned = pattern.New(`[=<>~!]=|[<>]|@|/|\.whl$|\.tar|\.zip|^\.|\$|^(pip|setuptools|wheel)$`)
	npmPinned = pattern.New(`.@[~^]?v?\d|^[^@][^/]*/|://|\.tgz$|^\.|\$|^git|.@\$|^(npm|yarn|pnpm|corepack)(@latest)?$|.@[a-f0-9]{7}`)
)

// some are the first names of many, and how many more there are.
func some(names []string) string {
	if more := len(names) - 3; more > 1 {
		return fmt.Sprintf("`%s` and %d more", strings.Join(names[:3], "`, `"), more)
	}
	return listed(names)
}

// unpinned are the packages that a command names without a version.
func unpinned(c dockerfile.Command) []string {
	words := c.Words
	switch {
	case c.Name() == "sudo":
		words = c.Args()
	case strings.HasPrefix(c.Name(), "python") && len(words) > 2 && words[1].Text == "-m":
		words = words[2:]
	}
	if len(words) < 3 || !words[0].Literal {
		return nil
	}
	name := dockerfile.Command{Words: words}.Name()
	in, ok := namedInstallers[name]
	if !ok || !slices.Contains(in.verbs, words[1].Text) || versioned(name, words) {
		return nil
	}
	if in.global && !slices.ContainsFunc(words, func(w dockerfile.Argument) bool { return w.Text == "-g" || w.Text == "--global" }) {
		return nil
	}
	var out []string
	for n := 2; n < len(words); n++ {
		text := words[n].Text
		switch {
		case slices.Contains(in.valued, text):
			n++
		case strings.HasPrefix(text, "-"):
		case !words[n].Literal || in.pinned.MatchString(text) || name == "go" && !strings.Contains(text, "."):
		case name == "go" && !strings.HasSuffix(text, "@latest"):
		case plainPackage.MatchString(strings.TrimPrefix(text, "@")):
			out = append(out, text)
		}
	}
	return out
}

// plainPackage matches what looks like the name of a package.
var plainPackage = pattern.New(`^[A-Za-z0-9][\w./\[\],@-]*$`)

// versioned reports whether an option says which version is installed, or a list of pinned ones.
func versioned(name string, words []dockerfile.Argument) bool {
	return slices.ContainsFunc(words, func(w dockerfile.Argument) bool {
		option, _, _ := strings.Cut(w.Text, "=")
		return name == "gem" && (option == "-v" || option == "--version") ||
			strings.HasPrefix(name, "pip") && (option == "-c" || option == "--constraint" || option == "--require-hashes" ||
				option == "--no-index")
	})
}
