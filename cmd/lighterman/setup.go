package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/server"
)

// manifest is the server's registration in GitHub's words.
func manifest(r server.Registration) ([]byte, error) {
	return github.Manifest(github.ManifestOptions{Name: r.Name, Page: r.Page, Hook: r.Hook, ReviewOnly: r.ReviewOnly})
}

// register buys the new App's credentials, keeps them, and makes the running service the App.
func (s *service) register(ctx context.Context, code string) (install string, err error) {
	o := s.options.GitHub
	c, err := github.Register(ctx, o, code)
	if errors.Is(err, github.ErrCode) {
		return "", errors.Join(server.ErrCode, err)
	}
	if err != nil {
		return "", err
	}
	if s.options.Secret != nil {
		s.options.Secret(c.WebhookSecret, c.PrivateKey)
	}
	lost := func(err error) error { return &server.UnsavedError{Settings: c.Page, Err: err} }
	if err := writeCredentials(s.options.Credentials, &storedCredentials{GitHub: o.BaseURL, Credentials: *c}); err != nil {
		return "", lost(err)
	}
	s.options.Log.Info("the App is registered, its credentials are kept", "app", c.Slug, "id", c.AppID,
		"file", s.options.Credentials)
	o.AppID, o.PrivateKey = c.AppID, []byte(c.PrivateKey)
	if err := s.become(o); err != nil {
		return "", err
	}
	if err := s.start(ctx); err != nil {
		return "", err
	}
	return c.Page + "/installations/new", s.server.Configure([]string{c.WebhookSecret})
}

// heard notes a webhook that tells of repositories which came within reach.
func (s *service) heard(event string, payload []byte) {
	a, ok, err := github.DecodeArrival(event, payload)
	if err != nil {
		s.options.Log.Warn("payload could not be decoded", "event", event, "error", err)
	}
	if !ok {
		return
	}
	select {
	case s.arrivals <- a:
	default:
		s.options.Log.Warn("too many installations at once; one is left for later", "installation", a.Installation)
	}
}

// welcome queues the newest open pull requests of repositories that came within reach, until the context ends.
func (s *service) welcome(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-s.arrivals:
			if err := s.app.Load().Arrived(ctx, a, s.queue.Enqueue); err != nil && ctx.Err() == nil {
				s.options.Log.Warn("open pull requests of a new installation could not be queued",
					"installation", a.Installation, "error", err)
			}
			s.meet(ctx, a.Installation)
		}
	}
}

// meet takes over the repositories of an installation that came within reach. If it cannot, the next listing does.
func (s *service) meet(ctx context.Context, installation int64) {
	if s.options.Sweeps == nil {
		return
	}
	err := s.listInstallation(github.Background(ctx), installation, map[string]int{})
	if err != nil && ctx.Err() == nil {
		s.options.Log.Warn("repositories of a new installation could not be listed", "installation", installation, "error", err)
	}
}

// pageAddress is where a person's browser finds the service: at the public address, else at the one it listens on.
func pageAddress(public string, l net.Addr) string {
	if public != "" {
		return public
	}
	host, port, err := net.SplitHostPort(l.String())
	if err != nil {
		return "http://" + l.String()
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return fmt.Sprintf("http://%s", net.JoinHostPort(host, port))
}
