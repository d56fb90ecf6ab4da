package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
)

const caching = "lighterman/caching"

// A scene is what people do between sweeps, and what each sweep writes.
type scene struct {
	name  string
	text  string // of the Dockerfile
	steps []act
}

// An act is what people do, and what the next sweep writes because of it.
type act struct {
	do    func(h *town)
	wrote string
}

const opened = "commit lighterman/caching, open lighterman/caching, dress #1, text #1"

func first(h *town) *pull { return h.pulls[0] }

// renamed takes a memory: what branches were called before cannot be known otherwise.
const renamed = "branches are called something else"

var scenes = []scene{
	{"merged", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.merge(first(h)) }, "delete lighterman/caching"},
	}},
	{"closed", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.close(first(h), false) }, ""},
	}},
	{"closed, and something else comes up", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.close(first(h), false) }, ""},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM a\nRUN LOUD x\nRUN LOUD y\n"}) },
			"commit lighterman/caching, open lighterman/caching, dress #2, text #2"},
	}},
	{"closed, and the words change", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.close(first(h), false) }, ""},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM a\nRUN LOUD x y\n"}) },
			"commit lighterman/caching, open lighterman/caching, dress #2, text #2"},
	}},
	{"closed, and only lines move", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.close(first(h), false) }, ""},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM a\n\nENV B=c\nRUN   LOUD x\n"}) }, ""},
	}},
	{"closed, and the file is renamed", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.close(first(h), false) }, ""},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "", "web/Dockerfile": "FROM a\nRUN LOUD x\n"}) }, ""},
	}},
	{"closed, and the file is copied", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.close(first(h), false) }, ""},
		{func(h *town) { h.edit(map[string]string{"web/Dockerfile": "FROM a\nRUN LOUD x\n"}) },
			"commit lighterman/caching, open lighterman/caching, dress #2, text #2"},
	}},
	{"unmuted by somebody who may", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.close(first(h), false) }, ""},
		{func(h *town) { h.comment(first(h), "robin", "/lighterman unmute\nplease") },
			"react #1, open lighterman/caching, dress #2, text #2"},
		{func(h *town) { h.close(h.pulls[1], false) }, ""},
	}},
	{"unmuted by somebody who may not", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.close(first(h), false) }, ""},
		{func(h *town) { h.comment(first(h), "mallory", "/lighterman unmute") }, "react #1"},
	}},
	{"unmuted before it was closed", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.comment(first(h), "robin", "/lighterman unmute"); h.close(first(h), false) }, ""},
	}},
	{"reverted", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.merge(first(h)) }, "delete lighterman/caching"},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM a\nRUN LOUD x\n"}) }, ""},
		{func(h *town) { h.comment(first(h), "robin", "/lighterman unmute") },
			"react #1, commit lighterman/caching, open lighterman/caching, dress #2, text #2"},
	}},
	{"fixed by hand", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM a\nRUN x\n"}) },
			"say #1, close #1, delete lighterman/caching"},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM a\nRUN LOUD x\n"}) },
			"commit lighterman/caching, open lighterman/caching, dress #2, text #2"},
	}},
	{"more to fix", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.edit(map[string]string{"b/Dockerfile": "FROM a\nRUN LOUD y\n"}) }, "commit lighterman/caching, text #1"},
	}},
	{"the base moved", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.edit(map[string]string{"README.md": "hello"}) }, ""},
	}},
	{"the base moved and conflicts", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM b\nRUN LOUD x\n"}) }, "commit lighterman/caching, text #1"},
	}},
	{"a person's commit", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.push(caching, h.commits[h.branches[caching]].files, "mine", false) }, "say #1"},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM b\nRUN LOUD x\n"}) }, ""},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM b\nRUN x\n"}) }, ""},
		{func(h *town) { h.close(first(h), false) }, ""},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM b\nRUN LOUD z\n"}) }, ""},
		{func(h *town) { h.drop(caching) }, "commit lighterman/caching, open lighterman/caching, dress #2, text #2"},
	}},
	{"the branch is deleted", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.drop(caching) }, ""},
	}},
	{"the branch is a person's", "FROM a\nRUN LOUD x\n", []act{
		{func(h *town) { h.push(caching, h.main(), "mine", false, h.branches["main"]) }, ""},
	}},
	{"the branch is a person's with a fix of ours", "FROM a\nRUN LOUD x\n", []act{
		{func(h *town) {
			h.push(caching, h.main(), "Make 2 fixes\n\nLighterman-Request: 7", true, h.branches["main"])
		}, ""},
	}},
	{"somebody else's pull request", "FROM a\nRUN LOUD x\n", []act{
		{func(h *town) {
			h.push(caching, h.main(), "mine", false, h.branches["main"])
			h.pulls = append(h.pulls, &pull{branch: caching, Pull: forge.Pull{Number: 1, State: forge.PullOpen}})
		}, ""},
	}},
	{"retargeted", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.branches["next"] = h.branches["main"]; first(h).Base = "next" }, ""},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM b\nRUN LOUD x\n"}) }, ""},
	}},
	{"another default branch", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.branches["trunk"] = h.branches["main"]; h.repo.Branch = "trunk" },
			"say #1, close #1, delete lighterman/caching"},
		{nil, "commit lighterman/caching, open lighterman/caching, dress #2, text #2"},
	}},
	{"the default branch is renamed", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) {
			h.branches["trunk"], h.repo.Branch, first(h).Base = h.branches["main"], "trunk", "trunk"
			delete(h.branches, "main")
		}, "text #1"},
	}},
	{"the title is edited", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { first(h).Title = "ABC-1 quieter" }, ""},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM b\nRUN LOUD x\n"}) }, "commit lighterman/caching, text #1"},
	}},
	{"the text is edited", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { first(h).Body = strings.Replace(first(h).Body, "Not wanted", "Unwanted", 1) }, ""},
		{func(h *town) { h.edit(map[string]string{"b/Dockerfile": "FROM a\nRUN LOUD y\n"}) }, "commit lighterman/caching, text #1"},
		{func(h *town) { h.close(first(h), false) }, ""},
	}},
	{"a line is added below", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { first(h).Body += "\nSee also #7." }, ""},
		{func(h *town) { h.edit(map[string]string{"b/Dockerfile": "FROM a\nRUN LOUD y\n"}) }, "commit lighterman/caching, text #1"},
		{func(h *town) { first(h).Body += "\nNo."; h.close(first(h), false) }, ""},
		{func(h *town) { h.edit(map[string]string{"c/Dockerfile": "FROM a\nRUN LOUD z\n"}) },
			"commit lighterman/caching, open lighterman/caching, dress #2, text #2"},
	}},
	{"the text's note is deleted", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { first(h).Body = "quieter" }, "text #1"},
		{func(h *town) { h.close(first(h), false) }, ""},
	}},
	{"the note is deleted when it is closed", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { first(h).Body = ""; h.close(first(h), false) }, ""},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM a\nRUN LOUD z\n"}) }, ""},
		{func(h *town) { h.comment(first(h), "robin", "/lighterman unmute") },
			"react #1, commit lighterman/caching, open lighterman/caching, dress #2, text #2"},
	}},
	{"sweeps are switched off", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.edit(map[string]string{".github/lighterman.yml": "sweeps: {enabled: false}\n"}) },
			"say #1, close #1, delete lighterman/caching"},
	}},
	{"the decision is taken back", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.edit(map[string]string{".github/lighterman.yml": ""}) }, ""},
	}},
	{"the family is switched off", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) {
			h.edit(map[string]string{".github/lighterman.yml": "sweeps: {enabled: true, families: [pinning]}\n"})
		},
			"say #1, close #1, delete lighterman/caching"},
	}},
	{"the configuration is broken", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) {
			h.edit(map[string]string{".github/lighterman.yml": "sweeps: [\n", "Dockerfile": "FROM a\n"})
		}, ""},
	}},
	{renamed, "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) {
			h.edit(map[string]string{".github/lighterman.yml": strings.Replace(on, "{", "{branch-prefix: bot/, ", 1)})
		}, "say #1, close #1, delete lighterman/caching, commit bot/caching, open bot/caching, dress #2, text #2"},
		{func(h *town) { h.close(h.pulls[1], false) }, ""},
		{func(h *town) { h.edit(map[string]string{".github/lighterman.yml": on}) }, ""},
	}},
	{"one of two is declined, and the other changes its words", "FROM a\nRUN FAT LOUD x\n", []act{
		{nil, opened + ", commit lighterman/smaller-image, open lighterman/smaller-image, dress #2, text #2"},
		{func(h *town) { h.close(first(h), false) }, "text #2"},
		{func(h *town) { h.merge(h.pulls[1]) }, "delete lighterman/smaller-image"},
	}},
	{"branches are called something else, and one is a person's", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) {
			h.push(caching, h.commits[h.branches[caching]].files, "mine", false)
			h.edit(map[string]string{".github/lighterman.yml": strings.Replace(on, "{", "{branch-prefix: bot/, ", 1)})
		}, "say #1"},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM a\nRUN LOUD y\n"}) }, ""},
		{func(h *town) { h.close(first(h), false) }, "commit bot/caching, open bot/caching, dress #2, text #2"},
	}},
	{"merged, reverted and unmuted before the branch is tidied", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) {
			h.merge(first(h))
			h.edit(map[string]string{"Dockerfile": "FROM a\nRUN LOUD x\n"})
			h.comment(first(h), "robin", "/lighterman unmute")
		}, "react #1, commit lighterman/caching, open lighterman/caching, dress #2, text #2"},
	}},
	{"a comment is edited to unmute", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) {
			h.close(first(h), false)
			h.comment(first(h), "robin", "/lighterman unmute")
			first(h).Comments[0].Edited = true
		}, ""},
	}},
	{"both are declined, and one is fixed by hand", "FROM a\nRUN LOUD SLOW x\n", []act{
		{nil, opened},
		{func(h *town) { h.close(first(h), false) }, ""},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM a\nRUN SLOW x\n"}) }, ""},
	}},
	{"a withdrawn pull request is opened again", "FROM a\nRUN LOUD x\n", []act{
		{nil, opened},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM a\nRUN x\n"}) }, "say #1, close #1, delete lighterman/caching"},
		{func(h *town) {
			first(h).State, h.branches[caching], h.clock = forge.PullOpen, first(h).head, h.clock.Add(48*time.Hour)
		}, ""},
	}},
}

// TestScenes plays each scene twice: with what the sweep before left in memory, and without. After each sweep a second one
// writes nothing.
func TestScenes(t *testing.T) {
	for _, s := range scenes {
		for _, keep := range []bool{false, true} {
			if s.name == renamed && !keep {
				continue
			}
			s.play(t, keep)
		}
	}
}

// play plays a scene, with what the sweep before left in memory or without.
func (s scene) play(t *testing.T, keep bool) {
	t.Helper()
	h, ask := enabled(s.text), Ask{}
	for n, a := range s.steps {
		if a.do != nil {
			a.do(h)
		}
		out, wrote := h.sweep(t, ask)
		if wrote != a.wrote {
			t.Errorf("%s: sweep %d, memory %t: wrote %q, want %q", s.name, n, keep, wrote, a.wrote)
		}
		if keep && out.Memory != nil {
			ask.Memory = out.Memory
		}
		h.quiet(t, s.name, ask, &n)
	}
}

// quiet asserts that another sweep writes nothing, but where a withdrawal leaves room for what is opened next.
func (h *town) quiet(t *testing.T, name string, ask Ask, n *int) {
	t.Helper()
	if name == "another default branch" {
		return
	}
	if out, again := h.sweep(t, ask); again != "" || out.Written > 0 {
		t.Errorf("%s: the second sweep after %d wrote %q", name, *n, again)
	}
}

// TestUnchangedCostsTwoReads: with a memory nothing is looked at that did not change.
func TestUnchangedCostsTwoReads(t *testing.T) {
	h := enabled("FROM a\nRUN LOUD x\n")
	out, _ := h.sweep(t, Ask{})
	h.reads = nil
	again, wrote := h.sweep(t, Ask{Memory: out.Memory})
	if got := strings.Join(h.reads, " "); got != "repository proposals" || wrote != "" {
		t.Errorf("read %s, wrote %q", got, wrote)
	}
	if again.Survey != nil || again.Totals.Findings != 1 || again.Totals.Fixable != 1 {
		t.Errorf("%+v", again)
	}
	if string(again.Memory) != string(out.Memory) {
		t.Errorf("memory changed from\n%s to\n%s", out.Memory, again.Memory)
	}
	h.clock = h.clock.Add(20 * 24 * time.Hour)
	again, _ = h.sweep(t, Ask{Memory: again.Memory})
	h.clock, h.reads = h.clock.Add(11*24*time.Hour), nil
	if h.sweep(t, Ask{Memory: again.Memory}); !slices.Contains(h.reads, "tree") {
		t.Errorf("a memory of a memory is never old: %v", h.reads)
	}
	h.clock = h.clock.Add(-31 * 24 * time.Hour)
	for name, ask := range map[string]func(s *Sweeper, h *town){
		"another engine": func(s *Sweeper, _ *town) { s.Version = "v2" },
		"a month later":  func(_ *Sweeper, h *town) { h.clock = h.clock.Add(31 * 24 * time.Hour) },
		"another tree":   func(_ *Sweeper, h *town) { h.edit(map[string]string{"x": "y"}) },
	} {
		s := h.sweeper()
		ask(s, h)
		h.reads = nil
		if _, err := s.Sweep(t.Context(), h.repo.Repo, Ask{Memory: out.Memory}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(h.reads, " "), "tree") {
			t.Errorf("%s: %v", name, h.reads)
		}
	}
}

// TestFailedReadsDecideNothing: what could not be read is an error, and nothing is written.
func TestFailedReadsDecideNothing(t *testing.T) {
	h := enabled("FROM a\nRUN LOUD x\n")
	h.sweep(t, Ask{})
	h.edit(map[string]string{"Dockerfile": "FROM a\n"})
	h.gone = errors.New("no route")
	if _, err := h.sweeper().Sweep(t.Context(), h.repo.Repo, Ask{}); err == nil || h.wrote() != "" {
		t.Error(err)
	}
}

// TestSkipped tells why a repository is not looked at.
func TestSkipped(t *testing.T) {
	for want, set := range map[Reason]func(h *town){
		Archived: func(h *town) { h.repo.Archived = true },
		Disabled: func(h *town) { h.repo.Disabled = true },
		Empty:    func(h *town) { delete(h.branches, "main") },
		Mirrored: func(h *town) { h.repo.Mirror = true },
		Forked:   func(h *town) { h.repo.Fork = true },
		TooLarge: func(h *town) { h.large = true },
		Misconfigured: func(h *town) {
			h.edit(map[string]string{".github/lighterman.yml": "sweeps: {enabled: maybe}\n"})
		},
	} {
		h := enabled("FROM a\nRUN LOUD x\n")
		set(h)
		out, wrote := h.sweep(t, Ask{})
		if out.Skipped != want || wrote != "" || out.Steps != nil {
			t.Errorf("%s: %+v, wrote %q", want, out, wrote)
		}
	}
}

// TestNothingIsWrittenWithoutConsent: nobody decided, so it is only looked.
func TestNothingIsWrittenWithoutConsent(t *testing.T) {
	h := newTown(map[string]string{"Dockerfile": "FROM a\nRUN LOUD x\n"})
	out, wrote := h.sweep(t, Ask{})
	if out.Consent != Missing || wrote != "" || out.Survey == nil || out.Totals.Fixable != 1 || len(h.reads) != 2 {
		t.Errorf("%+v wrote %q read %v", out, wrote, h.reads)
	}
	h.reads = nil
	again, _ := h.sweep(t, Ask{Memory: out.Memory})
	if again.Totals.Fixable != 1 || len(h.reads) != 1 {
		t.Errorf("%+v read %v", again, h.reads)
	}
	if out, wrote := h.sweep(t, Ask{Agreed: true, Memory: out.Memory}); out.Consent != Given || !strings.Contains(wrote, "open") {
		t.Errorf("%s, wrote %q", out.Consent, wrote)
	}
}

// TestDryRunWritesNothing and shows the motions.
func TestDryRunWritesNothing(t *testing.T) {
	h := enabled("FROM a\nRUN LOUD x\n")
	out, wrote := h.sweep(t, Ask{DryRun: true, Permit: func(int) bool { t.Error("a permit was taken"); return true }})
	if wrote != "" || out.Written != 0 || out.Opened != 0 {
		t.Errorf("wrote %q", wrote)
	}
	n := 0
	for _, s := range out.Steps {
		if s.Act == Open && s.Motion.Commit != nil && string(s.Motion.Commit.Files[0].Text) == "FROM a\nRUN x\n" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%+v", out.Steps)
	}
}

const three = "FROM a\nRUN LOUD x\nRUN FAT y\nRUN ROOT z\n"

// TestLimits: so many are open at once, and so many are opened now; what waits follows.
func TestLimits(t *testing.T) {
	h := newTown(map[string]string{".github/lighterman.yml": "sweeps: {enabled: true, open-pulls: 2}\n", "Dockerfile": three})
	left := 1
	permit := func(int) bool { left--; return left >= 0 }
	out, wrote := h.sweep(t, Ask{Permit: permit})
	if strings.Count(wrote, "open ") != 1 || out.Opened != 1 || waits(out) != "smaller-image non-root" {
		t.Errorf("wrote %q; %s wait", wrote, waits(out))
	}
	left = 5
	out, wrote = h.sweep(t, Ask{Permit: permit, Memory: out.Memory})
	if strings.Count(wrote, "open ") != 1 || waits(out) != "non-root" || left != 4 {
		t.Errorf("wrote %q; %s wait, %d left", wrote, waits(out), left)
	}
	h.merge(h.pulls[0])
	if out, wrote = h.sweep(t, Ask{Permit: permit, Memory: out.Memory}); strings.Count(wrote, "open ") != 1 || waits(out) != "" {
		t.Errorf("wrote %q; %s wait", wrote, waits(out))
	}
}

func waits(o Outcome) string {
	var names []string
	for _, s := range o.Steps {
		if s.Waits {
			names = append(names, s.Topic)
		}
	}
	return strings.Join(names, " ")
}

// TestFamiliesAskedFor leave the others alone, and what is remembered of them too.
func TestFamiliesAskedFor(t *testing.T) {
	h := newTown(map[string]string{".github/lighterman.yml": on, "Dockerfile": three})
	out, _ := h.sweep(t, Ask{})
	part, wrote := h.sweep(t, Ask{Families: Topics(nil)[:1][0].only(), Memory: out.Memory})
	if wrote != "" || string(part.Memory) != string(out.Memory) {
		t.Errorf("wrote %q", wrote)
	}
	if _, wrote = h.sweep(t, Ask{Memory: part.Memory}); wrote != "" {
		t.Errorf("wrote %q", wrote)
	}
}

// TestAConflictThatIsNoneAnyMore is not answered again: GitHub takes a while to find out.
func TestAConflictThatIsNoneAnyMore(t *testing.T) {
	h := enabled("FROM a\nRUN LOUD x\n")
	h.sweep(t, Ask{})
	h.edit(map[string]string{"Dockerfile": "FROM b\nRUN LOUD x\n"})
	h.slow = true
	if _, wrote := h.sweep(t, Ask{}); wrote != "commit lighterman/caching, text #1" {
		t.Errorf("wrote %q", wrote)
	}
	if _, wrote := h.sweep(t, Ask{}); wrote != "" {
		t.Errorf("wrote %q again", wrote)
	}
}

// TestMovedOn: what happens between reading and writing is seen, and nothing is written over it.
func TestMovedOn(t *testing.T) {
	h := enabled("FROM a\nRUN LOUD x\n")
	h.sweep(t, Ask{})
	h.edit(map[string]string{"Dockerfile": "FROM b\nRUN LOUD x\n"})
	h.watch = func() {
		h.watch = nil
		h.push(caching, h.commits[h.branches[caching]].files, "mine", false)
	}
	if out, wrote := h.sweep(t, Ask{}); wrote != "say #1" || out.Written != 1 {
		t.Errorf("wrote %q", wrote)
	}
	h.watch = func() { h.push(caching, h.main(), "mine", false) }
	h.pulls[0].Comments = nil
	if _, err := h.sweeper().Sweep(t.Context(), h.repo.Repo, Ask{}); !errors.Is(err, forge.ErrStale) {
		t.Error(err)
	}
}

// TestClosedMeanwhile: what a person closes or merges between reading and writing is not pushed to, said or taken back.
func TestClosedMeanwhile(t *testing.T) {
	for name, meanwhile := range map[string]func(h *town){
		"closed": func(h *town) { h.close(first(h), false) },
		"merged": func(h *town) { first(h).State, first(h).Ended = forge.PullMerged, h.clock },
	} {
		for what, change := range map[string]map[string]string{
			"renewed":   {"Dockerfile": "FROM b\nRUN LOUD x\n"},
			"withdrawn": {"Dockerfile": "FROM a\nRUN x\n"},
			"said anew": {".github/lighterman.yml": "sweeps: {enabled: true, title-prefix: \"docker: \"}\n"},
		} {
			h := enabled("FROM a\nRUN LOUD x\n")
			h.sweep(t, Ask{})
			h.edit(change)
			h.watch = func() {
				h.watch = nil
				meanwhile(h)
			}
			was := first(h).Pull
			_, wrote := h.sweep(t, Ask{})
			p := first(h)
			if h.watch != nil || p.State == forge.PullOpen || p.ByUs || len(p.Comments) > 0 || p.Body != was.Body || p.Title != was.Title ||
				name == "closed" && wrote != "" {
				t.Errorf("%s while it is %s: wrote %q, %+v", name, what, wrote, p.Pull)
			}
		}
	}
}

// TestAFloodOfCommandsIsBounded: each costs a write.
func TestAFloodOfCommandsIsBounded(t *testing.T) {
	h := enabled("FROM a\nRUN LOUD x\n")
	h.sweep(t, Ask{})
	h.close(h.pulls[0], false)
	for range 30 {
		h.comment(h.pulls[0], "mallory", "/lighterman unmute")
	}
	h.reads = nil
	out, wrote := h.sweep(t, Ask{})
	n := 0
	for _, s := range out.Steps {
		n += len(s.Motion.React)
	}
	if wrote != "react #1" || n != maxReactions || !strings.Contains(strings.Join(h.reads, " "), "may mallory") {
		t.Errorf("wrote %q, %d reactions, read %v", wrote, n, h.reads)
	}
}

// TestManyFilesComeInTurns: a pull request is of a size that people read, and says that there is more.
func TestManyFilesComeInTurns(t *testing.T) {
	h := newTown(map[string]string{".github/lighterman.yml": on})
	files := map[string]string{}
	for n := range MaxFiles + 20 {
		files[fmt.Sprintf("s%03d/Dockerfile", n)] = "FROM a\nRUN LOUD x\n"
	}
	h.edit(files)
	h.sweep(t, Ask{})
	if n := len(h.changed(caching)); n != MaxFiles || !strings.Contains(h.pulls[0].Body, "There is more of this in 20 Dockerfiles") {
		t.Errorf("%d files, %s", n, h.pulls[0].Body[:400])
	}
	h.merge(h.pulls[0])
	h.sweep(t, Ask{})
	if n := len(h.changed(caching)); n != 20 || len(h.pulls) != 2 || strings.Contains(h.pulls[1].Body, "There is more") {
		t.Errorf("%d files", n)
	}
}

// TestAFileWithMoreThanCanBeNamed is proposed all the same, alone, and closing that declines all of it.
func TestAFileWithMoreThanCanBeNamed(t *testing.T) {
	var file strings.Builder
	file.WriteString("FROM a\n")
	for n := range maxNames/3 + 10 { // each line has two findings, which are called something else once the other is mended
		fmt.Fprintf(&file, "RUN LOUD SLOW %d\n", n)
	}
	h := newTown(map[string]string{".github/lighterman.yml": on, "Dockerfile": file.String(), "web/Dockerfile": "FROM a\nRUN LOUD x\n"})
	h.sweep(t, Ask{})
	p := h.open(caching)
	if p == nil || len(h.changed(caching)) != 1 {
		t.Fatalf("%d pull requests, %d files", len(h.pulls), len(h.changed(caching)))
	}
	above, n, _ := noteOf(p.Body)
	for name, more := range map[string]bool{"some": false, "all": true} {
		n.names, n.more = n.names[:10], more
		p.Body = above + "\n\n" + n.String()
		p.State = forge.PullClosed
		if out, _ := h.sweep(t, Ask{DryRun: true}); opens(out, caching) == more {
			t.Errorf("it named %s of what it was about, and was declined: %+v", name, out.Steps[0])
		}
	}
}

// opens reports whether a pull request is opened from a branch.
func opens(out Outcome, branch string) bool {
	return slices.ContainsFunc(out.Steps, func(s Step) bool { return s.Branch == branch && s.Motion.Open != nil })
}

// TestForbidden: where the host does not let us the other topics go on.
func TestForbidden(t *testing.T) {
	h := newTown(map[string]string{".github/lighterman.yml": on, "Dockerfile": three})
	h.forbids = forge.ErrForbidden
	out, wrote := h.sweep(t, Ask{})
	n := 0
	for _, s := range out.Steps {
		if errors.Is(s.Failed, forge.ErrForbidden) && !s.Done {
			n++
		}
	}
	if n != 3 || wrote != "" {
		t.Errorf("%d failed, wrote %q", n, wrote)
	}
}

// TestRulesAreRemembered: what a rule of the repository forbids is tried again, and takes a permit, only when the head or the
// configuration is another one, or after a month; a missing permission, which may be granted any day, at each sweep.
func TestRulesAreRemembered(t *testing.T) {
	for name, c := range map[string]struct {
		forbids error
		change  func(h *town)
		permits int
	}{
		"nothing":       {forge.ErrRules, func(*town) {}, 0},
		"head":          {forge.ErrRules, func(h *town) { h.edit(map[string]string{"x": "y"}) }, 1},
		"configuration": {forge.ErrRules, func(h *town) { h.edit(map[string]string{".github/lighterman.yml": on + "# more\n"}) }, 1},
		"a month":       {forge.ErrRules, func(h *town) { h.clock = h.clock.Add(31 * 24 * time.Hour) }, 1},
		"permission":    {forge.ErrForbidden, func(*town) {}, 1},
	} {
		h := enabled("FROM a\nRUN LOUD x\n")
		permits := 0
		ask := Ask{Permit: func(int) bool { permits++; return true }}
		h.forbids = c.forbids
		for range 3 {
			out, _ := h.sweep(t, ask)
			ask.Memory = out.Memory
		}
		permits = 0
		c.change(h)
		h.forbids = nil
		out, _ := h.sweep(t, ask)
		if permits != c.permits || out.Opened != c.permits {
			t.Errorf("%s: %d permits, %d opened, want %d", name, permits, out.Opened, c.permits)
		}
	}
}

// TestEditsAreKept: what people wrote in place of our words stays, and what is hidden below it is brought up to date.
func TestEditsAreKept(t *testing.T) {
	h := enabled("FROM a\nRUN LOUD x\n")
	h.sweep(t, Ask{})
	p := h.pulls[0]
	above, was, ok := noteOf(p.Body)
	if !ok || was.fresh || len(was.names) != 1 || p.Title != "Keep Docker build steps cached" {
		t.Fatalf("%q\n%s", p.Title, p.Body)
	}
	p.Title, p.Body = "ABC-1 quieter", "Our words.\r\n\r\n"+strings.TrimPrefix(p.Body, above)
	h.edit(map[string]string{"b/Dockerfile": "FROM a\nRUN LOUD y\n"})
	h.sweep(t, Ask{})
	above, is, ok := noteOf(p.Body)
	if !ok || above != "Our words." || len(is.names) != 2 || is.bundle == was.bundle || p.Title != "ABC-1 quieter" {
		t.Errorf("%q\n%s", p.Title, p.Body)
	}
}

// TestDeclinedUnderAnotherName: the fix of something new changes the words of an instruction, and what was declined there is
// not fixed along with it, nor when that is merged.
func TestDeclinedUnderAnotherName(t *testing.T) {
	h := enabled("FROM a\nRUN LOUD SLOW x\n")
	s := h.sweeper()
	s.Options.Checks = s.Options.Checks[1:]
	if _, err := s.Sweep(t.Context(), h.repo.Repo, Ask{}); err != nil {
		t.Fatal(err)
	}
	h.close(h.pulls[0], false)
	h.sweep(t, Ask{})
	if got := h.commits[h.branches[caching]].files["Dockerfile"]; len(h.pulls) != 2 || got != "FROM a\nRUN SLOW x\n" {
		t.Fatalf("%d pull requests, of %q", len(h.pulls), got)
	}
	h.merge(h.pulls[1])
	if _, wrote := h.sweep(t, Ask{}); wrote != "delete lighterman/caching" {
		t.Errorf("wrote %q", wrote)
	}
}

// TestTheOrganisationDecides: its default counts as the repository's own, and when it changes a memory holds no more. What could
// not be read is no decision.
func TestTheOrganisationDecides(t *testing.T) {
	h := newTown(map[string]string{"Dockerfile": "FROM a\nRUN LOUD x\n"})
	text, failed := "", error(nil)
	s := h.sweeper()
	s.Settings = func(context.Context, forge.Repo) config.Settings {
		return config.Settings{Checks: words().Checks, Owner: "acme", Organisation: config.Reference{Repo: "acme/.github"},
			Fetch: func(ref config.Reference) (config.Source, error) {
				if failed == nil && text == "" {
					return config.Source{}, config.ErrUnreachable
				}
				ref.Path = ".github/lighterman.yml"
				return config.Source{Reference: ref, Text: []byte(text)}, failed
			}}
	}
	var memory []byte
	for n, tt := range []struct {
		text    string
		consent Consent
		wrote   string
		reads   string
	}{
		{"", Missing, "", "repository tree"},
		{"", Missing, "", "repository"},
		{"sweeps: {enabled: true}\n", Given, "commit lighterman/caching, open lighterman/caching, text #1", "repository tree proposals proposals"},
		{"sweeps: {enabled: true}\n", Given, "", "repository proposals"},
		{"sweeps: {enabled: true}\nfail-on: error\n", Given, "", "repository tree proposals proposals"},
		{"sweeps: {enabled: false}\n", Refused, "say #1, close #1, delete lighterman/caching", "repository tree proposals"},
		{"sweeps: {enabled: false}\n", Refused, "", "repository proposals"},
	} {
		text, h.reads, h.log = tt.text, nil, nil
		out, err := s.Sweep(t.Context(), h.repo.Repo, Ask{Memory: memory})
		if err != nil {
			t.Fatal(err)
		}
		wrote, reads := h.wrote(), strings.Join(h.reads, " ")
		if out.Consent != tt.consent || wrote != tt.wrote || reads != tt.reads {
			t.Errorf("%d: %s, wrote %q, read %s", n, out.Consent, wrote, reads)
		}
		memory = out.Memory
	}
	failed = errors.New("no route")
	if _, err := s.Sweep(t.Context(), h.repo.Repo, Ask{Memory: memory}); !errors.Is(err, failed) {
		t.Error(err)
	}
	if _, err := s.Sweep(t.Context(), h.repo.Repo, Ask{}); !errors.Is(err, failed) {
		t.Error(err)
	}
}
