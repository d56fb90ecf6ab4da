package githubtest

import (
	"net/http"
	"strconv"
	"time"
)

// rates is what an installation used up. REST and GraphQL have an hour each; what both make together is held to the
// secondary limits.
type rates struct {
	rest, graphql window // of the hour
	points        window // of the minute, by REST
	mutations     window // points of the minute, by GraphQL
	content       window // requests of the minute that made content
	contentHour   window
	flying        int // requests under way
	peak          int // the most of them at once
}

// A window counts from its first request on, for as long as it lasts.
type window struct {
	start time.Time
	used  int
}

// add counts n more and reports whether that is within the limit.
func (w *window) add(now time.Time, lasts time.Duration, n, limit int) bool {
	if now.Sub(w.start) >= lasts {
		w.start, w.used = now, 0
	}
	w.used += n
	return w.used <= limit
}

// The points of a request (data/reusables/rest-api/secondary-rate-limit-rest-graphql.md).
const (
	readPoints  = 1
	writePoints = 5
)

// spend counts a REST request against the installation's hour and against the secondary limits.
func (s *Server) spend(i *installation, method string, content bool) error {
	now, limits, points := s.now(), s.options.Limits, writePoints
	if method == http.MethodGet {
		points = readPoints
	}
	if !i.rates.rest.add(now, time.Hour, 1, limits.Primary) {
		return primary(i.rates.rest)
	}
	if !i.rates.points.add(now, time.Minute, points, limits.Points) {
		return s.secondary(secondaryText)
	}
	return s.spendContent(i, content)
}

func (s *Server) spendContent(i *installation, content bool) error {
	if !content {
		return nil
	}
	now, limits := s.now(), s.options.Limits
	minute := i.rates.content.add(now, time.Minute, 1, limits.Content)
	if hour := i.rates.contentHour.add(now, time.Hour, 1, limits.ContentHour); !minute || !hour {
		return s.secondary(contentText)
	}
	return nil
}

// spendGraphQL is spend for GraphQL. Its own hour is over with an answer of 200 that holds an error.
func (s *Server) spendGraphQL(i *installation, mutation bool, cost int) error {
	now, limits, points := s.now(), s.options.Limits, readPoints
	if mutation {
		points = writePoints
	}
	if !i.rates.graphql.add(now, time.Hour, cost, limits.Primary) {
		return primary(i.rates.graphql)
	}
	if !i.rates.mutations.add(now, time.Minute, points, limits.GraphQLPoints) {
		return s.secondary(secondaryText)
	}
	return nil
}

const (
	contentText = "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. " +
		"Please retry your request again later."
	secondaryText = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
	primaryText   = "API rate limit exceeded for installation."
	secondaryDocs = docs + "/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"
)

// limited is an answer that asks the caller to wait.
type limited struct {
	apiError
	header http.Header
}

func (e *limited) Unwrap() error { return &e.apiError }

// secondary asks to wait a minute, or leaves that to the caller to know.
func (s *Server) secondary(text string) error {
	h := http.Header{}
	if !s.options.Limits.NoRetryAfter {
		h.Set("Retry-After", "60")
	}
	return &limited{apiError{status: 403, message: text, docs: secondaryDocs}, h}
}

func primary(w window) error {
	h := http.Header{}
	h.Set("X-RateLimit-Remaining", "0")
	h.Set("X-RateLimit-Reset", w.reset())
	return &limited{apiError{status: 403, message: primaryText}, h}
}

// reset is when an hour's requests are given back.
func (w window) reset() string { return strconv.FormatInt(w.start.Add(time.Hour).Unix(), 10) }

// rateHeader tells the caller what is left of an hour.
func (s *Server) rateHeader(h http.Header, w window, resource string) {
	h.Set("X-RateLimit-Limit", strconv.Itoa(s.options.Limits.Primary))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, s.options.Limits.Primary-w.used)))
	h.Set("X-RateLimit-Used", strconv.Itoa(w.used))
	h.Set("X-RateLimit-Reset", w.reset())
	h.Set("X-RateLimit-Resource", resource)
}

// Peak is the most requests of an owner's installation that were under way at once.
func (s *Server) Peak(owner string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.installations[owner]; i != nil {
		return i.rates.peak
	}
	return 0
}

// fly counts a request as under way until land is called. An installation with too many of them is refused.
func (s *Server) fly(r *http.Request) (land func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[bearer(r)]
	if t == nil {
		return func() {}, nil
	}
	i := t.installation
	i.rates.flying++
	i.rates.peak = max(i.rates.peak, i.rates.flying)
	if i.rates.flying > s.options.Limits.Concurrent {
		err = s.secondary(secondaryText)
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		i.rates.flying--
	}, err
}
