package prove

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// rewordings are the rules by which words of commands may change.
var rewordings = map[fixes.Rule]rewording{
	fixes.ApkKeepsNothing: {
		command: gains{
			programs: "apk", verbs: "add", flag: "--no-cache", switches: "-q --quiet -v --verbose -U --update --update-cache",
			against: "--no-cache --cache-dir --cache-max-age --no-network --root -p",
		}.command,
		spares: []string{"/var/cache/apk"}, needs: apkIndex,
		against: pattern.New(`etc/apk/cache|setup-apkcache`),
	},
	fixes.PipKeepsNothing: {
		command: gains{
			programs: "pip pip3", verbs: "install download wheel", flag: "--no-cache-dir",
			switches: "-q --quiet -qq -v --verbose --disable-pip-version-check --no-input --isolated -U --upgrade " +
				"--no-python-version-warning --no-color",
			against: "--cache-dir --no-cache-dir",
		}.command,
		spares:  []string{"/root/.cache/pip", "/root/.cache"},
		against: pattern.New(`(?i)PIP_CACHE_DIR|XDG_CACHE_HOME|cache-dir=|pip3?[ \t]+cache\b`),
	},
	fixes.GemNoDocuments: {
		command: gains{
			programs: "gem", verbs: "install update", flag: "--no-document", switches: "-q --quiet -V --verbose --silent",
			against: "--no-document -N --document --ri --rdoc --no-ri --no-rdoc",
		}.command,
		against: pattern.New(`(?m)(^|[\s"'&;|(])(ri|rdoc|yri|gem[\s",]+(server|rdoc))([\s"',]|$)|gems?\b[^\n]*/(doc|ri)\b|gemdir`),
	},
	fixes.AssumesYes:       {command: assumesYes},
	fixes.NoRecommends:     {command: noRecommends},
	fixes.StableApt:        {command: stableApt, against: pattern.New(`(?i)Binary::apt|docker-clean|Keep-Downloaded`)},
	fixes.WithoutSudo:      {command: withoutSudo, against: changesBySudo},
	fixes.FailsOnHTTPError: {command: failsOnHTTPError},
	fixes.WithoutCgo:       {command: withoutCgo},
	fixes.WithoutDebugInfo: {command: withoutDebugInfo, against: readsDebugInfo},
	fixes.WithoutSymbols:   {command: withoutSymbols, against: readsDebugInfo},
	fixes.FrozenInstall:    {command: frozenInstall, against: nodeSettings},
	fixes.NoDevelopment:    {command: noDevelopment, against: nodeSettings},
}

// apkIndex reports whether a command may work from an index that apk fetched before. One that says it brings its own is
// not believed: whether it said so may be a later fix of the same file.
func apkIndex(words []string, _ bool) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(w, "apk") }) &&
		!slices.Contains(words, "del")
}

// changesBySudo matches what is in force with sudo, or only without it: it takes most variables away, looks for programs
// in directories of its own, and may be told to become somebody else (sudoers(5)).
var changesBySudo = pattern.New(`(?i)\b(LD_[A-Z_]+|APT_CONFIG|DPKG_\w+|\w*_proxy|\w+_OPTIONS)\b|\bPATH=|umask|runas_default`)

const aptSwitches = `-y --yes --assume-yes -q -qq -qqy -qy -yq -yqq -yqqq -qqqy --quiet --no-install-suggests
	--allow-unauthenticated --allow-downgrades --fix-missing -m -f --fix-broken --allow-change-held-packages
	--no-install-recommends --only-upgrade --reinstall --force-yes -V --verbose-versions`

// gains is the rule for a flag that an install command gains behind its verb.
type gains struct {
	programs string   // these, each a list of words
	verbs    string   // with one of these
	flag     string   // gain this
	switches string   // options without a value that may stand before the verb and the flag
	against  string   // options that say otherwise: the command must not have them
	extra    []string // packages that may be added besides
}

func (g gains) command(r rewrite) error {
	added, err := r.added()
	if err != nil {
		return err
	}
	verb, err := g.verb(r)
	if err != nil {
		return err
	}
	if err := g.contradicts(r.was); err != nil {
		return err
	}
	flags := 0
	for at, word := range added {
		switch {
		case word == g.flag && onlySwitches(r.is[verb+1:max(verb+1, at)], g.switches):
			flags++
		case slices.Contains(g.extra, word) && at > verb+1 && packageName(r.is[at-1]) && r.is[at-1].Text != word:
		default:
			return fmt.Errorf("the word %s is added", word)
		}
	}
	if flags != 1 {
		return fmt.Errorf("%s is not added once, behind the command", g.flag)
	}
	return nil
}

// verb is the place of the verb in the words afterwards. What stands before it is the program, perhaps behind sudo or
// "python -m", and options that take no value.
func (g gains) verb(r rewrite) (int, error) {
	at, err := programAt(r.was, r.sets)
	if err != nil {
		return 0, err
	}
	if !among(g.programs, path.Base(r.was[at].Text)) {
		return 0, fmt.Errorf("%s is another program", r.was[at].Text)
	}
	for k := at + 1; k < len(r.is); k++ {
		switch w := r.is[k]; {
		case !w.Literal:
			return 0, fmt.Errorf("what %s is for the program is not known", w.Text)
		case among(g.verbs, w.Text):
			return k, nil
		case !among(g.switches, w.Text) || w.Text == g.flag:
			return 0, fmt.Errorf("%s in front of the command is not known", w.Text)
		}
	}
	return 0, errors.New("the program is not told what to do")
}

// programAt is the place of the program among the words of a command: behind assignments, sudo without options, and
// "python -m".
func programAt(words []dockerfile.Argument, sets int) (int, error) {
	for _, w := range words[:sets] {
		if name, _, _ := strings.Cut(w.Text, "="); slices.Contains([]string{"PATH", "IFS", "LD_PRELOAD"}, name) {
			return 0, fmt.Errorf("%s is set for the command", name)
		}
	}
	at := sets
	if at < len(words) && words[at].Text == "sudo" {
		at++
	}
	if at+2 < len(words) && pythons.MatchString(words[at].Text) && words[at+1].Text == "-m" {
		at += 2
	}
	if at >= len(words) || !words[at].Literal {
		return 0, errors.New("which program runs is not known")
	}
	return at, nil
}

// pythons match the names of Python's interpreter.
var pythons = pattern.New(`^(/usr(/local)?/bin/)?python(3(\.\d+)?)?$`)

// contradicts says which option of a command says otherwise. An option that cannot be read might.
func (g gains) contradicts(words []dockerfile.Argument) error {
	for _, w := range words {
		name, _, _ := strings.Cut(strings.Trim(w.Text, `"'`), "=")
		if among(g.against, name) {
			return fmt.Errorf("%s says otherwise", name)
		}
	}
	return nil
}

// among reports whether word is one of those in a list set off by blanks.
func among(list, word string) bool { return slices.Contains(strings.Fields(list), word) }

func onlySwitches(words []dockerfile.Argument, switches string) bool {
	return !slices.ContainsFunc(words, func(w dockerfile.Argument) bool { return !w.Literal || !among(switches, w.Text) })
}

// plainPackage matches the name of a package of Debian, with a version or an architecture.
var plainPackage = pattern.New(`^[a-z0-9][a-z0-9+.-]+([:=][A-Za-z0-9.+:~*-]+)?$`)

func packageName(w dockerfile.Argument) bool { return w.Literal && plainPackage.MatchString(w.Text) }

// assumesYes: an install of the operating system's manager gains the option with which it does not ask.
func assumesYes(r rewrite) error {
	at, err := programAt(r.was, r.sets)
	if err != nil {
		return err
	}
	switch {
	case r.in.fed:
		return errors.New("something else answers the question")
	case r.in.judged:
		return errors.New("that it stops may be meant")
	}
	g, ok := asking[path.Base(r.was[at].Text)]
	if !ok {
		return fmt.Errorf("%s is another program", r.was[at].Text)
	}
	return g.command(r)
}

const (
	aptSays = "-y --yes --assume-yes -s --simulate --just-print --dry-run --recon --no-act --assume-no " +
		"-d --download-only --print-uris --trivial-only -qqy -qy -yq -yqq -yqqq -qqqy"
	rpmVerbs = "install update upgrade remove erase groupinstall reinstall localinstall downgrade autoremove distro-sync"
	rpmSays  = "-y --assumeyes --assumeno --downloadonly"
	rpmQuiet = "-q --quiet -v --verbose --nogpgcheck --nodocs --best --allowerasing --refresh --skip-broken"
)

// asking are the managers that ask before they install.
var asking = map[string]gains{
	"apt-get":  {"apt-get", aptVerbs, "-y", aptSwitches, aptSays, nil},
	"apt":      {"apt", aptVerbs, "-y", aptSwitches, aptSays, nil},
	"yum":      {"yum", rpmVerbs, "-y", rpmQuiet, rpmSays, nil},
	"dnf":      {"dnf", rpmVerbs, "-y", rpmQuiet, rpmSays, nil},
	"microdnf": {"microdnf", rpmVerbs, "-y", rpmQuiet, rpmSays, nil},
	"tdnf":     {"tdnf", rpmVerbs, "-y", rpmQuiet, rpmSays, nil},
	"zypper": {"zypper", "install in update up remove rm patch dist-upgrade dup", "-y", "-q --quiet -v --verbose " +
		"--no-gpg-checks --gpg-auto-import-keys", "-y --no-confirm -n --non-interactive -D --dry-run -d --download-only", nil},
}

const aptVerbs = "install reinstall upgrade dist-upgrade full-upgrade remove purge autoremove build-dep"

// noRecommends: an install of packages that work without what they recommend gains the option that leaves it out.
func noRecommends(r rewrite) error {
	g := gains{
		programs: "apt-get apt", verbs: "install", flag: "--no-install-recommends",
		switches: aptSwitches, against: "--no-install-recommends --install-recommends -f --fix-broken",
		extra: []string{"ca-certificates"},
	}
	if err := g.command(r); err != nil {
		return err
	}
	verb, err := g.verb(r)
	if err != nil {
		return err
	}
	words := r.is[verb+1:]
	for k := 0; k < len(words); k++ {
		name, _, _ := strings.Cut(words[k].Text, "=")
		switch {
		case among("-t --target-release -o", words[k].Text) && k+1 < len(words) && words[k+1].Literal &&
			!strings.Contains(words[k+1].Text, "ecommends"):
			k++
		case words[k].Literal && among(aptSwitches+" --no-install-suggests", words[k].Text):
		case !words[k].Literal && !strings.Contains(words[k].Text, "="):
			return fmt.Errorf("which packages %s stands for is not known", words[k].Text)
		case !standsAlone.MatchString(name) || halves.MatchString(name):
			return fmt.Errorf("whether %s works without the packages that it recommends is not known", name)
		}
	}
	for tool, name := range besides {
		named := func(w dockerfile.Argument) bool { return w.Text == name }
		if m := tool.FindStringSubmatch(string(r.Before)); m != nil && slices.ContainsFunc(words, named) {
			return fmt.Errorf("the file uses %s, which %s may bring as recommended", strings.TrimSpace(m[0]), name)
		}
	}
	if (strings.Contains(string(r.Before), "ssh") || strings.Contains(string(r.Before), "git@")) && slices.ContainsFunc(words, isGit) &&
		!strings.Contains(string(r.Before), "openssh-client") {
		return errors.New("git needs openssh-client for ssh, which it only recommends")
	}
	if name := certified(words); name != "" && !r.hasCertificates(words) {
		return fmt.Errorf("%s needs ca-certificates for https, which it only recommends", name)
	}
	return nil
}

// halves match libraries of which half is only recommended: their modules, drivers and servers.
var halves = pattern.New(`^lib(sasl|vulkan|apache|pam|nss|reoffice|virt|gtk|canberra|wine|va[0-9]|vdpau|aspell|enchant)|-mod-|-daemon`)

// besides are programs that a package of some name recommends, as they are called.
var besides = map[*pattern.Pattern]string{
	pattern.New(`(?m)(^|[\s"'&;|(])unzip\s`):         "zip",
	pattern.New(`(?m)(^|[\s"'&;|(])patch\s+[-<]`):    "git",
	pattern.New(`(?m)(^|[\s"'&;|(=])less([\s"']|$)`): "git",
}

// standsAlone match the packages of Debian and Ubuntu known to do their work without what they recommend: libraries and
// their headers, and small tools. Compilers, interpreters, servers, desktops and metapackages are not among them.
var standsAlone = pattern.New(`^(` + strings.Join([]string{
	`lib[a-z0-9.+-]*[0-9](t64)?`, `libgl1-mesa-glx`, `lib[a-z0-9.+-]*-perl`, `[a-z0-9.+]+[a-z0-9.+-]*-dev`,
	`apt-transport-https|bash|bash-completion|bc|binutils|bison|bsdmainutils|bzip2|ca-certificates|curl|dnsutils`,
	`bind9-dnsutils|dos2unix|dumb-init|file|findutils|gawk|gettext|gettext-base|git|git-lfs|gnupg2?|gosu|gzip|htop`,
	`iproute2|iputils-ping|jq|less|locales|lsb-release|lsof|lz4|m4|make|mime-support|nano|net-tools|netbase|netcat`,
	`netcat-openbsd|netcat-traditional|ninja-build|nkf|openssl|patch|pigz|pkg-config|pkgconf|postgresql-client(-[0-9]+)?`,
	`procps|psmisc|pv|redis-tools|ripgrep|sed|sqlite3|strace|sudo|tar|telnet|time|tini|tree|tzdata|unzip|uuid-runtime`,
	`vim-tiny|wait-for-it|wget|xz-utils|yasm|nasm|zip|zstd|zlib1g|fonts-[a-z0-9-]+`,
}, "|") + `)(:[a-z0-9]+)?$`)

// certified is a package of the install that fetches by https with certificates that it only recommends.
func certified(words []dockerfile.Argument) string {
	for _, w := range words {
		if name, _, _ := strings.Cut(w.Text, "="); among("curl wget git git-lfs", name) {
			return name
		}
	}
	return ""
}

func isGit(w dockerfile.Argument) bool { name, _, _ := strings.Cut(w.Text, "="); return name == "git" }

// hasCertificates reports whether certificates are installed here, in the stage, or below it.
func (r rewrite) hasCertificates(words []dockerfile.Argument) bool {
	if slices.ContainsFunc(words, func(w dockerfile.Argument) bool { return w.Text == "ca-certificates" }) {
		return true
	}
	for s := r.run.Stage; s != nil; s = s.Parent {
		for _, i := range s.Instructions {
			if i.Keyword == "RUN" && strings.Contains(i.Text(), "ca-certificates") {
				return true
			}
		}
		if ref, ok := s.Image(); s.Parent == nil && ok && fullImages.MatchString(ref) && !lesser.MatchString(ref) {
			return true
		}
	}
	return false
}

// fullImages match the official images that have ca-certificates, unless they are of a lesser kind.
var (
	fullImages = pattern.New(`^(docker\.io/)?(library/)?` +
		`(node|python|ruby|golang|rust|openjdk|php|perl|buildpack-deps)(:|@|$)`)
	lesser = pattern.New(`slim|alpine`)
)

// stableVerbs are the verbs that apt has as well as apt-get, or apt-cache.
var stableVerbs = map[string]string{
	"apt-get":   "install reinstall remove purge update autoremove clean autoclean build-dep download source",
	"apt-cache": "show search policy depends rdepends showsrc",
}

// stableApt: apt became apt-get or apt-cache. Of apt's options only those are known that apt-get has too.
func stableApt(r rewrite) error {
	at, err := programAt(r.was, r.sets)
	switch {
	case err != nil:
		return err
	case len(r.was) != len(r.is) || r.was[at].Text != "apt":
		return errors.New("more than the name apt differs in a command")
	}
	for k := range r.was {
		if k != at && !sameWord(r.was[k], r.is[k]) {
			return errors.New("more than the name apt differs in a command")
		}
	}
	verbs, ok := stableVerbs[r.is[at].Text]
	if !ok || !r.is[at].Literal {
		return fmt.Errorf("%s is not the interface of apt", r.is[at].Text)
	}
	verb := ""
	for _, w := range r.was[at+1:] {
		switch {
		case strings.HasPrefix(w.Text, "-") && !among(aptSwitches+" -o --no-install-suggests -t --purge", w.Text):
			return fmt.Errorf("the option %s of apt is not known", w.Text)
		case verb == "" && !w.Literal:
			return fmt.Errorf("what %s is for apt is not known", w.Text)
		case verb == "" && !strings.HasPrefix(w.Text, "-"):
			verb = w.Text
		}
	}
	if r.is[at].Text == "apt-cache" && r.in.heard {
		return fmt.Errorf("what apt and apt-cache print about %s differs, and something reads it", verb)
	}
	if !among(verbs, verb) {
		return fmt.Errorf("%s does not know %q as apt does", r.is[at].Text, verb)
	}
	return nil
}

// withoutSudo: sudo went from in front of a known program, which root runs already.
func withoutSudo(r rewrite) error {
	if r.sets > 0 || len(r.was) < 2 || r.was[0].Text != "sudo" || !slices.EqualFunc(r.was[1:], r.is, sameWord) {
		return errors.New("more than sudo goes from a command")
	}
	if name := r.is[0]; !name.Literal || !slices.Contains(system, name.Text) || name.Text == "echo" || name.Text == "true" {
		return fmt.Errorf("what %s does without sudo is not known", name.Text)
	}
	if slices.ContainsFunc(r.is, func(w dockerfile.Argument) bool { return !w.Literal && shellVariable.MatchString(w.Text) }) {
		return errors.New("a word depends on the shell")
	}
	return r.surelyRoot(r.run)
}

// surelyRoot checks that root is known to run a step. Of the base images only the final one's user is known.
func (c *change) surelyRoot(i *dockerfile.Instruction) error {
	user := i.Stage.Before(i).User
	for s := c.before.Final(); user == "" && s != nil; s = s.Parent {
		if s == i.Stage {
			user = c.BaseUser
		}
	}
	if name, _, _ := strings.Cut(user, ":"); name != "root" && name != "0" {
		return errors.New("whether root runs the step is not known")
	}
	return nil
}

// failsOnHTTPError: curl gains --fail, right behind its name.
func failsOnHTTPError(r rewrite) error {
	added, err := r.added()
	if err != nil {
		return err
	}
	at, err := programAt(r.was, r.sets)
	if err != nil {
		return err
	}
	if path.Base(r.was[at].Text) != "curl" {
		return fmt.Errorf("%s is another program", r.was[at].Text)
	}
	if word, ok := added[at+1]; !ok || len(added) != 1 || word != "-f" && word != "--fail" {
		return errors.New("--fail is not all that is added, behind curl")
	}
	if r.in.judged || r.in.reader == "grep" {
		return errors.New("the script looks at the answer, or waits for it")
	}
	for _, w := range r.was[at+1:] {
		name, _, _ := strings.Cut(w.Text, "=")
		if among("-D --dump-header -K --config -f --fail --fail-with-body --no-fail -w --write-out -I --head -i --include", name) ||
			clusters.MatchString(w.Text) && strings.ContainsAny(w.Text, "fwIiDK") {
			return fmt.Errorf("%s says that the answer's status is looked at", w.Text)
		}
	}
	return nil
}

// clusters match several short options in one word.
var clusters = pattern.New(`^-[A-Za-z#]+$`)
