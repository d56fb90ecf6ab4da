package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	gogithub "github.com/google/go-github/v60/github"

	"github.com/lighterman/lighterman/internal/forge"
)

// issuePages is how many pages of a hundred are looked through for an issue of ours. GitHub lists pull requests among them.
const issuePages = 5

// Dashboard reads an issue of ours: one request by its number. To find it, the App's login is asked for, once in a process,
// and what the App opened in the repository is listed, the newest first.
func (a *App) Dashboard(ctx context.Context, repo forge.Repo, number int, marker string) (*forge.Issue, error) {
	b, ctx, err := a.bulletin(ctx, repo)
	if err != nil {
		return nil, err
	}
	if number == 0 {
		issue, err := b.find(ctx, marker)
		return issue, doing(unissued(err), "look for the dashboard of %s", repo)
	}
	issue, _, err := b.client.Issues.Get(ctx, repo.Owner, repo.Name, number)
	if err = meaning(err); errors.Is(err, forge.ErrGone) {
		return nil, nil
	}
	if err != nil {
		return nil, doing(unissued(err), "read the dashboard of %s, #%d", repo, number)
	}
	return issueOf(issue), nil
}

// SetDashboard writes an issue: one request. One whose outcome is unknown is not repeated: the next Dashboard shows what became
// of it.
func (a *App) SetDashboard(ctx context.Context, repo forge.Repo, number int, to forge.IssueDraft) (opened int, err error) {
	b, ctx, err := a.bulletin(ctx, repo)
	if err != nil {
		return 0, err
	}
	if number == 0 {
		issue, _, err := b.client.Issues.Create(ctx, repo.Owner, repo.Name, &gogithub.IssueRequest{Title: &to.Title, Body: &to.Body})
		return issue.GetNumber(), doing(unissued(err), "open the dashboard of %s", repo)
	}
	in := &gogithub.IssueRequest{Body: &to.Body}
	if to.Close {
		in.State, in.StateReason = gogithub.String("closed"), gogithub.String("not_planned")
	}
	_, _, err = b.client.Issues.Edit(ctx, repo.Owner, repo.Name, number, in)
	return 0, doing(unissued(err), "write the dashboard of %s, #%d", repo, number)
}

// A bulletin is where the issues of a repository are.
type bulletin struct {
	*installation
	repo forge.Repo
}

func (a *App) bulletin(ctx context.Context, repo forge.Repo) (bulletin, context.Context, error) {
	i, err := a.installation(repo)
	return bulletin{i, repo}, with(about(ctx, repo.Name), posts), err
}

// unissued wraps ErrForbidden around the answers of a repository that has no issues, or none for us.
func unissued(err error) error {
	var no *gogithub.ErrorResponse
	if errors.As(err, &no) && !errors.As(err, new(*forge.LimitError)) &&
		slices.Contains([]int{http.StatusForbidden, http.StatusNotFound, http.StatusGone}, no.Response.StatusCode) {
		return fmt.Errorf("%w: %w", forge.ErrForbidden, err)
	}
	return meaning(err)
}

// find is the oldest open issue of ours with a marker, else the newest closed one.
func (b bulletin) find(ctx context.Context, marker string) (*forge.Issue, error) {
	login, err := b.login(ctx)
	if err != nil {
		return nil, err
	}
	var found *forge.Issue
	err = pages(issuePages, func(o gogithub.ListOptions) (*gogithub.Response, error) {
		page, res, err := b.client.Issues.ListByRepo(ctx, b.repo.Owner, b.repo.Name, &gogithub.IssueListByRepoOptions{
			State: "all", Creator: login, Sort: "created", Direction: "desc", ListOptions: o,
		})
		for _, one := range page {
			issue := issueOf(one)
			marked := strings.HasSuffix(strings.TrimSpace(issue.Body), marker)
			if !one.IsPullRequest() && marked && (issue.Open || found == nil) {
				found = issue
			}
		}
		return res, err
	})
	return found, err
}

func issueOf(i *gogithub.Issue) *forge.Issue {
	return &forge.Issue{Number: i.GetNumber(), Open: i.GetState() == "open", Body: i.GetBody()}
}

const viewerQuery = `query Viewer { viewer { login } }`

// login is the App's, as it opens issues.
func (b bulletin) login(ctx context.Context) (string, error) {
	b.app.mu.Lock()
	known := b.app.bot
	b.app.mu.Unlock()
	if known != "" {
		return known, nil
	}
	var data struct{ Viewer struct{ Login string } }
	if err := b.query(ctx, viewerQuery, map[string]any{}, &data); err != nil {
		return "", unseen(err)
	}
	b.app.mu.Lock()
	defer b.app.mu.Unlock()
	b.app.bot = bare(data.Viewer.Login) + "[bot]"
	return b.app.bot, nil
}
