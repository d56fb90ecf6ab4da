package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/admin"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/queue"
	"github.com/lighterman/lighterman/internal/review"
)

const adminToken = "between the operators and nobody else"

// TestAdminSettings: what serve takes for the admin page, and what it refuses.
func TestAdminSettings(t *testing.T) {
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "token")
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	good, user, net := file(adminToken+"\n"), []string{"X-Forwarded-User=robin"}, []string{"10.0.0.0/8", "::1"}
	for name, c := range map[string]struct {
		s    adminSettings
		want string // part of the error; "" is none
	}{
		"nothing":         {adminSettings{}, ""},
		"a token":         {adminSettings{tokenFile: good}, ""},
		"a header":        {adminSettings{headers: user, proxies: net}, ""},
		"both":            {adminSettings{tokenFile: good, headers: user, proxies: net, addr: ":8081"}, ""},
		"a short token":   {adminSettings{tokenFile: file("hunter2hunter2")}, "14 characters"},
		"an empty file":   {adminSettings{tokenFile: file("\n")}, "LIGHTERMAN_ADMIN_TOKEN is not set"},
		"no file":         {adminSettings{tokenFile: "/no/such/file"}, "LIGHTERMAN_ADMIN_TOKEN_FILE"},
		"no proxies":      {adminSettings{headers: user}, "everybody could send it"},
		"no value":        {adminSettings{headers: []string{"X-Forwarded-User"}, proxies: net}, "not NAME=VALUE"},
		"no network":      {adminSettings{headers: user, proxies: []string{"proxy.local"}}, "not a network"},
		"an address only": {adminSettings{addr: ":8081"}, "who may see"},
	} {
		a, err := c.s.access()
		switch {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", name, err, c.want)
		case err == nil && c.s.tokenFile != "" && a.Token != adminToken:
			t.Errorf("%s: the token is %q", name, a.Token)
		case err != nil && strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%s: the error tells the token: %v", name, err)
		}
	}
}

// newAdmin makes a service that is not run, with what change says.
func newAdmin(t *testing.T, change func(*serviceOptions)) *service {
	t.Helper()
	o := serviceOptions{Queue: queue.Options{DataDir: t.TempDir()}, Log: quiet(), Public: "https://lighterman.example.com"}
	change(&o)
	s, err := newService(t.Context(), o)
	must(t, err)
	t.Cleanup(func() {
		s.close()
		must(t, s.queue.Stop(t.Context()))
	})
	return s
}

// ask asks the server for a page with the administrators' token.
func (s *service) ask(token, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.server.ServeHTTP(w, r)
	return w
}

// TestThereIsNoAdminPageUnlessAsked: without settings it is like any page that is not there, and where it has an address of
// its own it is not where webhooks come in.
func TestThereIsNoAdminPageUnlessAsked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*serviceOptions){
		"not asked": func(*serviceOptions) {},
		"apart": func(o *serviceOptions) {
			o.Admin, o.AdminAddr = admin.Access{Token: adminToken}, "127.0.0.1:0"
		},
	} {
		s := newAdmin(t, change)
		for _, path := range []string{"/admin", "/admin/", "/admin/login"} {
			if w := s.ask(adminToken, path); w.Code != http.StatusNotFound {
				t.Errorf("%s: %s: %d", name, path, w.Code)
			}
		}
	}
	s := newAdmin(t, func(o *serviceOptions) { o.Admin = admin.Access{Token: adminToken} })
	w := s.ask(adminToken, "/admin/")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "There is no GitHub App yet") {
		t.Errorf("%d\n%s", w.Code, w.Body)
	}
	if w := s.ask(adminToken, "/admin"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "admin/" {
		t.Errorf("%d %s", w.Code, w.Header())
	}
}

// TestAdminPageApart is served where it was told to be, and nothing else is.
func TestAdminPageApart(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	s := newAdmin(t, func(o *serviceOptions) { o.Admin, o.AdminAddr = admin.Access{Token: adminToken}, addr })
	l, err := s.listenAdmin()
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	serving.Go(func() { s.serveAdmin(ctx, l) })
	defer serving.Wait()
	defer cancel()
	client := &http.Client{Timeout: time.Minute}
	for path, want := range map[string]int{"/admin/": 200, "/webhook": 404, "/metrics": 404, "/healthz": 404} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+addr+path, nil)
		must(t, err)
		r.Header.Set("Authorization", "Bearer "+adminToken)
		res, err := client.Do(r)
		must(t, err)
		must(t, res.Body.Close())
		if res.StatusCode != want || res.Header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: %s %v", path, res.Status, res.Header)
		}
	}
}

// TestAdminKeyIsShared holds that a form which one replica made is taken by the next.
func TestAdminKeyIsShared(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := map[string]bool{}
	for range 2 {
		s, err := newService(t.Context(), serviceOptions{Queue: queue.Options{DataDir: dir}, Log: quiet()})
		must(t, err)
		key, err := s.adminKey(t.Context())
		must(t, err)
		keys[key] = true
		s.close()
		must(t, s.queue.Stop(t.Context()))
	}
	if len(keys) != 1 || keys[""] {
		t.Errorf("%d keys", len(keys))
	}
}

// press sends a form with the administrators' token.
func (s *service) press(t *testing.T, token, path string, form url.Values) {
	t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.server.ServeHTTP(w, r)
	if w.Code != http.StatusSeeOther {
		t.Fatalf("%s: %d\n%s", path, w.Code, w.Body)
	}
}

// TestAdminPageOfAReview: after a review on the double every page shows it, and the buttons bring about a run each that
// writes nothing.
func TestAdminPageOfAReview(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	token := s.admin
	pull := s.pull(t, "shop", demoFile("web/Dockerfile"))
	s.outcome(t, pull)
	s.settled(t)
	for path, wants := range map[string][]string{
		"":                    {"Requests left", "Dead"},
		"jobs":                {"acme/shop#1", ">done<"},
		"pull?q=acme/shop/1":  {"something was written", pull.Head(), "pull_request opened", "acme/shop/pull/1"},
		"pull?q=acme/shop/99": {"Nothing is known of it"},
		"deliveries":          {"pull_request opened", "202", "Handle again"},
		"installations":       {">acme<", "active"},
		"repositories?installation=" + fmt.Sprint(s.hub.InstallationID("acme")): {"acme/shop", "acme/shop#1"},
		"sweeps": {"No repository is listed"},
	} {
		w := s.service.ask(token, "/admin/"+path)
		for _, want := range wants {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s: %d lacks %q\n%s", path, w.Code, want, w.Body)
			}
		}
	}
	var last githubtest.Delivery
	for _, d := range s.hub.Deliveries() {
		if d.Event == "pull_request" {
			last = d
		}
	}
	for path, form := range map[string]url.Values{
		"look": {"q": {"acme/shop#1"}}, "again": {"guid": {last.GUID}}, "fetch": {"id": {fmt.Sprint(last.ID)}},
	} {
		s.hub.ForgetRequests()
		s.service.press(t, token, "/admin/"+path, form)
		if out := s.outcome(t, pull); out.End != review.Unchanged {
			t.Errorf("%s: %s", path, out.End)
		}
		s.settled(t)
	}
	once(t, pull)
}

// TestADeadJobIsReplayedFromThePage lets a review fail for good, and presses the page's own button.
func TestADeadJobIsReplayedFromThePage(t *testing.T) {
	t.Parallel()
	hub, err := githubtest.New(githubtest.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, hub.Close()) })
	s := newAdmin(t, func(o *serviceOptions) {
		o.GitHub = github.Options{AppID: hub.AppID(), PrivateKey: hub.PrivateKey(), BaseURL: hub.URL(), WritePause: -1}
		o.Secrets, o.Queue.Attempts, o.Queue.Cooldown = []string{crashSecret}, 1, -1
		o.Admin = admin.Access{Token: adminToken}
	})
	repo, err := hub.CreateRepo("acme", "shop", map[string]string{"README.md": "# shop\n"})
	must(t, err)
	_, err = repo.Push("topic", "x", demoFile("web/Dockerfile"))
	must(t, err)
	_, err = repo.OpenPull(githubtest.PullOptions{Title: "x", Author: "robin", Head: "topic"})
	must(t, err)
	hub.Inject(githubtest.Fault{Operation: "pulls/list-files", Status: 422,
		Body: `{"message":"<b>no luck</b>","documentation_url":"https://docs.github.com/rest","status":"422"}`})
	must(t, s.queue.Start(t.Context()))
	s.press(t, adminToken, "/admin/look", url.Values{"q": {"acme/shop#1"}})
	must(t, s.queue.Idle(t.Context()))
	body := s.ask(adminToken, "/admin/jobs").Body.String()
	id := regexp.MustCompile(`name="id" value="(\d+)"`).FindStringSubmatch(body)
	if id == nil || !strings.Contains(body, "no luck") || strings.Contains(body, "<b>no") {
		t.Fatalf("no dead job is shown:\n%s", body)
	}
	if why := s.ask(adminToken, "/admin/pull?q=acme/shop/1").Body.String(); !strings.Contains(why, "was put aside") {
		t.Errorf("it is not told:\n%s", why)
	}
	s.press(t, adminToken, "/admin/replay", url.Values{"id": {id[1]}})
	must(t, s.queue.Idle(t.Context()))
	if why := s.ask(adminToken, "/admin/pull?q=acme/shop/1").Body.String(); !strings.Contains(why, "something was written") {
		t.Errorf("nothing came of it:\n%s", why)
	}
}

func TestRiverUIIsAnAddress(t *testing.T) {
	for page, good := range map[string]bool{
		"": true, "https://river.example.com/ui": true, "http://localhost:8081": true, "river.example.com": false, "javascript:1": false,
		"https://": false, ":": false,
	} {
		if got, err := link(page); (err == nil) != good || good && got != page {
			t.Errorf("%q: %q, %v", page, got, err)
		}
	}
}
