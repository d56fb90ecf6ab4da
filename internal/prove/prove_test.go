package prove

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/buildcontext"
	"github.com/lighterman/lighterman/internal/check"
)

func TestMain(m *testing.M) {
	MaybeChild()
	if os.Getenv(confinedEnv) != "" {
		tryConfined()
		return
	}
	os.Exit(m.Run())
}

// newPool is a pool whose children have the time that the race detector takes on a busy machine.
func newPool(t testing.TB, o Options) *Pool {
	t.Helper()
	if o.Deadline == 0 {
		o.Deadline = time.Minute
	}
	p := NewPool(o)
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// An example is a case of testdata/prove. An archive holds several, each in a folder: before, after, intent (JSON:
// the intent's name and its fields; BaseUser, Args and Platforms beside it), files of the build context under
// context/, and in error a regular expression for the reason of a refusal; without it the fix must be proven. What
// is under shared/ holds for every example of the archive that has no file of that name.
type example struct {
	name string
	c    check.Case
	err  string
}

// intents are one of each kind; the intent file of an example gives the fields.
var intents = []fixes.Intent{
	fixes.Unchanged{},
	fixes.Reordered{},
	fixes.MergedRuns{},
	fixes.Appended{},
	fixes.CacheMounted{},
	fixes.Reworded{},
	fixes.RanByRoot{},
	fixes.Deferred{},
	fixes.RunsAs{},
	fixes.OwnedCopies{},
	fixes.CopiedPlainly{},
	fixes.StartsDirectly{},
	fixes.Pinned{},
	fixes.Respelled{},
	fixes.Labelled{},
	fixes.Rooted{},
	fixes.Entered{},
	fixes.PipeFails{},
	fixes.TwoStages{},
}

// intentFile is what stands beside the intent's own fields.
type intentFile struct {
	Intent    string
	BaseUser  string
	Bases     map[string]check.Base
	Args      map[string]string
	Platforms []string
	Named     map[string]string
	NoBuild   bool
}

// readIntent reads an example's intent file.
func readIntent(text string) (intentFile, fixes.Intent, error) {
	var f intentFile
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return f, nil, err
	}
	for _, kind := range intents {
		if reflect.TypeOf(kind).Name() != f.Intent {
			continue
		}
		intent := reflect.New(reflect.TypeOf(kind))
		err := json.Unmarshal([]byte(text), intent.Interface())
		return f, intent.Elem().Interface().(fixes.Intent), err
	}
	return f, nil, fmt.Errorf("no intent is called %q", f.Intent)
}

// examples reads all archives.
func examples(t testing.TB) []example {
	t.Helper()
	archives, err := filepath.Glob("../../testdata/prove/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no archives", err)
	}
	var out []example
	for _, name := range archives {
		if filepath.Base(name) == "ignored.txtar" {
			continue // whole repositories; see TestIgnored
		}
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, read1(t, strings.TrimSuffix(filepath.Base(name), ".txtar"), a)...)
	}
	return out
}

func read1(t testing.TB, archive string, a *txtar.Archive) []example {
	t.Helper()
	folders := map[string]map[string]string{}
	var names []string
	for _, f := range a.Files {
		folder, file, _ := strings.Cut(f.Name, "/")
		if folders[folder] == nil {
			folders[folder] = map[string]string{}
			names = append(names, folder)
		}
		folders[folder][file] = string(f.Data)
	}
	var out []example
	for _, name := range names {
		if name == "shared" {
			continue
		}
		files := folders[name]
		for file, text := range folders["shared"] {
			if _, ok := files[file]; !ok {
				files[file] = text
			}
		}
		out = append(out, exampleOf(t, archive+"/"+name, files))
	}
	return out
}

func exampleOf(t testing.TB, name string, files map[string]string) example {
	t.Helper()
	f, intent, err := readIntent(files["intent"])
	if err != nil {
		t.Fatalf("%s: intent %q: %v", name, files["intent"], err)
	}
	context := fstest.MapFS{}
	for file, text := range files {
		if at, ok := strings.CutPrefix(file, "context/"); ok {
			context[at] = &fstest.MapFile{Data: unquote(t, text), Mode: 0o644}
			if target, ok := strings.CutPrefix(text, "link "); ok {
				context[at] = &fstest.MapFile{Data: []byte(strings.TrimSpace(target)), Mode: fs.ModeSymlink | 0o777}
			}
		}
	}
	c := check.Case{
		Path: "Dockerfile", Before: source(files["before"]), After: source(files["after"]),
		Intent: intent, BaseUser: f.BaseUser, Bases: f.Bases,
	}
	if !f.NoBuild {
		c.Builds = []buildcontext.Build{{
			Origin: "the test", Dir: ".", Context: context, Whole: context, Args: f.Args, Platforms: f.Platforms, Named: f.Named,
		}}
	}
	return example{name: name, c: c, err: strings.TrimSpace(files["error"])}
}

// source turns the signs for a carriage return and for a missing last line end into what they stand for.
func source(text string) []byte {
	text = strings.ReplaceAll(text, "␍", "\r")
	return []byte(strings.TrimSuffix(text, "␄\n"))
}

// unquote reads the content of a binary file, written as a Go string behind "quoted ".
func unquote(t testing.TB, text string) []byte {
	t.Helper()
	quoted, ok := strings.CutPrefix(text, "quoted ")
	if !ok {
		return []byte(text)
	}
	var out string
	if _, err := fmt.Sscanf(quoted, "%q", &out); err != nil {
		t.Fatalf("%q: %v", quoted, err)
	}
	return []byte(out)
}

// TestExamples holds every example to what it says, and every Intent to a number of accepted and refused ones.
func TestExamples(t *testing.T) {
	pool := newPool(t, Options{})
	accepted, refused := map[string]int{}, map[string]int{}
	for _, e := range examples(t) {
		kind := fmt.Sprintf("%T", e.c.Intent)
		t.Run(e.name, func(t *testing.T) {
			err := pool.Prove(t.Context(), e.c)
			if e.err == "" {
				accepted[kind]++
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			refused[kind]++
			if err == nil {
				t.Fatalf("proven, want a refusal that matches %q", e.err)
			}
			if !regexp.MustCompile(e.err).MatchString(err.Error()) {
				t.Fatalf("refused: %v\nwant a match of %q", err, e.err)
			}
		})
	}
	for _, intent := range intents {
		kind := fmt.Sprintf("%T", intent)
		if a, r := accepted[kind], refused[kind]; a < 2 || r < 8 {
			t.Errorf("%s: %d accepted and %d refused examples, want at least 2 and 8", kind, a, r)
		}
	}
}

type unknown struct{}

func (unknown) Claim() fixes.Claim { return fixes.Claim{} }

func TestUnknownIntent(t *testing.T) {
	pool := newPool(t, Options{})
	for _, intent := range []fixes.Intent{nil, unknown{}} {
		err := pool.Prove(t.Context(), check.Case{
			Path: "Dockerfile", Before: []byte("FROM a\n"), After: []byte("FROM b\n"), Intent: intent,
		})
		if err == nil || !strings.Contains(err.Error(), "nothing can show") {
			t.Errorf("%v: %v", intent, err)
		}
	}
}

// TestRules holds that every rule for rewording has something to say to people.
func TestRules(t *testing.T) {
	for rule, r := range rewordings {
		if (fixes.Reworded{Rule: rule}).Claim().Words == "" || r.command == nil {
			t.Errorf("%s: no claim or no predicate", rule)
		}
	}
}
