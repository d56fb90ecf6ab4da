package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/prove"
	"github.com/lighterman/lighterman/internal/review"
	"github.com/lighterman/lighterman/testdata/demo"
)

// plain is a Dockerfile with something to say about it; whatever stands beside it, it is said.
const plain = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD node server.js\n"

// A hostile repository, and what becomes of its Dockerfile: skipped is in the reason why it was not looked at as a whole;
// without one it was.
type hostile struct {
	files   map[string]string
	skipped string
}

func hostiles() map[string]hostile {
	alone := func(text, skipped string) hostile {
		return hostile{map[string]string{"Dockerfile": text}, skipped}
	}
	beside := func(name, text string) hostile {
		return hostile{map[string]string{"Dockerfile": plain, "package.json": "{}", name: text}, ""}
	}
	times := strings.Repeat
	return map[string]hostile{
		"a line of a megabyte":  alone("FROM a\nRUN "+times("a", 1<<20), "are more than the 1048576"),
		"a line of half of one": alone("FROM a\nRUN "+times("a && ", 1e5)+"b\n", "greater than max allowed size"),
		"binary":                alone("\x7fELF\x00\x01FROM a\n", "binary content"),
		"nothing":               alone("", "no instructions"),
		"merged many times":     alone("FROM node\n"+times("COPY . .\nRUN npm ci\n", 5000), "only the first"),
		"findings with fixes":   alone("FROM a\n"+times("ADD x y\n", 10000), "only the first"),
		"findings without":      alone("FROM a\n"+times("RUN apt-get update\n", 10000), "only the first"),
		"stages":                alone("FROM a\n"+times("FROM a\nRUN x\n", 2000), ""),
		"nested subshells":      alone("FROM a\nRUN "+times("(", 3e4)+times(")", 3e4)+"\n", ""),
		"nested substitutions":  alone("FROM a\nRUN echo "+times("$(", 2e4)+times(")", 2e4)+"\n", ""),
		"nested defaults":       alone("FROM a\nENV x="+times("${a:-", 1e4)+times("}", 1e4)+"\n", ""),
		"an open heredoc":       alone("FROM a\nRUN <<EOF\n"+times("x\n", 2e5), "unterminated heredoc"),
		"onbuild":               alone("FROM a\n"+times("ONBUILD ", 5000)+"RUN x\n", "ONBUILD"),
		"expansion": alone("FROM node\nENV a=aaaaaaaa\n"+times("ENV a=$a$a\n", 40)+"COPY . .\nRUN npm ci\nCMD node $a\n",
			"BuildKit's own checks: the variables"),
		"a long path": alone("FROM node\n"+times("WORKDIR "+times("a/", 200)+"\n", 2000)+"COPY . .\nRUN npm ci\n",
			"BuildKit's own checks: "),
		"ignored":                alone("# lighterman global ignore=all\nFROM a\n"+times("ADD x y\n", 10000), "only the first"),
		"deep package.json":      beside("package.json", times(`{"a":`, 1e5)),
		"yaml aliases":           beside("compose.yaml", aliases("services: *a11\n")),
		"yaml merges":            beside("compose.yaml", merges(60)),
		"yaml that holds itself": beside("compose.yaml", "a: &a\n  b: *a\nservices: &s\n  web: *s\n"),
		"deep yaml":              beside("compose.yaml", "services: "+times("{a: ", 5e4)),
		"ignore patterns":        beside(".dockerignore", times("**/*a*b*c*d*e*f\n", 2000)+times("*a", 5000)+"\n[\n"),
		"requirements":           requirements(1500),
	}
}

// aliases is a document that would be 9^11 items were its aliases expanded.
func aliases(end string) string {
	var b strings.Builder
	b.WriteString("a0: &a0 x\n")
	for n := range 11 {
		fmt.Fprintf(&b, "a%d: &a%[1]d [%s]\n", n+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", n), 9), ","))
	}
	return b.String() + end
}

// merges is a document each of whose mappings merges the one before twice.
func merges(n int) string {
	var b strings.Builder
	b.WriteString("x0: &x0 {a: 1}\n")
	for k := range n {
		fmt.Fprintf(&b, "x%d: &x%[1]d\n  <<: [*x%d, *x%[2]d]\n", k+1, k)
	}
	return fmt.Sprintf("%sservices:\n  web:\n    <<: *x%d\n    build: .\n", b.String(), n)
}

// requirements are n files each of which names the next two.
func requirements(n int) hostile {
	files := map[string]string{"Dockerfile": "FROM python\nWORKDIR /app\nCOPY . .\nRUN pip install -r r0.txt\n"}
	for k := range n {
		files[fmt.Sprintf("r%d.txt", k)] = fmt.Sprintf("-r r%d.txt\n-r r%d.txt\n", k+1, k+2)
	}
	return hostile{files, ""}
}

// TestHostileRepositories looks at files made to be slow, large or unreadable. The test ends only when the work is bounded.
func TestHostileRepositories(t *testing.T) {
	t.Parallel()
	o, done := newEngine(quiet())
	defer done()
	patient := prove.NewPool(prove.Options{Deadline: time.Minute}) // with the race detector, beside other tests
	defer patient.Close()
	o.Prover, o.Linter = patient, patient
	for name, h := range hostiles() {
		t.Run(name, func(t *testing.T) {
			h.files["ok/Dockerfile"] = plain
			result, err := check.Examine(t.Context(), memoryRepo(h.files), []string{"Dockerfile", "ok/Dockerfile"}, o)
			must(t, err)
			var reasons []string
			for _, s := range result.Skipped {
				reasons = append(reasons, s.Path+": "+s.Reason)
			}
			if got := strings.Join(reasons, "\n"); (h.skipped == "") != (got == "") || !strings.Contains(got, h.skipped) {
				t.Errorf("skipped %q, want %q in it", got, h.skipped)
			}
			said := func(f check.Finding) bool { return f.Path == "ok/Dockerfile" }
			if !slices.ContainsFunc(result.Findings, said) {
				t.Error("nothing is said about the other Dockerfile")
			}
		})
	}
}

// TestHostileCheckouts runs the command line on what only a disk holds.
func TestHostileCheckouts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make func(dir string) error
		code int
	}{
		"a link in a circle":      {func(dir string) error { return os.Symlink("Dockerfile", filepath.Join(dir, "Dockerfile")) }, exitFindings},
		"a folder in a circle":    {func(dir string) error { return os.Symlink(".", filepath.Join(dir, "loop")) }, exitFindings},
		"a folder with that name": {func(dir string) error { return os.Mkdir(filepath.Join(dir, "Dockerfile"), 0o755) }, exitFindings},
		"a binary file":           {func(dir string) error { return os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte{0}, 0o644) }, exitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			must(t, os.Mkdir(filepath.Join(dir, "ok"), 0o755))
			must(t, os.WriteFile(filepath.Join(dir, "ok", "Dockerfile"), []byte(plain), 0o644))
			must(t, c.make(dir))
			if got := Main(t.Context(), []string{"review", dir}); got != c.code {
				t.Errorf("exit code %d, want %d", got, c.code)
			}
		})
	}
}

// TestHostilePullRequest sends such files through the whole service: the review stands, and tells what was not looked at.
func TestHostilePullRequest(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	all := hostiles()
	change := map[string]string{"ok/Dockerfile": plain}
	var told []string
	for _, name := range []string{"a line of half of one", "binary", "onbuild"} {
		path := strings.ReplaceAll(name, " ", "-") + "/Dockerfile"
		change[path], told = all[name].files["Dockerfile"], append(told, path)
	}
	pull := s.pull(t, "hostile", change)
	out := s.outcome(t, pull)
	if out.End != review.Published || out.Refused != nil {
		t.Fatalf("outcome %s, refused %v", out.End, out.Refused)
	}
	run := lastRun(t, pull)
	for _, path := range told {
		if !strings.Contains(run.Summary, path) {
			t.Errorf("the check run does not tell of %s:\n%s", path, run.Summary)
		}
	}
	once(t, pull)
}

// TestHostileBranchNames pushes to branches whose names are other addresses if they are not escaped: the fix lands on that
// branch, and no other one moves.
func TestHostileBranchNames(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for n, branch := range []string{"main#topic", "main%23x", "a/%2e%2e/main", "x%2Fmain", "main&force=true", "@everyone", "\u202emain"} {
		repo, err := s.hub.CreateRepo("acme", fmt.Sprint("branches-", n), archived(demo.Base))
		must(t, err)
		base, err := repo.Head("main")
		must(t, err)
		_, err = repo.Push(branch, "Change", demoFile("web/Dockerfile"))
		must(t, err)
		pull, err := repo.OpenPull(githubtest.PullOptions{Title: "Change", Author: "robin", Head: branch})
		must(t, err)
		before := pull.Head()
		s.settled(t)
		repo.SetPermission("ann", "write")
		_, err = pull.Comment("ann", "/lighterman fix")
		must(t, err)
		s.settled(t)
		if after, err := repo.Head(branch); err != nil || after == before || after != pull.Head() {
			t.Errorf("%q is at %s, %v; the pull request at %s, before at %s", branch, after, err, pull.Head(), before)
		}
		if after, err := repo.Head("main"); err != nil || after != base {
			t.Errorf("%q moved main to %s, %v", branch, after, err)
		}
	}
}
