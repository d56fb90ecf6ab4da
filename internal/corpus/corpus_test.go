package corpus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
	"github.com/lighterman/lighterman/internal/corpus"
	"github.com/lighterman/lighterman/internal/image"
	"github.com/lighterman/lighterman/internal/prove"
)

func TestMain(m *testing.M) {
	prove.MaybeChild()
	os.Exit(m.Run())
}

// TestOwnCorpus holds that on testdata/corpus every promise holds.
func TestOwnCorpus(t *testing.T) {
	pool := prove.NewPool(prove.Options{})
	defer pool.Close()
	o := check.Options{Checks: checks.All(), Images: image.Bundled(), Prover: pool}
	var lines bytes.Buffer
	totals, err := corpus.Run{
		Dir: "../../testdata/corpus", Lines: &lines,
		Options: func(fs.FS) (check.Options, error) { return o, nil },
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if totals.Offered == 0 || totals.Applied < totals.Offered/2 {
		t.Errorf("%d fixes offered, %d made: the corpus shows nothing", totals.Offered, totals.Applied)
	}
	if totals.Files < 300 {
		t.Errorf("%d Dockerfiles, want at least 300", totals.Files)
	}
	n := 0
	for line := range strings.Lines(lines.String()) {
		var f corpus.File
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		n++
		for _, text := range append(f.Broken, f.Crashes...) {
			t.Errorf("%s/%s: %s", f.Repository, f.Path, text)
		}
	}
	if n != totals.Files {
		t.Errorf("%d lines for %d files", n, totals.Files)
	}
	var text bytes.Buffer
	totals.Print(&text, true)
	if !strings.Contains(text.String(), "broken promises           0\n") {
		t.Errorf("the totals are\n%s", text.String())
	}
}

// nothing is an intent that its prover believes.
type nothing struct{}

func (nothing) Claim() fixes.Claim { return fixes.Claim{Class: fixes.Same} }

type believes struct{ calls int }

// TestBrokenPromisesAreCounted holds the harness itself: a prover that changes its mind and a check that panics are found.
func TestBrokenPromisesAreCounted(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"one/Dockerfile": "FROM a\nRUN x\n", "two/Dockerfile": "nothing\n", "three/Dockerfile.j2": "FROM {{ x }}\n",
	} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	runs := &check.Check{Name: "runs", Severity: check.Info, Run: func(p *check.Pass) error {
		for _, i := range p.File.Instructions {
			if i.Keyword == "RUN" {
				p.Report(i.Code(), "a RUN", fixes.Fix{Title: "Drop it", Intent: nothing{}, Edits: []fixes.Edit{
					{Path: p.File.Path, Start: i.Span.Start, End: i.Span.End, New: "CMD a\n"}}})
			}
		}
		return nil
	}}
	panics := &check.Check{Name: "panics", Severity: check.Info, Run: func(*check.Pass) error { panic("no") }}
	o := check.Options{Checks: []*check.Check{runs, panics}, Prover: &believes{}}
	totals, err := corpus.Run{Dir: dir, Options: func(fs.FS) (check.Options, error) { return o, nil }}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if totals.Files != 3 || totals.Unread != 1 || totals.Templates != 1 || totals.Crashes != 1 || totals.Failed != 1 {
		t.Errorf("%+v", totals)
	}
	o.Checks = o.Checks[:1]
	totals, err = corpus.Run{Dir: dir, Options: func(fs.FS) (check.Options, error) { return o, nil }}.Run(t.Context())
	if err != nil || totals.Offered != 1 || totals.Broken == 0 {
		t.Errorf("%+v %v", totals, err)
	}
}

// Prove implements check.Prover: every second answer is no.
func (b *believes) Prove(context.Context, check.Case) error {
	if b.calls++; b.calls%2 == 0 {
		return errors.New("another answer than before")
	}
	return nil
}
