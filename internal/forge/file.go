package forge

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
)

// A FileText is a file's new text; Executable is kept from the old one.
type FileText struct {
	Path       string
	Before     []byte // the old text, nil for a new file
	Text       []byte
	Executable bool
}

// FileTexts are the files of a repository with the texts that they are to have, by path. Those that have them are left out.
func FileTexts(repo fs.FS, after map[string][]byte) ([]FileText, error) {
	var out []FileText
	for _, path := range slices.Sorted(maps.Keys(after)) {
		f := FileText{Path: path, Text: after[path]}
		info, err := fs.Stat(repo, path)
		if err == nil {
			f.Executable = info.Mode()&0o111 != 0
			f.Before, err = fs.ReadFile(repo, path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		if err != nil || !bytes.Equal(f.Before, f.Text) {
			out = append(out, f)
		}
	}
	return out, nil
}
