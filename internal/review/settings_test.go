package review

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
)

// neighbour is another repository of the installation.
func (d *desk) neighbour(repo forge.Repo, commit string) (forge.Tree, error) {
	name := repo.String() + "@" + commit
	d.through[repo.Owner] = repo.Installation
	tree, ok := d.neighbours[name]
	if err := d.ask(name); err != nil || ok {
		return shelf{tree, d}, err
	}
	return nil, fmt.Errorf("list %s: %w", name, forge.ErrGone)
}

// told are the notes of a review by the library, one a line.
func (d *desk) told(t *testing.T, l *Library, checks ...*check.Check) (Outcome, string) {
	t.Helper()
	d.asked = nil
	r := &Reviewer{Forge: d, Library: l, Options: options(checks...)}
	out, err := r.Review(context.Background(), d.change.Ref)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, n := range out.Opinion.Notes {
		line := fmt.Sprintf("%s:%d: %s", n.Path, n.Line, n.Words)
		if n.Urgent && n.Fails {
			line += " (!)"
		}
		lines = append(lines, line)
	}
	return out, strings.Join(lines, "\n")
}

func file(text string) fstest.MapFS { return fstest.MapFS{settingsFile: {Data: []byte(text)}} }

const twoAdds = "FROM node\nADD . .\nADD b .\nUSER node\n"

func TestTheOrganisationsDefaultHolds(t *testing.T) {
	d := newDesk(nil, map[string]string{"Dockerfile": twoAdds})
	d.neighbours = map[string]fstest.MapFS{
		"o/.github@HEAD": file("comments: {max-inline: 1}\nextends: o/presets:lighterman/a.yml@v1\n"),
		"o/presets@v1":   {"lighterman/a.yml": {Data: []byte("checks: {add-for-local-files: error}\n")}},
	}
	out, notes := d.told(t, NewLibrary(d, nil), adds)
	if len(d.threads) != 1 || len(out.Opinion.Comments) != 2 || out.Opinion.Comments[0].Finding.Check.Severity != check.Error || notes != "" {
		t.Errorf("threads %+v, opinion %+v, notes %s", d.threads, out.Opinion, notes)
	}
	if !slices.Contains(d.asked, "o/.github@HEAD") {
		t.Errorf("asked %v", d.asked)
	}
	// What a change makes of its lists is told without their names.
	d.neighbours["o/.github@HEAD"] = file("fail-on: error\ntrusted-registries: [registry.internal]\n")
	d.push(map[string]string{settingsFile: "fail-on: info\ntrusted-registries: [a.io]\n"}, map[string]string{"Dockerfile": twoAdds})
	_, notes = d.told(t, NewLibrary(d, nil), adds)
	if want := settingsFile + ":0: once it is merged, this changes the configuration: `fail-on` `info` → `error`; " +
		"`trusted-registries` `[\"a.io\"]` → what `o/.github:" + settingsFile + ":2` says"; notes != want {
		t.Errorf("notes\n%s\nwant\n%s", notes, want)
	}
	d.push(nil, map[string]string{"Dockerfile": twoAdds})
	// A broken one is told, and nothing of it holds.
	d.neighbours["o/.github@HEAD"] = file("comments: {max-inlne: 1}\n")
	_, notes = d.told(t, NewLibrary(d, nil), adds)
	if want := ":0: the configuration holds without a part of it: o/.github:.github/lighterman.yml:1:12: the organisation's default is left out: " +
		`there is no key "max-inlne"; did you mean "max-inline"?`; notes != want {
		t.Errorf("notes\n%s\nwant\n%s", notes, want)
	}
	// That of the organisation's own repository is its own.
	d.change.Ref.Repo.Name = ".github"
	if _, notes = d.told(t, NewLibrary(d, nil), adds); notes != "" || slices.Contains(d.asked, "o/.github@HEAD") {
		t.Errorf("notes %s, asked %v", notes, d.asked)
	}
}

// TestPresetsAreForTheBaseBranchToChoose holds that no repository is read because a pull request names it, and none of
// another owner at all.
func TestPresetsAreForTheBaseBranchToChoose(t *testing.T) {
	const own = "extends: [o/presets, p/private]\n"
	d := newDesk(map[string]string{settingsFile: own},
		map[string]string{settingsFile: "extends: [o/presets, o/secret, p/private, 'o/presets:lighterman.yml@v2']\nfail-on: error\n", "Dockerfile": twoAdds})
	d.neighbours = map[string]fstest.MapFS{
		"o/presets@HEAD": file("comments: {max-inline: 1}\n"), "o/secret@HEAD": file("fail-on: never\n"), "p/private@HEAD": file("fail-on: never\n"),
		"o/presets@v2": {},
	}
	_, notes := d.told(t, NewLibrary(d, nil), adds)
	want := settingsFile + ":1: the configuration holds without a part of it: p/private belongs to somebody else; presets are taken from repositories of o\n" +
		settingsFile + ":1: this takes over a configuration that is read once it is merged: o/secret\n" +
		settingsFile + ":1: this takes over a configuration that is read once it is merged: o/presets:lighterman.yml@v2\n" +
		settingsFile + ":0: once it is merged, this changes the configuration: `fail-on` `warning` → `error`"
	if diff := cmp.Diff(want, notes); diff != "" {
		t.Error(diff)
	}
	asked := slices.DeleteFunc(slices.Clone(d.asked), func(s string) bool { return !strings.Contains(s, "@") })
	if diff := cmp.Diff([]string{"o/.github@HEAD", "o/presets@HEAD"}, asked); diff != "" {
		t.Error(diff)
	}
	if len(d.threads) != 1 {
		t.Errorf("%d threads, the base branch's preset says 1", len(d.threads))
	}
}

// TestSharedPresets are read through the installation of the account that shares them, for everybody alike.
func TestSharedPresets(t *testing.T) {
	d := newDesk(map[string]string{settingsFile: "extends: Shared/presets\n"}, map[string]string{settingsFile: "extends: Shared/presets\n", "Dockerfile": twoAdds})
	d.neighbours = map[string]fstest.MapFS{"Shared/presets@HEAD": file("comments: {max-inline: 1}\n")}
	d.change.Ref.Repo.Installation, d.through = 3, map[string]int64{}
	var through []string
	find := func(_ context.Context, owner string) (int64, error) {
		through = append(through, owner)
		if len(through) > 1 {
			return 0, forge.ErrGone
		}
		return 9, nil
	}
	r := &Reviewer{Forge: d, Library: NewLibrary(d, find), Owners: []string{"shared"}, Options: options(adds)}
	for range 2 {
		if out, err := r.Review(context.Background(), d.change.Ref); err != nil || len(d.threads) != 1 || len(out.Opinion.Notes) > 0 {
			t.Fatalf("%v: %d threads, %+v", err, len(d.threads), out.Opinion)
		}
	}
	if len(through) != 1 || through[0] != "Shared" || d.through["Shared"] != 9 || d.through["o"] != 3 {
		t.Errorf("asked %v, through %v", through, d.through)
	}
	// What cannot be reached any more is told.
	clear(d.through)
	r.Library = NewLibrary(d, find)
	out, err := r.Review(context.Background(), d.change.Ref)
	if err != nil || len(out.Opinion.Notes) != 1 || !strings.Contains(out.Opinion.Notes[0].Words, "out of reach") || d.through["Shared"] != 0 {
		t.Errorf("%v: notes %+v, through %v", err, out.Opinion.Notes, d.through)
	}
}

// TestWhatBecomesOfTheConfigurationIsTold tells what a pull request changes in it, and breaks, while what held goes on.
func TestWhatBecomesOfTheConfigurationIsTold(t *testing.T) {
	const lib = "lib/docker.yml"
	for name, c := range map[string]struct {
		before, after map[string]string
		want          string
	}{
		"a value": {map[string]string{settingsFile: "fail-on: error\n"}, map[string]string{settingsFile: "fail-on: never\nchecks: {add-for-local-files: off}\n"},
			settingsFile + ":0: once it is merged, this changes the configuration: `fail-on` `error` → `never`; `checks.add-for-local-files` `warning` → `off`"},
		"nothing": {map[string]string{settingsFile: "fail-on: error\n"}, map[string]string{settingsFile: "# why\nfail-on: error\n"}, ""},
		"a first one": {nil, map[string]string{settingsFile: "comments: {max-inline: 3}\n"},
			settingsFile + ":0: once it is merged, this changes the configuration: `comments.max-inline` `10` → `3`"},
		"it goes": {map[string]string{settingsFile: "fail-on: error\n"}, nil,
			settingsFile + ":0: once it is merged, this changes the configuration: `fail-on` `error` → `warning`"},
		"it breaks": {map[string]string{settingsFile: "fail-on: error\n"}, map[string]string{settingsFile: "\nfail-on: eror\n"},
			settingsFile + `:2: this breaks the configuration: fail-on is "eror", which is none of info, warning, error, never; did you mean "error"? (!)`},
		"a preset is missing": {map[string]string{settingsFile: ""}, map[string]string{settingsFile: "fail-on: warning\nextends: ./none.yml\n"},
			settingsFile + `:2: this breaks the configuration: ./none.yml cannot be read: there is no such file (!)`},
		"it was missing": {map[string]string{settingsFile: "extends: ./none.yml\n"}, map[string]string{settingsFile: "# why\nextends: ./none.yml\n"},
			settingsFile + `:1: the configuration holds without a part of it: ./none.yml cannot be read: there is no such file`},
		"a preset of its own": {map[string]string{settingsFile: "extends: ./lib/docker.yml\n", lib: "fail-on: error\n"},
			map[string]string{settingsFile: "extends: ./lib/docker.yml\n", lib: "fail-on: info\n"},
			lib + ":0: once it is merged, this changes the configuration: `fail-on` `error` → `info`"},
		"a preset of its own breaks": {map[string]string{settingsFile: "extends: ./lib/docker.yml\n", lib: "fail-on: error\n"},
			map[string]string{settingsFile: "extends: ./lib/docker.yml\n", lib: "\n\nfail-on: x\n"},
			lib + `:3: this breaks the configuration: fail-on is "x", which is none of info, warning, error, never (!)` + "\n" +
				lib + ":0: once it is merged, this changes the configuration: `fail-on` `error` → `warning`"},
		"a preset of its own goes": {map[string]string{settingsFile: "extends: ./lib/docker.yml\n", lib: "fail-on: error\n"},
			map[string]string{settingsFile: "extends: ./lib/docker.yml\n"},
			settingsFile + ":1: this breaks the configuration: ./lib/docker.yml cannot be read: there is no such file (!)\n" +
				lib + ":0: once it is merged, this changes the configuration: `fail-on` `error` → `warning`"},
		"what ends a code span": {nil, map[string]string{settingsFile: "builds: [{files: ['a`b @x']}]\n"},
			settingsFile + ":0: once it is merged, this changes the configuration: `builds[0]` nothing → `{files: [\"a'b @x\"]}`"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.after == nil {
				c.after = map[string]string{}
			}
			c.after["Dockerfile"] = "FROM node\nUSER node\n"
			d := newDesk(c.before, c.after)
			if _, notes := d.told(t, nil, adds); notes != c.want {
				t.Errorf("notes\n%s\nwant\n%s", notes, c.want)
			}
			if out, _ := d.told(t, nil, adds); out.End != Unchanged {
				t.Errorf("the second run has something to say: %+v", out.Plan)
			}
			if len(d.reviews) > 0 && !strings.Contains(c.want, "(!)") {
				t.Errorf("a review for it: %+v", d.reviews)
			}
		})
	}
}

// TestManyProblemsAndChangesAreBounded holds what a hostile configuration can make us say.
func TestManyProblemsAndChangesAreBounded(t *testing.T) {
	var wrong strings.Builder
	for n := range 3000 {
		fmt.Fprintf(&wrong, "k%d: 1\n", n)
	}
	d := newDesk(nil, map[string]string{settingsFile: wrong.String(), "Dockerfile": "FROM node\nUSER node\n"})
	_, notes := d.told(t, nil, adds)
	if lines := strings.Split(notes, "\n"); len(lines) != maxBroken || !strings.HasSuffix(notes, "(and 2990 more) (!)") {
		t.Errorf("notes\n%s", notes)
	}
	wrong.Reset()
	wrong.WriteString("builds:\n")
	for range 2000 {
		wrong.WriteString("  - files: [x]\n")
	}
	d = newDesk(nil, map[string]string{settingsFile: wrong.String(), "Dockerfile": "FROM node\nUSER node\n"})
	if _, notes = d.told(t, nil, adds); len(notes) > 1000 || !strings.HasSuffix(notes, " more") {
		t.Errorf("%d bytes of notes\n%s", len(notes), notes)
	}
}

// TestNobodySwitchesAConfigurationOff tries what a pull request can do to the file or its diff.
func TestNobodySwitchesAConfigurationOff(t *testing.T) {
	const lib = "lib/docker.yml"
	before := map[string]string{settingsFile: "extends: ./" + lib + "\n", lib: "checks: {add-for-local-files: error}\n"}
	base := fstest.MapFS{settingsFile: {Data: []byte(before[settingsFile])}, lib: {Data: []byte(before[lib])}}
	for name, change := range map[string]func(*desk){
		"the preset changes":              func(*desk) {},
		"the preset's diff is left out":   func(d *desk) { d.alter(lib, func(c *forge.ChangedFile) { c.Patch = "" }) },
		"the preset's diff is nothing":    func(d *desk) { d.alter(lib, func(c *forge.ChangedFile) { c.Patch, c.Lines = "", 0 }) },
		"the preset's diff is of another": func(d *desk) { d.alter(lib, func(c *forge.ChangedFile) { c.Patch = "@@ -9 +9 @@\n-x\n+y" }) },
		"the preset grows":                func(d *desk) { d.grow(lib) },
		"the preset is renamed": func(d *desk) {
			d.tree["x.yml"] = d.tree[lib]
			delete(d.tree, lib)
			d.alter(lib, func(c *forge.ChangedFile) { c.Status, c.Path, c.OldPath = forge.Renamed, "x.yml", lib })
		},
		"the file is renamed": func(d *desk) {
			d.tree["x.yml"] = &fstest.MapFile{Data: []byte(before[settingsFile])}
			delete(d.tree, settingsFile)
			d.change.Files = append(d.change.Files, forge.ChangedFile{Path: "x.yml", OldPath: settingsFile, Status: forge.Renamed})
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(before, map[string]string{settingsFile: before[settingsFile], lib: "checks: {add-for-local-files: off}\n", "Dockerfile": twoAdds})
			d.base = base
			change(d)
			out, notes := d.told(t, nil, adds)
			if len(out.Opinion.Comments) != 2 || out.Opinion.Comments[0].Finding.Check.Severity != check.Error {
				t.Errorf("told %+v, notes\n%s", out.Opinion.Comments, notes)
			}
		})
	}
}

func (d *desk) alter(path string, f func(*forge.ChangedFile)) {
	f(&d.change.Files[slices.IndexFunc(d.change.Files, func(c forge.ChangedFile) bool { return c.Path == path })])
}

// grow adds more to a file than a configuration may have.
func (d *desk) grow(path string) {
	more := strings.Repeat("#\n", 40000)
	d.tree[path].Data = append(d.tree[path].Data, more...)
	d.alter(path, func(c *forge.ChangedFile) {
		c.Patch = patchOf("checks: {add-for-local-files: error}\n", string(d.tree[path].Data))
	})
}

// TestDraftsAndBots are treated as the repository says.
func TestDraftsAndBots(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "draft 0 of 1, bot 1 of 1",
		"drafts: comment\nbots: all\n": "draft 1 of 1, bot 1 of 2",
		"drafts: skip\nbots: skip\n":   "draft 0 of 0, bot 0 of 0",
	} {
		var got []string
		for _, who := range []string{"draft", "bot"} {
			before := map[string]string{settingsFile: text, "Dockerfile": "FROM node\nCOPY . .\nUSER node\n"}
			after := map[string]string{settingsFile: text, "Dockerfile": "FROM node\nCOPY . .\nADD b .\nUSER node\n"}
			checks := []*check.Check{adds}
			if who == "bot" {
				after["package.json"], checks = "{}", append(checks, broad)
			}
			d := newDesk(before, after)
			d.mayCheck, d.draft, d.bot = true, who == "draft", who == "bot"
			out, _ := d.told(t, nil, checks...)
			got = append(got, fmt.Sprintf("%s %d of %d", who, min(1, len(d.threads)), len(out.Opinion.Comments)))
			skipped := strings.HasSuffix(out.Plan.Check.Title, "are not looked at here")
			if skipped != strings.Contains(text, "skip") || skipped && out.Plan.Check.Conclusion != forge.Success {
				t.Errorf("%q: check run %+v", text, out.Plan.Check)
			}
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("%q: %s, want %s", text, s, want)
		}
	}
}

// TestWhatWasSaidOfADraftStays holds that a pull request which is not looked at any more loses no thread.
func TestWhatWasSaidOfADraftStays(t *testing.T) {
	files := map[string]string{settingsFile: "drafts: skip\n"}
	d := newDesk(files, map[string]string{settingsFile: "drafts: skip\n", "Dockerfile": twoAdds})
	d.told(t, nil, adds)
	d.draft = true
	if out, _ := d.told(t, nil, adds); len(d.threads) == 0 || d.threads[0].Resolved || len(out.Plan.Resolve) > 0 {
		t.Errorf("threads %+v", d.threads)
	}
}

// library is a code host with one repository, whose answers take a second.
type library struct {
	forge.Forge
	mu    sync.Mutex
	asked int
	err   error
}

func (l *library) Tree(ctx context.Context, _ forge.Repo, _ string) (forge.Tree, error) {
	l.mu.Lock()
	l.asked++
	l.mu.Unlock()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return shelf{file("fail-on: error\n"), &desk{}}, l.err
}

// TestALibraryAsksOnce holds that many reviews at once ask once, that an answer holds for some minutes, also that there
// is none, and that what was no answer does not.
func TestALibraryAsksOnce(t *testing.T) {
	for name, err := range map[string]error{
		"a file": nil, "nothing": forge.ErrGone, "no answer": errors.New("502"), "a limit": &forge.LimitError{},
	} {
		kept := name == "a file" || name == "nothing"
		synctest.Test(t, func(t *testing.T) {
			host := &library{err: err}
			l := NewLibrary(host, nil)
			read := func() error {
				_, err := l.read(t.Context(), 1, config.Reference{Repo: "O/.github"})
				return err
			}
			var all sync.WaitGroup
			for range 10 {
				all.Go(func() {
					if got := read(); (got == nil) != (err == nil) || got != nil && kept != errors.Is(got, config.ErrUnreachable) {
						t.Errorf("%s: %v", name, got)
					}
				})
			}
			all.Wait()
			if want := map[bool]int{true: 1, false: 10}[kept]; host.asked != want {
				t.Errorf("%s: asked %d times at once, want %d", name, host.asked, want)
			}
			host.asked = 0
			time.Sleep(Remembered - 2*time.Second)
			_ = read()
			time.Sleep(3 * time.Second)
			_ = read()
			if want := map[bool]int{true: 1, false: 2}[kept]; host.asked != want {
				t.Errorf("%s: asked %d times in some minutes, want %d", name, host.asked, want)
			}
		})
	}
}

// TestALibraryKeepsAccountsApart holds that an answer is for the installation that asked, and that waiting ends with the
// one who waits.
func TestALibraryKeepsAccountsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := &library{}
		l := NewLibrary(host, nil)
		ref := config.Reference{Repo: "o/x"}
		for n := range int64(3) {
			if _, err := l.read(t.Context(), n, ref); err != nil {
				t.Fatal(err)
			}
		}
		for n := range 2 * maxSlots {
			l.slot(mark{9, config.Reference{Repo: fmt.Sprint("o/", n)}})
		}
		if host.asked != 3 || len(l.slots) > maxSlots {
			t.Errorf("asked %d times, %d answers", host.asked, len(l.slots))
		}
		go func() { _, _ = l.read(context.WithoutCancel(t.Context()), 5, ref) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := l.read(ctx, 5, ref); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waited on: %v", err)
		}
		synctest.Wait()
		time.Sleep(2 * time.Second)
	})
}
