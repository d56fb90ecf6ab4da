package check

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/image"
	"github.com/lighterman/lighterman/internal/pattern"
)

// A Linter runs BuildKit's own checks. It stands behind an interface because BuildKit's converter, which they are part
// of, expands what strangers wrote and belongs into a process of its own.
type Linter interface {
	Lint(ctx context.Context, c LintCase) ([]Remark, error)
}

// A LintCase is a file to be linted and what BuildKit would look up.
type LintCase struct {
	File *dockerfile.File
	// Ignores are the texts of the ignore files with which it is built, one for each that differs; "" when a build has
	// none. It is empty when no build is known.
	Ignores []string
	Bases   map[string]Base
}

// A Remark is what one of BuildKit's checks says.
type Remark struct {
	Rule   string // BuildKit's name of the check: "FromAsCasing"
	Detail string // BuildKit's sentence
	Line   int    // 1-based, the first of the instruction, or of what is wrong in it
}

// A Base is what is known of an image that a stage stands on. A zero field is not known.
type Base struct {
	User      string
	Workdir   string
	Shell     string
	Env       []string // the names of the variables that it sets; nil when not known
	Platforms []string // all that there are
}

// basesOf looks up the images that the file's stages stand on, by reference as Stage.Image gives it.
func basesOf(f *dockerfile.File, facts image.Facts) map[string]Base {
	out := map[string]Base{}
	if facts == nil {
		return out
	}
	for _, s := range f.Stages {
		if ref, ok := s.Image(); ok && s.Parent == nil {
			if i, known := facts.Lookup(ref); known {
				b := Base{User: i.User, Workdir: i.Workdir, Shell: i.Shell, Platforms: i.On()}
				if names, known := i.Sets(); known {
					b.Env = names
				}
				out[ref] = b
			}
		}
	}
	return out
}

// maxIgnore bounds the size of an ignore file in bytes.
const maxIgnore = 256 << 10

// ignoreTexts are the texts of the ignore files that the builds apply, each once. One that cannot be read is left out
// with its build.
func ignoreTexts(repo fs.FS, builds []buildcontext.Build) []string {
	var out []string
	for _, b := range builds {
		if b.Unknown != "" {
			continue
		}
		var text []byte
		if b.Ignore != "" {
			var err error
			if text, err = fs.ReadFile(repo, b.Ignore); err != nil || len(text) > maxIgnore {
				continue
			}
		}
		if !slices.Contains(out, string(text)) {
			out = append(out, string(text))
		}
	}
	return out
}

// wanting matches the checks that the directive "# check=experimental=a,b" asks for.
var wanting = pattern.New(`(?:^|;)\s*experimental\s*=\s*([\w-]+(?:\s*,\s*[\w-]+)*)`)

// askedOf are the checks that the file itself asks for, of those that run only then.
func askedOf(f *dockerfile.File) []string {
	m := wanting.FindStringSubmatch(f.Directive("check"))
	if m == nil {
		return nil
	}
	return strings.FieldsFunc(m[1], func(r rune) bool { return r == ',' || r == ' ' })
}

// A lint is the linting of one file, which happens once, when the first check asks for it.
type lint struct {
	once    sync.Once
	remarks []Remark
	err     error
}

// linted is what BuildKit's checks say about the file; nothing without a Linter.
func (s *subject) linted(ctx context.Context, repo fs.FS, o Options) []Remark {
	if o.Linter == nil || s.lint == nil {
		return nil
	}
	s.lint.once.Do(func() {
		c := LintCase{File: s.file, Ignores: ignoreTexts(repo, s.builds), Bases: basesOf(s.file, o.Images)}
		s.lint.err = contained(func() (err error) {
			s.lint.remarks, err = o.Linter.Lint(ctx, c)
			return err
		})
	})
	return s.lint.remarks
}

// lintSkip says that BuildKit's checks could not look at the file, nil when they could or were not asked.
func (s *subject) lintSkip() *Skip {
	if s.lint == nil || s.lint.err == nil {
		return nil
	}
	return &Skip{Path: s.path, Reason: fmt.Sprintf("BuildKit's own checks: %v", s.lint.err), Failed: true}
}
