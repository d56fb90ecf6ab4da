package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/redact"
)

// logs takes every line that the services of these tests log: in this process before the second line of defence, which
// is to have nothing to do; of other processes as it comes out.
var logs sink

// A sink looks for secrets in what is written to it, and keeps nothing else.
type sink struct {
	mu    sync.Mutex
	words []string
	lines int
	leaks []string // lines with a secret, without it
}

// logger is a log of everything into the sink, and of errors for who reads the tests' output.
func (s *sink) logger(secret string) *slog.Logger {
	s.know(secret)
	all := slog.NewJSONHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug})
	return slog.New(slog.NewMultiHandler(all, quiet().Handler()))
}

func (s *sink) know(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.words, secret) {
		s.words = append(s.words, secret)
	}
}

// Write takes one line.
func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines++
	line := string(p)
	without := redact.Text(line)
	for _, word := range s.words {
		without = strings.ReplaceAll(without, word, "[redacted]")
	}
	if without != line {
		s.leaks = append(s.leaks, without)
	}
	return len(p), nil
}

func (s *sink) said() (lines int, leaks []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines, slices.Clone(s.leaks)
}

// watched are the tests of this package, which fail all together when a secret was logged in any of them.
type watched struct{ *testing.M }

func (w watched) Run() int {
	code := w.M.Run()
	lines, leaks := logs.said()
	if *soakScale > 0 {
		figures("leaked-secrets", len(leaks), "log-lines", lines)
	}
	for _, leak := range leaks {
		fmt.Print("a secret was logged: ", leak)
		code = max(code, 1)
	}
	return code
}

// TestTheSinkFindsSecrets holds that the figure above can be other than zero.
func TestTheSinkFindsSecrets(t *testing.T) {
	var s sink
	log := s.logger("the webhook's own")
	log.Info("nothing", "head", strings.Repeat("0af3", 10))
	log.Info("a token", "error", fmt.Errorf("said ghs_%s", strings.Repeat("x", 36)))
	log.Debug("known by heart", slog.Group("in", "a", "the webhook's own"))
	if lines, leaks := s.said(); lines != 3 || len(leaks) != 2 || !strings.Contains(leaks[0], "a token") {
		t.Errorf("%d lines, leaks %q", lines, leaks)
	}
}

// TestSoakSecrets lets GitHub throw credentials back at the service in every answer that can go wrong, by turns. None may
// be logged or published; what is logged is counted over all tests, in the figure that the package ends with.
func TestSoakSecrets(t *testing.T) {
	for n := range soaking(t, 50) {
		s := newStage(t)
		for k, operation := range []string{
			"apps/create-installation-access-token", "graphql:Standing", "graphql:Blobs", "pulls/list-files", "git/get-tree",
			"pulls/create-review", "checks/create", "pulls/get",
		} {
			before, _ := logs.said()
			status := []int{400, 403, 409, 422}[(n+k)%4]
			s.hub.Inject(githubtest.Fault{Operation: operation, Status: status, Body: echo()})
			pull := s.pull(t, fmt.Sprint("shop-", k), demoFile("web/Dockerfile"))
			must(t, s.hub.Wait(t.Context()))
			s.tried(t)
			if after, _ := logs.said(); after == before {
				t.Error("nothing was logged of ", operation)
			}
			for _, run := range pull.CheckRuns() {
				if redact.Text(run.Summary) != run.Summary {
					t.Errorf("a credential was published: %s", redact.Text(run.Summary))
				}
			}
		}
	}
}

// echo is an answer of GitHub's that repeats credentials of every kind.
func echo() string {
	word := strings.Repeat("q8Zt3vN0rX", 4)
	all := []string{
		"ghs_12345_eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxIn0." + word, "ghs_" + word, "ghp_" + word, "gho_" + word, "ghu_" + word,
		"ghr_" + word, "github_pat_" + word, "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxIn0." + word,
	}
	text := strings.Join(all, " ")
	return fmt.Sprintf(`{"message":%q,"errors":[%q],"documentation_url":%q,"status":"400"}`, text, text, "https://docs.github.com/rest")
}

// tried waits until every job was tried; those that failed wait for their next turn.
func (s *stage) tried(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		d, err := s.service.queue.Depth(ctx)
		must(t, err)
		if d.Waiting+d.Running == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("a job is not done")
		}
	}
}
