package sweep

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
	"github.com/lighterman/lighterman/internal/image"
	"github.com/lighterman/lighterman/internal/prove"
)

func TestMain(m *testing.M) {
	prove.MaybeChild()
	os.Exit(m.Run())
}

func TestTopics(t *testing.T) {
	for _, tt := range []struct {
		families []check.Family
		want     string
	}{
		{nil, "caching smaller-image multi-stage non-root pinning context hygiene"},
		{[]check.Family{check.Hygiene, check.Caching}, "caching hygiene"},
		{[]check.Family{check.SmallerImage}, "smaller-image multi-stage"},
	} {
		var names []string
		for _, topic := range Topics(tt.families) {
			names = append(names, topic.Name)
		}
		if got := strings.Join(names, " "); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.families, got, tt.want)
		}
	}
}

// engine is the whole catalogue with its proofs, on a fixed day.
func engine(t *testing.T) check.Options {
	pool := prove.NewPool(prove.Options{})
	t.Cleanup(func() { _ = pool.Close() })
	return check.Options{
		Checks: checks.All(), Images: image.Bundled(), Prover: pool, Linter: pool,
		Today: time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC),
	}
}

// TestMergedBundlesLeaveNothingToFix merges each bundle alone: a repository then has none of the findings that it fixed,
// no new one, and the next sweep offers nothing for the topic.
func TestMergedBundlesLeaveNothingToFix(t *testing.T) {
	o, bundles := engine(t), 0
	for _, name := range []string{"repo-go-work", "repo-make", "repo-bake", "repo-compose", "repo-skaffold", "repo-scripts"} {
		root := filepath.Join("../../testdata/corpus", name)
		repo := check.Open(os.DirFS(root))
		paths := dockerfiles(t, repo)
		s := look(t, repo, paths, o)
		for _, b := range s.Bundles {
			bundles++
			after := map[string][]byte{}
			for _, f := range b.Files {
				if f.Before == nil == slices.Contains(paths, f.Path) {
					t.Errorf("%s: %s: the text before of %s is %q", name, b.Topic.Name, f.Path, f.Before)
				}
				after[f.Path] = f.Text
			}
			now := look(t, check.Overlay(repo, after), paths, o)
			fixed := map[string]bool{}
			for _, f := range b.Applied {
				fixed[f.ID] = true
				if f.Check.Family != b.Topic.Family || f.Fixes[0].Whole != b.Topic.Whole {
					t.Errorf("%s: %s is in %s", name, f.ID, b.Topic.Name)
				}
			}
			for _, f := range now.Result.Findings {
				if fixed[f.ID] {
					t.Errorf("%s: %s is still there after %s", name, f.ID, b.Topic.Name)
				}
			}
			if n := len(s.Result.Findings) - len(now.Result.Findings); n < 1 {
				t.Errorf("%s: %s: %d findings less", name, b.Topic.Name, n)
			}
			if slices.ContainsFunc(now.Bundles, func(again Bundle) bool { return again.Topic == b.Topic }) {
				t.Errorf("%s: there is more to fix after %s", name, b.Topic.Name)
			}
		}
	}
	if bundles < 10 {
		t.Errorf("only %d bundles were merged", bundles)
	}
}

func look(t *testing.T, repo fs.FS, paths []string, o check.Options) *Survey {
	t.Helper()
	s, err := Look(context.Background(), repo, paths, Topics(nil), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func dockerfiles(t *testing.T, repo fs.FS) (paths []string) {
	t.Helper()
	err := fs.WalkDir(repo, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && check.Subject(name) {
			paths = append(paths, name)
		}
		return err
	})
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d Dockerfiles, %v", len(paths), err)
	}
	return paths
}
