package github

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

// talkQuery reads on in the comments on a pull request, backwards.
const talkQuery = `query Talk($owner: String!, $name: String!, $number: Int!, $before: String!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      comments(last: 100, before: $before) { pageInfo { hasPreviousPage startCursor } nodes { ...talked } }
    }
  }
}` + talkedFragment

const commentsQuery = `query Comments($thread: ID!, $after: String) {
  node(id: $thread) {
    ... on PullRequestReviewThread {
      comments(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes { ...spoken } }
    }
  }
}` + spokenFragment

const (
	spokenFragment = `
fragment spoken on PullRequestReviewComment {` + spokenFields
	talkedFragment = `
fragment talked on IssueComment {` + spokenFields
	spokenFields = `
  id fullDatabaseId body viewerDidAuthor minimizedReason createdAt lastEditedAt
  author { __typename login } editor { __typename login }
  reactionGroups { content viewerHasReacted }
}`
)

type pageInfo struct {
	HasNextPage     bool
	EndCursor       string
	HasPreviousPage bool
	StartCursor     string
}

type actor struct {
	Typename string `json:"__typename"`
	Login    string
}

// touched reports whether somebody else than the author edited something. An editor that GitHub does not name counts as
// nobody: most often there was none.
func touched(author, editor *actor) bool {
	return editor != nil && (author == nil || !strings.EqualFold(author.login(), editor.login()))
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
	Nodes    []commentNode
}

type commentNode struct {
	ID              string
	FullDatabaseID  string
	Body            string
	ViewerDidAuthor bool
	MinimizedReason string
	CreatedAt       time.Time
	LastEditedAt    *time.Time
	Author          *actor
	Editor          *actor
	ReactionGroups  []struct {
		Content          string
		ViewerHasReacted bool
	}
}

// comment is the node in the words of package forge.
func (n commentNode) comment() (forge.Comment, error) {
	id, err := strconv.ParseInt(n.FullDatabaseID, 10, 64)
	if err != nil {
		return forge.Comment{}, fmt.Errorf("comment %s has the id %q: %w", n.ID, n.FullDatabaseID, err)
	}
	c := forge.Comment{
		ID: id, NodeID: n.ID, Author: n.Author.login(), Ours: n.ViewerDidAuthor, Body: n.Body, Made: n.CreatedAt,
		Edited: n.LastEditedAt != nil, Touched: touched(n.Author, n.Editor),
	}
	emojis := map[string]forge.Emoji{"EYES": forge.Eyes, "THUMBS_UP": forge.ThumbUp, "CONFUSED": forge.Confused}
	for _, g := range n.ReactionGroups {
		if e := emojis[g.Content]; e != "" && g.ViewerHasReacted {
			c.Reacted = append(c.Reacted, e)
		}
	}
	return c, nil
}

// maxTalk is how many further pages of comments on a pull request are read: 50 and 2,000 comments in all.
const maxTalk = 20

// talk is what is ours of the comments on a pull request, or begins with a slash, oldest first. The newest page was read.
func (i *installation) talk(ctx context.Context, ref forge.Ref, page commentPage) ([]forge.Comment, error) {
	var out []forge.Comment
	for n := 0; ; n++ {
		var here []forge.Comment
		for _, node := range page.Nodes {
			if !node.ViewerDidAuthor && !commanding(node.Body) {
				continue
			}
			c, err := node.comment()
			if err != nil {
				return nil, err
			}
			here = append(here, c)
		}
		out = append(here, out...)
		if !page.PageInfo.HasPreviousPage || n == maxTalk {
			return out, nil
		}
		var data struct {
			Repository struct {
				PullRequest struct{ Comments commentPage }
			}
		}
		err := i.query(ctx, talkQuery, map[string]any{
			"owner": ref.Repo.Owner, "name": ref.Repo.Name, "number": ref.Number, "before": page.PageInfo.StartCursor,
		}, &data)
		if err != nil {
			return nil, gone(err)
		}
		page = data.Repository.PullRequest.Comments
	}
}

// commanding reports whether a text may be a command.
func commanding(body string) bool { return strings.HasPrefix(strings.TrimSpace(body), "/") }

// comments are all comments of a thread, of which the first page was read.
func (i *installation) comments(ctx context.Context, thread string, page commentPage) ([]forge.Comment, error) {
	var all []forge.Comment
	for {
		for _, n := range page.Nodes {
			c, err := n.comment()
			if err != nil {
				return nil, err
			}
			all = append(all, c)
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
