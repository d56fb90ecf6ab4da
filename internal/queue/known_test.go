package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

// looksUp asks what is known of pull requests while their jobs wait, are put off, and are dead, and of one that is not
// known at all.
func looksUp(t *testing.T, p place) {
	q := openStill(t, p, Options{Attempts: 2, Backoff: func(int) time.Duration { return time.Hour },
		Work: func(context.Context, Job) (Done, error) { return Done{}, errors.New("no luck") }})
	told := push("guid-1", pullRequest(1))
	told.Call.Head = "abc"
	receive(t, q, told)
	receive(t, q, push("guid-2", pullRequest(2)))
	receive(t, q, Delivery{GUID: "guid-3", Event: "ping", Payload: []byte(`{}`)})

	small := pullRequest(1)
	small.Repo.Installation, small.Repo.Owner = 0, "acme" // as people write it
	k := known(t, q, small)
	if k.Ref != pullRequest(1) || k.Told != "abc" || k.Done != "" || len(k.Dead) != 0 || len(k.Live) != 1 {
		t.Fatalf("%+v", k)
	}
	if j := k.Live[0]; j.State != Waiting || j.Ref != pullRequest(1) || j.Attempts != 0 || j.Error != "" || j.At.IsZero() {
		t.Errorf("waiting: %+v", j)
	}
	if len(k.Received) != 1 || k.Received[0].GUID != "guid-1" || k.Received[0].Event != "pull_request" ||
		k.Received[0].Action != "synchronize" || !k.Received[0].Kept || time.Since(k.Received[0].At) > time.Minute {
		t.Errorf("received: %+v", k.Received)
	}
	if k := known(t, q, pullRequest(9)); k.Ref != (forge.Ref{}) || len(k.Live)+len(k.Dead)+len(k.Received) > 0 {
		t.Errorf("an unknown one: %+v", k)
	}
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	waitDepth(t, q, Depth{Delayed: 2})
	live, err := q.Live(t.Context(), 1)
	if err != nil || len(live) != 1 || live[0].State != Delayed || live[0].Error != "no luck" || live[0].Attempts != 1 ||
		time.Until(live[0].At) < time.Minute {
		t.Errorf("put off: %+v, %v", live, err)
	}
	receive(t, q, push("guid-4", pullRequest(1))) // which ends its wait
	waitDepth(t, q, Depth{Delayed: 1, Dead: 1})
	if k := known(t, q, small); len(k.Live) != 0 || len(k.Dead) != 1 || k.Dead[0].Error != "no luck" || len(k.Received) != 2 {
		t.Errorf("dead: %+v", k)
	}
}

func known(t *testing.T, q *Queue, ref forge.Ref) Known {
	t.Helper()
	k, err := q.Known(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// remembersDeliveries lists what came, the newest first, and gives back bodies until they are dropped.
func remembersDeliveries(t *testing.T, p place) {
	q := openStill(t, p, Options{Work: new(tally).work})
	for _, guid := range []string{"a", "b", "c"} {
		receive(t, q, push(guid, pullRequest(1)))
	}
	all, err := q.Received(t.Context(), 2)
	if err != nil || len(all) != 2 || all[0].Subject != "acme/app#1" || all[0].At.Before(all[1].At) {
		t.Errorf("%+v, %v", all, err)
	}
	event, body, ok, err := q.Payload(t.Context(), "b")
	if err != nil || !ok || event != "pull_request" || string(body) != `{"a":1}` {
		t.Errorf("%q %q %t %v", event, body, ok, err)
	}
	if err := q.engine.prune(t.Context(), time.Now().Add(payloadKept+time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, _, ok, err := q.Payload(t.Context(), "b"); ok || err != nil {
		t.Errorf("a body that was dropped: %t, %v", ok, err)
	}
	if _, _, ok, err := q.Payload(t.Context(), "never"); ok || err != nil {
		t.Errorf("one that never came: %t, %v", ok, err)
	}
	if all, err := q.Received(t.Context(), 9); err != nil || len(all) != 3 || all[0].Kept {
		t.Errorf("afterwards: %+v, %v", all, err)
	}
}
