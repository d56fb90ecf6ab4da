package githubtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

func (s *Server) postReview(c *call) (int, any, error) {
	var in reviewRequest
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	r, err := c.pull.addReview(s.Bot(), in)
	if err != nil {
		return 0, nil, err
	}
	if c.pull.outdated(r.commit) {
		s.outdated = append(s.outdated, fmt.Sprintf("review %d of %s", r.id, r.commit))
	}
	return 200, c.pull.reviewJSON(r), c.pull.notifyReview(r)
}

func (s *Server) listReviews(c *call) (int, any, error) {
	list := []obj{}
	for _, r := range c.pull.reviews {
		if r.visible(s.Bot()) {
			list = append(list, c.pull.reviewJSON(r))
		}
	}
	return 200, page(c, list), nil
}

// ownReview is the App's review that the path names; others it may read and not change.
func (s *Server) ownReview(c *call) (*review, error) {
	id, _ := strconv.ParseInt(c.params["review_id"], 10, 64)
	r := c.pull.review(id)
	switch {
	case r == nil || !r.visible(s.Bot()):
		return nil, &apiError{status: 404, message: "Not Found"}
	case r.author != s.Bot():
		return nil, &apiError{status: 403, message: "Resource not accessible by integration"}
	}
	return r, nil
}

func (s *Server) deleteReview(c *call) (int, any, error) {
	r, err := s.ownReview(c)
	if err != nil {
		return 0, nil, err
	}
	if err := c.pull.deleteReview(r); err != nil {
		return 0, nil, err
	}
	return 200, c.pull.reviewJSON(r), nil
}

func (s *Server) putReview(c *call) (int, any, error) {
	r, err := s.ownReview(c)
	if err != nil {
		return 0, nil, err
	}
	body, err := c.newBody()
	if err != nil {
		return 0, nil, err
	}
	was := r.edit(s.Bot(), body, s.now())
	return 200, c.pull.reviewJSON(r), c.pull.notifySubmitted("edited", s.Bot(), r, changedBody(was))
}

func (s *Server) patchComment(c *call) (int, any, error) {
	id, _ := strconv.ParseInt(c.params["comment_id"], 10, 64)
	for _, p := range c.repo.pulls {
		t, found := p.comment(id)
		if found == nil {
			continue
		}
		if found.author != s.Bot() {
			return 0, nil, &apiError{status: 403, message: "Resource not accessible by integration"}
		}
		body, err := c.newBody()
		if err != nil {
			return 0, nil, err
		}
		was := found.edit(s.Bot(), body, s.now())
		o, err := p.commentJSON(t, found)
		if err != nil {
			return 0, nil, err
		}
		return 200, o, p.notifyThread("edited", s.Bot(), t, found, changedBody(was))
	}
	return 0, nil, &apiError{status: 404, message: "Not Found"}
}

func (c *call) newBody() (string, error) {
	var in struct {
		Body string `json:"body"`
	}
	if err := c.decode(&in); err != nil {
		return "", err
	}
	switch {
	case in.Body == "":
		return "", unprocessable(textBlankComment)
	case utf8.RuneCountInString(in.Body) > maxBody:
		return "", unprocessable(textTooLong)
	}
	return in.Body, nil
}

func (s *Server) postToken(c *call) (int, any, error) {
	id, _ := strconv.ParseInt(c.params["installation_id"], 10, 64)
	i := s.installation(id)
	switch {
	case i == nil:
		return 0, nil, &apiError{status: 404, message: "Not Found"}
	case i.suspended:
		return 0, nil, &apiError{status: 403, message: "This installation has been suspended"}
	}
	var in tokenRequest
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	text, t, err := s.newToken(i, in)
	if err != nil {
		return 0, nil, err
	}
	selection, repos := "all", []obj{}
	for _, name := range in.Repositories {
		selection = "selected"
		repos = append(repos, s.find(i.owner, name).json())
	}
	o := obj{
		"token": text, "expires_at": stamp(t.expires), "permissions": t.permissions, "repository_selection": selection,
	}
	if selection == "selected" {
		o["repositories"] = repos
	}
	return 201, o, nil
}

// listDeliveries lists the newest first; the cursor is the id below which to go on.
func (s *Server) listDeliveries(c *call) (int, any, error) {
	all := s.Deliveries()
	slices.Reverse(all)
	size := min(max(number(c, "per_page", 30), 1), 100)
	below := number(c, "cursor", 0)
	list := []obj{}
	for _, d := range all {
		failed := d.Status < 200 || d.Status > 399
		want := c.r.URL.Query().Get("status")
		if below != 0 && d.ID >= int64(below) || want == "success" && failed || want == "failure" && !failed {
			continue
		}
		if len(list) == size {
			next := fmt.Sprintf("%s?per_page=%d&cursor=%v", s.api("/app/hook/deliveries"), size, list[size-1]["id"])
			c.header.Set("Link", fmt.Sprintf(`<%s>; rel="next"`, next))
			break
		}
		list = append(list, deliveryJSON(d))
	}
	return 200, list, nil
}

func deliveryJSON(d Delivery) obj {
	o := obj{
		"id": d.ID, "guid": d.GUID, "delivered_at": stamp(d.At), "redelivery": d.Redelivery, "event": d.Event,
		"duration": d.Duration.Seconds(), "status": "OK", "status_code": d.Status, "action": nil,
		"installation_id": nil, "repository_id": nil, "throttled_at": nil,
	}
	if d.Action != "" {
		o["action"] = d.Action
	}
	if d.Installation != 0 {
		o["installation_id"] = d.Installation
	}
	if d.Repository != 0 {
		o["repository_id"] = d.Repository
	}
	if d.Err != "" {
		o["status"] = d.Err
	}
	return o
}

func (s *Server) delivery(c *call) (*delivery, error) {
	id, _ := strconv.ParseInt(c.params["delivery_id"], 10, 64)
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	for _, d := range s.hooks.deliveries {
		if d.ID == id {
			return &delivery{d.Delivery, d.payload, d.header}, nil
		}
	}
	return nil, &apiError{status: 404, message: "Not Found"}
}

func (s *Server) getDelivery(c *call) (int, any, error) {
	d, err := s.delivery(c)
	if err != nil {
		return 0, nil, err
	}
	headers := obj{}
	for name := range d.header {
		headers[name] = d.header.Get(name)
	}
	o := deliveryJSON(d.Delivery)
	o["request"] = obj{"headers": headers, "payload": json.RawMessage(d.payload)}
	o["response"] = obj{"headers": obj{}, "payload": ""}
	return 200, o, nil
}

func (s *Server) postAttempt(c *call) (int, any, error) {
	d, err := s.delivery(c)
	if err != nil {
		return 0, nil, err
	}
	return 202, obj{}, s.Redeliver(d.ID)
}
