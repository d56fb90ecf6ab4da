package admin

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/queue"
)

// A Desk does what buttons ask for.
type Desk interface {
	// Look has a pull request looked at; its installation is 0 when it is not known.
	Look(ctx context.Context, ref forge.Ref) error
	// Again handles a delivery that is kept as if it came now.
	Again(ctx context.Context, guid string) error
	// Fetch handles an attempt of the host's log, whether or not its webhook arrived.
	Fetch(ctx context.Context, id int64) error
}

// deliveries is the page of the webhooks that came, and of those that the host says it sent.
func (p *Pages) deliveries(w http.ResponseWriter, r *http.Request) {
	v := struct {
		frame
		Received []queue.Received
		Sent     []forge.Sent
		Missing  int // of Sent, those without success
		Failed   bool
		Absent   string
		Most     int
	}{frame: p.frame(r, "Deliveries", "deliveries"), Failed: r.URL.Query().Get("failed") == "1", Most: maxRows}
	var err error
	if v.Received, err = p.options.Queue.Received(r.Context(), maxRows); err != nil {
		p.broken(w, r, err)
		return
	}
	sent, err := p.sent.get(struct{}{}, func() ([]forge.Sent, error) { return p.options.Host.Sent(r.Context()) })
	v.Absent = p.absent(r, err)
	for _, s := range sent {
		if !s.Arrived() {
			v.Missing++
		}
		if !v.Failed || !s.Arrived() {
			v.Sent = append(v.Sent, s)
		}
	}
	p.show(w, http.StatusOK, "deliveries", v)
}

// absent is what stands in the place of what the host did not tell; "" when it did.
func (p *Pages) absent(r *http.Request, err error) string {
	var limit *forge.LimitError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrNoApp):
		return "There is no GitHub App yet."
	case errors.Is(err, forge.ErrGone):
		return "The App cannot reach it: it is gone, or suspended."
	case errors.As(err, &limit):
		return "GitHub asks to wait. Try again in a while."
	}
	p.log.Error("admin page", "page", r.URL.Path, "error", err)
	return "GitHub did not tell. The server's log says why."
}

// again handles a delivery that is kept.
func (p *Pages) again(w http.ResponseWriter, r *http.Request) {
	guid := r.PostFormValue("guid")
	if err := p.options.Desk.Again(r.Context(), guid); err != nil {
		p.broken(w, r, err)
		return
	}
	p.did(r, "handled a delivery again", "delivery", guid)
	leave(w, "deliveries?said=again")
}

// fetch handles an attempt of the host's log.
func (p *Pages) fetch(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PostFormValue("id"), 10, 64)
	if err == nil {
		err = p.options.Desk.Fetch(r.Context(), id)
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	p.did(r, "fetched a delivery", "attempt", id)
	leave(w, "deliveries?said=again")
}
