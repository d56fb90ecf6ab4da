package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A ledger is a store that takes a while, as a disk does, and refuses batches with a delivery named "bad".
type ledger struct{ batches [][]string }

func (l *ledger) store(ctx context.Context, deliveries []Delivery) ([]bool, error) {
	var guids []string
	for _, d := range deliveries {
		guids = append(guids, d.GUID)
	}
	slices.Sort(guids)
	l.batches = append(l.batches, guids)
	select {
	case <-time.After(time.Millisecond):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if slices.Contains(guids, "bad") {
		return nil, errors.New("refused")
	}
	return make([]bool, len(deliveries)), nil
}

func TestInboxStoresWaitingDeliveriesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l ledger
		errs := deliverAll(t, &l, "first", "a", "b", "bad")
		want := [][]string{{"first"}, {"a", "b", "bad"}}
		if got := l.batches[:2]; !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("stored %v, want %v", got, want)
		}
		if got := len(l.batches); got != 5 {
			t.Errorf("%d transactions, want the failed batch's deliveries to be tried one by one: %v", got, l.batches)
		}
		for guid, err := range errs {
			if (err != nil) != (guid == "bad") {
				t.Errorf("%s: %v", guid, err)
			}
		}
	})
}

// deliverAll delivers the first GUID, and the others while that is being stored. Then it closes the inbox.
func deliverAll(t *testing.T, l *ledger, guids ...string) map[string]error {
	b := newInbox(l.store)
	var mu sync.Mutex
	errs := map[string]error{}
	var running, senders sync.WaitGroup
	running.Go(b.run)
	for _, guid := range guids {
		senders.Go(func() {
			_, err := b.receive(t.Context(), Delivery{GUID: guid})
			mu.Lock()
			defer mu.Unlock()
			errs[guid] = err
		})
		synctest.Wait()
	}
	senders.Wait()
	b.close()
	running.Wait()
	return errs
}

func TestInboxBatchesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l ledger
		guids := make([]string, 2*batchLength+2)
		for i := range guids {
			guids[i] = fmt.Sprint(i)
		}
		deliverAll(t, &l, guids...)
		for _, batch := range l.batches {
			if len(batch) > batchLength {
				t.Errorf("a batch of %d deliveries", len(batch))
			}
		}
	})
}

func TestInboxGivesUpOnASlowDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := func(ctx context.Context, _ []Delivery) ([]bool, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		b := newInbox(stuck)
		var running sync.WaitGroup
		running.Go(b.run)
		began := time.Now()
		if _, err := b.receive(t.Context(), Delivery{GUID: "1"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("receive: %v", err)
		}
		if took := time.Since(began); took != batchTime {
			t.Errorf("gave up after %s, want %s", took, batchTime)
		}
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.receive(impatient, Delivery{GUID: "2"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("receive without patience: %v", err)
		}
		b.close()
		running.Wait()
		if _, err := b.receive(t.Context(), Delivery{GUID: "3"}); !errors.Is(err, ErrStopped) {
			t.Errorf("receive when closed: %v", err)
		}
	})
}
