package githubtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

func (r *Repo) nextNumber() int {
	r.numbers++
	return r.numbers
}

// newComment is a comment, if GitHub takes its words. The caller holds mu.
func (s *Server) newComment(by, body string) (*comment, error) {
	switch {
	case body == "":
		return nil, unprocessable(textBlankComment)
	case utf8.RuneCountInString(body) > maxBody:
		return nil, unprocessable(textTooLong)
	}
	return &comment{id: s.id(), author: by, body: body, created: s.now()}, nil
}

// edit gives a comment other words and returns those it had.
func (c *comment) edit(by, body string, now time.Time) string {
	was := c.body
	c.body, c.edited, c.editor = body, now, by
	return was
}

func (c *comment) updated() time.Time {
	if c.edited.IsZero() {
		return c.created
	}
	return c.edited
}

// node is the comment's node id.
func (c *comment) node() string {
	if c.review == nil {
		return nodeID("IC", c.id)
	}
	return nodeID("PRRC", c.id)
}

func (c *comment) show() Comment {
	newest := make(map[string]string)
	for _, r := range c.reactions {
		newest[r.By] = r.Emoji
	}
	return Comment{c.id, c.author, c.body, c.minimized, newest, slices.Clone(c.reactions)}
}

// Comment says something on the pull request's timeline, tells the App's webhook and returns the comment's id. A login
// that ends with "[bot]" is a bot.
func (p *Pull) Comment(by, body string) (int64, error) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	c, err := p.say(by, body)
	if err != nil {
		return 0, err
	}
	return c.id, nil
}

func (p *Pull) say(by, body string) (*comment, error) {
	c, err := p.s.newComment(by, body)
	if err != nil {
		return nil, err
	}
	p.talk = append(p.talk, c)
	return c, p.notifyTalk("created", by, c, nil)
}

// Comments are the comments on the pull request's timeline, oldest first.
func (p *Pull) Comments() []Comment {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	var all []Comment
	for _, c := range p.talk {
		all = append(all, c.show())
	}
	return all
}

// EditComment changes the words of a comment, on the timeline or in a thread, and tells the App's webhook.
func (p *Pull) EditComment(id int64, by, body string) error {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if c := p.said(id); c != nil {
		return p.notifyTalk("edited", by, c, changedBody(c.edit(by, body, p.s.now())))
	}
	if t, c := p.comment(id); c != nil {
		return p.notifyThread("edited", by, t, c, changedBody(c.edit(by, body, p.s.now())))
	}
	return fmt.Errorf("edit: no comment %d in pull request %d", id, p.number)
}

func changedBody(was string) obj { return obj{"changes": obj{"body": obj{"from": was}}} }

// said is the comment of that id on the timeline.
func (p *Pull) said(id int64) *comment {
	for _, c := range p.talk {
		if c.id == id {
			return c
		}
	}
	return nil
}

// reply adds a comment to a thread. On GitHub it becomes a review of its own without a body (Maxsky5/openducktor#786),
// and so is refused while its author has a pending one.
func (p *Pull) reply(t *thread, by, body string) (*comment, error) {
	pending := func(r *review) bool { return r.author == by && r.state == "PENDING" }
	if slices.ContainsFunc(p.reviews, pending) {
		return nil, unprocessable(textOnePending)
	}
	c, err := p.s.newComment(by, body)
	if err != nil {
		return nil, err
	}
	c.review = &review{
		id: p.s.id(), author: by, state: "COMMENTED", commit: p.headSHA, submitted: p.s.now(), reply: true,
	}
	p.reviews = append(p.reviews, c.review)
	t.comments = append(t.comments, c)
	if err := p.notifySubmitted("submitted", by, c.review, nil); err != nil {
		return nil, err
	}
	return c, p.notifyThread("created", by, t, c, nil)
}

// A Reaction is an emoji on a comment, in the words of the REST interface: "+1", "-1", "confused".
type Reaction struct {
	By, Emoji string
}

// An emoji is a reaction as the two interfaces call it.
type emoji struct{ rest, graphql string }

// emojis are GitHub's reactions in the order in which GraphQL groups them.
var emojis = []emoji{
	{"+1", "THUMBS_UP"}, {"-1", "THUMBS_DOWN"}, {"laugh", "LAUGH"}, {"hooray", "HOORAY"}, {"confused", "CONFUSED"},
	{"heart", "HEART"}, {"rocket", "ROCKET"}, {"eyes", "EYES"},
}

// React puts an emoji on a comment, each of them once by each login.
func (p *Pull) React(commentID int64, by, emoji string) error {
	return p.onComment(commentID, func(c *comment) { c.react(Reaction{by, emoji}) })
}

// Unreact takes an emoji back.
func (p *Pull) Unreact(commentID int64, by, emoji string) error {
	return p.onComment(commentID, func(c *comment) {
		c.reactions = slices.DeleteFunc(slices.Clone(c.reactions), func(r Reaction) bool { return r == Reaction{by, emoji} })
	})
}

// react adds a reaction and reports whether it is new.
func (c *comment) react(r Reaction) bool {
	if slices.Contains(c.reactions, r) {
		return false
	}
	c.reactions = append(slices.Clone(c.reactions), r)
	return true
}

func (p *Pull) onComment(id int64, do func(*comment)) error {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	c := p.said(id)
	if c == nil {
		_, c = p.comment(id)
	}
	if c == nil {
		return fmt.Errorf("react: no comment %d in pull request %d", id, p.number)
	}
	do(c)
	return nil
}

// SetPermission says what a person may do in the repository: admin, maintain, write, triage, read or none. Else its
// owner is admin and everybody else may read what is public.
func (r *Repo) SetPermission(login, level string) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if r.levels == nil {
		r.levels = make(map[string]string)
	}
	r.levels[strings.ToLower(login)] = level
}

// SetPrivate hides the repository or shows it.
func (r *Repo) SetPrivate(private bool) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.private = private
}

// level is a person's role in the repository.
func (r *Repo) level(login string) string {
	level, ok := r.levels[strings.ToLower(login)]
	switch {
	case ok:
		return level
	case strings.EqualFold(login, r.owner):
		return "admin"
	case r.private:
		return "none"
	}
	return "read"
}

// notifyTalk sends an issue_comment webhook.
func (p *Pull) notifyTalk(action, by string, c *comment, more obj) error {
	payload := obj{"action": action, "issue": p.issueJSON(), "comment": p.talkJSON(c)}
	for key, value := range more {
		payload[key] = value
	}
	return p.repo.notify("issue_comment", by, payload)
}

// notifyThread sends a pull_request_review_comment webhook.
func (p *Pull) notifyThread(action, by string, t *thread, c *comment, more obj) error {
	if !p.repo.told("pull_request_review_comment") {
		return nil
	}
	words, err := p.commentJSON(t, c)
	if err != nil {
		return err
	}
	pull, err := p.json()
	if err != nil {
		return err
	}
	payload := obj{"action": action, "comment": words, "pull_request": pull}
	for key, value := range more {
		payload[key] = value
	}
	return p.repo.notify("pull_request_review_comment", by, payload)
}

// notifySubmitted sends a pull_request_review webhook. There a state is in lower case, and a body that is empty is null.
func (p *Pull) notifySubmitted(action, by string, r *review, more obj) error {
	if !p.repo.told("pull_request_review") {
		return nil
	}
	words := p.reviewJSON(r)
	words["state"] = strings.ToLower(r.state)
	if r.body == "" {
		words["body"] = nil
	}
	pull, err := p.json()
	if err != nil {
		return err
	}
	payload := obj{"action": action, "review": words, "pull_request": pull}
	for key, value := range more {
		payload[key] = value
	}
	return p.repo.notify("pull_request_review", by, payload)
}

// notifyReview tells about a review that was submitted, and about every comment of it.
func (p *Pull) notifyReview(r *review) error {
	if r.state == "PENDING" {
		return nil
	}
	if err := p.notifySubmitted("submitted", r.author, r, nil); err != nil {
		return err
	}
	for _, t := range p.threads {
		if t.review != r {
			continue
		}
		if err := p.notifyThread("created", r.author, t, t.comments[0], nil); err != nil {
			return err
		}
	}
	return nil
}

// issueJSON is the pull request as the issue that it is too.
func (p *Pull) issueJSON() obj {
	o := (&Issue{s: p.s, repo: p.repo, id: p.id, number: p.number, title: p.title, author: p.author, created: p.created,
		talk: p.talk}).json()
	o["state"], o["draft"], o["body"], o["html_url"] = p.state, p.draft, p.body, p.page()
	o["labels"], o["assignees"] = p.repo.labelsJSON(p.labels), p.s.users(p.assignees)
	o["pull_request"] = obj{
		"url": p.s.api("/repos/%s/pulls/%d", p.repo.full(), p.number), "html_url": p.page(), "diff_url": p.page() + ".diff",
		"patch_url": p.page() + ".patch", "merged_at": nil,
	}
	return o
}

func (p *Pull) talkJSON(c *comment) obj { return p.repo.talkJSON(c, p.number, p.page()) }

func (i *Issue) talkJSON(c *comment) obj {
	return i.repo.talkJSON(c, i.number, i.s.url+"/"+i.repo.full()+"/issues/"+strconv.Itoa(i.number))
}

func (r *Repo) talkJSON(c *comment, number int, page string) obj {
	u := r.s.api("/repos/%s/issues/comments/%d", r.full(), c.id)
	return obj{
		"id": c.id, "node_id": c.node(), "url": u, "html_url": fmt.Sprintf("%s#issuecomment-%d", page, c.id),
		"issue_url": r.s.api("/repos/%s/issues/%d", r.full(), number), "body": c.body, "user": r.s.user(c.author),
		"created_at": stamp(c.created), "updated_at": stamp(c.updated()), "author_association": "NONE",
		"performed_via_github_app": nil, "reactions": c.reactionsJSON(u),
	}
}

func (c *comment) reactionsJSON(u string) obj {
	o := obj{"url": u + "/reactions", "total_count": len(c.reactions)}
	for _, e := range emojis {
		n := 0
		for _, r := range c.reactions {
			if r.Emoji == e.rest {
				n++
			}
		}
		o[e.rest] = n
	}
	return o
}
