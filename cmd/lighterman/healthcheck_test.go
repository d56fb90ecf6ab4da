package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestHealthcheckAsksTheServer runs both as a container does: the same variables, in two processes.
func TestHealthcheckAsksTheServer(t *testing.T) {
	t.Parallel()
	env := []string{"LIGHTERMAN_ADDR=127.0.0.1:0", "LIGHTERMAN_DATA_DIR=" + t.TempDir()}
	p := launch(t, env...)
	_, port, err := net.SplitHostPort(p.addr)
	must(t, err)
	for _, addr := range []string{p.addr, ":" + port, "0.0.0.0:" + port} {
		if code, said := healthcheck(t, addr); code != 0 || said != "" {
			t.Errorf("%s: exit %d: %s", addr, code, said)
		}
	}
	p.kill()
	if code, said := healthcheck(t, p.addr); code != 1 || !strings.Contains(said, "connection refused") {
		t.Errorf("the server is gone: exit %d: %s", code, said)
	}
}

func healthcheck(t *testing.T, addr string) (code int, said string) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Cmd{Path: self, Args: []string{"lighterman", "healthcheck"}}
	cmd.Env = append(os.Environ(), "LIGHTERMAN_ADDR="+addr, "HTTP_PROXY=http://192.0.2.1:1")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// TestHealthcheckTakesNoOther holds that only an answer of ours counts.
func TestHealthcheckTakesNoOther(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"an error":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"a redirect":     func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"something else": func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>welcome</html>")) },
	} {
		t.Run(name, func(t *testing.T) {
			other := httptest.NewServer(answer)
			defer other.Close()
			if err := askHealth(t.Context(), other.Listener.Addr().String()); err == nil {
				t.Error("it is taken for a server that lives")
			}
		})
	}
}

// TestHealthcheckDoesNotWait holds that a server which takes connections and says nothing counts as dead.
func TestHealthcheckDoesNotWait(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	start := time.Now()
	if err := askHealth(t.Context(), l.Addr().String()); err == nil {
		t.Error("it is taken for a server that lives")
	}
	if took := time.Since(start); took < healthTime {
		t.Errorf("it gave up after %s", took)
	}
}
