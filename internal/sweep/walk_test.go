package sweep

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
)

// A walker is somebody who does what people may do to a repository, at random.
type walker struct {
	*town
	*rand.Rand
	t       *testing.T
	history []string
	ask     Ask
	// foreign are the commits of people on branches of ours; each has to stay where it is until they move it.
	foreign map[string]string
	// refused are the identities of findings that were declined and not taken back.
	refused map[string]bool
}

// any is one of the pull requests in a state.
func (w *walker) any(state forge.PullState) *pull {
	var all []*pull
	for _, p := range w.pulls {
		if p.State == state {
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[w.IntN(len(all))]
}

// names are what a pull request is about.
func about(p *pull) []string {
	_, n, _ := noteOf(p.Body)
	var out []string
	for _, one := range n.names {
		out = append(out, one.id)
	}
	return out
}

// act does one thing that people do.
func (w *walker) act() string {
	open, closed, ended := w.any(forge.PullOpen), w.any(forge.PullClosed), w.any(forge.PullMerged)
	path := []string{"Dockerfile", "a/Dockerfile", "b/Dockerfile"}[w.IntN(3)]
	line := fmt.Sprintf("RUN%s%s%s x%d\n", w.maybe(" LOUD"), w.maybe(" SLOW"), w.maybe(" FAT"), w.IntN(3))
	switch w.IntN(13) {
	case 0:
		if open == nil {
			return ""
		}
		w.close(open, false)
		for _, id := range about(open) {
			w.refused[id] = true
		}
		return fmt.Sprintf("close #%d", open.Number)
	case 1, 2:
		if open == nil || w.branches[open.branch] == "" || w.conflicts(open.branch) {
			return ""
		}
		w.merge(open)
		return fmt.Sprintf("merge #%d", open.Number)
	case 3:
		if open == nil || w.branches[open.branch] == "" {
			return ""
		}
		tip := w.commits[w.branches[open.branch]]
		w.foreign[open.branch] = w.push(open.branch, tip.files, []string{"mine", tip.message}[w.IntN(2)], false)
		return "push " + open.branch
	case 4:
		if ended == nil {
			return ""
		}
		before := w.commits[w.commits[ended.head].parents[0]].files
		w.edit(maps.Clone(before))
		return fmt.Sprintf("revert to before #%d", ended.Number)
	case 5, 6, 7:
		w.edit(map[string]string{path: w.main()[path] + line})
		if !strings.HasPrefix(w.main()[path], "FROM") {
			w.edit(map[string]string{path: "FROM a\n" + w.main()[path]})
		}
		return "add to " + path
	case 8:
		if w.main()[path] == "" || w.main()["moved/Dockerfile"] != "" {
			return ""
		}
		w.edit(map[string]string{path: "", "moved/Dockerfile": w.main()[path]})
		return "rename " + path
	case 9:
		branch := config0(w.IntN(3))
		if w.branches[branch] == "" {
			return ""
		}
		if p := w.open(branch); p != nil {
			for _, id := range about(p) {
				w.refused[id] = true
			}
		}
		w.drop(branch)
		delete(w.foreign, branch)
		return "drop " + branch
	case 10:
		if closed == nil || closed.ByUs || w.IntN(2) == 0 {
			return ""
		}
		w.comment(closed, "robin", "/lighterman unmute")
		w.forget()
		return fmt.Sprintf("unmute #%d", closed.Number)
	case 11:
		if closed == nil || w.open(closed.branch) != nil || w.branches[closed.branch] == "" {
			return ""
		}
		closed.State, closed.ByUs = forge.PullOpen, false
		w.clock = w.clock.Add(25 * time.Hour)
		w.forget()
		return fmt.Sprintf("reopen #%d", closed.Number)
	}
	w.edit(map[string]string{path: ""})
	return "remove " + path
}

func config0(n int) string {
	return "lighterman/" + []string{"caching", "smaller-image", "non-root"}[n]
}

func (w *walker) maybe(word string) string {
	if w.IntN(2) == 0 {
		return word
	}
	return ""
}

// forget works out anew what is refused: by all pull requests that were closed and not taken back.
func (w *walker) forget() {
	w.refused = map[string]bool{}
	for _, p := range w.pulls {
		if p.State != forge.PullClosed || p.ByUs || slices.ContainsFunc(p.Comments, func(c forge.Comment) bool {
			return c.Body == "/lighterman unmute" && !c.Made.Before(p.Ended)
		}) {
			continue
		}
		for _, id := range about(p) {
			w.refused[id] = true
		}
	}
}

// holds asserts what is true after every sweep, whether it broke down or not.
func (w *walker) holds(before int) {
	w.t.Helper()
	for n := range 3 {
		count := 0
		for _, p := range w.pulls {
			if p.branch == config0(n) && p.State == forge.PullOpen {
				count++
			}
		}
		if count > 1 {
			w.fail("%d open pull requests from %s", count, config0(n))
		}
	}
	for branch, commit := range w.foreign {
		if w.branches[branch] != commit {
			w.fail("a person's %s was moved to %q", branch, w.branches[branch])
		}
	}
	for _, p := range w.pulls {
		for _, mark := range []string{yieldedMark, withdrawnMark} {
			other := func(c forge.Comment) bool { return !tells(c, mark) }
			if n := len(slices.DeleteFunc(slices.Clone(p.Comments), other)); n > 1 {
				w.fail("#%d was told %d times that it is %s", p.Number, n, mark)
			}
		}
	}
	for _, p := range w.pulls[before:] {
		for _, id := range about(p) {
			if w.refused[id] {
				w.fail("#%d is about a finding that was declined", p.Number)
			}
		}
	}
}

func (w *walker) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf(format+"\nafter %s", append(args, strings.Join(w.history, "; "))...)
}

// sweep sweeps, and may break down.
func (w *walker) sweep(breaks int) {
	w.t.Helper()
	before := len(w.pulls)
	w.breaks, w.log = breaks, nil
	out, err := w.sweeper().Sweep(w.t.Context(), w.repo.Repo, w.ask)
	w.history = append(w.history, fmt.Sprintf("sweep(%s)", w.wrote()))
	if err != nil && !errors.Is(err, errBroke) {
		w.fail("%v", err)
	}
	if w.breaks = 0; err == nil && w.IntN(2) == 0 {
		w.ask.Memory = out.Memory
	}
	w.holds(before)
}

// settled asserts that after some sweeps nothing more is written.
func (w *walker) settled() {
	w.t.Helper()
	for range 3 {
		w.sweep(0)
	}
	before := len(w.history)
	w.sweep(0)
	if w.history[before] != "sweep()" {
		w.fail("it does not come to rest: %s", w.history[before])
	}
	for n := range 3 {
		branch := config0(n)
		var newest *pull
		for _, p := range w.pulls {
			if p.branch == branch {
				newest = p
			}
		}
		tip := w.commits[w.branches[branch]]
		if p := w.open(branch); p != nil {
			newest = p
		}
		switch {
		case tip == nil || !tip.ours || newest == nil:
		case newest.State == forge.PullMerged || newest.State == forge.PullClosed && newest.ByUs:
			w.fail("%s was left behind", branch)
		case newest.State == forge.PullOpen && strings.Contains(newest.Body, " fresh -->") && !says(newest.Pull, yieldedMark):
			w.fail("#%d was never finished", newest.Number)
		}
	}
}

// TestWalk lets people and sweeps do what they like, in any order and with breakdowns in between. There are never two open pull
// requests of a topic, no person's branch is touched, nothing that was declined comes again, and once people are quiet a
// sweep writes nothing.
func TestWalk(t *testing.T) {
	for seed := range uint64(40) {
		w := &walker{town: enabled("FROM a\nRUN LOUD x\n"), Rand: rand.New(rand.NewPCG(seed, 1)), t: t, foreign: map[string]string{},
			refused: map[string]bool{}, history: []string{fmt.Sprint("seed ", seed)}}
		for range 60 {
			if did := w.act(); did != "" {
				w.history = append(w.history, did)
			}
			switch w.IntN(4) {
			case 0:
				w.sweep(0)
			case 1:
				w.sweep(1 + w.IntN(5))
			}
		}
		w.settled()
		w.mergeAll()
	}
}

// mergeAll merges what can be merged: what it was about is not found any more, but where a person took a fix out.
func (w *walker) mergeAll() {
	w.t.Helper()
	for range 5 {
		var ids []string
		for _, p := range w.pulls {
			if p.State == forge.PullOpen && w.branches[p.branch] != "" && w.foreign[p.branch] == "" && p.Base == w.repo.Branch {
				stale := w.conflicts(p.branch)
				w.merge(p)
				if !stale {
					ids = append(ids, about(p)...)
					w.history = append(w.history, fmt.Sprintf("merge #%d", p.Number))
				}
			}
		}
		there, _ := w.Repository(w.t.Context(), w.repo.Repo)
		files, _ := w.Tree(w.t.Context(), w.repo.Repo, there.Head)
		o := words()
		paths, _, err := check.Dockerfiles(w.t.Context(), files, o, 100)
		if err != nil {
			w.fail("%v", err)
		}
		found, err := check.Run(w.t.Context(), files, paths, o)
		if err != nil {
			w.fail("%v", err)
		}
		for _, f := range found.Findings {
			if slices.Contains(ids, nameOf(f).id) {
				w.fail("%s in %s was merged and is there", f.Check.Name, f.Path)
			}
		}
		w.sweep(0)
	}
}
