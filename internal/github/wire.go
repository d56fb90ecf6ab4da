package github

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxAnswer bounds what is read of one answer. The largest that are meant to come are an entry of the delivery log, with
// a payload of 25 MB, and the listing of a repository, of which GitHub cuts what is above 7 MB.
const maxAnswer = 32 << 20

var errTooLarge = errors.New("larger than is read")

// wire is how GitHub is spoken to when nothing else is said: with a limit of time on every step, and of size on the
// headers. The time of a whole exchange is the gate's matter. All Apps of a process share its connections.
var wire = sync.OnceValue(func() http.RoundTripper {
	dial := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dial.DialContext, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 45 * time.Second, ExpectContinueTimeout: time.Second,
		IdleConnTimeout: 90 * time.Second, MaxIdleConns: 100, MaxIdleConnsPerHost: 16, MaxResponseHeaderBytes: 256 << 10,
	}
})

// A bounded lets no answer be larger than maxAnswer, after it was decompressed.
type bounded struct{ next http.RoundTripper }

// newBounded is over next, or over wire without one.
func newBounded(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = wire()
	}
	return bounded{next}
}

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if res.ContentLength > maxAnswer {
		_ = res.Body.Close()
		return nil, fmt.Errorf("%s %s: an answer of %d bytes is %w", r.Method, r.URL.Path, res.ContentLength, errTooLarge)
	}
	res.Body = &boundedBody{ReadCloser: res.Body, left: maxAnswer}
	return res, nil
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("the answer is %w", errTooLarge)
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
