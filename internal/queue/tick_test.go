package queue

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

// A metronome counts the runs of a tick, and how many of them overlapped.
type metronome struct {
	runs, busy, overlaps atomic.Int64
	beats                chan struct{} // is sent to at the begin of every run
}

func newMetronome() *metronome { return &metronome{beats: make(chan struct{}, 100)} }

// tick takes that long, or until it is cancelled.
func (m *metronome) tick(every, takes time.Duration, fails error) Tick {
	return Tick{Name: "beat", Every: every, Run: func(ctx context.Context) error {
		if m.busy.Add(1) > 1 {
			m.overlaps.Add(1)
		}
		defer m.busy.Add(-1)
		m.runs.Add(1)
		m.beats <- struct{}{}
		select {
		case <-time.After(takes):
			return fails
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
}

// ticks lets every run fail, which keeps none from coming, and one of another name panic.
func ticks(t *testing.T, p place) {
	m := newMetronome()
	panics := Tick{Name: "panic", Every: time.Hour, Run: func(context.Context) error { panic("boom") }}
	q := open(t, p, Options{Work: new(tally).work, Ticks: []Tick{m.tick(time.Second, 0, errors.New("no")), panics}})
	for range 3 {
		next(t, m.beats)
	}
	wantDepth(t, q, Depth{}) // ticks are no pull requests
}

func ticksInTurn(t *testing.T, p place) {
	m := newMetronome()
	q := open(t, p, Options{Work: new(tally).work, Ticks: []Tick{m.tick(time.Second, time.Hour, nil)}})
	for range 3 { // each is cut off after a second
		next(t, m.beats)
	}
	stop(t, q)
	if n := m.overlaps.Load(); n > 0 {
		t.Errorf("%d runs overlapped", n)
	}
}

func stopsTicking(t *testing.T, p place) {
	m := newMetronome()
	q := open(t, p, Options{Work: new(tally).work, Ticks: []Tick{m.tick(time.Hour, time.Hour, nil)}})
	next(t, m.beats)
	began := time.Now()
	stop(t, q)
	if took := time.Since(began); took > 9*time.Second { // stop's patience is ten
		t.Errorf("stopped after %s", took)
	}
	again := newMetronome()
	open(t, p, Options{Work: new(tally).work, Ticks: []Tick{again.tick(time.Hour, 0, nil)}})
	next(t, again.beats)
}

// ticksOnce has several replicas tick, and stops the one that leads.
func ticksOnce(t *testing.T, p place) {
	m := newMetronome()
	var queues []*Queue
	for range 3 {
		queues = append(queues, open(t, p, Options{Work: new(tally).work, Ticks: []Tick{m.tick(time.Second, 100*time.Millisecond, nil)}}))
	}
	began := time.Now()
	for range 4 {
		next(t, m.beats)
	}
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("four runs in %s, want one a second however many replicas there are", took)
	}
	for _, q := range queues[:2] {
		stop(t, q)
		for len(m.beats) > 0 {
			<-m.beats
		}
		next(t, m.beats)
	}
	if n := m.overlaps.Load(); n > 0 {
		t.Errorf("%d runs overlapped", n)
	}
}

func TestTicksAreChecked(t *testing.T) {
	run := func(context.Context) error { return nil }
	for name, ticks := range map[string][]Tick{
		"no name":  {{Every: time.Minute, Run: run}},
		"twice":    {{Name: "a", Every: time.Minute, Run: run}, {Name: "a", Every: time.Hour, Run: run}},
		"too fast": {{Name: "a", Run: run}},
		"nothing":  {{Name: "a", Every: time.Minute}},
	} {
		if _, err := Open(t.Context(), sqlitePlace(t).options(Options{Work: new(tally).work, Ticks: ticks})); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}
