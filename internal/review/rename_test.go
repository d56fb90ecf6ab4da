package review

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
)

func TestAFileBecameAnother(t *testing.T) {
	text := func(lines ...string) []byte {
		if len(lines) == 0 {
			return nil
		}
		return []byte(strings.Join(lines, "\n") + "\n")
	}
	whole, half := text("FROM a", "RUN b", "USER c", "CMD d"), text("FROM a", "RUN b", "USER x", "CMD x")
	for name, c := range map[string]struct {
		was, is, before, now []byte
		want                 int
	}{
		"renamed":                   {whole, nil, nil, whole, 100},
		"renamed and edited":        {whole, nil, nil, half, 49},
		"renamed and hardly it":     {whole, nil, nil, text("FROM a", "RUN x", "USER x", "CMD x"), 0},
		"renamed and grown":         {whole, nil, nil, append(slices.Clone(whole), strings.Repeat("RUN x\n", 9)...), 0},
		"a line is there once":      {text("RUN b", "X"), nil, nil, text("RUN b", "RUN b", "RUN b"), 0},
		"copied":                    {whole, whole, nil, whole, 0},
		"copied, and then edited":   {whole, half, nil, whole, 100},
		"both edited":               {whole, half, nil, append(slices.Clone(whole), '\n'), 0},
		"swapped":                   {whole, half, half, whole, 100},
		"put over another":          {whole, nil, half, whole, 100},
		"almost put over another":   {whole, nil, half, append(slices.Clone(whole), '\n'), 95},
		"put over one almost alike": {whole, nil, append(slices.Clone(whole), '#'), append(slices.Clone(whole), '\n'), 0},
		"swapped, and then edited":  {whole, text("FROM x"), text("FROM x"), append(slices.Clone(whole), '\n'), 95},
		"one of a family goes":      {whole, nil, whole, whole, 0},
		"it was not there":          {nil, nil, nil, whole, 0},
		"the other is not there":    {whole, nil, nil, nil, 0},
		"another that did not move": {whole, nil, half, half, 0},
	} {
		if got := became(c.was, c.is, c.before, c.now); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestWhereALeadIsKnownToBe(t *testing.T) {
	renames := map[string]string{"a": "b", "b": "c"}
	for name, c := range map[string]struct {
		at     string
		finds  string
		path   string
		others string
		home   string // once nothing more is found out
	}{
		"nothing is like it":             {"x", "", "", "", ""},
		"the change renames it":          {"a", "b", "b", "", "b"},
		"it goes by the change first":    {"a", "b q", "b", "", "b"},
		"only the files tell":            {"x", "q r", "", "q r", ""},
		"the change renames it twice":    {"b", "c", "c", "", "c"},
		"it stays where it was found":    {"m", "m", "m", "", "m"},
		"it may have gone from there":    {"m", "m q", "m", "q", "m"},
		"nothing is left where it was":   {"m", "", "", "", "m"},
		"the finding is gone on the way": {"a", "", "", "", "b"},
	} {
		l := lead{posted: posted{Thread: forge.Thread{ID: "T", Path: "x"}}, at: c.at, finds: map[string]check.Finding{}}
		if c.at == "a" {
			l.Path = "a"
		}
		for _, path := range strings.Fields(c.finds) {
			l.finds[path] = check.Finding{ID: path, Path: path}
		}
		path, others := l.known(renames)
		if path != c.path || strings.Join(others, " ") != c.others {
			t.Errorf("%s: %q, or of %q; want %q, or of %q", name, path, others, c.path, c.others)
		}
		h, moved := l.settled(path, renames)
		if moved != (c.home != "") || moved && h.path != c.home {
			t.Errorf("%s: at home in %q, moved: %t; want %q", name, h.path, moved, c.home)
		}
	}
}

const oldName, newName = "web/Dockerfile", "web/app.Dockerfile"

// since is what the last review left.
type tenant struct {
	*desk
	Since
}

func (d *tenant) look(t *testing.T, checks ...*check.Check) Outcome {
	t.Helper()
	d.asked = nil
	r := &Reviewer{Forge: d.desk, Options: options(checks...)}
	out, err := r.ReviewSince(context.Background(), d.change.Ref, d.Since)
	if err != nil {
		t.Fatal(err)
	}
	d.Mark, d.Memory = out.Mark, out.Memory
	return out
}

func under(name, text string) map[string]string { return map[string]string{name: text} }

// moveIn is a pull request with an open thread on web/Dockerfile, of an ADD.
func moveIn(t *testing.T) *tenant {
	t.Helper()
	d := &tenant{desk: checkDesk(nil, under(oldName, guilty))}
	d.look(t, adds)
	if len(d.threads) != 1 {
		t.Fatalf("threads %+v", d.threads)
	}
	return d
}

// said is how many open threads each file has.
func (d *tenant) said() string {
	count := map[string]int{}
	for _, th := range d.threads {
		if !th.Resolved && th.Hidden == "" {
			count[th.Path]++
		}
	}
	var out []string
	for _, path := range slices.Sorted(maps.Keys(count)) {
		out = append(out, fmt.Sprint(path, " ", count[path]))
	}
	return strings.Join(out, ", ")
}

func resolvedByAnn(d *tenant) { d.threads[0].Resolved, d.threads[0].ResolvedBy = true, "ann" }

// TestARenameNeedsNoMemory holds with what the last review left, and with none of it: the threads tell enough.
func TestARenameNeedsNoMemory(t *testing.T) {
	for _, forgets := range []bool{false, true} {
		for name, dismiss := range map[string]func(*tenant){
			"open":      func(*tenant) {},
			"dismissed": resolvedByAnn,
			"a thumb":   func(d *tenant) { d.threads[0].Downs = []string{"ann"} },
			"a command": func(d *tenant) { d.say("ann", "/lighterman ignore", 0) },
		} {
			d := moveIn(t)
			dismiss(d)
			d.next(nil, under(newName, guilty))
			if forgets {
				d.Since = Since{}
			}
			d.look(t, adds)
			want := ""
			if name == "open" {
				want = newName + " 1"
			}
			if got := d.said(); got != want {
				t.Errorf("%s, forgets: %t: open are %q, want %q", name, forgets, got, want)
			}
			if forgets {
				d.Since = Since{}
			}
			if out := d.look(t, adds); out.End != Unchanged {
				t.Errorf("%s, forgets: %t: a second look writes %+v", name, forgets, out.Plan)
			}
		}
	}
}

// TestAFormerHeadIsReadOnlyWhenAFileMayHaveMoved counts the trees that are asked for.
func TestAFormerHeadIsReadOnlyWhenAFileMayHaveMoved(t *testing.T) {
	other := map[string]string{oldName: guilty, "api/Dockerfile": "# Alike\n" + guilty}
	for name, c := range map[string]struct {
		first, then map[string]string
		renames     bool
		want        int
	}{
		"edited":                     {under(oldName, guilty), under(oldName, guilty+"# more\n"), false, 0},
		"copied":                     {under(oldName, guilty), map[string]string{oldName: guilty, newName: guilty}, false, 0},
		"fixed, and one alike":       {other, map[string]string{oldName: strings.Replace(guilty, "ADD", "COPY", 1), "api/Dockerfile": "# Alike\n" + guilty}, false, 0},
		"deleted":                    {other, under("api/Dockerfile", "# Alike\n"+guilty), false, 0},
		"renamed":                    {under(oldName, guilty), under(newName, guilty), false, 1},
		"renamed as the change says": {under(oldName, guilty), under(newName, guilty), true, 0},
	} {
		d := &tenant{desk: checkDesk(nil, c.first)}
		d.look(t, adds)
		for n := range d.threads {
			d.threads[n].Resolved, d.threads[n].ResolvedBy = true, "ann"
		}
		d.next(nil, c.then)
		if c.renames {
			d.change.Files[0].Status, d.change.Files[0].OldPath = forge.Renamed, oldName
		}
		for range 2 {
			d.look(t, adds)
			n := len(slices.DeleteFunc(slices.Clone(d.asked), func(what string) bool { return what != "Tree past" }))
			if n != c.want {
				t.Errorf("%s: %d former trees asked for, want %d", name, n, c.want)
			}
			c.want = 0
		}
	}
}

// TestCopiesThatMove stay what they are: one whose original was dismissed inherits nothing when that goes away, and a second
// look takes none for another.
func TestCopiesThatMove(t *testing.T) {
	const copied, moved, other = "api/Dockerfile", "api/app.Dockerfile", "z.Dockerfile"
	longer := guilty + "# one line more\n"
	for name, then := range map[string]map[string]string{
		"the original is deleted": {moved: longer},
		"the original moves too":  {moved: longer, other: "# another line\n" + guilty},
	} {
		d := moveIn(t)
		resolvedByAnn(d)
		d.next(nil, map[string]string{oldName: guilty, copied: longer})
		if d.look(t, adds); d.said() != copied+" 1" {
			t.Fatalf("%s: open are %q", name, d.said())
		}
		d.next(nil, then)
		if d.look(t, adds); d.said() != moved+" 1" {
			t.Errorf("%s: open are %q", name, d.said())
		}
		if out := d.look(t, adds); out.End != Unchanged {
			t.Errorf("%s: a second look writes %+v", name, out.Plan)
		}
	}
}

// TestWhatCannotBeReadOfTheFormerHead does not keep a review from being made, unless trying again helps.
func TestWhatCannotBeReadOfTheFormerHead(t *testing.T) {
	d := moveIn(t)
	resolvedByAnn(d)
	d.next(nil, under(newName, guilty))
	d.fails = map[string]error{"Tree past": &forge.LimitError{Until: time.Now(), Err: errors.New("slow down")}}
	r := &Reviewer{Forge: d.desk, Options: options(adds)}
	if _, err := r.ReviewSince(context.Background(), d.change.Ref, d.Since); err == nil || len(d.threads) != 1 {
		t.Errorf("%v, threads %+v", err, d.threads)
	}
	d.fails = nil
	clear(d.past)
	if d.look(t, adds); d.said() != newName+" 1" {
		t.Errorf("of a head that is gone nothing is known: open are %q", d.said())
	}
}

// TestADismissalOutlivesEverything renames step by step, with as many words as make another file of it each time.
func TestADismissalOutlivesEverything(t *testing.T) {
	d := moveIn(t)
	resolvedByAnn(d)
	text, name := guilty, oldName
	for n := range 4 {
		if n%2 == 0 {
			name = fmt.Sprintf("web/%d.Dockerfile", n)
		} else {
			text += strings.Repeat(fmt.Sprintf("# %d\n", n), 100*n)
		}
		d.next(nil, under(name, text))
		if d.look(t, adds); d.said() != "" {
			t.Fatalf("step %d: %q is open", n, d.said())
		}
	}
	d.next(nil, under(name, strings.Replace(text, "ADD", "ADD --link", 1)))
	if d.look(t, adds); d.said() != name+" 1" {
		t.Errorf("other words: %q is open", d.said())
	}
}

// TestAThreadWaitsForAFileThatCannotBeRead holds under its new name too.
func TestAThreadWaitsForAFileThatCannotBeRead(t *testing.T) {
	d := moveIn(t)
	d.next(under(oldName, "FROM node\nUSER node\n"), under(newName, guilty+"NONSENSE x\n"))
	n := slices.IndexFunc(d.change.Files, func(c forge.ChangedFile) bool { return c.Path == newName })
	d.change.Files = d.change.Files[n : n+1]
	d.change.Files[0].Status, d.change.Files[0].OldPath = forge.Renamed, oldName
	if d.look(t, adds); d.said() != oldName+" 1" {
		t.Errorf("open are %q", d.said())
	}
	d.next(nil, under(newName, guilty))
	if d.look(t, adds); d.said() != newName+" 1" {
		t.Errorf("open are %q", d.said())
	}
}

// TestARetiredThreadStillTakesCommands ignores in the thread under the former name what is told in another one now.
func TestARetiredThreadStillTakesCommands(t *testing.T) {
	d := moveIn(t)
	d.next(nil, under(newName, guilty))
	if d.look(t, adds); d.said() != newName+" 1" || !d.threads[0].Resolved {
		t.Fatalf("open are %q", d.said())
	}
	d.say("ann", "/lighterman ignore", 0)
	if d.look(t, adds); d.said() != "" {
		t.Errorf("open are %q", d.said())
	}
	if out := d.look(t, adds); out.End != Unchanged {
		t.Errorf("a second look writes %+v", out.Plan)
	}
}

func TestAnAnsweredThreadGoesOnUnderTheFormerName(t *testing.T) {
	d := moveIn(t)
	d.say("joe", "Why?", 0)
	d.next(nil, under(newName, guilty))
	if d.look(t, adds); d.said() != oldName+" 1" {
		t.Errorf("open are %q", d.said())
	}
}

// TestARenameIsNoEvent counts nothing: a finding was told once, and is not fixed by another name.
func TestARenameIsNoEvent(t *testing.T) {
	d := moveIn(t)
	d.next(nil, under(newName, guilty))
	if out := d.look(t, adds); len(out.Events) != 0 {
		t.Errorf("events %+v", out.Events)
	}
	d.next(nil, under(newName, strings.Replace(guilty, "ADD", "COPY", 1)))
	out := d.look(t, adds)
	if len(out.Events) != 1 || out.Events[0].What != Applied {
		t.Errorf("events %+v", out.Events)
	}
}

// TestASummaryThatAPersonEditedTellsWhatWasRenamed holds where no check runs may be written.
func TestASummaryThatAPersonEditedTellsWhatWasRenamed(t *testing.T) {
	d := &tenant{desk: newDesk(nil, under(oldName, guilty))}
	r := &Reviewer{Forge: d.desk, Options: options(adds)}
	d.refuses = true
	if _, err := r.Review(context.Background(), d.change.Ref); err != nil || len(d.reviews) != 1 {
		t.Fatalf("%v, reviews %+v", err, d.reviews)
	}
	d.reviews[0].Touched = true
	d.next(nil, under(newName, guilty))
	d.change.Files[0].Status, d.change.Files[0].OldPath = forge.Renamed, oldName
	if out := d.look(t, adds); out.End != Unchanged || len(d.reviews) != 1 {
		t.Errorf("%s, reviews %+v", out.End, d.reviews)
	}
}
