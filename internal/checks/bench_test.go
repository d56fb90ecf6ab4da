package checks_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
	"github.com/lighterman/lighterman/internal/prove"
)

// benchmarkCorpus runs look on every project of the corpus, each a repository with a few Dockerfiles, one after the other,
// and reports the time for one Dockerfile: on the clock, and of the processor, the prover's children included. Each round has a prover of its own, which remembers nothing of the last.
func benchmarkCorpus(b *testing.B, look func(repo fs.FS, paths []string, o check.Options) error) {
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
	busy := processor(b)
	for b.Loop() {
		pool := prove.NewPool(prove.Options{})
		o := options(checks.All()...)
		o.Concurrency, o.Prover, o.Linter = 1, pool, pool
		for dir, paths := range projects {
			repo, err := fs.Sub(corpus, filepath.ToSlash(filepath.Clean(dir)))
			if err != nil {
				b.Fatal(err)
			}
			if err := look(repo, paths, o); err != nil {
				b.Fatal(err)
			}
		}
		pool.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/file")
	b.ReportMetric(float64((processor(b)-busy).Microseconds())/float64(b.N*n), "cpu-µs/file")
}

// processor is the time that the processor has spent on this process and on the children that ended.
func processor(b *testing.B) time.Duration {
	var total int64
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var used syscall.Rusage
		if err := syscall.Getrusage(who, &used); err != nil {
			b.Fatal(err)
		}
		total += used.Utime.Nano() + used.Stime.Nano()
	}
	return time.Duration(total)
}

// BenchmarkChecks is parsing and all checks.
func BenchmarkChecks(b *testing.B) {
	benchmarkCorpus(b, func(repo fs.FS, paths []string, o check.Options) error {
		_, err := check.Run(b.Context(), repo, paths, o)
		return err
	})
}

// BenchmarkExamine also verifies and proves every fix.
func BenchmarkExamine(b *testing.B) {
	benchmarkCorpus(b, func(repo fs.FS, paths []string, o check.Options) error {
		_, err := check.Examine(b.Context(), repo, paths, o)
		return err
	})
}
