package githubtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/routers"
)

// maxRequest is how much of a request's body the server reads.
const maxRequest = 25 << 20

// A call is one request for an operation of the REST interface.
type call struct {
	r      *http.Request
	params map[string]string
	body   []byte
	token  *token // nil when the App itself calls
	repo   *Repo
	pull   *Pull
	issue  *Issue
	header http.Header // of the answer
}

// An operation is what the server does for one operation id of GitHub's description.
type operation struct {
	app        bool   // called with the App's own token
	open       bool   // called without a credential
	whole      bool   // about an installation as a whole, not one repository
	permission string // else: what the installation's token must hold
	level      string
	content    bool // counts as creating content
	run        func(*Server, *call) (status int, body any, err error)
}

func operationOf(id string) (operation, bool) {
	app := operation{app: true}
	contents := operation{permission: "contents", level: "read"}
	pulls := operation{permission: "pull_requests", level: "read"}
	change := operation{permission: "pull_requests", level: "write"}
	create := operation{permission: "pull_requests", level: "write", content: true}
	checks := operation{permission: "checks", level: "read"}
	write := operation{permission: "contents", level: "write", content: true}
	issues := operation{permission: "issues", level: "read"}
	issue := operation{permission: "issues", level: "write", content: true}
	meta := operation{permission: "metadata", level: "read"}
	report := operation{permission: "checks", level: "write", content: true}
	op, ok := map[string]operation{
		"apps/create-from-manifest":                        operation{open: true}.by((*Server).postConversion),
		"apps/create-installation-access-token":            app.by((*Server).postToken),
		"apps/get-authenticated":                           app.by((*Server).getApp),
		"apps/get-webhook-config-for-app":                  app.by((*Server).getHookConfig),
		"apps/get-org-installation":                        app.by((*Server).getOrgInstallation),
		"apps/get-user-installation":                       app.by((*Server).getUserInstallation),
		"apps/get-webhook-delivery":                        app.by((*Server).getDelivery),
		"apps/list-installations":                          app.by((*Server).listInstallations),
		"apps/list-repos-accessible-to-installation":       operation{whole: true}.by((*Server).listInstalled),
		"apps/list-webhook-deliveries":                     app.by((*Server).listDeliveries),
		"apps/redeliver-webhook-delivery":                  app.by((*Server).postAttempt),
		"checks/create":                                    report.by((*Server).postCheck),
		"checks/get":                                       checks.by((*Server).getCheck),
		"checks/list-for-ref":                              checks.by((*Server).listChecks),
		"checks/update":                                    report.by((*Server).patchCheck),
		"git/create-blob":                                  write.by((*Server).postBlob),
		"git/create-commit":                                write.by((*Server).postCommit),
		"git/create-ref":                                   write.by((*Server).postRef),
		"git/create-tree":                                  write.by((*Server).postTree),
		"git/delete-ref":                                   write.by((*Server).deleteRef),
		"git/get-blob":                                     contents.by((*Server).getBlob),
		"git/get-commit":                                   contents.by((*Server).getCommit),
		"git/get-ref":                                      contents.by((*Server).getRef),
		"git/get-tree":                                     contents.by((*Server).getTree),
		"git/update-ref":                                   write.by((*Server).patchRef),
		"issues/add-assignees":                             change.by((*Server).postAssignees),
		"issues/add-labels":                                change.by((*Server).postLabels),
		"issues/create":                                    issue.by((*Server).postIssue),
		"issues/create-comment":                            create.by((*Server).postTalk),
		"issues/list-for-repo":                             issues.by((*Server).listIssues),
		"issues/update":                                    issue.by((*Server).patchIssue),
		"issues/list-comments":                             pulls.by((*Server).listTalk),
		"issues/update-comment":                            create.by((*Server).patchTalk),
		"pulls/create":                                     create.by((*Server).postPull),
		"pulls/create-reply-for-review-comment":            create.by((*Server).postReply),
		"pulls/create-review":                              create.by((*Server).postReview),
		"pulls/delete-pending-review":                      change.by((*Server).deleteReview),
		"pulls/get":                                        pulls.by((*Server).getPull),
		"pulls/list":                                       pulls.by((*Server).listPulls),
		"pulls/list-files":                                 pulls.by((*Server).listFiles),
		"pulls/list-reviews":                               pulls.by((*Server).listReviews),
		"pulls/request-reviewers":                          create.by((*Server).postReviewers),
		"pulls/update":                                     change.by((*Server).patchPull),
		"pulls/update-review":                              create.by((*Server).putReview),
		"pulls/update-review-comment":                      create.by((*Server).patchComment),
		"reactions/create-for-issue-comment":               create.by((*Server).postReaction),
		"reactions/create-for-pull-request-review-comment": create.by((*Server).postReaction),
		"repos/compare-commits":                            contents.by((*Server).getComparison),
		"repos/get":                                        meta.by((*Server).getRepo),
		"repos/get-branch":                                 contents.by((*Server).getBranch),
		"repos/get-collaborator-permission-level":          meta.by((*Server).getLevel),
		"repos/list-pull-requests-associated-with-commit":  pulls.by((*Server).listPullsOf),
	}[id]
	return op, ok
}

// by is the operation carried out by run.
func (op operation) by(run func(*Server, *call) (int, any, error)) operation {
	op.run = run
	return op
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, "body", http.StatusRequestEntityTooLarge)
		return
	}
	if r.Method == http.MethodPost && (r.URL.Path == "/graphql" || r.URL.Path == "/api/graphql") {
		s.serve(w, r, body, graphqlOperation(body), func() *answer { return s.graphql(r, body) })
		return
	}
	if s.web(w, r, body) {
		return
	}
	r = atRoot(r)
	route, params, err := s.contract.route(r)
	if err != nil {
		s.serve(w, r, body, "", func() *answer {
			return failed(&apiError{status: 404, message: "Not Found"}) // also what is no operation in use
		})
		return
	}
	s.serve(w, r, body, route.Operation.OperationID, func() *answer { return s.rest(r, body, route, params) })
}

// atRoot strips the prefix under which an Enterprise Server has the REST interface.
func atRoot(r *http.Request) *http.Request {
	again := r.Clone(r.Context())
	again.URL.Path = strings.TrimPrefix(r.URL.Path, "/api/v3")
	again.URL.RawPath = strings.TrimPrefix(r.URL.RawPath, "/api/v3")
	return again
}

// An answer is a finished response.
type answer struct {
	status int
	header http.Header
	body   []byte
	points int // that a GraphQL query cost
}

// serve answers a request, with the fault that was injected for it if there is one, and records it.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, body []byte, operation string, act func() *answer) {
	pause(r, s.options.Latency)
	land, refused := s.fly(r)
	defer land()
	if refused != nil {
		act = func() *answer { return failed(refused) }
	}
	fault, a := s.decide(r, body, operation, act)
	if fault != nil && fault.strike(w, r) {
		return
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the caller went away
}

// decide carries a request out, unless a fault prevents it.
func (s *Server) decide(r *http.Request, body []byte, operation string, act func() *answer) (*Fault, *answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fault := s.fault(operation)
	var a *answer
	if fault == nil || fault.After || (fault.Status == 0 && !fault.Cut) {
		a = act()
	}
	if key := readKey(r, body); a != nil {
		if fault != nil && fault.Stale {
			a = s.stale(key, a)
		} else {
			s.remember(key, a)
		}
	}
	s.record(r, operation, fault, a)
	return fault, a
}

func (s *Server) record(r *http.Request, operation string, f *Fault, a *answer) {
	status, points := 0, 0
	if a != nil {
		points = a.points
	}
	switch {
	case f != nil && f.Cut:
	case f != nil && f.Status != 0:
		status = f.Status
	default:
		status = a.status
	}
	s.requests = append(s.requests, Request{
		At: s.now(), Host: r.Host, Method: r.Method, Path: r.URL.Path, Operation: operation, Status: status,
		Token: operation == "apps/create-installation-access-token", Points: points,
	})
}

// rest carries out an operation and holds both sides to the contract.
func (s *Server) rest(r *http.Request, body []byte, route *routers.Route, params map[string]string) *answer {
	in, err := s.contract.request(r, body, route, params)
	if err != nil {
		s.broken("%w", err)
	}
	a := s.operate(&call{r: r, params: params, body: body, header: make(http.Header)}, route.Operation.OperationID)
	if err := s.contract.response(in, a.status, a.header, a.body); err != nil {
		s.broken("%w", err)
	}
	return a
}

func (s *Server) operate(c *call, id string) *answer {
	op, ok := operationOf(id)
	if !ok {
		return failed(fmt.Errorf("operation %s is described but not implemented", id))
	}
	if err := s.admit(c, op); err != nil {
		return failed(err)
	}
	status, body, err := op.run(s, c)
	if err != nil {
		return failed(err)
	}
	return s.succeeded(c, status, body)
}

// admit checks the caller's credential, finds what is called upon, and counts the call.
func (s *Server) admit(c *call, op operation) error {
	switch {
	case op.open:
		return nil
	case op.app:
		return s.authApp(c.r)
	}
	t, err := s.authToken(c.r)
	if err != nil {
		return err
	}
	c.token = t
	if err := s.spend(t.installation, c.r.Method, op.content); err != nil {
		return err
	}
	s.rateHeader(c.header, t.installation.rates.rest, "core")
	if op.whole {
		return nil
	}
	if err := s.subject(c); err != nil {
		return err
	}
	if text := c.repo.readOnly(); op.level == "write" && text != "" {
		return &apiError{status: 403, message: text}
	}
	if c.issue != nil {
		op.permission = "issues" // of what is said on a pull request, pull_requests decides
	}
	if !allows(t.permissions, op.permission, op.level) {
		h := http.Header{}
		h.Set("X-Accepted-GitHub-Permissions", op.permission+"="+op.level)
		return &limited{apiError{status: 403, message: "Resource not accessible by integration"}, h}
	}
	return nil
}

// subject finds the repository and the pull request that the path names.
func (s *Server) subject(c *call) error {
	owner, name := c.params["owner"], c.params["repo"]
	c.repo = s.find(owner, name)
	if c.repo == nil {
		if r := s.renamed(owner, name); r != nil && c.token.reaches(r) {
			return redirect(c, r)
		}
	}
	if c.repo == nil || !c.token.reaches(c.repo) {
		return &apiError{status: 404, message: "Not Found"}
	}
	if number, ok := c.params["pull_number"]; ok {
		n, _ := strconv.Atoi(number)
		if c.pull = s.pull(c.repo, n); c.pull == nil {
			return errNotFound
		}
	}
	if number, ok := c.params["issue_number"]; ok {
		n, _ := strconv.Atoi(number)
		c.pull, c.issue = s.pull(c.repo, n), c.repo.issue(n)
		if c.pull == nil && c.issue == nil {
			return errNotFound
		}
	}
	return nil
}

// redirect sends the caller to the repository's new name: 301 for reads, 307 for writes.
func redirect(c *call, to *Repo) error {
	old := c.params["owner"] + "/" + c.params["repo"]
	h := http.Header{}
	h.Set("Location", to.s.url+"/api/v3"+strings.Replace(c.r.URL.RequestURI(), old, to.full(), 1))
	status := http.StatusTemporaryRedirect
	if c.r.Method == http.MethodGet {
		status = http.StatusMovedPermanently
	}
	return &limited{apiError{status: status, message: "Moved Permanently"}, h}
}

func (s *Server) succeeded(c *call, status int, body any) *answer {
	a := &answer{status: status, header: c.header}
	if body == nil {
		return a
	}
	text, err := json.Marshal(body)
	if err != nil {
		return failed(err)
	}
	a.body = text
	a.header.Set("Content-Type", "application/json; charset=utf-8")
	if c.r.Method == http.MethodGet {
		s.conditional(c, a)
	}
	return a
}

// conditional gives the answer an ETag, and empties it when the caller has it already: 304 costs nothing of the hour.
func (s *Server) conditional(c *call, a *answer) {
	sum := sha256.Sum256(append([]byte(bearer(c.r)), a.body...))
	tag := fmt.Sprintf(`"%x"`, sum)
	a.header.Set("ETag", tag)
	if c.r.Header.Get("If-None-Match") == tag {
		a.status, a.body = http.StatusNotModified, nil
		if c.token != nil {
			hour := &c.token.installation.rates.rest
			hour.used--
			s.rateHeader(a.header, *hour, "core")
		}
	}
}

func failed(err error) *answer {
	a := &answer{status: 500, header: make(http.Header)}
	body := obj{"message": err.Error(), "documentation_url": docs}
	var no *apiError
	var wait *limited
	switch {
	case errors.As(err, &wait):
		no, a.header = &wait.apiError, wait.header
	case errors.As(err, &no):
	}
	if no != nil {
		a.status = no.status
		body["message"] = no.message
		body["status"] = strconv.Itoa(no.status)
		if no.docs != "" {
			body["documentation_url"] = no.docs
		}
		if len(no.errors) > 0 {
			body["errors"] = no.errors
		}
		if len(no.fields) > 0 {
			body["errors"] = no.fields
		}
	}
	a.header.Set("Content-Type", "application/json; charset=utf-8")
	a.body, _ = json.Marshal(body) // of strings: cannot fail
	return a
}

// decode reads a body strictly: GitHub refuses keys it does not know in these operations.
func (c *call) decode(into any) error {
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return &apiError{status: 422, message: "Invalid request.", errors: []string{err.Error()}}
	}
	return nil
}

// page cuts a list as per_page and page ask, and links to the next one.
func page[T any](c *call, all []T) []T {
	size := min(max(number(c, "per_page", 30), 1), 100)
	at := max(number(c, "page", 1), 1)
	from := min((at-1)*size, len(all))
	to := min(from+size, len(all))
	if to < len(all) {
		next := *c.r.URL
		q := next.Query()
		q.Set("page", strconv.Itoa(at+1))
		next.RawQuery = q.Encode()
		c.header.Set("Link", fmt.Sprintf(`<http://%s/api/v3%s>; rel="next"`, c.r.Host, next.RequestURI()))
	}
	return all[from:to]
}

func number(c *call, key string, other int) int {
	n, err := strconv.Atoi(c.r.URL.Query().Get(key))
	if err != nil {
		return other
	}
	return n
}
