package githubtest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/githubtest"
)

// A receiver is somebody's webhook.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	status   int
	header   []http.Header
	payloads []string
}

func receive(t *testing.T) *receiver {
	r := &receiver{status: 202}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.header, r.payloads = append(r.header, req.Header), append(r.payloads, string(body))
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

// got waits for all deliveries and returns what arrived.
func (r *receiver) got(t *testing.T, s *githubtest.Server) ([]http.Header, []obj) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var payloads []obj
	for _, p := range r.payloads {
		var o obj
		if err := json.Unmarshal([]byte(p), &o); err != nil {
			t.Fatal(err)
		}
		payloads = append(payloads, o)
	}
	return r.header, payloads
}

// TestWebhooks: what people do to a pull request is told in order, signed, with what the event is about.
func TestWebhooks(t *testing.T) {
	s, r, p := scene(t, githubtest.Options{})
	hook := receive(t)
	s.SetWebhook(hook.URL, "s3cret")
	before := p.Head()
	after := must(r.Push("topic", "more", map[string]string{"a": "a"}))(t)
	must(r.Push("other", "elsewhere", map[string]string{"a": "a"}))(t)
	if err := r.Branch("next", "main"); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		p.SetDraft(true, "robin"), p.SetDraft(false, "robin"), p.Retarget("next", "robin"), p.Retitle("Better", "robin"),
		r.ForcePush("topic", before), p.Close("robin"), p.Reopen("ann"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	headers, payloads := hook.got(t, s)
	var actions []string
	for i, o := range payloads {
		actions = append(actions, o["action"].(string))
		if headers[i].Get("X-Hub-Signature-256") != githubtest.Sign("s3cret", []byte(hook.payloads[i])) {
			t.Errorf("%s is signed %s", o["action"], headers[i].Get("X-Hub-Signature-256"))
		}
		if headers[i].Get("X-GitHub-Event") != "pull_request" ||
			headers[i].Get("X-GitHub-Delivery") != s.Deliveries()[i].GUID {
			t.Errorf("headers %v", headers[i])
		}
		if id := o["installation"].(obj)["id"].(float64); int64(id) != s.InstallationID("acme") {
			t.Errorf("installation %v", id)
		}
	}
	want := []string{
		"synchronize", "converted_to_draft", "ready_for_review", "edited", "edited", "synchronize", "closed", "reopened",
	}
	if !slices.Equal(actions, want) {
		t.Fatalf("actions %v, want %v", actions, want)
	}
	if payloads[0]["before"] != before || payloads[0]["after"] != after {
		t.Errorf("synchronize from %v to %v", payloads[0]["before"], payloads[0]["after"])
	}
	if payloads[3]["changes"].(obj)["base"] == nil || payloads[4]["changes"].(obj)["base"] != nil {
		t.Errorf("changes %v, then %v", payloads[3]["changes"], payloads[4]["changes"])
	}
}

// TestRedelivery: the delivery log lists what failed, and sends it again under the same GUID.
func TestRedelivery(t *testing.T) {
	s, r, _ := scene(t, githubtest.Options{})
	hook := receive(t)
	hook.status = 500
	s.SetWebhook(hook.URL, "s3cret")
	must(r.Push("topic", "more", map[string]string{"a": "a"}))(t)
	hook.got(t, s)
	hook.mu.Lock()
	hook.status = 202
	hook.mu.Unlock()
	must(r.Push("topic", "more", map[string]string{"a": "b"}))(t)
	hook.got(t, s)

	c := app(t, s)
	failed := c.do("GET", "/api/v3/app/hook/deliveries?status=failure", nil)
	var list []obj
	if err := json.Unmarshal([]byte(failed.body), &list); err != nil || len(list) != 1 {
		t.Fatalf("failed deliveries: %s", failed.body)
	}
	if list[0]["status_code"] != 500.0 || list[0]["event"] != "pull_request" || list[0]["action"] != "synchronize" {
		t.Errorf("entry %v", list[0])
	}
	one := c.do("GET", "/api/v3/app/hook/deliveries/"+itoa(list[0]["id"]), nil)
	if !strings.Contains(one.body, `"payload":{"action":"synchronize"`) &&
		!strings.Contains(one.body, `"action":"synchronize"`) {
		t.Errorf("delivery: %s", one.body)
	}
	if a := c.do("POST", "/api/v3/app/hook/deliveries/"+itoa(list[0]["id"])+"/attempts", nil); a.status != 202 {
		t.Errorf("redeliver: %d %s", a.status, a.body)
	}
	headers, _ := hook.got(t, s)
	if len(headers) != 3 || headers[2].Get("X-GitHub-Delivery") != headers[0].Get("X-GitHub-Delivery") {
		t.Errorf("%d deliveries arrived", len(headers))
	}
	log := s.Deliveries()
	if last := log[len(log)-1]; !last.Redelivery || last.Status != 202 || last.GUID != log[0].GUID {
		t.Errorf("log ends with %+v", last)
	}
	page := c.do("GET", "/api/v3/app/hook/deliveries?per_page=2", nil)
	if next := page.header.Get("Link"); !strings.Contains(next, "cursor=2") {
		t.Errorf("next page %q", next)
	}
}

// TestSilence: nothing is sent beyond 25 MB, and nothing after the App was told that it is uninstalled.
func TestSilence(t *testing.T) {
	s, r, _ := scene(t, githubtest.Options{})
	hook := receive(t)
	s.SetWebhook(hook.URL, "s3cret")
	if err := s.Deliver("push", make([]byte, 25<<20+1)); err != nil {
		t.Fatal(err)
	}
	s.Uninstall("acme")
	must(r.Push("topic", "more", map[string]string{"a": "a"}))(t)
	if _, got := hook.got(t, s); len(got) != 1 || got[0]["action"] != "deleted" {
		t.Errorf("webhooks %v", got)
	}
	if err := s.Redeliver(77); err == nil {
		t.Error("redelivered what never was")
	}
}
