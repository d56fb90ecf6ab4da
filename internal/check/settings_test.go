package check_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/check"
)

func TestSeverities(t *testing.T) {
	c := runs(nothing)
	o := check.Options{Checks: []*check.Check{c}, Severities: map[string]check.Severity{"runs": check.Error}}
	result, err := check.Run(t.Context(), repo("Dockerfile", "FROM x\nRUN a\n"), []string{"Dockerfile"}, o)
	if err != nil || len(result.Findings) != 1 {
		t.Fatal(found(result), err)
	}
	if got := result.Findings[0].Check; got.Severity != check.Error || got.Name != "runs" || c.Severity != check.Warning {
		t.Errorf("the finding counts as %s, the check as %s", got.Severity, c.Severity)
	}
}

// TestAudit lists what was suppressed and by what, and which of our ignore comments do nothing.
func TestAudit(t *testing.T) {
	other := &check.Check{Name: "copies", Severity: check.Info, Run: func(p *check.Pass) error {
		for _, i := range p.File.Instructions {
			if i.Keyword == "COPY" {
				p.Report(i.Code(), "a COPY")
			}
		}
		return nil
	}}
	asked := &check.Check{Name: "asked", Severity: check.Info, OptIn: true, Run: func(p *check.Pass) error { return nil }}
	breaks := &check.Check{Name: "breaks", Severity: check.Info, Run: func(p *check.Pass) error { panic("no") }}
	src := `# lighterman global ignore=typo
FROM x
# lighterman ignore=runs because
RUN a
# lighterman ignore=copies
RUN b
# hadolint ignore=DL1,DL3008
COPY c /
# lighterman ignore=asked,breaks
COPY d /
# lighterman ignore=runs,all
CMD e
`
	o := check.Options{Checks: []*check.Check{runs(nothing), other, asked, breaks}, Ignored: []string{"copies"}, Audit: true}
	result, err := check.Run(t.Context(), repo("Dockerfile", src), []string{"Dockerfile"}, o)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range result.Findings {
		got = append(got, fmt.Sprintf("told %d %s", f.Line, f.Check.Name))
	}
	for _, s := range result.Suppressed {
		got = append(got, fmt.Sprintf("suppressed %d %s %v", s.Line, s.Check.Name, s.Inline))
	}
	for _, u := range result.Unused {
		got = append(got, fmt.Sprintf("unused %d %s %v", u.Line, u.Name, u.Unknown))
	}
	want := []string{
		"told 6 runs",
		"suppressed 4 runs true", "suppressed 8 copies false", "suppressed 10 copies false",
		"unused 1 typo true", "unused 5 copies false", "unused 11 runs false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	o.Audit = false
	if result, err = check.Run(t.Context(), repo("Dockerfile", src), []string{"Dockerfile"}, o); err != nil ||
		len(result.Suppressed)+len(result.Unused) > 0 || len(result.Findings) != 1 {
		t.Errorf("without an audit: %+v, %v", result, err)
	}
}

// TestBuilder refuses a fix whose syntax the builder may not take, unless the file uses it already.
func TestBuilder(t *testing.T) {
	for _, c := range []struct {
		builder       check.Builder
		before, after string
		refused       string
	}{
		{check.BuildKit, "RUN a", "COPY --link --chmod=1 a b", ""},
		{check.Kaniko, "RUN a", "CMD a", ""},
		{check.Kaniko, "RUN a", "COPY --chmod=644 a b", "the builder is kaniko, which may not take --chmod"},
		{check.Kaniko, "RUN a\nADD --chmod=1 a b", "COPY --chmod=644 a b\nADD --chmod=1 a b", ""},
		{check.Kaniko, "RUN a", "COPY <<E /x\nE", "which may not take a heredoc"},
		{check.Buildah, "RUN a", "COPY --chmod=644 a b", ""},
		{check.Buildah, "RUN a", "COPY --link a b", "the builder is buildah, which may not take --link"},
		{check.OfficialImages, "RUN a\nRUN b", "RUN --mount=type=cache,target=/x b", "which may not take RUN --mount"},
		{check.OfficialImages, "RUN a", "COPY --chown=1 a b", ""},
	} {
		before := "FROM x\n" + c.before + "\n"
		offer := func(p *check.Pass, n int) []fixes.Fix {
			if n != 1 {
				return nil
			}
			return []fixes.Fix{{Title: "t", Intent: said{}, Edits: []fixes.Edit{
				{Path: p.File.Path, Start: len("FROM x\n"), End: len(p.File.Src), New: c.after + "\n"}}}}
		}
		result, err := check.Examine(t.Context(), repo("Dockerfile", before), []string{"Dockerfile"},
			check.Options{Checks: []*check.Check{runs(offer)}, Prover: proves(always), Builder: c.builder})
		if err != nil {
			t.Fatal(err)
		}
		f := result.Findings[0]
		if (len(f.Fixes) == 1) != (c.refused == "") || !strings.Contains(f.Refused, c.refused) {
			t.Errorf("%s, %q to %q: %d fixes, refused %q, want %q", c.builder, c.before, c.after, len(f.Fixes), f.Refused, c.refused)
		}
	}
}

// TestStated gives the checks the builds that the owner stated.
func TestStated(t *testing.T) {
	var origins []string
	sees := &check.Check{Name: "sees", Severity: check.Info, Run: func(p *check.Pass) error {
		for _, b := range p.Builds {
			origins = append(origins, b.Origin+" "+b.Dir)
		}
		return nil
	}}
	o := check.Options{Checks: []*check.Check{sees}, Stated: func(path string) []buildcontext.Override {
		return []buildcontext.Override{{Origin: "ours", Dir: path[:3]}}
	}}
	if _, err := check.Run(t.Context(), repo("web/Dockerfile", "FROM x\n"), []string{"web/Dockerfile"}, o); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ours web"}, origins); diff != "" {
		t.Error(diff)
	}
}

func TestSubjectsOfOptions(t *testing.T) {
	o := check.Options{Keeps: func(path string) bool { return path != "old/Dockerfile" }}
	if !o.Subject("Dockerfile") || o.Subject("old/Dockerfile") || o.Subject("readme") || !(check.Options{}).Subject("old/Dockerfile") {
		t.Error("the wrong files are looked at")
	}
}
