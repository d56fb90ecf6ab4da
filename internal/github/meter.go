package github

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// A Meter hears of what goes over the wire. It must not block.
type Meter interface {
	// Requested is told of every exchange, by the template of its address; status is 0 when no answer came.
	Requested(endpoint string, status int, took time.Duration)
	// Held is told why and for how long a request was held before it was sent; d is below 0 for work that was put off
	// until a limit is over.
	Held(reason string, d time.Duration)
	// Budget is told what GitHub said about the requests of an hour; installation is 0 for the App itself, and resource
	// GitHub's word for what is counted.
	Budget(installation int64, resource string, left, of int, reset time.Time)
}

// The reasons for which a Meter hears that requests were held, and below them those for which work was put off.
const (
	forTurn       = "turn"       // of the installation's other requests
	forPause      = "pause"      // after a write, or for room among those of the time
	forBackground = "background" // for what somebody waits for

	asked   = "asked"   // GitHub asked to wait
	waiting = "waiting" // it had asked before
	full    = "full"    // as much was written as it allows
	kept    = "kept"    // the rest of the hour is kept for what somebody waits for
)

// unmetered is nobody's ear.
type unmetered struct{}

func (unmetered) Requested(string, int, time.Duration)            {}
func (unmetered) Held(string, time.Duration)                      {}
func (unmetered) Budget(_ int64, _ string, _, _ int, _ time.Time) {}

// Endpoints are the templates of the addresses in use, as GitHub's description has them but for names that Go's patterns
// do not take. An address that matches none is "other".
func Endpoints() []string {
	return []string{
		"GET /app",
		"POST /app-manifests/{code}/conversions",
		"GET /app/hook/config",
		"GET /app/hook/deliveries",
		"GET /app/hook/deliveries/{delivery_id}",
		"GET /app/installations",
		"POST /app/installations/{installation_id}/access_tokens",
		"GET /installation/repositories",
		"GET /orgs/{org}/installation",
		"GET /users/{username}/installation",
		"GET /repos/{owner}/{repo}",
		"POST /repos/{owner}/{repo}/check-runs",
		"PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}",
		"GET /repos/{owner}/{repo}/collaborators/{username}/permission",
		"GET /repos/{owner}/{repo}/commits/{ref}/check-runs",
		"GET /repos/{owner}/{repo}/compare/{basehead}",
		"GET /repos/{owner}/{repo}/git/blobs/{file_sha}",
		"POST /repos/{owner}/{repo}/git/blobs",
		"POST /repos/{owner}/{repo}/git/commits",
		"GET /repos/{owner}/{repo}/git/commits/{commit_sha}",
		"GET /repos/{owner}/{repo}/git/ref/{ref...}",
		"POST /repos/{owner}/{repo}/git/refs",
		"PATCH /repos/{owner}/{repo}/git/refs/{ref...}",
		"DELETE /repos/{owner}/{repo}/git/refs/{ref...}",
		"POST /repos/{owner}/{repo}/git/trees",
		"GET /repos/{owner}/{repo}/git/trees/{tree_sha}",
		"GET /repos/{owner}/{repo}/issues",
		"POST /repos/{owner}/{repo}/issues",
		"PATCH /repos/{owner}/{repo}/issues/{issue_number}",
		"PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}",
		"POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions",
		"GET /repos/{owner}/{repo}/issues/{issue_number}/comments",
		"POST /repos/{owner}/{repo}/issues/{issue_number}/comments",
		"POST /repos/{owner}/{repo}/issues/{issue_number}/assignees",
		"POST /repos/{owner}/{repo}/issues/{issue_number}/labels",
		"GET /repos/{owner}/{repo}/pulls",
		"POST /repos/{owner}/{repo}/pulls",
		"GET /repos/{owner}/{repo}/pulls/{pull_number}",
		"PATCH /repos/{owner}/{repo}/pulls/{pull_number}",
		"POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers",
		"PATCH /repos/{owner}/{repo}/pulls/comments/{comment_id}",
		"POST /repos/{owner}/{repo}/pulls/comments/{comment_id}/reactions",
		"POST /repos/{owner}/{repo}/pulls/{pull_number}/comments/{comment_id}/replies",
		"GET /repos/{owner}/{repo}/pulls/{pull_number}/files",
		"GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews",
		"POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews",
		"PUT /repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}",
		"DELETE /repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}",
	}
}

// otherEndpoint is told of an address without a template.
const otherEndpoint = "other"

// templates find the template of an address.
var templates = sync.OnceValue(func() *http.ServeMux {
	m := http.NewServeMux()
	for _, e := range Endpoints() {
		m.Handle(e, http.NotFoundHandler())
	}
	return m
})

// documentKey is under which a request's context has the name of its GraphQL document.
const documentKey contextKey = -1

// named says how the GraphQL document of a context's request is called.
func named(ctx context.Context, document string) context.Context {
	words := strings.FieldsFunc(document, func(r rune) bool { return r == ' ' || r == '(' || r == '{' })
	if len(words) < 2 {
		return ctx
	}
	return context.WithValue(ctx, documentKey, words[1])
}

// endpointOf is the template of a request's address, or for GraphQL its document's name.
func endpointOf(r *http.Request) string {
	name, ok := r.Context().Value(documentKey).(string)
	if ok && strings.HasSuffix(r.URL.Path, "/graphql") { // not the request for its token
		return "POST /graphql " + name
	}
	bare := &url.URL{Path: strings.TrimPrefix(r.URL.Path, "/api/v3"), RawPath: strings.TrimPrefix(r.URL.RawPath, "/api/v3")}
	_, pattern := templates().Handler(&http.Request{Method: r.Method, URL: bare})
	if pattern == "" {
		return otherEndpoint
	}
	return pattern
}
