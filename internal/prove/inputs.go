package prove

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"golang.org/x/mod/modfile"
)

// companions are files that, when they stand beside a manifest, change what is installed from it.
var companions = map[string][]string{
	"package.json": {
		"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", ".npmrc", ".yarnrc",
		".yarnrc.yml", "pnpm-workspace.yaml", "bunfig.toml", "bun.lockb",
	},
	"go.mod":  {"go.sum", "go.work"},
	"go.work": {"go.work.sum"},
}

// complete checks what can be seen of the manifests among the inputs: its companions are inputs as well, it runs no script
// of the sources while installing, and the directories that it names are inputs.
func complete(fsys fs.FS, e effect, inputs []string) error {
	for _, in := range inputs {
		if err := lockComplete(fsys, in, inputs); err != nil {
			return err
		}
		if !matchesAny(e.manifests, path.Base(in)) {
			continue
		}
		for _, name := range slices.Concat(companions[path.Base(in)], e.also) {
			beside := path.Join(path.Dir(in), name)
			if _, err := fs.Lstat(fsys, beside); err == nil && !covered(beside, inputs) {
				return fmt.Errorf("the install also reads %s, which is not copied before", beside)
			}
		}
		var err error
		switch path.Base(in) {
		case "package.json":
			err = errors.Join(packageComplete(fsys, in, inputs), noScripts(fsys, in, inputs, e.words))
		case "go.mod":
			err = replacements(fsys, in, inputs)
		case "go.work":
			err = members(fsys, in, inputs)
		default:
			err = completeFor(fsys, in, inputs, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// matchesAny reports whether a name matches one of the patterns.
func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}

// completeFor is complete for the manifests of managers that have a file of their own here.
func completeFor(fsys fs.FS, in string, inputs []string, e effect) error {
	switch base := path.Base(in); {
	case base == "pyproject.toml":
		return pythonProject(fsys, in, inputs, e)
	case base == "composer.json":
		return composition(fsys, in, inputs, e)
	case base == "mix.exs":
		return mixProject(fsys, in, inputs, e)
	case base == "Pipfile":
		return pipfile(fsys, in)
	case base == "Gemfile", base == "gems.rb":
		return gemfile(fsys, in, inputs)
	case matchesAny(poms, base):
		return pomComplete(fsys, in, inputs)
	case matchesAny(projects, base):
		return projectComplete(fsys, in, inputs)
	case matchesAny(otherManifests, base):
		return completeOther(fsys, in, inputs, e)
	case len(e.lacks) > 0:
		return fmt.Errorf("%s reads the sources without %s", e.name, e.lacks[0])
	}
	return nil
}

// covered reports whether a file is an input or lies in one.
func covered(name string, inputs []string) bool {
	return slices.ContainsFunc(inputs, func(in string) bool { return within(name, in) })
}

// noScripts checks that a package has no script that its install runs (docs.npmjs.com, cli/using-npm/scripts), except
// one that only sets up git hooks, which does nothing without git, or applies patches that are inputs.
func noScripts(fsys fs.FS, name string, inputs, words []string) error {
	if slices.Contains(words, "--ignore-scripts") {
		return nil
	}
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("read %s in the build context: %w", name, err)
	}
	var fields map[string]json.RawMessage // by their exact names: npm knows no "Scripts"
	var scripts map[string]string
	if err := json.Unmarshal(text, &fields); err != nil {
		return fmt.Errorf("%s is not valid JSON", name)
	}
	if err := json.Unmarshal(fields["scripts"], &scripts); fields["scripts"] != nil && err != nil {
		return fmt.Errorf("the scripts of %s are not known", name)
	}
	for _, event := range installEvents {
		script := scripts[event]
		if script == "patch-package" && allCovered(fsys, path.Join(path.Dir(name), "patches"), inputs) {
			continue // it reads what lies there (github.com/ds300/patch-package)
		}
		if script != "" && !slices.Contains(hooks, script) {
			return fmt.Errorf("the install runs the script %q of %s, which may read the sources", event, name)
		}
	}
	return nil
}

// installEvents are the scripts that npm runs while it installs a package's dependencies.
var installEvents = []string{
	"preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare", "dependencies",
}

// allCovered reports whether every file below dir is an input.
func allCovered(fsys fs.FS, dir string, inputs []string) bool {
	err := fs.WalkDir(fsys, dir, func(at string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !covered(at, inputs) {
			err = fs.ErrNotExist
		}
		return err
	})
	return err == nil
}

var hooks = []string{"husky", "husky install", "husky || true", "husky install || true"}

// members checks that the go.mod of every module of a workspace, and of what the workspace replaces by a directory, is an
// input (go.dev/ref/mod#workspaces).
func members(fsys fs.FS, name string, inputs []string) error {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("read %s in the build context: %w", name, err)
	}
	work, err := modfile.ParseWork(name, text, nil)
	if err != nil {
		return fmt.Errorf("%s cannot be read", name)
	}
	for _, use := range work.Use {
		if other := path.Join(path.Dir(name), use.Path, "go.mod"); !covered(other, inputs) {
			return fmt.Errorf("the install also reads %s, which is not copied before", other)
		}
	}
	return replacements(fsys, name, inputs)
}

// replacements checks that the go.mod of every local replacement is an input.
func replacements(fsys fs.FS, name string, inputs []string) error {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("read %s in the build context: %w", name, err)
	}
	found, err := replaced(name, text)
	if err != nil {
		return fmt.Errorf("%s cannot be read", name)
	}
	for _, r := range found {
		if r.New.Version != "" {
			continue
		}
		if path.IsAbs(r.New.Path) {
			return fmt.Errorf("%s takes a module from %s, which may be part of the sources", name, r.New.Path)
		}
		if other := path.Join(path.Dir(name), r.New.Path, "go.mod"); !covered(other, inputs) {
			return fmt.Errorf("the install also reads %s, which is not copied before", other)
		}
	}
	return nil
}

// replaced are the replacements of a module or a workspace.
func replaced(name string, text []byte) ([]*modfile.Replace, error) {
	if path.Base(name) == "go.work" {
		work, err := modfile.ParseWork(name, text, nil)
		if err != nil {
			return nil, err
		}
		return work.Replace, nil
	}
	module, err := modfile.Parse(name, text, nil)
	if err != nil {
		return nil, err
	}
	return module.Replace, nil
}
