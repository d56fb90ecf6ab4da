package checks

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

// ports says which port below 1024, open to root only on most machines, the image listens on.
func (l launch) ports(p *check.Pass) string {
	if reason := l.declaredPorts(); reason != "" {
		return reason
	}
	for _, i := range l.starting() {
		if m := listening.FindStringSubmatch(i.Text()); m != nil && low(m[1]) {
			return fmt.Sprintf("the program is told to listen on port %s, and ports below 1024 may need root", m[1])
		}
	}
	if port := l.toldPort(); port != "" {
		return fmt.Sprintf("the program is told %s, which looks like a port, and ports below 1024 may need root", port)
	}
	for _, b := range p.Builds {
		for _, port := range b.Ports {
			if low(port) {
				return fmt.Sprintf("%s uses the container's port %s, and ports below 1024 may need root", b.Origin, port)
			}
		}
	}
	if l.base.Port != 0 {
		return fmt.Sprintf("%s listens on port %d unless it is told otherwise, and ports below 1024 may need root", l.says(), l.base.Port)
	}
	return ""
}

// declaredPorts looks at EXPOSE and at variables that are called a port.
func (l launch) declaredPorts() string {
	env := map[string]string{}
	for _, i := range l.steps() {
		switch i.Keyword {
		case "ENV", "ARG":
			for _, s := range assignments(i) {
				env[s.name] = s.value
				if lowPort(s) {
					return fmt.Sprintf("%s is %s, and ports below 1024 may need root", s.name, s.value)
				}
			}
		case "EXPOSE":
			if reason := exposed(i, env); reason != "" {
				return reason
			}
		}
	}
	return ""
}

// lowPort reports whether a variable is called a port, or ports, and is a low one, or names an address with one.
func lowPort(s assignment) bool {
	parts := strings.FieldsFunc(s.name, func(r rune) bool { return r == '_' || '0' <= r && r <= '9' })
	if strings.HasSuffix(s.name, "PORT") || strings.HasSuffix(s.name, "PORTS") || slices.Contains(parts, "PORT") {
		return slices.ContainsFunc(strings.FieldsFunc(s.value, func(r rune) bool { return r < '0' || r > '9' }), low)
	}
	if (slices.Contains(parts, "LISTEN") || slices.Contains(parts, "BIND")) && low(s.value) {
		return true
	}
	return slices.ContainsFunc(address.FindAllStringSubmatch(s.value, -1), func(m []string) bool { return low(m[1]) })
}

// address finds the port of an address: 0.0.0.0:80, http://+:80, ":80".
var address = pattern.New(`(?:^|[\w.*+\]]):([0-9]{1,5})(?:[^0-9.:]|$)`)

// listening finds a port number in a command line: --port 80, -p=80, 0.0.0.0:80, ":80", -m http.server 80.
var listening = pattern.New(`(?:port["',\s=]+|-p["',\s=]+|http\.server["',\s]+|:)([0-9]{1,5})(?:[^0-9.]|$)`)

func low(port string) bool {
	n, err := strconv.Atoi(port)
	return err == nil && n > 0 && n < 1024
}

func exposed(i *dockerfile.Instruction, env map[string]string) string {
	for _, w := range i.Words {
		port, _, _ := strings.Cut(strings.Trim(w.Text, `"'`), "/")
		port, _, _ = strings.Cut(port, "-")
		if name, ok := strings.CutPrefix(port, "$"); ok {
			port = env[strings.Trim(name, "{}")]
		}
		if _, err := strconv.Atoi(port); err != nil {
			return fmt.Sprintf("which port EXPOSE %s is cannot be told, and ports below 1024 may need root", w.Text)
		}
		if low(port) {
			return fmt.Sprintf("port %s is exposed, and ports below 1024 may need root", port)
		}
	}
	return ""
}

// ownedByRoot says what the program may want to read or write and could not as who.
func (l launch) ownedByRoot(who account) string {
	o := ownership{who: who}
	for _, i := range l.steps() {
		if reason := o.step(i); reason != "" {
			return reason
		}
	}
	for _, dir := range o.made {
		if !o.owns(dir) && !o.filled(dir) {
			return fmt.Sprintf("%s belongs to root and looks made for the program to write to", dir)
		}
	}
	return ""
}

// ownership follows what the steps of an image leave to whom.
type ownership struct {
	who   account
	given []string // paths that were given to who
	made  []string // directories that belong to root
	used  []string // where copies go, and working directories
}

func (o *ownership) owns(dir string) bool {
	return slices.ContainsFunc(o.given, func(g string) bool { return dir == g || strings.HasPrefix(dir, g+"/") })
}

// filled reports whether a directory is there for copied files rather than for the program's own.
func (o *ownership) filled(dir string) bool {
	return slices.ContainsFunc(o.used, func(u string) bool { return u == dir || strings.HasPrefix(u, dir+"/") })
}

func (o *ownership) step(i *dockerfile.Instruction) string {
	switch i.Keyword {
	case "VOLUME":
		return o.volume(i)
	case "ONBUILD":
		return "images based on this one run its ONBUILD instructions as the same user"
	case "WORKDIR":
		if private.MatchString(i.Text()) {
			return fmt.Sprintf("WORKDIR %s is in root's home, which no other user can enter", i.Text())
		}
		o.used = append(o.used, path.Clean(strings.Trim(i.Text(), `"'`)))
	case "COPY", "ADD":
		return o.copied(i)
	case "ENV":
		return o.env(i)
	case "RUN":
		return o.run(i)
	}
	return ""
}

// volume lets through what the program can write to: a volume begins with the owner and mode that its directory has in
// the image, and everybody may write to /tmp.
func (o *ownership) volume(i *dockerfile.Instruction) string {
	for _, w := range i.Words {
		if dir := path.Clean(w.Text); dir != "/tmp" && !o.owns(dir) {
			return fmt.Sprintf("VOLUME %s belongs to root", w.Text)
		}
	}
	return ""
}

// private matches root's home, which only root can enter.
var private = pattern.New(`(^|[^\w.-])(/root\b|~|\$HOME\b|\$\{HOME\})`)

// openMode matches the octal modes with which everybody can read files and enter directories, and the letters that only
// add for everybody (u+x lets nobody but the owner start a file); openFile those with which everybody can read files.
var (
	openMode = pattern.New(`^(0?[0-7]?[0-7][0-7][57]|([ugo]*[oa][ugoa]*)?\+[rwxX]+)$`)
	openFile = pattern.New(`^0?[0-7]?[0-7][0-7][4-7]$`)
)

// open reports whether a mode lets everybody read what has these names. A name with an extension is a file's.
func open(mode string, names []string) bool {
	files := !slices.ContainsFunc(names, func(n string) bool { return len(path.Ext(n)) < 2 })
	return openMode.MatchString(mode) || files && openFile.MatchString(mode)
}

func (o *ownership) copied(i *dockerfile.Instruction) string {
	if len(i.Words) == 0 {
		return ""
	}
	to := i.Words[len(i.Words)-1].Text
	if private.MatchString(to) {
		return fmt.Sprintf("line %d copies into root's home, which no other user can enter", i.Line())
	}
	if mode, ok := i.Flag("chmod"); ok && !open(mode.Value, texts(i.Words[:len(i.Words)-1])) {
		return fmt.Sprintf("with --chmod=%s another user may not be able to read the files", mode.Value)
	}
	if reason := handedOver(i); reason != "" {
		return reason
	}
	dest, _ := destination(i)
	if dest == "" {
		return ""
	}
	o.used = append(o.used, dest)
	if owner, ok := i.Flag("chown"); ok && o.is(owner.Value) {
		o.given = append(o.given, dest)
		return ""
	}
	if slices.ContainsFunc(i.Words[:len(i.Words)-1], func(w dockerfile.Word) bool { return strings.Contains(w.Text, ".next") }) {
		return fmt.Sprintf("Next.js writes its cache into what line %d copies, which belongs to root", i.Line())
	}
	return ""
}

// handedOver says what the stage that a COPY takes from may have closed to others.
func handedOver(i *dockerfile.Instruction) string { return handedBy(i, map[*dockerfile.Stage]bool{}) }

// handedBy is handedOver but for the stages that were looked at before. Stages may copy from each other in a circle: no
// builder takes that, but anybody may write it.
func handedBy(i *dockerfile.Instruction, seen map[*dockerfile.Stage]bool) string {
	from, ok := i.Flag("from")
	stage := i.File().Stage(from.Value)
	if !ok || stage == nil {
		return ""
	}
	for _, w := range i.Words[:len(i.Words)-1] {
		if path.Clean(w.Text) == "/root" {
			return fmt.Sprintf("line %d copies root's home, which no other user can enter", i.Line())
		}
	}
	for _, s := range lineage(stage) {
		if seen[s] {
			continue
		}
		seen[s] = true
		for _, j := range s.Instructions {
			if j.Keyword == "RUN" && closes(j) {
				return fmt.Sprintf("line %d may take away what another user needs", j.Line())
			}
			if j.Keyword == "COPY" {
				if reason := handedBy(j, seen); reason != "" {
					return reason
				}
			}
		}
	}
	return ""
}

// closes reports whether a RUN sets modes with which others cannot read or enter.
func closes(i *dockerfile.Instruction) bool {
	script, err := i.Script()
	if err != nil {
		return false
	}
	calls := script.Calls()
	called := func(name string) bool {
		return slices.ContainsFunc(calls, func(c dockerfile.Command) bool { return c.Name() == name })
	}
	if called("mktemp") && called("mv") {
		return true // a directory of mktemp is its owner's alone
	}
	return slices.ContainsFunc(calls, func(c dockerfile.Command) bool {
		if words, _ := c.Texts(); makesPrivate(c.Name(), words) {
			return true
		}
		switch c.Name() {
		case "umask":
			return true
		case "chmod":
			return modeStep(c) != ""
		case "install", "mkdir":
			return slices.ContainsFunc(c.Args(), setsMode)
		}
		return false
	})
}

func (o *ownership) is(owner string) bool {
	name, _, _ := strings.Cut(owner, ":")
	return slices.Contains(o.who.names, name)
}

// state matches names of variables that say where a program writes.
var state = pattern.New(`(DATA|CACHE|LOGS?|UPLOADS?|STATE|STORAGE|DB|DATABASE|OUTPUT|MEDIA)_?` +
	`(DIR|DIRECTORY|PATH|FILE|FOLDER|HOME|ROOT)$`)

func (o *ownership) env(i *dockerfile.Instruction) string {
	for _, s := range assignments(i) {
		switch {
		case private.MatchString(s.value):
			return fmt.Sprintf("%s points into root's home, which no other user can enter", s.name)
		case strings.Contains(strings.ToLower(s.value), "sqlite"):
			return fmt.Sprintf("%s names an SQLite file, which the program writes to", s.name)
		case strings.HasSuffix(s.value, ".sock"):
			return fmt.Sprintf("%s names a socket, which may be open to root only", s.name)
		case strings.HasPrefix(s.value, "file:"):
			return fmt.Sprintf("%s names a file, which the program may write to", s.name)
		case state.MatchString(s.name) && !strings.Contains(s.value, "$") && o.closed(i, s.value):
			return fmt.Sprintf("%s points to %s, which belongs to root", s.name, s.value)
		}
	}
	return ""
}

// closed reports whether a place, which may be relative to the working directory, is not one to write to.
func (o *ownership) closed(i *dockerfile.Instruction, place string) bool {
	dir := joined(i.Stage.End().Workdir, place)
	return place != "" && !within(dir, "/tmp") && !within(dir, "/dev") && !o.owns(dir)
}

// knownSteps are the commands of a RUN whose results are readable by everybody. Others may leave what the program needs in
// root's home or behind root's permissions.
var knownSteps = [...]string{
	"addgroup", "adduser", "apk", "apt", "apt-get", "bun", "cat", "cd", "chmod", "chown", "cp", "curl", "dnf",
	"dpkg", "echo", "export", "find", "git", "go", "grep", "groupadd", "gunzip", "install", "javac",
	"ldconfig", "ln", "ls", "microdnf", "mkdir", "mv", "npm", "pip", "pip3", "printf", "python", "python3",
	"rm", "sed", "set", "sha256sum", "tar", "test", "touch", "tr", "true", "unzip", "update-ca-certificates",
	"useradd", "wget", "yarn", "yum", ":", "[", "exec",
}

func (o *ownership) run(i *dockerfile.Instruction) string {
	script, err := i.Script()
	if err != nil {
		return fmt.Sprintf("what line %d does could not be read", i.Line())
	}
	dir := i.Stage.Before(i).Workdir
	for _, c := range script.Calls() {
		if secretly(i) && slices.Contains([]string{"cp", "mv", "tar", "install"}, c.Name()) {
			return fmt.Sprintf("line %d may copy a secret, which only root can read, with its mode", i.Line())
		}
		if reason := o.command(c, dir); reason != "" {
			return fmt.Sprintf("line %d: %s", i.Line(), reason)
		}
	}
	return ""
}

// secretly reports whether a RUN has files mounted that only root can read.
func secretly(i *dockerfile.Instruction) bool {
	return slices.ContainsFunc(i.Flags, func(fl dockerfile.Flag) bool {
		return strings.EqualFold(fl.Name, "mount") && strings.Contains(fl.Value, "type=secret")
	})
}

func (o *ownership) command(c dockerfile.Command, dir string) string {
	name := c.Name()
	if !slices.Contains(knownSteps[:], name) {
		return fmt.Sprintf("whether another user can read what %s leaves is not known", commandName(c))
	}
	for _, a := range c.Args() {
		if private.MatchString(a.Text) || a.Text == "--user" && strings.HasPrefix(name, "pip") {
			return fmt.Sprintf("%s uses root's home, which no other user can enter", name)
		}
	}
	switch name {
	case "python", "python3":
		return pythonStep(c)
	case "apt", "apt-get", "apk", "dnf", "microdnf", "yum":
		return packages(c)
	case "find", "install", "mkdir":
		if slices.ContainsFunc(c.Args(), setsMode) {
			return "whether another user can read what " + name + " leaves is not known"
		}
		if name == "mkdir" {
			o.made = append(o.made, paths(c, dir)...)
		}
	case "touch":
		o.made = append(o.made, paths(c, dir)...)
	case "chmod":
		return modeStep(c)
	case "chown":
		if args := operands(c); len(args) > 1 && o.is(args[0]) {
			o.given = append(o.given, paths(c, dir)[1:]...)
		}
	}
	return ""
}

// powers are packages whose programs need root's powers, or become somebody else.
var powers = [...]string{
	"arp-scan", "bluez", "cron", "cronie", "dcron", "dnsmasq", "docker", "docker-ce", "docker-ce-cli", "docker-cli",
	"docker.io", "fuse", "fuse3", "gosu", "i2c-tools", "iptables", "keepalived", "nfs-common", "nfs-utils", "nftables",
	"openssh", "openssh-server", "openvpn", "podman", "s6", "s6-overlay", "smartmontools", "sshfs", "strongswan",
	"su-exec", "sudo", "supervisor", "systemd", "tcpdump", "wireguard-tools", "wpasupplicant",
}

// packages says which package that is installed wants root.
func packages(c dockerfile.Command) string {
	for _, name := range operands(c) {
		if name, _, _ = strings.Cut(name, "="); slices.Contains(powers[:], name) {
			return name + ", which is installed, works with root's powers"
		}
	}
	return ""
}

func commandName(c dockerfile.Command) string {
	if name := c.Name(); name != "" {
		return name
	}
	return "a command"
}

// pythonStep lets only Python's own tools through.
func pythonStep(c dockerfile.Command) string {
	own := []string{"pip", "venv", "compileall", "ensurepip"}
	if args := c.Args(); len(args) > 1 && args[0].Text == "-m" && slices.Contains(own, args[1].Text) {
		return ""
	}
	return "whether another user can read what the Python program leaves is not known"
}

func modeStep(c dockerfile.Command) string {
	args := operands(c)
	if len(args) > 0 && open(args[0], args[1:]) {
		return ""
	}
	return "chmod may take away what another user needs"
}

// setsMode reports whether an argument of find or install changes permissions, or runs what may.
func setsMode(a dockerfile.Argument) bool {
	return strings.HasPrefix(a.Text, "-m") || strings.HasPrefix(a.Text, "--mode") || strings.HasPrefix(a.Text, "-exec") ||
		strings.HasPrefix(a.Text, "-ok")
}

// texts are the words as written.
func texts(words []dockerfile.Word) []string {
	var out []string
	for _, w := range words {
		out = append(out, w.Text)
	}
	return out
}

// operands are the texts of the words that are not flags.
func operands(c dockerfile.Command) []string {
	var out []string
	for _, a := range c.Args() {
		if !strings.HasPrefix(a.Text, "-") {
			out = append(out, a.Text)
		}
	}
	return out
}

// paths are the operands as absolute paths where that can be told.
func paths(c dockerfile.Command, dir string) []string {
	var out []string
	for _, text := range operands(c) {
		if !path.IsAbs(text) {
			text = path.Join(dir, text)
		}
		out = append(out, path.Clean(text))
	}
	return out
}

// handedIn says which file, copied from the disk of whoever builds, no commit has: one with secrets is often readable by its
// owner alone, and is root's in the image.
func (l launch) handedIn(p *check.Pass) string {
	for _, i := range l.steps() {
		if _, set := i.Flag("chmod"); set || !fromContext(i) {
			continue
		}
		for _, name := range namedSecrets(p, i) {
			if !inContext(p, name) {
				return fmt.Sprintf("line %d: whether another user can read %s is not known", i.Line(), name)
			}
		}
	}
	return ""
}

// inContext reports whether a file is in one of the contexts that the Dockerfile is built with.
func inContext(p *check.Pass, name string) bool {
	return slices.ContainsFunc(p.Builds, func(b buildcontext.Build) bool {
		if b.Unknown != "" || b.Context == nil {
			return false
		}
		_, err := fs.Stat(b.Context, name)
		return err == nil
	})
}
