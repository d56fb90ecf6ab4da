package github

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

const (
	// pageSize is the largest page that GitHub gives, REST and GraphQL alike.
	pageSize = 100
	// maxFiles is how many files of a pull request GitHub lists (operation list-pull-requests-files).
	maxFiles = 3000
)

// standingQuery reads all but the files; %s is baseQuery. fullDatabaseId is asked for because ids of comments outgrew
// GraphQL's Int. Of each thread only the first comment's thumbs are counted: reactions of every comment would cost a
// hundred times more.
const standingQuery = `query Standing(
  $owner: String!, $name: String!, $number: Int!, $threads: String, $reviews: String, $app: Int!, $check: String!
) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      state isDraft headRefOid baseRefOid changedFiles viewerDidAuthor
      author { __typename login }
      %s
      isCrossRepository headRefName headRepository { name owner { login } }
      recent: commits(last: 10) { nodes { commit { oid message } } }
      commits(last: 1) { nodes { commit {
        oid
        checkSuites(first: 3, filterBy: {appId: $app}) { nodes {
          checkRuns(first: 50, filterBy: {checkName: $check, checkType: ALL}) { nodes { ...checked } }
          newest: checkRuns(first: 1, filterBy: {checkName: $check, checkType: LATEST}) { nodes { ...checked } }
        } }
      } } }
      reviewThreads(first: 100, after: $threads) {
        pageInfo { hasNextPage endCursor }
        nodes {
          id path line isOutdated isResolved viewerCanResolve
          resolvedBy { login }
          top: comments(first: 1) { nodes {
            originalCommit { oid }
            reactions(first: 10, content: THUMBS_DOWN) { nodes { user { login } } }
          } }
          comments(first: 100) { pageInfo { hasNextPage endCursor } nodes { ...spoken } }
        }
      }
      reviews(first: 100, after: $reviews) {
        pageInfo { hasNextPage endCursor }
        nodes {
          id fullDatabaseId body state viewerDidAuthor submittedAt lastEditedAt commit { oid }
          author { __typename login } editor { __typename login }
        }
      }
      comments(last: 50) { pageInfo { hasPreviousPage startCursor } nodes { ...talked } }
    }
  }
}
fragment checked on CheckRun { databaseId status conclusion externalId annotations(first: 1) { totalCount } }
` + spokenFragment + talkedFragment

// baseQuery asks for the tip of the base branch and the blobs of some of its files. GitHub answers null for one that is
// not there (its own mobile client asks so whether a file exists), and for the branch when that is gone.
func baseQuery(names []string) string {
	var files strings.Builder
	for n, name := range names {
		fmt.Fprintf(&files, " f%d: file(path: %q) { oid }", n, name)
	}
	if len(names) > 0 {
		fmt.Fprintf(&files, " ")
	}
	return "baseRef { target { oid ... on Commit {" + cmp.Or(files.String(), " id ") + "} } }"
}

type threadPage struct {
	PageInfo pageInfo
	Nodes    []struct {
		Top struct {
			Nodes []struct {
				OriginalCommit *struct{ Oid string }
				Reactions      struct{ Nodes []struct{ User *actor } }
			}
		}
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
	Nodes    []reviewNode
}

type reviewNode struct {
	ID              string
	FullDatabaseID  string
	Body            string
	State           string
	ViewerDidAuthor bool
	SubmittedAt     time.Time
	LastEditedAt    *time.Time
	Author          *actor
	Editor          *actor
	Commit          *struct{ Oid string }
}

type pullRequest struct {
	State             string
	IsDraft           bool
	HeadRefOid        string
	BaseRefOid        string
	ChangedFiles      int
	ViewerDidAuthor   bool
	Author            *actor
	BaseRef           *struct{ Target map[string]json.RawMessage }
	IsCrossRepository bool
	HeadRefName       string
	HeadRepository    *struct {
		Name  string
		Owner struct{ Login string }
	}
	Recent struct {
		Nodes []struct{ Commit struct{ Oid, Message string } }
	}
	Commits       struct{ Nodes []struct{ Commit tipCommit } }
	ReviewThreads threadPage
	Reviews       reviewPage
	Comments      commentPage
}

// A tipCommit is the newest commit of a pull request, with our check runs.
type tipCommit struct {
	Oid         string
	CheckSuites *struct {
		Nodes []struct {
			CheckRuns, Newest struct{ Nodes []checkNode }
		}
	}
}

// A checkNode is one of our check runs.
type checkNode struct {
	DatabaseID  int64
	Status      string
	Conclusion  string
	ExternalID  string
	Annotations *struct{ TotalCount int }
}

// Standing reads how a pull request stands: one GraphQL query for each hundred threads or reviews. Reviews that are
// pending are left out: they are nobody's words yet.
func (a *App) Standing(ctx context.Context, ref forge.Ref) (*forge.Standing, error) {
	i, err := a.installation(ref.Repo)
	if err != nil {
		return nil, err
	}
	read := i.standing
	if ref.Group != "" {
		read = i.groupStanding
	}
	s, err := read(about(ctx, ref.Repo.Name), ref)
	return s, doing(err, "read pull request %s", ref)
}

func (i *installation) standing(ctx context.Context, ref forge.Ref) (*forge.Standing, error) {
	push, err := i.mayPush(ctx, ref.Repo)
	if err != nil {
		return nil, err
	}
	p, checkless, err := i.pull(ctx, ref, "", "")
	if err != nil {
		return nil, err
	}
	s := &forge.Standing{
		Ref: ref, Open: p.State == "OPEN", Draft: p.IsDraft, Author: p.Author.login(), Bot: p.Author != nil && p.Author.Typename == "Bot",
		Ours: p.ViewerDidAuthor, Base: p.BaseRefOid, Head: p.HeadRefOid, Branch: p.HeadRefName, Fork: p.IsCrossRepository,
		Count: p.ChangedFiles, Checkless: checkless, Pushless: !push,
	}
	i.base(s, p)
	if r := p.HeadRepository; r != nil {
		s.Source = &forge.Repo{Owner: r.Owner.Login, Name: r.Name}
	}
	for _, n := range p.Recent.Nodes {
		s.Recent = append(s.Recent, forge.Commit{ID: n.Commit.Oid, Branch: p.HeadRefName, Message: n.Commit.Message})
	}
	s.Checks = p.checks()
	if s.Comments, err = i.talk(ctx, ref, p.Comments); err != nil {
		return nil, err
	}
	err = i.said(ctx, ref, s, p)
	slices.SortStableFunc(s.Comments, func(a, b forge.Comment) int { return a.Made.Compare(b.Made) })
	return s, err
}

// base fills in what was read of the base branch's tip. Where GitHub does not tell, Base is what it was when the pull
// request was last pushed to.
func (i *installation) base(s *forge.Standing, p *pullRequest) {
	var tip string
	if p.BaseRef == nil || json.Unmarshal(p.BaseRef.Target["oid"], &tip) != nil || !commitSHA.MatchString(tip) {
		return
	}
	s.Base, s.Settings = tip, map[string]string{}
	for n, name := range i.app.options.Settings {
		var blob *struct{ Oid string }
		if json.Unmarshal(p.BaseRef.Target[fmt.Sprint("f", n)], &blob) != nil {
			s.Settings = nil
			return
		}
		if blob != nil {
			s.Settings[name] = blob.Oid
		}
	}
}

// checks are our check runs on the head. Of more than fifty, which take as many requests to look again, the newest is among
// them whatever the order in which GitHub lists them.
func (p *pullRequest) checks() []forge.CheckRun {
	var all []forge.CheckRun
	for _, n := range p.Commits.Nodes {
		if n.Commit.Oid != p.HeadRefOid || n.Commit.CheckSuites == nil {
			continue
		}
		for _, suite := range n.Commit.CheckSuites.Nodes {
			for _, run := range slices.Concat(suite.CheckRuns.Nodes, suite.Newest.Nodes) {
				all = append(all, run.check())
			}
		}
	}
	sortChecks(all)
	return slices.CompactFunc(all, func(a, b forge.CheckRun) bool { return a.ID == b.ID })
}

func (n checkNode) check() forge.CheckRun {
	key, request := keyOf(n.ExternalID)
	c := forge.CheckRun{
		ID: n.DatabaseID, Key: key, Request: request, Concluded: n.Status == "COMPLETED",
		Conclusion: forge.Conclusion(strings.ToLower(n.Conclusion)),
	}
	if n.Annotations != nil {
		c.Annotations = n.Annotations.TotalCount
	}
	return c
}

// sortChecks puts check runs in the order in which they were made.
func sortChecks(all []forge.CheckRun) {
	slices.SortFunc(all, func(a, b forge.CheckRun) int { return cmp.Compare(a.ID, b.ID) })
}

// pull is one page of threads and reviews with the pull request they belong to. checkless says that check runs are kept
// from us.
func (i *installation) pull(ctx context.Context, ref forge.Ref, threads, reviews string) (
	p *pullRequest, checkless bool, err error) {
	var data struct {
		Repository *struct{ PullRequest *pullRequest }
	}
	document := fmt.Sprintf(standingQuery, baseQuery(i.app.options.Settings))
	err = i.query(ctx, document, map[string]any{
		"owner": ref.Repo.Owner, "name": ref.Repo.Name, "number": ref.Number,
		"threads": cursor(threads), "reviews": cursor(reviews), "app": i.app.options.AppID, "check": checkName,
	}, &data)
	err = without(err, "baseRef")
	if within(err, "checkSuites") {
		checkless, err = true, nil
	}
	if err != nil {
		return nil, false, gone(err)
	}
	if data.Repository == nil || data.Repository.PullRequest == nil {
		return nil, false, fmt.Errorf("GraphQL knows no such pull request: %w", forge.ErrGone)
	}
	return data.Repository.PullRequest, checkless || !i.mayCheck(), nil
}

func cursor(at string) any {
	if at == "" {
		return nil
	}
	return at
}

// said fills in the threads and reviews of ours, reading on while there are pages of either.
func (i *installation) said(ctx context.Context, ref forge.Ref, s *forge.Standing, p *pullRequest) error {
	for {
		if err := i.addThreads(ctx, s, p.ReviewThreads); err != nil {
			return err
		}
		if err := addReviews(s, p.Reviews); err != nil {
			return err
		}
		threads, reviews := p.ReviewThreads.PageInfo, p.Reviews.PageInfo
		if !threads.HasNextPage && !reviews.HasNextPage {
			return nil
		}
		var err error
		if p, _, err = i.pull(ctx, ref, threads.EndCursor, reviews.EndCursor); err != nil {
			return err
		}
	}
}

func (i *installation) addThreads(ctx context.Context, s *forge.Standing, page threadPage) error {
	for _, n := range page.Nodes {
		if len(n.Comments.Nodes) == 0 {
			continue
		}
		ours := n.Comments.Nodes[0].ViewerDidAuthor
		if !ours && !slices.ContainsFunc(n.Comments.Nodes, func(c commentNode) bool { return commanding(c.Body) }) {
			continue
		}
		t := forge.Thread{
			ID: n.ID, Path: n.Path, Line: n.Line, Outdated: n.IsOutdated, Resolved: n.IsResolved,
			ResolvedBy: n.ResolvedBy.login(), CanResolve: n.ViewerCanResolve || !s.Pushless, // the viewer's token only looks
			Hidden: n.Comments.Nodes[0].MinimizedReason,
		}
		for _, top := range n.Top.Nodes {
			if top.OriginalCommit != nil { // nil when the commit was collected as garbage
				t.Commit = top.OriginalCommit.Oid
			}
			for _, r := range top.Reactions.Nodes {
				if r.User != nil { // nil for a program
					t.Downs = append(t.Downs, r.User.Login)
				}
			}
		}
		var err error
		if t.Comments, err = i.comments(ctx, n.ID, n.Comments); err != nil {
			return err
		}
		if ours {
			s.Threads = append(s.Threads, t)
		} else {
			s.Others = append(s.Others, t)
		}
	}
	return nil
}

// addReviews adds our reviews, and the bodies of others' that may be a command. A review that is pending was not said yet;
// until it is submitted its body may change without having been edited.
func addReviews(s *forge.Standing, page reviewPage) error {
	for _, n := range page.Nodes {
		if n.State == "PENDING" || !n.ViewerDidAuthor && !commanding(n.Body) {
			continue
		}
		id, err := strconv.ParseInt(n.FullDatabaseID, 10, 64)
		if err != nil {
			return fmt.Errorf("review %s has the id %q: %w", n.ID, n.FullDatabaseID, err)
		}
		if !n.ViewerDidAuthor {
			s.Comments = append(s.Comments, forge.Comment{
				ID: id, NodeID: n.ID, Author: n.Author.login(), Body: n.Body, Made: n.SubmittedAt, Review: true,
				Edited: n.LastEditedAt != nil && n.LastEditedAt.After(n.SubmittedAt), Touched: touched(n.Author, n.Editor),
			})
			continue
		}
		r := forge.Review{ID: id, NodeID: n.ID, Body: n.Body, Touched: touched(n.Author, n.Editor)}
		if n.Commit != nil { // nil when the commit was collected as garbage
			r.Commit = n.Commit.Oid
		}
		s.Reviews = append(s.Reviews, r)
	}
	return nil
}
