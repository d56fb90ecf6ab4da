package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestEveryAnswerHasSafeHeaders holds for every path, known or not, whoever asks and however.
func TestEveryAnswerHasSafeHeaders(t *testing.T) {
	fresh, err := New(Options{Queue: &shelf{}, Decode: decode, Setup: &Setup{Site: "https://github.com"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Server{newServer(t, &shelf{}), fresh} {
		for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "TRACE"} {
			for _, path := range []string{
				"/", "/webhook", "/healthz", "/readyz", "/metrics", "/installed", "/setup", "/setup?token=x", "/setup/done", "/x/../y", "//x",
			} {
				r := inside(path)
				r.Method = method
				w := send(s, r)
				h := w.Header()
				policy := h.Get("Content-Security-Policy")
				if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") ||
					h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" ||
					h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") == "" || h.Get("Server") != "" {
					t.Errorf("%s %s: %d %v", method, path, w.Code, h)
				}
				if strings.Contains(strings.ToLower(h.Get("Content-Type")), "html") && !strings.HasPrefix(path, "/installed") &&
					w.Code == http.StatusOK {
					t.Errorf("%s %s is a page", method, path)
				}
			}
		}
	}
}

// TestMetricsAreForTheNetworkInside: a stranger gets what any unknown page gives, also one who comes through a proxy that
// stands in the network, and one who says to come from there.
func TestMetricsAreForTheNetworkInside(t *testing.T) {
	s := newServer(t, &shelf{})
	for from, want := range map[string]int{
		"127.0.0.1:1": 200, "[::1]:1": 200, "10.1.2.3:1": 200, "192.168.0.1:1": 200, "172.16.0.1:1": 200, "[fd00::1]:1": 200,
		"100.64.0.1:1": 200, "[::ffff:10.0.0.1]:1": 200, "[fe80::1%eth0]:1": 200,
		"8.8.8.8:1": 404, "[2606:4700::1]:1": 404, "[::ffff:8.8.8.8]:1": 404, "": 404, "@": 404,
	} {
		r := inside("/metrics")
		r.RemoteAddr = from
		if w := send(s, r); w.Code != want {
			t.Errorf("from %q: %d, want %d", from, w.Code, want)
		}
		for _, name := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"} {
			r.Header = http.Header{name: {"127.0.0.1"}}
			if w := send(s, r); w.Code != http.StatusNotFound {
				t.Errorf("from %q with %s: %d", from, name, w.Code)
			}
		}
	}
}

// TestPagesTellNothing: no page says more of the service than it must, secrets least of all.
func TestPagesTellNothing(t *testing.T) {
	s := newServer(t, &shelf{err: fmt.Errorf("dial postgres://me:hunter2@db: refused")})
	for _, path := range []string{"/", "/healthz", "/readyz", "/metrics", "/installed", "/setup", "/setup/done", "/webhook"} {
		w := send(s, inside(path))
		for _, never := range []string{secret, nextSecret, "hunter2", "postgres"} {
			if strings.Contains(w.Body.String(), never) {
				t.Errorf("%s tells %q:\n%s", path, never, w.Body)
			}
		}
	}
}

// pipes is a listener whose connections are made in memory, so that time can be made to pass.
type pipes struct{ conns chan net.Conn }

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

// TestSlowSendersAreCutOff sends a byte a second, in the first line, the headers or the body, or nothing at all between
// requests: the connection is closed within the limit of each.
func TestSlowSendersAreCutOff(t *testing.T) {
	head := "POST /webhook HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: " + signature(secret, opened) + "\r\n"
	for name, c := range map[string]struct {
		at   string // sent at once
		slow string // sent a byte a second, again and again
		most time.Duration
	}{
		"in the first line": {"", "G", headerTime},
		"in the headers":    {head, "x", headerTime},
		"in the body":       {head + "Content-Length: 100000\r\n\r\n", "x", readTime},
		"in a chunk":        {head + "Transfer-Encoding: chunked\r\n\r\nffff\r\n", "x", readTime},
		"silent":            {"", "", headerTime},
		"idle":              {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "", idleTime},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, &shelf{})
				ctx, cancel := context.WithCancel(t.Context())
				l := pipes{make(chan net.Conn)}
				served := make(chan error, 1)
				go func() { served <- s.Serve(ctx, l) }()
				ours, theirs := net.Pipe()
				l.conns <- theirs
				began, closed := time.Now(), make(chan time.Time, 1)
				go func() {
					_, _ = io.Copy(io.Discard, ours)
					closed <- time.Now()
				}()
				_, err := io.WriteString(ours, c.at)
				for err == nil && c.slow != "" {
					time.Sleep(time.Second)
					_, err = io.WriteString(ours, c.slow)
				}
				if took := (<-closed).Sub(began); took > c.most+time.Second {
					t.Errorf("it was cut off after %s, want %s", took, c.most)
				}
				cancel()
				close(l.conns)
				<-served
			})
		})
	}
}

// TestOneRequestIsOne holds that a request in whose length a proxy and we may differ is refused, or the last on its
// connection: what stands behind it is never taken for another.
func TestOneRequestIsOne(t *testing.T) {
	const behind = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	const head = "POST /webhook HTTP/1.1\r\nHost: x\r\n"
	for name, raw := range map[string]string{
		"two ways at once":    head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + behind,
		"chunked":             head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + behind,
		"two lengths":         head + "Content-Length: 0\r\nContent-Length: 36\r\n\r\n" + behind,
		"two codings":         head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + behind,
		"an unknown coding":   head + "Transfer-Encoding: xchunked\r\n\r\n" + behind,
		"a length with a +":   head + "Content-Length: +0\r\n\r\n" + behind,
		"a length too large":  head + "Content-Length: 99999999999999999999\r\n\r\n" + behind,
		"a negative length":   head + "Content-Length: -1\r\n\r\n" + behind,
		"a space in the name": head + "Content-Length : 0\r\n\r\n" + behind,
		"a header of a meg":   head + "X-A: " + strings.Repeat("a", 1<<20) + "\r\n\r\n" + behind,
		"two hosts":           head + "Host: y\r\nContent-Length: 0\r\n\r\n" + behind,
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, &shelf{})
			ts := httptest.NewUnstartedServer(s)
			ts.Config.MaxHeaderBytes = maxHeaderBytes
			ts.Start()
			defer ts.Close()
			conn, err := net.Dial("tcp", ts.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			go func() { _, _ = io.WriteString(conn, raw) }()
			in := bufio.NewReader(conn)
			first, err := http.ReadResponse(in, nil)
			if err != nil {
				return // it was cut off
			}
			_, _ = io.Copy(io.Discard, first.Body)
			if first.StatusCode < 400 {
				t.Errorf("answered %s", first.Status)
			}
			if next, err := http.ReadResponse(in, nil); err == nil {
				t.Errorf("what stands behind it was answered %s", next.Status)
			}
		})
	}
}
