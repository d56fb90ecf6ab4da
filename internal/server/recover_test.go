package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

// A diary is a delivery log.
type diary struct {
	entries  []forge.Sent // newest first
	payloads map[int64]string
	fails    map[int64]error
	since    []time.Time // of every look
	fetched  []int64
}

func (d *diary) Failed(_ context.Context, since time.Time) ([]forge.Sent, error) {
	d.since = append(d.since, since)
	return d.entries, d.fails[0]
}

func (d *diary) Payload(_ context.Context, id int64) ([]byte, error) {
	d.fetched = append(d.fetched, id)
	return []byte(d.payloads[id]), d.fails[id]
}

// add notes an attempt, the newest so far.
func (d *diary) add(guid, event, payload string) {
	id := int64(len(d.entries) + 1)
	d.entries = slices.Insert(d.entries, 0, forge.Sent{ID: id, GUID: guid, Event: event, At: time.Now()})
	if d.payloads == nil {
		d.payloads, d.fails = map[int64]string{}, map[int64]error{}
	}
	d.payloads[id] = payload
}

func numbered(n int) string { return fmt.Sprintf(`{"action":"opened","number":%d}`, n) }

// TestRecoverTakesWhatWasMissed: one attempt of each webhook, the oldest first, of events that are handled and that did
// not arrive in another way.
func TestRecoverTakesWhatWasMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &shelf{}
		s := newServer(t, q)
		send(s, delivery(opened))
		var d diary
		d.add("72d3162e-cc78-11e3-81ab-4c9367dc0958", "pull_request", opened)
		for n, event := range []string{"pull_request", "pull_request", "watch", "pull_request"} {
			time.Sleep(time.Second)
			d.add(fmt.Sprint("guid-", n), event, numbered(n+1))
		}
		d.add("guid-1", "pull_request", numbered(2))
		d.add("not a guid", "pull_request", numbered(9))
		if err := s.Recover(t.Context(), &d); err != nil {
			t.Fatal(err)
		}
		if want := []int64{2, 6, 5}; !slices.Equal(d.fetched, want) {
			t.Errorf("fetched %v, want %v", d.fetched, want)
		}
		for n, stored := range []bool{true, true, false, true} {
			got, ok := q.known[fmt.Sprint("guid-", n)]
			if ok != stored || ok && (len(got.Call.Refs) != 1 || got.Call.Refs[0].Number != n+1 || got.Event != "pull_request") {
				t.Errorf("guid-%d: stored %+v, %t, want %t", n, got, ok, stored)
			}
		}
	})
}

// TestRecoverReadsOn: the first look goes back as far as there is a log, the next as far as the one before, and further
// while looks fail.
func TestRecoverReadsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &shelf{}
		s := newServer(t, q)
		d := &diary{fails: map[int64]error{}}
		look := func(after time.Duration, fails bool, back time.Duration) {
			t.Helper()
			time.Sleep(after)
			err := s.Recover(t.Context(), d)
			if (err != nil) != fails {
				t.Errorf("recover: %v", err)
			}
			if got := time.Since(d.since[len(d.since)-1]); got != back {
				t.Errorf("looked back %s, want %s", got, back)
			}
		}
		look(0, false, maxMissed)
		look(5*time.Minute, false, 5*time.Minute+overlap)
		d.fails[0] = errors.New("not now")
		look(5*time.Minute, true, 5*time.Minute+overlap)
		d.fails[0] = nil
		d.add("guid", "pull_request", numbered(1))
		d.fails[1] = errors.New("502")
		look(5*time.Minute, true, 10*time.Minute+overlap)
		d.fails[1] = nil
		look(5*time.Minute, false, 15*time.Minute+overlap)
		look(100*time.Hour, false, maxMissed)
	})
}

// TestRecoverGoesOn: what cannot be had, or is no payload, keeps nothing else from being taken; a limit ends it.
func TestRecoverGoesOn(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		body   string
		failed bool
		stored int
	}{
		"gone":       {fmt.Errorf("read: %w", forge.ErrGone), "", false, 1},
		"no payload": {nil, "{", false, 1},
		"failure":    {errors.New("502"), "", true, 1},
		"limit":      {&forge.LimitError{Until: time.Now(), Err: errors.New("403")}, "", true, 0},
	} {
		q := &shelf{}
		var d diary
		d.add("first", "pull_request", c.body)
		d.fails[1] = c.err
		d.add("second", "pull_request", opened)
		d.entries[0].At = d.entries[1].At.Add(time.Second)
		err := newServer(t, q).Recover(t.Context(), &d)
		if (err != nil) != c.failed || len(q.known) != c.stored {
			t.Errorf("%s: %v, stored %v", name, err, q.known)
		}
		if marked := q.notes[lookedKey] != ""; marked == c.failed {
			t.Errorf("%s: marked as read: %t", name, marked)
		}
	}
}

// TestAWebhookIsHandledAgain under a name of its own when its own is known, under its own when it never arrived, and not at
// all when nobody handles what it tells.
func TestAWebhookIsHandledAgain(t *testing.T) {
	q := &shelf{}
	s := newServer(t, q)
	send(s, delivery(opened))
	const known = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
	for _, sent := range []forge.Sent{{GUID: known, Event: "pull_request"}, {GUID: "missed", Event: "pull_request"}} {
		if err := s.Take(t.Context(), sent, []byte(opened)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Again(t.Context(), strings.Repeat("g", maxName), "pull_request", []byte(opened)); err != nil {
		t.Error(err)
	}
	var names []string
	for name := range q.known {
		names = append(names, name)
		if len(name) > maxName {
			t.Errorf("%s is %d bytes long", name, len(name))
		}
	}
	if slices.Sort(names); len(names) != 4 || names[0] != known || !strings.HasPrefix(names[1], known+"-again-") ||
		!strings.HasPrefix(names[2], "ggg") || names[3] != "missed" {
		t.Errorf("stored %q", names)
	}
	for _, sent := range []forge.Sent{{GUID: "x", Event: "watch"}, {GUID: "no guid", Event: "pull_request"}} {
		if err := s.Take(t.Context(), sent, []byte(opened)); err == nil || len(q.known) != 4 {
			t.Errorf("%+v was taken", sent)
		}
	}
}
