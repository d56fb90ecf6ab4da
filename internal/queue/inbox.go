package queue

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	batchLength = 128     // deliveries stored in one transaction, at most
	batchBytes  = 8 << 20 // payload bytes after which a batch is full
	// batchTime bounds one transaction of the inbox. GitHub counts a delivery as failed after ten seconds
	// (docs.github.com, "Best practices for using webhooks").
	batchTime = 8 * time.Second
)

// An inbox is a group commit: deliveries that arrive while a transaction is being written are stored together by the
// next one. Nothing waits on purpose, so a lone delivery costs one transaction and no delay.
type inbox struct {
	letters chan letter
	store   func(context.Context, []Delivery) ([]bool, error)

	once   sync.Once
	closed chan struct{}
}

type letter struct {
	delivery Delivery
	answer   chan<- answer // has room for the one answer
}

type answer struct {
	fresh bool
	err   error
}

func newInbox(store func(context.Context, []Delivery) ([]bool, error)) *inbox {
	return &inbox{letters: make(chan letter), store: store, closed: make(chan struct{})}
}

// receive hands a delivery over and waits until it is stored. When the context ends first the delivery may be stored
// all the same.
func (b *inbox) receive(ctx context.Context, d Delivery) (bool, error) {
	answers := make(chan answer, 1)
	if b.isClosed() {
		return false, ErrStopped
	}
	select {
	case b.letters <- letter{d, answers}:
	case <-b.closed:
		return false, ErrStopped
	case <-ctx.Done():
		return false, ctx.Err()
	}
	select {
	case a := <-answers:
		return a.fresh, a.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// close refuses further deliveries. Those handed over are still stored and answered.
func (b *inbox) close() { b.once.Do(func() { close(b.closed) }) }

func (b *inbox) isClosed() bool {
	select {
	case <-b.closed:
		return true
	default:
		return false
	}
}

// run stores what is handed over until the inbox is closed.
func (b *inbox) run() {
	for {
		select {
		case first := <-b.letters:
			b.deliver(b.gather(first))
		case <-b.closed:
			return
		}
	}
}

// gather returns first and whatever waits behind it.
func (b *inbox) gather(first letter) []letter {
	batch := []letter{first}
	size := len(first.delivery.Payload)
	for len(batch) < batchLength && size < batchBytes {
		select {
		case next := <-b.letters:
			batch = append(batch, next)
			size += len(next.delivery.Payload)
		default:
			return batch
		}
	}
	return batch
}

// deliver stores a batch and answers its senders. When the batch fails each delivery is tried on its own, so that one
// which cannot be stored does not refuse its neighbours.
func (b *inbox) deliver(batch []letter) {
	fresh, err := b.storeAll(batch)
	if err != nil && len(batch) > 1 && !errors.Is(err, context.DeadlineExceeded) {
		for i := range batch {
			b.deliver(batch[i : i+1])
		}
		return
	}
	for i, l := range batch {
		l.answer <- answer{fresh: err == nil && fresh[i], err: err}
	}
}

func (b *inbox) storeAll(batch []letter) ([]bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), batchTime)
	defer cancel()
	deliveries := make([]Delivery, len(batch))
	for i, l := range batch {
		deliveries[i] = l.delivery
	}
	return b.store(ctx, deliveries)
}
