package sweep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/hidden"
)

// A town is a code host with one repository, in memory. It does what forge.Proposer says, keeps a log of what is written,
// and can break down between two parts of a motion.
type town struct {
	repo     forge.Repository
	commits  map[string]*commit
	branches map[string]string
	pulls    []*pull
	writers  []string
	clock    time.Time

	log       []string // what was written
	reads     []string // what was asked
	breaks    int      // after how many parts of motions it breaks down; 0 never does
	gone      error    // of every read
	watch     func()   // called before a motion is carried out
	nth       int
	forbids   error
	large     bool
	board     *forge.Issue // the dashboard
	issueless bool         // the host does not let us have issues
	slow      bool         // it still takes pull requests for conflicting that are not any more
}

type commit struct {
	id, message string
	parents     []string
	files       map[string]string
	ours        bool
}

type pull struct {
	forge.Pull
	branch string
	ours   bool
	head   string // the commit that was merged or closed
}

var errBroke = errors.New("the machine broke down")

func newTown(files map[string]string) *town {
	h := &town{
		repo:    forge.Repository{Repo: forge.Repo{Owner: "acme", Name: "web"}, ID: "R_1", Branch: "main"},
		commits: map[string]*commit{}, branches: map[string]string{}, writers: []string{"robin"},
		clock: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC),
	}
	h.push("main", files, "first", false)
	return h
}

// push makes a commit on top of a branch with all its files.
func (h *town) push(branch string, files map[string]string, message string, ours bool, parents ...string) string {
	if parents == nil && h.branches[branch] != "" {
		parents = []string{h.branches[branch]}
	}
	h.nth++
	c := &commit{fmt.Sprintf("c%d", h.nth), message, parents, maps.Clone(files), ours}
	h.commits[c.id], h.branches[branch] = c, c.id
	return c.id
}

// main are the files of the default branch.
func (h *town) main() map[string]string { return h.commits[h.branches[h.repo.Branch]].files }

// edit changes the default branch; "" removes a file.
func (h *town) edit(changes map[string]string) {
	files := maps.Clone(h.main())
	for name, text := range changes {
		if files[name] = text; text == "" {
			delete(files, name)
		}
	}
	h.push(h.repo.Branch, files, "work", false)
}

func treeID(files map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		parts = append(parts, name, files[name])
	}
	return hidden.Hash(parts...)
}

func (h *town) Repository(context.Context, forge.Repo) (*forge.Repository, error) {
	h.reads = append(h.reads, "repository")
	r := h.repo
	if r.Head = h.branches[r.Branch]; r.Head != "" {
		r.Tree = treeID(h.main())
	}
	return &r, h.gone
}

type tree struct{ fstest.MapFS }

func (tree) Prefetch([]string) error { return nil }

func (h *town) Tree(_ context.Context, _ forge.Repo, id string) (forge.Tree, error) {
	h.reads = append(h.reads, "tree")
	if h.large {
		return tree{}, fmt.Errorf("list it: %w", forge.ErrTooLarge)
	}
	files := fstest.MapFS{}
	for name, text := range h.commits[id].files {
		files[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return tree{files}, nil
}

func (h *town) MayWrite(_ context.Context, _ forge.Repo, login string) (bool, error) {
	h.reads = append(h.reads, "may "+login)
	return slices.Contains(h.writers, login), nil
}

func (h *town) Proposals(_ context.Context, _ forge.Repo, names []string) ([]forge.Proposal, error) {
	h.reads = append(h.reads, "proposals")
	var out []forge.Proposal
	for _, name := range names {
		p := forge.Proposal{Branch: name}
		if c := h.commits[h.branches[name]]; c != nil {
			p.Tip = &forge.Tip{Commit: c.id, Parents: c.parents, Message: c.message, Ours: c.ours}
		}
		for _, pull := range slices.Backward(h.pulls) {
			switch {
			case pull.branch != name:
			case !pull.ours:
				p.Taken = p.Taken || pull.State == forge.PullOpen
			default:
				seen := pull.Pull
				seen.Comments = slices.Clone(pull.Comments[max(0, len(pull.Comments)-100):])
				seen.Crowded = len(pull.Comments) > 100
				seen.Conflicting = pull.State == forge.PullOpen && (h.slow || h.conflicts(name))
				p.Pulls = append(p.Pulls, seen)
			}
		}
		out = append(out, p)
	}
	return out, h.gone
}

func (h *town) Opened(context.Context, forge.Repo) ([]string, error) {
	h.reads = append(h.reads, "opened")
	var out []string
	for _, p := range h.pulls {
		if p.State != forge.PullMerged && p.ours {
			out = append(out, p.branch)
		}
	}
	return out, h.gone
}

// changed are the files of a branch that its commits changed.
func (h *town) changed(branch string) map[string]string {
	tip := h.commits[h.branches[branch]]
	root := tip
	for !h.reaches(h.branches[h.repo.Branch], root.id) {
		root = h.commits[root.parents[0]]
	}
	out := map[string]string{}
	for name, text := range tip.files {
		if text != root.files[name] {
			out[name] = text
		}
	}
	return out
}

// reaches reports whether a commit is another one or comes before it.
func (h *town) reaches(from, id string) bool {
	return from == id || slices.ContainsFunc(h.commits[from].parents, func(p string) bool { return h.reaches(p, id) })
}

func (h *town) conflicts(branch string) bool {
	if h.branches[branch] == "" {
		return false
	}
	root := h.commits[h.branches[branch]]
	for !h.reaches(h.branches[h.repo.Branch], root.id) {
		root = h.commits[root.parents[0]]
	}
	for name, text := range h.changed(branch) {
		if now := h.main()[name]; now != root.files[name] && now != text {
			return true
		}
	}
	return false
}

// part notes a part of a motion, or breaks down before it.
func (h *town) part(format string, args ...any) error {
	if h.breaks--; h.breaks == 0 {
		return errBroke
	}
	h.log = append(h.log, fmt.Sprintf(format, args...))
	return nil
}

func (h *town) Propose(_ context.Context, _ forge.Repo, m forge.Motion) (opened int, err error) {
	if h.watch != nil {
		h.watch()
	}
	if h.branches[m.Branch] != m.Tip {
		return 0, forge.ErrStale
	}
	if m.Number > 0 && !m.Answers() && h.pulls[m.Number-1].State != forge.PullOpen {
		return 0, forge.ErrStale
	}
	if h.forbids != nil {
		return 0, h.forbids
	}
	h.clock = h.clock.Add(time.Minute)
	if c := m.Commit; c != nil {
		if err := h.part("commit %s", m.Branch); err != nil {
			return 0, err
		}
		files := maps.Clone(h.commits[c.Parent].files)
		for _, f := range c.Files {
			files[f.Path] = string(f.Text)
		}
		h.push(m.Branch, files, c.Message, true, c.Parent)
	}
	number := m.Number
	if m.Open != nil {
		if slices.ContainsFunc(h.pulls, func(p *pull) bool { return p.branch == m.Branch && p.State == forge.PullOpen }) {
			return 0, forge.ErrStale
		}
		if err := h.part("open %s", m.Branch); err != nil {
			return 0, err
		}
		number = len(h.pulls) + 1
		h.pulls = append(h.pulls, &pull{branch: m.Branch, ours: true, Pull: forge.Pull{Number: number, State: forge.PullOpen,
			Made: h.clock, Base: m.Open.Base, Title: m.Open.Title, Body: m.Open.Body, Draft: m.Open.Draft}})
		opened = number
	}
	return opened, h.rest(m, number)
}

// rest is what is done about a pull request.
func (h *town) rest(m forge.Motion, number int) error {
	var p *pull
	if number > 0 {
		p = h.pulls[number-1]
	}
	for _, part := range []struct {
		is   bool
		word string
		do   func()
	}{
		{m.Dress != nil, "dress", func() {}},
		{m.Text != nil, "text", func() { p.Title, p.Body = m.Text.Title, m.Text.Body }},
		{m.Tell != "", "tell", func() { h.comment(p, "lighterman[bot]", m.Tell) }},
		{m.Say != "", "say", func() { h.comment(p, "lighterman[bot]", m.Say) }},
		{len(m.React) > 0, "react", func() {
			for n := range p.Comments {
				for _, r := range m.React {
					if p.Comments[n].ID == r.Comment {
						p.Comments[n].Reacted = append(p.Comments[n].Reacted, r.Emoji)
					}
				}
			}
		}},
		{m.Close, "close", func() { h.close(p, true) }},
	} {
		if !part.is {
			continue
		}
		if err := h.part("%s #%d", part.word, number); err != nil {
			return err
		}
		part.do()
	}
	if !m.Delete {
		return nil
	}
	if err := h.part("delete %s", m.Branch); err != nil {
		return err
	}
	delete(h.branches, m.Branch)
	return nil
}

// boardNumber is the number of the dashboard.
const boardNumber = 1000

func (h *town) Dashboard(_ context.Context, _ forge.Repo, number int, marker string) (*forge.Issue, error) {
	h.reads = append(h.reads, "dashboard")
	if h.issueless {
		return nil, forge.ErrForbidden
	}
	if h.board == nil {
		return nil, nil
	}
	if number == 0 && !strings.HasSuffix(h.board.Body, marker) {
		return nil, nil
	}
	board := *h.board
	return &board, nil
}

func (h *town) SetDashboard(_ context.Context, _ forge.Repo, number int, to forge.IssueDraft) (int, error) {
	word := "write"
	if number == 0 {
		word, h.board = "open", &forge.Issue{Number: boardNumber, Open: true}
	}
	h.board.Editor = ""
	if h.board.Body = to.Body; to.Close {
		word, h.board.Open = "close", false
	}
	return h.board.Number, h.part("%s dashboard", word)
}

func (h *town) comment(p *pull, author, body string) {
	h.nth++
	h.clock = h.clock.Add(time.Minute)
	p.Comments = append(p.Comments, forge.Comment{ID: int64(h.nth), Author: author, Ours: author == "lighterman[bot]",
		Body: body, Made: h.clock})
}

func (h *town) close(p *pull, byUs bool) {
	h.clock = h.clock.Add(time.Minute)
	p.State, p.ByUs, p.Ended, p.head = forge.PullClosed, byUs, h.clock, h.branches[p.branch]
}

// merge merges a pull request, if that can be done.
func (h *town) merge(p *pull) {
	if h.conflicts(p.branch) {
		return
	}
	h.clock = h.clock.Add(time.Minute)
	files := maps.Clone(h.main())
	maps.Copy(files, h.changed(p.branch))
	p.head = h.branches[p.branch]
	h.push(h.repo.Branch, files, "Merge pull request", false, h.branches[h.repo.Branch], p.head)
	p.State, p.Ended = forge.PullMerged, h.clock
}

// drop deletes a branch by a person's hand, which closes what is open from it.
func (h *town) drop(branch string) {
	for _, p := range h.pulls {
		if p.branch == branch && p.State == forge.PullOpen {
			h.close(p, false)
		}
	}
	delete(h.branches, branch)
}

// open is the open pull request of a branch.
func (h *town) open(branch string) *pull {
	for _, p := range h.pulls {
		if p.branch == branch && p.State == forge.PullOpen {
			return p
		}
	}
	return nil
}

// wrote is what was written since the last call.
func (h *town) wrote() string {
	out := strings.Join(h.log, ", ")
	h.log = nil
	return out
}

// replacing is a check whose finding is a word, and whose fix takes it out. A wide fix writes the whole instruction anew, so that
// it is made after those of others.
func replacing(name, word string, family check.Family, wide bool) *check.Check {
	return &check.Check{Name: name, Family: family, Summary: "there is " + word, Severity: check.Warning, Run: func(p *check.Pass) error {
		for _, i := range p.File.Instructions {
			text := string(p.File.Src[i.Span.Start:i.Span.End])
			if n := strings.Index(text, " "+word); n >= 0 {
				edit := fixes.Edit{Path: p.File.Path, Start: i.Span.Start + n, End: i.Span.Start + n + len(word) + 1}
				if wide {
					edit.Start, edit.End, edit.New = i.Span.Start, i.Span.End, text[:n]+text[n+len(word)+1:]
				}
				p.Report(dockerfile.Span{Start: i.Span.Start, End: i.Span.End}, "the word "+word+" costs a byte | or `two`", fixes.Fix{
					Title: "Take out " + word, Intent: fixes.Unchanged{},
					Edits: []fixes.Edit{edit},
				})
			}
		}
		return nil
	}}
}

// trusting takes every fix for proven.
type trusting struct{}

func (trusting) Prove(context.Context, check.Case) error { return nil }

// words are checks of three families for words in instructions, two of them of one family.
func words() check.Options {
	return check.Options{Prover: trusting{}, Today: time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC), Checks: []*check.Check{
		replacing("loud", "LOUD", check.Caching, false), replacing("slow", "SLOW", check.Caching, true),
		replacing("fat", "FAT", check.SmallerImage, false), replacing("root", "ROOT", check.NonRoot, false),
	}}
}

// sweeper sweeps a town.
func (h *town) sweeper() *Sweeper {
	return &Sweeper{Host: h, Options: words(), Version: "v1", Now: func() time.Time { return h.clock }}
}

// sweep sweeps and tells what was written.
func (h *town) sweep(t *testing.T, ask Ask) (Outcome, string) {
	t.Helper()
	h.log = nil
	out, err := h.sweeper().Sweep(t.Context(), h.repo.Repo, ask)
	if err != nil {
		t.Fatal(err)
	}
	return out, h.wrote()
}

const on = "sweeps: {enabled: true, open-pulls: 9, labels: [docker]}\n"

// enabled is a repository with sweeps and one Dockerfile.
func enabled(dockerfile string) *town {
	return newTown(map[string]string{".github/lighterman.yml": on, "Dockerfile": dockerfile})
}

var _ forge.Proposer = (*town)(nil)
var _ fs.FS = tree{}

func (t Topic) only() []check.Family { return []check.Family{t.Family} }

func sweepsOn() config.Sweeps { return config.Sweeps{Enabled: true, Decided: true} }
