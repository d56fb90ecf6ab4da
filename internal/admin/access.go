package admin

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Access says who gets in: whoever knows the token, and whomever a proxy in front names. Its zero value lets nobody in.
type Access struct {
	// Token is the administrators' secret; "" is no way in.
	Token string
	// Headers are the identities that get in, as a proxy that has signed people in tells them.
	Headers []Header
	// Proxies are the networks of the proxies that are believed, in the headers above and in where a request came from.
	Proxies []netip.Prefix
	// Key signs what our forms bring back when there is no token to do so. All replicas have the same.
	Key []byte
}

// A Header is an identity as a proxy tells it, such as X-Forwarded-User: robin. The value "*" is everybody that it names.
type Header struct{ Name, Value string }

// MinToken is the least length of a token: 32 characters of a random text cannot be guessed.
const MinToken = 32

// headerName is what names of headers look like.
var headerName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// Check says what is wrong with the settings.
func (a Access) Check() error {
	switch {
	case a.Token == "" && len(a.Headers) == 0:
		return errors.New("neither a token nor a header lets anybody in")
	case a.Token != "" && len(a.Token) < MinToken:
		return fmt.Errorf("the token has %d characters, want %d at least", len(a.Token), MinToken)
	case len(a.Headers) > 0 && len(a.Proxies) == 0:
		return errors.New("a header is believed from named networks only, and none is named: everybody could send it")
	case a.Token == "" && len(a.Key) < MinToken:
		return errors.New("there is no key to sign forms with")
	}
	for _, h := range a.Headers {
		if !headerName.MatchString(h.Name) || strings.TrimSpace(h.Value) == "" {
			return fmt.Errorf("%q is not NAME=VALUE, or NAME=* for everybody", h.Name+"="+h.Value)
		}
	}
	return nil
}

// A visitor is who sent a request, once that is known.
type visitor struct {
	name  string // for people
	proof string // what the visitor's forms are bound to; "" needs none, because browsers do not send it by themselves
	leave bool   // there is a session to be ended
}

const (
	cookieName  = "lighterman_admin"
	sessionLife = 12 * time.Hour
	maxIdentity = 256
)

var (
	// errStranger says that a request brings nothing that would let it in, errWrong that it brings something wrong, and
	// errTooOften that so much of that came from there that no more is looked at for a while.
	errStranger = errors.New("nobody is signed in")
	errWrong    = errors.New("the token is wrong")
	errTooOften = errors.New("too many wrong tokens came from there")
)

// A refused is a person whom the proxy names and the settings do not.
type refused struct{ name string }

func (r *refused) Error() string { return r.name + " is not an administrator" }

// An entry is the way in.
type entry struct {
	Access
	key   []byte
	wrong *tally
	now   func() time.Time
}

func newEntry(a Access) *entry {
	key := a.Key
	if a.Token != "" {
		key = sign([]byte(a.Token), "sessions")
	}
	return &entry{Access: a, key: key, wrong: newTally(), now: time.Now}
}

// visitor says who sent a request.
func (e *entry) visitor(r *http.Request) (visitor, error) {
	if text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && e.Token != "" {
		if err := e.admits(r, text); err != nil {
			return visitor{}, err
		}
		return visitor{name: "the token"}, nil
	}
	if c, err := r.Cookie(cookieName); err == nil && e.holds(c.Value) {
		return visitor{name: "the token", proof: "session " + c.Value, leave: true}, nil
	}
	return e.named(r)
}

// admits reports whether a token is ours, in constant time, unless too many came from there that are not.
func (e *entry) admits(r *http.Request, token string) error {
	from := e.from(r)
	if e.Token == "" {
		return errStranger
	}
	if e.wrong.many(from, e.now()) {
		return errTooOften
	}
	want, got := sha256.Sum256([]byte(e.Token)), sha256.Sum256([]byte(strings.TrimSpace(token)))
	if subtle.ConstantTimeCompare(want[:], got[:]) == 1 {
		return nil
	}
	e.wrong.add(from, e.now())
	return errWrong
}

// named is whom a proxy says a request to be from. A header of several values is not one that our proxy made.
func (e *entry) named(r *http.Request) (visitor, error) {
	if !e.believed(peer(r)) {
		return visitor{}, errStranger
	}
	err := errStranger
	for _, h := range e.Headers {
		values := r.Header.Values(h.Name)
		if len(values) != 1 || values[0] == "" || len(values[0]) > maxIdentity {
			continue
		}
		if h.Value == "*" || h.Value == values[0] {
			return visitor{name: values[0], proof: "header " + h.Name + " " + values[0]}, nil
		}
		err = &refused{values[0]}
	}
	return visitor{}, err
}

// peer is the address of who opened the connection; the zero one when it is not known.
func peer(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// believed reports whether an address is a proxy's.
func (e *entry) believed(a netip.Addr) bool {
	return slices.ContainsFunc(e.Proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// from is the address that a request came from: before our proxies, each of which adds whom it heard.
func (e *entry) from(r *http.Request) netip.Addr {
	at := peer(r)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil || !e.believed(at) {
			break
		}
		at = next.Unmap().WithZone("")
	}
	return at
}

// A session is a text that we signed: until when it holds, and a random number. It is kept by the browser alone, so every
// replica knows it, and all of them end with the token.

// newSession is a session that begins now.
func (e *entry) newSession() string {
	body := binary.BigEndian.AppendUint64(nil, uint64(e.now().Add(sessionLife).Unix()))
	body = append(body, rand.Text()[:16]...)
	return base64.RawURLEncoding.EncodeToString(append(body, sign(e.key, "session "+string(body))...))
}

// holds reports whether a session is ours and not over.
func (e *entry) holds(session string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(session)
	if err != nil || len(raw) != 8+16+sha256.Size || e.Token == "" {
		return false
	}
	body, mac := raw[:24], raw[24:]
	until := time.Unix(int64(binary.BigEndian.Uint64(body)), 0)
	return hmac.Equal(mac, sign(e.key, "session "+string(body))) && e.now().Before(until)
}

// cookie is a session for the browser; "" takes it away. It has no path: the browser makes that the folder of the form that
// it came by, below whatever path a proxy puts us.
func cookie(session string, secure bool) *http.Cookie {
	c := &http.Cookie{Name: cookieName, Value: session, MaxAge: int(sessionLife.Seconds()), HttpOnly: true, Secure: secure,
		SameSite: http.SameSiteStrictMode}
	if session == "" {
		c.MaxAge = -1
	}
	return c
}

// stamp is what a visitor's forms have to bring back.
func (e *entry) stamp(v visitor) string {
	if v.proof == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(sign(e.key, "form "+v.proof))
}

// genuine reports whether a form was made for this visitor.
func (e *entry) genuine(v visitor, stamp string) bool {
	return v.proof == "" || hmac.Equal([]byte(stamp), []byte(e.stamp(v)))
}

func sign(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
