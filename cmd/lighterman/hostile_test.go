package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/review"
)

// hostile are Dockerfiles that were made to break their reader, and what is said of them: a part of the reason why a
// file was not looked at, or "" when it was.
var hostile = map[string]struct{ text, want string }{
	"line/Dockerfile":       {"FROM a\nRUN " + strings.Repeat("x", 1<<20-100) + "\n", "line greater than max"},
	"large/Dockerfile":      {"FROM a\n" + strings.Repeat("# x\n", 1<<19), "more than the"},
	"binary/Dockerfile":     {"FROM a\nRUN \x00\x01\x7fELF\n", "binary content"},
	"utf16/Dockerfile":      {"\xff\xfeF\x00R\x00O\x00M\x00", "binary content"},
	"many/Dockerfile":       {"FROM debian:12\n" + strings.Repeat("RUN apt-get update\n", 10_000), "only the first"},
	"subshells/Dockerfile":  {"FROM a\nRUN " + strings.Repeat("(", 50_000) + "\n", ""},
	"nested/Dockerfile":     {"FROM a\nRUN <<E\n" + strings.Repeat("$(\n", 200_000) + "\nE\n", ""},
	"expansion/Dockerfile":  {"FROM a\nRUN echo " + strings.Repeat("${a:-", 10_000) + "\n", ""},
	"onbuild/Dockerfile":    {"FROM a\n" + strings.Repeat("ONBUILD \\\n", 90_000) + "RUN a\n", "ONBUILD"},
	"json/Dockerfile":       {"FROM a\nCMD " + strings.Repeat("[", 60_000) + "\n", ""},
	"bomb/Dockerfile":       {"FROM debian:12\n" + bomb(30) + "RUN apt-get update && apt-get install -y curl\nCMD node x\n", ""},
	"stages/Dockerfile":     {stages(1000), ""},
	"empty/Dockerfile":      {"", "no instructions"},
	"comments/Dockerfile":   {"# only\n# comments\n", "no instructions"},
	"control/Dockerfile":    {"FROM a\nRUN \x1b[2J\x07 \u202e\n", ""},
	"not-utf8/Dockerfile":   {"FROM a\nRUN echo \xc3\x28\nCMD a \xff\n", ""},
	"unknown/Dockerfile":    {"FROM a\n[::]\n", "unknown instruction"},
	"directives/Dockerfile": {"# escape=x\nFROM a\n", "invalid escape"},
}

// bomb doubles a variable n times: BuildKit's expansion of 30 would take all memory there is.
func bomb(n int) string {
	return "ENV a=xxxxxxxxxxxxxxxx\n" + strings.Repeat("ENV a=$a$a\n", n)
}

func stages(n int) string {
	var b strings.Builder
	b.WriteString("FROM debian:12 AS s0\n")
	for k := range n {
		fmt.Fprintf(&b, "FROM s%d AS s%d\nRUN true\n", k, k+1)
	}
	return b.String()
}

const ordinary = "FROM node:22-slim\nUSER node\nCMD node server.js\n"

// TestHostileDockerfiles holds that each is answered by a finding or a clear reason, and that the ordinary file beside
// them is looked at as if it were alone.
func TestHostileDockerfiles(t *testing.T) {
	files := map[string]string{"web/Dockerfile": ordinary}
	paths := []string{"web/Dockerfile"}
	for path, h := range hostile {
		files[path] = h.text
		paths = append(paths, path)
	}
	o, done := newEngine(quiet())
	defer done()
	result, err := check.Examine(t.Context(), memoryRepo(files), paths, o)
	must(t, err)
	said := map[string]string{}
	for _, s := range result.Skipped {
		said[s.Path] += s.Reason + "\n"
	}
	for path, h := range hostile {
		if h.want == "" && said[path] != "" || !strings.Contains(said[path], h.want) {
			t.Errorf("%s: said %q, want %q", path, said[path], h.want)
		}
	}
	found := 0
	for _, f := range result.Findings {
		if f.Path == "web/Dockerfile" && f.Check.Name == "shell-form" && len(f.Fixes) == 1 {
			found++
		}
		if f.Path == "bomb/Dockerfile" && len(f.Fixes) > 0 {
			t.Errorf("a fix was proven in spite of the bomb: %s", f.Message)
		}
	}
	if found != 1 {
		t.Errorf("the ordinary file has %d of its finding, want 1", found)
	}
}

// TestHostilePullRequest sends them through the whole service: the review stands, and tells what was not looked at.
func TestHostilePullRequest(t *testing.T) {
	s := newStage(t)
	change := map[string]string{"web/Dockerfile": ordinary}
	for _, name := range []string{"binary", "many", "nested", "bomb", "unknown", "control", "empty", "line"} {
		change[name+"/Dockerfile"] = hostile[name+"/Dockerfile"].text
	}
	pull := s.pull(t, "hostile", change)
	out := s.outcome(t, pull)
	if out.End != review.Published || out.Refused != nil {
		t.Fatalf("outcome %s, refused %v", out.End, out.Refused)
	}
	var told strings.Builder
	for _, r := range pull.Reviews() {
		told.WriteString(r.Body)
	}
	for _, name := range []string{"binary", "unknown", "empty", "line", "many"} {
		if !strings.Contains(told.String(), name+"/Dockerfile") {
			t.Errorf("the summary does not tell of %s/Dockerfile:\n%s", name, told.String())
		}
	}
	once(t, pull)
}
