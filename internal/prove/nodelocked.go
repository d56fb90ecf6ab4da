package prove

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/pattern"
)

// nodeSettings match variables and commands by which an install follows other rules.
var nodeSettings = pattern.New(`(?i)\bnpm_config_(package|lock|shrinkwrap|global|include|omit|only|production|prefix|dev|ignore)\w*|` +
	`\b(NODE_OPTIONS|YARN_\w+)\s*[= ]|\byarn set\b|\bcorepack (prepare|use|install|up)\b|\b(npm|yarn)@[\w.]+`)

// undisturbed checks that neither the steps before the install nor commands of its own step change the package, its lock
// file or what is installed already, and that nothing but success is expected of it.
func (r rewrite) undisturbed() error {
	if r.in.judged || r.in.second {
		return errors.New("the install is there for when the lock file is not followed")
	}
	for _, fl := range r.run.Flags {
		if strings.Contains(fl.Value, "node_modules") {
			return errors.New("node_modules is mounted, which npm ci removes first")
		}
	}
	for s := r.run.Stage; s != nil; s = s.Parent {
		for _, i := range s.Instructions {
			if i.Index > r.run.Index {
				break
			}
			if err := r.leavesPackage(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// leavesPackage checks one instruction, up to the install if that stands in it.
func (r rewrite) leavesPackage(i *dockerfile.Instruction) error {
	err := fmt.Errorf("line %d may change the package or what is installed", i.Line())
	switch i.Keyword {
	case "COPY", "ADD":
		if strings.Contains(i.Text(), "node_modules") {
			return err
		}
	case "RUN":
		script, bad := i.Script()
		if i.Form == dockerfile.ExecForm && i == r.run {
			return nil
		}
		if bad != nil {
			return err
		}
		for _, cmd := range script.Calls() {
			if i == r.run && slices.EqualFunc(cmd.Words, r.was[r.sets:], sameWord) {
				return nil
			}
			if !leavesFiles(cmd) {
				return err
			}
		}
	}
	return nil
}

// leavesFiles reports whether a command is known to change nothing in the directory of a package.
func leavesFiles(cmd dockerfile.Command) bool {
	if cmd.Stmt == nil || len(cmd.Stmt.Redirs) > 0 {
		return false
	}
	words, ok := cmd.Texts()
	switch name := cmd.Name(); name {
	case "apt-get", "apt", "apk", "yum", "dnf", "microdnf", "mkdir", "chown", "chmod", "adduser", "addgroup", "useradd",
		"groupadd", "usermod", "groupmod", "update-ca-certificates", "echo", "true", "cd", "set", "node", "ls", "export":
		return name != "node" || slices.Equal(words, []string{"node", "--version"}) || slices.Equal(words, []string{"node", "-v"})
	case "corepack":
		return slices.Equal(words, []string{"corepack", "enable"})
	case "rm":
		return ok && !slices.ContainsFunc(words[1:], func(w string) bool { return !strings.HasPrefix(w, "-") && !caches.MatchString(w) }) ||
			!ok && !slices.ContainsFunc(cmd.Args(), func(w dockerfile.Argument) bool {
				return !strings.HasPrefix(w.Text, "-") && !caches.MatchString(w.Text)
			})
	case "npm", "yarn":
		line := strings.Join(words, " ")
		return ok && (plainInstall.MatchString(line) || harmlessNode.MatchString(line) || globalNode.MatchString(line) && !strings.Contains(line[4:], "npm"))
	}
	return false
}

var (
	plainInstall = pattern.New(`^(yarn( install)?|npm ci)( --[\w-]+)*$`)
	harmlessNode = pattern.New(`^(npm|yarn) (config set (registry|fetch-\S+|loglevel|fund|audit|update-notifier|network-timeout)\b.*|` +
		`--version|-v|cache clean( --force)?)$`)
	globalNode = pattern.New(`^npm (install|i) (-g|--global) [\w@/.^~ -]+$`)
)

// classicNode checks the files beside a package by which its manager is another one, or follows other rules.
func (r rewrite) classicNode(b buildcontext.Build, dir string, p nodePackage) error {
	yarn := len(r.was) > r.sets && r.was[r.sets].Text == "yarn"
	if yarn && p.PackageManager != "" && !strings.HasPrefix(p.PackageManager, "yarn@1.") {
		return fmt.Errorf("package.json asks for %s, which has other options", p.PackageManager)
	}
	for _, name := range []string{".yarnrc.yml", ".yarnrc", "npm-shrinkwrap.json", "node_modules"} {
		if _, err := fs.Stat(b.Context, path.Join(dir, name)); err == nil && (yarn || !strings.HasPrefix(name, ".yarnrc")) {
			return fmt.Errorf("the install follows %s, too", name)
		}
	}
	text, err := fs.ReadFile(b.Context, path.Join(dir, ".npmrc"))
	if err == nil && lockSettings.Match(text) {
		return fmt.Errorf(".npmrc sets %s", lockSettings.Find(text))
	}
	return nil
}

var lockSettings = pattern.New(`(?m)^\s*(package-lock\w*|shrinkwrap|global|include|omit|only|production|prefix|dev|workspaces?)\b`)

// npmComplete checks that every package that a lock file's packages need is in it, where Node.js would find it.
func npmComplete(packages map[string]nodePackage) error {
	for at, p := range packages {
		for _, name := range slices.Sorted(maps.Keys(p.needs())) {
			if !npmFinds(packages, at, name) {
				return fmt.Errorf("package-lock.json lacks %s, which %s needs", name, path.Base("/"+at))
			}
		}
	}
	return nil
}

// needs are the packages without which npm ci does not begin.
func (p nodePackage) needs() map[string]string {
	out := maps.Clone(p.Dependencies)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, p.OptionalDependencies)
	for name, version := range p.PeerDependencies {
		if !p.PeerDependenciesMeta[name].Optional {
			out[name] = version
		}
	}
	return out
}

// npmFinds looks for a package from the directory of another upwards.
func npmFinds(packages map[string]nodePackage, at, name string) bool {
	for {
		if _, ok := packages[path.Join(at, "node_modules", name)]; ok {
			return true
		}
		k := strings.LastIndex(at, "node_modules/")
		if k < 0 {
			return false
		}
		at = strings.TrimSuffix(at[:k], "/")
	}
}

// yarnComplete checks that a lock file of yarn 1 has every package that those in it depend on.
func yarnComplete(lock string, has map[string]bool) error {
	inside := false
	for line := range strings.Lines(lock) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case line == "  dependencies:" || line == "  optionalDependencies:":
			inside = true
		case !strings.HasPrefix(line, "    "):
			inside = false
		case inside:
			name, version, _ := strings.Cut(strings.TrimSpace(line), " ")
			if key := strings.Trim(name, `"`) + "@" + strings.Trim(version, `"`); !has[key] {
				return fmt.Errorf("yarn.lock lacks %s", key)
			}
		}
	}
	return nil
}
