package prove

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

// A shellRun is what a list of scripts did, each in a shell of its own as a RUN is, until one failed.
type shellRun struct {
	log    string // the programs that were started, with their arguments
	output string
	failed bool
}

// A lab runs scripts with stand-ins for all programs.
type lab struct {
	dir   string
	shell []string
}

// stub notes that it was called, and fails when it is the call whose number is in FAIL.
const stub = `#!/bin/sh
echo "${0##*/} $*" >> "$LAB/log"
n=0
while read -r line; do n=$((n+1)); done < "$LAB/log"
[ "$n" != "$FAIL" ]
`

func newLab(t *testing.T, shell ...string) lab {
	t.Helper()
	if _, err := os.Stat(shell[0]); err != nil {
		t.Fatalf("%s is not there: %v", shell[0], err)
	}
	l := lab{dir: t.TempDir(), shell: shell}
	names := slices.Concat(system, programs, []string{"service", "make", "node", "cat"})
	for _, name := range names {
		if slices.Contains([]string{"echo", "true"}, name) {
			continue // builtins
		}
		if err := os.WriteFile(filepath.Join(l.dir, name), []byte(stub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// run runs the scripts; the call with the number fail fails, 0 for none.
func (l lab) run(t *testing.T, scripts []string, fail int) shellRun {
	t.Helper()
	if err := os.WriteFile(filepath.Join(l.dir, "log"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var out shellRun
	for _, script := range scripts {
		cmd := exec.CommandContext(t.Context(), l.shell[0], append(slices.Clone(l.shell[1:]), script)...)
		cmd.Dir = l.dir
		cmd.Env = []string{"PATH=" + l.dir, "LAB=" + l.dir, fmt.Sprint("FAIL=", fail), "VERSION=1.2"}
		text, err := cmd.Output()
		out.output += string(text)
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			out.failed = true
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.ReadFile(filepath.Join(l.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	out.log = string(log)
	return out
}

// scripts are the scripts of the RUNs that a case changes, before and after.
func scripts(t *testing.T, c check.Case) (before, after []string) {
	t.Helper()
	ch, err := read(c)
	if err != nil {
		t.Fatal(err)
	}
	texts := func(all []*dockerfile.Instruction) (out []string) {
		for _, i := range all {
			s, err := i.Script()
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, s.Text)
		}
		return out
	}
	return texts(ch.old), texts(ch.fixed)
}

var realShells = [][]string{
	{"/bin/dash", "-c"}, {"/bin/dash", "-ec"}, {"/bin/bash", "-c"}, {"/bin/bash", "-euc"},
	{"/bin/bash", "-o", "pipefail", "-c"},
}

// TestMergedInShells runs the scripts of every accepted merge, letting each of their programs fail in turn: what is
// run, what is printed and whether the build goes on must be the same before and after.
func TestMergedInShells(t *testing.T) {
	for _, shell := range realShells {
		l := newLab(t, shell...)
		for _, e := range examples(t) {
			if _, ok := e.c.Intent.(fixes.MergedRuns); !ok || e.err != "" {
				continue
			}
			before, after := scripts(t, e.c)
			for fail := 0; fail < 6; fail++ {
				if b, a := l.run(t, before, fail), l.run(t, after, fail); b != a {
					t.Errorf("%s in %q, failure %d: before %+v, after %+v", e.name, shell, fail, b, a)
				}
			}
		}
	}
}

// TestAppendedInShells does the same for every accepted cleanup: it runs last, once, and only after success.
func TestAppendedInShells(t *testing.T) {
	for _, shell := range realShells {
		l := newLab(t, shell...)
		for _, e := range examples(t) {
			intent, ok := e.c.Intent.(fixes.Appended)
			if !ok || e.err != "" {
				continue
			}
			before, after := scripts(t, e.c)
			for fail := 0; fail < 6; fail++ {
				want, got := l.run(t, before, fail), l.run(t, after, fail)
				program, _, _ := strings.Cut(intent.Command, " ")
				if last := strings.LastIndex(strings.TrimSuffix(got.log, "\n"), "\n"); !want.failed {
					if !strings.HasPrefix(got.log[last+1:], program+" ") {
						t.Errorf("%s in %q, failure %d: the cleanup is not last: %q", e.name, shell, fail, got.log)
					}
					got.log = got.log[:last+1]
					got.failed = false // of the cleanup itself
				}
				if want != got {
					t.Errorf("%s in %q, failure %d: before %+v, after %+v", e.name, shell, fail, want, got)
				}
			}
		}
	}
}

// TestKnownMergesDiffer shows in bash that the wrong merges which are known are wrong, so that refusing them is not
// for nothing.
func TestKnownMergesDiffer(t *testing.T) {
	tried := 0
	for _, e := range examples(t) {
		if !strings.HasPrefix(e.name, "merged-runs/known-") {
			continue
		}
		tried++
		options := "-c"
		if bytes.Contains(e.c.Before, []byte(`"-ec"`)) {
			options = "-ec"
		}
		l := newLab(t, "/bin/bash", options)
		before, after := scripts(t, e.c)
		if b, a := l.run(t, before, 0), l.run(t, after, 0); b == a && e.name != "merged-runs/known-assignment" {
			t.Errorf("%s: no difference: %+v", e.name, b)
		}
		// An assignment before a special builtin stays only where bash follows POSIX, and in dash.
		l.shell = []string{"/bin/dash", "-c"}
		if b, a := l.run(t, before, 0), l.run(t, after, 0); b == a && e.name == "merged-runs/known-assignment" {
			t.Errorf("%s: no difference: %+v", e.name, b)
		}
	}
	if tried != 7 {
		t.Errorf("%d known wrong merges, want 7", tried)
	}
}
