package github

import (
	"context"
	"net/http"
	"strings"

	"github.com/bradleyfalzon/ghinstallation/v2"
	gogithub "github.com/google/go-github/v60/github"

	"github.com/lighterman/lighterman/internal/forge"
)

const (
	// maxOpenPages bounds the open pull requests listed of one repository, a hundred a page.
	maxOpenPages = 10
	// maxPages bounds the installations, and the repositories of one, that are looked at.
	maxPages = 100
)

// Installations are the App's installations that are not suspended.
func (a *App) Installations(ctx context.Context) ([]int64, error) {
	client := a.itself()
	var all []int64
	err := pages(maxPages, func(o gogithub.ListOptions) (*gogithub.Response, error) {
		page, res, err := client.Apps.ListInstallations(ctx, &o)
		for _, i := range page {
			if i.SuspendedAt == nil {
				all = append(all, i.GetID())
			}
		}
		return res, meaning(err)
	})
	return all, doing(err, "list the installations")
}

// pages calls list for one page after the other until there is no more, or too many.
func pages(most int, list func(gogithub.ListOptions) (*gogithub.Response, error)) error {
	for o := (gogithub.ListOptions{Page: 1, PerPage: pageSize}); o.Page != 0 && o.Page <= most; {
		res, err := list(o)
		if err != nil {
			return err
		}
		o.Page = res.NextPage
	}
	return nil
}

// Active are the repositories of an installation that may have open pull requests and in which check runs can be written,
// always in the same order. GitHub counts pull requests among the issues, but not where issues are switched off.
func (a *App) Active(ctx context.Context, installation int64) ([]forge.Repo, error) {
	i, err := a.installation(forge.Repo{Installation: installation})
	if err != nil {
		return nil, err
	}
	client := i.reader(true)
	var all []forge.Repo
	err = pages(maxPages, func(o gogithub.ListOptions) (*gogithub.Response, error) {
		page, res, err := client.Apps.ListRepos(ctx, &o)
		if err != nil {
			return nil, i.unreachable(err)
		}
		for _, r := range page.Repositories {
			if !r.GetArchived() && !r.GetDisabled() && (r.GetOpenIssuesCount() > 0 || !r.GetHasIssues()) {
				all = append(all, forge.Repo{Installation: i.id, Owner: r.GetOwner().GetLogin(), Name: r.GetName()})
			}
		}
		return res, nil
	})
	return all, doing(err, "list the repositories of installation %d", installation)
}

// Open are the open pull requests of a repository, those that changed last first.
func (a *App) Open(ctx context.Context, repo forge.Repo) ([]forge.Head, error) {
	i, err := a.installation(repo)
	if err != nil {
		return nil, err
	}
	client := i.reader(false)
	var all []forge.Head
	err = pages(maxOpenPages, func(o gogithub.ListOptions) (*gogithub.Response, error) {
		page, res, err := client.PullRequests.List(ctx, repo.Owner, repo.Name, &gogithub.PullRequestListOptions{
			State: "open", Sort: "updated", Direction: "desc", ListOptions: o,
		})
		if err != nil {
			return nil, i.unreachable(err)
		}
		for _, p := range page {
			ref := forge.Ref{Repo: repo, Number: p.GetNumber()}
			all = append(all, forge.Head{Ref: ref, Commit: p.GetHead().GetSHA()})
		}
		return res, nil
	})
	return all, doing(err, "list the open pull requests of %s", repo)
}

// reader is a client whose token reads the pull requests of all of the installation's repositories, and nothing else: one
// token for a look at all of them, which begins with a fresh one.
func (i *installation) reader(fresh bool) *gogithub.Client {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.wide != nil && !fresh {
		return i.wide
	}
	apps := ghinstallation.NewAppsTransportFromPrivateKey(i.gate, i.app.options.AppID, i.app.key)
	apps.BaseURL = strings.TrimSuffix(i.app.rest.String(), "/")
	source := ghinstallation.NewFromAppsTransport(apps, i.id)
	read := gogithub.String("read")
	source.InstallationTokenOptions = &gogithub.InstallationTokenOptions{
		Permissions: &gogithub.InstallationPermissions{Metadata: read, PullRequests: read},
	}
	chain := &replay{clock: i.app.options.Clock, next: source}
	i.wide = gogithub.NewClient(&http.Client{Transport: chain, CheckRedirect: stay})
	i.wide.BaseURL, i.wide.UserAgent = i.app.rest, "lighterman"
	return i.wide
}
