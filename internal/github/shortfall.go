package github

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gogithub "github.com/google/go-github/v60/github"
)

// itself is a client that speaks as the App, not as one of its installations.
func (a *App) itself() *gogithub.Client {
	apps := ghinstallation.NewAppsTransportFromPrivateKey(a.gate, a.options.AppID, a.key)
	apps.BaseURL = strings.TrimSuffix(a.rest.String(), "/")
	chain := &replay{clock: a.options.Clock, next: apps}
	client := gogithub.NewClient(&http.Client{Transport: chain, CheckRedirect: stay})
	client.BaseURL, client.UserAgent = a.rest, "lighterman"
	return client
}

// stay follows no redirect: the transport would sign in wherever it leads.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// registered is what GitHub says about the App. go-github knows no merge queues, so it is read here.
type registered struct {
	Slug  string
	Owner struct {
		Login string
		Type  string
	}
	Permissions map[string]string
	Events      []string
}

// shortfallPatience bounds a look at the App, so that one that hangs is not waited for.
const shortfallPatience = 20 * time.Second

// Shortfalls compares how the App is registered with what it needs. Each is a sentence for people that ends in the page
// where it is put right. hook is the address at which webhooks are taken; "" leaves the webhook's out.
func (a *App) Shortfalls(ctx context.Context, hook string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, shortfallPatience)
	defer cancel()
	client := a.itself()
	req, err := client.NewRequest(http.MethodGet, "app", nil)
	if err != nil {
		return nil, doing(err, "look at the App")
	}
	var got registered
	if _, err := client.Do(ctx, req, &got); err != nil {
		return nil, doing(meaning(err), "look at the App")
	}
	config, _, err := client.Apps.GetHookConfig(ctx)
	if err != nil {
		return nil, doing(meaning(err), "look at the App's webhook")
	}
	site, err := Site(a.options.BaseURL)
	if err != nil {
		return nil, err
	}
	settings := site + got.settings()
	return append(lacking(got, settings), misled(config, hook, settings)...), nil
}

// settings is the path of the App's settings.
func (r registered) settings() string {
	if r.Owner.Type == "Organization" {
		return "/organizations/" + r.Owner.Login + "/settings/apps/" + r.Slug
	}
	return "/settings/apps/" + r.Slug
}

// lacking names the permissions and events that the App does not have.
func lacking(got registered, settings string) []string {
	var all []string
	for _, n := range needs() {
		if !suffices(got.Permissions[n.permission], n.least) {
			all = append(all, fmt.Sprintf("the App lacks the permission %s: %s (%s); set it at %s/permissions",
				n.permission, n.least, n.purpose, settings))
			continue // its events cannot be subscribed before that
		}
		for _, e := range n.events {
			if !slices.Contains(got.Events, e) {
				all = append(all, fmt.Sprintf("the App is not subscribed to the event %s (%s); set it at %s/permissions",
					e, n.purpose, settings))
			}
		}
	}
	return all
}

// suffices reports whether a level of a permission includes another.
func suffices(has, least string) bool {
	levels := []string{"", "read", "write", "admin"}
	return slices.Index(levels, has) >= slices.Index(levels, least)
}

// misled says why the App's webhooks do not arrive.
func misled(config *gogithub.HookConfig, hook, settings string) []string {
	var all []string
	say := func(format string, args ...any) {
		all = append(all, fmt.Sprintf(format, args...)+"; set it at "+settings)
	}
	if at := config.GetURL(); hook != "" && strings.TrimSuffix(at, "/") != hook {
		say("the App's webhooks go to %q, and are taken at %s", at, hook)
	}
	if config.GetSecret() == "" {
		say("the App's webhook has no secret, so what it sends is refused")
	}
	if kind := config.GetContentType(); kind != "" && kind != "json" {
		say("the App's webhook has the content type %s; only json is taken", kind)
	}
	return all
}
