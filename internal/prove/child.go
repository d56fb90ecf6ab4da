package prove

import (
	"bufio"
	"context"
	"io"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"time"
)

// childEnv is the environment variable that makes the binary a child. Its value is the memory limit in bytes.
const childEnv = "LIGHTERMAN_PROVE_CHILD"

// The exit codes of a child.
const (
	exitDone   = 0
	exitBroken = 1 // the parent went away in the middle of a message
	exitMemory = 3 // the watchdog saw the limit passed; the Go runtime itself exits with 2 when it gets no more memory
)

// MaybeChild turns this process into a child and does not return if it was started as one. It must be the first thing
// that main, and TestMain of a test that proves, does.
func MaybeChild() {
	value, ok := os.LookupEnv(childEnv)
	if !ok {
		return
	}
	limit, err := strconv.ParseInt(value, 10, 64)
	if err != nil || limit <= 0 {
		limit = defaultMemory
	}
	os.Clearenv()
	os.Exit(serve(os.Stdin, os.Stdout, limit))
}

// serve answers requests until its input ends.
func serve(in io.Reader, out io.Writer, limit int64) int {
	debug.SetTraceback("none")
	debug.SetMemoryLimit(limit / 4 * 3)
	debug.SetGCPercent(400) // a request leaves nothing behind, so there is little to look for
	go watch(limit)
	confine(limit)
	if err := writeFrame(out, reply{}, maxReply); err != nil {
		return exitBroken
	}
	in = bufio.NewReader(in)
	for {
		var req request
		err := readFrame(in, &req, maxRequest)
		if err == io.EOF {
			return exitDone
		}
		if err != nil {
			return exitBroken
		}
		if err := answer(out, req); err != nil {
			return exitBroken
		}
	}
}

func answer(out io.Writer, req request) error {
	var rep reply
	if req.Lint != nil {
		rep = lintFile(context.Background(), *req.Lint)
	} else {
		rep = convert(context.Background(), req)
	}
	err := writeFrame(out, rep, maxReply)
	if err != nil {
		return writeFrame(out, reply{Error: "what it builds is too large to be compared"}, maxReply)
	}
	return nil
}

// watch ends the process when it holds more memory than limit. It works where the system has no limit on address
// space.
func watch(limit int64) {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	for range time.Tick(5 * time.Millisecond) {
		metrics.Read(samples)
		if samples[0].Value.Uint64()-samples[1].Value.Uint64() > uint64(limit) {
			os.Exit(exitMemory)
		}
	}
}
