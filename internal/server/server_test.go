package server

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/metrics"
	"github.com/lighterman/lighterman/internal/queue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret, nextSecret = "it is a secret", "the next secret"

// A shelf is a queue that remembers.
type shelf struct {
	mu    sync.Mutex
	known map[string]queue.Delivery
	notes map[string]string
	heads []forge.Head
	err   error
	hold  chan chan struct{} // when set, Receive hands over a channel here and waits until it is closed
}

func (s *shelf) Receive(ctx context.Context, d queue.Delivery) (bool, error) {
	if s.hold != nil {
		release := make(chan struct{})
		s.hold <- release
		<-release
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return false, s.err
	}
	_, known := s.known[d.GUID]
	if s.known == nil {
		s.known = map[string]queue.Delivery{}
	}
	s.known[d.GUID] = d
	return !known, nil
}

func (s *shelf) Unknown(_ context.Context, guids []string) ([]string, error) {
	return slices.DeleteFunc(slices.Clone(guids), func(guid string) bool { _, known := s.known[guid]; return known }), s.err
}

func (s *shelf) CatchUp(_ context.Context, heads []forge.Head) (int, error) {
	s.heads = append(s.heads, heads...)
	return len(heads), s.err
}

func (s *shelf) Recall(_ context.Context, key string) (string, error) { return s.notes[key], s.err }

func (s *shelf) Remember(_ context.Context, key, value string) error {
	if s.notes == nil {
		s.notes = map[string]string{}
	}
	s.notes[key] = value
	return s.err
}

func (s *shelf) Ready(context.Context) error { return s.err }

// decode is a small stand-in for package github's.
func decode(event string, payload []byte) (forge.Call, error) {
	var p struct {
		Action string
		Number int
	}
	if err := json.Unmarshal(payload, &p); err != nil {
		return forge.Call{}, err
	}
	if event != "pull_request" || p.Action != "opened" {
		return forge.Call{Action: p.Action}, nil
	}
	ref := forge.Ref{Repo: forge.Repo{Owner: "acme", Name: "app"}, Number: p.Number}
	return forge.Call{Action: p.Action, Refs: []forge.Ref{ref}}, nil
}

func newServer(t testing.TB, q Queue, change ...func(*Options)) *Server {
	t.Helper()
	m := metrics.New("v1")
	o := Options{Secrets: []string{secret, nextSecret}, Queue: q, Decode: decode, Meter: m, Metrics: m.Handler()}
	for _, c := range change {
		c(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func signature(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

const opened = `{"action":"opened","number":7}`

// delivery is a good request; a test changes what it is about.
func delivery(body string) *http.Request {
	r := httptest.NewRequest("POST", "/webhook", strings.NewReader(body))
	r.Header.Set("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
	r.Header.Set("X-GitHub-Event", "pull_request")
	r.Header.Set("X-Hub-Signature-256", signature(secret, body))
	return r
}

// inside is a request from the network that the server is in.
func inside(path string) *http.Request {
	r := httptest.NewRequest("GET", path, nil)
	r.RemoteAddr = "10.0.0.7:4711"
	return r
}

func send(s http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestWebhookStores(t *testing.T) {
	q := &shelf{}
	s := newServer(t, q)
	for i, want := range []string{"queued\n", "known already\n"} {
		w := send(s, delivery(opened))
		if w.Code != http.StatusAccepted || w.Body.String() != want {
			t.Errorf("delivery %d: %d %q, want 202 %q", i, w.Code, w.Body, want)
		}
	}
	d := q.known["72d3162e-cc78-11e3-81ab-4c9367dc0958"]
	if d.Event != "pull_request" || d.Call.Action != "opened" || len(d.Call.Refs) != 1 || d.Call.Refs[0].Number != 7 ||
		string(d.Payload) != opened {
		t.Errorf("stored %+v", d)
	}
}

func TestWebhookAnswers(t *testing.T) {
	large := `{"a":"` + strings.Repeat("x", maxBody) + `"}`
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, c := range map[string]struct {
		body   string
		change func(*http.Request)
		status int
		stored bool
	}{
		"good":                {opened, func(*http.Request) {}, 202, true},
		"second secret":       {opened, header("X-Hub-Signature-256", signature(nextSecret, opened)), 202, true},
		"other action":        {`{"action":"closed","number":7}`, func(*http.Request) {}, 202, true},
		"no action":           {`{"zen":"x"}`, header("X-GitHub-Event", "ping"), 202, true},
		"unknown event":       {opened, header("X-GitHub-Event", "gollum"), 202, false},
		"unknown, bad JSON":   {`{`, header("X-GitHub-Event", "gollum"), 400, false},
		"forged":              {opened, header("X-Hub-Signature-256", signature("another", opened)), 401, false},
		"other body":          {opened, header("X-Hub-Signature-256", signature(secret, opened+" ")), 401, false},
		"signed with nothing": {opened, header("X-Hub-Signature-256", signature("", opened)), 401, false},
		"no signature":        {opened, func(r *http.Request) { r.Header.Del("X-Hub-Signature-256") }, 401, false},
		"empty signature":     {opened, header("X-Hub-Signature-256", "sha256="), 401, false},
		"short signature":     {opened, header("X-Hub-Signature-256", signature(secret, opened)[:40]), 401, false},
		"no hex":              {opened, header("X-Hub-Signature-256", "sha256="+strings.Repeat("z", 64)), 401, false},
		"no algorithm":        {opened, header("X-Hub-Signature-256", signature(secret, opened)[7:]), 401, false},
		"SHA-1 only":          {opened, sha1Only, 401, false},
		"malformed JSON":      {`{"action":`, func(*http.Request) {}, 400, false},
		"form":                {"payload=%7B%7D", func(*http.Request) {}, 400, false},
		"no body":             {"", func(*http.Request) {}, 400, false},
		"other JSON":          {`[1]`, func(*http.Request) {}, 400, false},
		"no delivery":         {opened, func(r *http.Request) { r.Header.Del("X-GitHub-Delivery") }, 400, false},
		"no event":            {opened, func(r *http.Request) { r.Header.Del("X-GitHub-Event") }, 400, false},
		"odd delivery":        {opened, header("X-GitHub-Delivery", "a\x1b[31mb"), 400, false},
		"long delivery":       {opened, header("X-GitHub-Delivery", strings.Repeat("a", maxName+1)), 400, false},
		"too large":           {large, func(*http.Request) {}, 413, false},
		"too large, unsaid":   {large, func(r *http.Request) { r.ContentLength = -1 }, 413, false},
		"cut off":             {opened, func(r *http.Request) { r.Body = io.NopCloser(broken{}) }, 400, false},
		"GET":                 {opened, func(r *http.Request) { r.Method = "GET" }, 405, false},
		"PUT":                 {opened, func(r *http.Request) { r.Method = "PUT" }, 405, false},
		"other path":          {opened, func(r *http.Request) { r.URL.Path = "/webhooks" }, 404, false},
	} {
		t.Run(name, func(t *testing.T) {
			q := &shelf{}
			r := delivery(c.body)
			c.change(r)
			w := send(newServer(t, q), r)
			if w.Code != c.status || len(q.known) > 0 != c.stored {
				t.Errorf("status %d (%q), stored %t; want %d, %t", w.Code, w.Body, len(q.known) > 0, c.status, c.stored)
			}
		})
	}
}

func sha1Only(r *http.Request) {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(opened))
	r.Header.Del("X-Hub-Signature-256")
	r.Header.Set("X-Hub-Signature", "sha1="+hex.EncodeToString(mac.Sum(nil)))
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestWebhookNotStored(t *testing.T) {
	var log bytes.Buffer
	s := newServer(t, &shelf{err: errors.New("disk full")}, func(o *Options) {
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	w := send(s, delivery(opened))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", w.Code)
	}
	if strings.Contains(w.Body.String(), "disk") {
		t.Errorf("the answer tells strangers about our disk: %q", w.Body)
	}
	for _, want := range []string{"72d3162e", "disk full"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, &log)
		}
	}
	for _, never := range []string{secret, `number`, "sha256="} {
		if strings.Contains(log.String(), never) {
			t.Errorf("the log has %q: %s", never, &log)
		}
	}
}

// TestLargeBodiesKeepNobodyOut has every place for large bodies taken by ones that do not end.
func TestLargeBodiesKeepNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &shelf{}
		s := newServer(t, q)
		var ends []*io.PipeWriter
		var senders sync.WaitGroup
		for range maxLarge {
			body, end := io.Pipe()
			ends = append(ends, end)
			r := delivery(opened)
			r.Body, r.ContentLength = body, -1
			senders.Go(func() { send(s, r) })
		}
		synctest.Wait()
		if w := send(s, delivery(opened)); w.Code != http.StatusAccepted {
			t.Errorf("a small body got %d", w.Code)
		}
		more := delivery(opened)
		more.ContentLength = -1
		began := time.Now()
		if w := send(s, more); w.Code != http.StatusServiceUnavailable || time.Since(began) != storeTime {
			t.Errorf("one large body more got %d after %s", w.Code, time.Since(began))
		}
		for _, end := range ends {
			end.CloseWithError(io.ErrUnexpectedEOF)
		}
		senders.Wait()
	})
}

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"no secret":     func(o *Options) { o.Secrets = nil },
		"empty secret":  func(o *Options) { o.Secrets = []string{""} },
		"blank secret":  func(o *Options) { o.Secrets = []string{" \n"} },
		"empty second":  func(o *Options) { o.Secrets = []string{secret, ""} },
		"three secrets": func(o *Options) { o.Secrets = []string{"a", "b", "c"} },
		"no queue":      func(o *Options) { o.Queue = nil },
		"no decoder":    func(o *Options) { o.Decode = nil },
	} {
		o := Options{Secrets: []string{secret}, Queue: &shelf{}, Decode: decode}
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: made a server", name)
		}
	}
}

func TestProbes(t *testing.T) {
	get := func(s *Server, path string) int { return send(s, httptest.NewRequest("GET", path, nil)).Code }
	good, bad := newServer(t, &shelf{}), newServer(t, &shelf{err: errors.New("gone")})
	for _, c := range []struct {
		server *Server
		path   string
		want   int
	}{{good, "/healthz", 200}, {good, "/readyz", 200}, {bad, "/healthz", 200}, {bad, "/readyz", 503}} {
		if got := get(c.server, c.path); got != c.want {
			t.Errorf("%s: %d, want %d", c.path, got, c.want)
		}
	}
	good.draining.Store(true)
	if got := get(good, "/readyz"); got != 503 {
		t.Errorf("/readyz while draining: %d, want 503", got)
	}
}

func TestMetrics(t *testing.T) {
	q := &shelf{}
	s := newServer(t, q)
	send(s, delivery(opened))
	send(s, delivery(opened))
	unknown := delivery(opened)
	unknown.Header.Set("X-GitHub-Event", "not-from-github")
	send(s, unknown)
	forged := delivery(opened)
	forged.Header.Set("X-Hub-Signature-256", "sha256=00")
	send(s, forged)
	page := send(s, inside("/metrics")).Body.String()
	for _, want := range []string{
		`lighterman_webhooks_total{event="pull_request",outcome="queued"} 1`,
		`lighterman_webhooks_total{event="pull_request",outcome="known already"} 1`,
		`lighterman_webhooks_total{event="other",outcome="not handled"} 1`,
		`lighterman_webhooks_refused_total{reason="the signature does not match"} 1`,
		"go_goroutines",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
}

// TestServeDrains ends a server in the middle of a delivery, which is still stored and answered.
func TestServeDrains(t *testing.T) {
	q := &shelf{hold: make(chan chan struct{})}
	s := newServer(t, q)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served, answered := make(chan error, 1), make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	go func() { answered <- deliver("http://" + l.Addr().String()) }()
	release := <-q.hold
	cancel()
	for !s.draining.Load() {
		runtime.Gosched()
	}
	select {
	case err := <-served:
		t.Fatalf("ended in the middle of a delivery: %v", err)
	default:
	}
	if w := send(s, httptest.NewRequest("GET", "/readyz", nil)); w.Code != http.StatusServiceUnavailable {
		t.Errorf("/readyz while draining: %d", w.Code)
	}
	close(release)
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if len(q.known) != 1 {
		t.Error("the delivery was not stored")
	}
}

// TestServeLingers takes a delivery after the context ended, while the load balancer may not have noticed.
func TestServeLingers(t *testing.T) {
	q := &shelf{}
	s := newServer(t, q, func(o *Options) { o.Linger = time.Hour })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	cancel()
	for !s.draining.Load() {
		runtime.Gosched()
	}
	if err := deliver("http://" + l.Addr().String()); err != nil || len(q.known) != 1 {
		t.Errorf("while lingering: %v, %d deliveries stored", err, len(q.known))
	}
	l.Close() // ends it before the hour is over
	if err := <-served; err == nil {
		t.Error("the lost listener is not reported")
	}
}

func deliver(base string) error {
	r, err := http.NewRequest("POST", base+"/webhook", strings.NewReader(opened))
	if err != nil {
		return err
	}
	r.Header = delivery(opened).Header
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("status %s", resp.Status)
	}
	return nil
}

func TestServeReportsABadListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := newServer(t, &shelf{}).Serve(t.Context(), l); err == nil {
		t.Error("served on a closed listener")
	}
}

// FuzzWebhook sends what GitHub would not. Whatever it is, nothing is stored unless the body was signed.
func FuzzWebhook(f *testing.F) {
	f.Add([]byte(opened), "sha256=00", "pull_request", "1")
	f.Add([]byte(opened), signature(secret, opened), "pull_request", "1")
	f.Add([]byte(`{`), signature(secret, `{`), "ping", "")
	f.Add([]byte(nil), "sha256=", "", "\x00")
	f.Fuzz(func(t *testing.T, body []byte, sign, event, guid string) {
		q := &shelf{}
		r := httptest.NewRequest("POST", "/webhook", bytes.NewReader(body))
		r.Header["X-Github-Delivery"] = []string{guid}
		r.Header["X-Github-Event"] = []string{event}
		r.Header["X-Hub-Signature-256"] = []string{sign}
		w := send(newServer(t, q), r)
		genuine := strings.EqualFold(sign, signature(secret, string(body))) ||
			strings.EqualFold(sign, signature(nextSecret, string(body)))
		switch w.Code {
		case 202, 400:
			if !genuine {
				t.Errorf("status %d for a forged body", w.Code)
			}
		case 401:
			if genuine && strings.HasPrefix(sign, "sha256=") {
				t.Error("refused a genuine body")
			}
		default:
			t.Errorf("status %d", w.Code)
		}
		if len(q.known) > 0 && w.Code != 202 {
			t.Errorf("stored, and answered %d", w.Code)
		}
	})
}
