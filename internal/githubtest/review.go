package githubtest

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// maxBody is the longest body GitHub takes, in characters (octopusreview/octopus#511, renovatebot/renovate#2032).
const maxBody = 65_536

// The texts of GitHub's 422 answers to a review, as people who met them quote them.
const (
	textOnePending   = "User can only have one pending review per pull request"
	textNoLine       = "Pull request review thread line must be part of the diff"
	textNoStart      = "Pull request review thread start line must be part of the same hunk as the line."
	textNoPath       = "Path could not be resolved"
	textStartAfter   = "Pull request review thread start line must precede the end line."
	textOwnApprove   = "Can not approve your own pull request"
	textOwnRequest   = "Can not request changes on your own pull request"
	textBlankReview  = "Review body can't be blank and there are no comments"
	textBlankComment = "Body can't be blank"
	textTooLong      = "Body is too long (maximum is 65536 characters)"
	textSide         = "Side is not included in the list"
	textNotACommit   = "commit_id is not part of the pull request"
	textPosition     = "Position is deprecated: this double takes line and side"
)

type review struct {
	id        int64
	author    string
	body      string
	state     string // PENDING, COMMENTED, APPROVED, CHANGES_REQUESTED, DISMISSED
	commit    string
	submitted time.Time
	edited    time.Time // zero when it never was
	editor    string
	minimized string
	reply     bool // it holds one reply and is shown as nothing else
}

// reviewRequest is the body of POST pulls/{n}/reviews: exactly the keys of the official schema.
type reviewRequest struct {
	Body     string           `json:"body"`
	CommitID string           `json:"commit_id"`
	Event    string           `json:"event"`
	Comments []commentRequest `json:"comments"`
}

type commentRequest struct {
	Path      string `json:"path"`
	Body      string `json:"body"`
	Position  *int   `json:"position"`
	Line      int    `json:"line"`
	Side      string `json:"side"`
	StartLine *int   `json:"start_line"`
	StartSide string `json:"start_side"`
}

// addReview makes a review with all of its comments, or refuses it as a whole. The caller holds mu.
func (p *Pull) addReview(author string, in reviewRequest) (*review, error) {
	if text := p.refuseReview(author, in); text != "" {
		return nil, unprocessable(text)
	}
	if in.CommitID == "" {
		in.CommitID = p.headSHA
	}
	commits, err := p.commits()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(commits, in.CommitID) {
		return nil, unprocessable(textNotACommit)
	}
	files, err := p.diff(in.CommitID)
	if err != nil {
		return nil, err
	}
	for i := range in.Comments {
		if text := refuseComment(files, &in.Comments[i]); text != "" {
			return nil, unprocessable(text)
		}
	}
	return p.keepReview(author, in, files), nil
}

func (p *Pull) refuseReview(author string, in reviewRequest) string {
	pending := func(r *review) bool { return r.author == author && r.state == "PENDING" }
	switch {
	case slices.ContainsFunc(p.reviews, pending):
		return textOnePending
	case in.Event == "APPROVE" && author == p.author:
		return textOwnApprove
	case in.Event == "REQUEST_CHANGES" && author == p.author:
		return textOwnRequest
	case in.Body == "" && len(in.Comments) == 0 && in.Event != "APPROVE":
		return textBlankReview
	case utf8.RuneCountInString(in.Body) > maxBody:
		return textTooLong
	}
	return ""
}

// refuseComment is GitHub's reason for not taking a comment, "" if it takes it. It fills in the sides left out.
func refuseComment(files []fileDiff, c *commentRequest) string {
	if c.Side == "" {
		c.Side = "RIGHT"
	}
	if c.StartSide == "" {
		c.StartSide = c.Side
	}
	i := slices.IndexFunc(files, func(f fileDiff) bool { return f.path == c.Path })
	switch {
	case c.Position != nil:
		return textPosition
	case c.Body == "":
		return textBlankComment
	case utf8.RuneCountInString(c.Body) > maxBody:
		return textTooLong
	case !slices.Contains([]string{"LEFT", "RIGHT"}, c.Side) || !slices.Contains([]string{"LEFT", "RIGHT"}, c.StartSide):
		return textSide
	case i < 0:
		return textNoPath
	}
	at := files[i].hunkOf(c.Side, c.Line)
	switch {
	case at < 0:
		return textNoLine
	case c.StartLine == nil:
		return ""
	case c.Side == c.StartSide && *c.StartLine >= c.Line:
		return textStartAfter
	case files[i].hunkOf(c.StartSide, *c.StartLine) != at:
		return textNoStart
	}
	return ""
}

func (p *Pull) keepReview(author string, in reviewRequest, files []fileDiff) *review {
	states := map[string]string{
		"": "PENDING", "COMMENT": "COMMENTED", "APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED",
	}
	r := &review{id: p.s.id(), author: author, body: in.Body, state: states[in.Event], commit: in.CommitID}
	if in.Event != "" {
		r.submitted = p.s.now()
	}
	p.reviews = append(p.reviews, r)
	for _, c := range in.Comments {
		i := slices.IndexFunc(files, func(f fileDiff) bool { return f.path == c.Path })
		t := &thread{id: p.s.id(), review: r, path: c.Path, side: c.Side, start: c.Line, line: c.Line, commit: in.CommitID}
		if c.StartLine != nil {
			t.start = *c.StartLine
		}
		t.hunk, t.position = files[i].hunkText(c.Side, c.Line), files[i].position(c.Side, c.Line)
		t.comments = []*comment{{id: p.s.id(), review: r, author: author, body: c.Body, created: p.s.now()}}
		p.threads = append(p.threads, t)
	}
	return r
}

// deleteReview takes back a pending review and its comments.
func (p *Pull) deleteReview(r *review) error {
	if r.state != "PENDING" {
		return unprocessable("Can not delete a non-pending pull request review")
	}
	p.reviews = slices.DeleteFunc(p.reviews, func(x *review) bool { return x == r })
	p.threads = slices.DeleteFunc(p.threads, func(t *thread) bool { return t.review == r })
	return nil
}

// visible reports whether a person sees a review: a pending one is its author's alone.
func (r *review) visible(login string) bool { return r.state != "PENDING" || r.author == login }

// A Review is a review as the pull request's page shows it.
type Review struct {
	ID        int64
	Author    string
	Body      string
	State     string // COMMENTED and so on, in GitHub's words
	Commit    string
	Minimized string // the reason in GitHub's words, "" when it is shown
}

// Reviews are the submitted reviews, oldest first.
func (p *Pull) Reviews() []Review {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	var all []Review
	for _, r := range p.reviews {
		if r.visible("") && !r.reply {
			all = append(all, Review{r.id, r.author, r.body, r.state, r.commit, r.minimized})
		}
	}
	return all
}

// A ReviewComment is an inline comment that a person makes. Line is on the new side; StartLine 0 is one line.
type ReviewComment struct {
	Path            string
	StartLine, Line int
	Body            string
}

// Review submits a person's review of the head, under the same rules as the App's.
func (p *Pull) Review(by, body string, comments ...ReviewComment) error {
	_, err := p.SubmitReview(by, "COMMENT", body, comments...)
	return err
}

// SubmitReview is Review with an event in GitHub's words: COMMENT, APPROVE or REQUEST_CHANGES. It returns the review's id.
func (p *Pull) SubmitReview(by, event, body string, comments ...ReviewComment) (int64, error) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	r, err := p.addReview(by, reviewOf(body, event, comments))
	if err != nil {
		return 0, err
	}
	return r.id, p.notifyReview(r)
}

// EditReview changes the body of a submitted review and tells the App's webhook.
func (p *Pull) EditReview(id int64, by, body string) error {
	return p.onReview(id, func(r *review) error {
		return p.notifySubmitted("edited", by, r, changedBody(r.edit(by, body, p.s.now())))
	})
}

// DismissReview takes the weight from a review and tells the App's webhook.
func (p *Pull) DismissReview(id int64, by string) error {
	return p.onReview(id, func(r *review) error {
		r.state = "DISMISSED"
		return p.notifySubmitted("dismissed", by, r, nil)
	})
}

func (p *Pull) onReview(id int64, do func(*review) error) error {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if r := p.review(id); r != nil && r.state != "PENDING" {
		return do(r)
	}
	return fmt.Errorf("no submitted review %d in pull request %d", id, p.number)
}

// edit gives a review another body and returns the one it had.
func (r *review) edit(by, body string, now time.Time) string {
	was := r.body
	r.body, r.edited, r.editor = body, now, by
	return was
}

// StartReview leaves a review pending, as somebody does who walks away before submitting it.
func (p *Pull) StartReview(by, body string, comments ...ReviewComment) error {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	_, err := p.addReview(by, reviewOf(body, "", comments))
	return err
}

func reviewOf(body, event string, comments []ReviewComment) reviewRequest {
	in := reviewRequest{Body: body, Event: event}
	for _, c := range comments {
		one := commentRequest{Path: c.Path, Line: c.Line, Body: c.Body}
		if c.StartLine != 0 {
			one.StartLine = &c.StartLine
		}
		in.Comments = append(in.Comments, one)
	}
	return in
}

func (p *Pull) review(id int64) *review {
	for _, r := range p.reviews {
		if r.id == id {
			return r
		}
	}
	return nil
}

// An apiError is an answer that says no.
type apiError struct {
	status  int
	message string
	errors  []string
	fields  []obj  // errors in the form that some operations have instead
	docs    string // the page that the answer names; "" is that of the interface
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s %q", e.status, e.message, e.errors) }

func unprocessable(texts ...string) error {
	return &apiError{status: 422, message: "Unprocessable Entity", errors: texts}
}

// onIssue is how operations on issues say the same: an object for each error.
func onIssue(resource string, err error) error {
	var no *apiError
	if !errors.As(err, &no) || no.status != 422 {
		return err
	}
	e := &apiError{status: 422, message: "Validation Failed"}
	for _, text := range no.errors {
		field := obj{"resource": resource, "code": "unprocessable", "field": "data", "message": text}
		e.fields = append(e.fields, field)
	}
	return e
}
