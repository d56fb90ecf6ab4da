package github_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
)

// A guard stands between the App and GitHub and knows what every token may do.
type guard struct {
	t      *testing.T
	mu     sync.Mutex
	powers map[string]map[string]string // by token
	used   map[string]bool              // what was done with which permissions
}

func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(r.URL.Path, "/access_tokens") {
		return g.learn(body, res)
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	g.mu.Lock()
	defer g.mu.Unlock()
	kind := r.Method
	if strings.HasSuffix(r.URL.Path, "/graphql") {
		kind = "query"
		if i := bytes.Index(body, []byte(`"mutation `)); i >= 0 {
			name, _, _ := strings.Cut(string(body[i+len(`"mutation `):]), "(")
			kind = "mutation " + name
		}
	} else if kind != http.MethodGet && strings.Contains(r.URL.Path, "/git/") {
		kind = "git"
	}
	powers, _ := json.Marshal(g.powers[token])
	g.used[kind+" "+string(powers)] = true
	return res, nil
}

func (g *guard) learn(body []byte, res *http.Response) (*http.Response, error) {
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(answer))
	var made struct{ Token string }
	var asked struct {
		Repositories []string
		Permissions  map[string]string
	}
	if json.Unmarshal(answer, &made) != nil || json.Unmarshal(body, &asked) != nil || len(asked.Repositories) != 1 {
		g.t.Errorf("asked for a token with %s", body)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.powers[made.Token] = asked.Permissions
	return res, nil
}

// TestTokensOpenNoMoreThanTheyAreUsedFor does everything that a review, a click and a sweep do, and holds which kind of request
// ran with which permissions: what reads can only read, what speaks cannot make commits, and contents: write goes with
// commits, resolved threads and proposals alone.
func TestTokensOpenNoMoreThanTheyAreUsedFor(t *testing.T) {
	granted := githubtest.Full()
	granted["issues"] = "write"
	h := newHost(t, githubtest.Options{Permissions: granted}, map[string]string{"README.md": "# shop\n"})
	p, ref := h.open(t, map[string]string{"Dockerfile": dockerfile})
	g := &guard{t: t, powers: map[string]map[string]string{}, used: map[string]bool{}}
	h.app = newApp(t, h.Server, github.Options{Clock: newClock(), Transport: g})
	if _, err := h.app.Change(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	tree, err := h.app.Tree(t.Context(), ref.Repo, p.Head())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.ReadFile("Dockerfile"); err != nil {
		t.Error(err)
	}
	if _, err := h.app.MayWrite(t.Context(), ref.Repo, "ann"); err != nil {
		t.Error(err)
	}
	h.standing(t, ref)
	run := &forge.CheckDraft{Key: "#1 a", Conclusion: forge.Neutral, Title: "1 finding", Summary: "x"}
	if err := h.publish(t, p, forge.Plan{Review: draft("", inline(1, 1, "x"), inline(2, 2, "y")), Check: run}); err != nil {
		t.Fatal(err)
	}
	threads := h.standing(t, ref).Threads
	first, second := threads[0].Comments[0], threads[1].Comments[0]
	err = h.publish(t, p, forge.Plan{
		Edit: []forge.CommentEdit{{ID: first.ID, Body: "z"}}, Minimize: []string{second.NodeID}, Resolve: []string{threads[0].ID},
		Replies:   []forge.Reply{{Thread: first.ID, Body: "a"}, {Body: "b"}},
		Reactions: []forge.Reaction{{Comment: first.ID, Thread: true, Emoji: forge.ThumbUp}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !h.standing(t, ref).Threads[0].Resolved {
		t.Error("the thread is not resolved")
	}
	c := forge.Commit{Parent: p.Head(), Branch: "topic", Message: "x", Files: []forge.FileText{{Path: "a", Text: []byte("b")}}}
	if _, err := h.app.Push(t.Context(), ref.Repo, c); err != nil {
		t.Fatal(err)
	}
	m := h.motion(t, "")
	m.Dress, m.Say = &forge.Dress{Labels: []string{"docker"}}, "x"
	h.stands(t)
	h.propose(t, m)
	h.proposal(t)
	if _, err := h.app.SetDashboard(t.Context(), ref.Repo, 0, forge.IssueDraft{Title: "x", Body: "y"}); err != nil {
		t.Fatal(err)
	}
	const (
		look  = `{"checks":"read","contents":"read","metadata":"read","pull_requests":"read"}`
		speak = `{"checks":"write","metadata":"read","pull_requests":"write"}`
		push  = `{"contents":"write","metadata":"read","pull_requests":"write"}`
	)
	want := []string{
		"GET " + look, "query " + look, "POST " + speak, "PATCH " + speak, "mutation Minimize " + speak, "mutation Resolve " + push,
		"git " + push, "GET " + push, "query " + push, "mutation Point " + push, "POST " + push,
		`POST {"issues":"write","metadata":"read"}`,
	}
	for _, one := range want {
		if !g.used[one] {
			t.Errorf("there was no %s", one)
		}
		delete(g.used, one)
	}
	for one := range g.used {
		t.Errorf("there was a %s", one)
	}
}

// TestAnAcceptedPermissionCounts: what an owner did not grant is asked for again within the hour.
func TestAnAcceptedPermissionCounts(t *testing.T) {
	h := newHost(t, githubtest.Options{Permissions: githubtest.ReviewOnly()}, map[string]string{"README.md": "# shop\n"})
	_, ref := h.open(t, map[string]string{"Dockerfile": dockerfile})
	clock := newClock()
	h.app = newApp(t, h.Server, github.Options{Clock: clock})
	if st := h.standing(t, ref); !st.Pushless {
		t.Error("commits may be made without the permission")
	}
	h.Grant("acme", githubtest.Full())
	if st := h.standing(t, ref); !st.Pushless {
		t.Error("it is asked for every time")
	}
	if err := clock.Sleep(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if st := h.standing(t, ref); st.Pushless {
		t.Error("an accepted permission does not count")
	}
}
