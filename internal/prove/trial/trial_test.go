package trial_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
	"github.com/lighterman/lighterman/internal/image"
	"github.com/lighterman/lighterman/internal/prove"
	"github.com/lighterman/lighterman/internal/prove/trial"
)

var update = flag.Bool("update", false, "rewrite the README's table of proofs")

func TestMain(m *testing.M) {
	prove.MaybeChild()
	flag.Parse()
	os.Exit(m.Run())
}

// A fixture is one kind of fix: a repository in which it is right, and a twin in which it would be wrong.
type fixture struct {
	name   string
	check  string       // whose fix it is
	touch  string       // the file to change before building again
	dir    string       // holds good and twin
	forced []txtar.File // the twin's files with the fix made all the same; none when only level 1 is asked
	intent []byte       // JSON of fields in which the forced fix's Intent is another than the good one's
}

func fixtures(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("../../../testdata/builds/*.txtar")
	if err != nil || len(all) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	return all
}

// open lays a fixture out. A file called X.base64 is X with the content decoded.
func open(t *testing.T, path string) fixture {
	t.Helper()
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := fixture{name: strings.TrimSuffix(filepath.Base(path), ".txtar"), dir: t.TempDir()}
	for line := range strings.Lines(string(a.Comment)) {
		switch key, value, _ := strings.Cut(strings.TrimSpace(line), ": "); key {
		case "check":
			f.check = value
		case "touch":
			f.touch = value
		case "noise": // a file that no compression shrinks, to be seen in the image's size
			data := make([]byte, 10<<20)
			_, _ = rand.NewChaCha8([32]byte{}).Read(data)
			f.lay(t, txtar.File{Name: value, Data: data})
		}
	}
	for _, file := range a.Files {
		name, forced := strings.CutPrefix(file.Name, "forced/")
		switch {
		case forced:
			f.forced = append(f.forced, txtar.File{Name: name, Data: file.Data})
		case file.Name == "forced.intent":
			f.intent = file.Data
		default:
			f.lay(t, file)
		}
	}
	return f
}

func (f fixture) lay(t *testing.T, file txtar.File) {
	t.Helper()
	name, encoded := strings.CutSuffix(file.Name, ".base64")
	if encoded {
		data, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(file.Data)))
		if err != nil {
			t.Fatal(err)
		}
		file.Data = data
	}
	full := filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, file.Data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// engine is what the command line runs with, narrowed to one check.
func engine(t *testing.T, name string) check.Options {
	t.Helper()
	c := checks.Named(name)
	if c == nil {
		t.Fatalf("there is no check called %q", name)
	}
	pool := prove.NewPool(prove.Options{})
	t.Cleanup(func() { pool.Close() })
	return check.Options{Checks: []*check.Check{c}, Images: image.Bundled(), Prover: pool, Linter: pool, Enabled: []string{name}}
}

// examine runs the fixture's check on one of its repositories.
func (f fixture) examine(t *testing.T, which string) []check.Finding {
	t.Helper()
	repo := os.DirFS(filepath.Join(f.dir, which))
	result, err := check.Examine(t.Context(), repo, []string{"Dockerfile"}, engine(t, f.check))
	if err != nil {
		t.Fatal(err)
	}
	return result.Findings
}

// offered is the fix for the good repository.
func (f fixture) offered(t *testing.T) fixes.Fix {
	t.Helper()
	for _, finding := range f.examine(t, "good") {
		if len(finding.Fixes) > 0 {
			return finding.Fixes[0]
		}
		t.Logf("no fix: %s", finding.Refused)
	}
	t.Fatalf("%s offers no fix for the good repository", f.check)
	return fixes.Fix{}
}

// TestOffered holds the part of level 2 that needs no daemon: each fix is offered where it is right, and is not where it
// would be wrong.
func TestOffered(t *testing.T) {
	for _, path := range fixtures(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			f := open(t, path)
			f.offered(t)
			for _, finding := range f.examine(t, "twin") {
				if len(finding.Fixes) > 0 {
					t.Errorf("the twin is offered %q", finding.Fixes[0].Title)
				}
				t.Logf("refused: %s", finding.Refused)
			}
		})
	}
}

// TestBuilds builds every fixture for real. The good fix has to agree with its proof, and the one that is forced on the
// twin must not build, or has to be seen to differ from what it promises.
func TestBuilds(t *testing.T) {
	if os.Getenv("BUILDKIT_HOST") == "" {
		t.Skip("NOT TRIED: no build was made, because BUILDKIT_HOST names no daemon; make deps-buildkit proofs")
	}
	daemon, err := trial.Dial(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { daemon.Close() })
	self := program(t)
	for _, path := range fixtures(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			f := open(t, path)
			fix := f.offered(t)
			report := f.try(t, daemon, self, "good", fix.Intent, fix.Edits)
			if v := report.Results[0].Verdict; v != trial.Agrees {
				t.Errorf("the build of the fixed file %s with its proof", v)
			}
			twin := f.wrong(t, daemon, self, fix.Intent)
			if *update { // now, as the next may take long and fail
				writeTable(t, row{f.name, report, twin, t.Failed()})
			}
		})
	}
}

// program builds lighterman, statically linked, to be the probe.
func program(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "lighterman")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "../../../cmd/lighterman")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build lighterman: %v\n%s", err, msg)
	}
	return out
}

// try builds one repository of the fixture before and after a change.
func (f fixture) try(
	t *testing.T, d *trial.Daemon, self, which string, i fixes.Intent, edits []fixes.Edit,
) *trial.Report {
	t.Helper()
	root := filepath.Join(f.dir, which)
	src, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	o := trial.Options{Self: self, Touch: f.touch, Rebuilds: 3}
	if which == "twin" {
		o.Touch, o.Rebuilds = trial.Nothing, 0
	}
	report, err := d.Try(t.Context(), trial.Case{
		Root: root, Path: "Dockerfile", Source: src, Build: f.build(t, root, src),
		Changes: []trial.Change{{Check: f.check, Title: "the " + which + " one", Intents: []fixes.Intent{i}, Edits: edits}},
	}, o)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := trial.Write(&out, []*trial.Report{report}); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s:\n%s", which, &out)
	return report
}

// build is how the fixture's file is built: as its repository says, else from its root.
func (f fixture) build(t *testing.T, root string, src []byte) buildcontext.Build {
	t.Helper()
	parsed, err := dockerfile.Parse("Dockerfile", src)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range buildcontext.Find(os.DirFS(root), parsed) {
		return b
	}
	return buildcontext.Build{Origin: "the fixture", Dir: ".", Context: os.DirFS(root), Whole: os.DirFS(root)}
}

// wrong makes the fix on the twin all the same, and says how the builds showed that it is wrong.
func (f fixture) wrong(t *testing.T, d *trial.Daemon, self string, good fixes.Intent) string {
	t.Helper()
	if f.forced == nil {
		return "refused"
	}
	var edits []fixes.Edit
	for _, file := range f.forced {
		src, err := os.ReadFile(filepath.Join(f.dir, "twin", file.Name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		edits = append(edits, fixes.Edit{Path: file.Name, Start: 0, End: len(src), New: string(file.Data)})
	}
	report := f.try(t, d, self, "twin", f.forcedIntent(t, good), edits)
	x := report.Results[0]
	switch {
	case report.Failed != "" || x.Verdict != trial.Disagrees:
		t.Errorf("the build does not show that the fix is wrong for the twin: %s", x.Verdict)
	case x.Failed != "":
		return "refused; does not build"
	case strings.Contains(x.Program, " before; after the fix it "):
		return "refused; the program fails"
	}
	n := len(x.Unexpected) + len(x.Lacking)
	return fmt.Sprintf("refused; differs in %d %s", n, map[bool]string{true: "thing", false: "things"}[n == 1])
}

// forcedIntent is the good fix's Intent with the fields replaced that the fixture names.
func (f fixture) forcedIntent(t *testing.T, good fixes.Intent) fixes.Intent {
	t.Helper()
	if f.intent == nil {
		return good
	}
	v := reflect.New(reflect.TypeOf(good))
	v.Elem().Set(reflect.ValueOf(good))
	if err := json.Unmarshal(f.intent, v.Interface()); err != nil {
		t.Fatal(err)
	}
	return v.Elem().Interface().(fixes.Intent)
}

// A row is one kind of fix in the README.
type row struct {
	name   string
	report *trial.Report
	twin   string
	failed bool
}

// String is the row as Markdown, "" when the builds did not show what they should.
func (r row) String() string {
	if r.failed {
		return ""
	}
	before, x := r.report.Before, r.report.Results[0]
	return fmt.Sprintf("| `%s` | %s | %s | %s | %s | %s |\n", r.name, trial.Sizes(before, x.After),
		trial.Steps(before, x.After), trial.Seconds(before, x.After), x.Verdict, r.twin)
}

const (
	readme = "../../../README.md"
	begin  = "<!-- proofs -->\n"
	end    = "<!-- /proofs -->"
)

// writeTable writes what was measured into the README. The other rows are kept.
func writeTable(t *testing.T, r row) {
	t.Helper()
	page, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(page), begin)
	_, foot, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", readme)
	}
	table := map[string]string{}
	for line := range strings.Lines(strings.TrimSuffix(rest, foot)) {
		if name := strings.Split(line, "`"); len(name) > 2 {
			table[name[1]] = line
		}
	}
	table[r.name] = r.String()
	var out strings.Builder
	out.WriteString("| fix | image, compressed | steps again | rebuild | builds | wrong twin |\n")
	out.WriteString("|---|---|---|---|---|---|\n")
	for _, path := range fixtures(t) {
		out.WriteString(table[strings.TrimSuffix(filepath.Base(path), ".txtar")])
	}
	if err := os.WriteFile(readme, []byte(head+begin+out.String()+end+foot), 0o644); err != nil {
		t.Fatal(err)
	}
}
