package githubtest

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	textDrafts       = "Draft pull requests are not supported in this repository."
	textPullExists   = "A pull request already exists for %s:%s."
	textNoCommits    = "No commits between %s and %s"
	textCollaborator = "Reviews may only be requested from collaborators. One or more of the users or teams you specified " +
		"is not a collaborator of the %s repository."
	textOwnReview = "Review cannot be requested from pull request author."
	textReopen    = "state cannot be changed. The %s branch has been deleted."
	maxTitle      = 256
	maxLabelName  = 50
	maxAssignees  = 10
)

// invalidPull is how operations on pull requests say that a field does not hold.
func invalidPull(field, code, message string) error {
	o := obj{"resource": "PullRequest", "code": code}
	if field != "" {
		o["field"] = field
	}
	if message != "" {
		o["message"] = message
	}
	return &apiError{status: 422, message: "Validation Failed", fields: []obj{o}}
}

// pullRequest is the body of pulls/create.
type pullRequest struct {
	Title     string `json:"title"`
	Head      string `json:"head"`
	HeadRepo  string `json:"head_repo"`
	Base      string `json:"base"`
	Body      string `json:"body"`
	Draft     bool   `json:"draft"`
	Maintain  bool   `json:"maintainer_can_modify"`
	FromIssue int64  `json:"issue"`
}

// postPull opens a pull request of the App (operation create-a-pull-request). One from a fork is not.
func (s *Server) postPull(c *call) (int, any, error) {
	var in pullRequest
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	if err := c.repo.refusePull(in); err != nil {
		return 0, nil, err
	}
	p, err := c.repo.openPull(PullOptions{
		Title: in.Title, Body: in.Body, Author: s.Bot(), Base: in.Base, Head: c.repo.headOf(in.Head), Draft: in.Draft,
	})
	if err != nil {
		return 0, nil, err
	}
	return p.answer(201)
}

// headOf is the branch that "branch" or "owner:branch" names.
func (r *Repo) headOf(head string) string { return strings.TrimPrefix(head, r.owner+":") }

// refusePull is GitHub's reason for not opening a pull request.
func (r *Repo) refusePull(in pullRequest) error {
	branch := r.headOf(in.Head)
	head, err := r.git.commit(r.refs + branch)
	if err != nil {
		return invalidPull("head", "invalid", "")
	}
	base, err := r.git.commit(r.refs + in.Base)
	switch {
	case err != nil:
		return invalidPull("base", "invalid", "")
	case in.Title == "":
		return invalidPull("title", "missing_field", "")
	case utf8.RuneCountInString(in.Title) > maxTitle:
		return invalidPull("title", "custom", "title is too long (maximum is 256 characters)")
	case utf8.RuneCountInString(in.Body) > maxBody:
		return invalidPull("body", "custom", "body is too long (maximum is 65536 characters)")
	case in.Draft && r.marks.NoDrafts:
		return unprocessableAs(textDrafts)
	case r.git.contains(base, head):
		return invalidPull("", "custom", fmt.Sprintf(textNoCommits, in.Base, branch))
	}
	for _, p := range r.pulls {
		if p.head == r && p.headBranch == branch && p.base == in.Base && p.state == "open" {
			return invalidPull("", "custom", fmt.Sprintf(textPullExists, r.owner, branch))
		}
	}
	return nil
}

// patchPull changes a pull request (operation update-a-pull-request).
func (s *Server) patchPull(c *call) (int, any, error) {
	var in struct {
		Title, Body, State, Base *string
		Maintain                 *bool `json:"maintainer_can_modify"`
	}
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	p, change := c.pull, obj{}
	switch {
	case in.Title != nil && (*in.Title == "" || utf8.RuneCountInString(*in.Title) > maxTitle):
		return 0, nil, invalidPull("title", "custom", "title is blank or too long")
	case in.Body != nil && utf8.RuneCountInString(*in.Body) > maxBody:
		return 0, nil, invalidPull("body", "custom", "body is too long (maximum is 65536 characters)")
	case in.Base != nil || in.Maintain != nil:
		return 0, nil, unprocessableAs("this double changes title, body and state")
	}
	if in.Title != nil && *in.Title != p.title {
		change["title"] = obj{"from": p.title}
		p.title = *in.Title
	}
	if in.Body != nil && *in.Body != p.body {
		change["body"] = obj{"from": p.body}
		p.body = *in.Body
	}
	if len(change) > 0 {
		p.updated = s.now()
		if err := p.notify("edited", s.Bot(), obj{"changes": change}); err != nil {
			return 0, nil, err
		}
	}
	if in.State != nil {
		if err := p.turn(*in.State, s.Bot()); err != nil {
			return 0, nil, err
		}
	}
	return p.answer(200)
}

// turn opens or closes the pull request, if it is not so already.
func (p *Pull) turn(state, by string) error {
	if state == p.state || p.mergeSHA != "" {
		return nil
	}
	if state == "closed" {
		p.close(by)
		return p.notify("closed", by, nil)
	}
	if _, err := p.repo.git.commit(p.head.refs + p.headBranch); err != nil {
		return invalidPull("state", "invalid", fmt.Sprintf(textReopen, p.headBranch))
	}
	p.state = "open"
	return p.notify("reopened", by, nil)
}

// postReviewers asks for reviews: from all that are named or from none (operation request-reviewers-for-a-pull-request).
func (s *Server) postReviewers(c *call) (int, any, error) {
	var in struct {
		Reviewers []string `json:"reviewers"`
		Teams     []string `json:"team_reviewers"`
	}
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	for _, login := range in.Reviewers {
		switch {
		case strings.EqualFold(login, c.pull.author):
			return 0, nil, unprocessableAs(textOwnReview)
		case !c.repo.collaborates(login):
			return 0, nil, unprocessableAs(fmt.Sprintf(textCollaborator, c.repo.full()))
		}
	}
	for _, team := range in.Teams {
		if !slices.Contains(c.repo.teams, team) {
			return 0, nil, unprocessableAs(fmt.Sprintf(textCollaborator, c.repo.full()))
		}
	}
	c.pull.reviewers, c.pull.teams = union(c.pull.reviewers, in.Reviewers), union(c.pull.teams, in.Teams)
	o, err := c.pull.json()
	return 201, o, err
}

// collaborates reports whether somebody was given a role in the repository, or owns it.
func (r *Repo) collaborates(login string) bool {
	_, given := r.levels[strings.ToLower(login)]
	return given || strings.EqualFold(login, r.owner)
}

// union is all of a and what else is in b.
func union(a, b []string) []string {
	for _, one := range b {
		if !slices.Contains(a, one) {
			a = append(slices.Clone(a), one)
		}
	}
	return a
}

// postLabels adds labels, and makes those that the repository does not have (operation add-labels-to-an-issue).
func (s *Server) postLabels(c *call) (int, any, error) {
	var in struct{ Labels []string }
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	for _, name := range in.Labels {
		if name == "" || utf8.RuneCountInString(name) > maxLabelName {
			field := obj{"resource": "Label", "code": "invalid", "field": "name"}
			return 0, nil, &apiError{status: 422, message: "Validation Failed", fields: []obj{field}}
		}
	}
	if c.pull == nil {
		return 0, nil, errNotFound // this double labels pull requests
	}
	c.pull.labels, c.repo.labels = union(c.pull.labels, in.Labels), union(c.repo.labels, in.Labels)
	return 200, c.repo.labelsJSON(c.pull.labels), nil
}

// postAssignees adds assignees. As on GitHub whoever cannot be one is passed over (operation
// add-assignees-to-an-issue).
func (s *Server) postAssignees(c *call) (int, any, error) {
	var in struct{ Assignees []string }
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	if c.pull == nil {
		return 0, nil, errNotFound
	}
	can := slices.DeleteFunc(in.Assignees, func(login string) bool { return !c.repo.collaborates(login) })
	all := union(c.pull.assignees, can)
	c.pull.assignees = all[:min(len(all), maxAssignees)]
	return 201, c.pull.issueJSON(), nil
}

func (s *Server) users(logins []string) []obj {
	list := []obj{}
	for _, login := range logins {
		list = append(list, s.user(login))
	}
	return list
}

func (r *Repo) labelsJSON(names []string) []obj {
	list := []obj{}
	for n, name := range names {
		id := r.id*1000 + int64(n)
		list = append(list, obj{
			"id": id, "node_id": nodeID("LA", id), "url": r.s.api("/repos/%s/labels/%d", r.full(), n), "name": name,
			"description": "", "color": "ededed", "default": false,
		})
	}
	return list
}

func (r *Repo) teamsJSON(slugs []string) []obj {
	list := []obj{}
	for n, slug := range slugs {
		id := r.id%1_000_000*100 + int64(n)
		u := r.s.api("/organizations/%d/team/%d", r.id, id)
		list = append(list, obj{
			"id": id, "node_id": nodeID("T", id), "url": u, "members_url": u + "/members{/member}", "name": slug, "slug": slug,
			"description": nil, "permission": "push", "privacy": "closed", "type": "organization", "parent": nil,
			"html_url": r.s.url + "/orgs/" + r.owner + "/teams/" + slug, "repositories_url": u + "/repos",
			"notification_setting": "notifications_enabled",
		})
	}
	return list
}
