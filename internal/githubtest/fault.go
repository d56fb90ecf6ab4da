package githubtest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A Fault is something that goes wrong on the wire.
type Fault struct {
	// Operation says which requests it meets: an operation id of GitHub's OpenAPI description ("pulls/create-review"),
	// "graphql" for all of GraphQL or "graphql:Name" for a named operation; "" is any request.
	Operation string
	Skip      int  // requests let through first
	Times     int  // requests it meets; 0 is one
	After     bool // it strikes after the request took effect

	Status int               // what is answered; 0 lets the true answer through (after Hold)
	Header map[string]string // of that answer
	Body   string            // of that answer, JSON; "" is an error message for the status
	Cut    bool              // the connection is cut instead of an answer
	Hold   <-chan struct{}   // the answer waits until the channel is closed or the caller went away
	Met    chan<- struct{}   // is sent to when the fault strikes, before Hold
	Delay  time.Duration     // the answer takes that much longer
	Stale  bool              // a read gets the answer that the same read got last, 404 if there was none
}

// Inject makes a fault strike the next requests that it meets.
func (s *Server) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	s.faults = append(s.faults, &f)
}

// Calm takes back the faults that did not strike.
func (s *Server) Calm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// SecondaryLimit is GitHub's answer to going too fast: 403 or 429, with or without a Retry-After (seconds above 0).
func SecondaryLimit(operation string, status, retryAfter int) Fault {
	f := Fault{Operation: operation, Status: status, Body: message(contentText)}
	if retryAfter > 0 {
		f.Header = map[string]string{"Retry-After": strconv.Itoa(retryAfter)}
	}
	return f
}

// PrimaryLimit is GitHub's answer when the hour's requests are used up.
func PrimaryLimit(operation string, status int, reset time.Time) Fault {
	return Fault{Operation: operation, Status: status, Body: message(primaryText), Header: map[string]string{
		"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": strconv.FormatInt(reset.Unix(), 10),
	}}
}

// GraphQLLimit is how GraphQL says the same: HTTP 200 with an error.
func GraphQLLimit(operation string, reset time.Time) Fault {
	f := PrimaryLimit(operation, http.StatusOK, reset)
	f.Body = `{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded for installation ID 1."}]}`
	return f
}

func message(text string) string {
	return fmt.Sprintf(`{"message":%q,"documentation_url":%q}`, text, docs)
}

// fault takes the next fault for an operation, nil if there is none. The caller holds mu.
func (s *Server) fault(operation string) *Fault {
	for _, f := range s.faults {
		meets := f.Operation == "" || f.Operation == operation || strings.HasPrefix(operation, f.Operation+":")
		switch {
		case !meets || f.Times == 0:
		case f.Skip > 0:
			f.Skip--
		default:
			f.Times--
			taken := *f
			return &taken
		}
	}
	return nil
}

// strike acts out a fault; done is false when the true answer is to be sent.
func (f *Fault) strike(w http.ResponseWriter, r *http.Request) (done bool) {
	if f.Met != nil {
		f.Met <- struct{}{}
	}
	pause(r, f.Delay)
	if f.Hold != nil {
		select {
		case <-f.Hold:
		case <-r.Context().Done():
		}
	}
	if f.Cut {
		panic(http.ErrAbortHandler)
	}
	if f.Status == 0 {
		return false
	}
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	body := f.Body
	if body == "" {
		body = message(http.StatusText(f.Status))
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(f.Status)
	_, _ = w.Write([]byte(body))
	return true
}

// pause waits for a time or until the caller goes away.
func pause(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

// maxReads bounds the answers that are kept for stale reads.
const maxReads = 256

// remember keeps the answer to a read, for the stale reads after it. The caller holds mu, as for stale.
func (s *Server) remember(key string, a *answer) {
	if key == "" || a.status != http.StatusOK {
		return
	}
	if s.reads == nil || len(s.reads) >= maxReads {
		s.reads = make(map[string]*answer)
	}
	s.reads[key] = a
}

// stale is the answer to a read from a replica that is behind.
func (s *Server) stale(key string, fresh *answer) *answer {
	old := s.reads[key]
	switch {
	case key == "":
		return fresh // a write
	case old == nil:
		return failed(errNotFound)
	}
	return old
}

// readKey names a read: "" for what is none.
func readKey(r *http.Request, body []byte) string {
	switch {
	case r.Method == http.MethodGet:
		return r.URL.RequestURI()
	case strings.HasSuffix(r.URL.Path, "/graphql") && !isMutation(body):
		return string(body)
	}
	return ""
}

// A Request is a request that the server answered.
type Request struct {
	At        time.Time // by the server's clock, when it was carried out
	Host      string    // that it was sent to, of the names that lead here
	Method    string
	Path      string
	Operation string // as Fault.Operation names it; "" for an unknown one
	Status    int    // 0 when the connection was cut
	Token     bool   // a request for an installation token, which budgets do not count
	Points    int    // that a GraphQL query cost of the hour
}

// Requests are the requests answered so far without those for tokens, oldest first.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Request
	for _, r := range s.requests {
		if !r.Token {
			all = append(all, r)
		}
	}
	return all
}

// TokenRequests is how often a token was asked for.
func (s *Server) TokenRequests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.requests {
		if r.Token {
			n++
		}
	}
	return n
}

// ForgetRequests empties the list that Requests returns.
func (s *Server) ForgetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}
