package github_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
)

const (
	branch  = "lighterman/caching"
	message = "Cache apt packages\n\nLighterman-Bundle: caching\n"
)

// stock is a host whose repository has a Dockerfile on its default branch.
func stock(t *testing.T) *host {
	t.Helper()
	return newHost(t, githubtest.Options{Limits: githubtest.Unlimited()}, map[string]string{"Dockerfile": dockerfile})
}

func (h *host) stands(t *testing.T) *forge.Repository {
	t.Helper()
	r, err := h.app.Repository(t.Context(), h.place())
	must(t, err)
	return r
}

// proposal is the proposal of one branch.
func (h *host) proposal(t *testing.T) forge.Proposal {
	t.Helper()
	all, err := h.app.Proposals(t.Context(), h.place(), []string{branch})
	must(t, err)
	if len(all) != 1 || all[0].Branch != branch {
		t.Fatalf("proposals %+v", all)
	}
	return all[0]
}

// motion makes a commit over the default branch's head and opens a pull request, from a branch that is at tip.
func (h *host) motion(t *testing.T, tip string) forge.Motion {
	t.Helper()
	head, err := h.repo.Head("main")
	must(t, err)
	return forge.Motion{
		Branch: branch, Tip: tip,
		Commit: &forge.Commit{Parent: head, Message: message, Files: []forge.FileText{
			{Path: "Dockerfile", Text: []byte(dockerfile + "USER node\n")}, {Path: "run", Text: []byte("#!\n"), Executable: true},
			{Path: ".dockerignore"}, {Path: "latin", Text: []byte("caf\xe9\n")},
		}},
		Open: &forge.PullDraft{PullText: forge.PullText{Title: "Cache", Body: "Why."}, Base: "main"},
	}
}

func (h *host) propose(t *testing.T, m forge.Motion) int {
	t.Helper()
	n, err := h.app.Propose(t.Context(), h.place(), m)
	must(t, err)
	return n
}

// TestRepositoryIsReadByOneQuery: under the name that it has now, with its head, its tree and the newest subjects.
func TestRepositoryIsReadByOneQuery(t *testing.T) {
	h := stock(t)
	for n := range 32 {
		_, err := h.repo.Push("main", fmt.Sprintf("fix: number %d\n\nbody", n), map[string]string{"a": fmt.Sprint(n)})
		must(t, err)
	}
	h.ForgetRequests()
	r := h.stands(t)
	head, err := h.repo.Head("main")
	must(t, err)
	if r.Repo != h.place() || r.ID == "" || r.Branch != "main" || r.Head != head || len(r.Tree) != 40 || r.Tree == head ||
		r.Archived || r.Disabled || r.Mirror || r.Fork {
		t.Errorf("repository %+v", r)
	}
	if len(r.Subjects) != 30 || r.Subjects[0] != "fix: number 31" || r.Subjects[29] != "fix: number 2" {
		t.Errorf("subjects %q", r.Subjects)
	}
	if got := h.Requests(); len(got) != 1 || got[0].Operation != "graphql:Repository" {
		t.Errorf("requests %+v", got)
	}
}

// TestRepositoryIsKnownForWhatItIs: archived, disabled, on the move, a mirror, a fork, and empty.
func TestRepositoryIsKnownForWhatItIs(t *testing.T) {
	h := stock(t)
	for _, c := range []struct {
		marks githubtest.Marks
		is    func(*forge.Repository) bool
	}{
		{githubtest.Marks{Disabled: true}, func(r *forge.Repository) bool { return r.Disabled && !r.Mirror && !r.Fork }},
		{githubtest.Marks{Locked: true}, func(r *forge.Repository) bool { return r.Disabled }},
		{githubtest.Marks{Mirror: true}, func(r *forge.Repository) bool { return r.Mirror && !r.Disabled }},
		{githubtest.Marks{Fork: true}, func(r *forge.Repository) bool { return r.Fork && !r.Archived }},
	} {
		h.repo.Mark(c.marks)
		if r := h.stands(t); !c.is(r) {
			t.Errorf("%+v reads as %+v", c.marks, r)
		}
	}
	h.repo.Mark(githubtest.Marks{})
	h.repo.Archive()
	if r := h.stands(t); !r.Archived || r.Disabled {
		t.Errorf("archived reads as %+v", r)
	}
	_, err := h.CreateEmptyRepo("acme", "empty")
	must(t, err)
	r, err := h.app.Repository(t.Context(), forge.Repo{Installation: h.InstallationID("acme"), Owner: "acme", Name: "empty"})
	if err != nil || r.Branch != "" || r.Head != "" || r.Tree != "" || r.Repo.Name != "empty" {
		t.Errorf("the empty one is %+v, %v", r, err)
	}
}

// TestRepositoryOutOfReachIsGone: deleted, renamed beyond the token's reach, out of our hands, or of no installation.
func TestRepositoryOutOfReachIsGone(t *testing.T) {
	h := stock(t)
	place := h.place()
	h.Inject(githubtest.Fault{Operation: "graphql:Repository", Status: 200,
		Body: `{"data":{"repository":null},"errors":[{"type":"FORBIDDEN","message":"Resource not accessible"}]}`})
	if _, err := h.app.Repository(t.Context(), place); !errors.Is(err, forge.ErrGone) {
		t.Errorf("forbidden: %v", err)
	}
	h.Inject(githubtest.Fault{Operation: "graphql:Repository", Status: 200, Body: `{"data":{"repository":null}}`})
	if _, err := h.app.Repository(t.Context(), place); !errors.Is(err, forge.ErrGone) {
		t.Errorf("null: %v", err)
	}
	h.repo.Delete()
	for name, app := range map[string]*github.App{"a known token": h.app, "a new token": newApp(t, h.Server, github.Options{})} {
		if _, err := app.Repository(t.Context(), place); !errors.Is(err, forge.ErrGone) {
			t.Errorf("deleted, with %s: %v", name, err)
		}
		if _, err := app.Proposals(t.Context(), place, []string{branch}); !errors.Is(err, forge.ErrGone) {
			t.Errorf("proposals of a deleted one, with %s: %v", name, err)
		}
	}
	if _, err := h.app.Repository(t.Context(), forge.Repo{Owner: "acme", Name: "shop"}); !errors.Is(err, forge.ErrGone) {
		t.Errorf("no installation: %v", err)
	}
}

// TestRepositoryIsFoundUnderItsOldName: by the token that it had then, and tells the new one.
func TestRepositoryIsFoundUnderItsOldName(t *testing.T) {
	h := stock(t)
	before := h.place()
	h.stands(t)
	must(t, h.repo.Rename("store"))
	r, err := h.app.Repository(t.Context(), before)
	if err != nil || r.Repo != h.place() || r.Repo.Name != "store" {
		t.Errorf("repository %+v, %v", r, err)
	}
	if n := h.propose(t, h.motion(t, "")); n == 0 {
		t.Error("nothing was opened under the new name")
	}
}

// TestProposalsTellWhatBecameOfEachBranch: several branches in one query, a second one only for what was said and closed.
func TestProposalsTellWhatBecameOfEachBranch(t *testing.T) {
	h := stock(t)
	first := h.propose(t, h.motion(t, ""))
	names := []string{"lighterman/none", branch, "lighterman/pinning"}
	h.ForgetRequests()
	all, err := h.app.Proposals(t.Context(), h.place(), names)
	must(t, err)
	if got := h.Requests(); len(got) != 1 || got[0].Operation != "graphql:Proposals" {
		t.Errorf("requests %+v", got)
	}
	if all[0].Branch != names[0] || all[0].Tip != nil || all[0].Pulls != nil || all[0].Taken || all[2].Tip != nil {
		t.Errorf("branches that are not there read as %+v", all)
	}
	p := all[1]
	head, err := h.repo.Head("main")
	must(t, err)
	tip, err := h.repo.Head(branch)
	must(t, err)
	if p.Tip == nil || p.Tip.Commit != tip || !p.Tip.Ours || !slices.Equal(p.Tip.Parents, []string{head}) ||
		p.Tip.Author != h.Bot() || p.Tip.Message != strings.TrimSuffix(message, "\n") || p.Taken {
		t.Errorf("tip %+v", p.Tip)
	}
	if len(p.Pulls) != 1 {
		t.Fatalf("pulls %+v", p.Pulls)
	}
	pull := p.Pulls[0]
	if pull.Made.IsZero() {
		t.Error("nobody knows when it was made")
	}
	pull.Made = time.Time{}
	want := forge.Pull{Number: first, State: forge.PullOpen, Base: "main", Title: "Cache", Body: "Why."}
	if diff := cmp.Diff(want, pull); diff != "" {
		t.Errorf("pull request (-want +got):\n%s", diff)
	}
}

// TestProposalsTellWhoClosedWhat: a person, we, or somebody who merged it; with what was said to us, the newest first.
func TestProposalsTellWhoClosedWhat(t *testing.T) {
	h := stock(t)
	h.propose(t, h.motion(t, ""))
	pulls := h.repo.Pulls()
	_, err := pulls[0].Comment("joe", "no thanks")
	must(t, err)
	asked, err := pulls[0].Comment("joe", "/lighterman unmute")
	must(t, err)
	must(t, pulls[0].React(asked, h.Bot(), "eyes"))
	_, err = pulls[0].Comment(h.Bot(), "Muted.")
	must(t, err)
	must(t, pulls[0].Close("joe"))

	open := forge.Motion{Branch: branch, Tip: h.proposal(t).Tip.Commit, Open: h.motion(t, "").Open}
	second := h.propose(t, open)
	h.propose(t, forge.Motion{Branch: branch, Number: second, Close: true})
	h.propose(t, open)
	_, err = h.repo.Pulls()[2].Merge("ann")
	must(t, err)

	h.ForgetRequests()
	p := h.proposal(t)
	if n := h.operations(); n["graphql:Proposals"] != 1 || n["graphql:Talked"] != 1 || len(n) != 2 {
		t.Errorf("requests %v", n)
	}
	var got []string
	for _, p := range p.Pulls {
		said := ""
		for _, c := range p.Comments {
			said += fmt.Sprintf(" %s %t %q %v", c.Author, c.Ours, c.Body, c.Reacted)
		}
		got = append(got, fmt.Sprintf("%s %t %t%s", p.State, p.ByUs, p.Ended.IsZero(), said))
	}
	want := []string{
		"merged false false", "closed true false",
		`closed false false joe false "/lighterman unmute" [eyes] ` + h.Bot() + ` true "Muted." []`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pull requests (-want +got):\n%s", diff)
	}
}

// TestLookingAtProposalsIsCheap: a sweep of a thousand repositories has to do with an hour's 5,000 points, of which it may
// use 70 in a hundred.
func TestLookingAtProposalsIsCheap(t *testing.T) {
	h := stock(t)
	var names []string
	for n := range 8 {
		names = append(names, fmt.Sprint("lighterman/", n))
		must(t, h.repo.Branch(names[n], "main"))
		_, err := h.repo.Push(names[n], "x", map[string]string{fmt.Sprint(n): "x"})
		must(t, err)
		_, err = h.repo.OpenPull(githubtest.PullOptions{Title: "x", Author: h.Bot(), Head: names[n]})
		must(t, err)
		_, err = h.repo.Pulls()[n].Comment(h.Bot(), "x")
		must(t, err)
	}
	h.ForgetRequests()
	h.stands(t)
	all, err := h.app.Proposals(t.Context(), h.place(), names)
	must(t, err)
	for _, p := range all {
		if len(p.Pulls) != 1 || len(p.Pulls[0].Comments) != 1 {
			t.Errorf("proposal %+v", p)
		}
	}
	points := 0
	for _, r := range h.Requests() {
		points += r.Points
	}
	if n := h.operations(); points != 3 || n["graphql:Talked"] != 1 {
		t.Errorf("%d points for %v", points, n)
	}
}

// TestProposalsPassOverOthers: pull requests of forks with a branch of that name hide none of ours, and one of somebody
// else's from the branch itself says that it is taken.
func TestProposalsPassOverOthers(t *testing.T) {
	h := stock(t)
	number := h.propose(t, h.motion(t, ""))
	fork, err := h.repo.Fork("eve")
	must(t, err)
	_, err = fork.Push(branch, "mine", map[string]string{"x": "x"})
	must(t, err)
	for range 60 {
		_, err := h.repo.OpenPull(githubtest.PullOptions{Title: "x", Head: branch, Fork: fork})
		must(t, err)
	}
	h.ForgetRequests()
	if p := h.proposal(t); len(p.Pulls) != 1 || p.Pulls[0].Number != number || p.Taken {
		t.Errorf("proposal %+v", p)
	}
	if n := h.operations(); n["graphql:Proposals"] != 2 {
		t.Errorf("requests %v", n)
	}
	must(t, h.repo.Branch("other", "main"))
	_, err = h.repo.OpenPull(githubtest.PullOptions{Title: "mine", Author: "joe", Head: branch, Base: "other"})
	must(t, err)
	if p := h.proposal(t); len(p.Pulls) != 1 || !p.Taken {
		t.Errorf("proposal %+v", p)
	}
	for range 300 { // six pages
		_, err := h.repo.OpenPull(githubtest.PullOptions{Title: "x", Head: branch, Fork: fork})
		must(t, err)
	}
	if p := h.proposal(t); !p.Hidden {
		t.Errorf("a crowd of forks hides ours, and nothing tells: %+v", p)
	}
}

// TestOpenedListsOurBranches: those that we opened pull requests from, which are open or were closed, and nobody else's.
func TestOpenedListsOurBranches(t *testing.T) {
	h := stock(t)
	m := h.motion(t, "")
	h.propose(t, m)
	m.Branch = "bot/caching"
	h.propose(t, m)
	must(t, h.repo.Pulls()[1].Close("joe"))
	m.Branch, m.Commit.Message = "bot/hygiene", "Tidy up\n\nLighterman-Bundle: hygiene\n" // else one commit may be all three
	h.propose(t, m)
	_, err := h.repo.Pulls()[2].Merge("joe")
	must(t, err)
	must(t, h.repo.Branch("bot/context", "main"))
	_, err = h.repo.Push("bot/context", "mine", map[string]string{"x": "x"})
	must(t, err)
	_, err = h.repo.OpenPull(githubtest.PullOptions{Title: "mine", Author: "joe", Head: "bot/context"})
	must(t, err)
	h.ForgetRequests()
	got, err := h.app.Opened(t.Context(), h.place())
	if want := []string{branch, "bot/caching"}; err != nil || !slices.Equal(got, want) || h.operations()["graphql:Opened"] != 1 {
		t.Errorf("branches %q, want %q, by %v: %v", got, want, h.operations(), err)
	}
}

// TestProposalsSeeConflicts: what the base branch changed meanwhile.
func TestProposalsSeeConflicts(t *testing.T) {
	h := stock(t)
	h.propose(t, h.motion(t, ""))
	if h.proposal(t).Pulls[0].Conflicting {
		t.Error("it conflicts with nothing")
	}
	_, err := h.repo.Push("main", "other", map[string]string{"Dockerfile": dockerfile + "USER root\n"})
	must(t, err)
	if !h.proposal(t).Pulls[0].Conflicting {
		t.Error("the conflict is not seen")
	}
}

// TestTipIsOursOnlyAsWeMadeIt: a push of somebody's, an amended commit and a commit of ours for something else are not.
func TestTipIsOursOnlyAsWeMadeIt(t *testing.T) {
	h := stock(t)
	m := h.motion(t, "")
	h.propose(t, m)
	if p := h.proposal(t); !p.Tip.Ours {
		t.Errorf("ours is %+v", p.Tip)
	}
	_, err := h.repo.Push(branch, message, map[string]string{"y": "y"})
	must(t, err)
	p := h.proposal(t)
	if p.Tip.Ours || p.Tip.Author != "acme" {
		t.Errorf("a person's commit with our trailer is %+v", p.Tip)
	}
	_, err = h.repo.Commit(branch, githubtest.Commit{Author: h.Bot(), Message: message, Files: map[string]string{"z": "z"}})
	must(t, err)
	if p = h.proposal(t); p.Tip.Ours {
		t.Errorf("a commit under our name is %+v", p.Tip)
	}
	m.Tip, m.Open, m.Commit.Message = p.Tip.Commit, nil, "Apply fixes\n"
	h.propose(t, m)
	if p := h.proposal(t); p.Tip.Ours {
		t.Errorf("a commit without the trailer is %+v", p.Tip)
	}
}

// TestMotionCostsFewRequests: a branch with a signed commit, a pull request and all that is named on it.
func TestMotionCostsFewRequests(t *testing.T) {
	h := stock(t)
	for _, login := range []string{"ann", "joe"} {
		h.repo.SetPermission(login, "write")
	}
	h.repo.AddTeam("images")
	m := h.motion(t, "")
	m.Open.Draft = true
	m.Dress = &forge.Dress{
		Labels: []string{"docker", "new label"}, Assignees: []string{"ann", "nobody"}, Reviewers: []string{"joe", "team/images"},
	}
	number := h.propose(t, m)
	var operations []string
	for _, r := range h.Requests() {
		operations = append(operations, r.Operation)
	}
	want := []string{
		"graphql:Place", "git/create-blob", "git/create-blob", "git/create-tree", "git/create-commit", "graphql:Point",
		"pulls/create", "issues/add-labels", "issues/add-assignees", "pulls/request-reviewers",
	}
	if diff := cmp.Diff(want, operations); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if n := h.TokenRequests(); n != 1 {
		t.Errorf("%d requests for tokens", n)
	}
	pull := h.repo.Pulls()[0]
	if pull.Number() != number || pull.Author() != h.Bot() || pull.HeadBranch() != branch {
		t.Errorf("#%d opened by %s from %s", pull.Number(), pull.Author(), pull.HeadBranch())
	}
	status := githubtest.Status{
		Title: "Cache", Body: "Why.", State: "open", Base: "main", Draft: true, Labels: []string{"docker", "new label"},
		Assignees: []string{"ann"}, Reviewers: []string{"joe"}, Teams: []string{"images"},
	}
	if diff := cmp.Diff(status, pull.Status()); diff != "" {
		t.Errorf("pull request (-want +got):\n%s", diff)
	}
	made, err := h.repo.Show(branch)
	must(t, err)
	if !made.Verified || made.Author != h.Bot() || made.Message != message {
		t.Errorf("commit %+v", made)
	}
	for path, want := range map[string]string{
		"Dockerfile": "100644 " + dockerfile + "USER node\n", "run": "100755 #!\n", ".dockerignore": "100644 ",
		"latin": "100644 caf\xe9\n",
	} {
		text, err := h.repo.ReadFile(branch, path)
		must(t, err)
		mode, err := h.repo.Mode(branch, path)
		must(t, err)
		if got := mode + " " + text; got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}

// TestMotionIsCarriedOutOnce: the same motion again finds the branch moved, or the pull request there, and doubles nothing.
func TestMotionIsCarriedOutOnce(t *testing.T) {
	h := stock(t)
	m := h.motion(t, "")
	h.propose(t, m)
	tip := h.proposal(t).Tip.Commit
	h.ForgetRequests()
	if n, err := h.app.Propose(t.Context(), h.place(), m); !errors.Is(err, forge.ErrStale) || n != 0 {
		t.Errorf("again: #%d, %v", n, err)
	}
	if n := h.operations(); len(n) != 1 || n["graphql:Place"] != 1 {
		t.Errorf("a stale motion wrote: %v", n)
	}
	open := forge.Motion{Branch: branch, Tip: tip, Open: m.Open}
	if n, err := h.app.Propose(t.Context(), h.place(), open); !errors.Is(err, forge.ErrStale) || n != 0 {
		t.Errorf("opened again: #%d, %v", n, err)
	}
	if n := len(h.repo.Pulls()); n != 1 {
		t.Errorf("%d pull requests", n)
	}
	m = h.motion(t, tip)
	m.Open, m.Commit.Files[0].Text = nil, []byte("FROM scratch\n")
	h.propose(t, m)
	if p := h.proposal(t); p.Tip.Commit == tip || !p.Tip.Ours || len(p.Tip.Parents) != 1 || p.Tip.Parents[0] != m.Commit.Parent {
		t.Errorf("the branch was not moved away from what it had: %+v", p.Tip)
	}
}

// TestMotionSpeaksAndGoes: text, a comment that is not repeated, a reaction, and the end.
func TestMotionSpeaksAndGoes(t *testing.T) {
	h := stock(t)
	number := h.propose(t, h.motion(t, ""))
	pull := h.repo.Pulls()[0]
	asked, err := pull.Comment("joe", "/lighterman unmute")
	must(t, err)
	tip := h.proposal(t).Tip.Commit
	m := forge.Motion{
		Branch: branch, Tip: tip, Number: number, Text: &forge.PullText{Title: "Better", Body: "Because."},
		Say:   "Obsolete since a1b2c3d.\n\n<!-- lighterman:v1 said=obsolete -->",
		React: []forge.Reaction{{Comment: asked, Emoji: forge.ThumbUp}, {Comment: 1, Emoji: forge.ThumbUp}},
	}
	h.ForgetRequests()
	h.propose(t, m)
	m.Say = strings.Replace(m.Say, "a1b2c3d", "e4f5a6b", 1)
	h.propose(t, m)
	if n := h.operations(); n["issues/create-comment"] != 1 || n["pulls/update"] != 2 || n["graphql:Talked"] != 2 ||
		n["reactions/create-for-issue-comment"] != 4 || n["graphql:Place"] != 2 || len(n) != 5 {
		t.Errorf("requests %v", n)
	}
	if s := pull.Status(); s.Title != "Better" || s.Body != "Because." || s.State != "open" {
		t.Errorf("pull request %+v", s)
	}
	if c := pull.Comments(); len(c) != 2 || c[1].Author != h.Bot() || c[0].Reactions[h.Bot()] != "+1" {
		t.Errorf("comments %+v", c)
	}
	end := forge.Motion{Branch: branch, Tip: tip, Number: number, Close: true, Delete: true}
	h.ForgetRequests()
	h.propose(t, end)
	if n := h.operations(); n["graphql:Place"] != 1 || n["pulls/update"] != 1 || n["graphql:Point"] != 1 || len(n) != 3 {
		t.Errorf("requests %v", n)
	}
	if p := h.proposal(t); p.Tip != nil || p.Pulls[0].State != forge.PullClosed || !p.Pulls[0].ByUs {
		t.Errorf("proposal %+v", p)
	}
	if _, err := h.app.Propose(t.Context(), h.place(), end); !errors.Is(err, forge.ErrStale) {
		t.Errorf("again: %v", err)
	}
}

// TestMotionKeepsWhatPeoplePushed: a branch that is elsewhere is not moved and not deleted, even when it moves at the
// last moment.
func TestMotionKeepsWhatPeoplePushed(t *testing.T) {
	h := stock(t)
	h.propose(t, h.motion(t, ""))
	tip := h.proposal(t).Tip.Commit
	theirs, err := h.repo.Push(branch, "mine", map[string]string{"x": "x"})
	must(t, err)
	move := h.motion(t, tip)
	move.Open = nil
	for name, m := range map[string]forge.Motion{"move": move, "delete": {Branch: branch, Tip: tip, Number: 1, Close: true, Delete: true}} {
		if _, err := h.app.Propose(t.Context(), h.place(), m); !errors.Is(err, forge.ErrStale) {
			t.Errorf("%s: %v", name, err)
		}
	}
	move = h.motion(t, theirs)
	move.Open = nil
	hold, met := make(chan struct{}), make(chan struct{})
	h.Inject(githubtest.Fault{Operation: "git/create-commit", Hold: hold, Met: met})
	done := make(chan error)
	go func() {
		_, err := h.app.Propose(t.Context(), h.place(), move)
		done <- err
	}()
	<-met
	theirs, err = h.repo.Push(branch, "mine too", map[string]string{"y": "y"})
	must(t, err)
	close(hold)
	if err := <-done; !errors.Is(err, forge.ErrStale) {
		t.Errorf("moved at the last moment: %v", err)
	}
	if p := h.proposal(t); p.Tip.Commit != theirs || p.Pulls[0].State != forge.PullOpen {
		t.Errorf("proposal %+v", p)
	}
}

// TestMotionLeavesWhatPeopleEnded: of a pull request that is not open any more nothing is written but answers.
func TestMotionLeavesWhatPeopleEnded(t *testing.T) {
	h := stock(t)
	number := h.propose(t, h.motion(t, ""))
	pull := h.repo.Pulls()[0]
	asked, err := pull.Comment("joe", "/lighterman unmute")
	must(t, err)
	tip := h.proposal(t).Tip.Commit
	must(t, pull.Close("joe"))
	move := h.motion(t, tip)
	move.Open, move.Number = nil, number
	was := pull.Status()
	for name, m := range map[string]forge.Motion{
		"move": move, "text": {Text: &forge.PullText{Title: "Better", Body: "Because."}}, "say": {Say: "Yours."},
		"end": {Close: true, Delete: true}, "dress": {Dress: &forge.Dress{Labels: []string{"docker"}}},
	} {
		m.Branch, m.Tip, m.Number = branch, tip, number
		if _, err := h.app.Propose(t.Context(), h.place(), m); !errors.Is(err, forge.ErrStale) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.ForgetRequests()
	h.propose(t, forge.Motion{Branch: branch, Tip: tip, Number: number, React: []forge.Reaction{{Comment: asked, Emoji: forge.ThumbUp}}})
	if n := h.operations(); n["reactions/create-for-issue-comment"] != 1 || len(n) != 1 {
		t.Errorf("an answer: requests %v", n)
	}
	if is := pull.Status(); !cmp.Equal(is, was) || h.proposal(t).Tip.Commit != tip {
		t.Errorf("pull request %+v, was %+v", is, was)
	}
}

// TestMotionIsForbidden: by a rule for the branch, for workflows, in an archive, and without the permission.
func TestMotionIsForbidden(t *testing.T) {
	for name, c := range map[string]struct {
		set    func(*host, *forge.Motion)
		writes int
	}{
		"protected": {func(h *host, _ *forge.Motion) { h.repo.Protect(branch) }, 5},
		"workflow":  {func(_ *host, m *forge.Motion) { m.Commit.Files[1].Path = ".GitHub/workflows/ci.yml" }, 0},
		"archived":  {func(h *host, _ *forge.Motion) { h.repo.Archive() }, 1},
		"disabled":  {func(h *host, _ *forge.Motion) { h.repo.Mark(githubtest.Marks{Disabled: true}) }, 1},
		"ungranted": {func(h *host, _ *forge.Motion) { h.Grant("acme", githubtest.ReviewOnly()) }, 0},
	} {
		h := stock(t)
		m := h.motion(t, "")
		c.set(h, &m)
		if n, err := h.app.Propose(t.Context(), h.place(), m); !errors.Is(err, forge.ErrForbidden) || n != 0 ||
			errors.Is(err, forge.ErrRules) != (name == "protected") {
			t.Errorf("%s: #%d, %v", name, n, err)
		}
		writes := 0
		for _, r := range h.Requests() {
			if r.Operation != "graphql:Place" {
				writes++
			}
		}
		if writes != c.writes {
			t.Errorf("%s: %d writes, want %d: %v", name, writes, c.writes, h.operations())
		}
	}
}

// TestPullRequestIsNotOpened: what GitHub says about the branches is stale, all else is forbidden; drafts are done
// without.
func TestPullRequestIsNotOpened(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*host, *forge.Motion)
		want   error
	}{
		"no base": {func(_ *host, m *forge.Motion) { m.Open.Base = "none" }, forge.ErrStale},
		"nothing new": {func(h *host, m *forge.Motion) {
			_ = h.repo.Branch(branch, "main")
			m.Commit, m.Tip = nil, m.Commit.Parent
		}, forge.ErrStale},
		"too long": {func(_ *host, m *forge.Motion) { m.Open.Title = strings.Repeat("x", 300) }, forge.ErrForbidden},
		"no drafts": {func(h *host, m *forge.Motion) {
			h.repo.Mark(githubtest.Marks{NoDrafts: true})
			m.Open.Draft = true
		}, nil},
	} {
		h := stock(t)
		m := h.motion(t, "")
		c.change(h, &m)
		n, err := h.app.Propose(t.Context(), h.place(), m)
		if !errors.Is(err, c.want) || (n == 0) != (c.want != nil) {
			t.Errorf("%s: #%d, %v", name, n, err)
		}
		if c.want == nil && h.repo.Pulls()[0].Status().Draft {
			t.Errorf("%s: it is a draft", name)
		}
	}
}

// TestNamesThatGitHubDoesNotTakeAreLeftOut: the others are named.
func TestNamesThatGitHubDoesNotTakeAreLeftOut(t *testing.T) {
	h := stock(t)
	h.repo.SetPermission("joe", "write")
	m := h.motion(t, "")
	m.Dress = &forge.Dress{
		Labels: []string{strings.Repeat("long", 20), "docker"}, Assignees: []string{"nobody"},
		Reviewers: []string{"stranger", "joe", h.Bot(), "team/none"},
	}
	if n := h.propose(t, m); n == 0 {
		t.Error("nothing was opened")
	}
	s := h.repo.Pulls()[0].Status()
	if !slices.Equal(s.Labels, []string{"docker"}) || !slices.Equal(s.Reviewers, []string{"joe"}) || s.Assignees != nil || s.Teams != nil {
		t.Errorf("pull request %+v", s)
	}
}

// TestBrokenWiresDoubleNothing: after every write that may or may not have arrived, the next look and motion end well.
func TestBrokenWiresDoubleNothing(t *testing.T) {
	writes := []string{
		"git/create-blob", "git/create-tree", "git/create-commit", "graphql:Point", "pulls/create", "issues/add-labels",
		"pulls/request-reviewers",
	}
	for _, fault := range []githubtest.Fault{{Status: 502}, {Cut: true, After: true}} {
		for _, operation := range writes {
			h := stock(t)
			h.repo.SetPermission("joe", "write")
			m := h.motion(t, "")
			m.Dress = &forge.Dress{Labels: []string{"docker"}, Reviewers: []string{"joe"}}
			fault.Operation = operation
			h.Inject(fault)
			n, err := h.app.Propose(t.Context(), h.place(), m)
			if err == nil || errors.Is(err, forge.ErrForbidden) || errors.Is(err, forge.ErrStale) {
				t.Errorf("%+v: %v", fault, err)
			}
			opened := operation == "issues/add-labels" || operation == "pulls/request-reviewers"
			if (n != 0) != opened {
				t.Errorf("%+v: opened #%d", fault, n)
			}
			p := h.proposal(t)
			next := forge.Motion{Branch: branch, Dress: m.Dress}
			if p.Tip == nil {
				next.Commit = m.Commit
			} else {
				next.Tip = p.Tip.Commit
			}
			if len(p.Pulls) == 0 {
				next.Open = m.Open
			} else {
				next.Number = p.Pulls[0].Number
			}
			h.propose(t, next)
			p = h.proposal(t)
			if s := h.repo.Pulls()[0].Status(); len(p.Pulls) != 1 || !p.Tip.Ours || len(s.Labels) != 1 || len(s.Reviewers) != 1 {
				t.Errorf("%+v: proposal %+v, pull request %+v", fault, p, s)
			}
		}
	}
}

// TestBrokenWiresSayNothingTwice: a comment whose answer was lost is known again, with a marker and without.
func TestBrokenWiresSayNothingTwice(t *testing.T) {
	for _, body := range []string{"Over.\n\n<!-- lighterman:v1 said=over -->", "Over."} {
		h := stock(t)
		number := h.propose(t, h.motion(t, ""))
		m := forge.Motion{Branch: branch, Number: number, Say: body, Close: true}
		for _, fault := range []githubtest.Fault{{Status: 502}, {Status: 502, After: true}} {
			fault.Operation = "issues/create-comment"
			h.Inject(fault)
			if _, err := h.app.Propose(t.Context(), h.place(), m); err == nil {
				t.Errorf("%+v: no error", fault)
			}
		}
		if s := h.repo.Pulls()[0].Status(); s.State != "open" {
			t.Errorf("it is %s before the comment is known to stand", s.State)
		}
		h.propose(t, m)
		if c := h.repo.Pulls()[0].Comments(); len(c) != 1 || h.repo.Pulls()[0].Status().State != "closed" {
			t.Errorf("comments %+v", c)
		}
	}
}

// TestLimitsPutMotionsOff: a limit at any write says when to come back.
func TestLimitsPutMotionsOff(t *testing.T) {
	for _, operation := range []string{"git/create-tree", "graphql:Point", "pulls/create", "issues/add-labels", "pulls/request-reviewers"} {
		h := stock(t)
		m := h.motion(t, "")
		m.Dress = &forge.Dress{Labels: []string{"docker"}, Reviewers: []string{"acme"}}
		h.Inject(githubtest.SecondaryLimit(operation, 403, 30))
		if operation == "graphql:Point" {
			h.Calm()
			h.Inject(githubtest.GraphQLLimit(operation, time.Now().Add(time.Hour)))
		}
		var limit *forge.LimitError
		if _, err := h.app.Propose(t.Context(), h.place(), m); !errors.As(err, &limit) || errors.Is(err, forge.ErrForbidden) {
			t.Errorf("%s: %v", operation, err)
		}
	}
}

// TestAnAcceptedPermissionLetsMotionsThrough: what an owner did not grant is asked for again within the hour.
func TestAnAcceptedPermissionLetsMotionsThrough(t *testing.T) {
	h := stock(t)
	h.Grant("acme", githubtest.ReviewOnly())
	clock := newClock()
	h.app = newApp(t, h.Server, github.Options{Clock: clock})
	if _, err := h.app.Propose(t.Context(), h.place(), h.motion(t, "")); !errors.Is(err, forge.ErrForbidden) {
		t.Errorf("not granted: %v", err)
	}
	h.Grant("acme", githubtest.Full())
	must(t, clock.Sleep(t.Context(), time.Hour))
	h.propose(t, h.motion(t, ""))
}

// TestWritesOfMotionsAreCounted: all of them, in the window that replicas share; looking is free.
func TestWritesOfMotionsAreCounted(t *testing.T) {
	h := stock(t)
	shared := &book{texts: map[string]string{}}
	app, err := github.New(github.Options{
		AppID: h.AppID(), PrivateKey: h.PrivateKey(), BaseURL: h.URL(), Clock: newClock(), Ledger: shared,
	})
	must(t, err)
	h.app = app
	m := h.motion(t, "")
	m.Commit.Files, m.Dress, m.Say = m.Commit.Files[:1], &forge.Dress{Labels: []string{"docker"}}, "x"
	h.stands(t)
	h.propose(t, m)
	h.proposal(t)
	for _, text := range shared.texts {
		var at []int64
		if err := json.Unmarshal([]byte(text), &at); err != nil || len(at) != 6 {
			t.Errorf("%d writes counted, %v", len(at), err)
		}
	}
	if len(shared.texts) != 1 {
		t.Errorf("ledger %v", shared.texts)
	}
}
