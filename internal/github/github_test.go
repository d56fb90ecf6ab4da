package github_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
)

const dockerfile = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD [\"node\", \"index.js\"]\n"

// A host is the double with one repository, acme/shop, and the App that is to be tested.
type host struct {
	*githubtest.Server
	repo *githubtest.Repo
	app  *github.App
}

func newHost(t *testing.T, so githubtest.Options, files map[string]string) *host {
	t.Helper()
	s := githubtest.Start(t, so)
	repo, err := s.CreateRepo("acme", "shop", files)
	if err != nil {
		t.Fatal(err)
	}
	return &host{Server: s, repo: repo, app: newApp(t, s, github.Options{})}
}

func newApp(t *testing.T, s *githubtest.Server, o github.Options) *github.App {
	t.Helper()
	o.AppID, o.PrivateKey, o.WritePause = s.AppID(), s.PrivateKey(), -1
	if o.BaseURL == "" {
		o.BaseURL = s.URL()
	}
	app, err := github.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return app
}

// open pushes files to the branch "topic" and opens a pull request for it.
func (h *host) open(t *testing.T, files map[string]string) (*githubtest.Pull, forge.Ref) {
	t.Helper()
	if _, err := h.repo.Push("topic", "add a Dockerfile", files); err != nil {
		t.Fatal(err)
	}
	p, err := h.repo.OpenPull(githubtest.PullOptions{Title: "Containers", Author: "ann", Head: "topic"})
	if err != nil {
		t.Fatal(err)
	}
	return p, h.ref(p)
}

func (h *host) ref(p *githubtest.Pull) forge.Ref {
	return forge.Ref{Repo: h.place(), Number: p.Number()}
}

func (h *host) place() forge.Repo {
	return forge.Repo{Installation: h.InstallationID("acme"), Owner: "acme", Name: h.repo.Name()}
}

// TestReviewBudget carries a review of one Dockerfile through and counts what it cost.
func TestReviewBudget(t *testing.T) {
	h := newHost(t, githubtest.Options{}, map[string]string{"package.json": "{}\n", "README.md": "# shop\n"})
	pull, ref := h.open(t, map[string]string{"Dockerfile": dockerfile})
	ctx := context.Background()

	c, err := h.app.Change(ctx, ref)
	if err != nil {
		t.Fatal(err)
	}
	if c.Head != pull.Head() {
		t.Errorf("Change = %+v", c)
	}
	if len(c.Files) != 1 || c.Files[0].Path != "Dockerfile" || c.Files[0].Status != forge.Added || c.Files[0].Lines != 5 {
		t.Errorf("files = %+v", c.Files)
	}
	tree, err := h.app.Tree(ctx, ref.Repo, c.Head)
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Prefetch([]string{"Dockerfile", "package.json", "no/such"}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Dockerfile": dockerfile, "package.json": "{}\n"} {
		if got, err := tree.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("ReadFile(%s) = %q, %v", name, got, err)
		}
	}
	st := h.standing(t, ref)
	if st.Head != c.Head || !st.Open || st.Draft || st.Author != "ann" || st.Ours || st.Bot || st.Fork || st.Checkless ||
		st.Branch != "topic" || st.Source == nil || st.Source.String() != "acme/shop" || len(st.Checks) > 0 {
		t.Errorf("Standing = %+v", st)
	}
	run := &forge.CheckDraft{Key: "#1 a", Conclusion: forge.Neutral, Title: "1 finding", Summary: "Copy less first."}
	err = h.app.Publish(ctx, ref, forge.Plan{Head: st.Head, Check: run, Review: &forge.Draft{
		Body:     "One finding.",
		Comments: []forge.DraftComment{{Path: "Dockerfile", StartLine: 3, Line: 4, Body: "Copy less first."}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var operations []string
	for _, r := range h.Requests() {
		operations = append(operations, r.Operation)
	}
	want := []string{"pulls/list-files", "git/get-tree", "graphql:Blobs", "graphql:Standing", "pulls/create-review",
		"checks/create"}
	if diff := cmp.Diff(want, operations); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if n := h.TokenRequests(); n != 3 {
		t.Errorf("%d requests for tokens, want one each to look, to speak, and to know whether commits may be made", n)
	}

	st = h.standing(t, ref)
	if len(st.Threads) != 1 || st.Threads[0].Line != 4 || !st.Threads[0].CanResolve ||
		!st.Threads[0].Comments[0].Ours {
		t.Errorf("threads = %+v", st.Threads)
	}
	if len(st.Reviews) != 1 || st.Reviews[0].Body != "One finding." || st.Reviews[0].Commit != st.Head {
		t.Errorf("reviews = %+v", st.Reviews)
	}
	if c := st.Checks; len(c) != 1 || c[0].Key != run.Key || !c[0].Concluded || c[0].Conclusion != forge.Neutral {
		t.Errorf("check runs = %+v", c)
	}
}
