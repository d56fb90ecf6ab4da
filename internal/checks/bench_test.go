package checks_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
)

// benchmarkCorpus runs look on every project of the corpus, each a repository with a few Dockerfiles, one after the other,
// and reports the time for one Dockerfile.
func benchmarkCorpus(b *testing.B, look func(repo fs.FS, paths []string) error) {
	corpus := os.DirFS("../../testdata/corpus")
	projects, n := map[string][]string{}, 0
	err := fs.WalkDir(corpus, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && dockerfile.Named(path) {
			group, rest, _ := strings.Cut(path, "/")
			project, file, _ := strings.Cut(rest, "/")
			if file == "" {
				project, file = ".", rest
			}
			dir := group + "/" + project
			projects[dir], n = append(projects[dir], file), n+1
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for dir, paths := range projects {
			repo, err := fs.Sub(corpus, filepath.ToSlash(filepath.Clean(dir)))
			if err != nil {
				b.Fatal(err)
			}
			if err := look(repo, paths); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/file")
}

// BenchmarkChecks is parsing and all checks.
func BenchmarkChecks(b *testing.B) {
	o := options(checks.All()...)
	o.Concurrency = 1
	benchmarkCorpus(b, func(repo fs.FS, paths []string) error {
		_, err := check.Run(b.Context(), repo, paths, o)
		return err
	})
}

// BenchmarkExamine also verifies and proves every fix.
func BenchmarkExamine(b *testing.B) {
	o := options(checks.All()...)
	o.Concurrency = 1
	benchmarkCorpus(b, func(repo fs.FS, paths []string) error {
		_, err := check.Examine(b.Context(), repo, paths, o)
		return err
	})
}
