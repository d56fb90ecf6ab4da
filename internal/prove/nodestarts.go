package prove

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/pattern"
)

// onlyStarts checks that nothing but the start of the program comes after the install, and returns how it starts.
func (r rewrite) onlyStarts() ([]string, error) {
	f := r.before
	if r.run.Stage != f.Final() {
		return nil, errors.New("the stage is not the last")
	}
	for _, b := range r.Builds {
		if b.Command || b.Target != "" && f.Stage(b.Target) != r.run.Stage || len(b.Mounts) > 0 || len(b.Probe) > 0 {
			return nil, errors.New("a build of the file starts something else")
		}
	}
	var start []string
	for s := r.run.Stage; s != nil; s = s.Parent {
		for _, i := range s.Instructions {
			if among("ONBUILD ENTRYPOINT HEALTHCHECK", i.Keyword) || i.Keyword == "RUN" && i.Index > r.run.Index && !tidies(i) {
				return nil, fmt.Errorf("line %d may need development packages", i.Line())
			}
			if i.Keyword == "CMD" && i.Index > r.run.Index {
				start = started(i)
			}
		}
	}
	if cmds, err := chain(r.run); err != nil || !behindTidy(cmds, r) {
		return nil, errors.New("the same step may need development packages")
	}
	if len(start) == 0 {
		return nil, errors.New("what the image starts is not known")
	}
	return start, nil
}

// tidies reports whether a RUN only looks after files and accounts.
func tidies(i *dockerfile.Instruction) bool {
	cmds, err := chain(i)
	return err == nil && !slices.ContainsFunc(cmds, func(c dockerfile.Command) bool { return !tidy(c) })
}

func tidy(c dockerfile.Command) bool {
	words, ok := c.Texts()
	inPackages := func(w string) bool { return strings.Contains(w, "node_modules/") }
	return ok && !slices.ContainsFunc(words, inPackages) &&
		(among("chown chmod mkdir rm ls useradd groupadd adduser addgroup", words[0]) ||
			begins(words, []string{"npm", "cache", "clean"}) || begins(words, []string{"yarn", "cache", "clean"}))
}

// behindTidy reports whether behind the install the same step only tidies up.
func behindTidy(cmds []dockerfile.Command, r rewrite) bool {
	seen := false
	for _, c := range cmds {
		if slices.EqualFunc(c.Words, r.was[r.sets:], sameWord) {
			seen = true
			continue
		}
		if seen && !tidy(c) {
			return false
		}
	}
	return seen
}

// started are the words that a CMD starts with.
func started(i *dockerfile.Instruction) []string {
	if i.Form == dockerfile.ExecForm {
		return texts(i)
	}
	words, err := single(i)
	if err != nil {
		return nil
	}
	return words
}

var nodeScript = pattern.New(`^node ([\w./-]+\.(?:js|cjs|mjs))$`)

// startedProgram is the file that is started, perhaps through the package's start script.
func startedProgram(start []string, p nodePackage) (string, error) {
	line := strings.Join(start, " ")
	if line == "npm start" || line == "npm run start" || line == "yarn start" {
		if p.Scripts["prestart"] != "" || p.Scripts["poststart"] != "" {
			return "", errors.New("the prestart or poststart script of the package may need development packages")
		}
		line = p.Scripts["start"]
	}
	m := nodeScript.FindStringSubmatch(line)
	if m == nil {
		return "", fmt.Errorf("whether %q needs development packages is not known", line)
	}
	return strings.TrimPrefix(m[1], "./"), nil
}

// startsWhereInstalled checks that the program is the file of that name in the build context: it is copied into the
// directory of the install, in which the container starts, and nothing else may put another one in its place.
func (r rewrite) startsWhereInstalled(b buildcontext.Build, name, program string) error {
	if _, err := fs.Stat(b.Context, name); err != nil {
		return fmt.Errorf("%s is not in the build context, so it is built, perhaps with development packages", name)
	}
	dir, ok := r.directory()
	if !ok || dir != path.Join("/", r.run.Stage.End().Workdir) {
		return errors.New("the container does not start where the packages are installed")
	}
	copied := false
	for s := r.run.Stage; s != nil; s = s.Parent {
		for _, i := range s.Instructions {
			if i.Keyword != "COPY" && i.Keyword != "ADD" || landsOutside(i, dir) {
				continue
			}
			if !fromContext(i) {
				return fmt.Errorf("line %d may put another program in the place of %s", i.Line(), name)
			}
			copied = copied || putsFile(i, name, path.Join(dir, program))
		}
	}
	if !copied {
		return fmt.Errorf("%s is not copied to where the packages are installed", name)
	}
	return nil
}

// putsFile reports whether a COPY surely puts a file of the context at a place.
func putsFile(i *dockerfile.Instruction, name, at string) bool {
	return slices.ContainsFunc(i.Words[:len(i.Words)-1], func(w dockerfile.Word) bool {
		return brings(w.Text, name) && landsAt(i, w.Text, name) == at
	})
}

// fromContext reports whether a COPY or ADD brings files of the build context as they are, and no tests in their place.
func fromContext(i *dockerfile.Instruction) bool {
	_, from := i.Flag("from")
	other := func(w dockerfile.Word) bool {
		return strings.ContainsAny(w.Text, ":@$") || forTests.MatchString(w.Text+"/") ||
			i.Keyword == "ADD" && !plainAdded.MatchString(w.Text)
	}
	return !from && len(i.Heredocs) == 0 && len(i.Words) > 1 && !slices.ContainsFunc(i.Words, other)
}

// plainAdded matches what ADD is known not to unpack.
var plainAdded = pattern.New(`^(\.{1,2}/?|/?[\w./-]+/|/?([\w.-]+/)*[\w-]+|[\w./-]+\.(json|js|cjs|mjs|ts))$`)

// landsOutside reports whether a COPY or ADD surely puts nothing below a directory.
func landsOutside(i *dockerfile.Instruction, dir string) bool {
	if len(i.Words) < 2 {
		return false
	}
	to := i.Words[len(i.Words)-1].Text
	return path.IsAbs(to) && !strings.Contains(to, "$") && !within(path.Clean(to), dir) && !within(dir, path.Clean(to))
}
