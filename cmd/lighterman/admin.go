package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/spf13/pflag"

	"github.com/lighterman/lighterman/internal/admin"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
)

// adminSettings are what serve is told about the admin page.
type adminSettings struct {
	tokenFile string
	headers   []string
	proxies   []string
	addr      string
	riverUI   string
}

func (s *adminSettings) flags(f *pflag.FlagSet) {
	f.StringVar(&s.tokenFile, "admin-token-file", "",
		"a file with the token that lets administrators see /admin; without it or --admin-header there is no such page")
	f.StringSliceVar(&s.headers, "admin-header", nil,
		"an administrator as a proxy names who it has signed in: X-Forwarded-User=NAME, or =* for everybody (may be repeated)")
	f.StringSliceVar(&s.proxies, "admin-proxies", nil,
		"the networks of proxies that are believed about who sends a request to /admin: 10.0.0.0/8 (may be repeated)")
	f.StringVar(&s.addr, "admin-addr", "", "where to listen for /admin, if not where webhooks come in")
	f.StringVar(&s.riverUI, "admin-river-ui", "", "the address of a River UI for the same database, which the page of jobs links to")
}

// access says who gets in; the zero value is that there is no admin page.
func (s adminSettings) access() (a admin.Access, err error) {
	if s.tokenFile == "" && len(s.headers) == 0 {
		if s.addr != "" {
			return a, fmt.Errorf("LIGHTERMAN_ADMIN_ADDR is set, but neither %s nor %s says who may see the admin page",
				"LIGHTERMAN_ADMIN_TOKEN_FILE", "LIGHTERMAN_ADMIN_HEADER")
		}
		return a, nil
	}
	if s.tokenFile != "" {
		text, err := secret("admin-token", "", s.tokenFile)
		if err != nil {
			return a, err
		}
		a.Token = strings.TrimSpace(text)
	}
	for _, h := range s.headers {
		name, value, _ := strings.Cut(h, "=")
		a.Headers = append(a.Headers, admin.Header{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)})
	}
	if a.Proxies, err = networks(s.proxies); err != nil {
		return a, err
	}
	a.Key = []byte(rand.Text() + rand.Text()) // newPages has the one that all replicas share
	if err := a.Check(); err != nil {
		return a, fmt.Errorf("LIGHTERMAN_ADMIN_TOKEN_FILE, …_HEADER and …_PROXIES: %w", err)
	}
	return a, nil
}

// link is a page that the admin page links to, "" for none.
func link(page string) (string, error) {
	u, err := url.Parse(page)
	if page != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		return "", fmt.Errorf("LIGHTERMAN_ADMIN_RIVER_UI: %q is not an address of the form https://HOST/PATH", page)
	}
	return page, nil
}

// networks reads prefixes and single addresses.
func networks(texts []string) (all []netip.Prefix, err error) {
	for _, text := range texts {
		text = strings.TrimSpace(text)
		p, err := netip.ParsePrefix(text)
		if a, single := netip.ParseAddr(text); single == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("LIGHTERMAN_ADMIN_PROXIES: %q is not a network such as 10.0.0.0/8", text)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

// newPages makes the admin page, nil when nobody may see it.
func (s *service) newPages(ctx context.Context) (*admin.Pages, error) {
	a := s.options.Admin
	if a.Token == "" && len(a.Headers) == 0 {
		return nil, nil
	}
	if a.Token == "" {
		key, err := s.adminKey(ctx)
		if err != nil {
			return nil, err
		}
		a.Key = []byte(key)
	}
	site, err := github.Site(s.options.GitHub.BaseURL)
	if err != nil {
		return nil, err
	}
	return admin.New(admin.Options{
		Access: a, Queue: s.queue, Host: adminHost{s}, Desk: adminDesk{s}, Notes: s.notes, Rates: s.rates, Version: version(),
		Public: s.options.Public, Site: site, RiverUI: s.options.RiverUI, Logger: s.options.Log,
	})
}

// adminKey signs forms where there is no token. The database has it, since any replica may get what another's page sends.
func (s *service) adminKey(ctx context.Context) (key string, err error) {
	err = s.queue.Change(ctx, "admin page's key", func(was string) string {
		if key = was; key == "" {
			key = rand.Text() + rand.Text()
		}
		return key
	})
	return key, err
}

// listenAdmin is where the admin page is served apart from webhooks, nil when it is not.
func (s *service) listenAdmin() (net.Listener, error) {
	if s.pages == nil || s.options.AdminAddr == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", s.options.AdminAddr)
	if err != nil {
		return nil, fmt.Errorf("listen for the admin page: %w", err)
	}
	s.options.Log.Info("serving the admin page", "addr", l.Addr().String())
	return l, nil
}

func (s *service) serveAdmin(ctx context.Context, l net.Listener) {
	if err := s.server.ServeAdmin(ctx, l, s.pages); err != nil {
		s.options.Log.Error("the admin page is gone", "error", err)
	}
}

// notes are how the App's registration falls short.
func (s *service) notes() []string {
	if app := s.app.Load(); app != nil {
		return app.notes.current()
	}
	return []string{"There is no GitHub App yet: the server's log has the address of the page that sets one up."}
}

// rates are the requests that are left.
func (s *service) rates() (all []admin.Rate) {
	for _, l := range s.metrics.Limits() {
		all = append(all, admin.Rate{Installation: l.Installation, What: l.Resource, Left: l.Left, Of: l.Of, Reset: l.Reset})
	}
	return all
}

// An adminHost asks GitHub for the admin page, once there is an App.
type adminHost struct{ s *service }

func (h adminHost) app() (*liveApp, error) {
	if app := h.s.app.Load(); app != nil {
		return app, nil
	}
	return nil, admin.ErrNoApp
}

func (h adminHost) Installations(ctx context.Context) ([]forge.Installation, error) {
	app, err := h.app()
	if err != nil {
		return nil, err
	}
	return app.Accounts(ctx)
}

func (h adminHost) Repositories(ctx context.Context, installation int64) ([]forge.Listed, error) {
	app, err := h.app()
	if err != nil {
		return nil, err
	}
	return app.Reached(ctx, installation)
}

func (h adminHost) Sent(ctx context.Context) ([]forge.Sent, error) {
	app, err := h.app()
	if err != nil {
		return nil, err
	}
	return app.Newest(ctx)
}

// An adminDesk does what the buttons of the admin page ask for.
type adminDesk struct{ s *service }

// Look finds the installation where no webhook has told it.
func (d adminDesk) Look(ctx context.Context, ref forge.Ref) error {
	if ref.Repo.Installation == 0 {
		app, err := adminHost(d).app()
		if err != nil {
			return err
		}
		if ref.Repo.Installation, err = app.InstallationOf(ctx, ref.Repo.Owner); err != nil {
			return err
		}
	}
	return d.s.queue.Enqueue(ctx, ref)
}

func (d adminDesk) Again(ctx context.Context, guid string) error {
	event, body, ok, err := d.s.queue.Payload(ctx, guid)
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("the delivery's body is not kept any more")
	}
	return d.s.server.Again(ctx, guid, event, body)
}

func (d adminDesk) Fetch(ctx context.Context, id int64) error {
	app, err := adminHost(d).app()
	if err != nil {
		return err
	}
	sent, body, err := app.Attempt(ctx, id)
	if err != nil {
		return err
	}
	return d.s.server.Take(ctx, sent, body)
}
