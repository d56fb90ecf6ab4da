package github_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
)

const soldCode = "4a1b00c0ffee"

// TestRegisterWithoutSuccess: what GitHub does not give, and that no error shows the code, which may still be good.
func TestRegisterWithoutSuccess(t *testing.T) {
	key := string(githubtest.Start(t, githubtest.Options{}).PrivateKey())
	answer := func(id int64, pem string, secret any) string {
		text, _ := json.Marshal(map[string]any{"id": id, "pem": pem, "webhook_secret": secret, "slug": "x"})
		return string(text)
	}
	for name, c := range map[string]struct {
		code, body string
		status     int
		unknown    bool // GitHub does not know the code
		asked      bool
	}{
		"unknown":      {soldCode, `{"message":"Not Found"}`, 404, true, true},
		"refused":      {soldCode, `{"message":"` + soldCode + `"}`, 422, true, true},
		"ill":          {soldCode, `{"message":"` + soldCode + `"}`, 500, false, true},
		"sent on":      {soldCode, "", 307, false, true},
		"no id":        {soldCode, answer(0, key, "s"), 201, false, true},
		"no key":       {soldCode, answer(1, "", "s"), 201, false, true},
		"no secret":    {soldCode, answer(1, key, nil), 201, false, true},
		"blank secret": {soldCode, answer(1, key, " "), 201, false, true},
		"no JSON":      {soldCode, soldCode, 201, false, true},
		"empty":        {"", "", 500, true, false},
		"a path":       {"../app", "", 500, true, false},
		"a query":      {"a?b", "", 500, true, false},
		"too long":     {strings.Repeat("a", 201), "", 500, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				if r.URL.Path != "/api/v3/app-manifests/"+soldCode+"/conversions" || r.Header.Get("Authorization") != "" {
					t.Errorf("asked for %s with the credential %q", r.URL, r.Header.Get("Authorization"))
				}
				w.Header().Set("Location", "/elsewhere/"+soldCode)
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}))
			defer s.Close()
			_, err := github.Register(t.Context(), github.Options{BaseURL: s.URL}, c.code)
			if err == nil || errors.Is(err, github.ErrCode) != c.unknown || (asked == 1) != c.asked || asked > 1 {
				t.Errorf("error %v after %d requests", err, asked)
			}
			if err != nil && strings.Contains(err.Error(), soldCode) {
				t.Errorf("the error shows the code: %v", err)
			}
		})
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	_, err := github.Register(t.Context(), github.Options{BaseURL: closed.URL}, soldCode)
	if err == nil || errors.Is(err, github.ErrCode) || strings.Contains(err.Error(), soldCode) {
		t.Errorf("nobody answers: %v", err)
	}
}

func TestSite(t *testing.T) {
	for base, want := range map[string]string{
		"": "https://github.com", "https://api.github.com": "https://github.com", "https://api.github.com/": "https://github.com",
		"https://git.corp": "https://git.corp", "https://git.corp:8443/": "https://git.corp:8443",
	} {
		if got, err := github.Site(base); got != want || err != nil {
			t.Errorf("Site(%q) = %q, %v; want %q", base, got, err, want)
		}
	}
	for _, bad := range []string{"git.corp", "ftp://git.corp", "https://", "://"} {
		if got, err := github.Site(bad); err == nil {
			t.Errorf("Site(%q) = %q", bad, got)
		}
	}
}

// TestManifestIsTaken posts both manifests to GitHub's page.
func TestManifestIsTaken(t *testing.T) {
	s := githubtest.Start(t, githubtest.Options{Unregistered: true})
	for _, o := range []github.ManifestOptions{
		{Name: "lighterman-x", Page: "https://l.example.com", Hook: "https://l.example.com"},
		{Name: "lighterman-x", Page: "http://localhost:8080", Hook: "https://h.example.com", ReviewOnly: true},
	} {
		text, err := github.Manifest(o)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.PostForm(s.URL()+"/settings/apps/new", url.Values{"manifest": {string(text)}})
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != 200 || err != nil {
			t.Errorf("%s: %d %s", text, res.StatusCode, page)
		}
	}
}

// TestShortfalls: what is missing is named once, with its page; what is more than needed is not.
func TestShortfalls(t *testing.T) {
	const hook = "https://l.example.com/webhook"
	all := []string{"push", "pull_request", "pull_request_review", "pull_request_review_comment", "issue_comment", "merge_group"}
	with := func(name, level string) map[string]string {
		p := githubtest.Full()
		p[name] = level
		return p
	}
	without := func(gone string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(e string) bool { return e == gone })
	}
	for name, c := range map[string]struct {
		permissions map[string]string
		events      []string
		at, hook    string
		want        []string // words of each shortfall
	}{
		"nothing":            {githubtest.Full(), all, hook, hook, nil},
		"review only":        {githubtest.ReviewOnly(), all, hook, hook, nil},
		"more than enough":   {with("issues", "write"), append(slices.Clone(all), "repository"), hook, hook, nil},
		"metadata is forced": {with("metadata", "read"), all, hook, hook, nil},
		"level":              {with("pull_requests", "read"), all, hook, hook, []string{"permission pull_requests: write"}},
		"permission": {with("issues", ""), without("issue_comment"), hook, hook,
			[]string{"permission issues: read (commands in comments)"}},
		"event": {githubtest.Full(), without("pull_request"), hook, hook, []string{"event pull_request (reviews)"}},
		"pushes": {githubtest.Full(), without("push"), hook, hook,
			[]string{"event push (Dockerfiles, and the files they copy)"}},
		"everything": {map[string]string{}, []string{}, hook, hook, []string{"metadata: read", "contents: read",
			"pull_requests: write", "checks: write", "issues: read", "merge_queues: read"}},
		"other address":    {githubtest.Full(), all, "https://old.example.com/webhook", hook, []string{"old.example.com"}},
		"no address":       {githubtest.Full(), all, "", hook, []string{`go to ""`}},
		"slash at the end": {githubtest.Full(), all, hook + "/", hook, nil},
		"address unknown":  {githubtest.Full(), all, "https://old.example.com/webhook", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := githubtest.Start(t, githubtest.Options{})
			s.ChangeApp(c.permissions, c.events, c.at)
			got, err := newApp(t, s, github.Options{}).Shortfalls(t.Context(), c.hook)
			if err != nil || len(got) != len(c.want) {
				t.Fatalf("%q, %v", got, err)
			}
			for i, words := range c.want {
				if !strings.Contains(got[i], words) || !strings.Contains(got[i], s.URL()+"/settings/apps/lighterman") {
					t.Errorf("%q lacks %q or the link", got[i], words)
				}
			}
		})
	}
}

// TestShortfallsCannotBeTold: an App that is gone, and a GitHub that hangs, are errors.
func TestShortfallsCannotBeTold(t *testing.T) {
	gone := githubtest.Start(t, githubtest.Options{Unregistered: true})
	if got, err := newApp(t, gone, github.Options{Clock: newClock()}).Shortfalls(t.Context(), ""); err == nil {
		t.Errorf("an App that is gone: %q", got)
	}
	s := githubtest.Start(t, githubtest.Options{})
	hold := make(chan struct{})
	defer close(hold)
	s.Inject(githubtest.Fault{Operation: "apps/get-authenticated", Hold: hold})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if got, err := newApp(t, s, github.Options{}).Shortfalls(ctx, ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a GitHub that hangs: %q, %v", got, err)
	}
}

// TestShortfallsOfTheWebhook are what lets webhooks arrive and be refused.
func TestShortfallsOfTheWebhook(t *testing.T) {
	for config, want := range map[string]string{
		`{"url":"https://h/webhook","content_type":"json","secret":"********"}`: "",
		`{"url":"https://h/webhook","content_type":"json"}`:                     "the App's webhook has no secret",
		`{"url":"https://h/webhook","content_type":"form","secret":"********"}`: "has the content type form; only json is taken",
	} {
		app := wired(t, func(r *http.Request) (int, http.Header, string) {
			if strings.HasSuffix(r.URL.Path, "/hook/config") {
				return 200, http.Header{}, config
			}
			return 200, http.Header{}, `{"slug":"l","permissions":{"metadata":"read","contents":"write","pull_requests":"write",` +
				`"checks":"write","issues":"read","merge_queues":"read"},"events":["push","pull_request","pull_request_review",` +
				`"pull_request_review_comment","issue_comment","merge_group"]}`
		}, newClock(), -1)
		got, err := app.Shortfalls(t.Context(), "https://h/webhook")
		if err != nil || len(got) > 1 || (len(got) == 0) != (want == "") || !strings.Contains(strings.Join(got, ""), want) {
			t.Errorf("%s: %q, %v; want %q", config, got, err, want)
		}
	}
}
