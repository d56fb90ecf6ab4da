package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

var _ forge.Proposer = (*App)(nil)

// repositoryQuery reads how a repository stands.
const repositoryQuery = `query Repository($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) {
    id name owner { login } isArchived isDisabled isLocked isMirror isFork
    defaultBranchRef { name target { ... on Commit {
      oid tree { oid }
      history(first: 30) { nodes { messageHeadline } }
    } } }
  }
}`

type repositoryNode struct {
	ID               string
	Name             string
	Owner            struct{ Login string }
	IsArchived       bool
	IsDisabled       bool
	IsLocked         bool
	IsMirror         bool
	IsFork           bool
	DefaultBranchRef *struct {
		Name   string
		Target struct {
			Oid     string
			Tree    struct{ Oid string }
			History struct {
				Nodes []struct{ MessageHeadline string }
			}
		}
	}
}

// Repository reads how a repository stands: one GraphQL query. One that is being moved elsewhere counts as disabled.
func (a *App) Repository(ctx context.Context, repo forge.Repo) (*forge.Repository, error) {
	i, err := a.installation(repo)
	if err != nil {
		return nil, err
	}
	var data struct{ Repository *repositoryNode }
	err = i.query(about(ctx, repo.Name), repositoryQuery, map[string]any{"owner": repo.Owner, "name": repo.Name}, &data)
	switch {
	case err != nil:
		return nil, doing(unseen(err), "read repository %s", repo)
	case data.Repository == nil:
		return nil, fmt.Errorf("read repository %s: GraphQL knows no such repository: %w", repo, forge.ErrGone)
	}
	return data.Repository.repository(repo.Installation), nil
}

func (n *repositoryNode) repository(installation int64) *forge.Repository {
	r := &forge.Repository{
		Repo: forge.Repo{Installation: installation, Owner: n.Owner.Login, Name: n.Name}, ID: n.ID,
		Archived: n.IsArchived, Disabled: n.IsDisabled || n.IsLocked, Mirror: n.IsMirror, Fork: n.IsFork,
	}
	b := n.DefaultBranchRef
	if b == nil || !commitSHA.MatchString(b.Target.Oid) {
		return r
	}
	r.Branch, r.Head, r.Tree = b.Name, b.Target.Oid, b.Target.Tree.Oid
	for _, c := range b.Target.History.Nodes {
		r.Subjects = append(r.Subjects, c.MessageHeadline)
	}
	return r
}

// unseen wraps ErrGone around problems that say that something does not exist, or is kept from us.
func unseen(err error) error {
	var all problems
	if errors.As(err, &all) && slices.ContainsFunc(all, func(p graphqlProblem) bool { return p.Type == "FORBIDDEN" }) {
		return fmt.Errorf("%w: %w", forge.ErrGone, err)
	}
	return gone(err)
}

const (
	// branchBatch is how many branches one query reads, with a page of pull requests each.
	branchBatch = 20
	// proposalPulls is how many pull requests of ours are read of one branch, and how many are asked for at a time.
	proposalPulls = 50
	// proposalPages bounds what is read to find them among those of forks that have a branch of the same name.
	proposalPages = 6
	// pullBatch is how many pull requests one query reads the comments of: 50 of them and 100 comments of each are
	// 5,100 of the 500,000 nodes that a query may ask for, and two points of an hour's 5,000.
	pullBatch = 50
	// talkedComments is how many comments of each are read.
	talkedComments = 100
)

// branchField reads one branch. What takes a connection for every pull request is left to a second query, which most
// repositories never need: it would cost a hundred times as much.
const branchField = `
    t%[1]d: ref(qualifiedName: $t%[1]d) { target { ... on Commit {
      oid message parents(first: 3) { nodes { oid } }
      author { name email } committer { name email } signature { isValid wasSignedByGitHub }
    } } }
    p%[1]d: pullRequests(
      headRefName: $b%[1]d, first: 50, after: $a%[1]d, orderBy: {field: CREATED_AT, direction: DESC}
    ) {
      pageInfo { hasNextPage endCursor }
      nodes {
        number state isDraft mergeable title body createdAt closedAt mergedAt baseRefName isCrossRepository viewerDidAuthor
        totalCommentsCount
      }
    }`

// talkedField reads what was said on one pull request, and who closed it.
const talkedField = `
    p%[1]d: pullRequest(number: $n%[1]d) {
      timelineItems(last: 1, itemTypes: [CLOSED_EVENT]) { nodes { ... on ClosedEvent { actor { __typename login } } } }
      comments(last: 100) { nodes { ...talked } }
    }`

type tipNode struct {
	Target struct {
		Oid       string
		Message   string
		Parents   struct{ Nodes []struct{ Oid string } }
		Author    *gitActor
		Committer *gitActor
		Signature *struct{ IsValid, WasSignedByGitHub bool }
	}
}

type gitActor struct{ Name, Email string }

type proposedPage struct {
	PageInfo pageInfo
	Nodes    []proposedNode
}

type proposedNode struct {
	Number             int
	State              string
	IsDraft            bool
	Mergeable          string
	Title              string
	Body               string
	CreatedAt          time.Time
	ClosedAt           *time.Time
	MergedAt           *time.Time
	BaseRefName        string
	IsCrossRepository  bool
	ViewerDidAuthor    bool
	TotalCommentsCount int
}

func (n proposedNode) pull() forge.Pull {
	p := forge.Pull{
		Number: n.Number, State: forge.PullState(strings.ToLower(n.State)), Made: n.CreatedAt, Base: n.BaseRefName,
		Title: n.Title, Body: n.Body, Draft: n.IsDraft, Conflicting: n.Mergeable == "CONFLICTING",
		Crowded: n.TotalCommentsCount > talkedComments,
	}
	switch {
	case n.MergedAt != nil:
		p.Ended = *n.MergedAt
	case n.ClosedAt != nil:
		p.Ended = *n.ClosedAt
	}
	return p
}

// Proposals reads what became of branches of ours: one GraphQL query, and another one when there are pull requests on
// which something was said or that were closed. Pull requests of forks are passed over, and so are those of others.
func (a *App) Proposals(ctx context.Context, repo forge.Repo, branches []string) ([]forge.Proposal, error) {
	i, err := a.installation(repo)
	if err != nil {
		return nil, err
	}
	r := &proposalReader{installation: i, repo: repo, talked: make(map[int]bool)}
	for _, name := range branches {
		r.proposals = append(r.proposals, forge.Proposal{Branch: name})
	}
	if err := r.read(about(ctx, repo.Name)); err != nil {
		return nil, doing(unseen(err), "read the proposals of %s", repo)
	}
	return r.proposals, nil
}

const openedQuery = `query Opened($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) {
    open: pullRequests(states: [OPEN], first: 100, orderBy: {field: CREATED_AT, direction: DESC}) {
      nodes { headRefName isCrossRepository viewerDidAuthor }
    }
    closed: pullRequests(states: [CLOSED], first: 100, orderBy: {field: CREATED_AT, direction: DESC}) {
      nodes { headRefName isCrossRepository viewerDidAuthor }
    }
  }
}`

type openedPage struct {
	Nodes []struct {
		HeadRefName       string
		IsCrossRepository bool
		ViewerDidAuthor   bool
	}
}

// Opened lists the branches from which we opened pull requests: one GraphQL query.
func (a *App) Opened(ctx context.Context, repo forge.Repo) (branches []string, err error) {
	i, err := a.installation(repo)
	if err != nil {
		return nil, err
	}
	var data struct {
		Repository *struct{ Open, Closed openedPage }
	}
	err = i.query(about(ctx, repo.Name), openedQuery, map[string]any{"owner": repo.Owner, "name": repo.Name}, &data)
	if err == nil && data.Repository == nil {
		err = fmt.Errorf("GraphQL knows no such repository: %w", forge.ErrGone)
	}
	if err != nil {
		return nil, doing(unseen(err), "list our pull requests in %s", repo)
	}
	for _, n := range slices.Concat(data.Repository.Open.Nodes, data.Repository.Closed.Nodes) {
		if n.ViewerDidAuthor && !n.IsCrossRepository {
			branches = append(branches, n.HeadRefName)
		}
	}
	return branches, nil
}

// A proposalReader reads proposals.
type proposalReader struct {
	*installation
	repo      forge.Repo
	proposals []forge.Proposal
	talked    map[int]bool // numbers of the pull requests to read more of
}

func (r *proposalReader) read(ctx context.Context) error {
	all := make([]int, len(r.proposals))
	for n := range all {
		all[n] = n
	}
	for batch := range slices.Chunk(all, branchBatch) {
		after := make(map[int]string) // the cursor of each branch to read
		for _, n := range batch {
			after[n] = ""
		}
		for page := 0; len(after) > 0 && page < proposalPages; page++ {
			var err error
			if after, err = r.branches(ctx, after); err != nil {
				return err
			}
		}
		for n := range after {
			r.proposals[n].Hidden = true
		}
	}
	return r.talk(ctx)
}

// branches reads a page of each branch, and returns where those go on of which more has to be read.
func (r *proposalReader) branches(ctx context.Context, after map[int]string) (more map[int]string, err error) {
	params, fields := "$owner: String!, $name: String!", ""
	variables := map[string]any{"owner": r.repo.Owner, "name": r.repo.Name}
	for n := range r.proposals {
		at, wanted := after[n]
		if !wanted {
			continue
		}
		params += fmt.Sprintf(", $t%[1]d: String!, $b%[1]d: String!, $a%[1]d: String", n)
		fields += fmt.Sprintf(branchField, n)
		branch := r.proposals[n].Branch
		variables[fmt.Sprint("t", n)], variables[fmt.Sprint("b", n)] = "refs/heads/"+branch, branch
		variables[fmt.Sprint("a", n)] = cursor(at)
	}
	document := fmt.Sprintf("query Proposals(%s) {\n  viewer { login }\n  repository(owner: $owner, name: $name) {%s\n  }\n}",
		params, fields)
	var data struct {
		Viewer     struct{ Login string }
		Repository map[string]json.RawMessage
	}
	if err := r.query(ctx, document, variables, &data); err != nil {
		return nil, err
	}
	if data.Repository == nil {
		return nil, fmt.Errorf("GraphQL knows no such repository: %w", forge.ErrGone)
	}
	more = make(map[int]string)
	for n := range after {
		next, err := r.add(n, data.Viewer.Login, data.Repository)
		if err != nil {
			return nil, err
		}
		if next != "" {
			more[n] = next
		}
	}
	return more, nil
}

// add takes in a page of one branch. next is where it goes on, "" when enough was read.
func (r *proposalReader) add(n int, viewer string, data map[string]json.RawMessage) (next string, err error) {
	var tip *tipNode
	var page proposedPage
	err = errors.Join(json.Unmarshal(data[fmt.Sprint("t", n)], &tip), json.Unmarshal(data[fmt.Sprint("p", n)], &page))
	if err != nil {
		return "", fmt.Errorf("read the GraphQL answer: %w", err)
	}
	p := &r.proposals[n]
	p.Tip = tip.tip(viewer, r.app.public())
	for _, node := range page.Nodes {
		switch {
		case node.IsCrossRepository:
		case !node.ViewerDidAuthor:
			p.Taken = p.Taken || node.State == "OPEN"
		case len(p.Pulls) < proposalPulls:
			p.Pulls = append(p.Pulls, node.pull())
			if node.TotalCommentsCount > 0 || node.State == "CLOSED" {
				r.talked[node.Number] = true
			}
		}
	}
	if page.PageInfo.HasNextPage && len(p.Pulls) < proposalPulls {
		return page.PageInfo.EndCursor, nil
	}
	return "", nil
}

// talk reads what was said on the pull requests on which something may have been said, and who closed those that were.
func (r *proposalReader) talk(ctx context.Context) error {
	var pulls []*forge.Pull
	for n := range r.proposals {
		for k := range r.proposals[n].Pulls {
			if p := &r.proposals[n].Pulls[k]; r.talked[p.Number] {
				pulls = append(pulls, p)
			}
		}
	}
	for batch := range slices.Chunk(pulls, pullBatch) {
		if err := r.talkOf(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

type talkedNode struct {
	TimelineItems struct{ Nodes []struct{ Actor *actor } }
	Comments      commentPage
}

func (r *proposalReader) talkOf(ctx context.Context, pulls []*forge.Pull) error {
	params, fields := "$owner: String!, $name: String!", ""
	variables := map[string]any{"owner": r.repo.Owner, "name": r.repo.Name}
	for n, p := range pulls {
		params += fmt.Sprintf(", $n%d: Int!", n)
		fields += fmt.Sprintf(talkedField, n)
		variables[fmt.Sprint("n", n)] = p.Number
	}
	document := fmt.Sprintf("query Talked(%s) {\n  viewer { login }\n  repository(owner: $owner, name: $name) {%s\n  }\n}",
		params, fields) + talkedFragment
	var data struct {
		Viewer     struct{ Login string }
		Repository map[string]*talkedNode
	}
	if err := r.query(ctx, document, variables, &data); err != nil {
		return err
	}
	for n, p := range pulls {
		node := data.Repository[fmt.Sprint("p", n)]
		if node == nil {
			return fmt.Errorf("GraphQL knows no pull request #%d: %w", p.Number, forge.ErrGone)
		}
		if err := node.fill(p, data.Viewer.Login); err != nil {
			return err
		}
	}
	return nil
}

func (n *talkedNode) fill(p *forge.Pull, viewer string) error {
	for _, e := range n.TimelineItems.Nodes {
		who := e.Actor
		p.ByUs = p.State != forge.PullMerged && who != nil && who.Typename == "Bot" && who.Login == bare(viewer)
	}
	for _, c := range n.Comments.Nodes {
		if !c.ViewerDidAuthor && !commanding(c.Body) {
			continue
		}
		one, err := c.comment()
		if err != nil {
			return err
		}
		p.Comments = append(p.Comments, one)
	}
	return nil
}

// bare is a program's login as GraphQL has it where it is no viewer: without "[bot]".
func bare(login string) string { return strings.TrimSuffix(login, "[bot]") }

// public reports whether the App speaks to github.com.
func (a *App) public() bool { return a.rest.Host == "api.github.com" }

// tip is the commit in the words of package forge, nil for a branch that is not there.
func (n *tipNode) tip(viewer string, public bool) *forge.Tip {
	if n == nil {
		return nil
	}
	c := n.Target
	t := &forge.Tip{Commit: c.Oid, Message: c.Message, Ours: n.ours(viewer, public)}
	for _, p := range c.Parents.Nodes {
		t.Parents = append(t.Parents, p.Oid)
	}
	if c.Author != nil {
		t.Author = c.Author.Name
	}
	return t
}

// trailer is the key of the line that every commit of a proposal has.
const trailer = "Lighterman-Bundle:"

// noreply is the address that GitHub gives a commit of an account's: it begins with the account's number and login. That
// of an Enterprise Server ends in its own name.
var noreply = regexp.MustCompile(`^[0-9]+\+([^@]+)@users\.noreply\.[A-Za-z0-9.-]+$`)

// committer is the address under which GitHub itself commits.
var committer = regexp.MustCompile(`^noreply@[A-Za-z0-9.-]+$`)

// ours reports whether the App made the commit by the REST interface and nobody changed it since: the App is its author,
// GitHub its committer, and GitHub signed it, which no push can imitate and an amended commit loses. An Enterprise
// Server signs only where that was switched on. Whatever looks otherwise is somebody's work and must not be lost.
func (n *tipNode) ours(viewer string, public bool) bool {
	c := n.Target
	if viewer == "" || len(c.Parents.Nodes) != 1 || c.Author == nil || c.Committer == nil {
		return false
	}
	who := noreply.FindStringSubmatch(c.Author.Email)
	switch login := bare(viewer) + "[bot]"; {
	case who == nil || !strings.EqualFold(who[1], login),
		!committer.MatchString(c.Committer.Email),
		c.Signature == nil && public,
		c.Signature != nil && !(c.Signature.IsValid && c.Signature.WasSignedByGitHub):
		return false
	}
	return slices.ContainsFunc(strings.Split(c.Message, "\n"), func(line string) bool {
		return strings.HasPrefix(line, trailer)
	})
}
