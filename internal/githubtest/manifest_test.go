package githubtest_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/githubtest"
)

const redirectURL = "http://127.0.0.1:1/setup/done?kept=yes"

func manifest(change obj) string {
	m := obj{
		"name": "Light Man 7", "url": "https://example.com", "hook_attributes": obj{"url": "https://app.example.com/webhook"},
		"redirect_url": redirectURL, "default_events": []string{"pull_request", "issue_comment"},
		"default_permissions": map[string]string{"pull_requests": "write", "issues": "read"},
	}
	maps.Copy(m, change)
	text, _ := json.Marshal(m) // strings and maps of them
	return string(text)
}

// post sends a form as a browser would, and follows nothing.
func post(t *testing.T, address string, form url.Values) answer {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.PostForm(address, form)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return answer{res.StatusCode, res.Header, string(must(io.ReadAll(res.Body))(t))}
}

var codeField = regexp.MustCompile(`name="code" value="([^"]+)"`)

// TestManifestFlow registers the App by its manifest, fetches its credentials once, and installs it.
func TestManifestFlow(t *testing.T) {
	now := time.Now()
	s := githubtest.Start(t, githubtest.Options{Unregistered: true, Now: func() time.Time { return now }})
	hooks := receive(t)
	s.Reach("https://app.example.com", hooks.URL)
	must(s.CreateRepo("acme", "shop", nil))(t)
	if id := s.InstallationID("acme"); id != 0 {
		t.Errorf("installed before it was registered: %d", id)
	}
	if a := app(t, s).do("GET", "/app", nil); a.status != 404 {
		t.Errorf("the App is there before it was registered: %d", a.status)
	}
	code := func() string {
		asks := post(t, s.URL()+"/organizations/acme/settings/apps/new?state=s%26t", url.Values{"manifest": {manifest(nil)}})
		found := codeField.FindStringSubmatch(asks.body)
		if asks.status != 200 || found == nil {
			t.Fatalf("the page that asks: %d %s", asks.status, asks.body)
		}
		back := post(t, s.URL()+"/settings/apps/create", url.Values{"code": {found[1]}}).header.Get("Location")
		to := must(url.Parse(back))(t)
		q := to.Query()
		if q.Get("state") != "s&t" || q.Get("kept") != "yes" || !strings.HasPrefix(back, "http://127.0.0.1:1/setup/done?") {
			t.Errorf("sent back to %s", to)
		}
		return q.Get("code")
	}
	late := code()
	now = now.Add(time.Hour)
	anyone := caller{t: t, s: s}
	if a := anyone.do("POST", "/api/v3/app-manifests/"+late+"/conversions", nil); a.status != 404 {
		t.Errorf("a code of an hour ago: %d", a.status)
	}
	now = now.Add(-time.Hour)
	path := "/api/v3/app-manifests/" + code() + "/conversions"
	a := anyone.do("POST", path, nil)
	v := a.value(t)
	secret, _ := v["webhook_secret"].(string)
	if a.status != 201 || v["slug"] != "light-man-7" || v["pem"] != string(s.PrivateKey()) || len(secret) < 32 {
		t.Fatalf("conversion: %d %s", a.status, a.body)
	}
	if a := anyone.do("POST", path, nil); a.status != 404 {
		t.Errorf("the same code again: %d", a.status)
	}
	got := app(t, s)
	about := got.do("GET", "/app", nil).value(t)
	if about["slug"] != "light-man-7" || len(about["events"].([]any)) != 2 || s.Bot() != "light-man-7[bot]" {
		t.Errorf("GET /app: %v", about)
	}
	if a := got.do("GET", "/app/hook/config", nil).value(t); a["url"] != "https://app.example.com/webhook" {
		t.Errorf("webhook: %v", a)
	}
	if a := post(t, s.URL()+"/apps/light-man-7/installations/new", nil); a.status != 302 {
		t.Errorf("install: %d %s", a.status, a.body)
	}
	headers, bodies := hooks.got(t, s)
	if len(bodies) != 1 || headers[0].Get("X-GitHub-Event") != "installation" || bodies[0]["action"] != "created" {
		t.Errorf("webhooks %v", bodies)
	}
	list := installation(t, s, obj{}).do("GET", "/installation/repositories", nil).value(t)
	if list["total_count"] != 1.0 {
		t.Errorf("installed on %v", list)
	}
}

func TestManifestRefused(t *testing.T) {
	s := githubtest.Start(t, githubtest.Options{Unregistered: true})
	hook := func(u string) obj { return obj{"hook_attributes": obj{"url": u}} }
	for name, m := range map[string]string{
		"no JSON":               "{",
		"unknown key":           manifest(obj{"hook": 1}),
		"no name":               manifest(obj{"name": ""}),
		"long name":             manifest(obj{"name": strings.Repeat("n", 35)}),
		"no url":                manifest(obj{"url": ""}),
		"event":                 manifest(obj{"default_permissions": obj{"pull_requests": "write"}}),
		"unknown event":         manifest(obj{"default_events": []string{"installation"}}),
		"level":                 manifest(obj{"default_permissions": obj{"pull_requests": "write", "issues": "all"}}),
		"localhost":             manifest(hook("http://localhost:8080/webhook")),
		"loopback":              manifest(hook("http://127.0.0.1/webhook")),
		"private":               manifest(hook("https://10.1.2.3/webhook")),
		"no address of a hook":  manifest(hook("app.example.com")),
		"other scheme of hooks": manifest(hook("ftp://app.example.com")),
	} {
		if a := post(t, s.URL()+"/settings/apps/new", url.Values{"manifest": {m}}); a.status != 422 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

// TestListPulls lists the newest first, by state and page.
func TestListPulls(t *testing.T) {
	s, r, first := scene(t, githubtest.Options{})
	must(r.OpenPull(githubtest.PullOptions{Title: "Second", Author: "robin", Head: "topic"}))(t)
	must(r.OpenPull(githubtest.PullOptions{Title: "Third", Author: "robin", Head: "topic"}))(t)
	must(0, first.Close("robin"))(t)
	c := installation(t, s, obj{"repositories": []string{"shop"}})
	for query, want := range map[string]string{
		"": "3 2", "?state=open&direction=asc": "2 3", "?state=closed": "1", "?state=all&per_page=2&page=2": "1",
	} {
		var list []struct{ Number int }
		a := c.do("GET", "/api/v3/repos/acme/shop/pulls"+query, nil)
		must(0, json.Unmarshal([]byte(a.body), &list))(t)
		var got []string
		for _, p := range list {
			got = append(got, itoa(float64(p.Number)))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
	}
}
