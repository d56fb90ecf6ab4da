package github_test

import (
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/githubtest"
)

// TestWhatAdministratorsAreShown lists the installations with the suspended ones, what one reaches, and the newest
// attempts to deliver webhooks.
func TestWhatAdministratorsAreShown(t *testing.T) {
	h := newHost(t, githubtest.Options{}, map[string]string{"README.md": "# shop\n"})
	archived, err := h.CreateRepo("acme", "old", map[string]string{"README.md": "x"})
	if err != nil {
		t.Fatal(err)
	}
	archived.Archive()
	if _, err := h.CreateRepo("asleep", "x", map[string]string{"README.md": "x"}); err != nil {
		t.Fatal(err)
	}
	h.Suspend("asleep", true)
	all, err := h.app.Accounts(t.Context())
	if err != nil || len(all) != 2 || all[0].ID != h.InstallationID("acme") || all[0].Account != "acme" || all[0].Suspended ||
		all[0].Kind == "" || !all[1].Suspended {
		t.Fatalf("%+v, %v", all, err)
	}
	reached, err := h.app.Reached(t.Context(), all[0].ID)
	if err != nil || len(reached) != 2 {
		t.Fatalf("%+v, %v", reached, err)
	}
	for _, r := range reached {
		if r.Archived != (r.Name == "old") || r.Owner != "acme" || r.Installation != all[0].ID {
			t.Errorf("%+v", r)
		}
	}
	h.SetWebhook("http://127.0.0.1:1/webhook", "secret") // nothing listens there
	if err := h.Deliver("pull_request", map[string]any{"action": "opened"}); err != nil {
		t.Fatal(err)
	}
	if err := h.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	sent, err := h.app.Newest(t.Context())
	if err != nil || len(sent) != 1 || sent[0].Arrived() || sent[0].Action != "opened" || time.Since(sent[0].At) > time.Minute {
		t.Fatalf("%+v, %v", sent, err)
	}
	one, body, err := h.app.Attempt(t.Context(), sent[0].ID)
	if err != nil || one != sent[0] || string(body) != `{"action":"opened"}` {
		t.Errorf("%+v %s, %v", one, body, err)
	}
	if (forge.Sent{Status: 302}).Arrived() || !(forge.Sent{Status: 202}).Arrived() {
		t.Error("what success is")
	}
}
