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

// An ownership is a RUN that does nothing but change owner or mode: "chown -R node:node /app".
type ownership struct {
	program   string // chown or chmod
	recursive bool
	value     string
	paths     []string // absolute and clean
}

// ownedCopies: copies gained the owner or mode that one later RUN gave to all they brought; that RUN is gone, or
// names only the directories that no copy made.
func ownedCopies(intent fixes.OwnedCopies) predicate {
	return predicate{
		text:  func(c *change) error { return ownedText(c, intent) },
		image: func(c *change, b, a image) error { return ownedImage(c, b, a, intent) },
	}
}

func ownedText(c *change, intent fixes.OwnedCopies) error {
	run, reduced, changed, err := c.ownedParts()
	if err != nil {
		return err
	}
	was, err := readOwnership(run)
	if err != nil {
		return err
	}
	if err := was.matches(intent); err != nil {
		return err
	}
	if reduced != nil {
		if err := was.reducedTo(reduced); err != nil {
			return err
		}
	}
	for _, dir := range was.paths {
		if was.program == "chown" && !ownDirectory(dir) {
			return fmt.Errorf("%s may hold files that no COPY brought", dir)
		}
	}
	if err := c.knownBase(); err != nil {
		return err
	}
	if err := c.knownParents(changed, was); err != nil {
		return err
	}
	if err := asRoot(c.BaseUser, run); err != nil {
		return err
	}
	return c.onlyCopies(run, changed[0], was)
}

// ownedParts finds the RUN that is gone or reduced, what it is reduced to (nil when gone) and the copies that
// changed.
func (c *change) ownedParts() (run, reduced *dockerfile.Instruction, changed []*dockerfile.Instruction, err error) {
	k := 0
	for at, i := range c.old {
		var j *dockerfile.Instruction
		if k < len(c.fixed) {
			j = c.fixed[k]
		}
		switch {
		case j != nil && sameText(i, j):
			k++
		case j != nil && i.Keyword == "COPY" && j.Keyword == "COPY":
			if err := gainsOwner(i, j); err != nil {
				return nil, nil, nil, err
			}
			changed = append(changed, i)
			k++
		case i.Keyword == "RUN" && run == nil:
			run = i
			if j != nil && j.Keyword == "RUN" && !hasText(c.old[at+1:], j) {
				reduced = j
				k++
			}
		default:
			return nil, nil, nil, fmt.Errorf("the %s on line %d is changed", i.Keyword, i.Line())
		}
	}
	if k != len(c.fixed) || run == nil || len(changed) == 0 {
		return nil, nil, nil, errors.New("what is changed is not copies and the RUN that changed what they brought")
	}
	return run, reduced, changed, nil
}

// gainsOwner checks that two copies are written the same but for --chown and --chmod.
func gainsOwner(i, j *dockerfile.Instruction) error {
	if i.Text() != j.Text() || !slices.EqualFunc(i.Heredocs, j.Heredocs, func(x, y dockerfile.Heredoc) bool {
		return x.Content == y.Content
	}) {
		return fmt.Errorf("line %d copies something else", i.Line())
	}
	if err := plainlyCopied(i); err != nil {
		return err
	}
	kept := func(i *dockerfile.Instruction) (out []string) {
		for _, fl := range i.Flags {
			if name := strings.ToLower(fl.Name); name != "chown" && name != "chmod" {
				out = append(out, i.File().Text(fl.Span))
			}
		}
		return out
	}
	for _, name := range []string{"chown", "chmod"} {
		x, had := i.Flag(name)
		y, _ := j.Flag(name)
		if had && x.Value != y.Value {
			return fmt.Errorf("the --%s on line %d is changed", name, i.Line())
		}
	}
	if !slices.Equal(kept(i), kept(j)) {
		return fmt.Errorf("the flags on line %d differ", i.Line())
	}
	return nil
}

// plainlyCopied checks that a copy takes files of the build context to where it says: what another stage has may be
// links, and what other flags do to directories on the way is not known.
func plainlyCopied(i *dockerfile.Instruction) error {
	for _, fl := range i.Flags {
		if !slices.Contains([]string{"chown", "chmod", "link", "exclude"}, strings.ToLower(fl.Name)) {
			return fmt.Errorf("what COPY --%s on line %d brings is not known", fl.Name, i.Line())
		}
	}
	return nil
}

// knownParents checks that no directory above the paths gets the owner: those that a copy has to make, and with --link
// all that lie above, as the layer of such a copy has them of its own.
func (c *change) knownParents(changed []*dockerfile.Instruction, was ownership) error {
	if was.program != "chown" {
		return nil
	}
	for _, p := range was.paths {
		above := path.Dir(p)
		if above == "/" {
			continue
		}
		for _, i := range changed {
			if _, link := i.Flag("link"); link {
				return fmt.Errorf("COPY --link on line %d would change the owner of %s", i.Line(), above)
			}
		}
		if !c.standsAlready(above, changed[0]) {
			return fmt.Errorf("whether %s is there before line %d is not known", above, changed[0].Line())
		}
	}
	return nil
}

// standsAlready reports whether a directory is there before a copy: Debian, Alpine and the like have some, a WORKDIR
// makes others.
func (c *change) standsAlready(dir string, before *dockerfile.Instruction) bool {
	ref, _ := c.before.Stages[c.stage].Image()
	if slices.Contains([]string{"/opt", "/srv"}, dir) && !strings.Contains(ref, "busybox") {
		return true
	}
	for s := before.Stage; s != nil; s = s.Parent {
		for _, i := range s.Instructions {
			if i.Keyword == "WORKDIR" && i.Index < before.Index && within(path.Clean(s.Before(before).Workdir), dir) {
				return true
			}
			if i.Keyword == "WORKDIR" && i.Index < before.Index && path.IsAbs(i.Text()) && within(path.Clean(i.Text()), dir) {
				return true
			}
		}
	}
	return false
}

// readOwnership reads a RUN that is one chown or chmod of literal paths.
func readOwnership(i *dockerfile.Instruction) (ownership, error) {
	words, err := single(i)
	if err != nil {
		return ownership{}, err
	}
	o := ownership{program: words[0]}
	if o.program != "chown" && o.program != "chmod" || len(i.Flags) > 0 {
		return ownership{}, fmt.Errorf("line %d is not a plain chown or chmod", i.Line())
	}
	words = words[1:]
	if len(words) > 0 && (words[0] == "-R" || words[0] == "--recursive") {
		o.recursive = true
		words = words[1:]
	}
	if len(words) < 2 || strings.HasPrefix(words[0], "-") && o.program == "chown" {
		return ownership{}, fmt.Errorf("line %d is not a plain chown or chmod", i.Line())
	}
	o.value = words[0]
	for _, p := range words[1:] {
		if strings.HasPrefix(p, "-") {
			return ownership{}, fmt.Errorf("what %s on line %d does is not known", p, i.Line())
		}
		dir := i.Stage.Before(i).Workdir
		switch {
		case path.IsAbs(p):
			p = path.Clean(p)
		case dir == "":
			return ownership{}, fmt.Errorf("where %s on line %d is, is not known", p, i.Line())
		default:
			p = path.Join(dir, p)
		}
		o.paths = append(o.paths, p)
	}
	return o, nil
}

// matches checks that what the RUN did is what the copies do instead.
func (o ownership) matches(intent fixes.OwnedCopies) error {
	want := slices.Sorted(slices.Values(intent.Paths))
	if got := slices.Sorted(slices.Values(o.paths)); !slices.Equal(got, want) {
		return fmt.Errorf("%s is about %s", o.program, strings.Join(got, ", "))
	}
	switch {
	case o.program == "chmod" && intent.Mode != "" && intent.Owner == "":
		return sameMode(o.value, intent.Mode)
	case o.program != "chown" || intent.Owner == "" || intent.Mode != "":
		return fmt.Errorf("%s is not what the copies do", o.program)
	case !o.recursive:
		return errors.New("chown without -R leaves the files as they are")
	}
	return o.sameOwner(intent.Owner)
}

// sameOwner checks that COPY --chown=owner means what chown did: COPY gives a user alone the group of the same
// number, chown leaves the group, which for what COPY brings is 0.
func (o ownership) sameOwner(owner string) error {
	user, groupName, both := strings.Cut(o.value, ":")
	if !userOrRoot(user) || both && !userOrRoot(groupName) {
		return fmt.Errorf("the owner %q is not known", o.value)
	}
	if !both && (owner == user+":0" || owner == user+":root") || both && owner == o.value {
		return nil
	}
	return fmt.Errorf("COPY --chown=%s does not give the same owner as chown %s", owner, o.value)
}

func userOrRoot(name string) bool { return name == "0" || userPart.MatchString(name) }

// sameMode checks that chmod and COPY --chmod are given the same: numbers without setuid and the like, or the same
// letters.
func sameMode(was, mode string) error {
	octal := func(s string) string {
		if s = strings.TrimLeft(s, "0"); len(s) == 3 && strings.Trim(s, "01234567") == "" {
			return s
		}
		return ""
	}
	if octal(was) != "" && octal(was) == octal(mode) || was == mode && slices.Contains([]string{"+x", "a+x", "u+x"}, was) {
		return nil
	}
	return fmt.Errorf("COPY --chmod=%s does not give the same mode as chmod %s", mode, was)
}

// reducedTo checks that the RUN which is left does the same to fewer paths, and not to what lies below them.
func (o ownership) reducedTo(i *dockerfile.Instruction) error {
	left, err := readOwnership(i)
	if err != nil {
		return err
	}
	if o.program != "chown" || left.program != o.program || left.recursive || left.value != o.value {
		return fmt.Errorf("line %d does something else than before", i.Line())
	}
	for _, p := range left.paths {
		if !slices.ContainsFunc(o.paths, func(dir string) bool { return within(p, dir) }) {
			return fmt.Errorf("line %d changes %s, which had its owner before", i.Line(), p)
		}
	}
	return nil
}

// systemDirectories are those of the file system hierarchy (hier(7)); images bring content in all of them.
var systemDirectories = []string{
	"bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "media", "mnt", "opt", "proc", "root", "run",
	"sbin",
	"srv", "sys", "tmp", "usr", "var", "nix", "snap", "entrypoint", "docker-entrypoint.d",
}

// ownDirectory reports whether a directory is, in the official images, not there until a step makes it.
func ownDirectory(dir string) bool {
	parts := strings.Split(strings.TrimPrefix(dir, "/"), "/")
	switch {
	case parts[0] == "" || strings.HasPrefix(parts[0], "."):
		return false
	case !slices.Contains(systemDirectories, parts[0]):
		return true
	case parts[0] == "home":
		return len(parts) >= 3 && !strings.HasPrefix(parts[2], ".")
	case parts[0] == "srv" || parts[0] == "opt":
		return len(parts) >= 2
	}
	return parts[0] == "usr" && len(parts) >= 3 && parts[1] == "src"
}

// knownBase checks that the stage stands on an image whose content is known as far as ownDirectory says: scratch, or
// one of the official ones.
func (c *change) knownBase() error {
	if err := c.ownBase(c.before.Stages[c.stage]); err != nil {
		return err
	}
	ref, ok := c.before.Stages[c.stage].Image()
	name, _, _ := strings.Cut(ref, "@")
	name = strings.TrimPrefix(strings.TrimPrefix(name, "docker.io/"), "library/")
	if repo, _, _ := strings.Cut(name, ":"); ok && !strings.Contains(repo, "/") {
		return nil
	}
	for _, prefix := range []string{
		"public.ecr.aws/docker/library/", "mcr.microsoft.com/", "gcr.io/distroless/", "registry.access.redhat.com/",
	} {
		if ok && strings.HasPrefix(ref, prefix) {
			return nil
		}
	}
	return fmt.Errorf("what the base image %s already holds is not known", ref)
}

// onlyCopies checks that no RUN before the one that is gone writes where it changed owners, and that the account is
// there when the first copy needs it.
func (c *change) onlyCopies(run, first *dockerfile.Instruction, was ownership) error {
	for s := run.Stage; s != nil; s = s.Parent {
		for _, i := range s.Instructions {
			if i.Keyword == "ONBUILD" && s != run.Stage {
				return fmt.Errorf("ONBUILD on line %d may write where the owner was changed", i.Line())
			}
			if i.Keyword != "RUN" || s == run.Stage && i.Index >= run.Index {
				continue
			}
			if err := mountsBeside(i, was.paths); err != nil {
				return err
			}
			late := s == run.Stage && i.Index > first.Index
			if err := elsewhere(i, was, late); err != nil {
				return err
			}
		}
	}
	return nil
}

// mountsBeside checks that a RUN mounts nothing on, above or below the paths: what is mounted there leaves a directory.
func mountsBeside(i *dockerfile.Instruction, paths []string) error {
	for _, fl := range i.Flags {
		if !strings.EqualFold(fl.Name, "mount") {
			continue
		}
		for field := range strings.SplitSeq(fl.Value, ",") {
			key, at, _ := strings.Cut(field, "=")
			if !slices.Contains([]string{"target", "dst", "destination"}, strings.ToLower(key)) {
				continue
			}
			if !path.IsAbs(at) {
				at = path.Join(i.Stage.Before(i).Workdir, at)
			}
			if strings.Contains(at, "$") || !path.IsAbs(at) || at != "/" && touches(path.Clean(at), paths) {
				return fmt.Errorf("line %d mounts something where the owner was changed", i.Line())
			}
		}
	}
	return nil
}

// elsewhere checks that a RUN writes nothing below the paths.
func elsewhere(i *dockerfile.Instruction, was ownership, late bool) error {
	cmds, err := chain(i)
	if err != nil {
		return err
	}
	for _, cmd := range cmds {
		if onlyRemoves(cmd, was.paths) {
			continue
		}
		words, ok := cmd.Texts()
		if !ok || !changesSystem(words) {
			return fmt.Errorf("line %d may write where the owner was changed", i.Line())
		}
		for k, w := range words[1:] {
			if putsElsewhere(words[k], w) || strings.HasPrefix(w, "-") && strings.Contains(w, "/") ||
				strings.Contains(w, "=/") || strings.HasPrefix(w, "/") && touches(path.Clean(w), was.paths) {
				return fmt.Errorf("line %d may write where the owner was changed", i.Line())
			}
		}
		if _, makes := accounts[words[0]]; makes && late {
			return fmt.Errorf("line %d creates accounts after the first copy", i.Line())
		}
	}
	return nil
}

// putsElsewhere reports whether a word, behind another, may have a package or account tool put something elsewhere than in the
// system's own places: a relative path, an option that is not known, a home that is relative.
func putsElsewhere(before, word string) bool {
	switch name, _, _ := strings.Cut(word, "="); {
	case before == "-o" || strings.HasPrefix(word, "-o") && !strings.HasPrefix(word, "--"):
		return strings.Contains(strings.ToLower(word), "dir") // a setting of apt, or an option of useradd
	case slices.Contains(homeOptions, before) && !strings.HasPrefix(word, "-"):
		return !path.IsAbs(word)
	case strings.HasPrefix(word, "--"):
		return !slices.Contains(plainOptions, name) || name != word && slices.Contains(homeOptions, name)
	case strings.HasPrefix(word, "-"):
		return !shortOptions.MatchString(word)
	}
	return strings.HasPrefix(word, ".")
}

var (
	homeOptions = []string{"-d", "-h", "--home", "--home-dir"} // with their value behind them
	// shortOptions and plainOptions are the options of package and account tools that do not say where something is put.
	shortOptions = pattern.New(`^-([yqfFvnrRgGuUmMsSDHlNcXto]+|[dh])$`)
	plainOptions = strings.Fields(`
	--yes --assume-yes --assumeyes --quiet --force --verbose --non-interactive --no-install-recommends
	--no-install-suggests --install-recommends --no-recommends --fix-missing --fix-broken --allow-unauthenticated
	--allow-downgrades --allow-remove-essential --allow-change-held-packages --force-yes --purge --auto-remove
	--autoremove --only-upgrade --reinstall --no-cache --update --update-cache --upgrade --latest --virtual --repository
	--allow-untrusted --nodocs --setopt --enablerepo --disablerepo --best --nobest --allowerasing --skip-broken
	--nogpgcheck --refresh --exclude --gpg-auto-import-keys --no-refresh --recursive --global --no-audit --no-fund
	--no-progress --silent --loglevel --unsafe-perm --system --uid --gid --group --groups --ingroup --shell --home
	--home-dir --comment --gecos --create-home --no-create-home --user-group --no-user-group --no-log-init
	--disabled-password --disabled-login --non-unique`)
)

// onlyRemoves reports whether a command is an rm, if need be of patterns, of something outside the paths.
func onlyRemoves(cmd dockerfile.Command, paths []string) bool {
	for k, w := range cmd.Words {
		fixed, _, _ := strings.Cut(w.Text, "*")
		switch {
		case strings.ContainsAny(w.Text, "$`?[{"):
			return false
		case k == 0 && w.Text != "rm", k > 0 && !strings.HasPrefix(w.Text, "-") && !path.IsAbs(w.Text):
			return false
		case path.IsAbs(w.Text) && touches(path.Dir(fixed+"x"), paths):
			return false
		}
	}
	return true
}

// touches reports whether name lies on, above or below one of the paths.
func touches(name string, paths []string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { return within(p, name) || within(name, p) || name == "/" })
}

// changesSystem reports whether a command writes only where packages and accounts live.
func changesSystem(words []string) bool {
	if slices.ContainsFunc(systemWide, func(c string) bool { return begins(words, strings.Fields(c)) }) {
		return true
	}
	does, ok := packageTools[words[0]]
	if !ok {
		return false
	}
	for _, w := range words[1:] {
		if !strings.HasPrefix(w, "-") {
			return slices.Contains(strings.Fields(does), w)
		}
	}
	return false
}

// systemWide are the commands that write only where packages and accounts live.
var systemWide = []string{
	"apt-mark", "rm", "update-ca-certificates", "ldconfig", "locale-gen", "groupadd", "useradd", "addgroup", "adduser",
	"echo", "true", "corepack enable", "npm install -g", "npm i -g", "npm install --global",
}

// packageTools are the package managers with what they do to the system alone: "apt-get download" and "apk fetch" write
// to the working directory.
var packageTools = map[string]string{
	"apt-get": "update install upgrade dist-upgrade full-upgrade remove purge autoremove clean autoclean",
	"apk":     "add del update upgrade",
	"yum":     "install update upgrade remove clean makecache", "dnf": "install update upgrade remove clean makecache",
	"microdnf": "install update upgrade remove clean", "zypper": "install in update up remove rm refresh ref clean",
}
