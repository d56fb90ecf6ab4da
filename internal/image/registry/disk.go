package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/lighterman/lighterman/internal/pattern"
)

const (
	// maxKept is how many answers are kept on disk, maxKeptSize how many bytes one may have.
	maxKept     = 2000
	maxKeptSize = 64 << 10
)

// disk keeps answers in a folder, a file each. What cannot be read or written is as if it were not there: the registry is
// asked again.
type disk struct{ dir string }

func (d disk) path(ref string) string {
	sum := sha256.Sum256([]byte(ref))
	return filepath.Join(d.dir, hex.EncodeToString(sum[:16])+".json")
}

var digest = pattern.New(`^sha256:[0-9a-f]{64}$`)

// read is what was kept of a reference.
func (d disk) read(ref string) (said, bool) {
	if d.dir == "" {
		return said{}, false
	}
	f, err := os.Open(d.path(ref))
	if err != nil {
		return said{}, false
	}
	defer f.Close()
	var s said
	if err := json.NewDecoder(io.LimitReader(f, maxKeptSize)).Decode(&s); err != nil {
		return said{}, false
	}
	return s, s.Ref == ref && s.Answer != nil && digest.MatchString(s.Answer.Digest)
}

// write keeps an answer: the file is there whole or not at all.
func (d disk) write(s said) {
	text, err := json.Marshal(s)
	if d.dir == "" || err != nil || len(text) > maxKeptSize || os.MkdirAll(d.dir, 0o700) != nil {
		return
	}
	d.prune()
	tmp, err := os.CreateTemp(d.dir, ".answer-*")
	if err != nil {
		return
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	if closeErr := tmp.Close(); err == nil && closeErr == nil {
		_ = os.Rename(tmp.Name(), d.path(s.Ref))
	}
}

// prune removes the older half when the folder is full.
func (d disk) prune() {
	entries, err := os.ReadDir(d.dir)
	if err != nil || len(entries) < maxKept {
		return
	}
	age := func(e os.DirEntry) int64 {
		info, err := e.Info()
		if err != nil {
			return 0
		}
		return info.ModTime().UnixNano()
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return int(min(1, max(-1, age(a)-age(b)))) })
	for _, e := range entries[:len(entries)/2] {
		_ = os.Remove(filepath.Join(d.dir, e.Name()))
	}
}
