package prove

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// everyRule gives rise to all of BuildKit's checks at once. The comments that switch them off do not matter here.
const everyRule = `# check=skip=all;error=true
ARG tag
ARG EMPTY
FROM --platform=linux/amd64 debian:12 as Base
run echo a \

  b
MAINTAINER somebody
WORKDIR sub
ENV key value
ENV TOKEN=secret
ENV x=$undefined
EXPOSE 80/TCP
EXPOSE 127.0.0.1:80:8080
COPY hidden /x
CMD a
CMD b
# says nothing of it
FROM --platform=$TARGETPLATFORM debian:12 AS base
FROM arm64v8/debian AS scratch
FROM debian$TAG
FROM $EMPTY
`

func lintOf(t *testing.T, p *Pool, text string, c check.LintCase) []string {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c.File = f
	remarks, err := p.Lint(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range remarks {
		out = append(out, fmt.Sprintf("%d %s", r.Line, r.Rule))
	}
	return out
}

func TestLint(t *testing.T) {
	c := check.LintCase{Ignores: []string{"hidden\n"}, Bases: map[string]check.Base{
		"debian:12": {Env: []string{"PATH"}}, "arm64v8/debian": {Platforms: []string{"linux/arm64"}},
	}}
	got := lintOf(t, newPool(t, Options{}), everyRule, c)
	for _, l := range got {
		t.Log(l)
	}
	var rules []string
	for _, line := range got {
		rules = append(rules, strings.Fields(line)[1])
	}
	slices.Sort(rules)
	if n := len(slices.Compact(rules)); n != 22 {
		t.Errorf("%d rules, want all 22", n)
	}
}

func TestLintIgnores(t *testing.T) {
	const text = "FROM scratch\nCOPY a b /\n"
	p := newPool(t, Options{Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	for _, c := range []struct {
		ignores []string
		want    []string
	}{
		{nil, nil},
		{[]string{""}, nil},
		{[]string{"a\n"}, []string{"2 CopyIgnoredFile"}},
		{[]string{"a\n", ""}, nil},
		{[]string{"a\n", "b\n"}, nil},
		{[]string{"a\n", "a\nb\n"}, []string{"2 CopyIgnoredFile"}},
		{[]string{"*\n!b\n"}, nil}, // BuildKit says nothing once there are exceptions
		{[]string{"[\n"}, nil},
	} {
		if diff := cmp.Diff(c.want, lintOf(t, p, text, check.LintCase{Ignores: c.ignores})); diff != "" {
			t.Errorf("%q:\n%s", c.ignores, diff)
		}
	}
}

// TestLintAsksNoHost holds that a source for which BuildKit would ask a host does not keep the linter from the rest.
func TestLintAsksNoHost(t *testing.T) {
	const text = "FROM a@sha256:" + zeros + "\nADD git@example.com:a/b.git /b\nADD ssh://example.com/a.git /c\nMAINTAINER m\n"
	got := lintOf(t, newPool(t, Options{}), text, check.LintCase{})
	if diff := cmp.Diff([]string{"4 MaintainerDeprecated"}, got); diff != "" {
		t.Error(diff)
	}
}

const zeros = "0000000000000000000000000000000000000000000000000000000000000000"
