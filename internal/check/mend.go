package check

import (
	"context"
	"io/fs"
	"maps"
)

// A Mended is what fixes make of several Dockerfiles of a repository.
type Mended struct {
	After   map[string][]byte // the files that differ, by path
	Applied []Finding         // in the order in which their fixes were made
	Skipped []Skip            // what could not be looked at
}

// Mend is Fix for several Dockerfiles, one after the other: they may share a file that a fix changes too.
func Mend(ctx context.Context, repo fs.FS, paths []string, want func(Finding) bool, o Options) (*Mended, error) {
	m := &Mended{After: map[string][]byte{}}
	for _, path := range paths {
		fixed, err := Fix(ctx, Overlay(repo, m.After), path, want, o)
		if err != nil {
			return nil, err
		}
		m.Skipped = append(m.Skipped, fixed.Skipped...)
		if len(fixed.Applied) > 0 {
			maps.Copy(m.After, fixed.Files())
			m.Applied = append(m.Applied, fixed.Applied...)
		}
	}
	return m, nil
}
