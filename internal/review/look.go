package review

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
)

// MaxFiles is how many Dockerfiles of one pull request are looked at.
const MaxFiles = 100

// Settings are what a repository decided about its reviews.
type Settings struct {
	check.Options
	MaxInline int // how many comments stand on the diff at most; the worst come first and the rest is in the summary
}

// Look examines the changed Dockerfiles at the head and says what there is to say about them. It decides for the
// App, the command line and the demo alike. The error says that it could not look; a file that could not be read
// is a Note.
func Look(ctx context.Context, head fs.FS, changed []forge.ChangedFile, o Settings) (*Opinion, error) {
	picked, left := pick(changed, o.Options)
	files := open(head, picked)
	paths := make([]string, len(picked))
	for n, c := range picked {
		paths[n] = c.Path
	}
	result, err := check.Examine(ctx, head, paths, o.Options)
	if err != nil {
		return nil, err
	}
	if err := recall(ctx, head, changed, files, result.Findings, o.Options); err != nil {
		return nil, err
	}
	opinion, err := Compose(files, result, o.MaxInline, func(path string, findings []check.Finding) (*check.Combined, error) {
		return check.Combine(ctx, head, path, findings, o.Options)
	})
	if err != nil {
		return nil, err
	}
	if left > 0 {
		opinion.Partial = true
		words := fmt.Sprintf("%d more changed Dockerfiles were not looked at; the first %d were", left, MaxFiles)
		opinion.Notes = append(opinion.Notes, Note{Words: words})
	}
	return opinion, nil
}

// pick are the changed Dockerfiles to look at, and how many there are beyond MaxFiles.
func pick(changed []forge.ChangedFile, o check.Options) (picked []forge.ChangedFile, left int) {
	for _, c := range changed {
		if c.Status == forge.Removed || !o.Subject(c.Path) || !fs.ValidPath(c.Path) {
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
		f := File{Path: c.Path, Text: text}
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
