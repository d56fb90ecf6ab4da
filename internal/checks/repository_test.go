package checks_test

import (
	"io/fs"
	"testing/fstest"
)

// repository is a small repository in memory: file names and contents.
type repository map[string]string

func (r repository) fs() fs.FS {
	m := fstest.MapFS{}
	for name, data := range r {
		m[name] = &fstest.MapFile{Data: []byte(data), Mode: 0o644}
	}
	return m
}

// Open implements fs.FS.
func (r repository) Open(name string) (fs.File, error) { return r.fs().Open(name) }
