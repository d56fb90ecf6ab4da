package server

import (
	"net/http"
	"net/netip"
)

// safeHeaders are on every answer: it is what it says it is, is kept by nobody, framed by nobody, and may load nothing.
func safeHeaders(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// shared is what carriers and clouds use inside their networks (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// near reports whether a request comes from this machine or the network that it is in, and was not passed on by a proxy:
// everybody on the internet comes from a proxy's address, and a proxy says so.
func near(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"} {
		if _, ok := r.Header[name]; ok {
			return false
		}
	}
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	a := at.Addr().Unmap().WithZone("")
	return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || shared.Contains(a)
}

// nearby answers strangers as for any unknown page.
func (s *Server) nearby(next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !near(r) {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	}
}
