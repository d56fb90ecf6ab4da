package ecosystem

import (
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// asking are the managers of operating systems that ask before they change something, with the verbs for which they do.
var asking = map[string]string{
	"apt-get": "install reinstall upgrade dist-upgrade full-upgrade remove purge autoremove build-dep",
	"apt":     "install reinstall upgrade dist-upgrade full-upgrade remove purge autoremove build-dep",
	"yum":     "install update upgrade remove erase groupinstall reinstall localinstall downgrade autoremove",
	"dnf":     "install update upgrade remove erase groupinstall reinstall localinstall downgrade autoremove distro-sync",
	// microdnf and tdnf take the verbs of dnf that they know.
	"microdnf": "install update upgrade remove reinstall downgrade",
	"tdnf":     "install update upgrade remove erase reinstall downgrade autoremove distro-sync",
	"zypper":   "install in update up remove rm patch dist-upgrade dup",
}

// quiet matches the options with which they do not ask, alone or in a cluster: -y, -qy, -qq (apt), -n (zypper), and
// those with which nothing is changed.
var (
	quiet = pattern.New(`^(-[a-zA-Z]*y[a-zA-Z]*|--yes|--assume-?yes|--assume-?no|--force-yes|--no-confirm|-l|` +
		`--non-interactive|-s|--simulate|--just-print|--dry-run|--recon|--no-act|--trivial-only|-d|--download-?only|--print-uris)$`)
	aptQuiet    = pattern.New(`^-[a-zA-Z]*q[a-zA-Z]*q[a-zA-Z]*$`)
	aptQuieter  = pattern.New(`^(-[a-zA-Z]*q[a-zA-Z]*|--quiet)$`)
	zypperQuiet = pattern.New(`^-[a-zA-Z]*[nD][a-zA-Z]*$`)
)

// Asks reports whether a command is an install that asks before it goes on, and its verb. A command with words that
// cannot be read in front of the verb, or with options in a variable, is taken not to.
func Asks(c dockerfile.Command) (verb dockerfile.Argument, ok bool) {
	words := c.Words
	if len(words) > 0 && words[0].Text == "sudo" {
		words = words[1:]
	}
	if len(words) < 2 || !words[0].Literal {
		return verb, false
	}
	name := path.Base(words[0].Text)
	at := slices.IndexFunc(words[1:], func(w dockerfile.Argument) bool { return !strings.HasPrefix(w.Text, "-") })
	if at < 0 || !words[at+1].Literal || !among(asking[name], words[at+1].Text) {
		return verb, false
	}
	silenced := 0 // how often apt is told to be quiet: at the second time it assumes yes (apt-get(8), -q)
	for _, w := range words[1:] {
		if text := strings.Trim(w.Text, `"'`); aptQuieter.MatchString(text) {
			silenced++
		}
		switch text := strings.Trim(w.Text, `"'`); {
		case quiet.MatchString(text), strings.HasPrefix(name, "apt") && aptQuiet.MatchString(text),
			name == "zypper" && zypperQuiet.MatchString(text), strings.Contains(strings.ToLower(text), "assume-yes="),
			strings.HasPrefix(text, "-q=2"), strings.HasPrefix(text, "$") && optionNamed.MatchString(text):
			return verb, false
		}
	}
	return words[at+1], !(strings.HasPrefix(name, "apt") && silenced > 1)
}

// optionNamed matches a variable that by its name holds options.
var optionNamed = pattern.New(`(?i)opt|arg|flag|yes|param`)
