package queue

import (
	"slices"
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
