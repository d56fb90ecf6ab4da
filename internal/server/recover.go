package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

// A Log is the code host's record of the webhooks that it sent.
type Log interface {
	// Failed are the attempts since a time that were not answered with success, the newest first.
	Failed(ctx context.Context, since time.Time) ([]forge.Sent, error)
	// Payload is what one of them sent.
	Payload(ctx context.Context, id int64) ([]byte, error)
}

const (
	// maxMissed is how far back the log is read. GitHub keeps it for three days
	// (docs.github.com, "Redelivering webhooks").
	maxMissed = 72 * time.Hour
	// overlap is how far a look at the log reaches behind the one before: entries may appear late, and clocks differ.
	overlap = 10 * time.Minute
	// lookedKey is under which the queue remembers when the log was last read to the end.
	lookedKey = "deliveries looked at"
)

// Recover takes the webhooks that did not arrive since it last succeeded, as if they did now. The host delivers none again
// by itself. A webhook that arrives meanwhile in some other way is known by its GUID.
func (s *Server) Recover(ctx context.Context, log Log) error {
	began := time.Now()
	since, err := s.lookedAt(ctx, began)
	if err != nil {
		return err
	}
	failed, err := log.Failed(ctx, since)
	if err != nil {
		return err
	}
	missed, err := s.missed(ctx, failed)
	if err != nil {
		return err
	}
	if len(missed) > 0 {
		s.log.Warn("webhooks were missed; they are taken from the delivery log", "webhooks", len(missed), "since", since)
	}
	if err := s.fetch(ctx, log, missed); err != nil {
		return err
	}
	return s.options.Queue.Remember(ctx, lookedKey, began.UTC().Format(time.RFC3339))
}

// lookedAt is how far back the log is to be read.
func (s *Server) lookedAt(ctx context.Context, now time.Time) (time.Time, error) {
	text, err := s.options.Queue.Recall(ctx, lookedKey)
	if err != nil {
		return time.Time{}, err
	}
	first := now.Add(-maxMissed)
	last, err := time.Parse(time.RFC3339, text)
	if err != nil || last.Add(-overlap).Before(first) {
		return first, nil
	}
	return last.Add(-overlap), nil
}

// missed are the webhooks of a log that are wanted and not stored, one attempt for each, the oldest first.
func (s *Server) missed(ctx context.Context, failed []forge.Sent) ([]forge.Sent, error) {
	attempts := map[string]forge.Sent{}
	var guids []string
	for _, f := range failed {
		if !isName(f.GUID) || !slices.Contains(events(), f.Event) {
			continue
		}
		if newest, again := attempts[f.GUID]; again {
			f.ID = newest.ID // which is kept for longest; its webhook is as old as the first
		} else {
			guids = append(guids, f.GUID)
		}
		attempts[f.GUID] = f
	}
	unknown, err := s.options.Queue.Unknown(ctx, guids)
	if err != nil {
		return nil, err
	}
	out := make([]forge.Sent, len(unknown))
	for n, guid := range unknown {
		out[n] = attempts[guid]
	}
	slices.SortStableFunc(out, func(a, b forge.Sent) int { return a.At.Compare(b.At) })
	return out, nil
}

// fetch stores missed webhooks. One that cannot be had any more, or is none of GitHub's, is passed over; after any other
// failure the rest is still tried, unless the host asked to wait.
func (s *Server) fetch(ctx context.Context, log Log, missed []forge.Sent) error {
	var errs []error
	for _, m := range missed {
		err := s.fetchOne(ctx, log, m)
		var limit *forge.LimitError
		var refused *refusal
		switch {
		case err == nil:
		case errors.As(err, &limit), ctx.Err() != nil:
			return err
		case errors.Is(err, forge.ErrGone), errors.As(err, &refused):
			s.log.Warn("missed webhook passed over", "delivery", m.GUID, "event", m.Event, "error", err)
		default:
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("%d missed webhooks could not be taken, the first: %w", len(errs), errs[0])
	}
	return nil
}

// Again handles a webhook that came before once more, as if it came now: under a name of its own, since its own is taken.
// What people asked for by it is not done twice.
func (s *Server) Again(ctx context.Context, guid, event string, payload []byte) error {
	name := guid[:min(len(guid), maxName-len("-again-")-againLength)] + "-again-" + rand.Text()[:againLength]
	if !isName(name) || !slices.Contains(events(), event) {
		return fmt.Errorf("handle webhook %s again: it is none of those that are handled", cut(guid))
	}
	outcome, err := s.store(ctx, name, event, payload)
	if err != nil {
		return fmt.Errorf("handle webhook %s again: %w", guid, err)
	}
	s.log.Info("webhook handled again", "delivery", name, "event", event, "outcome", outcome)
	return nil
}

// againLength is how much of a name is random.
const againLength = 8

// Take takes a webhook from the code host's log: one that did not arrive, or once more one that did.
func (s *Server) Take(ctx context.Context, sent forge.Sent, payload []byte) error {
	unknown, err := s.options.Queue.Unknown(ctx, []string{sent.GUID})
	if err != nil {
		return err
	}
	if len(unknown) == 0 || !isName(sent.GUID) || !slices.Contains(events(), sent.Event) {
		return s.Again(ctx, sent.GUID, sent.Event, payload)
	}
	if _, err := s.store(ctx, sent.GUID, sent.Event, payload); err != nil {
		return fmt.Errorf("take webhook %s: %w", sent.GUID, err)
	}
	return nil
}

func (s *Server) fetchOne(ctx context.Context, log Log, m forge.Sent) error {
	payload, err := log.Payload(ctx, m.ID)
	if err != nil {
		return err
	}
	outcome, err := s.store(ctx, m.GUID, m.Event, payload)
	if err != nil {
		return fmt.Errorf("take missed webhook %s: %w", m.GUID, err)
	}
	s.log.Info("missed webhook taken", "delivery", m.GUID, "event", m.Event, "sent", m.At, "outcome", outcome)
	return nil
}
