package sweep

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/hidden"
)

// MaxFiles is how many files a pull request changes at most, but for what its last Dockerfile shares. The others are left
// for the next one.
const MaxFiles = 100

// A looked is a repository that was examined.
type looked struct {
	repo    fs.FS
	paths   []string
	options check.Options
	result  *check.Result
	known   map[string]bool          // the identities of the findings
	there   map[string]bool          // the marks of the Dockerfiles
	bounded bool                     // bundles are made for pull requests, which are of a size that people read
	want    func(check.Finding) bool // which findings are looked for; nil is all
}

// examine looks at Dockerfiles of a repository.
func examine(ctx context.Context, repo fs.FS, paths []string, o check.Options) (*looked, error) {
	o.Aging = true
	l := &looked{repo: check.Open(repo), paths: paths, options: o, known: map[string]bool{}, there: map[string]bool{}}
	var err error
	if l.result, err = check.Examine(ctx, l.repo, paths, o); err != nil {
		return nil, fmt.Errorf("look at the repository: %w", err)
	}
	for _, f := range l.result.Findings {
		l.known[f.ID] = true
	}
	for _, path := range paths {
		l.there[fileMark(path)] = true
	}
	return l, nil
}

// wants are the findings of a topic whose fixes are made.
type wants struct {
	*looked
	topic Topic
	mutes mutes
	// muted are the checks of declined findings, by path. A fix of another finding may change the words of the same
	// instruction, and a declined finding is called something else then.
	muted map[string][]string
}

func (l *looked) wants(t Topic, m mutes) wants {
	w := wants{l, t, m, map[string][]string{}}
	for _, f := range l.result.Findings {
		if m.covers(t, f, l.there) {
			w.muted[f.Path] = append(w.muted[f.Path], f.Check.Name)
		}
	}
	return w
}

// fixes reports whether the fix of a finding is made.
func (w wants) fixes(f check.Finding) bool {
	return w.topic.covers(f) && (w.want == nil || w.want(f)) && !w.mutes.covers(w.topic, f, w.there) && !w.disguised(f)
}

// disguised reports whether a finding that came up with a fix may be a declined one under another name.
func (w wants) disguised(f check.Finding) bool {
	return !w.known[f.ID] && slices.Contains(w.muted[f.Path], f.Check.Name)
}

// bundle makes the fixes of one topic, but for what people declined.
func (l *looked) bundle(ctx context.Context, t Topic, m mutes) (b Bundle, err error) {
	w := l.wants(t, m)
	b.Topic = t
	after := map[string][]byte{}
	for _, path := range w.paths {
		named := len(b.Applied) + len(b.Covered)
		mine := w.of(path)
		switch {
		case len(mine) == 0:
			continue
		case l.bounded && (len(after) >= MaxFiles || named > 0 && named+2*len(mine) > maxNames): // a large one goes alone
			b.Left++
			continue
		}
		made, err := check.Mend(ctx, check.Overlay(l.repo, after), []string{path}, w.fixes, l.options)
		if err != nil {
			return b, err
		}
		if len(made.Applied) == 0 {
			continue
		}
		maps.Copy(after, made.After)
		b.Applied, b.Covered = append(b.Applied, made.Applied...), append(b.Covered, mine...)
	}
	if b.heirs, err = w.heirs(ctx, after); err != nil {
		return b, err
	}
	b.Files, err = forge.FileTexts(l.repo, after)
	b.Gain = b.weigh(l.options)
	return b, err
}

// of are the findings of a file whose fixes are to be made.
func (w wants) of(path string) []check.Finding {
	var out []check.Finding
	for _, f := range w.result.Findings {
		if f.Path == path && w.fixes(f) {
			out = append(out, f)
		}
	}
	return out
}

// heirs are the declined findings as they are called with the changes made.
func (w wants) heirs(ctx context.Context, after map[string][]byte) ([]heir, error) {
	var paths []string
	for _, path := range w.paths {
		if _, changed := after[path]; changed && len(w.muted[path]) > 0 {
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		return nil, nil
	}
	now, err := check.Run(ctx, check.Overlay(w.repo, after), paths, w.options)
	if err != nil {
		return nil, err
	}
	var out []heir
	for _, f := range now.Findings {
		if !w.disguised(f) {
			continue
		}
		for _, was := range w.result.Findings {
			if was.Path == f.Path && was.Check.Name == f.Check.Name && w.mutes.covers(w.topic, was, w.there) {
				out = append(out, heir{nameOf(f), hidden.Finding(was.ID)})
			}
		}
	}
	return out, nil
}

// names are what a pull request with the bundle is about: the findings as they are, and as they are called when the fixes
// before theirs are made.
func (b Bundle) names() []name {
	var out []name
	for _, f := range slices.Concat(b.Covered, b.Applied) {
		if n := nameOf(f); !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b name) int { return strings.Compare(a.id, b.id) })
	return out
}

// mark is the hash of the texts.
func (b Bundle) mark() string { return bundleMark(b.Topic.Name, b.Files) }

func bundleMark(topic string, files []forge.FileText) string {
	parts := []string{"bundle", topic}
	for _, f := range files {
		parts = append(parts, f.Path, string(f.Text))
	}
	return hidden.Hash(parts...)
}
