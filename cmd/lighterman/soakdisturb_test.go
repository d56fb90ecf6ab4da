package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/githubtest"
)

// A disturbance is what goes wrong in a run.
type disturbance struct {
	name  string
	fault *githubtest.Fault // on the wire; nil for none
	kills int               // how many processes are killed, one after the other
	held  bool              // the first is killed while it waits for the answer that fault holds back
	limit bool              // GitHub's hour of requests is used up when it strikes
	stale bool              // for a while after the last act GitHub answers as it did before
	after time.Duration     // else: so long after the last act
	taken bool              // else: as soon as the webhook is answered

	met  chan struct{}
	hold chan struct{}
}

func (d disturbance) String() string {
	if d.fault == nil {
		return d.name
	}
	return fmt.Sprintf("%s of %s after %d others", d.name, d.fault.Operation, d.fault.Skip)
}

// drawDisturbance draws what goes wrong with one of these requests, or at some other moment.
func drawDisturbance(draw *rand.Rand, requests []githubtest.Request) disturbance {
	d := disturbance{met: make(chan struct{}, 8), hold: make(chan struct{})}
	kind := draw.IntN(20)
	if kind < 3 || len(requests) == 0 {
		d.kills, d.name = 1, "killed after a while"
		d.after = time.Duration(draw.IntN(400)) * time.Millisecond
		if d.taken = draw.IntN(3) == 0; d.taken {
			d.name = "killed when the webhook is answered"
		}
		return d
	}
	if kind == 19 {
		d.stale, d.after = true, time.Duration(300+draw.IntN(1500))*time.Millisecond
		d.name = fmt.Sprintf("GitHub is behind for %s", d.after)
		return d
	}
	at := draw.IntN(len(requests))
	met := requests[at]
	d.fault = &githubtest.Fault{Operation: met.Operation, Met: d.met}
	for _, r := range requests[:at] {
		if r.Operation == met.Operation {
			d.fault.Skip++
		}
	}
	if kind < 13 {
		d.fault.Cut, d.fault.After, d.fault.Hold = true, draw.IntN(2) == 0, d.hold
		d.kills, d.held = 1, true
		d.name = map[bool]string{false: "killed before", true: "killed after"}[d.fault.After] + " the effect"
		if draw.IntN(5) == 0 {
			d.kills, d.after = 2, time.Duration(draw.IntN(400))*time.Millisecond
			d.name = "twice " + d.name
		}
		return d
	}
	d.name = d.wire(draw, met)
	return d
}

// wire makes the fault one of those that the wire knows.
func (d *disturbance) wire(draw *rand.Rand, met githubtest.Request) string {
	f := d.fault
	retry := map[string]string{"Retry-After": "1"}
	switch draw.IntN(13) {
	case 0:
		f.Status = 500
		return "500"
	case 1:
		f.Status, f.Times = 500, 5 // more often than a read is tried
		if wrote(met) {
			f.Times = 2 // each time the job is put off for longer
		}
		return "500 time and again"
	case 2, 3:
		f.Status, f.After = 502, true
		return "502 after the effect"
	case 4:
		f.Cut = true
		return "connection cut before the effect"
	case 5:
		f.Cut, f.After = true, true
		return "connection cut after the effect"
	case 6:
		f.Delay = 300 * time.Millisecond
		return "slow answer"
	case 7:
		f.Status, f.Header, f.Body = 429, retry, githubtest.SecondaryLimit("", 429, 1).Body
		return "429"
	case 8:
		f.Status, f.Header, f.Body = 403, retry, githubtest.SecondaryLimit("", 403, 1).Body
		return "secondary limit"
	case 9:
		d.limit = true
		return "primary limit"
	}
	if wrote(met) {
		f.Status, f.After = 500, true
		return "500 after the effect"
	}
	if met.Operation == "repos/get-collaborator-permission-level" { // who may do what is for GitHub to say
		f.Status = 500
		return "500"
	}
	f.Stale = true
	return "stale answer"
}

// arm makes it happen from now on.
func (d disturbance) arm(hub *githubtest.Server) {
	if d.stale {
		for _, operation := range []string{"graphql:Standing", "pulls/list-files", "git/get-tree"} {
			hub.Inject(githubtest.Fault{Operation: operation, Times: 1 << 20, Stale: true})
		}
	}
	if d.fault == nil {
		return
	}
	f := *d.fault
	if d.limit {
		reset := time.Now().Add(3 * time.Second)
		limit := githubtest.PrimaryLimit("", 403, reset)
		if strings.HasPrefix(f.Operation, "graphql") {
			limit = githubtest.GraphQLLimit("", reset)
		}
		f.Status, f.Header, f.Body = limit.Status, limit.Header, limit.Body
	}
	hub.Inject(f)
}

// happen waits until it happened, or the scene is over without it.
func (d disturbance) happen(l *lane) (struck bool, err error) {
	defer close(d.hold)
	victim := l.replicas[l.draw.IntN(len(l.replicas))]
	switch {
	case d.stale:
		time.Sleep(d.after)
		l.hub.Calm()
		return true, nil
	case d.kills == 0:
		_ = l.quiet() // who comes next looks again, and finds the same
		return len(d.met) > 0, nil
	case d.held:
		if struck, err := d.meet(l); err != nil || !struck {
			return struck, err
		}
		victim = l.atWork()
	case d.taken:
		if err := l.hub.Wait(l.t.Context()); err != nil {
			return false, err
		}
	default:
		time.Sleep(d.after)
	}
	if err := l.fell(victim); err != nil {
		return true, err
	}
	if d.kills == 1 {
		return true, nil
	}
	time.Sleep(d.after)
	if victim.dead { // it comes back, and the other one goes
		if err := l.start(victim); err != nil {
			return true, err
		}
		victim = l.other(victim)
	}
	return true, l.fell(victim)
}

// meet waits until the fault strikes; ok is false when the scene is over before.
func (d disturbance) meet(l *lane) (ok bool, err error) {
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	defer cancel()
	over := make(chan error, 1)
	go func() { over <- l.quietWithin(ctx) }()
	select {
	case <-d.met:
		cancel()
		<-over
		return true, nil
	case err := <-over:
		return false, err
	}
}

// atWork is the replica whose request was the last.
func (l *lane) atWork() *replica {
	requests := l.hub.Requests()
	host, _, _ := strings.Cut(requests[len(requests)-1].Host, ":")
	n := slices.IndexFunc(l.replicas, func(r *replica) bool { return r.host == host })
	return l.replicas[n]
}

// fell kills a replica. Where there is no other it is started again at once.
func (l *lane) fell(victim *replica) error {
	victim.kill()
	other := l.other(victim)
	if victim.dead = other != nil; victim.dead {
		l.listen(other)
		return nil
	}
	if err := l.start(victim); err != nil {
		return err
	}
	l.listen(victim)
	return nil
}

// other is the other replica, nil when there is none.
func (l *lane) other(than *replica) *replica {
	for _, r := range l.replicas {
		if r != than {
			return r
		}
	}
	return nil
}
