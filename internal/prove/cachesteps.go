package prove

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/pattern"
)

// stepsBefore checks that all steps from the base image to the install are of those that can make no settings, put
// nothing into the cache and leave the manager what it is.
func (m mounting) stepsBefore() error {
	for s := m.run.Stage; s != nil; s = s.Parent {
		for _, i := range s.Instructions {
			if i.Index >= m.run.Index {
				break
			}
			if err := m.stepBefore(i); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m mounting) stepBefore(i *dockerfile.Instruction) error {
	switch i.Keyword {
	case "ENV", "ARG":
		return harmlessVariables(i)
	case "WORKDIR":
		if text := i.Text(); !path.IsAbs(text) || !ordinary(text) {
			return fmt.Errorf("the directory on line %d may have to do with the cache", i.Line())
		}
		return nil
	case "USER":
		if !isRootName(i.Text()) {
			return fmt.Errorf("line %d runs what follows as %s, whose cache lies elsewhere", i.Line(), i.Text())
		}
		return nil
	case "COPY":
		_, err := manifestCopy(i)
		return err
	case "RUN":
		return m.runs(i, m.harmless)
	case "LABEL", "MAINTAINER", "EXPOSE", "STOPSIGNAL", "CMD", "ENTRYPOINT", "HEALTHCHECK":
		return nil // what these start is looked at with the steps behind
	}
	return fmt.Errorf("what the %s on line %d does to the cache is not known", i.Keyword, i.Line())
}

// plainVariables are those that neither a manager, nor Node.js or Python, nor the shell takes settings from that
// matter here.
var plainVariables = pattern.New(`^(` + oneOf(`NODE_ENV NODE_VERSION PORT HOST TZ LANG LANGUAGE LC_ALL CI DEBIAN_FRONTEND HUSKY
	VERSION COMMIT COMMIT_SHA GIT_COMMIT GIT_SHA REVISION BUILD_DATE TARGETPLATFORM TARGETARCH TARGETVARIANT TARGETOS
	BUILDPLATFORM NEXT_TELEMETRY_DISABLED PYTHONUNBUFFERED PYTHONDONTWRITEBYTECODE PIP_DISABLE_PIP_VERSION_CHECK
	PIP_ROOT_USER_ACTION`) + `|(NEXT_PUBLIC|VITE|REACT_APP|APP|FLASK|DJANGO)_[A-Z0-9_]+)$`)

// harmlessVariables checks that an ENV or ARG sets only variables of that kind.
func harmlessVariables(i *dockerfile.Instruction) error {
	for _, w := range i.Words {
		name, _, ok := strings.Cut(w.Text, "=")
		if !ok && i.Keyword == "ENV" {
			return fmt.Errorf("the ENV on line %d is in the old form", i.Line())
		}
		if !plainVariables.MatchString(name) {
			return fmt.Errorf("%s on line %d may be a setting of the package manager", name, i.Line())
		}
	}
	return nil
}

// plainPath matches a path that is what it says, whoever reads it.
var plainPath = pattern.New(`^[\w@+-][\w.@+-]*(/[\w@+-][\w.@+-]*)*$`)

// ordinary reports whether an absolute directory is none of the system's or root's own. The exceptions hold programs
// by convention.
func ordinary(dir string) bool {
	if dir = path.Clean(dir); dir == "/" {
		return true
	}
	if !plainPath.MatchString(dir[1:]) {
		return false
	}
	top, _, _ := strings.Cut(dir[1:], "/")
	own := slices.ContainsFunc(strings.Fields("/usr/src /usr/app /var/www /var/app /var/task"), func(at string) bool {
		return within(dir, at)
	})
	return own || !among("bin boot dev etc lib lib32 lib64 libx32 media mnt proc root run sbin sys usr var", top)
}

// workdir is where an instruction works. The official images work in the root directory.
func (m mounting) workdir(i *dockerfile.Instruction) string {
	return path.Join("/", i.Stage.Before(i).Workdir)
}

// manifestNames matches the files that may be copied before the install, by their names.
var manifestNames = pattern.New(`^` + oneOf(`package(-lock)?\.json package\*\.json package-lock\.json\* npm-shrinkwrap\.json
	yarn\.lock pnpm-lock\.yaml tsconfig[\w.-]*\.json requirements[\w*-]*\.txt constraints[\w-]*\.txt pyproject\.toml
	poetry\.lock uv\.lock`) + `$`)

// manifestCopy checks that a COPY brings nothing but manifests, under their own names, and says into which directory.
func manifestCopy(i *dockerfile.Instruction) (dir string, err error) {
	no := fmt.Errorf("line %d copies more than manifests before the install, which may hold settings", i.Line())
	foreign := func(fl dockerfile.Flag) bool { return !strings.EqualFold(fl.Name, "link") }
	if len(i.Heredocs) > 0 || len(i.Words) < 2 || slices.ContainsFunc(i.Flags, foreign) {
		return "", no
	}
	last := len(i.Words) - 1
	for _, w := range i.Words[:last] {
		name := strings.TrimPrefix(w.Text, "./")
		above := path.Dir(name)
		if !manifestNames.MatchString(path.Base(name)) || above != "." && !plainPath.MatchString(above) {
			return "", no
		}
	}
	dir = under(path.Join("/", i.Stage.Before(i).Workdir), i.Words[last].Text)
	into := strings.HasSuffix(i.Words[last].Text, "/") || i.Words[last].Text == "." || dir == i.Stage.Before(i).Workdir
	if base := path.Base(i.Words[0].Text); !into && last == 1 && path.Base(dir) == base {
		dir, into = path.Dir(dir), true
	}
	if !into || !ordinary(dir) {
		return "", no
	}
	return dir, nil
}

// copied are the files that are there when the install runs, by where they are, with their names in the context.
func (m mounting) copied(fsys fs.FS) (map[string]string, error) {
	out := map[string]string{}
	for s := m.run.Stage; s != nil; s = s.Parent {
		for _, i := range s.Instructions {
			if i.Keyword != "COPY" || i.Index > m.run.Index {
				continue
			}
			dir, err := manifestCopy(i)
			if err != nil {
				return nil, err
			}
			for _, w := range i.Words[:len(i.Words)-1] {
				found, err := regularFiles(fsys, clean(w.Text))
				if err != nil {
					return nil, err
				}
				for _, name := range found {
					out[path.Join(dir, path.Base(name))] = name
				}
			}
		}
	}
	return out, nil
}

// regularFiles are the files that a source of a COPY names; each is a file of the repository itself.
func regularFiles(fsys fs.FS, source string) ([]string, error) {
	found, err := fs.Glob(fsys, source)
	if err != nil || len(found) == 0 && !strings.Contains(source, "*") {
		return nil, fmt.Errorf("there is no %s in the build context", source)
	}
	for _, name := range found {
		if info, err := fs.Lstat(fsys, name); err != nil || !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is no regular file", name)
		}
	}
	return found, nil
}

// runs checks that a RUN is a list of commands that are known, in the default shell, on a network.
func (m mounting) runs(i *dockerfile.Instruction, known func(words []string, dir string) bool) error {
	for _, flag := range flagTexts(i) {
		if flag != "--mount=type=cache,target=/root/.npm" && flag != "--mount=type=cache,target=/root/.cache/pip" {
			return fmt.Errorf("what the flags on line %d have to do with the cache is not known", i.Line())
		}
	}
	cmds, err := chain(i)
	if err != nil {
		return err
	}
	if len(i.Heredocs) > 0 || len(i.Stage.Before(i).Shell) > 0 {
		return fmt.Errorf("the step on line %d is not a plain one", i.Line())
	}
	for _, c := range cmds {
		words, ok := c.Texts()
		if !removesLists(c) && (!ok || !known(words, m.workdir(i))) {
			return fmt.Errorf("what `%s` on line %d has to do with the cache is not known", c.Words[0].Text, i.Line())
		}
	}
	return nil
}

func removesLists(c dockerfile.Command) bool {
	return len(c.Words) == 3 && c.Words[0].Text == "rm" && c.Words[1].Text == "-rf" &&
		c.Words[2].Text == "/var/lib/apt/lists/*"
}

var (
	systemFlags = "-y -q -qq -yq -qy --yes --assume-yes --no-install-recommends --no-cache --virtual -t"
	osPackage   = pattern.New(`^\.?[a-z0-9][a-z0-9.+-]*$`)
	// managerPackage matches the system's packages of Node.js and pip, which would bring managers of their own.
	managerPackage = pattern.New(`^(npm|nodejs|node-.*|yarn\w*|py3-pip|python3?-pip.*|python-is-.*|sudo)$`)
)

// harmless knows the commands that make no settings.
func (m mounting) harmless(words []string, dir string) bool {
	switch {
	case len(words) < 2:
		return false
	case words[0] == "apt-get" && among("update install clean", words[1]), words[0] == "apk" && words[1] == "add":
		return !slices.ContainsFunc(words[2:], func(w string) bool {
			return !among(systemFlags, w) && (!osPackage.MatchString(w) || managerPackage.MatchString(w))
		})
	case words[0] == "mkdir":
		return inOrdinary(words[1:], dir, "-p")
	case among("groupadd useradd addgroup adduser", words[0]):
		return true
	}
	_, err := m.installs(words)
	return err == nil
}

// inOrdinary reports whether all words are options that are known, or paths in the directories of programs.
func inOrdinary(words []string, dir, known string) bool {
	return !slices.ContainsFunc(words, func(w string) bool {
		at := under(dir, w)
		return !among(known, w) && (strings.HasPrefix(w, "-") || at == "/" || !ordinary(at))
	})
}
