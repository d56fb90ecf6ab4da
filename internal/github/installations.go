package github

import (
	"context"

	gogithub "github.com/google/go-github/v60/github"

	"github.com/lighterman/lighterman/internal/forge"
)

// maxShown is how many pages of installations, or of the repositories of one, are shown to people.
const maxShown = 10

// Accounts are the App's installations, at most a thousand, as they are shown to people.
func (a *App) Accounts(ctx context.Context) ([]forge.Installation, error) {
	client := a.itself()
	var all []forge.Installation
	err := pages(maxShown, func(o gogithub.ListOptions) (*gogithub.Response, error) {
		page, res, err := client.Apps.ListInstallations(ctx, &o)
		for _, i := range page {
			all = append(all, forge.Installation{
				ID: i.GetID(), Account: i.GetAccount().GetLogin(), Kind: i.GetTargetType(),
				All: i.GetRepositorySelection() == "all", Suspended: i.SuspendedAt != nil, Page: i.GetHTMLURL(),
			})
		}
		return res, meaning(err)
	})
	return all, doing(err, "list the installations")
}

// Reached are the repositories that an installation reaches, at most a thousand.
func (a *App) Reached(ctx context.Context, installation int64) ([]forge.Listed, error) {
	i, err := a.installation(forge.Repo{Installation: installation})
	if err != nil {
		return nil, err
	}
	client := i.reader(false)
	var all []forge.Listed
	err = pages(maxShown, func(o gogithub.ListOptions) (*gogithub.Response, error) {
		page, res, err := client.Apps.ListRepos(ctx, &o)
		if err != nil {
			return nil, i.unreachable(err)
		}
		for _, r := range page.Repositories {
			all = append(all, forge.Listed{
				Repo:    forge.Repo{Installation: i.id, Owner: r.GetOwner().GetLogin(), Name: r.GetName()},
				Private: r.GetPrivate(), Archived: r.GetArchived(), Fork: r.GetFork(),
			})
		}
		return res, nil
	})
	return all, doing(err, "list the repositories of installation %d", installation)
}
