package trial

import (
	"bytes"
	"context"
	"crypto/rand"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/pattern"
)

// The probe is this program, mounted into a build and told to start what the image would start.
const (
	probeDir  = "/.lighterman-probe"
	probeMark = "lighterman-probe: "
	// ProbeCommand is the program's first argument when it is the probe.
	ProbeCommand = "probe-program"
	probeTime    = 5 * time.Second // how long a program has to run to count as running
)

// MaybeProbe turns the process into a probe when it was started as one, and never returns then. main calls it first.
func MaybeProbe() {
	if len(os.Args) < 4 || os.Args[1] != ProbeCommand {
		return
	}
	// The argument between is only there to make the step a new one, which no cache has an answer for.
	fmt.Printf("%s%s\n", probeMark, watch(os.Args[3:], probeTime))
	os.Exit(0) // how the program fared has been said
}

// watch starts a program and says how it fares in the time it has: "runs", or how it ended and its last words.
func watch(argv []string, limit time.Duration) string {
	cmd := exec.Command(argv[0], argv[1:]...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return fmt.Sprintf("does not start: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-time.After(limit):
		_ = cmd.Process.Kill() // what it started ends with the step
		<-ended
		return runs
	case err := <-ended:
		return fmt.Sprintf("ends with %s%s", code(err), lastWords(out.String()))
	}
}

// How a program can fare well.
const (
	runs     = "runs"
	succeeds = "ends with exit status 0"
)

func code(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ProcessState.String()
	}
	return "exit status 0"
}

// lastWords are the line of a program's output that says most about its end: the first that speaks of an error.
func lastWords(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for _, l := range lines {
		if strings.Contains(strings.ToLower(l), "err") || strings.Contains(l, "denied") {
			return ": " + strings.TrimSpace(l)
		}
	}
	if last := lines[len(lines)-1]; last != "" {
		return ": " + strings.TrimSpace(last)
	}
	return ""
}

// A probe says how the image's own program fares, started under the image's user without a network.
type probe struct {
	daemon *Daemon
	self   string // a statically linked program that calls MaybeProbe
}

// said finds the probe's answer in a build's output.
var said = pattern.New(`(?m)^` + probeMark + `(.*)$`)

// run builds the workspace's file with one more step, which starts argv.
func (p probe) run(ctx context.Context, dir string, o order, argv []string) (string, error) {
	if err := p.place(dir); err != nil {
		return "", err
	}
	src, err := os.ReadFile(o.file)
	if err != nil {
		return "", err
	}
	words, err := json.Marshal(append([]string{probeDir + "/lighterman", ProbeCommand, rand.Text()}, argv...))
	if err != nil {
		return "", err
	}
	step := fmt.Sprintf("\nRUN --network=none --mount=type=bind,from=lighterman-probe,target=%s %s\n", probeDir, words)
	o.file = filepath.Join(dir, "Dockerfile")
	if err := os.WriteFile(o.file, append(src, step...), 0o644); err != nil {
		return "", err
	}
	o.mounts = map[string]string{"lighterman-probe": filepath.Join(dir, "bin")}
	b, err := p.daemon.build(ctx, o)
	if err != nil {
		return "", err
	}
	m := said.FindSubmatch(b.log)
	if m == nil {
		return "", errors.New("the probe said nothing")
	}
	return strings.TrimSpace(string(m[1])), nil
}

// place copies the probe to where it is mounted from.
func (p probe) place(dir string) error {
	f, err := elf.Open(p.self)
	if err != nil {
		return fmt.Errorf("read the probe: %w", err)
	}
	defer f.Close()
	for _, s := range f.Progs {
		if s.Type == elf.PT_INTERP {
			return errors.New("the program cannot be tried: lighterman has to be linked statically for that (CGO_ENABLED=0)")
		}
	}
	bin := filepath.Join(dir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	from, err := os.Open(p.self)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(filepath.Join(bin, "lighterman"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}
