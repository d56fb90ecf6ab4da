package check_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
)

// runs reports every RUN with the fixes that offer makes for the n-th instruction.
func runs(offer func(p *check.Pass, n int) []fixes.Fix) *check.Check {
	return &check.Check{Name: "runs", Severity: check.Warning, Aliases: []string{"DL1"}, Run: func(p *check.Pass) error {
		for n, i := range p.File.Instructions {
			if i.Keyword == "RUN" {
				p.Report(i.Code(), "a RUN "+i.Text(), offer(p, n)...)
			}
		}
		return nil
	}}
}

func nothing(*check.Pass, int) []fixes.Fix { return nil }

func repo(files ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for n := 0; n < len(files); n += 2 {
		m[files[n]] = &fstest.MapFile{Data: []byte(files[n+1])}
	}
	return m
}

func found(result *check.Result) []string {
	var out []string
	for _, f := range result.Findings {
		out = append(out, fmt.Sprintf("%s:%d-%d %s", f.Path, f.Line, f.EndLine, f.Message))
	}
	for _, s := range result.Skipped {
		out = append(out, fmt.Sprintf("skip %s:%d %s", s.Path, s.Line, s.Reason))
	}
	return out
}

func TestOnePanicOneErrorOneBadFileAndTheRestGoesOn(t *testing.T) {
	bad := &check.Check{Name: "panics", Severity: check.Info, Run: func(*check.Pass) error { panic("boom") }}
	fails := &check.Check{Name: "fails", Severity: check.Info, Run: func(*check.Pass) error { return errors.New("no luck") }}
	files := repo("a/Dockerfile", "FROM x\nRUN b\nRUN c \\\n d\n", "b/Dockerfile", "FROM x\nNOPE\n", "c/Dockerfile.j2", "{{ x }}",
		"d/Dockerfile", "FROM {{ base }}\n")
	paths := []string{"a/Dockerfile", "b/Dockerfile", "c/Dockerfile.j2", "d/Dockerfile", "e/Dockerfile"}
	want := []string{
		"a/Dockerfile:2-2 a RUN b",
		"a/Dockerfile:3-4 a RUN c  d",
		"skip a/Dockerfile:0 check panics: panic: boom",
		"skip a/Dockerfile:0 check fails: no luck",
		"skip b/Dockerfile:2 unknown instruction: NOPE",
		"skip c/Dockerfile.j2:0 a template (.j2), not yet a Dockerfile",
		"skip d/Dockerfile:0 a template ({{ }}), not yet a Dockerfile",
		"skip e/Dockerfile:0 read e/Dockerfile: open e/Dockerfile: file does not exist",
	}
	for _, concurrency := range []int{1, 2, 16} {
		result, err := check.Run(t.Context(), files, paths,
			check.Options{Checks: []*check.Check{runs(nothing), bad, fails}, Concurrency: concurrency})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, found(result)); diff != "" {
			t.Errorf("concurrency %d:\n%s", concurrency, diff)
		}
		if result.Files != 1 {
			t.Errorf("%d files looked at, want 1", result.Files)
		}
	}
}

func TestIDsSurviveMovesAndTellTwinsApart(t *testing.T) {
	ids := func(src string) []string {
		result, err := check.Run(t.Context(), repo("Dockerfile", src), []string{"Dockerfile"}, check.Options{Checks: []*check.Check{runs(nothing)}})
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range result.Findings {
			out = append(out, f.ID)
		}
		return out
	}
	a := ids("FROM x\nRUN a && b\nRUN a && b\nRUN c\n")
	b := ids("# moved\n\nFROM x\nENV k=v\nRUN a && \\\n   b\n\nrun  a &&   b\nRUN c\n")
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("moving and re-wrapping changed an ID:\n%s", diff)
	}
	if len(a) != 3 || a[0] == a[1] || a[1] == a[2] {
		t.Errorf("IDs %v are not distinct", a)
	}
	if c := ids("FROM x\nRUN a && b2\n"); c[0] == a[0] {
		t.Error("other words, same ID")
	}
	if secret := ids("FROM x\nRUN login --password hunter2\n"); strings.Contains(secret[0], "hunter2") {
		t.Error("the ID repeats the words")
	}
}

func TestKinsSurviveRenames(t *testing.T) {
	found := func(name, src string) (ids, kins []string) {
		result, err := check.Run(t.Context(), repo(name, src), []string{name}, check.Options{Checks: []*check.Check{runs(nothing)}})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range result.Findings {
			ids, kins = append(ids, f.ID), append(kins, f.Kin)
		}
		return ids, kins
	}
	const src = "FROM x\nRUN a\nRUN a\nRUN b\n"
	ids, kins := found("Dockerfile", src)
	moved, same := found("web/Dockerfile", src)
	if diff := cmp.Diff(kins, same); diff != "" {
		t.Errorf("a rename changed a kin:\n%s", diff)
	}
	all := slices.Concat(ids, moved, kins)
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != 9 {
		t.Errorf("%d of %d names are distinct: %v", n, len(all), all)
	}
}

func TestDockerfilesAreFoundByName(t *testing.T) {
	files := repo("Dockerfile", "FROM x\n", "a/b/web.Dockerfile", "FROM x\n", "vendor/Dockerfile", "FROM x\n",
		"old/Dockerfile", "FROM x\n", "README.md", "FROM x\n", "z/Dockerfile", "FROM x\n")
	o := check.Options{Keeps: func(name string) bool { return name != "old/Dockerfile" }}
	paths, left, err := check.Dockerfiles(t.Context(), files, o, 2)
	if want := []string{"Dockerfile", "a/b/web.Dockerfile"}; err != nil || left != 1 || !slices.Equal(paths, want) {
		t.Errorf("%v, %d left, %v", paths, left, err)
	}
}

func TestIgnoreComments(t *testing.T) {
	for name, c := range map[string]struct {
		src  string
		want int
	}{
		"none":                   {"FROM x\nRUN a\nRUN b\n", 2},
		"ours, one":              {"FROM x\n# lighterman ignore=runs because of reasons\nRUN a\nRUN b\n", 1},
		"ours, another":          {"FROM x\n# lighterman ignore=other\nRUN a\nRUN b\n", 2},
		"ours, a list":           {"FROM x\n# lighterman ignore=other, runs\nRUN a\nRUN b\n", 1},
		"ours, global":           {"# lighterman global ignore=runs\nFROM x\nRUN a\nRUN b\n", 0},
		"inside a continuation":  {"FROM x\nRUN a \\\n # lighterman ignore=runs\n b\nRUN b\n", 1},
		"not directly above":     {"FROM x\n# lighterman ignore=runs\n\nRUN a\n", 0},
		"hadolint":               {"FROM x\n# hadolint ignore=DL9,DL1\nRUN a\nRUN b\n", 1},
		"hadolint, global":       {"# hadolint global ignore=dl1\nFROM x\nRUN a\n", 0},
		"buildkit, directive":    {"# check=skip=runs;error=true\nFROM x\nRUN a\n", 0},
		"buildkit, error first":  {"# check=error=true;skip=A,DL1\nFROM x\nRUN a\n", 0},
		"buildkit, all":          {"# check=skip=all\nFROM x\nRUN a\n", 0},
		"buildkit, instruction":  {"FROM x\n# check=skip=DL1\nRUN a\nRUN b\n", 1},
		"checkov":                {"FROM x\n#checkov:skip=DL1:because\nRUN a\n", 0},
		"trivy":                  {"#trivy:ignore:DL1\nFROM x\nRUN a\n", 0},
		"only looks like it":     {"FROM x\nRUN echo '# lighterman ignore=runs'\n", 1},
		"in a heredoc":           {"FROM x\nRUN <<E\n# lighterman ignore=runs\na\nE\n", 1},
		"crlf":                   {"FROM x\r\n# lighterman ignore=runs\r\nRUN a\r\n", 0},
		"a part of another name": {"FROM x\n# lighterman ignore=runs-more\nRUN a\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := check.Run(t.Context(), repo("Dockerfile", c.src), []string{"Dockerfile"}, check.Options{Checks: []*check.Check{runs(nothing)}})
			if err != nil {
				t.Fatal(err)
			}
			want := c.want
			if name == "not directly above" {
				want = 0 // a comment that stands on nothing speaks for the file
			}
			if len(result.Findings) != want || len(result.Skipped) > 0 {
				t.Errorf("%d findings, want %d: %v", len(result.Findings), want, found(result))
			}
		})
	}
}

// said is an intent for tests.
type said struct{}

func (said) Claim() fixes.Claim { return fixes.Claim{Class: fixes.Same, Words: "said"} }

// proves accepts what its function accepts, and counts.
type proves func(c check.Case) error

func (p proves) Prove(_ context.Context, c check.Case) error { return p(c) }

func always(check.Case) error { return nil }

func TestExamineDropsWhatDoesNotHold(t *testing.T) {
	edit := func(at, end int, text string) func(*check.Pass, int) []fixes.Fix {
		return func(p *check.Pass, _ int) []fixes.Fix {
			return []fixes.Fix{{Title: "t", Intent: said{}, Edits: []fixes.Edit{{Path: p.File.Path, Start: at, End: end, New: text}}}}
		}
	}
	for name, c := range map[string]struct {
		offer   func(*check.Pass, int) []fixes.Fix
		prover  check.Prover
		refused string
	}{
		"holds":              {edit(7, 12, "CMD a\n"), proves(always), ""},
		"no prover":          {edit(7, 12, "CMD a\n"), nil, "not proven here"},
		"refuted":            {edit(7, 12, "CMD a\n"), proves(func(check.Case) error { return errors.New("it differs") }), "it differs"},
		"does not parse":     {edit(7, 12, "COPY a"), proves(always), "line 2"},
		"changes nothing":    {edit(7, 10, "RUN"), proves(always), "changes nothing"},
		"still there":        {edit(11, 12, "b\n"), proves(always), "still be there"},
		"gives rise to more": {edit(7, 12, "RUN b\nRUN c"), proves(always), "still be there"},
		"outside the file":   {edit(70, 120, ""), proves(always), "outside"},
		"becomes a template": {edit(7, 12, "ENV a={{ x }}"), proves(always), "template"},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := check.Examine(t.Context(), repo("Dockerfile", "FROM x\nRUN a\n"), []string{"Dockerfile"},
				check.Options{Checks: []*check.Check{runs(c.offer)}, Prover: c.prover})
			if err != nil || len(result.Findings) != 1 {
				t.Fatal(found(result), err)
			}
			f := result.Findings[0]
			if ok := len(f.Fixes) == 1; ok != (c.refused == "") || !strings.Contains(f.Refused, c.refused) {
				t.Errorf("%d fixes, refused %q, want %q", len(f.Fixes), f.Refused, c.refused)
			}
		})
	}
}

// TestCombineIsAChainOfProvenSteps holds that each fix is proven on top of those before it, not against the original.
func TestCombineIsAChainOfProvenSteps(t *testing.T) {
	var steps []string
	prover := proves(func(c check.Case) error {
		steps = append(steps, string(c.Before)+" -> "+string(c.After))
		if strings.Contains(string(c.Before), "# second") {
			return errors.New("not on top of the first")
		}
		return nil
	})
	c := &check.Check{Name: "runs", Severity: check.Info, Run: func(p *check.Pass) error {
		for n, i := range p.File.Instructions {
			if i.Keyword == "RUN" {
				mark := []string{"", "# first", "# second", "# third"}[n]
				p.Report(i.Code(), "a RUN", fixes.Fix{Title: mark, Intent: said{}, Edits: []fixes.Edit{
					{Path: p.File.Path, Start: i.Span.Start, End: i.Span.End, New: mark + "\n"}}})
			}
		}
		return nil
	}}
	files, o := repo("Dockerfile", "FROM x\nRUN a\nRUN b\nRUN c\n"), check.Options{Checks: []*check.Check{c}, Prover: prover, Concurrency: 1}
	result, err := check.Examine(t.Context(), files, []string{"Dockerfile"}, o)
	if err != nil {
		t.Fatal(err)
	}
	steps = nil
	combined, err := check.Combine(t.Context(), files, "Dockerfile", result.Findings, o)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"FROM x\nRUN a\nRUN b\nRUN c\n -> FROM x\n# first\nRUN b\nRUN c\n",
		"FROM x\n# first\nRUN b\nRUN c\n -> FROM x\n# first\n# second\nRUN c\n",
		"FROM x\n# first\n# second\nRUN c\n -> FROM x\n# first\n# second\n# third\n",
	}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Error(diff)
	}
	if len(combined.Taken) != 2 || combined.Left[2] != "not on top of the first" || string(combined.Text) != "FROM x\n# first\n# second\nRUN c\n" {
		t.Errorf("taken %v, left %v, text %q", combined.Taken, combined.Left, combined.Text)
	}
}

func TestOptionsIgnored(t *testing.T) {
	result, err := check.Run(t.Context(), repo("Dockerfile", "FROM x\nRUN a\n"), []string{"Dockerfile"},
		check.Options{Checks: []*check.Check{runs(nothing)}, Ignored: []string{"dl1"}})
	if err != nil || len(result.Findings) != 0 {
		t.Fatal(found(result), err)
	}
}

func TestRunStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := check.Run(ctx, repo("Dockerfile", "FROM x\n"), []string{"Dockerfile"}, check.Options{Checks: []*check.Check{runs(nothing)}}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}
