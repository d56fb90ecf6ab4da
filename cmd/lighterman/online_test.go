package main

import (
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// TestOnline fixes a Dockerfile by what a registry says, when it may be asked.
func TestOnline(t *testing.T) {
	t.Parallel()
	hub := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer hub.Close()
	host := strings.TrimPrefix(hub.URL, "http://")
	tag, err := name.NewTag(host + "/base:1.2")
	must(t, err)
	img, err := random.Image(100, 1)
	must(t, err)
	must(t, remote.Write(tag, img))
	digest, err := img.Digest()
	must(t, err)

	dir := t.TempDir()
	file := filepath.Join(dir, "Dockerfile")
	text := "FROM " + host + "/base:1.2\nUSER 1000\n"
	must(t, os.WriteFile(file, []byte(text), 0o644))
	run := func(args ...string) string {
		root := rootCommand()
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetErr(&out)
		root.SetArgs(append(args, "--check", "unpinned-base", dir))
		if err := root.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if got := run("review"); strings.Contains(got, "unpinned-base") {
		t.Errorf("without --online: %s", got)
	}
	cache := "--registry-cache=" + t.TempDir()
	if got := run("review", "--online", cache, "-v"); !strings.Contains(got, "inside the operator's network") {
		t.Errorf("a registry that is not named: %s", got)
	}
	run("fix", "--online", cache, "--registry-host", host)
	fixed, err := os.ReadFile(file)
	must(t, err)
	if want := strings.Replace(text, ":1.2", ":1.2@"+digest.String(), 1); string(fixed) != want {
		t.Errorf("fixed:\n%s\nwant:\n%s", fixed, want)
	}
}
