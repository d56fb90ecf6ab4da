package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/githubtest"
)

const crashSecret = "between GitHub and us"

// A process is "lighterman serve" as operators run it, in a process of its own that can be killed.
type process struct {
	cmd  *exec.Cmd
	addr string // where it listens

	read chan struct{} // closed once all that it said was read

	mu  sync.Mutex
	log bytes.Buffer
}

// serve starts the program and waits until it listens.
func serve(t *testing.T, hub *githubtest.Server, addr string, env ...string) *process {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key.pem")
	must(t, os.WriteFile(key, hub.PrivateKey(), 0o600))
	return launch(t, append(env, appEnv(hub, hub.URL(), addr, key)...)...)
}

// appEnv are the variables of the double's App, whose key is in a file.
func appEnv(hub *githubtest.Server, url, addr, key string) []string {
	logs.know(crashSecret)
	return []string{
		fmt.Sprintf("LIGHTERMAN_APP_ID=%d", hub.AppID()), "LIGHTERMAN_PRIVATE_KEY_FILE=" + key,
		"LIGHTERMAN_WEBHOOK_SECRET=" + crashSecret, "LIGHTERMAN_GITHUB_URL=" + url, "LIGHTERMAN_ADDR=" + addr,
		"LIGHTERMAN_SWEEPS=false",
	}
}

// launch starts the program with these variables and waits until it listens.
func launch(t *testing.T, env ...string) *process {
	t.Helper()
	p, err := start(env...)
	must(t, err)
	t.Cleanup(p.kill)
	return p
}

// start starts the program with these variables and waits until it listens.
func start(env ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{read: make(chan struct{})}
	p.cmd = &exec.Cmd{Path: self, Args: []string{"lighterman", "serve", "--log-format", "json"}}
	p.cmd.Env = append(os.Environ(), env...)
	out, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	serving := make(chan string, 1)
	go func() {
		defer close(p.read)
		defer close(serving)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.mu.Lock()
			p.log.Write(append(lines.Bytes(), '\n'))
			p.mu.Unlock()
			_, _ = logs.Write(lines.Bytes())
			var entry struct{ Msg, Addr string }
			if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Msg == "serving" {
				serving <- entry.Addr
			}
		}
	}()
	stuck := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer stuck.Stop()
	var ok bool
	if p.addr, ok = <-serving; !ok {
		p.kill()
		return nil, errors.New("the server ended before it listened:\n" + p.said())
	}
	return p, nil
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// terminate tells the process to stop, and waits until it did.
func (p *process) terminate() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	stuck := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer stuck.Stop()
	<-p.read
	return p.cmd.Wait()
}

// freeAddr is an address of loopback on which nothing listens. Its port is below those that Linux gives to whoever asks for
// any, so that none of the tests beside this one gets it before it is listened on, or between two processes.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 100 {
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 16384+rand.IntN(16384))); err == nil {
			must(t, l.Close())
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}
