package main

import (
	"io/fs"
	"testing/fstest"
)

// memoryRepo is a repository in memory.
func memoryRepo(files map[string]string) fs.FS {
	m := fstest.MapFS{}
	for name, data := range files {
		m[name] = &fstest.MapFile{Data: []byte(data), Mode: 0o644}
	}
	return m
}
