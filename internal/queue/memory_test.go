package queue

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

func remembers(t *testing.T, p place) {
	q := openStill(t, p, Options{Work: new(tally).work})
	receive(t, q, Delivery{GUID: "b", Event: "ping"})
	got, err := q.Unknown(t.Context(), []string{"c", "b", "a"})
	if err != nil || !slices.Equal(got, []string{"c", "a"}) {
		t.Errorf("unknown are %q, %v", got, err)
	}
	for _, value := range []string{"one", "two"} {
		if err := q.Remember(t.Context(), "key", value); err != nil {
			t.Fatal(err)
		}
	}
	stop(t, q)
	again := openStill(t, p, Options{Work: new(tally).work})
	for key, want := range map[string]string{"key": "two", "other": ""} {
		if got, err := again.Recall(t.Context(), key); err != nil || got != want {
			t.Errorf("recalled %q for %s, %v; want %q", got, key, err, want)
		}
	}
}

// changes lets several change the same value at once; none of the changes is lost.
func changes(t *testing.T, p place, replicas int) {
	const each = 25
	var wg sync.WaitGroup
	var q *Queue
	for range replicas {
		q = openStill(t, p, Options{Work: new(tally).work})
		mine := q
		for range 2 {
			wg.Go(func() {
				for range each {
					if err := mine.Change(t.Context(), "key", func(value string) string { return value + "x" }); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
	got, err := q.Recall(t.Context(), "key")
	if want := strings.Repeat("x", replicas*2*each); err != nil || got != want {
		t.Errorf("%d changes are left of %d, %v", len(got), len(want), err)
	}
}
