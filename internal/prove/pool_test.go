package prove

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sourcegraph/conc/pool"
	"go.uber.org/goleak"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
)

// good is a case that is proven as long as the pool works.
func good() check.Case {
	return check.Case{
		Path: "Dockerfile", Intent: fixes.MergedRuns{},
		Before: []byte("FROM debian\nRUN apt-get update\nRUN apt-get install -y a\n"),
		After:  []byte("FROM debian\nRUN apt-get update && apt-get install -y a\n"),
	}
}

// bombs expand to far more than they are, as PROOF.md names them.
func bombs() map[string]string {
	const doubled = "ENV a=$a$a\n"
	ten := "FROM a\nENV a=1234567890\n"
	return map[string]string{
		"24 doublings": ten + strings.Repeat(doubled, 24),
		"30 doublings": ten + strings.Repeat(doubled, 30),
		"ARG":          "FROM a\nARG a=1234567890\n" + strings.Repeat("ARG a=$a$a\n", 30),
		"global ARG":   "ARG a=1234567890\n" + strings.Repeat("ARG a=$a$a\n", 30) + "FROM a\n",
		"LABEL":        ten + strings.Repeat(doubled, 19) + "LABEL b=\"" + strings.Repeat("$a", 400) + "\"\n",
		"replacement":  "FROM a\nENV a=xxxxxxxxxx\n" + strings.Repeat("ENV a=${a//x/xxxxxxxxxxxxxxxx}\n", 7),
		"key":          "FROM a\nENV k=a a=1234567890\n" + strings.Repeat("ENV $k=$a$a\n", 30),
		"next stage":   "FROM a AS s0\nENV a=1234567890\n" + doublingStages(30),
		"variable base": "ARG B=s0\nFROM a AS s0\nENV a=1234567890\n" + strings.Repeat(doubled, 15) +
			"FROM $B\n" + strings.Repeat(doubled, 15),
		"trigger": "FROM a AS s\nENV a=1234567890\n" + strings.Repeat("ONBUILD ENV a=$a$a\n", 30) + "FROM s\n",
		"carried by RUN": "FROM a\nENV a=" + strings.Repeat("1234567890", 59) + "\n" + strings.Repeat(doubled, 10) +
			strings.Repeat("RUN x\n", 400),
		"copied heredoc":   ten + strings.Repeat(doubled, 18) + "COPY <<EOF /x\n" + strings.Repeat("$a", 40) + "\nEOF\n",
		"matches repeated": "FROM a\nENV a=xxxxxxxxxx\n" + strings.Repeat("ENV a=${a/*/\\$0\\$0\\$0\\$0}\n", 13),
	}
}

func doublingStages(n int) string {
	var out strings.Builder
	for k := range n {
		fmt.Fprintf(&out, "FROM s%d AS s%d\nENV a=$a$a\n", k, k+1)
	}
	return out.String()
}

// bomb is a case around a bomb.
func bomb(text string) check.Case {
	return check.Case{
		Path: "Dockerfile", Intent: fixes.RunsAs{User: "node"},
		Before: []byte(text + "CMD x\n"), After: []byte(text + "USER node\nCMD x\n"),
	}
}

func TestBombsAreRefused(t *testing.T) {
	prover := newPool(t, Options{Command: []string{"/does/not/exist"}}) // no child is started for them
	for name, text := range bombs() {
		err := prover.Prove(t.Context(), bomb(text))
		if err == nil || !strings.Contains(err.Error(), "MiB") || !strings.Contains(err.Error(), "variables") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBombsAreContained turns off the bound that refuses bombs, so that they reach a child.
func TestBombsAreContained(t *testing.T) {
	prover := newPool(t, Options{Workers: 1, MemoryLimit: 256 << 20, Deadline: 10 * time.Second, bound: true})
	for _, name := range []string{"30 doublings", "carried by RUN", "ARG"} {
		err := prover.Prove(t.Context(), bomb(bombs()[name]))
		if err == nil || !strings.Contains(err.Error(), "256 MiB") && !strings.Contains(err.Error(), "too large") &&
			!strings.Contains(err.Error(), "longer than") {
			t.Errorf("%s: %v", name, err)
		}
		if err := prover.Prove(t.Context(), good()); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}
}

func TestDeadline(t *testing.T) {
	prover := newPool(t, Options{Deadline: time.Nanosecond})
	err := prover.Prove(t.Context(), good())
	if err == nil || !strings.Contains(err.Error(), "took longer than 1ns") {
		t.Fatal(err)
	}
}

// TestPatience holds that what took too long is asked for once more with more time, and what does so again never more.
func TestPatience(t *testing.T) {
	prover := newPool(t, Options{Deadline: time.Nanosecond})
	for range 2 {
		if err := prover.Prove(t.Context(), good()); !errors.Is(err, errDeadline) {
			t.Fatal(err)
		}
	}
	if n := len(prover.slow.seen); n != 1 {
		t.Errorf("%d requests are known to be slow, want 1", n)
	}
}

func TestCancelled(t *testing.T) {
	prover := newPool(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := prover.Prove(ctx, good()); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := prover.Prove(t.Context(), good()); err != nil {
		t.Fatal(err)
	}
}

func TestClosed(t *testing.T) {
	prover := newPool(t, Options{})
	if err := prover.Prove(t.Context(), good()); err != nil {
		t.Fatal(err)
	}
	if err := prover.Close(); err != nil {
		t.Fatal(err)
	}
	if err := prover.Prove(t.Context(), good()); !errors.Is(err, errClosed) {
		t.Fatal(err)
	}
}

// TestChildIsKept asks for the same process twice, and for another one after it died while nobody used it.
func TestChildIsKept(t *testing.T) {
	var log bytes.Buffer
	prover := newPool(t, Options{Workers: 1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	asked := 0
	pid := func() int {
		t.Helper()
		c := good() // another file each time: what was asked before is remembered
		comment := fmt.Appendf(nil, "# %d\n", asked)
		c.Before, c.After = slices.Concat(comment, c.Before), slices.Concat(comment, c.After)
		asked++
		if err := prover.Prove(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		return prover.idle[0].cmd.Process.Pid
	}
	first := pid()
	if second := pid(); second != first {
		t.Errorf("child %d, then %d", first, second)
	}
	w := prover.idle[0]
	_ = w.cmd.Process.Kill()
	_, _ = w.cmd.Process.Wait()
	if third := pid(); third == first {
		t.Error("a dead child was used")
	}
	if !strings.Contains(log.String(), "died") {
		t.Errorf("the log says nothing of it: %q", log.String())
	}
}

// TestWarm takes the child that was started early, ends one that nobody took, and says of one that does not start what is
// said without it.
func TestWarm(t *testing.T) {
	prover := newPool(t, Options{Workers: 1})
	prover.Warm()
	early := <-prover.first.ready
	prover.first.ready <- early
	if err := prover.Prove(t.Context(), good()); err != nil {
		t.Fatal(err)
	}
	if len(prover.idle) != 1 || prover.idle[0] != early {
		t.Error("the child that was started early was not used")
	}
	broken := newPool(t, Options{Command: []string{"/bin/true"}})
	broken.Warm()
	if err := broken.Prove(t.Context(), good()); err == nil || !strings.Contains(err.Error(), "start the process") {
		t.Error(err)
	}
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	unused := NewPool(Options{})
	unused.Warm()
	if err := unused.Close(); err != nil {
		t.Error(err)
	}
}

func TestManyAtOnce(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	prover := NewPool(Options{Workers: 2, Deadline: time.Minute})
	work := pool.New().WithErrors()
	for range 20 {
		work.Go(func() error { return prover.Prove(t.Context(), good()) })
	}
	if err := work.Wait(); err != nil {
		t.Error(err)
	}
	if n := len(prover.idle); n > 2 {
		t.Errorf("%d children for 2 workers", n)
	}
	if err := prover.Close(); err != nil {
		t.Error(err)
	}
}

func TestNoChild(t *testing.T) {
	for _, command := range [][]string{{"/does/not/exist"}, {"/bin/true"}, {"/bin/echo", "hello"}} {
		prover := newPool(t, Options{Command: command})
		if err := prover.Prove(t.Context(), good()); err == nil || !strings.Contains(err.Error(), "start the process") {
			t.Errorf("%q: %v", command, err)
		}
	}
}

// TestChildEnds looks at a child from outside: it ends with its input, and with nonsense in it.
func TestChildEnds(t *testing.T) {
	for input, want := range map[string]int{
		"": exitDone, "\xff\xff\xff\xff": exitBroken, "\x00\x00": exitBroken, "\x00\x00\x00\x02no": exitBroken,
	} {
		var out bytes.Buffer
		if got := runChild(t, strings.NewReader(input), &out); got != want {
			t.Errorf("%q: exit code %d, want %d", input, got, want)
		}
		if err := readFrame(&out, &reply{}, maxReply); err != nil {
			t.Errorf("%q: no greeting: %v", input, err)
		}
	}
}

func runChild(t *testing.T, in io.Reader, out io.Writer) int {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = []string{childEnv + "=" + strconv.Itoa(defaultMemory)}
	cmd.Stdin, cmd.Stdout = in, out
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}

// confinedEnv makes the test binary try what a confined child must not be able to.
const confinedEnv = "LIGHTERMAN_PROVE_TEST_CONFINED"

// tryConfined says on standard output what a confined process can still do.
func tryConfined() {
	address := os.Getenv(confinedEnv)
	started := time.NewTicker(time.Hour) // the runtime's own descriptors, as the watchdog would
	defer started.Stop()
	confine(64 << 20)
	if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
		fmt.Println("network", conn.RemoteAddr())
	}
	if _, err := os.ReadFile("/etc/passwd"); err == nil {
		fmt.Println("files")
	}
	fmt.Println("tried")
}

func TestConfined(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the limits are Linux's")
	}
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = []string{confinedEnv + "=" + server.Addr().String()}
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "tried\n" {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestFrames(t *testing.T) {
	var buf bytes.Buffer
	want := request{Source: []byte("FROM a"), Stages: []string{"a"}, Worlds: []world{{Platform: "linux/amd64"}}}
	if err := writeFrame(&buf, want, maxRequest); err != nil {
		t.Fatal(err)
	}
	whole := buf.String()
	var got request
	if err := readFrame(&buf, &got, maxRequest); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatal(got, err)
	}
	const over = "over the limit"
	if err := readFrame(strings.NewReader(whole), &got, 10); err == nil || !strings.Contains(err.Error(), over) {
		t.Error("a long message was read:", err)
	}
	if err := writeFrame(&buf, want, 10); err == nil || !strings.Contains(err.Error(), over) {
		t.Error("a long message was written:", err)
	}
	if err := readFrame(strings.NewReader(whole[:len(whole)-1]), &got, maxRequest); err == nil {
		t.Error("half a message was read")
	}
	if err := readFrame(strings.NewReader(""), &got, maxRequest); err != io.EOF {
		t.Error("no message:", err)
	}
}
