package review

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
)

// MaxFiles is how many Dockerfiles of one pull request are looked at.
const MaxFiles = 100

// Settings are what a repository decided about its reviews.
type Settings struct {
	check.Options
	MaxInline int            // how many comments stand on the diff at most; the worst come first
	FailOn    check.Severity // from which severity on a finding fails the check run; 0 is config's default
	Drafts    config.Drafts  // what becomes of a draft; "" is config's default
	Bots      config.Bots    // and of another bot's pull request
}

// Look examines the changed Dockerfiles at the head and says what there is to say about them. It decides for the
// App, the command line and the demo alike. The error says that it could not look; a file that could not be read
// is a Note.
func Look(ctx context.Context, head fs.FS, changed []forge.ChangedFile, s Settings) (*Opinion, error) {
	e, err := examine(ctx, head, changed, s)
	if err != nil {
		return nil, err
	}
	return e.opinion(ctx, audience{inline: s.MaxInline})
}

// An examined is a change whose Dockerfiles were looked at, before it is decided what to say to whom.
type examined struct {
	head     fs.FS
	files    []File
	result   *check.Result
	settings Settings
	left     int      // how many Dockerfiles there are beyond MaxFiles
	garbled  []string // changed Dockerfiles whose names are not known
}

func examine(ctx context.Context, head fs.FS, changed []forge.ChangedFile, s Settings) (*examined, error) {
	picked, left := pick(changed, s.Options)
	e := &examined{head: head, files: open(head, picked), settings: s, left: left, garbled: garbled(changed, s.Options)}
	paths := make([]string, len(picked))
	for n, c := range picked {
		paths[n] = c.Path
	}
	var err error
	audited := s.Options
	audited.Audit = true // what was suppressed is counted
	if e.result, err = check.Examine(ctx, head, paths, audited); err != nil {
		return nil, err
	}
	return e, recall(ctx, head, changed, e.files, e.result.Findings, s.Options)
}

// An audience is who a review is for.
type audience struct {
	inline int  // how many comments may stand on the diff
	lines  bool // only findings in lines that were changed are told
	mute   mute // what people do not want to hear of
}

// opinion is what there is to say to an audience.
func (e *examined) opinion(ctx context.Context, a audience) (*Opinion, error) {
	files := slices.Clone(e.files)
	if a.lines {
		for n := range files {
			files[n].Before = nil
		}
	}
	o, err := Compose(files, e.result, a, func(path string, findings []check.Finding) (*check.Combined, error) {
		return check.Combine(ctx, e.head, path, findings, e.settings.Options)
	})
	if err != nil {
		return nil, err
	}
	o.FailOn = e.settings.FailOn
	for _, path := range e.garbled {
		o.Notes = append(o.Notes, Note{Path: path, Words: "could not be looked at: its name is not valid UTF-8", Urgent: true})
	}
	if e.left > 0 {
		o.Partial, o.Cut = true, true
		words := fmt.Sprintf("%d more changed Dockerfiles were not looked at; the first %d were", e.left, MaxFiles)
		o.Notes = append(o.Notes, Note{Words: words})
	}
	return o, nil
}

// pick are the changed Dockerfiles to look at, and how many there are beyond MaxFiles.
func pick(changed []forge.ChangedFile, o check.Options) (picked []forge.ChangedFile, left int) {
	for _, c := range changed {
		if !dockerfileOf(c, o) || unclear(c.Path) {
			continue
		}
		if len(picked) == MaxFiles {
			left++
			continue
		}
		picked = append(picked, c)
	}
	return picked, left
}

// dockerfileOf reports whether a changed file is a Dockerfile to look at.
func dockerfileOf(c forge.ChangedFile, o check.Options) bool {
	return c.Status != forge.Removed && o.Subject(c.Path) && fs.ValidPath(c.Path)
}

// unclear reports whether a name came here garbled: GitHub's answers hold U+FFFD for what is no UTF-8. What is written under
// such a name is another file.
func unclear(path string) bool { return strings.ContainsRune(path, utf8.RuneError) }

// garbled are the changed Dockerfiles with such names.
func garbled(changed []forge.ChangedFile, o check.Options) []string {
	var out []string
	for _, c := range changed {
		if dockerfileOf(c, o) && unclear(c.Path) {
			out = append(out, c.Path)
		}
	}
	return out
}

// open reads the files with their diffs. One that cannot be read is left out; examining it says why. A diff that
// makes no sense is taken for one that the host left out.
func open(head fs.FS, picked []forge.ChangedFile) []File {
	var files []File
	for _, c := range picked {
		info, err := fs.Stat(head, c.Path)
		if err != nil || !info.Mode().IsRegular() || info.Size() > dockerfile.MaxSize {
			continue
		}
		text, err := fs.ReadFile(head, c.Path)
		if err != nil {
			continue
		}
		f := File{Path: c.Path, Text: text, apart: c.Computed, beside: c.Status == ""}
		if d, err := diffOf(c); err == nil {
			f.Diff = d
		}
		if c.Status == forge.Added || c.Status == forge.Copied {
			f.Before = map[string]bool{}
		}
		files = append(files, f)
	}
	return files
}

// recall fills in which findings the files had before the pull request, where any finding's fate hangs on it.
func recall(ctx context.Context, head fs.FS, changed []forge.ChangedFile, files []File, found []check.Finding,
	o check.Options) error {
	_, rest := Select(files, found)
	texts := map[string][]byte{}
	var paths []string
	for _, f := range files {
		if f.Before != nil || !has(rest, f.Path) {
			continue
		}
		if old, err := f.Diff.Revert(f.Text); err == nil {
			texts[f.Path], paths = old, append(paths, f.Path)
		}
	}
	if len(paths) == 0 {
		return nil
	}
	result, err := check.Run(ctx, earlier(head, changed, texts), paths, o)
	if err != nil {
		return fmt.Errorf("look at the files as they were: %w", err)
	}
	broken := unseen(result.Skipped)
	for n := range files {
		if f := &files[n]; texts[f.Path] != nil && !broken[f.Path] {
			f.Before = identities(result.Findings, f.Path)
		}
	}
	return nil
}

func has(findings []check.Finding, path string) bool {
	return len(identities(findings, path)) > 0
}

// identities are those of the findings in one file.
func identities(findings []check.Finding, path string) map[string]bool {
	out := map[string]bool{}
	for _, f := range findings {
		if f.Path == path {
			out[f.ID] = true
		}
	}
	return out
}
