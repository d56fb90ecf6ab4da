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

// issueQuery reads an issue. One that was moved to another repository is not there any more.
const issueQuery = `query Issue($owner: String!, $name: String!, $number: Int!) {
  viewer { login }
  repository(owner: $owner, name: $name) {
    issue(number: $number) { number state body viewerDidAuthor editor { __typename login } }
  }
}`

type issueNode struct {
	Number          int
	State           string
	Body            string
	ViewerDidAuthor bool
	Editor          *actor
}

func (n *issueNode) issue(viewer string) *forge.Issue {
	i := &forge.Issue{Number: n.Number, Open: n.State == "OPEN", Body: n.Body}
	if by := n.Editor.login(); !strings.EqualFold(bare(by), bare(viewer)) {
		i.Editor = by
	}
	return i
}

// Dashboard reads an issue of ours: one GraphQL query by its number. To find that, the App's login is asked for, once in a
// process, and what the App opened in the repository is listed, the newest first.
func (a *App) Dashboard(ctx context.Context, repo forge.Repo, number int, marker string) (*forge.Issue, error) {
	b, ctx, err := a.bulletin(ctx, repo)
	if err != nil {
		return nil, err
	}
	if number == 0 {
		if number, err = b.find(ctx, marker); err != nil || number == 0 {
			return nil, doing(unissued(err), "look for the dashboard of %s", repo)
		}
	}
	issue, err := b.read(ctx, number)
	return issue, doing(err, "read the dashboard of %s, #%d", repo, number)
}

func (b bulletin) read(ctx context.Context, number int) (*forge.Issue, error) {
	var data struct {
		Viewer     struct{ Login string }
		Repository *struct{ Issue *issueNode }
	}
	err := gone(b.query(ctx, issueQuery, map[string]any{"owner": b.repo.Owner, "name": b.repo.Name, "number": number}, &data))
	switch {
	case errors.Is(err, forge.ErrGone):
		return nil, nil
	case err != nil:
		return nil, unissued(err)
	case data.Repository == nil || data.Repository.Issue == nil || !data.Repository.Issue.ViewerDidAuthor:
		return nil, nil
	}
	return data.Repository.Issue.issue(data.Viewer.Login), nil
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
	var all problems
	if errors.As(err, &all) && slices.ContainsFunc(all, func(p graphqlProblem) bool { return p.Type == "FORBIDDEN" }) {
		return fmt.Errorf("%w: %w", forge.ErrForbidden, err)
	}
	var no *gogithub.ErrorResponse
	if errors.As(err, &no) && !errors.As(err, new(*forge.LimitError)) &&
		slices.Contains([]int{http.StatusForbidden, http.StatusNotFound, http.StatusGone}, no.Response.StatusCode) {
		return fmt.Errorf("%w: %w", forge.ErrForbidden, err)
	}
	return meaning(err)
}

// find is the number of the oldest open issue of ours with a marker, else of the newest closed one; 0 when there is none.
func (b bulletin) find(ctx context.Context, marker string) (found int, err error) {
	login, err := b.login(ctx)
	if err != nil {
		return 0, err
	}
	err = pages(issuePages, func(o gogithub.ListOptions) (*gogithub.Response, error) {
		page, res, err := b.client.Issues.ListByRepo(ctx, b.repo.Owner, b.repo.Name, &gogithub.IssueListByRepoOptions{
			State: "all", Creator: login, Sort: "created", Direction: "desc", ListOptions: o,
		})
		for _, one := range page {
			marked := strings.HasSuffix(strings.TrimSpace(one.GetBody()), marker)
			if !one.IsPullRequest() && marked && (one.GetState() == "open" || found == 0) {
				found = one.GetNumber()
			}
		}
		return res, err
	})
	return found, err
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
