package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// kept is a registry that remembers manifests over a restart; the one it wraps keeps only blobs on disk.
type kept struct {
	registry http.Handler
	dir      string
}

// remember returns the registry with the manifests of earlier runs put into it again.
func remember(registry http.Handler, dir string) (*kept, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	k := &kept{registry, dir}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { // images before the indexes that name them
		return strings.Compare(kind(a.Name()), kind(b.Name()))
	})
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		media, body, _ := bytes.Cut(data, []byte("\n"))
		r := httptest.NewRequest(http.MethodPut, strings.ReplaceAll(e.Name(), "!", "/"), bytes.NewReader(body))
		r.Header.Set("Content-Type", string(media))
		registry.ServeHTTP(httptest.NewRecorder(), r)
	}
	return k, nil
}

// kind sorts what is named by digest before what is named by tag.
func kind(name string) string {
	if strings.Contains(name, "!sha256:") {
		return "a" + name
	}
	return "b" + name
}

func (k *kept) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPut || !strings.Contains(r.URL.Path, "/manifests/") {
		k.registry.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	name := filepath.Join(k.dir, strings.ReplaceAll(r.URL.Path, "/", "!"))
	line := []byte(r.Header.Get("Content-Type") + "\n")
	if err := os.WriteFile(name, append(line, body...), 0o644); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	k.registry.ServeHTTP(w, r)
}
