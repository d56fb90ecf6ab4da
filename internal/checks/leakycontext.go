package checks

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/spare"
)

// leakyContext finds a copy of a whole directory that nothing keeps what is no source out of. A commit holds neither the
// git history nor what was installed; they are on the disk of whoever builds, and the files beside them tell that.
var leakyContext = &check.Check{
	Name:     "leaky-context",
	Family:   check.Context,
	Summary:  "a whole directory is copied, and no ignore file keeps `.git`, installed dependencies or `.env` files out",
	Severity: check.Warning,
	Run:      runLeakyContext,
}

func runLeakyContext(p *check.Pass) error {
	l := leaks{pass: p}
	for _, b := range p.Builds {
		if b.Unknown == "" && !b.Remote {
			l.needs = map[string]need{}
			l.inBuild(b)
		}
	}
	l.report(l.bulk, "them", "it")
	l.report(l.unclear, "them", "it")
	l.report(l.envs, "their secrets", "its secrets")
	return nil
}

// leaks are what one file's copies bring that is no source.
type leaks struct {
	pass                *check.Pass
	bulk, unclear, envs leak
	needs               map[string]need // of the build that is looked at, by pattern: many copies may bring the same
}

// A need is why a build may need what a pattern hides, and whether it is known to.
type need struct {
	why  string
	sure bool
}

// needed asks once for each pattern.
func (l *leaks) needed(b buildcontext.Build, pattern string) (why string, sure bool) {
	n, ok := l.needs[pattern]
	if !ok {
		n.why, n.sure = spare.Needed(l.pass.File, b, must(pattern))
		l.needs[pattern] = n
	}
	return n.why, n.sure
}

// A leak is one finding in the making.
type leak struct {
	at       *dockerfile.Instruction // the first copy that brings it
	files    []string                // the ignore files that could keep it out, one for each directory it is built from
	patterns []string
	refused  string
}

// inBuild looks at one way of building the file.
func (l *leaks) inBuild(b buildcontext.Build) {
	for _, i := range broadCopies(l.pass.File, b) {
		for _, c := range candidates(i.dirs, b) {
			l.consider(b, i.at, c)
		}
		for _, c := range l.envFiles(i.dirs, b) {
			why, sure := l.needed(b, c)
			if sure {
				continue // it is copied or read outright
			}
			l.envs.add(b, i.at, c)
			if why != "" {
				l.envs.refused = why
			}
		}
	}
}

// consider takes a candidate in when it is not kept out and the build is not known to need it.
func (l *leaks) consider(b buildcontext.Build, at *dockerfile.Instruction, c candidate) {
	if c.hidden(b) || c.committed(l.pass.Repo, b) {
		return
	}
	p := must(c.pattern)
	why, sure := l.needed(b, c.pattern)
	switch {
	case why == "":
		l.bulk.add(b, at, c.pattern)
	case p.Family == spare.History && !sure:
		l.unclear.add(b, at, c.pattern)
		l.unclear.refused = why
	}
}

func must(pattern string) spare.Pattern {
	p, ok := spare.ParsePattern(pattern)
	if !ok {
		panic("no pattern that can be spared: " + pattern)
	}
	return p
}

func (k *leak) add(b buildcontext.Build, at *dockerfile.Instruction, pattern string) {
	if k.at == nil || !k.at.Stage.Shipped() && at.Stage.Shipped() {
		k.at = at
	}
	if file := ignoreFile(b); !slices.Contains(k.files, file) {
		k.files = append(k.files, file)
	}
	if !slices.Contains(k.patterns, pattern) {
		k.patterns = append(k.patterns, pattern)
	}
}

// ignoreFile is the file that says what is kept out of a build's context, or would.
func ignoreFile(b buildcontext.Build) string {
	if b.Ignore != "" {
		return b.Ignore
	}
	return path.Join(b.Dir, ".dockerignore")
}

// report tells a leak; many and one are what is brought of several things and of one. Compiled Python and environments alone are not worth a word: they come with what is.
func (l *leaks) report(k leak, many, one string) {
	minor := func(pattern string) bool {
		f := must(pattern).Family
		return f == spare.Python || f == spare.Caches
	}
	named := slices.DeleteFunc(slices.Clone(k.patterns), minor)
	if len(named) == 0 {
		return
	}
	into := "the image"
	if !k.at.Stage.Shipped() {
		into = "the build"
	}
	what := one
	if len(named) > 1 {
		what = many
	}
	message := fmt.Sprintf("nothing keeps %s out of the build context, so this copy brings %s into %s from the machine that builds",
		listed(named), what, into)
	if slices.Contains(named, ".git") {
		message += ", and every commit makes the steps from here on run again"
	}
	if len(k.files) > 1 {
		k.refused = "it is built from several directories: " + strings.Join(k.files, " and ") + " would have to say it"
	}
	if k.refused != "" {
		l.pass.Advise(k.at.Code(), message, k.refused)
		return
	}
	fix, err := ignoring(l.pass.Repo, k.files[0], k.patterns)
	if err != nil {
		l.pass.Advise(k.at.Code(), message, err.Error())
		return
	}
	l.pass.Report(k.at.Code(), message, fix)
}

// ignoring is the fix that adds patterns to an ignore file.
func ignoring(repo fs.FS, file string, patterns []string) (fixes.Fix, error) {
	text, err := fs.ReadFile(repo, file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fixes.Fix{}, fmt.Errorf("%s cannot be read", file)
	}
	edit, err := fixes.Ignore(file, text, patterns)
	if err != nil {
		return fixes.Fix{}, err
	}
	return fixes.Fix{
		Title:  "Keep " + listed(patterns) + " out of the build context",
		Intent: fixes.Ignored{File: file, Patterns: patterns},
		Edits:  []fixes.Edit{edit},
	}, nil
}

// listed is a list of names as people write it.
func listed(names []string) string {
	quoted := make([]string, len(names))
	for k, n := range names {
		quoted[k] = "`" + n + "`"
	}
	if n := len(quoted); n > 1 {
		return strings.Join(quoted[:n-1], ", ") + " and " + quoted[n-1]
	}
	return quoted[0]
}

// A broadCopy is a copy of whole directories of the context.
type broadCopy struct {
	at   *dockerfile.Instruction
	dirs []string // context-relative
}

func broadCopies(f *dockerfile.File, b buildcontext.Build) []broadCopy {
	var out []broadCopy
	for _, i := range f.Instructions {
		if i.Stage == nil || !fromContext(i) {
			continue
		}
		c := broadCopy{at: i}
		for _, w := range i.Words[:len(i.Words)-1] {
			if dir, ok := wholeDirectory(b, strings.Trim(w.Text, `"'`)); ok {
				c.dirs = append(c.dirs, dir)
			}
		}
		if len(c.dirs) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// wholeDirectory is the directory that a source brings all of.
func wholeDirectory(b buildcontext.Build, text string) (string, bool) {
	if strings.ContainsAny(text, `$\`) {
		return "", false
	}
	name := strings.TrimPrefix(path.Clean("/"+text), "/")
	if name == "" || name == "*" {
		return ".", true
	}
	info, err := fs.Stat(b.Context, name)
	return name, err == nil && info.IsDir()
}
