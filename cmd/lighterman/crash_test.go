package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/queue/pgtest"
	"github.com/lighterman/lighterman/testdata/demo"
)

const crashSecret = "between GitHub and us"

// A process is "lighterman serve" as operators run it, in a process of its own that can be killed.
type process struct {
	cmd *exec.Cmd
	mu  sync.Mutex
	log bytes.Buffer
}

// serve starts the program and waits until it listens.
func serve(t *testing.T, hub *githubtest.Server, addr string, env ...string) *process {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key.pem")
	must(t, os.WriteFile(key, hub.PrivateKey(), 0o600))
	logs.know(crashSecret)
	return launch(t, append(env, fmt.Sprintf("LIGHTERMAN_APP_ID=%d", hub.AppID()), "LIGHTERMAN_PRIVATE_KEY_FILE="+key,
		"LIGHTERMAN_WEBHOOK_SECRET="+crashSecret, "LIGHTERMAN_GITHUB_URL="+hub.URL(), "LIGHTERMAN_ADDR="+addr)...)
}

// launch starts the program with these variables and waits until it listens.
func launch(t *testing.T, env ...string) *process {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	p := &process{cmd: &exec.Cmd{Path: self, Args: []string{"lighterman", "serve", "--log-format", "json"}}}
	p.cmd.Env = append(os.Environ(), env...)
	out, err := p.cmd.StderrPipe()
	must(t, err)
	must(t, p.cmd.Start())
	t.Cleanup(p.kill)
	listening := make(chan bool)
	go func() {
		defer close(listening)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.mu.Lock()
			p.log.Write(append(lines.Bytes(), '\n'))
			p.mu.Unlock()
			_, _ = logs.Write(lines.Bytes())
			var entry struct{ Msg string }
			if json.Unmarshal(lines.Bytes(), &entry) == nil && entry.Msg == "serving" {
				listening <- true
			}
		}
	}()
	if !<-listening {
		t.Fatalf("the server ended before it listened:\n%s", p.said())
	}
	go func() {
		for range listening {
		}
	}()
	return p
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

// freeAddr is an address of loopback on which nothing listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// until waits for a state of another process that tells nobody when it is reached.
func until(t *testing.T, within time.Duration, what string, p *process, holds func() bool) time.Duration {
	t.Helper()
	begin := time.Now()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %s\n%s", what, within, p.said())
		case <-tick.C:
		}
	}
	return time.Since(begin)
}

// The points of a review at which the process is killed: a request that hangs, before or after it took effect, and whose
// connection ends with the process.
var killPoints = []struct {
	name  string
	fault githubtest.Fault
}{
	{"while reading the tree", githubtest.Fault{Operation: "git/get-tree", Cut: true}},
	{"before the review is written", githubtest.Fault{Operation: "pulls/create-review", Cut: true}},
	{"after the review was written", githubtest.Fault{Operation: "pulls/create-review", Cut: true, After: true}},
}

// TestKilledDuringAReview kills the server in the middle of a review and starts another one: nothing is lost, nothing is
// posted twice, and the review is done within what the issue of each database allows.
func TestKilledDuringAReview(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		killDuringReviews(t, 5*time.Second, func(t *testing.T) string { return "LIGHTERMAN_DATA_DIR=" + t.TempDir() })
	})
	t.Run("postgresql", func(t *testing.T) {
		cluster := pgtest.Start(t)
		killDuringReviews(t, 15*time.Second, func(t *testing.T) string {
			return "LIGHTERMAN_DATABASE_URL=" + cluster.Database(t)
		})
	})
}

func killDuringReviews(t *testing.T, within time.Duration, database func(*testing.T) string) {
	for _, point := range killPoints {
		t.Run(point.name, func(t *testing.T) {
			hub := githubtest.Start(t, githubtest.Options{})
			addr, db := freeAddr(t), database(t)
			hub.SetWebhook("http://"+addr+"/webhook", crashSecret)
			first := serve(t, hub, addr, db)
			met, hold := make(chan struct{}), make(chan struct{})
			point.fault.Met, point.fault.Hold = met, hold
			hub.Inject(point.fault)
			pull := openDemoPull(t, hub)
			select {
			case <-met:
			case <-time.After(patience):
				t.Fatalf("the review does not come to the point:\n%s", first.said())
			}
			first.kill()
			close(hold)

			second := serve(t, hub, addr, db)
			took := until(t, within, "the review after the restart", second, func() bool {
				return strings.Contains(second.said(), `"msg":"reviewed"`) && len(pull.Reviews()) > 0
			})
			t.Logf("resumed and done in %s", took)
			once(t, pull)
			if n := len(pull.Reviews()); n != 1 {
				t.Errorf("%d reviews, want one", n)
			}
			if log := first.said() + second.said(); strings.Contains(log, crashSecret) || strings.Contains(log, "ghs_") {
				t.Error("the log holds a secret")
			}
		})
	}
}

func openDemoPull(t *testing.T, hub *githubtest.Server) *githubtest.Pull {
	t.Helper()
	repo, err := hub.CreateRepo("acme", "shop", archived(demo.Base))
	must(t, err)
	_, err = repo.Push("topic", "Change", archived(demo.Change))
	must(t, err)
	pull, err := repo.OpenPull(githubtest.PullOptions{Title: "Change", Author: "robin", Head: "topic"})
	must(t, err)
	must(t, hub.Wait(t.Context()))
	return pull
}
