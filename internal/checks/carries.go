package checks

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

// installers are package managers and the words that make them install.
var installers = map[string][]string{
	"apt": {"install"}, "apt-get": {"install"}, "apk": {"add"}, "dnf": {"install"}, "yum": {"install"},
	"microdnf": {"install"}, "tdnf": {"install"}, "zypper": {"install", "in"}, "pacman": {"-S", "-Sy", "-Syu"},
}

// bringers are packages, or parts of their names, that bring curl or wget along without saying so.
var bringers = strings.Fields("chrome devscripts texlive youtube-dl yt-dlp task- ros- cuda jenkins conda")

var variableOfBase = pattern.New(`\$\{?(\w+)`)

// swapped reports whether a build passes what stands in the base image's name: then it is another image there.
func (l launch) swapped(p *check.Pass) bool {
	var names []string
	for _, found := range variableOfBase.FindAllStringSubmatch(lineage(l.stage)[0].Base, -1) {
		names = append(names, found[1])
	}
	return argsPassed(p, names)
}

// carries reports whether the image has a program on its PATH, and whether that can be told: from the base image's facts,
// from what the steps install, and as long as no step may have brought it in another way. "sh" is the shell.
func (l launch) carries(program string) (has, known bool) {
	if l.known {
		if has, known = l.base.Has(program); program == "sh" {
			has, known = l.base.Shell != "none", l.base.Shell != ""
		}
	}
	word := regexp.MustCompile(`(^|[^\w-])` + regexp.QuoteMeta(program) + `([^\w-]|$)`)
	for _, i := range l.steps() {
		switch i.Keyword {
		case "COPY", "ADD":
			if coversPrograms(i, program) {
				known = has
			}
		case "RUN":
			installs, maybe := installsProgram(i, program)
			if installs {
				has, known = true, true
			} else if maybe || word.MatchString(text(i)) {
				known = has
			}
		}
	}
	return has, known
}

// text is all of an instruction's text, here-documents included.
func text(i *dockerfile.Instruction) string {
	out := i.Text()
	for _, h := range i.Heredocs {
		out += "\n" + h.Content
	}
	return out
}

// coversPrograms reports whether a COPY or ADD may put a program into a directory of the PATH: the whole directory, one
// that holds it, or a file of that name.
func coversPrograms(i *dockerfile.Instruction, program string) bool {
	to, _ := destination(i)
	if to == "" {
		_, from := i.Flag("from")
		return from
	}
	if path.Base(to) == program || path.Base(to) == "busybox" {
		return true
	}
	return slices.ContainsFunc(search[:], func(dir string) bool { return within(dir, to) })
}

// installsProgram reports whether a RUN installs a package of the program's name, and whether it may bring the program in
// another way.
func installsProgram(i *dockerfile.Instruction, program string) (installs, maybe bool) {
	cmds, ok := commands(i)
	maybe = !ok
	for _, c := range cmds {
		args, literal := c.Args(), true
		if len(c.Words) > 0 && c.Words[0].Literal && c.Name() == "sudo" && len(args) > 0 {
			args, c.Words = args[1:], args
		}
		verbs := installers[c.Name()]
		if verbs == nil {
			maybe = maybe || opaque(c)
			continue
		}
		adds := false
		for _, a := range args {
			literal = literal && a.Literal
			adds = adds || slices.Contains(verbs, a.Text)
			name, _, _ := strings.Cut(strings.TrimSuffix(a.Text, "-minimal"), "=")
			installs = installs || adds && strings.TrimSuffix(name, "-ssl") == program
			maybe = maybe || adds && slices.ContainsFunc(bringers, func(b string) bool { return strings.Contains(a.Text, b) })
		}
		maybe = maybe || adds && !literal
	}
	return installs, maybe
}
