// Package spare says what a build can spare of its context: whether a Dockerfile, built from a directory, can do without
// what a line of the ignore file would keep out.
//
// The answer is an allowlist. Only a few families of names can be spared at all: the git history, what package managers
// install or compile into the sources, caches, files of environment variables, private keys. And of those only what the
// build is known not to read; a command that is not known may read anything.
package spare

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/pattern"
)

// A Family is a kind of names that a build may be able to spare.
type Family string

// The families.
const (
	History Family = "the git history"
	Node    Family = "what a JavaScript package manager installs"
	Python  Family = "a Python environment"
	Caches  Family = "compiled Python"
	Target  Family = "what cargo or Maven builds"
	DotNet  Family = "what dotnet builds"
	Env     Family = "a file of environment variables"
	Key     Family = "a private key"
)

var families = map[string]Family{
	".git": History, "node_modules": Node, ".venv": Python, "venv": Python, "__pycache__": Caches, "target": Target,
	"bin": DotNet, "obj": DotNet,
	"id_rsa": Key, "id_dsa": Key, "id_ecdsa": Key, "id_ed25519": Key,
}

// plainPath matches a path without anything that a pattern or a shell would interpret.
var plainPath = pattern.New(`^[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*(/[A-Za-z0-9_@+-][A-Za-z0-9._@+-]*)*$`)

// envFile matches the names of files of environment variables; those that say how one is to look are none.
var envFile = pattern.New(`^\.env(\.[A-Za-z0-9_-]+)*$`)

var envSample = pattern.New(`(?i)example|sample|template|dist|default|tmpl|schema|test`)

// EnvFile reports whether a file of that base name holds environment variables for somewhere, rather than an example.
func EnvFile(base string) bool { return envFile.MatchString(base) && !envSample.MatchString(base) }

// A Pattern is a line of an ignore file that hides one family.
type Pattern struct {
	Text   string
	Family Family
	Dir    string // the directory in which the name is hidden, "." for the root
	Deep   bool   // the name is hidden in every directory; Dir is "." then
	Base   string
}

// ParsePattern reads a line; ok is false when it is none of those that hide a family. The forms are "name", "a/b/name" and
// "**/name".
func ParsePattern(text string) (p Pattern, ok bool) {
	p = Pattern{Text: text, Dir: ".", Base: text}
	if rest, deep := strings.CutPrefix(text, "**/"); deep {
		p.Deep, p.Base = true, rest
	} else if k := strings.LastIndexByte(text, '/'); k >= 0 {
		p.Dir, p.Base = text[:k], text[k+1:]
		if !plainPath.MatchString(p.Dir) {
			return p, false
		}
	}
	p.Family = families[p.Base]
	if p.Family == "" && EnvFile(p.Base) {
		p.Family = Env
	}
	single := p.Family == History || p.Family == Key
	return p, p.Family != "" && (!p.Deep || !single)
}

// Hides reports whether the pattern alone keeps a name out of a context.
func (p Pattern) Hides(name string) bool { return buildcontext.Excludes([]string{p.Text}, name) }

// parts are the directories of what the pattern hides, and its name.
func (p Pattern) parts() []string {
	if p.Dir == "." {
		return []string{p.Base}
	}
	return append(strings.Split(p.Dir, "/"), p.Base)
}

// Needed is why a build of f in b may need what p hides, "" when it is known not to. sure tells whether it is known to.
func Needed(f *dockerfile.File, b buildcontext.Build, p Pattern) (why string, sure bool) {
	if why := Names(f, p); why != "" {
		return why, true
	}
	holders := brought(f, b, p)
	if len(holders) == 0 {
		return "", false
	}
	switch p.Family {
	case History:
		return historyNeeded(f, b, holders)
	case Node, Python, Target, DotNet:
		return installedNeeded(f, b, p, holders)
	case Caches:
		return "", false
	case Env:
		return envNeeded(f, b, p)
	case Key:
		if why, sure := mentioned(f, p.Base); why != "" {
			return why, sure
		}
		return readBySources(b, pattern.New(`(?:^|\W)`+regexp.QuoteMeta(p.Base)+`(?:[^\w.]|$)`)), false
	}
	return fmt.Sprintf("nothing is known about %s", p.Text), false
}

// Names is why f may name, as the source of a copy or of a mount, something that p hides; "" when it names none of it. A
// copy of a directory around it does not name it.
func Names(f *dockerfile.File, p Pattern) string {
	for _, s := range sourcesOf(f) {
		if s.unknown() {
			return fmt.Sprintf("what %s on line %d names is not known", s.text, s.line)
		}
		if s.names(p) {
			return fmt.Sprintf("the %s on line %d needs %s", s.keyword, s.line, p.Text)
		}
	}
	return ""
}

// A source is one thing that an instruction takes from the build context.
type source struct {
	keyword string
	line    int
	index   int
	text    string // as written
	parts   []string
}

// sourcesOf lists what the file takes from the context, what ONBUILD defers included.
func sourcesOf(f *dockerfile.File) []source {
	var out []source
	for _, i := range f.Instructions {
		at := i
		if i.Inner != nil {
			i = i.Inner
		}
		for _, text := range sourceTexts(i) {
			out = append(out, source{i.Keyword, at.Line(), at.Index, text, partsOf(text)})
		}
	}
	return out
}

func sourceTexts(i *dockerfile.Instruction) []string {
	var out []string
	switch i.Keyword {
	case "COPY", "ADD":
		if _, from := i.Flag("from"); from {
			return nil
		}
		for _, w := range i.Words[:max(0, len(i.Words)-1)] {
			text := strings.Trim(w.Text, `"'`)
			if !strings.HasPrefix(text, "<<") && !strings.Contains(text, "://") && !strings.HasPrefix(text, "git@") {
				out = append(out, text)
			}
		}
	case "RUN":
		for _, fl := range i.Flags {
			if text, ok := mounted(fl); ok {
				out = append(out, text)
			}
		}
	}
	return out
}

// mounted is the source of a bind mount of the context, "." for all of it.
func mounted(fl dockerfile.Flag) (string, bool) {
	if !strings.EqualFold(fl.Name, "mount") {
		return "", false
	}
	kind, text := "bind", "."
	for _, option := range strings.Split(fl.Value, ",") {
		key, value, _ := strings.Cut(option, "=")
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "type":
			kind = value
		case "source", "src":
			text = value
		case "from":
			return "", false
		}
	}
	return text, kind == "bind"
}

var variable = pattern.New(`\$\{[^}]*\}|\$\w+`)

// partsOf splits a source into its directories. A variable becomes "$", which may stand for any text without a slash: one
// that stands alone at the front may be a whole path.
func partsOf(text string) []string {
	text = path.Clean("/" + variable.ReplaceAllString(text, "$$"))
	return strings.Split(strings.TrimPrefix(text, "/"), "/")
}

// unknown reports whether the source may lead anywhere.
func (s source) unknown() bool {
	return strings.Contains(s.parts[0], "$") || strings.ContainsAny(s.text, "`\\")
}

// names reports whether the source may lead to what p hides or into it, by words of its own.
func (s source) names(p Pattern) bool {
	want := p.parts()
	for at := range s.parts {
		if matchAt(s.parts[at:], want) {
			return true
		}
		if !p.Deep {
			break
		}
	}
	return false
}

// matchAt reports whether parts begin like want; "*" alone at the last place is a copy of a directory, which names nothing.
func matchAt(parts, want []string) bool {
	if len(parts) < len(want) {
		return false
	}
	for k, w := range want {
		if parts[k] == "*" && k == len(want)-1 || !matches(parts[k], w) {
			return false
		}
	}
	return true
}

func matches(part, want string) bool {
	glob := strings.ReplaceAll(part, "$", "*")
	ok, err := path.Match(glob, want)
	return ok || err != nil
}

// brought are the places in f.Instructions at which a directory around what p hides comes from the context.
func brought(f *dockerfile.File, b buildcontext.Build, p Pattern) []int {
	var out []int
	for _, s := range sourcesOf(f) {
		if s.around(p) && !s.isFile(b) {
			out = append(out, s.index)
		}
	}
	return out
}

// isFile reports whether the source is one regular file of the context.
func (s source) isFile(b buildcontext.Build) bool {
	name := strings.Join(s.parts, "/")
	if name == "" || strings.ContainsAny(name, "*?[$") {
		return false
	}
	info, err := fs.Stat(b.Context, name)
	return err == nil && info.Mode().IsRegular()
}

// around reports whether the source is a directory that holds what p hides.
func (s source) around(p Pattern) bool {
	if p.Deep || s.parts[0] == "" || strings.ContainsAny(s.parts[0], "*?[$") {
		return true
	}
	dir := p.parts()[:len(p.parts())-1]
	for k, part := range s.parts {
		if k >= len(dir) {
			return part == "*"
		}
		if !matches(part, dir[k]) {
			return false
		}
	}
	return true
}
