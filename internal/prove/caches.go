package prove

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/pattern"
)

// onlyCache checks what has to hold for a command that empties a cache and nothing else: that the cache lies where it
// does by itself, that nobody says that it is meant to stay, and that the program is still there.
func (c *change) onlyCache(old *dockerfile.Instruction, command string) error {
	if said := cachesNamed.Find(c.Before); said != nil {
		return fmt.Errorf("the cache may be meant to stay: the file has %s", strings.TrimSpace(string(said)))
	}
	tool, _, _ := strings.Cut(command, " ")
	if tool != "npm" && tool != "yarn" {
		return nil
	}
	if err := c.keepsProgram(old, tool); err != nil {
		return err
	}
	if !bringsFiles(c.before) {
		return nil
	}
	names, err := setForOne(old, tool)
	if err != nil {
		return err
	}
	return c.everyContextOnce("settings of "+tool+" "+strings.Join(names, " "), func(b buildcontext.Build) error {
		wanted := func(name string) bool {
			return tool == "yarn" && cacheSettings[path.Base(name)] != nil || path.Base(name) == ".npmrc"
		}
		_, err := eachSource(b.Context, wanted, func(name string, text []byte) error {
			return cacheAsEver(name, text, names)
		})
		return err
	})
}

// cacheAsEver checks a file of settings. names are the variables that are set for single commands only.
func cacheAsEver(name string, text []byte, names []string) error {
	if at := cacheSettings[path.Base(name)].Find(text); at != nil {
		return fmt.Errorf("the cache may be another, or read later: %s has %s", name, strings.TrimSpace(string(at)))
	}
	for _, v := range names {
		if strings.Contains(string(text), "${"+v) {
			return fmt.Errorf("%s needs %s, which is set for one command only", name, v)
		}
	}
	return nil
}

// cachesNamed matches settings of where a cache lies, and commands that fill or work from one. Only rm -rf of a known
// directory leaves other caches alone, the managers' own commands do not.
var cachesNamed = pattern.New(`(?mi)\bYARN_CACHE_FOLDER\b|\bnpm_config_(cache|\w*offline|\w*config)\b|--cache-folder|` +
	`\bset (-\w+ |--\w+ )*cache\b|\bcache\s*=|\bcache (add|verify|ls|list|dir)\b|offline-mirror|` +
	`\b(yum|dnf)\b[^\n]*\s(-[C]|--cacheonly|--downloadonly)(\s|$)|"--?offline"|\s--offline\b|keepcache|` +
	`\b(XDG_CACHE_HOME|HOME)=|^\s*ENV\s+(XDG_CACHE_HOME|HOME)\s|` +
	`\byarn set version|\byarn@([2-9]|stable|berry|canary)|--pnp\b`)

// cacheSettings match what in the files that npm and yarn read moves their cache, or tells of a yarn that runs programs
// out of it: the second one and its followers, and the first one with "pnp".
var cacheSettings = map[string]*pattern.Pattern{
	".npmrc":      pattern.New(`(?m)^\s*(cache|offline|prefer-offline|userconfig|globalconfig)\b.*$`),
	".yarnrc.yml": pattern.New(`^.*`),
	".yarnrc": pattern.New(`(?m)^\s*"?(-|cache|yarn-offline|prefer-offline|plugnplay|` +
		`yarn-path "?.*yarn-([^1]|1\d)).*$`),
	".pnp.js":      pattern.New(`^.*`),
	".pnp.cjs":     pattern.New(`^.*`),
	"yarn.lock":    pattern.New(`(?m)^__metadata:`),
	"package.json": pattern.New(`"packageManager"\s*:\s*"yarn@[^1][^"]*"|"pnp"\s*:\s*true`),
}

// bringsFiles reports whether a file of the repository may come into one of the images.
func bringsFiles(f *dockerfile.File) bool {
	return slices.ContainsFunc(f.Instructions, func(i *dockerfile.Instruction) bool {
		_, mounts := i.Flag("mount")
		return mounts || among("COPY ADD", i.Keyword) || i.Keyword == "ONBUILD"
	})
}

// setForOne are the variables that a script sets for single calls of the tool.
func setForOne(i *dockerfile.Instruction, tool string) (names []string, err error) {
	script, err := i.Script()
	if err != nil {
		return nil, err
	}
	for _, cmd := range script.Calls() {
		for _, a := range cmd.Call.Assigns {
			if cmd.Name() == tool && a.Name != nil {
				names = append(names, a.Name.Value)
			}
		}
	}
	return names, nil
}

// nodeImage matches the official image of Node.js, whose npm and yarn no package manager of the system knows.
var nodeImage = pattern.New(`^(docker\.io/)?(library/)?node(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$`)

// keepsProgram checks that npm or yarn are there at the end of the script that called them.
func (c *change) keepsProgram(i *dockerfile.Instruction, tool string) error {
	script, err := i.Script()
	if err != nil {
		return err
	}
	s := i.Stage
	for s.Parent != nil {
		s = s.Parent
	}
	ref, ok := s.Image()
	beside := ok && nodeImage.MatchString(ref) && c.ownBase(s) == nil
	for _, cmd := range script.Calls() {
		if err := takesProgram(i, cmd, tool, beside); err != nil {
			return err
		}
	}
	return nil
}

// takesProgram says how a command may take the tool away. beside: packages of the system have nothing to do with it.
func takesProgram(i *dockerfile.Instruction, cmd dockerfile.Command, tool string, beside bool) error {
	gone := fmt.Errorf("%s on line %d may take %s away", cmd.Name(), i.Line(), tool)
	own := among("npm yarn pnpm corepack", cmd.Name())
	for n, w := range cmd.Args() {
		text := strings.Trim(w.Text, `"'`)
		switch {
		case among("apt apt-get aptitude apk dnf yum microdnf zypper dpkg rpm", cmd.Name()):
			if !beside && (among("autopurge --auto-remove -e", text) || slices.Contains(removing, text)) {
				return gone
			}
		case own && n > 0 && among("npm yarn corepack node", text):
			if !among("install i add prepare", cmd.Args()[0].Text) {
				return gone
			}
		case among("rm rmdir unlink mv find", cmd.Name()) && !strings.HasPrefix(text, "-") && amongTools(i, text):
			return gone
		case among("mv cp ln install", cmd.Name()) && among("node nodejs npm npx yarn yarnpkg", path.Base(text)):
			return gone
		}
	}
	return nil
}

// toolPlaces are where programs are kept.
var toolPlaces = strings.Fields("/bin /sbin /lib /lib64 /usr /opt /etc /nix /root/.nvm /home")

// amongTools reports whether what a word names may be, hold or lie in a place of programs.
func amongTools(i *dockerfile.Instruction, text string) bool {
	t := taking{path: text}
	switch {
	case strings.ContainsAny(text, "$`{"):
		return true
	case strings.HasPrefix(text, "~/"):
		t.path = "/root" + text[1:]
	case !path.IsAbs(text):
		t.path = i.Stage.Before(i).Workdir + "/" + text
	}
	if t.above(toolPlaces) {
		return true
	}
	spared := slices.ContainsFunc(strings.Fields("/usr/src /usr/share/man /usr/share/doc /usr/local/share/.cache"),
		func(dir string) bool { return t.within([]string{dir}) })
	return t.within(toolPlaces) && !spared
}

// installsAgain matches commands of npm and yarn that fetch packages when a container starts.
var installsAgain = pattern.New(`\bnpm (ci|install|i|add|update)\b|` +
	`\byarn( install| add| dlx| global add|\s*$|\s*["&;|])`)

// startsFromCache says why what a container runs may work from the cache of npm or yarn.
func (c *change) startsFromCache(i *dockerfile.Instruction, clean cleanup) error {
	if !slices.Contains(clean.managers, "npm") && !slices.Contains(clean.managers, "yarn") {
		return nil
	}
	text := i.Text()
	if i.Form == dockerfile.ExecForm {
		words, _ := execCommand(i).Texts()
		text = strings.Join(words, " ")
	}
	if installsAgain.MatchString(text) {
		return errors.New("has a command that installs with the cache that is removed")
	}
	if name := c.startInstalls(i, installsAgain, nil); name != "" {
		return fmt.Errorf("starts %s, which installs with the cache that is removed", name)
	}
	return nil
}

// worksOffline reports whether a RUN has one of the managers work without a network.
func worksOffline(i *dockerfile.Instruction, managers []string) bool {
	network, ok := i.Flag("network")
	if !ok || network.Value == "default" || network.Value == "host" {
		return false
	}
	script, err := i.Script()
	return err != nil || slices.ContainsFunc(script.Calls(), func(cmd dockerfile.Command) bool {
		return slices.Contains(managers, cmd.Name())
	})
}

// looksOver are commands that may name a directory above a cache and make no copy of what is in it.
const looksOver = "rm rmdir ls mkdir cd chown chgrp chmod du test cat touch npm yarn pnpm npx node pip git"

// foundFor are the places in which find looks for what a program is then given that is not known to leave it alone.
func foundFor(args []dockerfile.Argument) []dockerfile.Argument {
	option := func(w dockerfile.Argument) bool { return strings.HasPrefix(w.Text, "-") }
	at := slices.IndexFunc(args, func(w dockerfile.Argument) bool {
		return strings.HasPrefix(w.Text, "-exec") || strings.HasPrefix(w.Text, "-ok")
	})
	if at < 0 || at+1 < len(args) && among("rm chmod chown chgrp touch strip sed ls grep", args[at+1].Text) {
		return nil
	}
	return args[:slices.IndexFunc(args, option)]
}

// homeDir matches what begins with the home directory.
var homeDir = pattern.New(`^(~|\$HOME|\$\{HOME\})(/|$)`)

// carriesAway reports whether a command may take a directory that holds one of dirs, or one of them, elsewhere.
func carriesAway(i *dockerfile.Instruction, cmd dockerfile.Command, dirs []string) bool {
	args := cmd.Args()
	switch {
	case cmd.Name() == "find":
		args = foundFor(args)
	case among(looksOver, cmd.Name()), firstWord(cmd) == "[", len(args) == 0:
		return false
	case among("cp mv install ln rsync", cmd.Name()):
		args = args[:len(args)-1] // the last one is where to
	case cmd.Name() == "tar" && strings.Contains(strings.TrimLeft(args[0].Text, "-"), "x"),
		among("unzip curl wget echo export printf", cmd.Name()):
		return false
	}
	return slices.ContainsFunc(args, func(w dockerfile.Argument) bool {
		name := strings.Trim(w.Text, `"'`)
		if homeDir.MatchString(name) {
			_, rest, _ := strings.Cut(name, "/")
			name = "/root/" + rest
		}
		if strings.HasPrefix(name, "$") && !among("cp mv tar rsync find", cmd.Name()) {
			return false
		}
		t := taking{path: name}
		if dir := i.Stage.Before(i).Workdir; !path.IsAbs(name) {
			t.path = dir + "/" + name
		}
		return !strings.HasPrefix(name, "-") && path.Clean(t.path) != "/" && (t.above(dirs) || t.within(dirs)) ||
			among(".npm .cache", path.Base(name))
	})
}
