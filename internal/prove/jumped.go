package prove

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
)

// works finds out what the commands of a RUN do, which starts in a directory.
func works(i *dockerfile.Instruction, dir string) ([]effect, error) {
	if i.Form == dockerfile.ExecForm {
		var c dockerfile.Command
		for _, w := range i.Words {
			c.Words = append(c.Words, dockerfile.Argument{Text: w.Text, Literal: true})
		}
		return effects(i, []dockerfile.Command{c}, dir)
	}
	cmds, err := chain(i)
	if err != nil {
		return nil, err
	}
	return effects(i, cmds, dir)
}

// effects finds out what a list of commands does, also those that are handed to another shell.
func effects(i *dockerfile.Instruction, cmds []dockerfile.Command, dir string) ([]effect, error) {
	var out []effect
	for _, cmd := range cmds {
		if inner, ok := cmd.Inner(); ok {
			inside, err := effects(i, inner, dir)
			if err != nil {
				return nil, err
			}
			out = append(out, inside...)
			continue
		}
		words, ok := spelled(cmd)
		if !ok {
			return nil, fmt.Errorf("the command on line %d has words that are not literal", i.Line())
		}
		if words[0] == "cd" {
			if len(words) != 2 || words[1] == "" || words[1][0] == '-' {
				return nil, fmt.Errorf("the script on line %d changes to a directory that is not known", i.Line())
			}
			dir = under(dir, words[1])
			out = append(out, effect{name: "cd", dir: dir})
			continue
		}
		e, err := effectOf(words, dir)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// spelled are the words of a command. Only those of an rm may be patterns.
func spelled(cmd dockerfile.Command) ([]string, bool) {
	if words, ok := forPlatform(cmd); ok {
		return words, true
	}
	return patterned(cmd)
}

// patterned are the words of a command that no variable changes. Only those of an rm may be patterns.
func patterned(cmd dockerfile.Command) ([]string, bool) {
	if words, ok := cmd.Texts(); ok {
		return words, true
	}
	var out []string
	for _, w := range cmd.Words {
		if !w.Literal && strings.ContainsAny(w.Text, "$`~{\"'\\") {
			return nil, false
		}
		out = append(out, w.Text)
	}
	return out, cmd.Name() == "rm"
}

// worksIn is works for a step of the graph, whose shell has to be known.
func worksIn(i *dockerfile.Instruction, s step) ([]effect, error) {
	exec := execOf(s)
	if i.Form != dockerfile.ExecForm {
		shell, _, _, err := runs(s)
		if err != nil {
			return nil, err
		}
		if !knownShell(shell) {
			return nil, fmt.Errorf("what the shell %q does with a script is not known", shell)
		}
	}
	if i.Form != dockerfile.ExecForm || startsShell(i) {
		special := func(kv string) bool { return changesShell(kv) || strings.HasPrefix(kv, "CDPATH=") }
		if slices.ContainsFunc(exec.Meta.Env, special) {
			return nil, errors.New("a variable gives the shell commands or directories of its own")
		}
	}
	return works(i, path.Clean("/"+exec.Meta.Cwd))
}

// startsShell reports whether a command in exec form is a shell.
func startsShell(i *dockerfile.Instruction) bool {
	return len(i.Words) > 0 && slices.Contains([]string{"sh", "bash", "dash", "ash"}, path.Base(i.Words[0].Text))
}

// steps checks every step that the copy moved over.
func (p *placed) steps() error {
	var commands []*dockerfile.Instruction
	for _, i := range p.old {
		if i.Keyword == "RUN" {
			commands = append(commands, i)
		}
	}
	reads := false
	for _, s := range p.jumped {
		if err := seesNoContext(s, p.broad); err != nil {
			return err
		}
		if dir := mkdirOf(s); dir != "" {
			if err := p.makes(path.Clean("/" + dir)); err != nil {
				return err
			}
			continue
		}
		if files := copies(s); len(files) > 0 {
			if err := p.passes(s, files); err != nil {
				return err
			}
			continue
		}
		if execOf(s) == nil || len(commands) == 0 {
			return errors.New("a step other than a command was jumped over")
		}
		read, err := p.runs(commands[0], s)
		if err != nil {
			return err
		}
		reads = reads || read
		commands = commands[1:]
	}
	if len(commands) > 0 || !reads {
		return errors.New("no install was jumped over that reads what is copied before it")
	}
	return nil
}

// makes checks that a WORKDIR makes no directory that the copy would have made: they would give it to others.
func (p *placed) makes(dir string) error {
	for _, s := range p.standing {
		if made := mkdirOf(s); made != "" && within(path.Clean("/"+made), dir) {
			return nil
		}
	}
	top := func(at string) string { return strings.Split(at, "/")[1] }
	if p.holds(dir) || apart(dir, p.into()) && top(dir) != top(p.into()) {
		return nil
	}
	return fmt.Errorf("the WORKDIR would make %s before the copy does, for another owner", dir)
}

// passes checks that a copy from elsewhere writes to directories that have nothing to do with those of the copy that
// moved, not even one above both that either would make, for its own owner.
func (p *placed) passes(s step, files []*pb.FileActionCopy) error {
	if slices.ContainsFunc(inputsOf(s), func(in string) bool { return slices.Contains(inputsOf(p.broad), in) }) {
		return errors.New("a copy of the build context was jumped over")
	}
	for _, file := range files {
		to := path.Clean("/" + file.Dest)
		top := strings.Split(to, "/")[1]
		if !apart(to, p.into()) || top != "usr" && top == strings.Split(p.into(), "/")[1] {
			return errors.New("a copy that was jumped over writes near where the copy that moved does")
		}
	}
	return nil
}

// runs checks one command that the copy moved over. It reports whether an install in it reads what is copied before.
func (p *placed) runs(i *dockerfile.Instruction, s step) (reads bool, err error) {
	effects, err := worksIn(i, s)
	if err != nil {
		return false, err
	}
	for _, m := range execOf(s).Mounts {
		at := path.Clean("/" + m.Dest)
		file := m.MountType == pb.MountType_SECRET || m.MountType == pb.MountType_SSH
		if at != "/" && !file && !apart(at, p.into()) {
			return false, fmt.Errorf("a mount at %s hides part of what the copy brings", at)
		}
	}
	env := execOf(s).Meta.Env
	for _, e := range effects {
		if err := p.exists(e, execOf(s).Meta.Cwd); err != nil {
			return false, err
		}
		root, err := p.reads(e)
		if err != nil {
			return false, err
		}
		if err := p.untouched(e, root, env); err != nil {
			return false, err
		}
		reads = reads || root != "" || slices.ContainsFunc(e.lists, p.has) ||
			slices.ContainsFunc(e.files, p.has)
	}
	return reads, nil
}

// exists checks that the directory in which a command runs is there without the copy.
func (p *placed) exists(e effect, cwd string) error {
	if e.dir == path.Clean("/"+cwd) || apart(e.dir, p.into()) || p.holds(e.dir) {
		return nil
	}
	return fmt.Errorf("the directory %s, in which %s runs, may not be there before the copy", e.dir, e.name)
}

// reads checks that what a command reads of the sources is copied before. root is the directory of the image in which
// its manifest stands, "" when it reads none or none that the copy brings.
func (p *placed) reads(e effect) (root string, err error) {
	for _, file := range append(slices.Clone(e.files), e.lists...) {
		if within(file, p.into()) && !p.has(file) || !within(file, p.into()) && !apart(path.Dir(file), p.into()) {
			return "", fmt.Errorf("%s reads %s, which is not copied before", e.name, file)
		}
	}
	for _, file := range e.maybe {
		if name, ok := p.nameOf(file); ok && !p.has(file) && p.free(e, file) != nil {
			return "", fmt.Errorf("%s reads %s, which is not copied before", e.name, name)
		}
	}
	for _, list := range e.lists {
		if err := p.listed(e, list); err != nil {
			return "", err
		}
	}
	for _, dir := range e.links {
		if !apart(dir, p.into()) {
			return "", fmt.Errorf("%s reads %s, which may be part of the sources", e.name, dir)
		}
	}
	if len(e.manifests) == 0 || apart(e.dir, p.into()) {
		return "", p.settled(e)
	}
	for dir := e.dir; within(dir, p.into()); dir = path.Dir(dir) {
		if p.hasOne(dir, e.manifests) {
			return dir, p.everyContext(func(b buildcontext.Build) error {
				return errors.Join(complete(b.Context, e, p.names), p.versioned(b, e, dir), p.home(b, e))
			})
		}
		if dir == "/" {
			break
		}
	}
	return "", fmt.Errorf("%s reads %s in %s, which is not copied before", e.name, strings.Join(e.manifests, " or "), e.dir)
}

// hasOne reports whether a file whose name matches one of the patterns stands in a directory of the image already, one
// that the copy brings there.
func (p *placed) hasOne(dir string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if !strings.ContainsAny(pattern, "*?[") {
			return p.has(path.Join(dir, pattern))
		}
		return slices.ContainsFunc(p.names, func(name string) bool {
			at, ok := p.imageOf(name)
			return ok && path.Dir(at) == dir && matchesAny([]string{pattern}, path.Base(at))
		})
	})
}

// systemPlaces are where packages put their files.
var systemPlaces = []string{"/bin", "/etc", "/lib", "/lib64", "/opt", "/root", "/sbin", "/usr", "/var"}

// ownPlaces are directories below these that are left to applications.
var ownPlaces = []string{"/opt", "/root", "/usr/src", "/usr/app", "/usr/local/app", "/usr/local/src", "/var/www", "/var/task",
	"/var/app"}

// placeVariables say where an install puts what it fetches.
var placeVariables = []string{"GOMODCACHE", "VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "POETRY_VIRTUALENVS_PATH",
	"WORKON_HOME", "POETRY_CACHE_DIR", "UV_CACHE_DIR", "COMPOSER_HOME", "MIX_HOME", "HEX_HOME", "GEM_HOME",
	"BUNDLE_USER_HOME", "BUNDLE_USER_CONFIG", "BUNDLE_PATH", "BUNDLE_APP_CONFIG", "MAVEN_USER_HOME",
	"GRADLE_USER_HOME", "NUGET_PACKAGES", "BUN_INSTALL_CACHE_DIR", "DENO_DIR", "PUB_CACHE", "CARGO_HOME",
	"COMPOSER_VENDOR_DIR", "COMPOSER_BIN_DIR"}

// steering are variables that name other files for an install to read.
var steering = strings.Fields(`PIP_REQUIREMENT PIP_CONSTRAINT PIP_FIND_LINKS PIP_EDITABLE PIP_CONFIG_FILE
	PIP_BUILD_CONSTRAINT PIP_TARGET PIP_PREFIX PIP_ROOT PIP_SRC POETRY_CONFIG_DIR UV_PROJECT UV_WORKING_DIRECTORY
	UV_WORKING_DIR UV_CONFIG_FILE UV_FIND_LINKS UV_CONSTRAINT UV_OVERRIDE UV_BUILD_CONSTRAINT UV_EXCLUDE PIPENV_PIPFILE
	PIPENV_DOTENV_LOCATION PDM_PROJECT PDM_PROJECT_ROOT PDM_LOCKFILE PDM_CONFIG_FILE BUNDLE_GEMFILE BUNDLE_LOCKFILE
	RUBYLIB COMPOSER MIX_EXS MIX_DEPS_PATH MIX_BUILD_PATH MIX_BUILD_ROOT CONDARC`)

// untouched checks that the copy brings nothing to where a command writes, nor a program that it would start.
func (p *placed) untouched(e effect, root string, env []string) error {
	places := slices.Clone(e.writes)
	for _, kv := range env {
		if name, value, _ := strings.Cut(kv, "="); name == "GOPATH" && len(e.writes) > 0 {
			places = append(places, path.Join(value, "pkg/mod"))
		} else if slices.Contains(placeVariables, name) {
			places = append(places, under(e.dir, value))
		} else if slices.Contains(steering, name) || steersMachine(name, value) {
			return fmt.Errorf("the variable %s may make %s read or write other files", name, e.name)
		} else if name == "PYTHONPATH" {
			for _, dir := range strings.Split(value, ":") {
				at := under(e.dir, dir)
				places = append(places, path.Join(at, "sitecustomize.py"), path.Join(at, "usercustomize.py"))
			}
		} else if err := p.pointed(e, name, value); err != nil {
			return err
		}
	}
	for _, dir := range p.projects(e, root) {
		places = append(places, allUnder(dir, e.beside)...)
	}
	if e.system {
		places = append(places, systemPlaces...)
	}
	if e.module != "" {
		places = append(places, under(e.dir, e.module), under(e.dir, e.module+".py"))
	}
	programs, err := p.programs(e, env)
	if err != nil {
		return err
	}
	for _, at := range append(places, programs...) {
		if slices.Contains(programs, at) && p.has(at) {
			continue // a wrapper that is copied before, and started by its path
		}
		if err := p.free(e, at); err != nil {
			return err
		}
	}
	return nil
}

// projects are the directories beside whose manifests a command writes.
func (p *placed) projects(e effect, root string) []string {
	out := []string{e.dir}
	for _, name := range p.names {
		if at, ok := p.imageOf(name); ok && root != "" && matchesAny(e.manifests, path.Base(name)) &&
			(e.wide || within(at, root)) {
			out = append(out, path.Dir(at))
		}
	}
	return out
}

// programs are the files that would be started in place of a command's program if the copy brought them, and the
// environments in which it would install.
func (p *placed) programs(e effect, env []string) ([]string, error) {
	if len(e.words) == 0 {
		return nil, nil
	}
	if strings.Contains(e.words[0], "/") {
		return []string{under(e.dir, e.words[0])}, nil
	}
	var out []string
	for _, kv := range env {
		list, ok := strings.CutPrefix(kv, "PATH=")
		for _, dir := range strings.Split(list, ":") {
			if at := under(e.dir, dir); ok && within(at, p.into()) {
				out = append(out, path.Join(at, e.words[0]))
				if e.system && path.Base(at) == "bin" && path.Dir(at) != "/" {
					out = append(out, path.Dir(at))
				}
			}
		}
	}
	return out, nil
}

// free checks that the copy brings nothing to a place of the image.
func (p *placed) free(e effect, at string) error {
	own := func(dir string) bool { return p.into() != dir && within(p.into(), dir) }
	if own(at) || p.into() == at {
		if slices.Contains(systemPlaces, at) && slices.ContainsFunc(ownPlaces, own) {
			return nil
		}
		return fmt.Errorf("%s writes to %s, where the copy puts the sources", e.name, at)
	}
	name, ok := p.nameOf(at)
	if !ok {
		return nil
	}
	return p.everyContext(func(b buildcontext.Build) error {
		if _, err := fs.Lstat(b.Context, name); err == nil {
			return fmt.Errorf("%s in the build context would overwrite what %s writes", name, e.name)
		}
		return nil
	})
}
