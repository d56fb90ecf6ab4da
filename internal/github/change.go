package github

import (
	"context"
	"fmt"
	"strconv"

	gogithub "github.com/google/go-github/v60/github"

	"github.com/lighterman/lighterman/internal/forge"
)

const (
	// pageSize is the largest page that GitHub gives, REST and GraphQL alike.
	pageSize = 100
	// maxFiles is how many files of a pull request GitHub lists (operation list-pull-requests-files).
	maxFiles = 3000
)

// changeQuery reads all but the patches. fullDatabaseId is asked for because ids of comments outgrew GraphQL's Int.
const changeQuery = `query Change($owner: String!, $name: String!, $number: Int!, $threads: String, $reviews: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      state isDraft headRefOid baseRefOid changedFiles viewerDidAuthor
      author { __typename login }
      reviewThreads(first: 100, after: $threads) {
        pageInfo { hasNextPage endCursor }
        nodes {
          id path line isOutdated isResolved viewerCanResolve
          resolvedBy { login }
          comments(first: 100) { pageInfo { hasNextPage endCursor } nodes { ...spoken } }
        }
      }
      reviews(first: 100, after: $reviews) {
        pageInfo { hasNextPage endCursor }
        nodes { id fullDatabaseId body state viewerDidAuthor commit { oid } }
      }
    }
  }
}` + spokenFragment

const commentsQuery = `query Comments($thread: ID!, $after: String) {
  node(id: $thread) {
    ... on PullRequestReviewThread {
      comments(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes { ...spoken } }
    }
  }
}` + spokenFragment

const spokenFragment = `
fragment spoken on PullRequestReviewComment {
  id fullDatabaseId body viewerDidAuthor minimizedReason
  author { __typename login }
}`

type pageInfo struct {
	HasNextPage bool
	EndCursor   string
}

type actor struct {
	Typename string `json:"__typename"`
	Login    string
}

// login is the name as the REST interface shows it; GraphQL leaves "[bot]" out. Deleted accounts are nil and have none.
func (a *actor) login() string {
	switch {
	case a == nil:
		return ""
	case a.Typename == "Bot":
		return a.Login + "[bot]"
	}
	return a.Login
}

type commentPage struct {
	PageInfo pageInfo
	Nodes    []struct {
		ID              string
		FullDatabaseID  string
		Body            string
		ViewerDidAuthor bool
		MinimizedReason string
		Author          *actor
	}
}

type threadPage struct {
	PageInfo pageInfo
	Nodes    []struct {
		ID               string
		Path             string
		Line             int
		IsOutdated       bool
		IsResolved       bool
		ViewerCanResolve bool
		ResolvedBy       *actor
		Comments         commentPage
	}
}

type reviewPage struct {
	PageInfo pageInfo
	Nodes    []struct {
		ID              string
		FullDatabaseID  string
		Body            string
		State           string
		ViewerDidAuthor bool
		Commit          *struct{ Oid string }
	}
}

type pullRequest struct {
	State           string
	IsDraft         bool
	HeadRefOid      string
	BaseRefOid      string
	ChangedFiles    int
	ViewerDidAuthor bool
	Author          *actor
	ReviewThreads   threadPage
	Reviews         reviewPage
}

// Change reads a pull request: one GraphQL query for each hundred threads or reviews and one REST request for each
// hundred files. Reviews that are pending are left out: they are nobody's words yet.
func (a *App) Change(ctx context.Context, ref forge.Ref) (*forge.Change, error) {
	i, err := a.installation(ref.Repo)
	if err != nil {
		return nil, err
	}
	c, err := i.change(about(ctx, ref.Repo.Name), ref)
	return c, doing(err, "read pull request %s", ref)
}

func (i *installation) change(ctx context.Context, ref forge.Ref) (*forge.Change, error) {
	p, err := i.pull(ctx, ref, "", "")
	if err != nil {
		return nil, err
	}
	c := &forge.Change{
		Ref: ref, Open: p.State == "OPEN", Draft: p.IsDraft, Author: p.Author.login(), Ours: p.ViewerDidAuthor,
		Base: p.BaseRefOid, Head: p.HeadRefOid,
	}
	if err := i.said(ctx, c, p); err != nil {
		return nil, err
	}
	if c.Files, err = i.files(ctx, ref); err != nil {
		return nil, err
	}
	c.Truncated = len(c.Files) < p.ChangedFiles
	return c, nil
}

// pull is one page of threads and reviews with the pull request they belong to.
func (i *installation) pull(ctx context.Context, ref forge.Ref, threads, reviews string) (*pullRequest, error) {
	var data struct {
		Repository *struct{ PullRequest *pullRequest }
	}
	err := i.query(ctx, changeQuery, map[string]any{
		"owner": ref.Repo.Owner, "name": ref.Repo.Name, "number": ref.Number,
		"threads": cursor(threads), "reviews": cursor(reviews),
	}, &data)
	if err != nil {
		return nil, gone(err)
	}
	if data.Repository == nil || data.Repository.PullRequest == nil {
		return nil, fmt.Errorf("GraphQL knows no such pull request: %w", forge.ErrGone)
	}
	return data.Repository.PullRequest, nil
}

func cursor(at string) any {
	if at == "" {
		return nil
	}
	return at
}

// said fills in the threads and reviews of ours, reading on while there are pages of either.
func (i *installation) said(ctx context.Context, c *forge.Change, p *pullRequest) error {
	for {
		if err := i.addThreads(ctx, c, p.ReviewThreads); err != nil {
			return err
		}
		if err := addReviews(c, p.Reviews); err != nil {
			return err
		}
		threads, reviews := p.ReviewThreads.PageInfo, p.Reviews.PageInfo
		if !threads.HasNextPage && !reviews.HasNextPage {
			return nil
		}
		var err error
		if p, err = i.pull(ctx, c.Ref, threads.EndCursor, reviews.EndCursor); err != nil {
			return err
		}
	}
}

func (i *installation) addThreads(ctx context.Context, c *forge.Change, page threadPage) error {
	for _, n := range page.Nodes {
		if len(n.Comments.Nodes) == 0 || !n.Comments.Nodes[0].ViewerDidAuthor {
			continue
		}
		t := forge.Thread{
			ID: n.ID, Path: n.Path, Line: n.Line, Outdated: n.IsOutdated, Resolved: n.IsResolved,
			ResolvedBy: n.ResolvedBy.login(), CanResolve: n.ViewerCanResolve,
			Hidden: n.Comments.Nodes[0].MinimizedReason,
		}
		var err error
		if t.Comments, err = i.comments(ctx, n.ID, n.Comments); err != nil {
			return err
		}
		c.Threads = append(c.Threads, t)
	}
	return nil
}

// comments are all comments of a thread, of which the first page was read.
func (i *installation) comments(ctx context.Context, thread string, page commentPage) ([]forge.Comment, error) {
	var all []forge.Comment
	for {
		for _, n := range page.Nodes {
			id, err := strconv.ParseInt(n.FullDatabaseID, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("comment %s has the id %q: %w", n.ID, n.FullDatabaseID, err)
			}
			all = append(all, forge.Comment{
				ID: id, NodeID: n.ID, Author: n.Author.login(), Ours: n.ViewerDidAuthor, Body: n.Body,
			})
		}
		if !page.PageInfo.HasNextPage {
			return all, nil
		}
		var data struct {
			Node struct{ Comments commentPage }
		}
		err := i.query(ctx, commentsQuery, map[string]any{"thread": thread, "after": page.PageInfo.EndCursor}, &data)
		if err != nil {
			return nil, err
		}
		page = data.Node.Comments
	}
}

func addReviews(c *forge.Change, page reviewPage) error {
	for _, n := range page.Nodes {
		if !n.ViewerDidAuthor || n.State == "PENDING" {
			continue
		}
		id, err := strconv.ParseInt(n.FullDatabaseID, 10, 64)
		if err != nil {
			return fmt.Errorf("review %s has the id %q: %w", n.ID, n.FullDatabaseID, err)
		}
		r := forge.Review{ID: id, NodeID: n.ID, Body: n.Body}
		if n.Commit != nil { // nil when the commit was collected as garbage
			r.Commit = n.Commit.Oid
		}
		c.Reviews = append(c.Reviews, r)
	}
	return nil
}

// files is the REST file list, page by page to the most that GitHub lists.
func (i *installation) files(ctx context.Context, ref forge.Ref) ([]forge.ChangedFile, error) {
	var all []forge.ChangedFile
	o := &gogithub.ListOptions{Page: 1, PerPage: pageSize}
	for o.Page != 0 && len(all) < maxFiles {
		page, res, err := i.client.PullRequests.ListFiles(ctx, ref.Repo.Owner, ref.Repo.Name, ref.Number, o)
		if err != nil {
			return nil, meaning(err)
		}
		for _, f := range page {
			all = append(all, changedFile(f))
		}
		o.Page = res.NextPage
	}
	return all, nil
}

func changedFile(f *gogithub.CommitFile) forge.ChangedFile {
	c := forge.ChangedFile{
		Path: f.GetFilename(), OldPath: f.GetPreviousFilename(), Status: forge.Modified, Patch: f.GetPatch(),
		Lines: f.GetChanges(),
	}
	switch s := forge.Status(f.GetStatus()); s {
	case forge.Added, forge.Removed, forge.Renamed, forge.Copied:
		c.Status = s
	}
	return c
}

// Head re-reads the head with one request.
func (a *App) Head(ctx context.Context, ref forge.Ref) (commit string, open bool, err error) {
	i, err := a.installation(ref.Repo)
	if err != nil {
		return "", false, err
	}
	commit, open, err = i.head(about(ctx, ref.Repo.Name), ref)
	return commit, open, doing(err, "read the head of %s", ref)
}

func (i *installation) head(ctx context.Context, ref forge.Ref) (commit string, open bool, err error) {
	p, _, err := i.client.PullRequests.Get(ctx, ref.Repo.Owner, ref.Repo.Name, ref.Number)
	return p.GetHead().GetSHA(), p.GetState() == "open", meaning(err)
}
