package githubtest

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxNodes is what one connection may be asked for (content/graphql/overview/rate-limits-and-query-limits).
const maxNodes = 100

// query is the root of reads.
func (s *Server) query(t *token) *node {
	return &node{"Query", map[string]field{
		"id":     value("Query"),
		"viewer": value(&node{"User", map[string]field{"id": value(nodeID("BOT", botUserID)), "login": value(s.Bot())}}),
		"node":   func(args map[string]any) (any, error) { return s.nodeByID(t, args["id"].(string)) },
		"repository": func(args map[string]any) (any, error) {
			owner, name := args["owner"].(string), args["name"].(string)
			r := s.find(owner, name)
			if r == nil && args["followRenames"] != false {
				r = s.renamed(owner, name)
			}
			if r == nil || !t.reaches(r) {
				return nil, notFound("Could not resolve to a Repository with the name '%s/%s'.", owner, name)
			}
			return s.repoNode(t, r), nil
		},
	}}
}

func (s *Server) repoNode(t *token, r *Repo) *node {
	return &node{"Repository", map[string]field{
		"id": value(nodeID("R", r.id)), "name": value(r.name), "nameWithOwner": value(r.full()),
		"owner": value(s.actor(r.owner)), "isArchived": value(r.archived), "isDisabled": value(r.marks.Disabled),
		"isLocked": value(r.marks.Locked), "isMirror": value(r.marks.Mirror), "isFork": value(r.fork()),
		"isEmpty": func(map[string]any) (any, error) {
			out, err := r.git.line("for-each-ref", "--count=1", r.refs)
			return out == "", err
		},
		"defaultBranchRef": func(map[string]any) (any, error) { return s.refNode(t, r, "refs/heads/"+r.main) },
		"ref": func(args map[string]any) (any, error) {
			return s.refNode(t, r, args["qualifiedName"].(string))
		},
		"pullRequests": func(args map[string]any) (any, error) { return s.pullNodes(t, r, args) },
		"object": func(args map[string]any) (any, error) {
			if !allows(t.permissions, "contents", "read") {
				return nil, forbidden()
			}
			return s.objectNode(t, r, args)
		},
		"pullRequest": func(args map[string]any) (any, error) {
			if !allows(t.permissions, "pull_requests", "read") {
				return nil, forbidden()
			}
			n, _ := whole(args["number"])
			if p := s.pull(r, n); p != nil {
				return s.pullNode(t, p), nil
			}
			return nil, notFound("Could not resolve to a PullRequest with the number of %d.", n)
		},
		"issue": func(args map[string]any) (any, error) {
			if !allows(t.permissions, "issues", "read") {
				return nil, forbidden()
			}
			n, _ := whole(args["number"])
			if i := r.issue(n); i != nil && !r.issueless {
				return s.issueNode(i), nil
			}
			return nil, notFound("Could not resolve to an Issue with the number of %d.", n)
		},
	}}
}

// objectNode is the object that an oid or an expression names, null if there is none.
func (s *Server) objectNode(t *token, r *Repo, args map[string]any) (any, error) {
	rev, _ := args["oid"].(string)
	if rev == "" {
		rev, _ = args["expression"].(string)
	}
	o, ok, err := r.git.object(rev)
	switch {
	case err != nil || !ok:
		return nil, err
	case o.kind == "blob":
		return s.blobNode(o), nil
	case o.kind == "commit":
		return s.commitNode(t, r, o.sha), nil
	}
	return nil, nil
}

func (s *Server) blobNode(o object) *node {
	var text any
	binary := strings.ContainsRune(string(o.data[:min(len(o.data), 8000)]), 0)
	shown := o.data[:min(len(o.data), s.options.Limits.GraphQLBytes)]
	if !binary {
		text = strings.ToValidUTF8(string(shown), string(utf8.RuneError)) // GraphQL carries no other bytes
	}
	return &node{"Blob", map[string]field{
		"id": value("B_" + o.sha), "oid": value(o.sha), "text": value(text), "isBinary": value(binary),
		"isTruncated": value(len(shown) < len(o.data)), "byteSize": value(len(o.data)),
	}}
}

func (s *Server) pullNode(t *token, p *Pull) *node {
	return &node{"PullRequest", map[string]field{
		"id": value(nodeID("PR", p.id)), "number": value(p.number), "headRefOid": p.tell, "body": value(p.body),
		"baseRefOid": func(map[string]any) (any, error) { return p.baseSHA() },
		"state":      value(p.graphqlState()), "isDraft": value(p.draft), "author": value(s.actor(p.author)),
		"viewerDidAuthor": value(s.ours(p.author)), "headRefName": value(p.headBranch), "baseRefName": value(p.base),
		"isCrossRepository":   value(p.head != p.repo),
		"title":               value(p.title),
		"createdAt":           value(stamp(p.created)),
		"closedAt":            p.ended(p.state == "closed"),
		"mergedAt":            p.ended(p.mergeSHA != ""),
		"totalCommentsCount":  value(p.spoken()),
		"mergeable":           p.mergeableState,
		"timelineItems":       func(args map[string]any) (any, error) { return s.timeline(p, args) },
		"maintainerCanModify": value(p.modifiable && p.head != p.repo),
		"baseRef": func(map[string]any) (any, error) {
			if !allows(t.permissions, "contents", "read") {
				return nil, forbidden()
			}
			tip, err := p.baseSHA()
			if err != nil {
				return nil, err
			}
			return &node{"Ref", map[string]field{
				"id": value("REF_" + p.base), "name": value(p.base), "target": value(s.commitNode(t, p.repo, tip)),
			}}, nil
		},
		"headRepository": func(map[string]any) (any, error) {
			if p.head.deleted {
				return nil, nil
			}
			return s.repoNode(t, p.head), nil
		},
		"commits": func(args map[string]any) (any, error) {
			all, err := s.commitNodes(t, p)
			if err != nil {
				return nil, err
			}
			return connection("PullRequestCommitConnection", all, args)
		},
		"comments": func(args map[string]any) (any, error) {
			var all []*node
			for _, c := range p.talk {
				all = append(all, s.commentNode("IssueComment", c))
			}
			return connection("IssueCommentConnection", all, args)
		},
		"changedFiles": func(map[string]any) (any, error) {
			files, err := p.diff(p.headSHA)
			return len(files), err
		},
		"reviewThreads": func(args map[string]any) (any, error) {
			var all []*node
			for _, th := range p.threads {
				if th.review.visible(s.Bot()) {
					all = append(all, s.threadNode(t, p, th))
				}
			}
			return connection("PullRequestReviewThreadConnection", all, args)
		},
		"reviews": func(args map[string]any) (any, error) {
			var all []*node
			for _, r := range p.reviews {
				if r.visible(s.Bot()) && wanted(args["states"], r.state) {
					all = append(all, s.reviewNode(t, p.repo, r))
				}
			}
			return connection("PullRequestReviewConnection", all, args)
		},
	}}
}

func (p *Pull) graphqlState() string {
	if p.mergeSHA != "" {
		return "MERGED"
	}
	return strings.ToUpper(p.state)
}

func wanted(states any, state string) bool {
	list, ok := states.([]any)
	for _, s := range list {
		if s == state {
			return true
		}
	}
	return !ok || len(list) == 0
}

// actor is a login as GraphQL shows it: bots without the "[bot]" that REST adds.
func (s *Server) actor(login string) *node {
	if slug, bot := strings.CutSuffix(login, "[bot]"); bot {
		return &node{"Bot", map[string]field{"id": value(nodeID("BOT", s.userID(login))), "login": value(slug)}}
	}
	return &node{"User", map[string]field{"id": value(nodeID("U", s.userID(login))), "login": value(login)}}
}

func (s *Server) reviewNode(t *token, repo *Repo, r *review) *node {
	var submitted any
	if r.state != "PENDING" {
		submitted = stamp(r.submitted)
	}
	commit := s.commitNode(t, repo, r.commit)
	return &node{"PullRequestReview", map[string]field{
		"id": value(nodeID("PRR", r.id)), "fullDatabaseId": value(strconv.FormatInt(r.id, 10)), "body": value(r.body),
		"state": value(r.state), "author": value(s.actor(r.author)), "commit": value(commit), "submittedAt": value(submitted),
		"viewerDidAuthor": value(s.ours(r.author)), "isMinimized": value(r.minimized != ""),
		"minimizedReason": value(none(r.minimized)),
		"lastEditedAt":    value(stampOrNull(r.edited)), "editor": value(s.actorOrNull(r.editor)),
	}}
}

// stampOrNull is a moment, null for the zero one.
func stampOrNull(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return stamp(at)
}

// actorOrNull is a login as GraphQL shows it, null for none.
func (s *Server) actorOrNull(login string) *node {
	if login == "" {
		return nil
	}
	return s.actor(login)
}

func (s *Server) threadNode(t *token, p *Pull, th *thread) *node {
	start, line, ok, err := p.place(th)
	at := func(n int) field {
		return func(map[string]any) (any, error) {
			if !ok {
				return nil, err
			}
			return n, err
		}
	}
	var resolvedBy *node
	if th.resolvedBy != "" {
		id := nodeID("U", s.userID(th.resolvedBy))
		resolvedBy = &node{"User", map[string]field{"id": value(id), "login": value(th.resolvedBy)}}
	}
	startLine := at(start)
	if th.start == th.line {
		startLine = value(nil)
	}
	return &node{"PullRequestReviewThread", map[string]field{
		"id": value(nodeID("PRRT", th.id)), "path": value(th.path), "line": at(line), "startLine": startLine,
		"originalLine": value(th.line), "isOutdated": value(!ok), "isResolved": value(th.resolvedBy != ""),
		"resolvedBy": value(resolvedBy), "viewerCanResolve": value(canResolve(t)),
		"comments": func(args map[string]any) (any, error) {
			var all []*node
			for _, c := range th.comments {
				one := s.commentNode("PullRequestReviewComment", c)
				one.fields["originalCommit"] = value(s.commitNode(t, p.repo, th.commit))
				all = append(all, one)
			}
			return connection("PullRequestReviewCommentConnection", all, args)
		},
	}}
}

// canResolve: an App resolves threads only with contents: write besides pull_requests: write (github/gh-aw#35726).
func canResolve(t *token) bool {
	return allows(t.permissions, "contents", "write") && allows(t.permissions, "pull_requests", "write")
}

// commentNode is a comment on a thread or, as IssueComment, on the pull request itself.
func (s *Server) commentNode(kind string, c *comment) *node {
	return &node{kind, map[string]field{
		"id": value(c.node()), "fullDatabaseId": value(strconv.FormatInt(c.id, 10)), "body": value(c.body),
		"author": value(s.actor(c.author)), "viewerDidAuthor": value(s.ours(c.author)),
		"isMinimized": value(c.minimized != ""), "minimizedReason": value(none(c.minimized)),
		"createdAt": value(stamp(c.created)), "lastEditedAt": value(stampOrNull(c.edited)), "editor": value(s.actorOrNull(c.editor)), "reactionGroups": value(s.reactionNodes(c)),
		"reactions": func(args map[string]any) (any, error) {
			return connection("ReactionConnection", s.reactions(c, args["content"]), args)
		},
	}}
}

// reactions are those of one content, or all without one. A program's have no user.
func (s *Server) reactions(c *comment, content any) []*node {
	var all []*node
	for n, r := range c.reactions {
		at := slices.IndexFunc(emojis, func(e emoji) bool { return e.rest == r.Emoji })
		kind := emojis[at].graphql
		if content != nil && content != kind {
			continue
		}
		who := s.actor(r.By)
		if who.kind != "User" {
			who = nil
		}
		all = append(all, &node{"Reaction", map[string]field{
			"id": value(nodeID("REA", c.id*100+int64(n))), "content": value(kind), "user": value(who),
		}})
	}
	return all
}

// reactionNodes are the groups of all emojis, those that nobody used too.
func (s *Server) reactionNodes(c *comment) []*node {
	var groups []*node
	for _, e := range emojis {
		var all, users []*node
		ours := false
		for _, r := range c.reactions {
			if r.Emoji != e.rest {
				continue
			}
			ours = ours || s.ours(r.By)
			who := s.actor(r.By)
			all = append(all, who)
			if who.kind == "User" {
				users = append(users, who)
			}
		}
		groups = append(groups, &node{"ReactionGroup", map[string]field{
			"content": value(e.graphql), "viewerHasReacted": value(ours),
			"reactors": func(args map[string]any) (any, error) { return connection("ReactorConnection", all, args) },
			"users":    func(args map[string]any) (any, error) { return connection("ReactingUserConnection", users, args) },
		}})
	}
	return groups
}

// whole is an argument of type Int: an int64 from the document, a json.Number from a variable.
func whole(arg any) (int, bool) {
	n, err := strconv.Atoi(fmt.Sprint(arg))
	return n, err == nil
}

// connection is a page of nodes. As on GitHub first or last is mandatory and at most 100; paging goes forward.
func connection(kind string, all []*node, args map[string]any) (any, error) {
	size, ok := whole(args["first"])
	last, backwards := whole(args["last"])
	if !ok && backwards {
		size, ok = last, true
	}
	if !ok || size < 1 || size > maxNodes {
		text := "You must provide a `first` or `last` value between 1 and 100."
		return nil, &graphqlError{"MISSING_PAGINATION_BOUNDARIES", text}
	}
	from := 0
	total := len(all)
	if cursor, ok := args["before"].(string); ok {
		text, _ := base64.StdEncoding.DecodeString(cursor)
		n, err := strconv.Atoi(string(text))
		if err != nil || n < 1 || n > len(all) {
			text := fmt.Sprintf("`%s` does not appear to be a valid cursor.", cursor)
			return nil, &graphqlError{"INVALID_CURSOR_ARGUMENTS", text}
		}
		all = all[:n-1]
	}
	if backwards {
		from = max(0, len(all)-size)
	}
	if cursor, ok := args["after"].(string); ok {
		text, _ := base64.StdEncoding.DecodeString(cursor)
		var err error
		if from, err = strconv.Atoi(string(text)); err != nil || from > len(all) {
			text := fmt.Sprintf("`%s` does not appear to be a valid cursor.", cursor)
			return nil, &graphqlError{"INVALID_CURSOR_ARGUMENTS", text}
		}
	}
	to := min(from+size, len(all))
	var start, end any
	if to > from {
		start = base64.StdEncoding.EncodeToString([]byte(strconv.Itoa(from + 1)))
		end = base64.StdEncoding.EncodeToString([]byte(strconv.Itoa(to)))
	}
	info := &node{"PageInfo", map[string]field{
		"hasNextPage": value(to < len(all)), "hasPreviousPage": value(from > 0), "startCursor": value(start),
		"endCursor": value(end),
	}}
	return &node{kind, map[string]field{
		"nodes": value(all[from:to]), "totalCount": value(total), "pageInfo": value(info),
	}}, nil
}

// mutation is the root of writes.
func (s *Server) mutation(t *token) *node {
	input := func(args map[string]any, key string) string {
		return fmt.Sprint(args["input"].(map[string]any)[key])
	}
	return &node{"Mutation", map[string]field{
		"resolveReviewThread": func(args map[string]any) (any, error) {
			id := input(args, "threadId")
			p, th := s.threadByID(t, id)
			switch {
			case th == nil:
				return nil, notFound("Could not resolve to a node with the global id of '%s'", id)
			case !canResolve(t):
				return nil, forbidden()
			}
			th.resolvedBy = s.Bot()
			return payload("ResolveReviewThreadPayload", "thread", s.threadNode(t, p, th)), nil
		},
		"updateRefs": func(args map[string]any) (any, error) {
			return s.updateRefs(t, args["input"].(map[string]any))
		},
		"minimizeComment": func(args map[string]any) (any, error) {
			if !allows(t.permissions, "pull_requests", "write") {
				return nil, forbidden()
			}
			return s.minimize(t, input(args, "subjectId"), input(args, "classifier"))
		},
	}}
}

func payload(kind, name string, n *node) *node {
	return &node{kind, map[string]field{"clientMutationId": value(nil), name: value(n)}}
}

func (s *Server) minimize(t *token, id, classifier string) (any, error) {
	for _, p := range s.pullsOf(t) {
		for _, th := range p.threads {
			for _, c := range th.comments {
				if c.node() == id {
					c.minimized = shown(classifier)
					one := s.commentNode("PullRequestReviewComment", c)
					return payload("MinimizeCommentPayload", "minimizedComment", one), nil
				}
			}
		}
		for _, c := range p.talk {
			if c.node() == id {
				c.minimized = shown(classifier)
				return payload("MinimizeCommentPayload", "minimizedComment", s.commentNode("IssueComment", c)), nil
			}
		}
		for _, r := range p.reviews {
			if nodeID("PRR", r.id) == id {
				r.minimized = shown(classifier)
				return payload("MinimizeCommentPayload", "minimizedComment", s.reviewNode(t, p.repo, r)), nil
			}
		}
	}
	return nil, notFound("Could not resolve to a node with the global id of '%s'", id)
}

// shown is a classifier as minimizedReason gives it back: OFF_TOPIC as "off-topic".
func shown(classifier string) string {
	return strings.ReplaceAll(strings.ToLower(classifier), "_", "-")
}

func (s *Server) pullsOf(t *token) []*Pull {
	var all []*Pull
	for _, r := range s.repos {
		if t.reaches(r) && !r.deleted {
			all = append(all, r.pulls...)
		}
	}
	return all
}

func (s *Server) threadByID(t *token, id string) (*Pull, *thread) {
	for _, p := range s.pullsOf(t) {
		for _, th := range p.threads {
			if nodeID("PRRT", th.id) == id {
				return p, th
			}
		}
	}
	return nil, nil
}

// nodeByID serves what is asked for by id: review threads.
func (s *Server) nodeByID(t *token, id string) (any, error) {
	if !allows(t.permissions, "pull_requests", "read") {
		return nil, forbidden()
	}
	p, th := s.threadByID(t, id)
	if th == nil {
		return nil, notFound("Could not resolve to a node with the global id of '%s'", id)
	}
	return s.threadNode(t, p, th), nil
}
