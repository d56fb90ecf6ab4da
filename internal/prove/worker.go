package prove

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

// startDeadline is how long a child may take until it says that it is ready.
const startDeadline = 20 * time.Second

// A worker is the parent's side of one child.
type worker struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *tail
	jobs   int
}

// start runs command as a child with nothing in its environment but the sign that it is one.
func start(ctx context.Context, command []string, memory int64) (*worker, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = []string{childEnv + "=" + strconv.FormatInt(memory, 10)}
	cmd.Dir = "/"
	w := &worker{cmd: cmd, stderr: &tail{}}
	cmd.Stderr = w.stderr
	tether(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the process that compares builds: %w", err)
	}
	w.in, w.out = in, bufio.NewReader(out)
	err = w.within(ctx, startDeadline, func() error { return readFrame(w.out, &reply{}, maxReply) })
	if err != nil {
		w.kill()
		return nil, fmt.Errorf("start the process that compares builds: %w", err)
	}
	return w, nil
}

var (
	// errDeadline says that a child took too long.
	errDeadline = errors.New("deadline passed")
	// errGone says that a child was no longer there to be asked.
	errGone = errors.New("the child had ended before it was asked")
)

// ask sends a request and waits for the reply. After an error the worker is of no more use.
func (w *worker) ask(ctx context.Context, deadline time.Duration, req request) (reply, error) {
	var rep reply
	w.jobs++
	err := w.within(ctx, deadline, func() error {
		if err := writeFrame(w.in, req, maxRequest); err != nil {
			return fmt.Errorf("%w: %w", errGone, err)
		}
		return readFrame(w.out, &rep, maxReply)
	})
	return rep, err
}

// within runs talk and kills the child when it takes longer than deadline or ctx ends.
func (w *worker) within(ctx context.Context, deadline time.Duration, talk func() error) error {
	timed, cancel := context.WithTimeoutCause(ctx, deadline, errDeadline)
	defer cancel()
	stop := context.AfterFunc(timed, func() { _ = w.cmd.Process.Kill() })
	err := talk()
	if !stop() {
		return context.Cause(timed)
	}
	return err
}

// kill ends the child at once and waits for it.
func (w *worker) kill() {
	_ = w.cmd.Process.Kill()
	_ = w.in.Close()
	_ = w.cmd.Wait()
}

// A tail keeps the first bytes that are written to it.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := 2048 - t.buf.Len(); room > 0 {
		t.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// String is what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
