package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sourcegraph/conc"

	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/queue"
	"github.com/lighterman/lighterman/testdata/demo"
)

// lighterman runs another command of the program in a process of its own.
func lighterman(t *testing.T, env []string, args ...string) (output string, err error) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := &exec.Cmd{Path: self, Args: append([]string{"lighterman"}, args...), Env: append(os.Environ(), env...)}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestBackupUnderLoad backs the database up while the server takes webhooks and reviews, lets it go on, kills it, and
// restores. What was answered before the backup is there, and every open head gets its check, also where only the lost
// part of the database knew of it.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	hub := githubtest.Start(t, unlimited())
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "backup.db")
	env := []string{"LIGHTERMAN_DATA_DIR=" + dir, "LIGHTERMAN_COOLDOWN=0s", "LIGHTERMAN_WRITE_PAUSE=0s"}
	first := serve(t, hub, "127.0.0.1:0", env...)
	hub.SetWebhook("http://"+first.addr+"/webhook", crashSecret)
	repo, err := hub.CreateRepo("acme", "shop", archived(demo.Base))
	must(t, err)
	s := &pings{url: "http://" + first.addr + "/webhook"}
	hush := s.send(t)
	pulls := openPulls(t, repo, 4)
	before := append(s.answered(), accepted(hub)...)
	out, err := lighterman(t, env, "backup", file)
	if err != nil {
		t.Fatalf("backup: %v\n%s", err, out)
	}
	pulls = append(pulls, openPulls(t, repo, 3)...)
	must(t, hub.Wait(t.Context()))
	if out, err := lighterman(t, env, "restore", file); err == nil || !strings.Contains(out, "another process has it open") {
		t.Errorf("restored under a running server: %v\n%s", err, out)
	}
	hush()
	first.kill()
	if out, err = lighterman(t, env, "restore", file); err != nil || !strings.Contains(out, ".before-restore-") {
		t.Fatalf("restore: %v\n%s", err, out)
	}

	if unknown := unknownIn(t, dir, before); len(before) == 0 || len(unknown) > 0 {
		t.Errorf("of %d webhooks that were answered before the backup %d are lost", len(before), len(unknown))
	}
	if len(unknownIn(t, dir, s.answered())) == 0 {
		t.Error("nothing came after the backup")
	}
	second := serve(t, hub, "127.0.0.1:0", env...)
	until(t, patience, "every open head has its check", second, func() bool { return len(lacking(pulls)) == 0 })
	for _, pull := range pulls {
		once(t, pull)
	}
}

// accepted are the GUIDs of what GitHub delivered.
func accepted(hub *githubtest.Server) (guids []string) {
	for _, d := range hub.Deliveries() {
		if d.Status == http.StatusAccepted {
			guids = append(guids, d.GUID)
		}
	}
	return guids
}

func TestBackupIsForSQLite(t *testing.T) {
	env := []string{"LIGHTERMAN_DATABASE_URL=postgres://robin:hunter2@db/lighterman"}
	for command, want := range map[string]string{"backup": "pg_dump", "restore": "pg_restore"} {
		out, err := lighterman(t, env, command, filepath.Join(t.TempDir(), "file"))
		if err == nil || !strings.Contains(out, want) || strings.Contains(out, "hunter2") {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
}

// unknownIn are those of the GUIDs that the database of a folder does not know.
func unknownIn(t *testing.T, dir string, guids []string) []string {
	t.Helper()
	q, err := queue.Open(t.Context(), queue.Options{
		DataDir: dir, Work: func(context.Context, queue.Job) (queue.Done, error) { return queue.Done{}, nil },
	})
	must(t, err)
	defer func() { must(t, q.Stop(context.Background())) }()
	unknown, err := q.Unknown(t.Context(), guids)
	must(t, err)
	return unknown
}

// pings are webhooks that lead to nothing.
type pings struct {
	url string

	mu    sync.Mutex
	taken []string // GUIDs of those that were answered with 202
}

// answered are those that were answered by now.
func (s *pings) answered() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken[:len(s.taken):len(s.taken)]
}

// send sends many at a time until the function that it returns is called.
func (s *pings) send(t *testing.T) (hush func()) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}}
	ctx, cancel := context.WithCancel(t.Context())
	var senders conc.WaitGroup
	for k := range 6 {
		senders.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if err := s.ping(client, fmt.Sprintf("noise-%d-%d", k, n)); err != nil {
					t.Error(err)
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	return func() {
		cancel()
		senders.Wait()
		client.CloseIdleConnections()
	}
}

// ping sends one.
func (s *pings) ping(client *http.Client, guid string) error {
	const body = `{"zen":"Keep it logically awesome."}`
	req, err := http.NewRequest(http.MethodPost, s.url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-GitHub-Delivery", guid)
	req.Header.Set("X-GitHub-Event", "ping")
	req.Header.Set("X-Hub-Signature-256", githubtest.Sign(crashSecret, []byte(body)))
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	if res.StatusCode == http.StatusAccepted {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.taken = append(s.taken, guid)
	}
	return res.Body.Close()
}
