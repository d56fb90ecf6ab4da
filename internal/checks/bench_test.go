package checks_test

import (
	"io/fs"
	"os"
	"testing"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
)

// benchmarkCorpus runs look on every Dockerfile of the corpus, one after the other, and reports the time for one file.
func benchmarkCorpus(b *testing.B, look func(repo fs.FS, path string) error) {
	corpus := os.DirFS("../../testdata/corpus")
	var paths []string
	err := fs.WalkDir(corpus, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && dockerfile.Named(path) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for _, path := range paths {
			if err := look(corpus, path); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(paths)), "µs/file")
}

// BenchmarkChecks is parsing and all checks.
func BenchmarkChecks(b *testing.B) {
	o := options(checks.All()...)
	o.Concurrency = 1
	benchmarkCorpus(b, func(repo fs.FS, path string) error {
		_, err := check.Run(b.Context(), repo, []string{path}, o)
		return err
	})
}

// BenchmarkExamine also verifies and proves every fix.
func BenchmarkExamine(b *testing.B) {
	o := options(checks.All()...)
	o.Concurrency = 1
	benchmarkCorpus(b, func(repo fs.FS, path string) error {
		_, err := check.Examine(b.Context(), repo, []string{path}, o)
		return err
	})
}
