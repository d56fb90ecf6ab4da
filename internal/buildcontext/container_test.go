package buildcontext

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// TestContainer reads what compose files say about the container: an override's lists add to the base file's.
func TestContainer(t *testing.T) {
	repo := fstest.MapFS{
		"Dockerfile": {Data: []byte("FROM scratch\n")},
		"compose.yml": {Data: []byte(`services:
  web:
    build: .
    user: "1000:1000"
    command: ["serve"]
    volumes:
      - ./data:/data:ro
      - /var/cache
      - type: tmpfs
        target: /tmp
      - type: bind
        source: .
        target: /src
    secrets: [db, {source: key, target: /key}, {source: token}]
    ports: ["8080:80", "127.0.0.1:9000:9000/udp", {target: 443}]
`)},
		"compose.override.yml": {Data: []byte("services:\n  web:\n    build: .\n    volumes: [logs:/logs]\n")},
	}
	f, err := dockerfile.Parse("Dockerfile", repo["Dockerfile"].Data)
	if err != nil {
		t.Fatal(err)
	}
	builds := Find(repo, f)
	if len(builds) != 2 {
		t.Fatalf("%d builds, want 2: the container differs", len(builds))
	}
	base := []string{"/data", "/var/cache", "/src", "/run/secrets/db", "/key", "/run/secrets/token"}
	for n, want := range [][]string{base, append(slices.Clone(base), "/logs")} {
		b := builds[n]
		if !b.Command || b.User != "1000:1000" || !slices.Equal(b.Mounts, want) || !slices.Equal(b.Ports, []string{"80", "9000", "443"}) {
			t.Errorf("%s: user %q, mounts %q, ports %q", b.Origin, b.User, b.Mounts, b.Ports)
		}
	}
}
