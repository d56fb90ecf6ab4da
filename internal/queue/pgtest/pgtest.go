// Package pgtest starts a throw-away PostgreSQL for tests: a new cluster in a temporary folder, reached by a Unix
// socket only. Server and folder end with the test process, however that ends.
package pgtest

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// A Cluster is a running server.
type Cluster struct {
	folder    string
	databases atomic.Int64
}

// superuser is the role that initdb makes; local connections are trusted.
const superuser = "lighterman"

// Start starts a server for the test and stops it when the test ends. Without PostgreSQL's server binaries, in PATH or
// where Debian keeps them, the test is skipped, or with CI=true in the environment failed. Settings are "name=value".
func Start(tb testing.TB, settings ...string) *Cluster {
	tb.Helper()
	bin, err := binaries()
	if err != nil {
		missing(tb, err)
	}
	// Not tb.TempDir: its folder is closed to the user under which the server runs when the tests run as root.
	folder, err := os.MkdirTemp("", "lmpg")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(folder) })
	u, err := unprivileged(folder)
	if err != nil {
		missing(tb, err)
	}
	if err := create(u, bin, folder); err != nil {
		tb.Fatal(err)
	}
	serve(tb, u, bin, folder, settings)
	return &Cluster{folder: folder}
}

func missing(tb testing.TB, err error) {
	tb.Helper()
	if os.Getenv("CI") == "true" {
		tb.Fatalf("NO POSTGRESQL: %v; in CI that is a failure", err)
	}
	tb.Skipf("NO POSTGRESQL: %v; everything about PostgreSQL goes untested (make deps installs it)", err)
}

// binaries is the folder of initdb and postgres: from PATH, else the newest of Debian's.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(real), nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.New("there is no initdb in PATH or in /usr/lib/postgresql/*/bin")
	}
	newest := slices.MaxFunc(found, func(a, b string) int { // longer first: version 9 is older than version 15
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	})
	return filepath.Dir(newest), nil
}

func create(u user, bin, folder string) error {
	cmd := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(folder, "data"), "-U", superuser,
		"--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
	u.run(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

// serve runs the server beneath a shell that stops it once its standard input ends, which is when we close it or die.
func serve(tb testing.TB, u user, bin, folder string, settings []string) {
	tb.Helper()
	const script = `folder=$1; shift; "$@" 2>&1 & pid=$!; cat >/dev/null; kill -INT $pid; wait $pid; rm -rf "$folder"`
	args := []string{"-c", script, "sh", folder, filepath.Join(bin, "postgres"), "-D", filepath.Join(folder, "data"),
		"-k", folder, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200"}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	cmd := exec.Command("sh", args...)
	u.run(cmd)
	life, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	log, read := &bytes.Buffer{}, make(chan struct{})
	ready := awaitReady(output, log)
	tb.Cleanup(func() {
		life.Close()
		<-read
		_ = cmd.Wait() // the server's exit after SIGINT says nothing
	})
	if !ready {
		close(read)
		tb.Fatalf("postgres did not start:\n%s", log)
	}
	go func() {
		defer close(read)
		_, _ = io.Copy(io.Discard, output)
	}()
}

// awaitReady reads the server's log until it accepts connections or ends.
func awaitReady(output io.Reader, log *bytes.Buffer) bool {
	lines := bufio.NewReader(output)
	for {
		line, err := lines.ReadString('\n')
		log.WriteString(line)
		if strings.Contains(line, "database system is ready to accept connections") {
			return true
		}
		if err != nil {
			return false
		}
	}
}

// Database makes an empty database and returns its URL.
func (c *Cluster) Database(tb testing.TB) string {
	tb.Helper()
	name := fmt.Sprintf("test%d", c.databases.Add(1))
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, c.url("postgres"))
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		tb.Fatal(err)
	}
	return c.url(name)
}

func (c *Cluster) url(database string) string {
	return fmt.Sprintf("postgres://%s@/%s?host=%s", superuser, database, c.folder)
}
