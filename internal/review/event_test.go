package review

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
)

// An archive has files by name.
type archive = map[string]string

// A diarist reviews a desk's pull request again and again, as the queue has it done.
type diarist struct {
	*desk
	memory string
	prover check.Prover
}

// happens is what the next review tells, each event in words.
func (d *diarist) happens(t testing.TB, checks ...*check.Check) []string {
	t.Helper()
	o := options(checks...)
	o.Prover = d.prover
	r := &Reviewer{Forge: d, Options: o}
	out, err := r.ReviewSince(context.Background(), d.change.Ref, Since{Memory: d.memory})
	if err != nil {
		t.Fatal(err)
	}
	if out.Memory != "" {
		d.memory = out.Memory
	}
	var all []string
	for _, e := range out.Events {
		words := strings.Fields(fmt.Sprintf("%s %s %s %s", e.What, e.Check, e.How, e.Form))
		if e.N != 1 {
			words = append(words, fmt.Sprint(e.N))
		}
		all = append(all, strings.Join(words, " "))
	}
	return all
}

// swaps would have "RUN a" before "RUN b", and ignored would have .git in the ignore file.
var (
	swaps = &check.Check{Name: "swapped", Severity: check.Info, Run: func(p *check.Pass) error {
		if at := strings.Index(string(p.File.Src), "RUN b\n"); at >= 0 && strings.Index(string(p.File.Src), "RUN a\n") > at {
			p.Report(p.File.Instructions[1].Span, "b comes before a", fixes.Fix{
				Title: "Put them in order", Intent: fixes.RunsAs{User: "x"},
				Edits: []fixes.Edit{{Path: p.File.Path, Start: at, End: at + len("RUN b\n")},
					{Path: p.File.Path, Start: at + len("RUN b\nRUN a\n"), End: at + len("RUN b\nRUN a\n"), New: "RUN b\n"}},
			})
		}
		return nil
	}}
	ignored = &check.Check{Name: "unignored", Severity: check.Info, Run: func(p *check.Pass) error {
		text, err := fs.ReadFile(p.Repo, ".dockerignore")
		if err == nil && !strings.Contains(string(text), ".git") {
			p.Report(p.File.Instructions[1].Span, "the history is sent along", fixes.Fix{
				Title: "Ignore it", Intent: fixes.RunsAs{User: "x"},
				Edits: []fixes.Edit{{Path: ".dockerignore", Start: len(text), End: len(text), New: ".git\n"}},
			})
		}
		return nil
	}}
)

// doubting believes nothing.
type doubting struct{}

func (doubting) Prove(context.Context, check.Case) error { return errors.New("no") }

const (
	node   = "FROM node\n"
	toldIt = "told add-for-local-files diff"
	offer  = "offered add-for-local-files same suggestion"
	user   = "USER node\n"
)

var (
	adding  = archive{"Dockerfile": node + "ADD . .\n" + user}
	copying = archive{"Dockerfile": node + "COPY . .\n" + user}
	neither = archive{"Dockerfile": node + user}
)

// TestWhatHappened lets things happen between two reviews. Whatever it was, a third review has nothing more to tell.
func TestWhatHappened(t *testing.T) {
	push := func(a archive) func(*diarist) { return func(d *diarist) { d.push(nil, a) } }
	for name, c := range map[string]struct {
		before, first archive
		prover        check.Prover
		setUp         func(*diarist)
		told          []string
		do            func(*diarist)
		then          []string
	}{
		"nothing":                {first: adding, told: []string{offer, toldIt}},
		"a suggestion applied":   {first: adding, told: []string{offer, toldIt}, do: push(copying), then: []string{"applied add-for-local-files"}},
		"the line taken out":     {first: adding, told: []string{offer, toldIt}, do: push(neither), then: []string{"by_hand add-for-local-files"}},
		"the file taken out":     {first: adding, told: []string{offer, toldIt}, do: push(nil), then: []string{"by_hand add-for-local-files"}},
		"lines moved":            {first: adding, told: []string{offer, toldIt}, do: push(archive{"Dockerfile": "# a\n" + adding["Dockerfile"]})},
		"the instruction edited": {first: adding, told: []string{offer, toldIt}, do: push(archive{"Dockerfile": node + "ADD . /app\n" + user})},
		"the file broken": {first: adding, told: []string{offer, toldIt},
			do: push(archive{"Dockerfile": node + "ADD\n\"\n<<"})},
		"one of two applied": {first: archive{"Dockerfile": node + "ADD a .\nADD b .\n" + user}, told: []string{offer, offer, toldIt, toldIt},
			do: push(archive{"Dockerfile": node + "ADD a .\nCOPY b .\n" + user}), then: []string{"applied add-for-local-files"}},
		"another way, though the text stands elsewhere": {first: archive{"Dockerfile": node + "COPY . .\n" + node + "ADD . .\n" + user},
			told: []string{offer, toldIt}, do: push(archive{"Dockerfile": node + "COPY . .\n" + node + "RUN true\n" + user}),
			then: []string{"by_hand add-for-local-files"}},
		"lines taken away by a fix": {first: archive{"Dockerfile": node + "RUN true\nEXPOSE 1\n" + user},
			told: []string{"offered exposes intended suggestion", "told exposes diff"},
			do:   push(archive{"Dockerfile": node + "RUN true\n" + user}), then: []string{"applied exposes"}},
		"lines that change places": {first: archive{"Dockerfile": node + "RUN b\nRUN a\n" + user},
			told: []string{"offered swapped intended suggestion", "told swapped diff"},
			do:   push(archive{"Dockerfile": node + "RUN a\nRUN b\n" + user}), then: []string{"applied swapped"}},
		"lines that change otherwise": {first: archive{"Dockerfile": node + "RUN b\nRUN a\n" + user},
			told: []string{"offered swapped intended suggestion", "told swapped diff"},
			do:   push(archive{"Dockerfile": node + "RUN a\nRUN c\nRUN b\n" + user}), then: []string{"by_hand swapped"}},
		"lines in another file": {first: archive{"Dockerfile": node + "WORKDIR /\n" + user, ".dockerignore": "a\n"},
			told: []string{"offered unignored intended commit", "told unignored diff"},
			do:   push(archive{"Dockerfile": node + "WORKDIR /\n" + user, ".dockerignore": "a\n.git\nb\n"}),
			then: []string{"applied unignored"}},
		"other lines in another file": {first: archive{"Dockerfile": node + "WORKDIR /\n" + user, ".dockerignore": "a\n"},
			told: []string{"offered unignored intended commit", "told unignored diff"},
			do:   push(archive{"Dockerfile": node + "WORKDIR /\n" + user, ".dockerignore": "a\n/.git\nb\n"}),
			then: []string{"by_hand unignored"}},
		"a thread closed by a person": {first: adding, told: []string{offer, toldIt},
			do:   func(d *diarist) { d.threads[0].Resolved, d.threads[0].ResolvedBy = true, "ann" },
			then: []string{"declined add-for-local-files", "suppressed add-for-local-files dismissed"}},
		"a thumb down": {first: adding, told: []string{offer, toldIt}, do: func(d *diarist) { d.threads[0].Downs = []string{"ann"} },
			then: []string{"declined add-for-local-files", "suppressed add-for-local-files dismissed"}},
		"a stranger's thumb": {first: adding, told: []string{offer, toldIt}, do: func(d *diarist) { d.threads[0].Downs = []string{"eve"} }},
		"the command": {first: adding, told: []string{offer, toldIt},
			do:   func(d *diarist) { d.say("ann", "/lighterman ignore because", 0) },
			then: []string{"declined add-for-local-files", "suppressed add-for-local-files dismissed"}},
		"a comment in the file": {first: adding, told: []string{offer, toldIt},
			do:   push(archive{"Dockerfile": node + "# lighterman ignore=add-for-local-files because\nADD . .\n" + user}),
			then: []string{"declined add-for-local-files", "suppressed add-for-local-files ignored_comment"}},
		"no fix to decide on": {first: archive{"Dockerfile": node + "RUN true\n"}, told: []string{"told root-user diff"},
			do: push(archive{"Dockerfile": node + "RUN true\n" + user})},
		"a fix that does not hold": {first: adding, prover: doubting{}, told: []string{"refused add-for-local-files same", toldIt},
			do: push(copying)},
		"untouched lines": {before: archive{"Dockerfile": node + "ADD . .\nRUN a\nRUN b\nRUN c\nRUN d\nRUN e\n"},
			first: archive{"Dockerfile": node + "ADD . .\nRUN a\nRUN b\nRUN c\nRUN d\nRUN f\n" + user},
			told:  []string{"suppressed add-for-local-files untouched"}},
		"a touched line left alone again": {before: neither, first: adding, told: []string{offer, toldIt},
			do: func(d *diarist) {
				d.push(archive{"Dockerfile": adding["Dockerfile"] + "RUN a\n"}, archive{"Dockerfile": adding["Dockerfile"] + "RUN b\n"})
			}, then: []string{"suppressed add-for-local-files untouched"}},
		"two files alike": {first: archive{"a/Dockerfile": adding["Dockerfile"], "b/Dockerfile": adding["Dockerfile"]},
			told: []string{offer, "suppressed add-for-local-files duplicate", toldIt},
			do:   push(archive{"a/Dockerfile": copying["Dockerfile"], "b/Dockerfile": copying["Dockerfile"]}),
			then: []string{"applied add-for-local-files"}},
		"a check that the configuration ignores": {before: archive{settingsFile: "checks: {add-for-local-files: off}\n"},
			first: archive{settingsFile: "checks: {add-for-local-files: off}\n", "Dockerfile": adding["Dockerfile"]},
			told:  []string{"suppressed add-for-local-files ignored_config"}},
		"no room on the diff": {before: archive{settingsFile: "comments: {max-inline: 0}\n"},
			first: archive{settingsFile: "comments: {max-inline: 0}\n", "Dockerfile": adding["Dockerfile"]},
			told:  []string{"offered add-for-local-files same commit", "told add-for-local-files over_limit"}},
		"refused comments": {first: adding, setUp: func(d *diarist) { d.refuses = true },
			told: []string{"offered add-for-local-files same commit", "told add-for-local-files refused"}},
		"closed right after it was applied": {first: adding, told: []string{offer, toldIt},
			do: func(d *diarist) { d.push(nil, copying); d.closed = true }, then: []string{"applied add-for-local-files"}},
		"closed as it was": {first: adding, told: []string{offer, toldIt}, do: func(d *diarist) { d.closed = true }},
		"closed with something new": {first: adding, told: []string{offer, toldIt},
			do: func(d *diarist) {
				d.push(nil, archive{"Dockerfile": node + "ADD . .\nEXPOSE 1\n" + user})
				d.closed = true
			}},
	} {
		t.Run(name, func(t *testing.T) {
			d := &diarist{desk: newDesk(c.before, c.first), prover: c.prover}
			if d.prover == nil {
				d.prover = trusting{}
			}
			if c.setUp != nil {
				c.setUp(d)
			}
			happens := func(what string, want []string) {
				t.Helper()
				if got := d.happens(t, adds, exposes, rootly, swaps, ignored); !slices.Equal(got, want) {
					t.Errorf("%s tells\n%q, want\n%q", what, got, want)
				}
			}
			happens("the first review", c.told)
			happens("a second one", nil)
			if c.do != nil {
				c.do(d)
				happens("the one after that", c.then)
				happens("the last", nil)
			}
		})
	}
}

// TestARepeatedReviewTellsTheSame holds that a review whose end was never written leaves its events to the next one.
func TestARepeatedReviewTellsTheSame(t *testing.T) {
	d := &diarist{desk: newDesk(nil, adding), prover: trusting{}}
	first := d.happens(t, adds)
	d.memory = ""
	if again := d.happens(t, adds); !slices.Equal(first, again) || len(first) != 2 {
		t.Errorf("first %q, then %q", first, again)
	}
	was := d.memory
	d.push(nil, copying)
	first = d.happens(t, adds)
	d.memory = was
	if again := d.happens(t, adds); !slices.Equal(first, again) || len(first) != 1 {
		t.Errorf("first %q, then %q", first, again)
	}
}

// TestNothingHappensTwice pushes, dismisses, dies and reviews at random: a finding is told once, its fix comes to one
// thing at most, and what is remembered stays small.
func TestNothingHappensTwice(t *testing.T) {
	lines := []string{"ADD a .\n", "COPY a .\n", "ADD b .\n", "COPY b .\n", "EXPOSE 1\n", "# lighterman ignore=exposes\nEXPOSE 2\n", user}
	rapid.Check(t, func(t *rapid.T) {
		d := &diarist{desk: newDesk(nil, adding), prover: trusting{}}
		sums := map[string]int{}
		for range rapid.IntRange(1, 8).Draw(t, "reviews") {
			text := node + strings.Join(rapid.SliceOfN(rapid.SampledFrom(lines), 0, 5).Draw(t, "lines"), "")
			d.push(nil, archive{"Dockerfile": text})
			if n := len(d.threads); n > 0 && rapid.Bool().Draw(t, "dismiss") {
				d.threads[rapid.IntRange(0, n-1).Draw(t, "thread")].Downs = []string{"ann"}
			}
			was := d.memory
			first := d.events(t)
			if rapid.Bool().Draw(t, "dies") {
				d.memory = was
				if again := d.events(t); !slices.Equal(first, again) {
					t.Fatalf("a review told %v, and repeated %v", first, again)
				}
			}
			for _, e := range first {
				sums[e.Check+" "+string(e.What)] += e.N
			}
			if again := d.events(t); len(again) > 0 {
				t.Fatalf("after %v there is still %v", first, again)
			}
		}
		for _, c := range []string{adds.Name, exposes.Name} {
			if over := sums[c+" applied"] + sums[c+" by_hand"] + sums[c+" declined"]; over > sums[c+" offered"] {
				t.Fatalf("%d of %d fixes of %s came to something", over, sums[c+" offered"], c)
			}
			if sums[c+" offered"] > sums[c+" told"] {
				t.Fatalf("%s: %v", c, sums)
			}
		}
	})
}

func (d *diarist) events(t *rapid.T) []Event {
	r := &Reviewer{Forge: d, Options: options(adds, exposes)}
	out, err := r.ReviewSince(context.Background(), d.change.Ref, Since{Memory: d.memory})
	if err != nil {
		t.Fatal(err)
	}
	if d.memory = out.Memory; len(d.memory) > 40_000 {
		t.Fatalf("%d bytes are remembered", len(d.memory))
	}
	return out.Events
}

// TestADiaryIsBounded holds that what is not remembered is not told either.
func TestADiaryIsBounded(t *testing.T) {
	text := strings.Builder{}
	for n := range 3 * maxTold {
		fmt.Fprintf(&text, "ADD file%d .\n", n)
	}
	d := &diarist{desk: newDesk(nil, archive{"Dockerfile": node + text.String()}), prover: trusting{}}
	told := 0
	for _, e := range d.happens(t, adds) {
		if strings.HasPrefix(e, "told ") {
			told++
		}
	}
	if again := d.happens(t, adds); told != maxTold || len(again) > 0 || len(d.memory) > 40_000 {
		t.Errorf("%d are told, then %q; %d bytes are remembered", told, again, len(d.memory))
	}
}

// TestAForeignMemoryIsNone holds that a memory of another version, or a broken one, is survived.
func TestAForeignMemoryIsNone(t *testing.T) {
	for _, memory := range []string{"{", `{"told":3}`, `{"told":[{"id":"x","fix":true,"parts":[{"n":-5,"h":"1"}]}],"untold":{"x":null}}`} {
		d := &diarist{desk: newDesk(nil, adding), prover: trusting{}, memory: memory}
		if got := d.happens(t, adds); !slices.Contains(got, toldIt) {
			t.Errorf("after %s: %q", memory, got)
		}
	}
}

// TestAMergeGroupTellsNothing holds that what its pull requests told is not counted again.
func TestAMergeGroupTellsNothing(t *testing.T) {
	d := &diarist{desk: newDesk(nil, adding), prover: trusting{}}
	d.change.Ref = forge.Ref{Repo: d.change.Ref.Repo, Group: d.tip, GroupBase: "base"}
	if got := d.happens(t, adds); got != nil || d.memory != "" {
		t.Errorf("%q, %s", got, d.memory)
	}
}

// TestEveryEndSaysWhy holds that whoever asks why nothing was posted is told, whatever became of a review.
func TestEveryEndSaysWhy(t *testing.T) {
	for why, change := range map[string]func(*desk){
		"no Dockerfile is touched, nor what another one depends on": func(d *desk) { d.push(nil, archive{"main.go": "package main\n"}) },
		"nothing was found in 1 Dockerfile":                         func(d *desk) { d.push(nil, copying) },
		"the pull request is closed":                                func(d *desk) { d.closed = true },
		"1 finding dismissed by ann":                                func(d *desk) { d.threads[0].Downs = []string{"ann"} },
		"1 finding dismissed by somebody":                           func(d *desk) { d.threads[0].Hidden = "off-topic" },
		"there is nothing new to say since the review before":       func(*desk) {},
		"1 finding ignored by a comment in the file": func(d *desk) {
			d.push(nil, archive{"Dockerfile": "# lighterman global ignore=all\n" + adding["Dockerfile"]})
		},
		"1 finding on lines that the pull request does not change": func(d *desk) {
			d.push(adding, archive{"Dockerfile": adding["Dockerfile"] + "RUN a\nRUN b\nRUN c\nRUN d\n"})
		},
		"1 Dockerfile could not be looked at":                        func(d *desk) { d.push(nil, archive{"Dockerfile": "FRO\n"}) },
		"1 finding not on the diff, for GitHub refused the comments": func(d *desk) { d.threads, d.refuses = nil, true },
		"Drafts are not looked at here": func(d *desk) {
			d.draft = true
			d.push(archive{settingsFile: "drafts: skip\n"}, archive{settingsFile: "drafts: skip\n", "Dockerfile": adding["Dockerfile"]})
		},
		"1 Dockerfile is left out by the configuration": func(d *desk) {
			d.push(archive{settingsFile: "paths: {exclude: [Dockerfile]}\n"}, archive{settingsFile: "paths: {exclude: [Dockerfile]}\n", "Dockerfile": adding["Dockerfile"]})
		},
		"it is not known what the merge group is merged into": func(d *desk) { d.change.Ref.Group = d.tip },
	} {
		d := newDesk(nil, adding)
		d.review(t, adds)
		change(d)
		if out, err := d.review(t, adds); err != nil || !strings.Contains(out.Why, why) {
			t.Errorf("%q, %v; want %q", out.Why, err, why)
		}
	}
}

// TestRunsOfLinesAreFound holds counting by hashes against counting.
func TestRunsOfLinesAreFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(most int, what string) []string {
			return rapid.SliceOfN(rapid.SampledFrom([]string{"a\n", "b\n", "\n"}), 0, most).Draw(t, what)
		}
		text, run := draw(12, "text"), draw(4, "run")
		want := 0
		for n := range text {
			if len(run) > 0 && n+len(run) <= len(text) && slices.Equal(text[n:n+len(run)], run) {
				want++
			}
		}
		if got := partOf(strings.Join(run, ""), digestOf(strings.Join(text, ""))).Times; got != want {
			t.Fatalf("%q is in %q %d times, counted were %d", run, text, want, got)
		}
	})
}
