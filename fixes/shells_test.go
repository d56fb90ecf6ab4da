package fixes_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// Here real shells say whether a script does the same as the scripts it was made of. Every program is a stub that
// writes down how it was called, from which directory and under which umask, and fails when it was told to.

// stub is such a program; it uses nothing but what every shell has built in.
const stub = `#!/bin/sh
line="${0##*/} $*"
printf '%s %s %s %s\n' "$PWD" "$(umask)" "$line" "$A" >>"$LOG"
while IFS= read -r bad; do
	[ "$bad" = "${0##*/}" ] && exit 7
done <"$FAIL"
exit 0
`

// A lab is a directory with stubs and a shell to try scripts in.
type lab struct {
	t     testing.TB
	dir   string
	shell []string // argv up to the script
}

// A street is a lab for each shell of this machine, one plain and others with the options people set.
type street []lab

// newStreet must be called before anything runs in parallel: a program that another process still has open for
// writing cannot be started.
func newStreet(t testing.TB) street {
	t.Helper()
	var out street
	for _, shell := range [][]string{{"dash", "-c"}, {"bash", "-euo", "pipefail", "-c"}, {"busybox", "ash", "-ec"}} {
		path, err := exec.LookPath(shell[0])
		if err != nil {
			t.Logf("%s is not on this machine", shell[0])
			continue
		}
		l := lab{t, t.TempDir(), append([]string{path}, shell[1:]...)}
		for _, err := range []error{
			os.Mkdir(filepath.Join(l.dir, "bin"), 0o755),
			os.WriteFile(filepath.Join(l.dir, "stub"), []byte(stub), 0o755),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, l)
	}
	if len(out) == 0 {
		t.Fatal("there is no shell to try anything in")
	}
	return out
}

// result is what came of scripts: the calls in order, and the exit status of the last that ran.
type result struct {
	calls  string
	status int
}

// run runs the scripts one after the other, each in a shell of its own, until one fails, as a builder runs RUNs.
func (l lab) run(scripts, programs, failing []string) result {
	l.t.Helper()
	home := filepath.Join(l.dir, "home")
	for _, err := range []error{
		os.RemoveAll(home), os.MkdirAll(filepath.Join(home, "sub"), 0o755),
		os.WriteFile(filepath.Join(l.dir, "fail"), []byte(strings.Join(failing, "\n")+"\n"), 0o644),
		os.WriteFile(filepath.Join(l.dir, "log"), nil, 0o644),
	} {
		if err != nil {
			l.t.Fatal(err)
		}
	}
	for _, p := range programs {
		at := filepath.Join(l.dir, "bin", p)
		if strings.HasPrefix(p, "./") {
			at = filepath.Join(home, p)
		}
		if err := os.Symlink(filepath.Join(l.dir, "stub"), at); err != nil && !errors.Is(err, os.ErrExist) {
			l.t.Fatal(err)
		}
	}
	status := 0
	for _, s := range scripts {
		if status = l.start(home, s); status != 0 {
			break
		}
	}
	calls, err := os.ReadFile(filepath.Join(l.dir, "log"))
	if err != nil {
		l.t.Fatal(err)
	}
	return result{string(calls), status}
}

func (l lab) start(home, script string) int {
	l.t.Helper()
	cmd := exec.CommandContext(context.Background(), l.shell[0], append(slices.Clone(l.shell[1:]), script)...)
	cmd.Dir = home
	cmd.Env = []string{"PATH=" + filepath.Join(l.dir, "bin"), "HOME=" + home, "TMP=/tmp/none", "CMD=make", "A=",
		"LOG=" + filepath.Join(l.dir, "log"), "FAIL=" + filepath.Join(l.dir, "fail")}
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return 0
}

// subsets are all sets of programs that may fail.
func subsets(programs []string) [][]string {
	out := [][]string{nil}
	for _, p := range programs {
		for _, s := range slices.Clone(out) {
			out = append(out, append(slices.Clone(s), p))
		}
	}
	return out
}

// differ runs before and after with every set of failing programs in every shell; "" when nothing tells them apart.
func (st street) differ(before []string, after string) string {
	called := programsOf(st[0].t, append(slices.Clone(before), after)...)
	programs := append([]string{"make", "touch", "rm"}, called...) // also where a script hides the name
	for _, l := range st {
		for _, failing := range subsets(called) {
			was, is := l.run(before, programs, failing), l.run([]string{after}, programs, failing)
			if was != is {
				return fmt.Sprintf("%q when %q fails:\nbefore %d\n%safter %d\n%s",
					l.shell, failing, was.status, was.calls, is.status, is.calls)
			}
		}
	}
	return ""
}

// inShell are the commands that the shells run themselves.
var inShell = strings.Fields(`true false echo printf test [ pwd cd set export exit exec trap umask ulimit alias . source
	eval read command hash unset return : getopts local shift times`)

// programsOf are the names of the programs that scripts call.
func programsOf(t testing.TB, scripts ...string) []string {
	t.Helper()
	var out []string
	for _, s := range scripts {
		f := parseFile(t, "FROM scratch\nRUN <<END\n"+s+"\nEND\n")
		script, err := f.Instructions[1].Script()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range script.Calls() {
			name := c.Words[0].Text
			if c.Words[0].Literal && !slices.Contains(inShell, name) && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// scriptText is what the shell is given for the instruction on a line.
func scriptText(t testing.TB, f *dockerfile.File, index int) string {
	t.Helper()
	script, err := f.Instructions[index].Script()
	if err != nil {
		t.Fatal(err)
	}
	return script.Text
}

// outside matches a redirection to a file that is not the laboratory's.
var outside = regexp.MustCompile(`>\s*/[^d]|\$\(|<<`)

// TestShellsAgree runs every accepted case of merging and appending in real shells: the same programs are called in
// the same order from the same places, and the exit status is the same, whatever fails.
func TestShellsAgree(t *testing.T) {
	st := newStreet(t)
	tried := map[string]bool{} // cases that differ in layout only are tried once
	for _, recipe := range []string{"merge-runs", "append-command"} {
		a, err := txtar.ParseFile("../testdata/fixes/" + recipe + ".txtar")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range recipeCases(t, a) {
			if c.after == "" || strings.Contains(c.before, "␍") || outside.MatchString(c.before) {
				continue
			}
			before, after := c.scripts(t)
			key := strings.Join(append(slices.Clone(before), after), "\n")
			if tried[key] {
				continue
			}
			tried[key] = true
			t.Run(recipe+"/"+c.name, func(t *testing.T) {
				if found := st.differ(before, after); found != "" {
					t.Error(found)
				}
			})
		}
	}
}

// scripts are those a case of merging or appending starts from, and the one it makes.
func (c *recipeCase) scripts(t *testing.T) (before []string, after string) {
	f, g := parseFile(t, decode(c.before)), parseFile(t, decode(c.after))
	recipe, rest, _ := strings.Cut(strings.TrimSuffix(c.do, "\n"), " ")
	at, rest, _ := strings.Cut(rest, " ")
	first := find(f, at)
	before = []string{scriptText(t, f, first.Index)}
	if recipe == "append" {
		return append(before, rest), scriptText(t, g, first.Index)
	}
	for _, at := range strings.Fields(rest) {
		before = append(before, scriptText(t, f, find(f, at).Index))
	}
	return before, scriptText(t, g, first.Index)
}

// twins are pairs of scripts that one shell would not run like two. Each must be refused by MergeRuns, and told apart
// by a shell: that shows that this test can see such a thing.
var twins = [][2]string{
	{"cd sub && make", "rm -rf build"},
	{"umask 077 && make", "touch x"},
	{"export A=1 && make", "touch x"},
	{"A=1", "touch x$A"},
	{"A=1 :", "touch x$A"},
	{"make ${B:=1}", "touch x$B"},
	{"make $((B=1))", "touch x$B"},
	{"for B in 1 2; do make; done", "touch x$B"},
	{"make && exit 0", "touch x"},
	{"exec make", "touch x"},
	{"eval B=1", "touch x$B"},
	{"set -- a && make", "touch x$1"},
	{"set -f && make", "touch *"},
	{"unset HOME && make", "touch x$HOME"},
	{"make # all", "touch x"},
	{"touch x", "rm y || make"},
	{"touch() { make; }", "touch x"},
	{"trap make EXIT", "touch x"},
	{"(false; make)", "touch x"},
	{"{ false; make; }", "touch x"},
	{"PATH=/nowhere", "touch x"},
	{"hash -r; cd sub", "touch x"},
	{"command cd sub", "touch x"},
	{"\\cd sub", "touch x"},
	{"getopts a B -a", "touch x$B"},
	{"printf -v B 1", "touch x$B"},
	{"touch x", "make $_"},
	{"set -u", "touch $NONE"},
	{"read B <fail; B=1", "touch x$B"},
}

func TestTwinsAreRefusedAndDiffer(t *testing.T) {
	st := newStreet(t)
	shells := []string{"", "SHELL [\"bash\", \"-c\"]\n", "SHELL [\"bash\", \"-euo\", \"pipefail\", \"-c\"]\n"}
	for _, twin := range twins {
		t.Run(twin[0]+" + "+twin[1], func(t *testing.T) {
			for _, shell := range shells {
				f := parseFile(t, "FROM scratch\n"+shell+"RUN "+twin[0]+"\nRUN "+twin[1]+"\n")
				n := len(f.Instructions)
				if edits, err := fixes.MergeRuns(f, f.Instructions[n-2], f.Instructions[n-1]); err == nil {
					t.Errorf("under %q it was merged: %v", shell, edits)
				}
			}
			if st.differ(twin[:], twin[0]+" && "+twin[1]) == "" {
				t.Error("no shell tells the two RUNs from the one")
			}
		})
	}
}

// appended are scripts after which " && rm x" would not mean "run rm x too if all succeeded".
var appended = []string{
	"make && exit",
	"exec make",
	"make # all",
	"cd sub && make",
	"PATH=/nowhere && test 1",
	"rm() { make; }",
	"trap 'exit 0' EXIT && make",
	"(false; make)",
	"{ false; make; }",
	"set -n",
	"umask 077",
	"set -e && make `false; echo y` | touch x",
}

func TestAppendingIsRefusedWhereItDiffers(t *testing.T) {
	st := newStreet(t)
	for _, script := range appended {
		t.Run(script, func(t *testing.T) {
			f := parseFile(t, "FROM scratch\nRUN "+script+"\n")
			if edits, err := fixes.AppendCommand(f, f.Instructions[1], "rm x"); err == nil {
				t.Errorf("it was appended to: %v", edits)
			}
			if st.differ([]string{script, "rm x"}, script+" && rm x") == "" {
				t.Error("no shell tells the two scripts from the one")
			}
		})
	}
}
