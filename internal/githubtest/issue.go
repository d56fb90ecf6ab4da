package githubtest

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// An Issue is an issue that is no pull request. Both share one row of numbers.
type Issue struct {
	s       *Server
	repo    *Repo
	id      int64
	number  int
	title   string
	body    string
	author  string
	editor  string // who changed the body last; "" for nobody
	created time.Time
	closed  time.Time // zero while it is open
	reason  string    // why it is closed, as in "not_planned"
	deleted bool
	talk    []*comment
}

// OpenIssue opens an issue.
func (r *Repo) OpenIssue(title, by string) *Issue {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return r.openIssue(title, "", by)
}

func (r *Repo) openIssue(title, body, by string) *Issue {
	i := &Issue{s: r.s, repo: r, id: r.s.id(), number: r.nextNumber(), title: title, body: body, author: by, created: r.s.now()}
	r.issues = append(r.issues, i)
	return i
}

// Issues are the issues of the repository, the oldest first.
func (r *Repo) Issues() []*Issue {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return slices.Clone(r.issues)
}

func (r *Repo) issue(number int) *Issue {
	for _, i := range r.issues {
		if i.number == number && !i.deleted {
			return i
		}
	}
	return nil
}

// Number is the issue's number.
func (i *Issue) Number() int { return i.number }

// Body is what the issue says.
func (i *Issue) Body() string {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	return i.body
}

// Open reports whether the issue is open.
func (i *Issue) Open() bool {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	return i.closed.IsZero() && !i.deleted
}

// Edit changes what the issue says and tells the App's webhook. A box is ticked so, too.
func (i *Issue) Edit(by, body string) error {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	return i.edit(by, body)
}

func (i *Issue) edit(by, body string) error {
	was := i.body
	if was == body {
		return nil
	}
	i.body, i.editor = body, by
	return i.notify("edited", by, changedBody(was))
}

// Close closes the issue, and Reopen opens it again.
func (i *Issue) Close(by string) error { return i.setState(by, "closed") }

// Reopen opens the issue again.
func (i *Issue) Reopen(by string) error { return i.setState(by, "open") }

func (i *Issue) setState(by, state string) error {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	return i.become(by, state, "completed")
}

// become closes the issue or opens it again.
func (i *Issue) become(by, state, reason string) error {
	switch {
	case state == i.state():
		return nil
	case state == "closed":
		i.closed, i.reason = i.s.now(), reason
		return i.notify("closed", by, nil)
	}
	i.closed, i.reason = time.Time{}, "reopened"
	return i.notify("reopened", by, nil)
}

func (i *Issue) state() string {
	if i.closed.IsZero() {
		return "open"
	}
	return "closed"
}

// Delete deletes the issue.
func (i *Issue) Delete() {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	i.deleted = true
}

// issueNode is an issue as GraphQL shows it.
func (s *Server) issueNode(i *Issue) *node {
	return &node{"Issue", map[string]field{
		"id": value(nodeID("I", i.id)), "number": value(i.number), "state": value(strings.ToUpper(i.state())), "body": value(i.body),
		"author": value(s.actor(i.author)), "editor": value(s.actorOrNull(i.editor)), "viewerDidAuthor": value(s.ours(i.author)),
	}}
}

// notify sends an issues webhook. The caller holds the server's mu.
func (i *Issue) notify(action, by string, more obj) error {
	payload := obj{"action": action, "issue": i.json()}
	for key, value := range more {
		payload[key] = value
	}
	return i.repo.notify("issues", by, payload)
}

// Comment says something on the issue and tells the App's webhook.
func (i *Issue) Comment(by, body string) error {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	_, err := i.say(by, body)
	return err
}

func (i *Issue) say(by, body string) (*comment, error) {
	c, err := i.s.newComment(by, body)
	if err != nil {
		return nil, err
	}
	i.talk = append(i.talk, c)
	return c, i.repo.notify("issue_comment", by, obj{"action": "created", "issue": i.json(), "comment": i.talkJSON(c)})
}

func (i *Issue) json() obj {
	u := i.s.api("/repos/%s/issues/%d", i.repo.full(), i.number)
	o := obj{
		"id": i.id, "node_id": nodeID("I", i.id), "number": i.number, "title": i.title, "user": i.s.user(i.author),
		"state": i.state(), "state_reason": nil, "locked": false, "active_lock_reason": nil, "labels": []any{}, "assignee": nil,
		"assignees": []any{}, "milestone": nil, "comments": len(i.talk), "created_at": stamp(i.created),
		"updated_at": stamp(i.created), "closed_at": nil, "author_association": "NONE", "body": i.body, "draft": false,
		"performed_via_github_app": nil, "url": u, "repository_url": i.s.api("/repos/%s", i.repo.full()),
		"labels_url": u + "/labels{/name}", "comments_url": u + "/comments", "events_url": u + "/events",
		"html_url": i.s.url + "/" + i.repo.full() + "/issues/" + strconv.Itoa(i.number), "timeline_url": u + "/timeline",
		"reactions": (&comment{}).reactionsJSON(u),
	}
	if i.reason != "" {
		o["state_reason"] = i.reason
	}
	if !i.closed.IsZero() {
		o["closed_at"] = stamp(i.closed)
	}
	return o
}

// The REST operations on issues. Issues are switched off in a repository that says so (operation issues/create).

// textIssuesOff is the answer of a repository whose issues are switched off.
const textIssuesOff = "Issues has been disabled in this repository."

// NoIssues switches the repository's issues off.
func (r *Repo) NoIssues() {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.issueless = true
}

func (s *Server) postIssue(c *call) (int, any, error) {
	var in struct {
		Title any    `json:"title"`
		Body  string `json:"body"`
	}
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	title, ok := in.Title.(string)
	switch {
	case c.repo.issueless:
		return 0, nil, &apiError{status: 410, message: textIssuesOff}
	case !ok || title == "":
		return 0, nil, unprocessable("title is missing")
	case utf8.RuneCountInString(in.Body) > maxBody:
		return 0, nil, unprocessable(textTooLong)
	}
	i := c.repo.openIssue(title, in.Body, s.Bot())
	return 201, i.json(), i.notify("opened", s.Bot(), nil)
}

// patchIssue changes an issue's body and state. Of a pull request this double changes neither so.
func (s *Server) patchIssue(c *call) (int, any, error) {
	var in struct {
		Body   *string `json:"body"`
		State  string  `json:"state"`
		Reason string  `json:"state_reason"`
	}
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	switch {
	case c.issue == nil:
		return 0, nil, unprocessable("this double has issues/update for issues only")
	case in.Body != nil && utf8.RuneCountInString(*in.Body) > maxBody:
		return 0, nil, unprocessable(textTooLong)
	}
	if in.Body != nil {
		if err := c.issue.edit(s.Bot(), *in.Body); err != nil {
			return 0, nil, err
		}
	}
	if in.State != "" {
		if err := c.issue.become(s.Bot(), in.State, in.Reason); err != nil {
			return 0, nil, err
		}
	}
	return 200, c.issue.json(), nil
}

// listIssues lists issues and pull requests, which are issues too, by state and creator, the newest first (operation
// issues/list-for-repo).
func (s *Server) listIssues(c *call) (int, any, error) {
	q := c.r.URL.Query()
	byNumber := map[int]obj{}
	for _, i := range c.repo.issues {
		if !i.deleted {
			byNumber[i.number] = i.json()
		}
	}
	for _, p := range c.repo.pulls {
		byNumber[p.number] = p.issueJSON()
	}
	list := []obj{}
	for n := c.repo.numbers; n > 0; n-- {
		o, there := byNumber[n]
		if !there || q.Get("state") != "all" && o["state"] != "open" {
			continue
		}
		if by := o["user"].(obj)["login"].(string); q.Get("creator") != "" && !strings.EqualFold(by, q.Get("creator")) {
			continue
		}
		list = append(list, o)
	}
	return 200, page(c, list), nil
}
