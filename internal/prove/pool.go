package prove

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/lighterman/lighterman/internal/check"
)

const (
	defaultMemory   = 1 << 30
	defaultDeadline = 2 * time.Second
	// maxJobs is after how many requests a child is replaced, so that what it leaks or fragments stays bounded.
	maxJobs = 500
)

// Options say how a Pool runs its children. The zero value is good.
type Options struct {
	Workers     int           // how many children run at once; 0: one per CPU
	MemoryLimit int64         // bytes that a child may use; 0: 1 GiB
	Deadline    time.Duration // how long the conversion of one file may take, five times that the second time; 0: 2 s
	Command     []string      // what to start as a child; nil: this binary, which must call MaybeChild
	Logger      *slog.Logger  // told about children that die; nil: nobody is

	bound bool // leaves out the bound on expansion, to test what stands behind it
}

// A Pool proves fixes and lints files with the help of child processes, which it keeps and uses again. It implements
// check.Prover and check.Linter.
type Pool struct {
	opts  Options
	slots chan struct{} // holds one for each child that may run
	lints memo[[]check.Remark]
	built memo[reply]
	slow  memo[struct{}] // what took too long twice

	mu     sync.Mutex
	idle   []*worker
	first  *starting // the child that Warm started, until somebody takes it
	closed bool
}

// A starting child comes up while nobody waits for it.
type starting struct {
	ready  chan *worker // gets the child, nil when it did not come up
	cancel context.CancelFunc
}

// NewPool returns a Pool; no child is started before it is needed.
func NewPool(o Options) *Pool {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.MemoryLimit <= 0 {
		o.MemoryLimit = defaultMemory
	}
	if o.Deadline <= 0 {
		o.Deadline = defaultDeadline
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Pool{
		opts: o, slots: make(chan struct{}, o.Workers),
		lints: memo[[]check.Remark]{most: 512}, built: memo[reply]{most: 32}, slow: memo[struct{}]{most: 512},
	}
}

// Warm starts the first child beside what is to be done before it is needed: to come up takes it longer than to look at a
// file. Whoever needs a child first gets it.
func (p *Pool) Warm() {
	ctx, cancel := context.WithCancel(context.Background())
	s := &starting{ready: make(chan *worker, 1), cancel: cancel}
	p.mu.Lock()
	p.first = s
	p.mu.Unlock()
	go func() {
		w, err := p.start(ctx)
		if err != nil {
			w = nil // whoever needs one starts another, and is told
		}
		s.ready <- w
	}()
}

// Close ends the children. A Prove that is under way fails; later ones are refused.
func (p *Pool) Close() error {
	p.mu.Lock()
	idle, first := p.idle, p.first
	p.idle, p.first, p.closed = nil, nil, true
	p.mu.Unlock()
	if first != nil {
		first.cancel()
		if w := <-first.ready; w != nil {
			idle = append(idle, w)
		}
	}
	for _, w := range idle {
		w.kill()
	}
	return nil
}

func (p *Pool) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

var errClosed = errors.New("the prover is closed")

// convert has a child convert one file.
func (p *Pool) convert(ctx context.Context, req request) (reply, error) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return reply{}, ctx.Err()
	}
	rep, err := p.ask(ctx, p.opts.Deadline, req)
	switch {
	case errors.Is(err, errGone):
		rep, err = p.ask(ctx, p.opts.Deadline, req) // it died while nobody used it, which is not this file's fault
	case errors.Is(err, errDeadline):
		rep, err = p.patiently(ctx, req, err)
	}
	if err == nil && rep.Error != "" {
		err = errors.New(rep.Error)
	}
	return rep, err
}

// patience is how many times as long a request may take when it took too long: on a machine that is full, a file is not to
// blame for it.
const patience = 5

// patiently asks once more for what took too long. What does so again is not asked for a third time.
func (p *Pool) patiently(ctx context.Context, req request, late error) (reply, error) {
	key, err := keyOf(req)
	if _, slow := p.slow.get(key); slow || err != nil {
		return reply{}, late
	}
	rep, err := p.ask(ctx, patience*p.opts.Deadline, req)
	if errors.Is(err, errDeadline) {
		p.slow.put(key, struct{}{})
	}
	return rep, err
}

// ask puts a request to a child, and ends the child if it does not answer.
func (p *Pool) ask(ctx context.Context, deadline time.Duration, req request) (reply, error) {
	w, err := p.take(ctx)
	if err != nil {
		return reply{}, err
	}
	rep, err := w.ask(ctx, deadline, req)
	if err != nil {
		w.kill()
		p.opts.Logger.Warn("a process that compares builds died", "error", err, "stderr", w.stderr.String())
		return reply{}, p.explain(ctx, err)
	}
	p.put(w)
	return rep, nil
}

// explain says in plain words why a child gave no answer.
func (p *Pool) explain(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("compare the builds: %w", context.Cause(ctx))
	case errors.Is(err, errDeadline):
		return late{p.opts.Deadline}
	}
	const died = "comparing what is built needed more than the %d MiB it may use, or broke off"
	if errors.Is(err, errGone) {
		return fmt.Errorf(died+": %w", p.opts.MemoryLimit>>20, errGone)
	}
	return fmt.Errorf(died, p.opts.MemoryLimit>>20)
}

// late is errDeadline in plain words.
type late struct{ deadline time.Duration }

func (l late) Error() string {
	return fmt.Sprintf("comparing what is built took longer than %s", l.deadline)
}

func (late) Is(target error) bool { return target == errDeadline }

// take returns a child that nobody uses.
func (p *Pool) take(ctx context.Context) (*worker, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, errClosed
	}
	if n := len(p.idle); n > 0 {
		w := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return w, nil
	}
	first := p.first
	p.first = nil
	p.mu.Unlock()
	if first != nil {
		if w := <-first.ready; w != nil {
			return w, nil
		}
	}
	return p.start(ctx)
}

// start starts a child and waits until it is ready.
func (p *Pool) start(ctx context.Context) (*worker, error) {
	command := p.opts.Command
	if len(command) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find the program's own file: %w", err)
		}
		command = []string{self}
	}
	return start(ctx, command, p.opts.MemoryLimit)
}

// put gives a child back.
func (p *Pool) put(w *worker) {
	p.mu.Lock()
	keep := !p.closed && w.jobs < maxJobs
	if keep {
		p.idle = append(p.idle, w)
	}
	p.mu.Unlock()
	if !keep {
		w.kill()
	}
}
