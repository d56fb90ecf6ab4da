package github_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/githubtest"
)

// TestFailedDeliveries reads a log of several pages, of which some deliveries arrived.
func TestFailedDeliveries(t *testing.T) {
	now := time.Now()
	h := newHost(t, githubtest.Options{Now: func() time.Time { return now }}, map[string]string{"README.md": "# shop\n"})
	h.SetWebhook("http://127.0.0.1:1/webhook", "secret") // nothing listens there
	const missed = 130
	for n := range missed {
		if err := h.Deliver("pull_request", map[string]any{"action": "opened", "number": n + 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	failed, err := h.app.Failed(t.Context(), now.Add(-time.Hour))
	if err != nil || len(failed) != missed {
		t.Fatalf("%d failed, want %d: %v", len(failed), missed, err)
	}
	log := h.Deliveries()
	if last := log[len(log)-1]; failed[0].GUID != last.GUID || failed[0].ID != last.ID || failed[0].Event != "pull_request" {
		t.Errorf("the newest is %+v, want %+v", failed[0], last)
	}
	payload, err := h.app.Payload(t.Context(), failed[0].ID)
	if want := `{"action":"opened","number":130}`; err != nil || string(payload) != want {
		t.Errorf("payload %s, want %s: %v", payload, want, err)
	}
	if later, err := h.app.Failed(t.Context(), now.Add(time.Minute)); err != nil || len(later) > 0 {
		t.Errorf("%d failed since a minute from now, %v", len(later), err)
	}
	if _, err := h.app.Payload(t.Context(), 999_999); !errors.Is(err, forge.ErrGone) {
		t.Errorf("a delivery that is not there: %v", err)
	}
	h.Inject(githubtest.SecondaryLimit("apps/list-webhook-deliveries", 429, 7))
	var limit *forge.LimitError
	if _, err := h.app.Failed(t.Context(), now); !errors.As(err, &limit) {
		t.Errorf("limited: %v", err)
	}
	if !slices.ContainsFunc(h.Requests(), func(r githubtest.Request) bool { return r.Status == 429 }) {
		t.Error("the limit was not met")
	}
}
