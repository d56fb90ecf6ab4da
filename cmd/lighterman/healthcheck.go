package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// healthTime is how long the server may take to answer: less than whoever asks by this command waits for it.
const healthTime = 3 * time.Second

func healthcheckCommand() *cobra.Command {
	var addr string
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the server on this machine whether it lives",
		Long: `Ask the server on this machine whether it lives: /healthz at the address where it listens. It exits with 0 when
it does and with 1 when it does not, or not within three seconds. This is the HEALTHCHECK of the container image,
which has no shell and no curl.`,
		Example: "lighterman healthcheck --addr :8080",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := settle(cmd.Flags(), os.LookupEnv, nil); err != nil {
				return err
			}
			if err := askHealth(cmd.Context(), addr); err != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "lighterman: %s\n", err)
				return exit(1)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&addr, "addr", ":8080", "where the server listens, as for serve")
	return cmd
}

// askHealth asks the server that listens at addr. That may leave out the host, or name all addresses of the machine: a
// dialler then takes this machine, which is why the address is dialled and not made part of a URL.
func askHealth(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	var dialer net.Dialer
	client := http.Client{
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, "tcp", addr)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/healthz", nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask the server at %s: %w", addr, err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 100))
	if resp.StatusCode != http.StatusOK || err != nil || strings.TrimSpace(string(said)) != "ok" {
		return fmt.Errorf("ask the server at %s: it answers with %s and not as lighterman does", addr, resp.Status)
	}
	return nil
}
