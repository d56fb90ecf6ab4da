package check_test

import (
	"testing"

	"github.com/lighterman/lighterman/internal/check"
)

func TestSubject(t *testing.T) {
	for name, want := range map[string]bool{
		"Dockerfile": true, "web/Dockerfile": true, "prod.Dockerfile": true, "Dockerfile.dev": true, "a/Containerfile": true,
		"dockerfile": true, "Dockerfile-arm64": true, "build/Dockerfile.j2": true,
		"vendor/x/Dockerfile": false, "a/node_modules/b/Dockerfile": false, "pkg/testdata/Dockerfile": false,
		"Dockerfile.dockerignore": false, "Dockerfile.md": false, "dockerfile.go": false, "notadockerfile": false, "README": false,
	} {
		if got := check.Subject(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
