package sweep

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
	"github.com/lighterman/lighterman/internal/image"
)

// A tags is a registry: what each reference means, by a word that is made a digest. A reference that is not there gets no
// answer.
type tags struct {
	mu    sync.Mutex
	says  map[string]string
	asked []string
}

// Lookup implements image.Facts.
func (r *tags) Lookup(ref string) (image.Image, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, ref)
	if r.says[ref] == "" {
		return image.Image{Unanswered: "it is out of order"}, false
	}
	day := time.Date(2026, 11, len(r.says[ref]), 0, 0, 0, 0, time.UTC)
	return image.Image{Answer: &image.Answer{Digest: sha(r.says[ref]), Created: day}}, true
}

// sha is a digest.
func sha(word string) string {
	return "sha256:" + strings.Repeat(word, 64)[:64]
}

// A pinnedTown is a town with a Dockerfile on a pinned base, and a registry.
type pinnedTown struct {
	*town
	registry *tags
	memory   []byte
}

func pinnedOn(word string) *pinnedTown {
	h := enabled("FROM node:24@" + sha(word) + "\nRUN x\n")
	return &pinnedTown{town: h, registry: &tags{says: map[string]string{"node:24": word}}}
}

// sweepPins sweeps as a service does, which remembers, and tells what was written.
func (h *pinnedTown) sweepPins(t *testing.T) (Outcome, string) {
	t.Helper()
	s := h.sweeper()
	s.Options.Checks = append(s.Options.Checks, checks.Named("stale-digest"))
	s.Options.Images = h.registry
	h.log, h.reads, h.registry.asked = nil, nil, nil
	out, err := s.Sweep(t.Context(), h.repo.Repo, Ask{Memory: h.memory})
	if err != nil {
		t.Fatal(err)
	}
	h.memory = out.Memory
	return out, h.wrote()
}

func (h *pinnedTown) pin(t *testing.T) *pull {
	t.Helper()
	p := h.open("lighterman/pinning")
	if p == nil {
		t.Fatal("no pull request is open")
	}
	return p
}

// TestMovedTagsReopenWork: while the tag stays an unchanged repository costs two reads, and once it moved the digest is
// renewed, also in the pull request that is open.
func TestMovedTagsReopenWork(t *testing.T) {
	h := pinnedOn("a")
	if _, wrote := h.sweepPins(t); wrote != "" {
		t.Fatalf("wrote %s", wrote)
	}
	if _, wrote := h.sweepPins(t); wrote != "" || len(h.reads) != 2 || !slices.Equal(h.registry.asked, []string{"node:24"}) {
		t.Fatalf("nothing moved: wrote %s, read %v, asked %v", wrote, h.reads, h.registry.asked)
	}
	for _, word := range []string{"bb", "ccc"} {
		h.registry.says["node:24"], h.registry.says["node:24@"+sha("a")] = word, "a"
		h.sweepPins(t)
		slices.Sort(h.registry.asked)
		if again := slices.Compact(slices.Clone(h.registry.asked)); len(again) != len(h.registry.asked) {
			t.Errorf("asked %v", h.registry.asked)
		}
		p := h.pin(t)
		if want := "FROM node:24@" + sha(word) + "\nRUN x\n"; h.commits[h.branches[p.branch]].files["Dockerfile"] != want {
			t.Errorf("the branch has %s", h.commits[h.branches[p.branch]].files["Dockerfile"])
		}
		short := "sha256:aaaaaaaaaaaa (2026-11-01) → " + sha(word)[:19]
		if len(h.pulls) != 1 || !strings.Contains(p.Body, short) || !strings.Contains(p.Body, "become those of today") {
			t.Errorf("%d pull requests, %s", len(h.pulls), p.Body)
		}
		if _, wrote := h.sweepPins(t); wrote != "" || len(h.reads) != 2 {
			t.Errorf("nothing moved since: wrote %s, read %v", wrote, h.reads)
		}
	}
	h.merge(h.pin(t))
	if out, wrote := h.sweepPins(t); h.open("lighterman/pinning") != nil || out.Totals.Findings != 0 {
		t.Errorf("after the merge: %s, %+v", wrote, out.Totals)
	}
}

// TestRegistriesThatDoNotAnswer leave everything as it is: what is open stays, and nothing is opened; and a sweep that is
// not let ask does not take back what another one opened.
func TestRegistriesThatDoNotAnswer(t *testing.T) {
	h := pinnedOn("a")
	h.registry.says = map[string]string{}
	if out, wrote := h.sweepPins(t); wrote != "" || out.Totals.Findings != 0 {
		t.Fatalf("at first: wrote %s, %+v", wrote, out.Totals)
	}
	h.registry.says["node:24"] = "bb"
	h.sweepPins(t)
	number := h.pin(t).Number
	for name, change := range map[string]func(){
		"at rest":          func() {},
		"after a push":     func() { h.edit(map[string]string{"x": time.Now().String()}) },
		"without a memory": func() { h.memory = nil },
	} {
		h.registry.says = map[string]string{}
		change()
		for range 2 {
			if _, wrote := h.sweepPins(t); wrote != "" || h.pin(t).Number != number {
				t.Errorf("%s: wrote %s", name, wrote)
			}
		}
		s := h.sweeper() // without --online
		s.Options.Images, s.Options.Checks = image.Bundled(), append(s.Options.Checks, checks.Named("stale-digest"))
		if out, err := s.Sweep(t.Context(), h.repo.Repo, Ask{}); err != nil || out.Written > 0 {
			t.Errorf("%s, by hand: %d steps wrote, %v", name, out.Written, err)
		}
		h.registry.says["node:24"] = "bb"
		if _, wrote := h.sweepPins(t); h.pin(t).Number != number {
			t.Errorf("%s, and then they answer: wrote %s", name, wrote)
		}
	}
	h.registry.says = map[string]string{}
	h.edit(map[string]string{"Dockerfile": "FROM scratch\n"})
	if _, wrote := h.sweepPins(t); !strings.Contains(wrote, "close") {
		t.Errorf("what it was about is gone: wrote %s", wrote)
	}
}

// TestDeclinedDigests: closing a pull request declines what the tag means then, until it means something else.
func TestDeclinedDigests(t *testing.T) {
	h := pinnedOn("a")
	h.registry.says["node:24"] = "bb"
	h.sweepPins(t)
	h.close(h.pin(t), false)
	for range 2 {
		if _, wrote := h.sweepPins(t); h.open("lighterman/pinning") != nil {
			t.Fatalf("proposed again: %s", wrote)
		}
	}
	h.registry.says["node:24"] = "ccc"
	h.sweepPins(t)
	h.close(h.pin(t), false)
	h.registry.says["node:24"] = "bb"
	if h.sweepPins(t); h.open("lighterman/pinning") != nil {
		t.Error("what was declined first is proposed again")
	}
}

// TestReviewsLeaveAgingAlone: a tag that moved is nobody's pull request's matter.
func TestReviewsLeaveAgingAlone(t *testing.T) {
	h := pinnedOn("a")
	h.registry.says["node:24"] = "bb"
	o := check.Options{Checks: []*check.Check{checks.Named("stale-digest")}, Images: h.registry}
	for aging, want := range map[bool]int{false: 0, true: 1} {
		o.Aging = aging
		files := fstest.MapFS{"Dockerfile": {Data: []byte(h.main()["Dockerfile"])}}
		result, err := check.Run(t.Context(), files, []string{"Dockerfile"}, o)
		if err != nil || len(result.Findings) != want {
			t.Errorf("aging %t: %+v, %v", aging, result, err)
		}
	}
}
