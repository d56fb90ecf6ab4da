package prove

import (
	"encoding/json"
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

// A nodePackage is what of a package.json matters for an install.
type nodePackage struct {
	Dependencies         map[string]string
	DevDependencies      map[string]string
	OptionalDependencies map[string]string
	PeerDependencies     map[string]string
	Scripts              map[string]string
	Workspaces           json.RawMessage
	Overrides            json.RawMessage
	Resolutions          json.RawMessage
	PackageManager       string
	PeerDependenciesMeta map[string]struct{ Optional bool }
}

// frozenInstall: npm install became npm ci, or yarn install gained --frozen-lockfile, in the one package of the context,
// whose lock file agrees with it.
func frozenInstall(r rewrite) error {
	lock, err := frozenForm(r)
	if err != nil {
		return err
	}
	if err := r.undisturbed(); err != nil {
		return err
	}
	return r.eachPackage(func(b buildcontext.Build, dir string, p nodePackage) error {
		if len(p.Workspaces)+len(p.Overrides)+len(p.Resolutions) > 0 {
			return errors.New("package.json has more than dependencies, so whether the lock file agrees is not known")
		}
		name := path.Join(dir, lock)
		text, err := fs.ReadFile(b.Context, name)
		if err != nil {
			return fmt.Errorf("there is no %s in the build context", name)
		}
		if err := r.classicNode(b, dir, p); err != nil {
			return err
		}
		if !r.copiedBefore(name) {
			return fmt.Errorf("%s is not copied before the install", name)
		}
		if lock == "yarn.lock" {
			return yarnAgrees(p, string(text))
		}
		return npmAgrees(p, text)
	})
}

// frozenForm checks the words and names the lock file that is then kept.
func frozenForm(r rewrite) (lock string, err error) {
	at := r.sets
	if at+1 > len(r.was) || !r.was[at].Literal {
		return "", errors.New("which program installs is not known")
	}
	switch r.was[at].Text {
	case "npm":
		if len(r.was) != len(r.is) || len(r.was) < at+2 || !among("install i", r.was[at+1].Text) || r.is[at+1].Text != "ci" {
			return "", errors.New("npm install did not become npm ci")
		}
		for k := range r.was {
			if k != at+1 && !sameWord(r.was[k], r.is[k]) {
				return "", errors.New("more than the verb differs")
			}
		}
		return "package-lock.json", r.onlyOptions(at+2, npmSwitches)
	case "yarn":
		added, err := r.added()
		if err != nil {
			return "", err
		}
		for _, word := range added {
			if len(added) != 1 || word != "--frozen-lockfile" {
				return "", fmt.Errorf("%s is added", word)
			}
		}
		rest := at + 1
		if len(r.was) > rest && r.was[rest].Text == "install" {
			rest++
		}
		return "yarn.lock", r.onlyOptions(rest, "--production --prod --non-interactive --silent -s --network-timeout=100000 "+
			"--ignore-scripts --no-progress --ignore-engines --ignore-optional")
	}
	return "", fmt.Errorf("%s is another program", r.was[at].Text)
}

const npmSwitches = `--production --only=production --omit=dev --no-audit --no-fund --silent -s --quiet -q --verbose -d
	--no-optional --omit=optional --ignore-scripts --no-progress --prefer-offline --unsafe-perm --loglevel=error
	--loglevel=warn --no-update-notifier --include=dev`

// onlyOptions checks that from a word on a command has known options only.
func (r rewrite) onlyOptions(from int, known string) error {
	for _, w := range r.was[min(from, len(r.was)):] {
		if !w.Literal || !among(known, w.Text) {
			return fmt.Errorf("what %s means for the lock file is not known", w.Text)
		}
	}
	return r.recentNode()
}

// recentNodes match official images of Node.js whose npm reads every lock file.
var recentNodes = pattern.New(`^(docker\.io/)?(library/)?node(:(1[6-9]|[2-9]\d|lts|latest|current|[a-z]+$)[^@]*)?(@.*)?$`)

func (r rewrite) recentNode() error {
	for s := r.run.Stage; s != nil; s = s.Parent {
		if ref, ok := s.Image(); s.Parent == nil && ok && recentNodes.MatchString(ref) {
			return nil
		}
	}
	return errors.New("which version of the package manager installs is not known")
}

// eachPackage looks at the package.json of every build context, which must be the only one.
func (r rewrite) eachPackage(look func(b buildcontext.Build, dir string, p nodePackage) error) error {
	const unknown = "the build context is not known, so neither is the package"
	if len(r.Builds) == 0 {
		return errors.New(unknown)
	}
	for _, b := range r.Builds {
		if b.Unknown != "" || b.Context == nil || b.Remote {
			return errors.New(unknown)
		}
		dir, err := onlyPackage(b.Context)
		if err != nil {
			return err
		}
		var p nodePackage
		text, err := fs.ReadFile(b.Context, path.Join(dir, "package.json"))
		if err != nil {
			return fmt.Errorf("read package.json in the build context: %w", err)
		}
		if err := json.Unmarshal(text, &p); err != nil {
			return fmt.Errorf("package.json cannot be read: %w", err)
		}
		if err := look(b, dir, p); err != nil {
			return err
		}
	}
	return nil
}

// onlyPackage is the directory of the only package.json.
func onlyPackage(context fs.FS) (string, error) {
	var dirs []string
	err := fs.WalkDir(context, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("read the build context: %w", err)
		case d.IsDir() && d.Name() == "node_modules":
			return fs.SkipDir
		case d.Name() == "package.json":
			dirs = append(dirs, path.Dir(name))
		}
		return nil
	})
	if err == nil && len(dirs) != 1 {
		err = fmt.Errorf("the build context holds %d packages, not one", len(dirs))
	}
	if err != nil {
		return "", err
	}
	return dirs[0], nil
}

// copiedBefore reports whether a step of the same stage surely copied a file of the context before the RUN, to where it
// runs.
func (r rewrite) copiedBefore(name string) bool {
	dir, ok := r.directory()
	if !ok {
		return false
	}
	brought := func(i *dockerfile.Instruction) bool {
		if _, from := i.Flag("from"); i.Index > r.run.Index || from || len(i.Words) < 2 ||
			i.Keyword != "COPY" && i.Keyword != "ADD" {
			return false
		}
		last := len(i.Words) - 1
		return slices.ContainsFunc(i.Words[:last], func(w dockerfile.Word) bool {
			return brings(w.Text, name) && landsAt(i, w.Text, name) == path.Join(dir, path.Base(name))
		})
	}
	for s := r.run.Stage; s != nil; s = s.Parent {
		if slices.ContainsFunc(s.Instructions, brought) {
			return true
		}
	}
	return false
}

// directory is where the command runs.
func (r rewrite) directory() (string, bool) {
	dir := path.Join("/", r.run.Stage.Before(r.run).Workdir)
	script, err := r.run.Script()
	if err != nil {
		return dir, r.run.Form == dockerfile.ExecForm
	}
	for _, cmd := range script.Calls() {
		switch words, ok := cmd.Texts(); {
		case cmd.Name() == "pushd", cmd.Name() == "cd" && (!ok || len(words) != 2):
			return "", false
		case cmd.Name() == "cd" && path.IsAbs(words[1]):
			dir = path.Clean(words[1])
		case cmd.Name() == "cd":
			dir = path.Join(dir, words[1])
		}
		if slices.EqualFunc(cmd.Words, r.was[r.sets:], sameWord) {
			return dir, true
		}
	}
	return "", false
}

// landsAt is where a COPY of a source that brings a file of the context puts it.
func landsAt(i *dockerfile.Instruction, source, name string) string {
	to := i.Words[len(i.Words)-1].Text
	into := strings.HasSuffix(to, "/") || to == "." || len(i.Words) > 2
	if !path.IsAbs(to) {
		to = path.Join("/", i.Stage.Before(i).Workdir, to)
	}
	source = path.Clean(strings.TrimPrefix(source, "/"))
	if rel, ok := strings.CutPrefix(name, source+"/"); ok {
		return path.Join(to, rel)
	}
	if ok, err := path.Match(source, name); err == nil && ok {
		if into || source != name {
			return path.Join(to, path.Base(name))
		}
		return path.Clean(to)
	}
	return path.Join(to, name)
}

// brings reports whether a source of a COPY is the file, matches it, or is a directory above it.
func brings(source, name string) bool {
	source = path.Clean(strings.TrimPrefix(source, "/"))
	if source == "." || strings.HasPrefix(name, source+"/") {
		return true
	}
	ok, err := path.Match(source, name)
	return ok && err == nil
}

// npmAgrees checks that a lock file of npm 7 or later was made for the package as it is.
func npmAgrees(p nodePackage, text []byte) error {
	var lock struct {
		LockfileVersion int
		Packages        map[string]nodePackage
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		return fmt.Errorf("package-lock.json cannot be read: %w", err)
	}
	root, ok := lock.Packages[""]
	if lock.LockfileVersion < 2 || !ok {
		return errors.New("package-lock.json is of an old format, so whether it agrees with package.json is not known")
	}
	for _, pair := range [][2]map[string]string{
		{p.Dependencies, root.Dependencies}, {p.DevDependencies, root.DevDependencies},
		{p.OptionalDependencies, root.OptionalDependencies}, {p.PeerDependencies, root.PeerDependencies},
	} {
		if !maps.Equal(pair[0], pair[1]) {
			return errors.New("package-lock.json does not agree with package.json")
		}
	}
	return npmComplete(lock.Packages)
}

// yarnAgrees checks that a lock file of yarn 1 has every dependency of the package as it is asked for.
func yarnAgrees(p nodePackage, lock string) error {
	if !strings.Contains(lock, "# yarn lockfile v1") {
		return errors.New("yarn.lock is not of yarn 1, whose option this is")
	}
	has := map[string]bool{}
	for line := range strings.Lines(lock) {
		if line = strings.TrimSpace(line); !strings.HasSuffix(line, ":") || strings.HasPrefix(line, "#") {
			continue
		}
		for key := range strings.SplitSeq(strings.TrimSuffix(line, ":"), ", ") {
			has[strings.Trim(key, `"`)] = true
		}
	}
	for _, wanted := range []map[string]string{p.Dependencies, p.DevDependencies, p.OptionalDependencies} {
		for name, version := range wanted {
			if !has[name+"@"+version] {
				return fmt.Errorf("yarn.lock does not have %s as package.json asks for it", name)
			}
		}
	}
	return yarnComplete(lock, has)
}
