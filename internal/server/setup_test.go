package server

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// newUnset makes a server that waits to be set up. Its Register configures it, unless it is told to fail.
func newUnset(t *testing.T, site, public string, register func(code string) error) *Server {
	t.Helper()
	var s *Server
	setup := &Setup{
		Site: site, Public: public,
		Manifest: func(r Registration) ([]byte, error) { return json.Marshal(r) },
		Register: func(_ context.Context, code string) (string, error) {
			if register != nil {
				if err := register(code); err != nil {
					return "", err
				}
			}
			return site + "/apps/x/installations/new", s.Configure([]string{secret})
		},
	}
	s = newServer(t, &shelf{}, func(o *Options) { o.Secrets, o.Setup = nil, setup })
	return s
}

// visit asks for a page as the browser does that knows the service as app.example.com.
func visit(s *Server, address string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", address, nil)
	r.Host = "app.example.com"
	return send(s, r)
}

var (
	formAction = regexp.MustCompile(`<form method="post" action="([^"]+)"`)
	formValue  = regexp.MustCompile(`name="manifest" value="([^"]+)"`)
)

// offered reads the form that goes to the code host; both are empty when there is none.
func offered(t *testing.T, page string) (action *url.URL, manifests []Registration) {
	t.Helper()
	found := formAction.FindStringSubmatch(page)
	if found == nil {
		return nil, nil
	}
	action, err := url.Parse(html.UnescapeString(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range formValue.FindAllStringSubmatch(page, -1) {
		var r Registration
		if err := json.Unmarshal([]byte(html.UnescapeString(m[1])), &r); err != nil {
			t.Fatal(err)
		}
		manifests = append(manifests, r)
	}
	return action, manifests
}

// TestSetupIsForTheTokenOnly: without it, with another method, and after the set-up, there is no such page.
func TestSetupIsForTheTokenOnly(t *testing.T) {
	s := newUnset(t, "https://github.com", "", nil)
	path := s.SetupPath()
	token := strings.TrimPrefix(path, "/setup?token=")
	if len(token)*5 < 128 || newUnset(t, "https://github.com", "", nil).SetupPath() == path {
		t.Errorf("the token %q is short, or not random", token)
	}
	for _, other := range []string{"/setup", "/setup?token=", "/setup?token=" + token[1:], "/setup?token=" + token + "A",
		"/setup?token=" + strings.ToLower(token), "/setup/", "/setup/x?token=" + token} {
		if w := visit(s, other); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", other, w.Code)
		}
	}
	for _, method := range []string{"POST", "HEAD", "PUT", "OPTIONS"} {
		for _, p := range []string{path, "/setup/done?code=c&state=s"} {
			if w := send(s, httptest.NewRequest(method, p, nil)); w.Code != http.StatusNotFound {
				t.Errorf("%s %s: %d", method, p, w.Code)
			}
		}
	}
	if w := visit(s, path); w.Code != http.StatusOK {
		t.Errorf("the page itself: %d", w.Code)
	}
	if err := s.Configure([]string{secret}); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, "/setup/done?code=c&state=s"} {
		if w := visit(s, p); w.Code != http.StatusNotFound {
			t.Errorf("%s after the set-up: %d", p, w.Code)
		}
	}
	if w := send(s, delivery(opened)); w.Code != http.StatusAccepted {
		t.Errorf("a webhook after the set-up: %d", w.Code)
	}
	if w := visit(newServer(t, &shelf{}), path); w.Code != http.StatusNotFound {
		t.Errorf("a server that was never to be set up: %d", w.Code)
	}
}

// TestSetupOffers: what the page sends to the code host, by where it was opened and what was typed.
func TestSetupOffers(t *testing.T) {
	const api = "https://github.com"
	for name, c := range map[string]struct {
		site, public, query string
		path, hook, page    string // of the offer
		says                string
	}{
		"the address of the page":  {api, "", "", "/settings/apps/new", "http://app.example.com", "http://app.example.com", ""},
		"a public address":         {api, "https://l.example.com", "", "/settings/apps/new", "https://l.example.com", "https://l.example.com", ""},
		"a public one is not left": {api, "https://l.example.com/", "&url=https://x.example.com", "/settings/apps/new", "https://l.example.com", "https://l.example.com", ""},
		"below a path":             {api, "https://l.example.com/bot", "", "/settings/apps/new", "https://l.example.com/bot", "https://l.example.com/bot", ""},
		"one for webhooks alone":   {api, "", "&url=https%3A%2F%2Fhooks.example.com%2F", "/settings/apps/new", "https://hooks.example.com", "http://app.example.com", ""},
		"with the path":            {api, "", "&url=https%3A%2F%2Fhooks.example.com%2Fwebhook", "/settings/apps/new", "https://hooks.example.com", "http://app.example.com", ""},
		"an organisation":          {api, "", "&org=acme", "/organizations/acme/settings/apps/new", "http://app.example.com", "http://app.example.com", ""},
		"a server of your own":     {"https://git.corp", "http://10.0.0.7:8080", "&org=acme", "/organizations/acme/settings/apps/new", "http://10.0.0.7:8080", "http://10.0.0.7:8080", ""},
		"no organisation's name":   {api, "", "&org=a%2F..%2Fb", "", "", "", "not the name of an organisation"},
		"a name with markup":       {api, "", "&org=%3Cscript%3E", "", "", "", "not the name of an organisation"},
		"a guess of no use":        {api, "", "&host=localhost", "", "", "", "placeholder=\"https://lighterman.example.com\""},
		"nothing typed":            {api, "", "&url=", "", "", "", "still missing"},
		"localhost":                {api, "", "&url=http%3A%2F%2Flocalhost%3A8080", "", "", "", "this machine"},
		"loopback":                 {api, "", "&url=http%3A%2F%2F127.9.9.9", "", "", "", "this machine"},
		"loopback, long":           {api, "", "&url=http%3A%2F%2F%5B%3A%3Affff%3A127.0.0.1%5D", "", "", "", "this machine"},
		"public loopback":          {api, "http://localhost:8080", "", "", "", "", "this machine"},
		"loopback of yours":        {"https://git.corp", "http://localhost:8080", "", "", "", "", "this machine"},
		"a network's address":      {api, "", "&url=http%3A%2F%2F192.168.1.7", "", "", "", "inside a network"},
		"a network's name":         {api, "", "&url=http%3A%2F%2Fbuilder", "", "", "", "inside a network"},
		"no address":               {api, "", "&url=app.example.com", "", "", "", "https://HOST"},
		"another scheme":           {api, "", "&url=javascript:alert(1)", "", "", "", "https://HOST"},
		"a query":                  {api, "", "&url=https%3A%2F%2Fx.example.com%2F%3Fa", "", "", "", "https://HOST"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newUnset(t, c.site, c.public, nil)
			r := httptest.NewRequest("GET", s.SetupPath()+c.query, nil)
			r.Host = cmp.Or(r.FormValue("host"), "app.example.com")
			page := send(s, r).Body.String()
			if strings.Contains(page, "role=\"alert\"") != (c.path == "" && !r.Form.Has("host")) {
				t.Errorf("a complaint, or none:\n%s", page)
			}
			action, manifests := offered(t, page)
			if c.path == "" {
				if action != nil || !strings.Contains(page, c.says) {
					t.Errorf("offered %v, not %q:\n%s", action, c.says, page)
				}
				return
			}
			if action == nil || action.Scheme+"://"+action.Host != c.site || action.Path != c.path || len(manifests) != 2 {
				t.Fatalf("offered %v, %+v\n%s", action, manifests, page)
			}
			for i, m := range manifests {
				if m.Hook != c.hook || m.Page != c.page || m.ReviewOnly != (i == 1) || len(m.Name) > maxAppName {
					t.Errorf("manifest %d: %+v", i, m)
				}
			}
		})
	}
	s := newUnset(t, api, "", nil)
	r := httptest.NewRequest("GET", s.SetupPath(), nil)
	r.Host = "app.example.com"
	r.Header.Set("X-Forwarded-Proto", "https")
	if _, m := offered(t, send(s, r).Body.String()); len(m) != 2 || m[0].Page != "https://app.example.com" {
		t.Errorf("behind a proxy that speaks TLS: %+v", m)
	}
}

// TestAppName: unique, short enough, and of whole words.
func TestAppName(t *testing.T) {
	for org, want := range map[string]string{
		"":                            `^lighterman-[a-z0-9]{6}$`,
		"acme":                        `^lighterman-acme-[a-z0-9]{6}$`,
		"a234567890123456-890":        `^lighterman-a234567890123456-[a-z0-9]{6}$`,
		strings.Repeat("organi", 6):   `^lighterman-organiorganiorgan?i?-[a-z0-9]{6}$`,
		strings.Repeat("o", 15) + "-": `^lighterman-o{15}-[a-z0-9]{6}$`,
	} {
		a, b := appName(org), appName(org)
		if a == b || len(a) > maxAppName || !regexp.MustCompile(want).MatchString(a) {
			t.Errorf("%q: %q, %q", org, a, b)
		}
	}
}

// TestSetupPagesAreShut: nothing is loaded, framed, kept, or sent elsewhere.
func TestSetupPagesAreShut(t *testing.T) {
	s := newUnset(t, "https://git.corp", "", nil)
	for path, form := range map[string]string{
		s.SetupPath():                 "form-action 'self' https://git.corp;",
		"/setup/done?code=c&state=no": "form-action 'self';",
		"/installed":                  "form-action 'self';",
	} {
		w := visit(s, path)
		policy := w.Header().Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none';", "frame-ancestors 'none'", "base-uri 'none'", form} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy lacks %q: %s", path, want, policy)
			}
		}
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "Referrer-Policy": "strict-origin", "X-Content-Type-Options": "nosniff",
			"X-Frame-Options": "DENY", "Content-Type": "text/html; charset=utf-8",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if strings.Contains(w.Body.String(), "<script") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: a script, or room for one", path)
		}
	}
}

// state opens the page and returns the state that it sends along.
func state(t *testing.T, s *Server) string {
	t.Helper()
	action, _ := offered(t, visit(s, s.SetupPath()).Body.String())
	return action.Query().Get("state")
}

// TestStateHoldsOnceAndForAnHour, and there is no end of pages only to those who hold the token.
func TestStateHoldsOnceAndForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var codes []string
		s := newUnset(t, "https://github.com", "", func(code string) error {
			codes = append(codes, code)
			return errors.New("not this time")
		})
		done := func(state, code string) int {
			return visit(s, "/setup/done?code="+code+"&state="+state).Code
		}
		late, once, first := state(t, s), "", ""
		time.Sleep(time.Hour)
		if got := done(late, "late"); got != http.StatusForbidden {
			t.Errorf("after an hour: %d", got)
		}
		once = state(t, s)
		time.Sleep(time.Hour - time.Second)
		if got := done(once, "once"); got != http.StatusBadGateway {
			t.Errorf("within the hour: %d", got)
		}
		if got := done(once, "twice"); got != http.StatusForbidden {
			t.Errorf("a second time: %d", got)
		}
		first = state(t, s)
		time.Sleep(time.Second)
		for range maxStates - 1 {
			state(t, s)
		}
		if got := done(first, "many"); got != http.StatusBadGateway {
			t.Errorf("the oldest of as many as are kept: %d", got)
		}
		first = state(t, s)
		time.Sleep(time.Second)
		for range maxStates {
			state(t, s)
		}
		if got := done(first, "more"); got != http.StatusForbidden || len(s.setup.states) > maxStates {
			t.Errorf("the oldest of too many: %d, %d are kept", got, len(s.setup.states))
		}
		if strings.Join(codes, " ") != "once many" {
			t.Errorf("codes used: %q", codes)
		}
	})
}

// TestSetupTellsNoSecrets: neither the log nor a page for strangers has the token, a state or a code.
func TestSetupTellsNoSecrets(t *testing.T) {
	var log bytes.Buffer
	s := newUnset(t, "https://github.com", "", func(code string) error {
		if code == "first" {
			return &UnsavedError{Settings: "https://github.com/apps/x", Err: errors.New("disk full")}
		}
		return nil
	})
	s.log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	token := s.setup.token
	a, b := state(t, s), state(t, s)
	if w := visit(s, "/setup/done?code=stray&state=unknown"); strings.Contains(w.Body.String(), token) {
		t.Errorf("a stranger is told the token: %s", w.Body)
	}
	if w := visit(s, "/setup/done?code=first&state="+a); !strings.Contains(w.Body.String(), "setup?token="+token) ||
		!strings.Contains(w.Body.String(), "https://github.com/apps/x") {
		t.Errorf("who holds the token is not told how to go on: %s", w.Body)
	}
	if w := visit(s, "/setup/done?code=second&state="+b); w.Code != http.StatusSeeOther ||
		w.Header().Get("Location") != "https://github.com/apps/x/installations/new" {
		t.Errorf("%d %s", w.Code, w.Header().Get("Location"))
	}
	for _, never := range []string{token, a, b, "=first", "=second", secret} {
		if strings.Contains(log.String(), never) {
			t.Errorf("the log has %q:\n%s", never, &log)
		}
	}
	if !strings.Contains(log.String(), "disk full") {
		t.Errorf("the log does not say what went wrong:\n%s", &log)
	}
}

// TestNotesAreNoReason: what falls short is told and does not make the service unready.
func TestNotesAreNoReason(t *testing.T) {
	s := newServer(t, &shelf{}, func(o *Options) { o.Notes = func() []string { return []string{"one", "two"} } })
	if w := send(s, inside("/readyz")); w.Code != 200 || w.Body.String() != "ready\none\ntwo\n" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if w := visit(s, "/readyz"); w.Code != 200 || w.Body.String() != "ready\n" {
		t.Errorf("a stranger is told %d %q", w.Code, w.Body)
	}
}

// TestHeardOnce: of each delivery that was stored, and of no other.
func TestHeardOnce(t *testing.T) {
	var heard []string
	s := newServer(t, &shelf{}, func(o *Options) {
		o.Heard = func(event string, payload []byte) { heard = append(heard, event+" "+string(payload)) }
	})
	send(s, delivery(opened))
	send(s, delivery(opened))
	forged := delivery(opened)
	forged.Header.Set("X-Hub-Signature-256", "sha256=00")
	send(s, forged)
	if len(heard) != 1 || heard[0] != "pull_request "+opened {
		t.Errorf("heard %q", heard)
	}
}
