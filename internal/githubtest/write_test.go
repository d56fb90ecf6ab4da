package githubtest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/githubtest"
)

const gitPath = "/api/v3/repos/acme/shop/git/"

// commitOf makes a commit of one file on top of parent, by the REST interface, and returns its SHA.
func commitOf(c caller, parent, path, content string) string {
	c.t.Helper()
	tree := c.do("POST", gitPath+"trees", obj{"base_tree": parent, "tree": []obj{
		{"path": path, "mode": "100644", "type": "blob", "content": content},
	}})
	commit := c.do("POST", gitPath+"commits", obj{
		"message": "fix", "tree": tree.value(c.t)["sha"], "parents": []string{parent},
	})
	if commit.status != 201 {
		c.t.Fatalf("commit: %d %s", commit.status, commit.body)
	}
	return commit.value(c.t)["sha"].(string)
}

// TestTreeEdits: a tree is its base with files written, taken from blobs, deleted, and modes kept.
func TestTreeEdits(t *testing.T) {
	s, r, _ := loose(t)
	head := must(r.Commit("topic", githubtest.Commit{
		Message: "script", Files: map[string]string{"bin/run": "#!\n"}, Modes: map[string]string{"bin/run": "100755"},
	}))(t)
	c := installation(t, s, obj{})
	blob := c.do("POST", gitPath+"blobs", obj{"content": "AAE=", "encoding": "base64"}).value(t)["sha"]
	tree := c.do("POST", gitPath+"trees", obj{"base_tree": head, "tree": []obj{
		{"path": "bin/run", "mode": "100755", "type": "blob", "content": "#!/bin/sh\n"},
		{"path": "Dockerfile", "mode": "100644", "type": "blob", "sha": nil},
		{"path": "data", "mode": "100644", "type": "blob", "sha": blob},
		{"path": "link", "mode": "120000", "type": "blob", "content": "data"},
		{"path": "sub", "mode": "160000", "type": "commit", "sha": head},
	}})
	if tree.status != 201 {
		t.Fatalf("tree: %d %s", tree.status, tree.body)
	}
	commit := c.do("POST", gitPath+"commits", obj{
		"message": "x", "tree": tree.value(t)["sha"], "parents": []string{head},
	}).value(t)["sha"].(string)
	for path, want := range map[string]string{
		"bin/run": "100755 #!/bin/sh\n", "Dockerfile": " ", "data": "100644 \x00\x01", "link": "120000 data",
		"sub": "160000 ", "long.txt": "100644 " + long(map[int]string{10: "ten\n", 30: "thirty\n"}),
	} {
		text, _ := r.ReadFile(commit, path) // no error matters but the text that is missing
		if got := must(r.Mode(commit, path))(t) + " " + text; got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	for name, entry := range map[string]obj{
		"malformed": {"path": "../x", "mode": "100644", "content": "x"}, "component": {"path": ".git/x", "content": "x"},
		"not both":         {"path": "x", "mode": "100644", "content": "x", "sha": blob},
		"Must supply":      {"path": "x", "mode": "100644"},
		"BadObjectState":   {"path": "none", "mode": "100644", "sha": nil},
		"is not a mode":    {"path": "x", "mode": "100600", "content": "x"},
		"not a valid blob": {"path": "x", "mode": "100644", "sha": head},
	} {
		a := c.do("POST", gitPath+"trees", obj{"base_tree": head, "tree": []obj{entry}})
		if a.status != 422 || !strings.Contains(a.body, name) {
			t.Errorf("%v: %d %s, want 422 with %q", entry, a.status, a.body, name)
		}
	}
	if a := c.do("POST", gitPath+"trees", obj{"base_tree": "topic", "tree": []obj{}}); a.status != 422 {
		t.Errorf("a branch as base_tree: %d", a.status)
	}
}

// TestSignedCommits: GitHub signs what names neither author nor committer.
func TestSignedCommits(t *testing.T) {
	s, r, p := scene(t, githubtest.Options{})
	c := installation(t, s, obj{})
	tree := c.do("GET", gitPath+"commits/"+p.Head(), nil).value(t)["tree"].(obj)["sha"]
	robin := obj{"name": "robin", "email": "robin@example.com", "date": "2024-02-03T04:05:06Z"}
	for _, tc := range []struct {
		fields            obj
		author, committer string
		verified          bool
	}{
		{obj{}, s.Bot(), "GitHub", true}, {obj{"author": robin}, "robin", "robin", false},
		{obj{"committer": robin}, s.Bot(), "robin", false},
	} {
		body := with(obj{"message": "m", "tree": tree, "parents": []string{p.Head()}}, flat(tc.fields)...)
		o := c.do("POST", gitPath+"commits", body).value(t)
		if v := o["verification"].(obj); v["verified"] != tc.verified || (v["signature"] != nil) != tc.verified {
			t.Errorf("%v: %v", tc.fields, v)
		}
		got := must(r.Show(o["sha"].(string)))(t)
		if got.Author != tc.author || got.Committer != tc.committer || got.Verified != tc.verified || got.Message != "m" {
			t.Errorf("%v: %+v", tc.fields, got)
		}
	}
	for name, body := range map[string]obj{
		"Tree SHA":   {"message": "m", "tree": p.Head(), "parents": []string{p.Head()}},
		"Parent SHA": {"message": "m", "tree": tree, "parents": []string{strings.Repeat("1", 40)}},
	} {
		if a := c.do("POST", gitPath+"commits", body); a.status != 422 || !strings.Contains(a.body, name) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

// TestRefs: branches move forward, others only by force; what is protected, somebody else's or no branch does not move.
func TestRefs(t *testing.T) {
	s, r, p := scene(t, githubtest.Options{})
	c := installation(t, s, obj{})
	if err := r.Branch("release/1", "main"); err != nil {
		t.Fatal(err)
	}
	if err := r.Branch("held", "topic"); err != nil {
		t.Fatal(err)
	}
	r.Protect("held")
	fork := must(r.Fork("robin"))(t)
	theirs := must(fork.Push("fix", "x", map[string]string{"a": "a"}))(t)
	main, topic := must(r.Head("main"))(t), p.Head()
	next := commitOf(c, topic, "Dockerfile", "FROM node:24\n")
	flow := commitOf(c, topic, ".github/workflows/ci.yml", "x")
	onFlow := commitOf(c, flow, "a", "b")
	for _, tc := range []struct {
		name, method, path string
		body               obj
		want               int
		text               string
	}{
		{"read", "GET", "ref/heads/topic", nil, 200, topic},
		{"read with a slash", "GET", "ref/heads/release/1", nil, 200, main},
		{"read a part of a name", "GET", "ref/heads/release", nil, 404, ""},
		{"read a pull request's", "GET", "ref/pull/1/head", nil, 200, topic},
		{"back", "PATCH", "refs/heads/topic", obj{"sha": main}, 422, "not a fast forward"},
		{"nowhere", "PATCH", "refs/heads/topic", obj{"sha": strings.Repeat("1", 40)}, 422, "Object does not exist"},
		{"no branch", "PATCH", "refs/heads/none", obj{"sha": next}, 422, "Reference does not exist"},
		{"a pull request's", "PATCH", "refs/pull/1/head", obj{"sha": next}, 422, "Reference does not exist"},
		{"a fork's branch here", "PATCH", "refs/heads/fix", obj{"sha": theirs}, 422, "Reference does not exist"},
		{"protected", "PATCH", "refs/heads/held", obj{"sha": next}, 422, "through a pull request"},
		{"a workflow", "PATCH", "refs/heads/topic", obj{"sha": flow}, 422, "without `workflows` permission"},
		{"below a workflow", "PATCH", "refs/heads/topic", obj{"sha": onFlow}, 422, "ci.yml"},
		{"forward", "PATCH", "refs/heads/topic", obj{"sha": next, "force": false}, 200, next},
		{"again", "PATCH", "refs/heads/topic", obj{"sha": next}, 200, next},
		{"by force", "PATCH", "refs/heads/topic", obj{"sha": topic, "force": true}, 200, topic},
		{"make", "POST", "refs", obj{"ref": "refs/heads/lighterman/fix", "sha": next}, 201, next},
		{"make again", "POST", "refs", obj{"ref": "refs/heads/lighterman/fix", "sha": next}, 422, "already exists"},
		{"make in the way", "POST", "refs", obj{"ref": "refs/heads/lighterman", "sha": next}, 422, "failed"},
		{"make a short name", "POST", "refs", obj{"ref": "fix", "sha": next}, 422, "must start with"},
		{"make of nothing", "POST", "refs", obj{"ref": "refs/heads/x", "sha": strings.Repeat("1", 40)}, 422, "not exist"},
		{"delete", "DELETE", "refs/heads/lighterman/fix", nil, 204, ""},
		{"delete again", "DELETE", "refs/heads/lighterman/fix", nil, 422, "does not exist"},
	} {
		var body any
		if tc.body != nil {
			body = tc.body
		}
		a := c.do(tc.method, gitPath+tc.path, body)
		if a.status != tc.want || !strings.Contains(a.body, tc.text) {
			t.Errorf("%s: %d %s, want %d with %q", tc.name, a.status, a.body, tc.want, tc.text)
		}
	}
	elsewhere := c.do("PATCH", "/api/v3/repos/robin/shop/git/refs/heads/fix", obj{"sha": next})
	if elsewhere.status != 404 {
		t.Errorf("a fork's branch: %d", elsewhere.status)
	}
	reader := installation(t, s, obj{"permissions": obj{"contents": "read"}})
	for path, body := range map[string]obj{
		"blobs": {"content": "x"}, "trees": {"tree": []obj{}}, "commits": {"message": "x", "tree": "x"},
		"refs": {"ref": "refs/heads/x", "sha": next},
	} {
		if a := reader.do("POST", gitPath+path, body); a.status != 403 {
			t.Errorf("%s with contents: read: %d", path, a.status)
		}
	}
	r.Archive()
	if a := c.do("PATCH", gitPath+"refs/heads/topic", obj{"sha": next}); a.status != 403 {
		t.Errorf("archived: %d %s", a.status, a.body)
	}
}

// TestPushedByTheApp: a branch that the App moves is told as anybody's push, with the bot as its sender.
func TestPushedByTheApp(t *testing.T) {
	s, _, p := scene(t, githubtest.Options{})
	hook := receive(t)
	s.SetWebhook(hook.URL, "s3cret")
	c := installation(t, s, obj{})
	before := p.Head()
	next := commitOf(c, before, "Dockerfile", "FROM node:24\n")
	c.do("PATCH", gitPath+"refs/heads/topic", obj{"sha": next})
	c.do("PATCH", gitPath+"refs/heads/topic", obj{"sha": next})
	c.do("DELETE", gitPath+"refs/heads/topic", nil)
	_, got := hook.got(t, s)
	if len(got) != 2 || got[0]["action"] != "synchronize" || got[1]["action"] != "closed" {
		t.Fatalf("webhooks %v", got)
	}
	if got[0]["sender"].(obj)["login"] != s.Bot() || got[0]["before"] != before || got[0]["after"] != next {
		t.Errorf("sender %v, from %v to %v", got[0]["sender"].(obj)["login"], got[0]["before"], got[0]["after"])
	}
	if p.Head() != next {
		t.Errorf("head %s, want %s", p.Head(), next)
	}
}

// TestComparison: three dots are from where two commits parted; files stop at 300 and come with the first page.
func TestComparison(t *testing.T) {
	s, r, p := scene(t, githubtest.Options{})
	parted := must(r.Head("main"))(t)
	many := make(map[string]string)
	for n := range 310 {
		many[fmt.Sprintf("many/%03d", n)] = "x\n"
	}
	must(r.Push("many", "many", many))(t)
	must(r.Push("main", "meanwhile", map[string]string{"main-only": "x\n"}))(t)
	fork := must(r.Fork("robin"))(t)
	must(fork.Push("a/b", "x", map[string]string{"a": "a"}))(t)
	c := installation(t, s, obj{})
	for _, tc := range []struct {
		path, status  string
		ahead, behind float64
		files         int
	}{
		{"main...topic", "diverged", 1, 1, 2}, {parted + "..." + p.Head(), "ahead", 1, 0, 2},
		{"topic..." + parted, "behind", 0, 1, 0}, {"main...main", "identical", 0, 0, 0},
		{"main...many", "diverged", 1, 1, 300}, {"main...robin:a/b", "ahead", 1, 0, 1},
		{"main...robin%3Aa%2Fb", "ahead", 1, 0, 1},
	} {
		o := c.do("GET", "/api/v3/repos/acme/shop/compare/"+tc.path, nil).value(t)
		if o["status"] != tc.status || o["ahead_by"] != tc.ahead || o["behind_by"] != tc.behind ||
			len(o["files"].([]any)) != tc.files {
			t.Errorf("%s: %v %v %v with %d files", tc.path, o["status"], o["ahead_by"], o["behind_by"],
				len(o["files"].([]any)))
		}
		if strings.HasPrefix(tc.path, "main...topic") && o["merge_base_commit"].(obj)["sha"] != parted {
			t.Errorf("%s parted at %v", tc.path, o["merge_base_commit"])
		}
	}
	if o := c.do("GET", "/api/v3/repos/acme/shop/compare/main...topic?page=2", nil).value(t); o["files"] != nil {
		t.Error("files on the second page")
	}
	if a := c.do("GET", "/api/v3/repos/acme/shop/compare/main...none", nil); a.status != 404 {
		t.Errorf("no such head: %d", a.status)
	}
}

// TestLists: pull requests by head, base and commit, a branch, a repository, the App's installations.
func TestLists(t *testing.T) {
	s, r, p := scene(t, githubtest.Options{})
	must(s.CreateRepo("rival", "secret", map[string]string{"a": "a"}))(t)
	fork := must(r.Fork("robin"))(t)
	theirs := must(fork.Push("topic", "x", map[string]string{"b": "b"}))(t)
	must(r.OpenPull(githubtest.PullOptions{Title: "Fork", Head: "topic", Fork: fork}))(t)
	r.Protect("main")
	c := installation(t, s, obj{})
	numbers := func(path string) []float64 {
		var all []float64
		for _, o := range filesOf(t, c.do("GET", "/api/v3/repos/acme/shop/"+path, nil)) {
			all = append(all, o["number"].(float64))
		}
		return all
	}
	for path, want := range map[string][]float64{
		"pulls": {2, 1}, "pulls?direction=asc": {1, 2}, "pulls?head=acme:topic": {1}, "pulls?head=robin:topic": {2},
		"pulls?base=next": nil, "pulls?state=closed": nil, "pulls?sort=updated&direction=asc": {1, 2},
		"commits/" + p.Head() + "/pulls": {1}, "commits/" + theirs + "/pulls": nil,
	} {
		if got := numbers(path); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", path, got, want)
		}
	}
	branch := c.do("GET", "/api/v3/repos/acme/shop/branches/main", nil).value(t)
	if branch["protected"] != true || branch["commit"].(obj)["sha"] != must(r.Head("main"))(t) {
		t.Errorf("branch %v", branch)
	}
	if a := c.do("GET", "/api/v3/repos/acme/shop/branches/none", nil); a.status != 404 {
		t.Errorf("no branch: %d", a.status)
	}
	if o := c.do("GET", "/api/v3/repos/acme/shop", nil).value(t); o["default_branch"] != "main" {
		t.Errorf("repository %v", o)
	}
	var list []obj
	if err := json.Unmarshal([]byte(app(t, s).do("GET", "/api/v3/app/installations", nil).body), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[0]["account"].(obj)["login"] != "acme" || list[1]["account"].(obj)["login"] != "rival" {
		t.Errorf("installations %v", list)
	}
}
