package buildcontext_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lighterman/lighterman/internal/buildcontext"
)

// TestStatedByTheOwner lays what the owner stated over what is found, or puts it in its place.
func TestStatedByTheOwner(t *testing.T) {
	repo := repoOf("Dockerfile=FROM scratch\nCOPY a /\n", "a=", "web/b=", "web/.dockerignore=b\n",
		"compose.yml=services: {web: {build: {context: ., target: dev, args: {A: x, B: y}}}}\n")
	f := parse(t, "Dockerfile", repo)
	r := buildcontext.Open(repo)
	if got := r.FindStated(f, nil); len(got) != 1 || got[0].Target != "dev" {
		t.Errorf("without overrides: %+v", got)
	}
	got := r.FindStated(f, []buildcontext.Override{
		{Origin: "ours:1", Dir: "web", Platforms: []string{"linux/arm64"}},
		{Origin: "ours:2", Target: "prod", Args: map[string]string{"A": "z"}},
		{Origin: "ours:3", Dir: "nowhere"},
	})
	if len(got) != 3 {
		t.Fatalf("%d builds: %+v", len(got), got)
	}
	if b := got[0]; b.Dir != "web" || b.Ignore != "web/.dockerignore" || b.Target != "" || b.Platforms[0] != "linux/arm64" || !b.Stated {
		t.Errorf("a context of its own: %+v", b)
	}
	if diff := cmp.Diff(map[string]string{"A": "z", "B": "y"}, got[1].Args); diff != "" || got[1].Target != "prod" || got[1].Dir != "." {
		t.Errorf("laid over: %+v\n%s", got[1], diff)
	}
	if b := got[1]; b.Origin != "compose.yml, service web; ours:2" {
		t.Errorf("origin %q", b.Origin)
	}
	if got[2].Unknown == "" {
		t.Error("a context that is not there counts as known")
	}
}
