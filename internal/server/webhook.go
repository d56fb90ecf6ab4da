package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/lighterman/lighterman/internal/queue"
)

const (
	// maxBody is the largest payload GitHub sends (docs.github.com, "Webhook events and payloads").
	maxBody = 25 << 20
	// smallBody is a size that no usual payload exceeds. Larger bodies, and those whose size is not said, are taken
	// maxLarge at a time, so that strangers cannot fill the memory with them; further ones wait, for storeTime at most.
	// Small ones never wait, so neither can strangers keep out what GitHub usually sends.
	smallBody = 1 << 20
	maxLarge  = 16
	// storeTime bounds waiting for a large body's turn, reading it and storing it. GitHub counts a delivery as failed
	// after ten seconds (docs.github.com, "Best practices for using webhooks").
	storeTime = 9 * time.Second
	// maxName bounds the headers that name a delivery and its event; GitHub's are 36 characters and fewer.
	maxName = 64
)

// events are those that are stored: the ones GitHub sends an App like this one. Of the others only the number is kept.
func events() []string {
	return []string{
		"check_run", "check_suite", "installation", "installation_repositories", "installation_target", "issue_comment",
		"issues", "merge_group", "ping", "pull_request", "pull_request_review", "pull_request_review_comment", "push", "repository",
	}
}

// A refusal is why a webhook is not taken.
type refusal struct {
	status int
	reason string // a label of the metrics and the answer to the sender; it tells nothing about the secret
}

func (r *refusal) Error() string { return r.reason }

// webhook takes one delivery.
func (s *Server) webhook(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), storeTime)
	defer cancel()
	log := s.log.With("delivery", cut(r.Header.Get("X-GitHub-Delivery")), "event", cut(r.Header.Get("X-GitHub-Event")))
	text, err := s.take(ctx, w, r)
	var refused *refusal
	switch {
	case err == nil:
		log.Info("webhook taken", "outcome", text)
		answer(w, http.StatusAccepted, text)
	case errors.As(err, &refused):
		log.Warn("webhook refused", "status", refused.status, "reason", refused.reason)
		s.options.Meter.Refused(refused.reason)
		answer(w, refused.status, refused.reason)
	default:
		log.Error("webhook not stored", "error", err)
		s.options.Meter.Refused("not stored")
		answer(w, http.StatusServiceUnavailable, "not stored: deliver it again later")
	}
}

// take verifies and stores a delivery and says what became of it.
func (s *Server) take(ctx context.Context, w http.ResponseWriter, r *http.Request) (string, error) {
	secrets := s.secrets.Load()
	if secrets == nil {
		return "", &refusal{http.StatusServiceUnavailable, "the App is not set up yet"}
	}
	leave, err := s.enter(ctx, r.ContentLength)
	if err != nil {
		return "", err
	}
	defer leave()
	body, err := verified(w, r, *secrets)
	if err != nil {
		return "", err
	}
	guid, event, err := names(r.Header)
	if err != nil {
		return "", err
	}
	if !json.Valid(body) {
		return "", &refusal{http.StatusBadRequest, "the body is not JSON; is the webhook's content type application/json?"}
	}
	if !slices.Contains(events(), event) {
		s.options.Meter.Webhook("other", "not handled")
		return "not handled", nil
	}
	return s.store(ctx, guid, event, body)
}

// enter waits for the turn of a body of that length, -1 when it is not known.
func (s *Server) enter(ctx context.Context, length int64) (leave func(), err error) {
	if 0 <= length && length <= smallBody {
		return func() {}, nil
	}
	select {
	case s.large <- struct{}{}:
		return func() { <-s.large }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// verified reads a body and checks its signature. A request that cannot pass is refused before its body is read.
func verified(w http.ResponseWriter, r *http.Request, secrets []string) ([]byte, error) {
	signature := r.Header.Get("X-Hub-Signature-256")
	if signature == "" {
		return nil, &refusal{http.StatusUnauthorized, "there is no X-Hub-Signature-256"}
	}
	tooLarge := &refusal{http.StatusRequestEntityTooLarge, "the body is larger than 25 MB"}
	if r.ContentLength > maxBody {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return nil, tooLarge
	}
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, "the body could not be read"}
	}
	if !signed(signature, body, secrets) {
		return nil, &refusal{http.StatusUnauthorized, "the signature does not match"}
	}
	return body, nil
}

// names are the delivery's GUID and its event.
func names(h http.Header) (guid, event string, err error) {
	guid, event = h.Get("X-GitHub-Delivery"), h.Get("X-GitHub-Event")
	if !isName(guid) {
		return "", "", &refusal{http.StatusBadRequest, "X-GitHub-Delivery is missing or malformed"}
	}
	if !isName(event) {
		return "", "", &refusal{http.StatusBadRequest, "X-GitHub-Event is missing or malformed"}
	}
	return guid, event, nil
}

// isName reports whether a header is a short word of letters, digits, "-" and "_", as GitHub's are.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return s != "" && len(s) <= maxName
}

// store keeps a delivery, with what it asks for.
func (s *Server) store(ctx context.Context, guid, event string, body []byte) (string, error) {
	call, err := s.options.Decode(event, body)
	if err != nil {
		s.log.Warn("payload could not be decoded", "delivery", guid, "event", event, "error", err)
		return "", &refusal{http.StatusBadRequest, "the payload could not be decoded"}
	}
	d := queue.Delivery{GUID: guid, Event: event, Call: call, Payload: body}
	fresh, err := s.options.Queue.Receive(ctx, d)
	if err != nil {
		return "", err
	}
	if fresh && s.options.Heard != nil {
		s.options.Heard(event, body)
	}
	outcome := "stored"
	switch {
	case !fresh:
		outcome = "known already"
	case call.Asks():
		outcome = "queued"
	}
	s.options.Meter.Webhook(event, outcome)
	return outcome, nil
}

// cut shortens what an unknown sender wrote, for the log.
func cut(s string) string { return s[:min(len(s), maxName)] }
