package prove

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/pattern"
)

// lists follows lists of requirements from one to the next.
type lists struct {
	fsys   fs.FS
	inputs []string
	seen   []string
}

// read checks that a list names nothing of the sources but lists that are inputs.
func (l *lists) read(e effect, name string) error {
	if slices.Contains(l.seen, name) {
		return nil
	}
	l.seen = append(l.seen, name)
	if !covered(name, l.inputs) {
		return fmt.Errorf("the install also reads %s, which is not copied before", name)
	}
	switch path.Base(name) {
	case "pyproject.toml":
		return pythonProject(l.fsys, name, l.inputs, e)
	case "setup.py", "setup.cfg":
		return fmt.Errorf("%s is a program that may read the sources", name)
	}
	text, err := l.text(name)
	if err != nil {
		return err
	}
	if ext := path.Ext(name); ext == ".yml" || ext == ".yaml" {
		return l.environment(e, name, text)
	}
	for line := range strings.Lines(text) {
		if err := l.line(e, name, strings.TrimSpace(line)); err != nil {
			return err
		}
	}
	return nil
}

// text is a file that every tool takes apart into the same lines.
func (l *lists) text(name string) (string, error) {
	data, err := fs.ReadFile(l.fsys, name)
	if err != nil {
		return "", fmt.Errorf("read %s in the build context: %w", name, err)
	}
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	odd := func(r rune) bool {
		return r != '\n' && r != '\t' && unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	}
	if !utf8.Valid(data) || strings.ContainsFunc(text, odd) {
		return "", fmt.Errorf("%s is not plain text", name)
	}
	return text, nil
}

var (
	// listOption matches the options of a list that name no file (pip.pypa.io/en/stable/reference/requirements-file-format).
	listOption = pattern.New(`^(--hash[= ]\S+( --hash[= ]\S+)*|--pre|--prefer-binary|--require-hashes|--no-index|` +
		`--(no-binary|only-binary|trusted-host|use-feature)[= ][\w:.,-]+|` +
		`(-i|--index-url|--extra-index-url|-f|--find-links)[= ]\s*https?://\S+)$`)
	otherList = pattern.New(`^(?:-r|-c|--requirement[= ]|--constraint[= ])\s*(\S+)$`)
	// listName matches the start of a requirement by name, and what an address may be.
	listName    = pattern.New(`^[A-Za-z0-9][\w.-]*\s*(\[[\w.,\s-]*\])?\s*`)
	listAddress = pattern.New(`^@\s*(git\+)?(https|http|ssh|git)://[^\s]+(\s|$)`)
)

var (
	// environmentLine matches the lines of an environment.yml that name packages and channels on the network.
	environmentLine = pattern.New(`^(---|(name|prefix): *\S+|(channels|dependencies):|- pip:|` +
		`- ["']?(https?://\S+|([\w.-]+(/[\w.-]+)?::)?[A-Za-z0-9_][\w.-]*( *[=<>!~][\w.=<>!~,|* ]*)?)["']?)$`)
	listItem = pattern.New(`^-\s+(.*)$`)
)

// environment checks the description of an environment of conda, line by line; under "- pip:" stand lines as in a list.
func (l *lists) environment(e effect, name, text string) error {
	pip, depth := false, 0
	for line := range strings.Lines(text) {
		indent := len(line) - len(strings.TrimLeft(line, " "))
		if k := strings.Index(" "+line, " #"); k >= 0 {
			line = line[:k]
		}
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if m := listItem.FindStringSubmatch(line); pip && m != nil && indent > depth {
			if err := l.line(e, name, strings.Trim(m[1], `"'`)); err != nil {
				return err
			}
			continue
		}
		if pip = line == "- pip:"; pip {
			depth = indent
		}
		if !environmentLine.MatchString(line) || archiveName(strings.Trim(line, `"'`)) || strings.HasSuffix(line, ".conda") ||
			strings.HasPrefix(line, "- local") {
			return fmt.Errorf("%s has the line %q, which may name part of the sources", name, line)
		}
	}
	return nil
}

// line checks one line. A line that goes on in the next one is taken by itself, which can only refuse more.
func (l *lists) line(e effect, name, line string) error {
	line = strings.TrimPrefix(line, "\ufeff")
	if k := strings.Index(line, " #"); k >= 0 {
		line = line[:k]
	}
	line = strings.TrimSpace(strings.TrimSuffix(line, `\`))
	if line == "" || line[0] == '#' || listOption.MatchString(line) {
		return nil
	}
	if m := otherList.FindStringSubmatch(line); m != nil {
		if strings.Contains(m[1], "://") {
			return nil
		}
		return l.read(e, path.Join(path.Dir(name), m[1]))
	}
	if start := listName.FindString(line); start != "" {
		rest := line[len(start):]
		if listAddress.MatchString(rest) || start == line && !archiveName(line) && !strings.HasSuffix(line, ".whl") {
			return nil
		}
		if strings.ContainsRune("=<>!~;(-", rune(rest[0])) && !strings.ContainsAny(strings.Split(rest, "--hash")[0], "/") {
			return nil
		}
	}
	if strings.Contains(line, "://") && !strings.Contains(line, "file:") && !strings.ContainsRune("-$./~", rune(line[0])) {
		return nil
	}
	return fmt.Errorf("%s has the line %q, which may name part of the sources", name, line)
}

// homeFiles are settings that tools read in the user's home directory, which may be where the copy writes to.
var homeFiles = strings.Fields(`.pip/pip.conf .config/pip/pip.conf .config/uv/uv.toml .config/pypoetry/config.toml
	.config/pdm/config.toml .condarc .mambarc .gemrc .composer/config.json .composer/auth.json .config/composer/config.json
	.gitconfig .netrc .mix/archives`)

// home checks that the copy brings no settings of a home directory.
func (p *placed) home(b buildcontext.Build, e effect) error {
	for _, file := range homeFiles {
		name, ok := p.nameOf(path.Join(p.into(), file))
		if !ok {
			continue
		}
		if _, err := fs.Lstat(b.Context, name); err == nil {
			return fmt.Errorf("%s would hold for %s, too, if the sources were copied to the home directory", name, e.name)
		}
	}
	return nil
}

// settled checks that the settings are copied before that a command without a manifest would find where it runs.
func (p *placed) settled(e effect) error {
	for _, setting := range e.also {
		for dir := e.dir; within(dir, p.into()); dir = path.Dir(dir) {
			name, ok := p.nameOf(path.Join(dir, setting))
			if ok && !covered(name, p.names) && !p.lacks(e, name) {
				return fmt.Errorf("%s may read %s, which is not copied before", e.name, name)
			}
			if dir == "/" {
				break
			}
		}
	}
	return nil
}

// lacks reports whether no build context has a file of that name. A pyproject.toml counts only with what the command
// looks for.
func (p *placed) lacks(e effect, name string) bool {
	counts := func(text string) bool {
		return strings.Contains(text, "uv") || e.name == "uv venv" && strings.Contains(text, "requires-python")
	}
	return p.everyContext(func(b buildcontext.Build) error {
		text, err := fs.ReadFile(b.Context, name)
		if errors.Is(err, fs.ErrNotExist) || path.Base(name) == "pyproject.toml" && !counts(string(text)) {
			return nil
		}
		return fmt.Errorf("%s is there", name)
	}) == nil
}

// listed checks what a list of requirements that the copy brings leads to.
func (p *placed) listed(e effect, list string) error {
	name, ok := p.nameOf(list)
	if !ok {
		return nil
	}
	return p.everyContext(func(b buildcontext.Build) error {
		l := lists{fsys: b.Context, inputs: p.names}
		return errors.Join(l.read(e, name), p.home(b, e))
	})
}
