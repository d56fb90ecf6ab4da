package githubtest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// hookPatience is how long GitHub waits for the answer to a webhook (content/webhooks/.../best-practices).
const hookPatience = 10 * time.Second

// maxPayload is the size beyond which GitHub sends no webhook at all (content/webhooks/webhook-events-and-payloads.md).
const maxPayload = 25 << 20

// hooks sends webhooks, one after the other, and keeps the App's delivery log.
type hooks struct {
	client http.Client
	wg     sync.WaitGroup

	mu         sync.Mutex
	url        string
	secret     string
	closed     bool
	lastID     int64
	last       chan struct{} // closed once the newest delivery was answered
	deliveries []*delivery
}

type delivery struct {
	Delivery
	payload []byte
	header  http.Header
}

// A Delivery is an entry of the App's delivery log.
type Delivery struct {
	ID           int64
	GUID         string // the same for a redelivery
	Event        string
	Action       string
	Installation int64
	Repository   int64
	Redelivery   bool
	At           time.Time
	Duration     time.Duration
	Status       int // 0 until it was answered, or when it could not be sent
	Err          string
}

// SetWebhook says where the App's webhooks go and with what secret they are signed. Without an address nothing is sent.
func (s *Server) SetWebhook(url, secret string) {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	s.hooks.url, s.hooks.secret = url, secret
}

// Deliveries is the App's delivery log, oldest first.
func (s *Server) Deliveries() []Delivery {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	var all []Delivery
	for _, d := range s.hooks.deliveries {
		all = append(all, d.Delivery)
	}
	return all
}

// Deliver sends any webhook to the App. The payload is encoded as JSON; a []byte is sent as it is.
func (s *Server) Deliver(event string, payload any) error {
	text, raw := payload.([]byte)
	if !raw {
		var err error
		if text, err = json.Marshal(payload); err != nil {
			return err
		}
	}
	guid := make([]byte, 16)
	_, _ = rand.Read(guid) // never fails
	g := hex.EncodeToString(guid)
	d := Delivery{GUID: g[:8] + "-" + g[8:12] + "-" + g[12:16] + "-" + g[16:20] + "-" + g[20:], Event: event}
	return s.hooks.send(d, text, s.now)
}

// Redeliver sends a delivery again: a new entry of the log with the GUID of the old one.
func (s *Server) Redeliver(id int64) error {
	s.hooks.mu.Lock()
	i := slices.IndexFunc(s.hooks.deliveries, func(d *delivery) bool { return d.ID == id })
	if i < 0 {
		s.hooks.mu.Unlock()
		return fmt.Errorf("redeliver: no delivery %d", id)
	}
	old := s.hooks.deliveries[i]
	s.hooks.mu.Unlock()
	return s.hooks.send(Delivery{GUID: old.GUID, Event: old.Event, Redelivery: true}, old.payload, s.now)
}

// send puts a delivery into the log and sends it once the one before was answered.
func (h *hooks) send(d Delivery, payload []byte, now func() time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.url == "" || h.closed || len(payload) > maxPayload {
		return nil
	}
	req, err := h.request(d, payload)
	if err != nil {
		return err
	}
	h.lastID++
	d.ID, d.At = h.lastID, now()
	describe(&d, payload)
	entry := &delivery{Delivery: d, payload: payload, header: req.Header}
	h.deliveries = append(h.deliveries, entry)
	before, done := h.last, make(chan struct{})
	h.last = done
	h.wg.Go(func() {
		defer close(done)
		if before != nil {
			<-before
		}
		h.post(entry, req)
	})
	return nil
}

func describe(d *Delivery, payload []byte) {
	var p struct {
		Action       string
		Installation struct{ ID int64 }
		Repository   struct{ ID int64 }
	}
	if json.Unmarshal(payload, &p) == nil { // a payload that is no JSON has nothing to describe
		d.Action, d.Installation, d.Repository = p.Action, p.Installation.ID, p.Repository.ID
	}
}

// Sign is the value of the header X-Hub-Signature-256 for a payload.
func Sign(secret string, payload []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(payload)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func (h *hooks) request(d Delivery, payload []byte) (*http.Request, error) {
	req, err := http.NewRequest(http.MethodPost, h.url, bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "*/*")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "GitHub-Hookshot/githubtest")
	req.Header.Set("X-GitHub-Delivery", d.GUID)
	req.Header.Set("X-GitHub-Event", d.Event)
	req.Header.Set("X-GitHub-Hook-Installation-Target-Type", "integration")
	req.Header.Set("X-GitHub-Hook-Installation-Target-ID", fmt.Sprint(appID))
	req.Header.Set("X-Hub-Signature-256", Sign(h.secret, payload))
	return req, nil
}

func (h *hooks) post(d *delivery, req *http.Request) {
	ctx, cancel := context.WithTimeout(context.Background(), hookPatience)
	defer cancel()
	start := time.Now()
	res, err := h.client.Do(req.WithContext(ctx))
	h.mu.Lock()
	defer h.mu.Unlock()
	d.Duration = time.Since(start)
	if err != nil {
		d.Err = err.Error()
		return
	}
	d.Status = res.StatusCode
	if err := res.Body.Close(); err != nil {
		d.Err = err.Error()
	}
}

// wanted reports whether webhooks go anywhere.
func (h *hooks) wanted() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.url != "" && !h.closed
}

func (h *hooks) wait(ctx context.Context) error {
	h.mu.Lock()
	last := h.last
	h.mu.Unlock()
	if last == nil {
		return nil
	}
	select {
	case <-last:
		return nil
	case <-ctx.Done():
		return errors.Join(errors.New("wait for webhooks to be answered"), ctx.Err())
	}
}

func (h *hooks) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.wg.Wait()
	h.client.CloseIdleConnections()
}

// hears reports whether the App gets an event of an installation: it is subscribed and may read what the event is
// about. Events of its own checks need no subscription.
func (s *Server) hears(i *installation, event string) bool {
	if !s.hooks.wanted() {
		return false
	}
	needs := supports[event]
	if needs == "checks" {
		return allows(i.permissions, needs, "write")
	}
	return slices.Contains(s.app.Load().events, event) && allows(i.permissions, needs, "read")
}

// told reports whether the App gets an event of the repository now. The caller holds the server's mu.
func (r *Repo) told(event string) bool {
	i := r.s.installations[r.owner]
	return i != nil && !i.suspended && r.s.hears(i, event)
}

// notify sends a webhook about the repository if the App is installed there. The caller holds the server's mu.
func (r *Repo) notify(event, by string, payload obj) error {
	i := r.s.installations[r.owner]
	if !r.told(event) {
		return nil
	}
	repo := r.json()
	if event == "push" { // keys of earlier days
		repo["stargazers"], repo["master_branch"] = 0, r.main
		owner := repo["owner"].(obj)
		owner["name"], owner["email"] = r.owner, r.owner+"@users.noreply.github.com"
	}
	payload["repository"], payload["sender"] = repo, r.s.user(by)
	payload["installation"] = obj{"id": i.id, "node_id": nodeID("MDIz", i.id)}
	return r.s.Deliver(event, payload)
}

// notify sends a pull_request webhook. The caller holds the server's mu.
func (p *Pull) notify(action, by string, more obj) error {
	if !p.repo.told("pull_request") {
		return nil // what it would say takes a diff
	}
	pull, err := p.json()
	if err != nil {
		return err
	}
	payload := obj{"action": action, "number": p.number, "pull_request": pull}
	for key, value := range more {
		payload[key] = value
	}
	return p.repo.notify("pull_request", by, payload)
}
