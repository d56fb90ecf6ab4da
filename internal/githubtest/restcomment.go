package githubtest

import (
	"slices"
	"strconv"
	"strings"
)

func (s *Server) postTalk(c *call) (int, any, error) {
	body, err := c.newBody()
	if err != nil {
		return 0, nil, onIssue("IssueComment", err)
	}
	if c.issue != nil {
		said, err := c.issue.say(s.Bot(), body)
		if err != nil {
			return 0, nil, err
		}
		return 201, c.issue.talkJSON(said), nil
	}
	said, err := c.pull.say(s.Bot(), body)
	if err != nil {
		return 0, nil, err
	}
	return 201, c.pull.talkJSON(said), nil
}

func (s *Server) listTalk(c *call) (int, any, error) {
	list := []obj{}
	if c.issue != nil {
		for _, said := range c.issue.talk {
			list = append(list, c.issue.talkJSON(said))
		}
		return 200, page(c, list), nil
	}
	for _, said := range c.pull.talk {
		list = append(list, c.pull.talkJSON(said))
	}
	return 200, page(c, list), nil
}

func (s *Server) patchTalk(c *call) (int, any, error) {
	id, _ := strconv.ParseInt(c.params["comment_id"], 10, 64)
	for _, p := range c.repo.pulls {
		said := p.said(id)
		if said == nil {
			continue
		}
		if said.author != s.Bot() {
			return 0, nil, &apiError{status: 403, message: "Resource not accessible by integration"}
		}
		body, err := c.newBody()
		if err != nil {
			return 0, nil, onIssue("IssueComment", err)
		}
		was := said.edit(s.Bot(), body, s.now())
		return 200, p.talkJSON(said), p.notifyTalk("edited", s.Bot(), said, changedBody(was))
	}
	return 0, nil, errNotFound
}

func (s *Server) postReply(c *call) (int, any, error) {
	id, _ := strconv.ParseInt(c.params["comment_id"], 10, 64)
	t, to := c.pull.comment(id)
	if to == nil || !t.review.visible(s.Bot()) {
		return 0, nil, errNotFound
	}
	if to != t.comments[0] {
		return 0, nil, unprocessable("Replies to replies are not supported")
	}
	body, err := c.newBody()
	if err != nil {
		return 0, nil, err
	}
	said, err := c.pull.reply(t, s.Bot(), body)
	if err != nil {
		return 0, nil, err
	}
	o, err := c.pull.commentJSON(t, said)
	return 201, o, err
}

// postReaction puts the App's emoji on a comment: of a thread or of the timeline, as the path says.
func (s *Server) postReaction(c *call) (int, any, error) {
	var in struct {
		Content string `json:"content"`
	}
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	if !slices.ContainsFunc(emojis, func(e emoji) bool { return e.rest == in.Content }) {
		return 0, nil, unprocessable("content is not included in the list")
	}
	on := c.commented()
	if on == nil {
		return 0, nil, errNotFound
	}
	status := 200 // it was there already
	if on.react(Reaction{s.Bot(), in.Content}) {
		status = 201
	}
	return status, obj{
		"id": s.id(), "node_id": nodeID("REA", on.id), "user": s.user(s.Bot()), "content": in.Content,
		"created_at": stamp(s.now()),
	}, nil
}

// commented is the comment that the path of a reaction names.
func (c *call) commented() *comment {
	id, _ := strconv.ParseInt(c.params["comment_id"], 10, 64)
	for _, p := range c.repo.pulls {
		if strings.Contains(c.r.URL.Path, "/issues/") {
			if said := p.said(id); said != nil {
				return said
			}
		} else if _, found := p.comment(id); found != nil {
			return found
		}
	}
	return nil
}

// getLevel says what a person may do. As on GitHub the word under permission is one of four; role_name is precise.
func (s *Server) getLevel(c *call) (int, any, error) {
	login := c.params["username"]
	role := c.repo.level(login)
	coarse := role
	switch role {
	case "maintain":
		coarse = "write"
	case "triage":
		coarse = "read"
	}
	rank := slices.Index([]string{"none", "read", "triage", "write", "maintain", "admin"}, role)
	user := s.user(login)
	user["role_name"] = role
	user["permissions"] = obj{
		"pull": rank > 0, "triage": rank > 1, "push": rank > 2, "maintain": rank > 3, "admin": rank > 4,
	}
	return 200, obj{"permission": coarse, "role_name": role, "user": user}, nil
}
