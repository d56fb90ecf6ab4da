package corpus_test

import (
	"io/fs"
	"os"
	"testing"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
	"github.com/lighterman/lighterman/internal/corpus"
	"github.com/lighterman/lighterman/internal/image"
	"github.com/lighterman/lighterman/internal/prove"
)

func TestProf(t *testing.T) {
	dir := os.Getenv("PROF_DIR")
	if dir == "" {
		t.Skip()
	}
	pool := prove.NewPool(prove.Options{})
	defer pool.Close()
	o := check.Options{Checks: checks.All(), Images: image.Bundled(), Prover: pool, Linter: pool}
	totals, err := corpus.Run{Dir: dir, Options: func(fs.FS) (check.Options, error) { return o, nil }}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	totals.Print(os.Stdout, false)
}
