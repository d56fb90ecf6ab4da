package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gogithub "github.com/google/go-github/v60/github"

	"github.com/lighterman/lighterman/internal/forge"
)

const (
	// newest is how many open pull requests of a repository are looked at when it comes within reach, the newest first.
	newest = 30
	// maxArrived bounds the repositories looked at for one webhook. One request each; an hour has 5000.
	maxArrived = 1000
	// maxListed is how many pages of repositories are read of one installation, a hundred a page.
	maxListed = 1000
)

// An Arrival is repositories that came within the App's reach.
type Arrival struct {
	Installation int64
	Repos        []forge.Repo // nil is all of the installation's
}

// DecodeArrival reads a webhook that tells of one: the App was installed, let in again, or given repositories. ok is
// false for every other webhook.
func DecodeArrival(event string, payload []byte) (a Arrival, ok bool, err error) {
	var h struct {
		Action       string
		Installation struct{ ID int64 }
		Added        []struct {
			FullName string `json:"full_name"`
		} `json:"repositories_added"`
	}
	if event != "installation" && event != "installation_repositories" {
		return a, false, nil
	}
	if err := json.Unmarshal(payload, &h); err != nil {
		return a, false, fmt.Errorf("decode webhook %s: %w", event, err)
	}
	a.Installation = h.Installation.ID
	switch event + " " + h.Action {
	case "installation created", "installation unsuspend":
		return a, a.Installation != 0, nil
	case "installation_repositories added":
	default:
		return a, false, nil
	}
	for _, r := range h.Added {
		owner, name, _ := strings.Cut(r.FullName, "/")
		if githubName.MatchString(owner) && githubName.MatchString(name) {
			a.Repos = append(a.Repos, forge.Repo{Installation: a.Installation, Owner: owner, Name: name})
		}
	}
	return a, a.Installation != 0 && len(a.Repos) > 0, nil
}

// Arrived hands the newest open pull requests of an arrival's repositories to take, one repository after the other. It
// waits while GitHub asks to. A repository that is gone by then is passed over.
func (a *App) Arrived(ctx context.Context, what Arrival, take func(context.Context, ...forge.Ref) error) error {
	i, err := a.installation(forge.Repo{Installation: what.Installation})
	if err != nil {
		return err
	}
	repos := what.Repos
	if repos == nil {
		err := i.patiently(ctx, func() (err error) { repos, err = i.repos(ctx); return err })
		if err != nil {
			return doing(err, "list the repositories of installation %d", what.Installation)
		}
	}
	if len(repos) > maxArrived {
		a.options.Logger.Warn("not all of the repositories are looked at", "installation", what.Installation,
			"repositories", len(repos), "looked_at", maxArrived)
		repos = repos[:maxArrived]
	}
	for _, repo := range repos {
		var refs []forge.Ref
		err := i.patiently(ctx, func() (err error) { refs, err = i.open(ctx, repo); return err })
		switch {
		case errors.Is(err, forge.ErrGone) || err == nil && len(refs) == 0:
		case err != nil:
			return doing(err, "list the pull requests of %s", repo)
		default:
			if err := take(ctx, refs...); err != nil {
				return err
			}
		}
	}
	return nil
}

// patiently repeats what a limit stopped, when it is over.
func (i *installation) patiently(ctx context.Context, do func() error) error {
	for {
		err := do()
		var limit *forge.LimitError
		if !errors.As(err, &limit) {
			return err
		}
		clock := i.app.options.Clock
		if err := clock.Sleep(ctx, max(limit.Until.Sub(clock.Now()), time.Second)); err != nil {
			return err
		}
	}
}

// repos are the installation's repositories, at most one more than maxArrived.
func (i *installation) repos(ctx context.Context) ([]forge.Repo, error) {
	var all []forge.Repo
	err := i.listed(ctx, func(r *gogithub.Repository) error {
		all = append(all, forge.Repo{Installation: i.id, Owner: r.GetOwner().GetLogin(), Name: r.GetName()})
		if len(all) > maxArrived {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return all, err
}

var errEnough = errors.New("enough")

// listed hands the installation's repositories to each, one after the other, until that returns an error. Its token is not
// narrowed to one of them and may read nothing but their names.
func (i *installation) listed(ctx context.Context, each func(*gogithub.Repository) error) error {
	apps := ghinstallation.NewAppsTransportFromPrivateKey(i.gate, i.app.options.AppID, i.app.key)
	apps.BaseURL = strings.TrimSuffix(i.app.rest.String(), "/")
	source := ghinstallation.NewFromAppsTransport(apps, i.id)
	source.InstallationTokenOptions = &gogithub.InstallationTokenOptions{
		Permissions: &gogithub.InstallationPermissions{Metadata: gogithub.String("read")},
	}
	chain := &replay{clock: i.app.options.Clock, next: source}
	client := gogithub.NewClient(&http.Client{Transport: chain, CheckRedirect: stay})
	client.BaseURL, client.UserAgent = i.app.rest, "lighterman"
	return pages(maxListed, func(o gogithub.ListOptions) (*gogithub.Response, error) {
		page, res, err := client.Apps.ListRepos(ctx, &o)
		if err != nil {
			return nil, i.unreachable(err)
		}
		for _, r := range page.Repositories {
			if err := each(r); err != nil {
				return nil, err
			}
		}
		return res, nil
	})
}

// Repositories hands every repository of every installation to each, as far as the listing tells of it: one request for a
// hundred of them. Their Head, Tree and Subjects are not filled in. An installation that is gone by then is passed over.
// The first error of each ends it.
func (a *App) Repositories(ctx context.Context, each func(forge.Repository) error) error {
	all, err := a.Installations(ctx)
	if err != nil {
		return err
	}
	for _, installation := range all {
		err := a.RepositoriesOf(ctx, installation, each)
		if err != nil && !errors.Is(err, forge.ErrGone) {
			return err
		}
	}
	return nil
}

// RepositoriesOf is Repositories for one installation.
func (a *App) RepositoriesOf(ctx context.Context, installation int64, each func(forge.Repository) error) error {
	i, err := a.installation(forge.Repo{Installation: installation})
	if err != nil {
		return err
	}
	err = i.listed(ctx, func(r *gogithub.Repository) error {
		return each(forge.Repository{
			Repo: forge.Repo{Installation: installation, Owner: r.GetOwner().GetLogin(), Name: r.GetName()}, ID: r.GetNodeID(),
			Branch: r.GetDefaultBranch(), Archived: r.GetArchived(), Disabled: r.GetDisabled(), Fork: r.GetFork(),
			Mirror: r.GetMirrorURL() != "", Private: r.GetPrivate(),
		})
	})
	return doing(err, "list the repositories of installation %d", installation)
}

// unreachable gives an error its meaning when the token itself may be what was refused.
func (i *installation) unreachable(err error) error {
	if text, status := refusedToken(err); status != 0 {
		return tokenError(err, status, text)
	}
	return meaning(err)
}

// open are the newest open pull requests of a repository.
func (i *installation) open(ctx context.Context, repo forge.Repo) ([]forge.Ref, error) {
	o := &gogithub.PullRequestListOptions{
		State: "open", Sort: "created", Direction: "desc", ListOptions: gogithub.ListOptions{PerPage: newest},
	}
	list, _, err := i.client.PullRequests.List(about(ctx, repo.Name), repo.Owner, repo.Name, o)
	if err != nil {
		return nil, meaning(err)
	}
	refs := make([]forge.Ref, len(list))
	for n, p := range list {
		refs[n] = forge.Ref{Repo: repo, Number: p.GetNumber()}
	}
	return refs, nil
}
