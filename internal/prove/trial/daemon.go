package trial

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/containerd/log"
	"github.com/moby/buildkit/client"
	_ "github.com/moby/buildkit/client/connhelper/dockercontainer" // docker-container://
	_ "github.com/moby/buildkit/client/connhelper/ssh"             // ssh://
)

// ErrNoDaemon is returned by Dial when no address is given and none is found.
var ErrNoDaemon = errors.New("no BuildKit daemon: set BUILDKIT_HOST, or run docker buildx create --bootstrap")

// dialDeadline is how long a daemon may take until it answers for the first time.
const dialDeadline = 20 * time.Second

// A Daemon is a BuildKit daemon that answers.
type Daemon struct {
	Addr   string
	client *client.Client
}

// Dial connects to the daemon at addr; "" means BUILDKIT_HOST or, without that, a builder that docker buildx keeps in
// a container. The builder inside docker itself cannot hand out what it built in the form that is needed here.
func Dial(ctx context.Context, addr string) (*Daemon, error) {
	if addr == "" {
		addr = os.Getenv("BUILDKIT_HOST")
	}
	if addr == "" {
		addr = builder(ctx)
	}
	if addr == "" {
		return nil, ErrNoDaemon
	}
	_ = log.SetLevel("error") // the client's libraries warn on standard error of what a file system cannot do
	c, err := client.New(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("connect to BuildKit at %s: %w", addr, err)
	}
	ctx, cancel := context.WithTimeout(ctx, dialDeadline)
	defer cancel()
	if _, err := c.ListWorkers(ctx); err != nil {
		c.Close()
		return nil, fmt.Errorf("ask BuildKit at %s: %w", addr, err)
	}
	return &Daemon{addr, c}, nil
}

// Close ends the connection.
func (d *Daemon) Close() error { return d.client.Close() }

// builder is the address of a running builder of docker buildx, "" when there is none.
func builder(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, dialDeadline)
	defer cancel()
	list := []string{"ps", "--filter", "name=buildx_buildkit_", "--format", "{{.Names}}"}
	out, err := exec.CommandContext(ctx, "docker", list...).Output()
	name, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil || name == "" {
		return ""
	}
	return "docker-container://" + name
}
