package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// maxBody is how many bytes of one response are read. A manifest may have 4 MiB (OCI distribution specification).
const maxBody = 4 << 20

var (
	errInside   = errors.New("inside the operator's network")
	errTooLarge = errors.New("more bytes than are read")
	errTooMany  = errors.New("more requests than are made")
)

// transport is an HTTP transport that speaks to nobody inside the operator's network but own hosts, and to a proxy. What
// counts is the address a connection is made to, after the name was resolved; so a redirect, a token service and a name
// whose address changes are held to it as well.
func transport(own hosts, proxy func(*http.Request) (*url.URL, error)) http.RoundTripper {
	plain := &net.Dialer{Timeout: 5 * time.Second}
	guarded := &net.Dialer{Timeout: 5 * time.Second, Control: outside}
	proxies := proxyHosts(proxy)
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		if own.has(addr, host) || proxies.has(addr, addr) {
			return plain.DialContext(ctx, network, addr)
		}
		conn, err := guarded.DialContext(ctx, network, addr)
		return conn, budgetOf(ctx).note(err)
	}
	return &bounded{own: own, proxy: proxy, next: &http.Transport{
		Proxy: proxy, DialContext: dial, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: maxAtOnce,
		IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 5 * time.Second, MaxResponseHeaderBytes: 64 << 10,
	}}
}

// proxyHosts are the proxies that requests may be sent through.
func proxyHosts(proxy func(*http.Request) (*url.URL, error)) hosts {
	var out hosts
	for _, scheme := range []string{"http", "https"} {
		req := &http.Request{URL: &url.URL{Scheme: scheme, Host: "registry.example"}}
		if via, err := proxy(req); err == nil && via != nil {
			out = append(out, withPort(via))
		}
	}
	return out
}

func withPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// outside refuses a connection to an address inside.
func outside(network, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !strings.HasPrefix(network, "tcp") {
		return fmt.Errorf("%s %s: %w", network, address, errInside)
	}
	if inside(at.Addr()) {
		return fmt.Errorf("%s: %w", address, errInside)
	}
	return nil
}

// special are the ranges, besides those that package netip names, that no registry of the internet has (the IANA's
// special-purpose address registries): shared by carriers, where clouds also put metadata; protocol assignments; tests;
// reserved; IPv4 within IPv6.
var special = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32",
	"2002::/16", "fec0::/10")

func prefixes(texts ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

// inside reports whether an address may lie in the operator's network: loopback, private (RFC 1918 and ULA), link-local,
// which is also where clouds tell a machine's secrets, and whatever is not an ordinary address of the internet.
func inside(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || !a.IsGlobalUnicast() {
		return true
	}
	for _, p := range special {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// bounded limits what is read of a response, and what is asked of a proxy, which makes the connection itself.
type bounded struct {
	own   hosts
	proxy func(*http.Request) (*url.URL, error)
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (b *bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	budget := budgetOf(req.Context())
	if err := b.allowed(req, budget); err != nil {
		return nil, budget.note(err)
	}
	resp, err := b.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.ContentLength > maxBody {
		resp.Body.Close()
		return nil, budget.note(errTooLarge)
	}
	resp.Body = &limited{ReadCloser: resp.Body, left: maxBody, budget: budget}
	return resp, nil
}

// allowed counts the request, and checks the name of one that goes through a proxy.
func (b *bounded) allowed(req *http.Request, budget *budget) error {
	if budget.left.Add(-1) < 0 {
		return errTooMany
	}
	host := req.URL.Hostname()
	if b.own.has(withPort(req.URL), host) {
		return nil
	}
	if a, err := netip.ParseAddr(host); err == nil && inside(a) {
		return fmt.Errorf("%s: %w", host, errInside)
	}
	via, err := b.proxy(req)
	if err != nil || via == nil {
		return err
	}
	found, err := net.DefaultResolver.LookupNetIP(req.Context(), "ip", host)
	if err != nil {
		return nil // names are the proxy's business where only it knows them
	}
	for _, a := range found {
		if inside(a) {
			return fmt.Errorf("%s: %w", host, errInside)
		}
	}
	return nil
}

// limited is a body of which only so much is read.
type limited struct {
	io.ReadCloser
	left   int
	budget *budget
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, l.budget.note(errTooLarge)
	}
	n, err := l.ReadCloser.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
