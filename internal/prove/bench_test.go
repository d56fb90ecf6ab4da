package prove

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// BenchmarkProve proves one fix of each kind, and one in a file of twelve stages and 290 instructions.
func BenchmarkProve(b *testing.B) {
	pool := newPool(b, Options{})
	seen := map[string]bool{}
	for _, e := range examples(b) {
		kind := strings.TrimPrefix(fmt.Sprintf("%T", e.c.Intent), "fixes.")
		if e.err != "" || seen[kind] {
			continue
		}
		seen[kind] = true
		b.Run(kind, func(b *testing.B) { proveAll(b, pool, e.c) })
	}
	b.Run("large", func(b *testing.B) { proveAll(b, pool, large()) })
}

func proveAll(b *testing.B, pool *Pool, c check.Case) {
	b.ReportAllocs()
	for b.Loop() {
		if err := pool.Prove(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}

// large is a fix at the end of a large file.
func large() check.Case {
	var text strings.Builder
	for k := range 12 {
		fmt.Fprintf(&text, "FROM debian:12 AS s%d\nARG V%d=1\nENV A%d=b PATH=/x:$PATH\nWORKDIR /w%d\n", k, k, k, k)
		for n := range 20 {
			fmt.Fprintf(&text, "RUN make step-%d-%d\n", k, n)
		}
		if k > 0 {
			fmt.Fprintf(&text, "COPY --from=s%d /w%d /from\n", k-1, k-1)
		}
	}
	return check.Case{
		Path: "Dockerfile", Intent: fixes.RunsAs{User: "node"},
		Before: []byte(text.String() + "CMD [\"x\"]\n"), After: []byte(text.String() + "USER node\nCMD [\"x\"]\n"),
	}
}

// BenchmarkFloor is BuildKit's own lint of the corpus, in this process and with nothing of ours: what a look at a file
// costs at least. What other benchmarks say on a busy machine is to be held against it.
func BenchmarkFloor(b *testing.B) {
	var sources [][]byte
	err := filepath.WalkDir("../../testdata/corpus", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !dockerfile.Named(filepath.ToSlash(name)) {
			return err
		}
		src, err := os.ReadFile(name)
		sources = append(sources, src)
		return err
	})
	if err != nil || len(sources) == 0 {
		b.Fatal(err)
	}
	for b.Loop() {
		for _, src := range sources {
			lintFile(b.Context(), lintRequest{Source: offline(string(src))})
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(sources)), "µs/file")
}
