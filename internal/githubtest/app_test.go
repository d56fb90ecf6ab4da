package githubtest_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/githubtest"
)

// TestAppCredential: only a short-lived RS256 token of the App itself opens the App's operations.
func TestAppCredential(t *testing.T) {
	s, _, _ := scene(t, githubtest.Options{})
	now := time.Now().Unix()
	for _, tc := range []struct {
		name   string
		change obj
		want   int
	}{
		{"good", obj{}, 200},
		{"issued in the future", obj{"iat": now + 90}, 401},
		{"too long", obj{"exp": now + 900}, 401},
		{"over", obj{"exp": now - 1}, 401},
		{"another App", obj{"iss": "1"}, 404},
	} {
		claims := appClaims(s)
		for key, value := range tc.change {
			claims[key] = value
		}
		c := caller{t, s, jwt(t, s.PrivateKey(), claims)}
		if a := c.do("GET", "/api/v3/app", nil); a.status != tc.want {
			t.Errorf("%s: %d %s, want %d", tc.name, a.status, a.body, tc.want)
		}
	}
	good := app(t, s)
	forged := caller{t, s, good.token[:len(good.token)-8] + "AAAAAAAA"}
	if a := forged.do("GET", "/api/v3/app", nil); a.status != 401 {
		t.Errorf("forged signature: %d", a.status)
	}
	if a := good.do("GET", "/api/v3/repos/acme/shop/pulls/1", nil); a.status != 401 {
		t.Errorf("an App's token where an installation's is needed: %d", a.status)
	}
}

// TestTokenScope: a token opens the repositories and permissions it was narrowed to, nothing else.
func TestTokenScope(t *testing.T) {
	s, r, _ := scene(t, githubtest.Options{})
	must(s.CreateRepo("acme", "other", map[string]string{"a": "a"}))(t)
	must(s.CreateRepo("rival", "secret", map[string]string{"a": "a"}))(t)
	head := must(r.Head("main"))(t)
	tree := "/api/v3/repos/acme/shop/git/trees/" + head
	narrow := func(permissions obj) obj { return obj{"repositories": []string{"shop"}, "permissions": permissions} }
	for _, tc := range []struct {
		name, method, path string
		narrowed           obj
		want               int
	}{
		{"contents", "GET", tree, narrow(obj{"contents": "read"}), 200},
		{"no contents", "GET", tree, narrow(obj{"pull_requests": "write"}), 403},
		{"pull request", "GET", "/api/v3/repos/acme/shop/pulls/1", narrow(obj{"pull_requests": "read"}), 200},
		{"review with read", "POST", reviews, narrow(obj{"pull_requests": "read"}), 403},
		{"another repository", "GET", "/api/v3/repos/acme/other/git/trees/main", narrow(obj{"contents": "read"}), 404},
		{"all repositories", "GET", "/api/v3/repos/acme/other/git/trees/main", obj{}, 200},
		{"another account", "GET", "/api/v3/repos/rival/secret/git/trees/main", obj{}, 404},
		{"no such pull request", "GET", "/api/v3/repos/acme/shop/pulls/9", obj{}, 404},
	} {
		c := installation(t, s, tc.narrowed)
		var body any
		if tc.method == "POST" {
			body = obj{"event": "COMMENT", "body": "x"}
		}
		a := c.do(tc.method, tc.path, body)
		if a.status != tc.want {
			t.Errorf("%s: %d %s, want %d", tc.name, a.status, a.body, tc.want)
		}
		if a.status == 403 && a.header.Get("X-Accepted-GitHub-Permissions") == "" {
			t.Errorf("%s: the answer does not say what it takes", tc.name)
		}
	}
}

// TestTokenRefused: more than the installation holds cannot be had.
func TestTokenRefused(t *testing.T) {
	s, _, _ := scene(t, githubtest.Options{Permissions: githubtest.ReviewOnly()})
	path := fmt.Sprintf("/api/v3/app/installations/%d/access_tokens", s.InstallationID("acme"))
	c := app(t, s)
	for name, body := range map[string]obj{
		"not granted": {"permissions": obj{"contents": "write"}}, "not accessible": {"repositories": []string{"none"}},
	} {
		if a := c.do("POST", path, body); a.status != 422 || !strings.Contains(a.body, name) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	token := c.do("POST", path, obj{"repositories": []string{"shop"}})
	if text := token.value(t)["token"].(string); len(text) < 500 || !strings.HasPrefix(text, "ghs_") ||
		strings.Count(text, ".") != 2 {
		t.Errorf("a token looks like %q", text)
	}
	s.Suspend("acme", true)
	if a := c.do("POST", path, obj{}); a.status != 403 || !strings.Contains(a.body, "suspended") {
		t.Errorf("suspended: %d %s", a.status, a.body)
	}
	s.Uninstall("acme")
	if a := c.do("POST", path, obj{}); a.status != 404 {
		t.Errorf("uninstalled: %d %s", a.status, a.body)
	}
}

// TestTokenExpiry: a token holds for an hour of the server's clock.
func TestTokenExpiry(t *testing.T) {
	var ahead atomic.Int64
	s, _, _ := scene(t, githubtest.Options{Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	c := installation(t, s, obj{})
	const path = "/api/v3/repos/acme/shop/pulls/1"
	if a := c.do("GET", path, nil); a.status != 200 {
		t.Fatalf("fresh: %d %s", a.status, a.body)
	}
	ahead.Store(int64(time.Hour))
	if a := c.do("GET", path, nil); a.status != 401 {
		t.Errorf("after an hour: %d", a.status)
	}
}

// TestLimits: the hour's requests, the minute's content, and what both tell the caller.
func TestLimits(t *testing.T) {
	s, _, _ := scene(t, githubtest.Options{Limits: githubtest.Limits{Primary: 4, Content: 1}})
	c := installation(t, s, obj{})
	review := obj{"event": "COMMENT", "body": "x"}
	if a := c.do("POST", reviews, review); a.status != 200 || a.header.Get("X-RateLimit-Remaining") != "3" {
		t.Errorf("first: %d, %s left", a.status, a.header.Get("X-RateLimit-Remaining"))
	}
	if a := c.do("POST", reviews, review); a.status != 403 || a.header.Get("Retry-After") == "" {
		t.Errorf("second review in a minute: %d %s", a.status, a.body)
	}
	first := c.do("GET", reviews, nil)
	again := c.do("GET", reviews, nil, "If-None-Match", first.header.Get("ETag"))
	if again.status != 304 || again.body != "" || again.header.Get("X-RateLimit-Remaining") != "1" {
		t.Errorf("conditional: %d %q, %s left", again.status, again.body, again.header.Get("X-RateLimit-Remaining"))
	}
	c.do("GET", reviews, nil)
	if a := c.do("GET", reviews, nil); a.status != 403 || a.header.Get("X-RateLimit-Remaining") != "0" {
		t.Errorf("fifth request: %d %v", a.status, a.header)
	}
}

// TestFaults: each fault strikes where it was aimed, before or after the request took effect.
func TestFaults(t *testing.T) {
	s, _, p := scene(t, githubtest.Options{})
	c := installation(t, s, obj{})
	review := obj{"event": "COMMENT", "body": "x"}
	for _, tc := range []struct {
		name   string
		fault  githubtest.Fault
		status int // 0 is a cut connection
		kept   bool
	}{
		{"500 before", githubtest.Fault{Status: 500}, 500, false},
		{"502 after", githubtest.Fault{Status: 502, After: true}, 502, true},
		{"cut before", githubtest.Fault{Cut: true}, 0, false},
		{"cut after", githubtest.Fault{Cut: true, After: true}, 0, true},
		{"accepted", githubtest.Fault{Status: 202, Body: "{}", After: true}, 202, true},
		{"secondary", githubtest.SecondaryLimit("", 429, 7), 429, false},
		{"primary", githubtest.PrimaryLimit("", 403, time.Now().Add(time.Hour)), 403, false},
		{"elsewhere", githubtest.Fault{Operation: "git/get-tree", Status: 500}, 200, true},
	} {
		if tc.name != "elsewhere" {
			tc.fault.Operation = "pulls/create-review"
		}
		before := len(p.Reviews())
		s.Inject(tc.fault)
		a := c.do("POST", reviews, review)
		if kept := len(p.Reviews()) > before; a.status != tc.status || kept != tc.kept {
			t.Errorf("%s: answer %d, kept %v; want %d, %v", tc.name, a.status, kept, tc.status, tc.kept)
		}
	}
	hold := make(chan struct{})
	s.Inject(githubtest.Fault{Operation: "pulls/list-reviews", Skip: 1, Hold: hold})
	c.do("GET", reviews, nil)
	done := make(chan int)
	go func() { done <- c.do("GET", reviews, nil).status }()
	select {
	case <-done:
		t.Error("the answer was not held")
	default:
	}
	close(hold)
	if got := <-done; got != 200 {
		t.Errorf("held answer: %d", got)
	}
	last := s.Requests()
	if got := last[len(last)-1]; got.Operation != "pulls/list-reviews" || got.Status != 200 || got.Method != "GET" {
		t.Errorf("recorded %+v", got)
	}
	if s.ForgetRequests(); len(s.Requests()) != 0 {
		t.Error("requests were not forgotten")
	}
}

// TestStaleReads: a replica that is behind knows what it was asked before, and nothing else.
func TestStaleReads(t *testing.T) {
	s, r, p := scene(t, githubtest.Options{Latency: time.Millisecond})
	c := installation(t, s, obj{})
	const pull, query = "/api/v3/repos/acme/shop/pulls/1", `{ repository(owner: "acme", name: "shop") {
		pullRequest(number: 1) { headRefOid } } }`
	sha := func() [2]string {
		rest := c.do("GET", pull, nil).value(t)["head"].(obj)["sha"].(string)
		data := c.query(query, nil)["data"].(obj)["repository"].(obj)["pullRequest"].(obj)
		return [2]string{rest, data["headRefOid"].(string)}
	}
	stale := githubtest.Fault{Stale: true, Times: 2, Delay: time.Millisecond}
	s.Inject(githubtest.Fault{Operation: "pulls/get", Stale: true})
	if a := c.do("GET", pull, nil); a.status != 404 {
		t.Errorf("read before it arrived: %d", a.status)
	}
	before := sha()
	must(r.Push("topic", "more", map[string]string{"a": "a"}))(t)
	if s.Inject(stale); sha() != before {
		t.Errorf("stale reads see %s after %s", p.Head(), before)
	}
	if got := sha(); got != [2]string{p.Head(), p.Head()} {
		t.Errorf("later reads see %s", got)
	}
	s.Inject(stale)
	if a := c.do("POST", reviews, obj{"event": "COMMENT", "body": "x"}); a.status != 200 || len(p.Reviews()) != 1 {
		t.Errorf("a write: %d %s", a.status, a.body)
	}
}

// TestRename: the old name redirects, with the method kept for writes.
func TestRename(t *testing.T) {
	s, r, _ := scene(t, githubtest.Options{})
	c := installation(t, s, obj{})
	if err := r.Rename("store"); err != nil {
		t.Fatal(err)
	}
	get := c.do("GET", "/api/v3/repos/acme/shop/pulls/1", nil)
	if get.status != 301 || !strings.HasSuffix(get.header.Get("Location"), "/api/v3/repos/acme/store/pulls/1") {
		t.Errorf("read: %d to %s", get.status, get.header.Get("Location"))
	}
	if a := c.do("POST", reviews, obj{"event": "COMMENT", "body": "x"}); a.status != 307 {
		t.Errorf("write: %d", a.status)
	}
	if a := c.do("GET", "/api/v3/repos/acme/store/pulls/1", nil); a.status != 200 {
		t.Errorf("new name: %d", a.status)
	}
}

// TestContractIsHeld: a request that GitHub does not describe makes Close return an error.
func TestContractIsHeld(t *testing.T) {
	s := must(githubtest.New(githubtest.Options{}))(t)
	must(s.CreateRepo("acme", "shop", map[string]string{"a": "a"}))(t)
	c := installation(t, s, obj{})
	c.do("GET", "/api/v3/repos/acme/shop/pulls/one", nil)
	c.do("POST", "/api/graphql", obj{"query": "{ repository(owner: \"acme\", name: \"shop\") { stars } }"})
	err := s.Close()
	if err == nil || !strings.Contains(err.Error(), "pull_number") || !strings.Contains(err.Error(), "stars") {
		t.Errorf("Close: %v", err)
	}
}
