package queue

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The crash tests run this test binary as a child process that works on a queue, and kill it.
const (
	childEnv = "LIGHTERMAN_QUEUE_TEST_CHILD" // what the child does at its work: "hang" or "finish"
	dirEnv   = "LIGHTERMAN_QUEUE_TEST_DIR"
	urlEnv   = "LIGHTERMAN_QUEUE_TEST_URL"
	pulls    = 6 // pull requests that the hanging child receives
)

// child is the process that is killed. It finishes the first half of its jobs; to hang it receives deliveries and never
// finishes the other half. It writes what happens to its output.
func child() int {
	if err := beChild(os.Getenv(childEnv) == "hang"); err != nil {
		fmt.Println("error", err)
		return 1
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent closes it or dies
	return 0
}

func beChild(hang bool) error {
	ctx := context.Background()
	q, err := Open(ctx, place{os.Getenv(dirEnv), os.Getenv(urlEnv)}.options(Options{
		Attempts: 2,
		Work: func(ctx context.Context, job Job) (Done, error) {
			fmt.Println("begin", job.Ref.Number)
			if hang && job.Ref.Number > pulls/2 {
				<-ctx.Done()
			}
			return Done{}, ctx.Err()
		},
		Sweep: func(ctx context.Context, _ Job) (Done, error) {
			fmt.Println("sweep")
			if hang {
				<-ctx.Done()
			}
			return Done{}, ctx.Err()
		},
		Ticks: []Tick{{Name: "tick", Every: time.Hour, Run: func(ctx context.Context) error {
			fmt.Println("tick")
			if hang {
				<-ctx.Done()
			}
			return ctx.Err()
		}}},
	}))
	if err != nil {
		return err
	}
	fmt.Println("opened") // before the first job's lines, which whoever waits for this one would skip
	if err := q.Start(ctx); err != nil {
		return err
	}
	if !hang {
		defer fmt.Println("idle")
		return q.Idle(ctx)
	}
	for n := 1; n <= pulls; n++ {
		if _, err := q.Receive(ctx, push(fmt.Sprint(n), pullRequest(n))); err != nil {
			return err
		}
	}
	if err := q.Enqueue(ctx, repository("app")); err != nil {
		return err
	}
	for reviews, sweeps := (Depth{}), (Depth{}); reviews != (Depth{Running: pulls / 2}) || sweeps != (Depth{Running: 1}); {
		if reviews, err = q.Depth(ctx); err != nil {
			return err
		}
		if sweeps, err = q.Sweeps(ctx); err != nil {
			return err
		}
	}
	fmt.Println("hanging")
	return nil
}

// A process is a running child.
type process struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
	input io.Closer
	log   *bytes.Buffer // complete once the process was waited for
}

func spawn(t *testing.T, p place, mode string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+mode, dirEnv+"="+p.dir, urlEnv+"="+p.url)
	stderr := &bytes.Buffer{}
	cmd.Stderr = stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &process{cmd, bufio.NewScanner(output), input, stderr}
	t.Cleanup(func() { c.kill() })
	c.await(t, "opened")
	return c
}

// await reads lines until the wanted ones were all there, and returns how often each line came.
func (c *process) await(t *testing.T, lines ...string) map[string]int {
	t.Helper()
	missing := map[string]bool{}
	for _, l := range lines {
		missing[l] = true
	}
	seen := map[string]int{}
	defer time.AfterFunc(patience, func() { _ = c.cmd.Process.Signal(syscall.SIGQUIT) }).Stop()
	for len(missing) > 0 && c.lines.Scan() {
		line := c.lines.Text()
		if strings.HasPrefix(line, "error") {
			t.Fatal(line)
		}
		seen[line]++
		delete(missing, line)
	}
	if len(missing) > 0 {
		c.kill()
		t.Fatalf("the child ended, or was ended after %s, with %v, without %v\n%s", patience, seen, missing, c.log)
	}
	return seen
}

// kill is kill -9.
func (c *process) kill() {
	if c.cmd.ProcessState != nil {
		return
	}
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait() // "signal: killed"
	c.input.Close()
}

// completed lists the pull requests of complete jobs.
func completed(t *testing.T, p place) (subjects []string) {
	t.Helper()
	q := openStill(t, p, Options{Work: new(tally).work})
	defer stop(t, q)
	for n := 1; n <= pulls; n++ {
		var count int
		err := onSession(t.Context(), q, func(s session) error {
			_, err := s.one(t.Context(), []any{&count}, `
				SELECT count(*) FROM river_job WHERE state = 'completed' AND args ->> 'subject' = $1`,
				subjectOf(pullRequest(n)))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if count > 0 {
			subjects = append(subjects, pullRequest(n).String())
		}
	}
	return subjects
}

// resumeTime is how soon after its start a process must go on with what a killed one left.
func (p place) resumeTime() time.Duration {
	if p.url != "" {
		return 15 * time.Second
	}
	return 5 * time.Second
}

// halves are the pull requests that a hanging child finishes, and the first lines of those that it does not.
func halves() (done, left []string) {
	for n := 1; n <= pulls/2; n++ {
		done = append(done, pullRequest(n).String())
		left = append(left, fmt.Sprint("begin ", n+pulls/2))
	}
	return done, left
}

// resumes kills a process in the middle of its jobs and starts another: every delivery that was acknowledged is worked
// off, soon, and what was complete is not run again.
func resumes(t *testing.T, p place) {
	done, left := halves()
	first := spawn(t, p, "hang")
	first.await(t, "hanging", "tick")
	first.kill()
	if got := completed(t, p); !slices.Equal(got, done) {
		t.Fatalf("complete before the kill: %v, want %v", got, done)
	}

	began := time.Now()
	second := spawn(t, p, "finish")
	seen := second.await(t, append(left, "sweep")...)
	checkResumed(t, p, time.Since(began))
	rest := []string{"idle"}
	if seen["tick"] == 0 {
		rest = append(rest, "tick")
	}
	for line, n := range second.await(t, rest...) {
		seen[line] += n
	}
	if seen["sweep"] != 1 {
		t.Errorf("after the kill the repository was swept %d times, want once", seen["sweep"])
	}
	for n := 1; n <= pulls; n++ {
		want := 0
		if n > pulls/2 {
			want = 1
		}
		if got := seen[fmt.Sprint("begin ", n)]; got != want {
			t.Errorf("after the kill pull request %d ran %d times, want %d", n, got, want)
		}
	}
}

func checkResumed(t *testing.T, p place, took time.Duration) {
	t.Helper()
	if took > p.resumeTime() {
		t.Errorf("went on after %s, want at most %s", took, p.resumeTime())
	}
	t.Logf("went on after %s", took.Round(time.Millisecond))
}

// takeOver kills a replica while another lives, which goes on with its jobs.
func takeOver(t *testing.T, p place) {
	dying := spawn(t, p, "hang")
	dying.await(t, "hanging")
	var c, sweeps tally
	q := open(t, p, Options{Work: c.work, Sweep: sweeps.work})
	dying.kill()
	began := time.Now()
	idle(t, q)
	checkResumed(t, p, time.Since(began))
	c.want(t, pulls/2)
	sweeps.want(t, 1)
}

// buriesKillers leaves a job as a process does that died in the last attempt.
func buriesKillers(t *testing.T, p place) {
	var c tally
	q := openStill(t, p, Options{Work: c.work})
	receive(t, q, push("1", pullRequest(1)))
	alter(t, q, `UPDATE river_job SET state = 'running', attempt = max_attempts`)
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	idle(t, q)
	c.want(t, 0)
	if dead := wantDead(t, q, 1); dead[0].Error != errRepeated.Error() {
		t.Errorf("the job died of %q", dead[0].Error)
	}
}
