package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/queue"
)

const token = "a token of sixty-four characters is more than anybody will guess"

// A shelf is a Queue that holds what a test put there.
type shelf struct {
	err      error
	depth    queue.Depth
	counts   []queue.DayCount
	live     []queue.LiveJob
	dead     []queue.DeadJob
	reports  []queue.Report
	known    queue.Known
	repos    []queue.Repository
	received []queue.Received
	sent     []forge.Sent
	accounts []forge.Installation
	reached  []forge.Listed
	asked    int // of the host
	deeds    []string
}

func (s *shelf) Live(context.Context, int) ([]queue.LiveJob, error) { return s.live, s.err }
func (s *shelf) Dead(context.Context) ([]queue.DeadJob, error)      { return s.dead, s.err }
func (s *shelf) Report(context.Context, forge.Ref) (r queue.Report, ok bool, err error) {
	if len(s.reports) == 0 {
		return r, false, s.err
	}
	return s.reports[0], true, s.err
}
func (s *shelf) Reports(context.Context, int) ([]queue.Report, error)    { return s.reports, s.err }
func (s *shelf) Known(context.Context, forge.Ref) (queue.Known, error)   { return s.known, s.err }
func (s *shelf) Received(context.Context, int) ([]queue.Received, error) { return s.received, s.err }
func (s *shelf) Repositories(context.Context, int64) ([]queue.Repository, error) {
	return s.repos, s.err
}
func (s *shelf) did(format string, args ...any) error {
	s.deeds = append(s.deeds, fmt.Sprintf(format, args...))
	return s.err
}
func (s *shelf) Replay(_ context.Context, id int64) error    { return s.did("replay %d", id) }
func (s *shelf) Look(_ context.Context, ref forge.Ref) error { return s.did("look %s", ref) }
func (s *shelf) Again(_ context.Context, guid string) error  { return s.did("again %s", guid) }
func (s *shelf) Fetch(_ context.Context, id int64) error     { return s.did("fetch %d", id) }

// A host is the Host of a shelf.
type host struct{ *shelf }

func (h host) Installations(context.Context) ([]forge.Installation, error) {
	h.asked++
	return h.accounts, h.err
}
func (h host) Repositories(context.Context, int64) ([]forge.Listed, error) {
	h.asked++
	return h.reached, h.err
}
func (h host) Sent(context.Context) ([]forge.Sent, error) {
	h.asked++
	return h.sent, h.err
}

func (s *shelf) Depth(context.Context) (queue.Depth, error) { return s.depth, s.err }
func (s *shelf) Counts(context.Context, time.Time) ([]queue.DayCount, error) {
	return s.counts, s.err
}

// newPages makes pages for whoever knows the token, unless change says otherwise.
func newPages(t *testing.T, q *shelf, change ...func(*Options)) *Pages {
	t.Helper()
	o := Options{Access: Access{Token: token}, Queue: q, Host: host{q}, Desk: q, Version: "v1", Site: "https://github.example"}
	for _, c := range change {
		c(&o)
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// proxied lets in whom a proxy in 10.0.0.0/8 calls robin.
func proxied(o *Options) {
	o.Access = Access{
		Headers: []Header{{"X-Forwarded-User", "robin"}}, Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Key: []byte(strings.Repeat("k", MinToken)),
	}
}

func send(p *Pages, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

func get(path string) *http.Request { return httptest.NewRequest("GET", Root+path, nil) }

func post(path string, form url.Values) *http.Request {
	r := httptest.NewRequest("POST", Root+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// signedIn is a session of the token's.
func signedIn(t *testing.T, p *Pages) *http.Cookie {
	t.Helper()
	w := send(p, post("login", url.Values{"token": {token + "\n"}}))
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || len(cookies) != 1 {
		t.Fatalf("sign in: %d, %v", w.Code, w.Header())
	}
	return cookies[0]
}

var stampField = regexp.MustCompile(`name="stamp" value="([^"]+)"`)

// stampOf is what the forms of a page bring back.
func stampOf(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	found := stampField.FindStringSubmatch(w.Body.String())
	if found == nil {
		t.Fatalf("%d: no form with a stamp:\n%s", w.Code, w.Body)
	}
	return found[1]
}

// TestAdminIsForAdministratorsOnly asks for every page and every button there is, without a token, with wrong ones, with
// sessions that are none, and with a header that nobody may send.
func TestAdminIsForAdministratorsOnly(t *testing.T) {
	p := newPages(t, &shelf{err: errors.New("it was read")})
	other := newPages(t, &shelf{}, func(o *Options) { o.Access.Token = strings.ToUpper(token) })
	old := newPages(t, &shelf{})
	old.entry.now = func() time.Time { return time.Now().Add(-sessionLife) }
	good := signedIn(t, p).Value
	strangers := map[string]func(*http.Request){
		"nothing":                 func(*http.Request) {},
		"no token":                func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") },
		"a wrong token":           func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token[1:]) },
		"another scheme":          func(r *http.Request) { r.SetBasicAuth("admin", token) },
		"the token in a query":    func(r *http.Request) { r.URL.RawQuery = "token=" + url.QueryEscape(token) },
		"the token as a session":  func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookieName, Value: token}) },
		"an empty session":        func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookieName}) },
		"another token's session": func(r *http.Request) { r.AddCookie(cookie(other.entry.newSession(), true)) },
		"an old session":          func(r *http.Request) { r.AddCookie(cookie(old.entry.newSession(), true)) },
		"a longer session":        func(r *http.Request) { r.AddCookie(cookie("B"+good[1:], true)) },
		"a cut session":           func(r *http.Request) { r.AddCookie(cookie(good[:len(good)-4], true)) },
		"a header":                func(r *http.Request) { r.Header.Set("X-Forwarded-User", "robin") },
	}
	routes := p.routes()
	if len(routes) < 3 {
		t.Fatalf("only %d routes", len(routes))
	}
	for name, dress := range strangers {
		for _, route := range append(routes, route{"GET", "", nil}, route{"GET", "x/y", nil}, route{"DELETE", "", nil}) {
			r := httptest.NewRequest(route.method, Root+strings.TrimSuffix(route.path, "{$}"), nil)
			r.RemoteAddr = "10.0.0.1:1"
			dress(r)
			w := send(p, r)
			if w.Code != http.StatusUnauthorized && w.Code != http.StatusTooManyRequests ||
				!strings.Contains(w.Body.String(), `action="login"`) || len(w.Result().Cookies()) > 0 {
				t.Errorf("%s, %s %s: %d %v\n%s", name, route.method, route.path, w.Code, w.Header(), w.Body)
			}
		}
	}
}

// TestSigningIn: a session holds for all pages until it ends, and says nothing about the token.
func TestSigningIn(t *testing.T) {
	p := newPages(t, &shelf{})
	c := signedIn(t, p)
	if !c.HttpOnly || c.Secure || c.SameSite != http.SameSiteStrictMode || strings.Contains(c.Value, token) || c.Path != "" ||
		c.MaxAge != int(sessionLife.Seconds()) {
		t.Errorf("%+v", c)
	}
	r := get("")
	r.AddCookie(c)
	page := send(p, r)
	if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), "Sign out") {
		t.Errorf("%d\n%s", page.Code, page.Body)
	}
	out := post("logout", url.Values{"stamp": {stampOf(t, page)}})
	out.AddCookie(c)
	w := send(p, out)
	if got := w.Result().Cookies(); w.Code != http.StatusSeeOther || len(got) != 1 || got[0].Value != "" || got[0].MaxAge >= 0 {
		t.Errorf("sign out: %d %v", w.Code, got)
	}
	p.entry.now = func() time.Time { return time.Now().Add(sessionLife) }
	if w := send(p, r); w.Code != http.StatusUnauthorized {
		t.Errorf("after its time: %d", w.Code)
	}
	bearer := get("")
	bearer.Header.Set("Authorization", "Bearer "+token)
	if w := send(p, bearer); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "Sign out") {
		t.Errorf("with the token itself: %d", w.Code)
	}
}

// TestCookiesGoBySafeWaysOnly: where the browser came by TLS the cookie does so too.
func TestCookiesGoBySafeWaysOnly(t *testing.T) {
	for name, c := range map[string]struct {
		public string
		dress  func(*http.Request)
	}{
		"a public address": {"https://lighterman.example.com", func(*http.Request) {}},
		"a proxy":          {"", func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") }},
		"our own TLS":      {"", func(r *http.Request) { r.TLS = httptest.NewRequest("GET", "https://x/", nil).TLS }},
	} {
		p := newPages(t, &shelf{}, func(o *Options) { o.Public = c.public })
		r := post("login", url.Values{"token": {token}})
		c.dress(r)
		if got := send(p, r).Result().Cookies(); len(got) != 1 || !got[0].Secure {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestSigningInGoesOnInside: the page that was asked for comes after the token, and none elsewhere.
func TestSigningInGoesOnInside(t *testing.T) {
	p := newPages(t, &shelf{})
	asked := send(p, get("pull?q=acme%2Fshop%231")).Body.String()
	if !strings.Contains(asked, `name="to" value="pull?q=acme%2Fshop%231"`) {
		t.Errorf("the form forgets what was asked for:\n%s", asked)
	}
	for to, want := range map[string]string{
		"": "./", "jobs": "./jobs", "pull?q=acme%2Fshop%231": "./pull?q=acme%2Fshop%231", "//evil.example": "./",
		"/\\evil.example": "./", "https://evil.example": "./", "../webhook": "./", "jobs\r\nX: y": "./", "javascript:1": "./",
	} {
		w := send(p, post("login", url.Values{"token": {token}, "to": {to}}))
		if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
	}
}

// TestHeadersOfStrangersCountForNothing: who a proxy names is believed when it is one of ours, and named once.
func TestHeadersOfStrangersCountForNothing(t *testing.T) {
	p := newPages(t, &shelf{}, proxied)
	for name, c := range map[string]struct {
		from string
		h    http.Header
		want int
	}{
		"our proxy":              {"10.1.2.3:1", http.Header{"X-Forwarded-User": {"robin"}}, 200},
		"our proxy, mapped":      {"[::ffff:10.1.2.3]:1", http.Header{"X-Forwarded-User": {"robin"}}, 200},
		"nobody":                 {"10.1.2.3:1", nil, 403},
		"an empty name":          {"10.1.2.3:1", http.Header{"X-Forwarded-User": {""}}, 403},
		"somebody else":          {"10.1.2.3:1", http.Header{"X-Forwarded-User": {"mallory"}}, 403},
		"a longer name":          {"10.1.2.3:1", http.Header{"X-Forwarded-User": {"robin "}}, 403},
		"in other case":          {"10.1.2.3:1", http.Header{"X-Forwarded-User": {"Robin"}}, 403},
		"two names":              {"10.1.2.3:1", http.Header{"X-Forwarded-User": {"robin", "mallory"}}, 403},
		"another header":         {"10.1.2.3:1", http.Header{"X-User": {"robin"}}, 403},
		"from elsewhere":         {"192.0.2.1:1", http.Header{"X-Forwarded-User": {"robin"}}, 403},
		"from nowhere":           {"", http.Header{"X-Forwarded-User": {"robin"}}, 403},
		"pretending to be there": {"192.0.2.1:1", http.Header{"X-Forwarded-User": {"robin"}, "X-Forwarded-For": {"10.1.2.3"}}, 403},
		"with a token":           {"192.0.2.1:1", http.Header{"Authorization": {"Bearer "}}, 403},
	} {
		r := get("")
		r.RemoteAddr = c.from
		if c.h != nil {
			r.Header = c.h
		}
		w := send(p, r)
		if w.Code != c.want || strings.Contains(w.Body.String(), `action="login"`) {
			t.Errorf("%s: %d, want %d\n%s", name, w.Code, c.want, w.Body)
		}
	}
	everybody := newPages(t, &shelf{}, proxied, func(o *Options) { o.Access.Headers[0].Value = "*" })
	r := get("")
	r.RemoteAddr = "10.0.0.1:1"
	r.Header.Set("X-Forwarded-User", `<b>"robin"`)
	w := send(everybody, r)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "&lt;b&gt;") || strings.Contains(w.Body.String(), "<b>\"") {
		t.Errorf("everybody: %d\n%s", w.Code, w.Body)
	}
}

// TestFormsAreMadeForWhoSendsThem: every button needs the stamp of its visitor, whatever site the form is on.
func TestFormsAreMadeForWhoSendsThem(t *testing.T) {
	p := newPages(t, &shelf{})
	c := signedIn(t, p)
	session := func(stamp string) *http.Request {
		r := post("logout", url.Values{"stamp": {stamp}})
		r.AddCookie(c)
		return r
	}
	mine := p.entry.stamp(visitor{proof: "session " + c.Value})
	if w := send(p, session(mine)); w.Code != http.StatusSeeOther {
		t.Fatalf("the right stamp: %d", w.Code)
	}
	for _, route := range p.routes() {
		if route.method == "GET" {
			continue
		}
		for name, stamp := range map[string]string{
			"none": "", "cut": mine[1:], "another's": p.entry.stamp(visitor{proof: "session " + signedIn(t, p).Value}),
		} {
			r := post(route.path, url.Values{"stamp": {stamp}})
			r.AddCookie(c)
			if w := send(p, r); w.Code != http.StatusForbidden {
				t.Errorf("%s: %s: %d", route.path, name, w.Code)
			}
		}
		for name, h := range map[string][2]string{
			"another site":       {"Sec-Fetch-Site", "cross-site"},
			"a sister of ours":   {"Sec-Fetch-Site", "same-site"},
			"by an old browser":  {"Origin", "https://evil.example"},
			"from nowhere known": {"Origin", "null"},
		} {
			r := session(mine)
			r.URL.Path = Root + route.path
			r.Header.Set(h[0], h[1])
			if w := send(p, r); w.Code != http.StatusForbidden {
				t.Errorf("%s: %s: %d", route.path, name, w.Code)
			}
		}
	}
	r := post("login", url.Values{"token": {token}})
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if w := send(p, r); w.Code != http.StatusForbidden || len(w.Result().Cookies()) > 0 {
		t.Errorf("a login from another site: %d", w.Code)
	}
	proxy := newPages(t, &shelf{}, proxied)
	w := post("logout", nil)
	w.RemoteAddr = "10.0.0.1:1"
	w.Header.Set("X-Forwarded-User", "robin")
	if got := send(proxy, w); got.Code != http.StatusForbidden {
		t.Errorf("without a stamp, through the proxy: %d", got.Code)
	}
}

// TestGuessingEnds: after so many wrong tokens none is looked at from there for a while, the right one included; others go
// on.
func TestGuessingEnds(t *testing.T) {
	p := newPages(t, &shelf{}, func(o *Options) { o.Access.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	now := time.Now()
	p.entry.now = func() time.Time { return now }
	try := func(from, forwarded, text string) int {
		r := post("login", url.Values{"token": {text}})
		r.RemoteAddr = from
		if forwarded != "" {
			r.Header.Set("X-Forwarded-For", forwarded)
		}
		return send(p, r).Code
	}
	for n := range maxWrong {
		if got := try("[2001:db8::"+string(rune('1'+n%9))+"]:1", "", "wrong"); got != http.StatusUnauthorized {
			t.Fatalf("try %d: %d", n, got)
		}
	}
	if got := try("[2001:db8::7]:1", "", token); got != http.StatusTooManyRequests {
		t.Errorf("the right one after that: %d", got)
	}
	r := get("")
	r.RemoteAddr = "[2001:db8::7]:1"
	r.Header.Set("Authorization", "Bearer "+token)
	if w := send(p, r); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "300" {
		t.Errorf("without the form: %d", w.Code)
	}
	if got := try("[2001:db8:1::7]:1", "", token); got != http.StatusSeeOther {
		t.Errorf("from elsewhere: %d", got)
	}
	for range maxWrong {
		try("10.0.0.1:1", "198.51.100.7, 203.0.113.9, 10.9.9.9", "wrong") // 203.0.113.9 wrote the first address itself
	}
	if got := try("10.0.0.1:1", "203.0.113.9", token); got != http.StatusTooManyRequests {
		t.Errorf("from behind the proxy: %d", got)
	}
	if got := try("10.0.0.1:1", "198.51.100.7", token); got != http.StatusSeeOther {
		t.Errorf("from elsewhere behind the proxy: %d", got)
	}
	if got := try("203.0.113.9:1", "198.51.100.7", token); got != http.StatusTooManyRequests {
		t.Errorf("who is no proxy says where from: %d", got)
	}
	now = now.Add(wrongLife)
	if got := try("[2001:db8::7]:1", "", token); got != http.StatusSeeOther {
		t.Errorf("after a while: %d", got)
	}
}

// TestGuessersFillNoMemory: from many places they count as one, and nobody is forgotten.
func TestGuessersFillNoMemory(t *testing.T) {
	c, now := newTally(), time.Now()
	for n := range maxPlaces + 100 {
		c.add(netip.AddrFrom4([4]byte{192, byte(n >> 16), byte(n >> 8), byte(n)}), now)
	}
	if len(c.places) > maxPlaces+1 {
		t.Errorf("%d places are kept", len(c.places))
	}
	if fresh := netip.MustParseAddr("203.0.113.1"); !c.many(fresh, now) || c.many(fresh, now.Add(wrongLife)) {
		t.Error("a flood of places is not held back, or for too long")
	}
}

// TestAccessRefuses settings that would let in nobody, everybody, or whoever guesses.
func TestAccessRefuses(t *testing.T) {
	nets, key := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, []byte(strings.Repeat("k", MinToken))
	user := []Header{{"X-Forwarded-User", "*"}}
	for name, a := range map[string]Access{
		"nothing":          {},
		"a short token":    {Token: strings.Repeat("x", MinToken-1)},
		"proxies alone":    {Proxies: nets, Key: key},
		"no proxies":       {Headers: user, Key: key},
		"no key":           {Headers: user, Proxies: nets},
		"no header's name": {Headers: []Header{{"", "*"}}, Proxies: nets, Key: key},
		"a strange name":   {Headers: []Header{{"X User", "*"}}, Proxies: nets, Key: key},
		"no value":         {Headers: []Header{{"X-User", ""}}, Proxies: nets, Key: key},
	} {
		if _, err := New(Options{Access: a, Queue: &shelf{}}); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	if _, err := New(Options{Access: Access{Headers: user, Proxies: nets, Key: key}, Queue: &shelf{}}); err != nil {
		t.Error(err)
	}
}

// TestAdminPagesAreShut: nothing is loaded, no script runs, and forms come back to us.
func TestAdminPagesAreShut(t *testing.T) {
	p := newPages(t, &shelf{})
	for _, route := range p.routes() {
		for _, known := range []bool{true, false} {
			r := httptest.NewRequest(route.method, Root+strings.TrimSuffix(route.path, "{$}"), nil)
			if known {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			w := send(p, r)
			body, policy := strings.ToLower(w.Body.String()), w.Header().Get("Content-Security-Policy")
			if body == "" {
				continue // it leads elsewhere
			}
			if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || !strings.Contains(policy, "form-action 'self';") ||
				strings.Contains(policy, "script") {
				t.Errorf("%s: %s", route.path, policy)
			}
			for _, never := range []string{"<script", " onclick", " style=", "javascript:", "http://", "https://"} {
				if strings.Contains(body, never) {
					t.Errorf("%s %s: the page has %q", route.method, route.path, never)
				}
			}
		}
	}
}

// TestJobsLinkToRiverUI where there is one.
func TestJobsLinkToRiverUI(t *testing.T) {
	for _, page := range []string{"", "https://river.example.com"} {
		p := newPages(t, &shelf{}, func(o *Options) { o.RiverUI = page })
		r := get("jobs")
		r.Header.Set("Authorization", "Bearer "+token)
		w := send(p, r)
		if w.Code != http.StatusOK || strings.Contains(w.Body.String(), `<a href="https://river.example.com"`) != (page != "") {
			t.Errorf("%q: %d\n%s", page, w.Code, w.Body)
		}
	}
}
