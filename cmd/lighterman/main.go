// Lighterman reviews changes to Dockerfiles and offers fixes that were checked against BuildKit's build graph.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the zones of sweeps, wherever it runs

	"github.com/lighterman/lighterman/internal/prove"
	"github.com/lighterman/lighterman/internal/prove/trial"
	"github.com/lighterman/lighterman/internal/redact"
)

// Exit codes of review and fix.
const (
	exitFindings = 1 // something was found at or above --fail-on
	exitFailed   = 2 // it could not look: bad usage, an unreadable file, an error
)

func main() {
	prove.MaybeChild()
	trial.MaybeProbe()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(Main(ctx, os.Args[1:]))
}

// Main runs the command line and returns the exit code.
func Main(ctx context.Context, args []string) int {
	root := rootCommand()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var code exit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintf(os.Stderr, "lighterman: %s\n", redact.Text(err.Error()))
	return exitFailed
}

// exit is an error that only carries an exit code; what there was to say has been said.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }
