package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lighterman/lighterman/internal/forge"
)

// A diary hears of every run.
type diary struct {
	mu      sync.Mutex
	runs    []Run
	settled int
}

func (d *diary) ended(r Run) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r.Took, r.Done.Settled = 0, nil
	d.runs = append(d.runs, r)
}

func (d *diary) settle() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settled++
}

func (d *diary) outcomes() (all []Outcome, settled int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.runs {
		all = append(all, r.Outcome)
	}
	return all, d.settled
}

// report is the report of the pull request 1.
func report(t *testing.T, q *Queue) Report {
	t.Helper()
	r, ok, err := q.Report(t.Context(), pullRequest(1))
	if err != nil || !ok {
		t.Fatalf("report: %t, %v", ok, err)
	}
	return r
}

// reportsRuns lets a run fail, be put off, and be done: the report is of the last, also for who opens the database later.
func reportsRuns(t *testing.T, p place) {
	var d diary
	answers := []error{errors.New("no\x00\xff"), &forge.LimitError{Until: time.Now(), Err: errors.New("403")}, nil}
	n := 0
	q := openStill(t, p, Options{Ended: d.ended, Backoff: at(0), Work: func(context.Context, Job) (Done, error) {
		err := answers[n]
		if n++; err != nil {
			return Done{}, err
		}
		return Done{Head: "a", Posted: []string{"3 comments"}, Why: "it was said", Settled: d.settle}, nil
	}})
	if _, ok, err := q.Report(t.Context(), pullRequest(1)); ok || err != nil {
		t.Errorf("a report before there is any: %t, %v", ok, err)
	}
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	receive(t, q, push("1", pullRequest(1)))
	idle(t, q)
	stop(t, q)
	if got, settled := d.outcomes(); !slices.Equal(got, []Outcome{Failed, Limited, Finished}) || settled != 1 {
		t.Errorf("outcomes %q, settled %d times", got, settled)
	}
	q = openStill(t, p, Options{Work: new(tally).work})
	got := report(t, q)
	if got.Job == "" || got.At.IsZero() || got.Took <= 0 {
		t.Errorf("%+v", got)
	}
	got.Job, got.At, got.Took = "", time.Time{}, 0
	want := Report{Ref: pullRequest(1), Outcome: Finished, Attempt: 2, Delivery: "1", Head: "a", Posted: []string{"3 comments"},
		Why: "it was said"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if all, err := q.Reports(t.Context(), 5); err != nil || len(all) != 1 || all[0].Delivery != "1" {
		t.Errorf("reports %+v, %v", all, err)
	}
}

// countsOnce repeats runs in every way there is: only those count that were done, and two replicas add to the same.
func countsOnce(t *testing.T, p place) {
	var d diary
	memories := make(chan string, 10)
	n := 0
	q := open(t, p, Options{Ended: d.ended, Backoff: at(0), Workers: 1, Work: func(_ context.Context, j Job) (Done, error) {
		memories <- j.Memory
		done := Done{Memory: fmt.Sprint(n), Settled: d.settle, Counts: []Count{
			{"root-user", "shown", 1}, {"root-user", "applied", 2}, {"copy-order", "shown", 1}, {"root-user", "shown", 1}}}
		if n++; n%2 == 1 {
			return done, errors.New("no")
		}
		return done, nil
	}})
	for _, guid := range []string{"1", "1", "2"} {
		receive(t, q, push(guid, pullRequest(1)))
		idle(t, q)
	}
	stop(t, q)
	q = openStill(t, p, Options{Work: new(tally).work})
	got, err := q.Counts(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	day := dayOf(time.Now())
	want := []DayCount{{day, Count{"copy-order", "shown", 2}}, {day, Count{"root-user", "applied", 4}},
		{day, Count{"root-user", "shown", 4}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, settled := d.outcomes(); settled != 2 {
		t.Errorf("settled %d times, want twice", settled)
	}
	close(memories)
	var remembered []string
	for m := range memories {
		remembered = append(remembered, m)
	}
	if want := []string{"", "", "1", "1"}; !slices.Equal(remembered, want) {
		t.Errorf("runs remember %q, want %q", remembered, want)
	}
	if got, err := q.Counts(t.Context(), time.Now().Add(25*time.Hour)); err != nil || len(got) > 0 {
		t.Errorf("counts of tomorrow: %+v, %v", got, err)
	}
}

// tellsWait reviews a head that a webhook told of, and again without anything new.
func tellsWait(t *testing.T, p place) {
	var d diary
	head := ""
	q := open(t, p, Options{Ended: d.ended, Work: func(_ context.Context, j Job) (Done, error) { return Done{Head: head}, nil }})
	for n, step := range []struct{ told, is string }{{"a", "a"}, {"a", "a"}, {"", "a"}, {"b", "a"}, {"b", "b"}} {
		head = step.is
		one := push(fmt.Sprint(n), pullRequest(1))
		one.Call.Head = step.told
		receive(t, q, one)
		idle(t, q)
	}
	stop(t, q)
	var waited []bool
	for _, r := range d.runs {
		waited = append(waited, r.Waited > 0 && r.Waited < patience)
	}
	if want := []bool{true, false, false, false, true}; !slices.Equal(waited, want) {
		t.Errorf("waits were told of %v, want %v", waited, want)
	}
}

// knowsCause also holds that a run which no webhook asked for is not put down to an old one.
func knowsCause(t *testing.T, p place) {
	jobs := make(chan Job, 3)
	q := open(t, p, Options{Work: func(_ context.Context, j Job) (Done, error) { jobs <- j; return Done{}, nil }})
	one := push("guid", pullRequest(1))
	one.Trace = "00-1-2-01"
	receive(t, q, one)
	first := next(t, jobs)
	idle(t, q)
	if err := q.Enqueue(t.Context(), pullRequest(1)); err != nil {
		t.Fatal(err)
	}
	second := next(t, jobs)
	if first.Delivery != "guid" || first.Trace != "00-1-2-01" || first.Request() != "guid" {
		t.Errorf("the first run's cause: %+v", first)
	}
	if second.Delivery != "" || second.Trace != "" || second.Request() != "job-"+second.ID || second.ID == first.ID {
		t.Errorf("the second run's cause: %+v after %+v", second, first)
	}
}

func forgetsReports(t *testing.T, p place) {
	q := open(t, p, Options{Work: func(context.Context, Job) (Done, error) {
		return Done{Counts: []Count{{"root-user", "shown", 1}}}, nil
	}})
	receive(t, q, push("1", pullRequest(1)))
	idle(t, q)
	for _, step := range []struct {
		after    time.Duration
		reported bool
		counted  int
	}{{reportKept - time.Hour, true, 1}, {reportKept + time.Hour, false, 1}, {countKept + 25*time.Hour, false, 0}} {
		if err := q.engine.prune(t.Context(), time.Now().Add(step.after)); err != nil {
			t.Fatal(err)
		}
		_, ok, err := q.Report(t.Context(), pullRequest(1))
		counts, errCount := q.Counts(t.Context(), time.Now())
		if ok != step.reported || len(counts) != step.counted || err != nil || errCount != nil {
			t.Errorf("after %s: report %t, counts %v; %v, %v", step.after, ok, counts, err, errCount)
		}
	}
}

// waitsLongest counts no job that may not run yet.
func waitsLongest(t *testing.T, p place) {
	q := openStill(t, p, Options{Work: new(tally).work})
	if d, err := q.Depth(t.Context()); err != nil || d.Oldest != 0 {
		t.Errorf("nothing waits: %+v, %v", d, err)
	}
	if err := q.Enqueue(t.Context(), pullRequest(1), pullRequest(2)); err != nil {
		t.Fatal(err)
	}
	if d, err := q.Depth(t.Context()); err != nil || d.Oldest <= 0 || d.Oldest > patience {
		t.Errorf("two wait: %+v, %v", d, err)
	}
}
