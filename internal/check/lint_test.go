package check_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/image"
)

// A linter says something about every line, and counts how often it is asked.
type linter struct {
	asked atomic.Int32
	last  check.LintCase
	err   error
}

func (l *linter) Lint(_ context.Context, c check.LintCase) ([]check.Remark, error) {
	l.asked.Add(1)
	l.last = c
	if l.err != nil {
		return nil, l.err
	}
	var out []check.Remark
	for n := range c.File.Lines() {
		out = append(out, check.Remark{Rule: "Rule", Detail: fmt.Sprint("line ", n+1), Line: n + 1})
	}
	return out, nil
}

// repeats is a check that reports every remark.
func repeats(name string) *check.Check {
	return &check.Check{Name: name, Severity: check.Info, Run: func(p *check.Pass) error {
		for _, r := range p.Lint() {
			p.Advise(p.File.LineSpan(r.Line), r.Rule+" "+r.Detail, "none")
		}
		return nil
	}}
}

func TestLintOncePerFile(t *testing.T) {
	l := &linter{}
	o := check.Options{Checks: []*check.Check{repeats("a"), repeats("b"), repeats("c")}, Linter: l}
	files := repo("Dockerfile", "FROM x\nRUN a\n", "b/Dockerfile", "FROM x\n")
	result, err := check.Run(t.Context(), files, []string{"Dockerfile", "b/Dockerfile"}, o)
	if err != nil || l.asked.Load() != 2 || len(result.Findings) != 9 {
		t.Errorf("asked %d times, %d findings: %v", l.asked.Load(), len(result.Findings), err)
	}
	o.Linter = nil
	result, err = check.Run(t.Context(), files, []string{"Dockerfile"}, o)
	if err != nil || len(result.Findings) != 0 {
		t.Errorf("without a linter: %v %v", result.Findings, err)
	}
}

func TestLintOnlyWhenAsked(t *testing.T) {
	l := &linter{}
	quiet := &check.Check{Name: "quiet", Severity: check.Info, Run: func(*check.Pass) error { return nil }}
	o := check.Options{Checks: []*check.Check{quiet}, Linter: l}
	if _, err := check.Run(t.Context(), repo("Dockerfile", "FROM x\n"), []string{"Dockerfile"}, o); err != nil {
		t.Fatal(err)
	}
	if n := l.asked.Load(); n != 0 {
		t.Errorf("asked %d times", n)
	}
}

// TestLintThatFails holds that a linter that cannot look costs the file one line, however many checks ask, and that its
// panic is contained.
func TestLintThatFails(t *testing.T) {
	l := &linter{err: errors.New("it is too large")}
	o := check.Options{Checks: []*check.Check{repeats("a"), repeats("b")}, Linter: l}
	result, err := check.Run(t.Context(), repo("Dockerfile", "FROM x\n"), []string{"Dockerfile"}, o)
	if err != nil || len(result.Skipped) != 1 || result.Skipped[0].Reason != "BuildKit's own checks: it is too large" {
		t.Errorf("skipped %v: %v", result.Skipped, err)
	}
	o.Linter = panicking{}
	result, err = check.Run(t.Context(), repo("Dockerfile", "FROM x\n"), []string{"Dockerfile"}, o)
	if err != nil || len(result.Skipped) != 1 || !strings.Contains(result.Skipped[0].Reason, "panic: ouch") {
		t.Errorf("skipped %v: %v", result.Skipped, err)
	}
}

type panicking struct{}

func (panicking) Lint(context.Context, check.LintCase) ([]check.Remark, error) { panic("ouch") }

// TestLintCase holds what a linter is told: the ignore files of the builds, and what is known of the base images.
func TestLintCase(t *testing.T) {
	l := &linter{}
	files := repo("Dockerfile", "FROM debian:12 AS a\nFROM a\nFROM other\nCOPY x /\n", ".dockerignore", "y\n", "x", "")
	o := check.Options{Checks: []*check.Check{repeats("a")}, Linter: l, Images: image.Bundled()}
	if _, err := check.Run(t.Context(), files, []string{"Dockerfile"}, o); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(l.last.Ignores, []string{"y\n"}) {
		t.Errorf("ignore files %q", l.last.Ignores)
	}
	base, ok := l.last.Bases["debian:12"]
	known := ok && base.Workdir == "/" && base.Shell == "dash" && slices.Equal(base.Env, []string{"PATH"})
	if !known || len(l.last.Bases) != 1 {
		t.Errorf("bases %+v", l.last.Bases)
	}
}

// TestAskedByTheFile holds that a check which runs only when asked for is run when the file asks for it.
func TestAskedByTheFile(t *testing.T) {
	c := &check.Check{Name: "SomeRule", Severity: check.Info, OptIn: true, Run: func(p *check.Pass) error {
		p.Advise(dockerfile.Span{}, "found", "none")
		return nil
	}}
	for head, want := range map[string]int{
		"":                                       0,
		"# check=experimental=SomeRule\n":        1,
		"# check=skip=x;experimental=a,SomeRule": 1,
		"# check=experimental=other\n":           0,
		"#\n# check=experimental=SomeRule\n":     0,
	} {
		files := repo("Dockerfile", strings.TrimSuffix(head, "\n")+"\nFROM x\n")
		result, err := check.Run(t.Context(), files, []string{"Dockerfile"}, check.Options{Checks: []*check.Check{c}})
		if err != nil || len(result.Findings) != want {
			t.Errorf("%q: %d findings, want %d (%v)", head, len(result.Findings), want, err)
		}
		off := check.Options{Checks: []*check.Check{c}, Ignored: []string{"SomeRule"}}
		result, err = check.Run(t.Context(), files, []string{"Dockerfile"}, off)
		if err != nil || len(result.Findings) != 0 {
			t.Errorf("%q: ignored and found (%v)", head, err)
		}
	}
}
