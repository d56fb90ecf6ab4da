package github

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	gogithub "github.com/google/go-github/v60/github"

	"github.com/lighterman/lighterman/internal/forge"
)

const (
	// maxDeliveryPages bounds how far back the delivery log is read: a hundred entries a page and request, of the App's
	// 5000 an hour.
	maxDeliveryPages = 100
	// maxDelivery bounds an entry with its payload, of which the largest has 25 MB, and the headers of both sides.
	maxDelivery = 26 << 20
)

// Failed reads the App's delivery log back to a time: the attempts to deliver a webhook that were not answered with
// success, the newest first. GitHub keeps three days of it, Enterprise Server seven (operation
// list-deliveries-for-an-app-webhook). When there are too many the oldest are left out, which is logged.
func (a *App) Failed(ctx context.Context, since time.Time) ([]forge.Sent, error) {
	client := a.itself()
	var all []forge.Sent
	query := url.Values{"per_page": {strconv.Itoa(pageSize)}, "status": {"failure"}}
	for range maxDeliveryPages {
		req, err := client.NewRequest(http.MethodGet, "app/hook/deliveries?"+query.Encode(), nil)
		if err != nil {
			return nil, err
		}
		var page []*gogithub.HookDelivery
		res, err := client.Do(ctx, req, &page)
		if err != nil {
			return nil, doing(meaning(err), "read the delivery log")
		}
		for _, d := range page {
			if d.GetDeliveredAt().Before(since) {
				return all, nil
			}
			if s := sent(d); !s.Arrived() { // a server may not know the filter
				all = append(all, s)
			}
		}
		if res.Cursor == "" {
			return all, nil
		}
		query.Set("cursor", res.Cursor)
	}
	a.options.Logger.Warn("the delivery log is longer than is read at once; the oldest entries are left out", "read", len(all))
	return all, nil
}

func sent(d *gogithub.HookDelivery) forge.Sent {
	return forge.Sent{
		ID: d.GetID(), GUID: d.GetGUID(), Event: d.GetEvent(), Action: d.GetAction(), At: d.GetDeliveredAt().Time,
		Status: d.GetStatusCode(), Again: d.GetRedelivery(),
	}
}

// Newest are the last attempts to deliver a webhook, the newest first, at most a hundred.
func (a *App) Newest(ctx context.Context) ([]forge.Sent, error) {
	page, _, err := a.itself().Apps.ListHookDeliveries(ctx, &gogithub.ListCursorOptions{PerPage: pageSize})
	if err != nil {
		return nil, doing(meaning(err), "read the delivery log")
	}
	all := make([]forge.Sent, len(page))
	for n, d := range page {
		all[n] = sent(d)
	}
	return all, nil
}

// Payload is what an attempt to deliver a webhook sent.
func (a *App) Payload(ctx context.Context, id int64) ([]byte, error) {
	_, body, err := a.Attempt(ctx, id)
	return body, err
}

// Attempt is one attempt to deliver a webhook, with what it sent.
func (a *App) Attempt(ctx context.Context, id int64) (forge.Sent, []byte, error) {
	client := a.itself()
	req, err := client.NewRequest(http.MethodGet, fmt.Sprintf("app/hook/deliveries/%d", id), nil)
	if err != nil {
		return forge.Sent{}, nil, err
	}
	var body payload
	if _, err := client.Do(ctx, req, &body); err != nil {
		return forge.Sent{}, nil, doing(meaning(err), "read delivery %d", id)
	}
	var d struct {
		gogithub.HookDelivery
		Request struct{ Payload json.RawMessage } `json:"request"`
	}
	if err := json.Unmarshal(body.Bytes(), &d); err != nil {
		return forge.Sent{}, nil, doing(err, "read delivery %d", id)
	}
	return sent(&d.HookDelivery), d.Request.Payload, nil
}

// payload takes maxDelivery bytes and no more.
type payload struct{ bytes.Buffer }

func (b *payload) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxDelivery {
		return 0, errors.New("it is too large")
	}
	return b.Buffer.Write(p)
}
