package githubtest

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The sizes of a check run (operations checks/create and checks/update). GitHub speaks of characters where this double
// counts bytes, for what is stored is a column of that many bytes; who stays below these stays below both.
const (
	maxOutput      = 65_535
	maxAnnotations = 50 // in one request
	maxMessage     = 64 << 10
	maxRunTitle    = 255
	maxActions     = 3
	maxLabel       = 20
	maxIdentifier  = 20
	maxDescription = 40
)

// A checkSuite is the check runs of one commit.
type checkSuite struct {
	id      int64
	sha     string
	created time.Time
	runs    []*checkRun
}

type checkRun struct {
	id         int64
	suite      *checkSuite
	name       string
	detailsURL string
	externalID string
	status     string // GitHub's word, as conclusion
	conclusion string // "" until completed
	started    time.Time
	completed  time.Time // zero until completed
	output     checkOutput
	actions    []CheckAction
}

// checkRequest is the body of a request that makes or changes a check run: exactly the keys of the official schema. A
// nil field is one that was left out.
type checkRequest struct {
	Name        *string        `json:"name"`
	HeadSHA     string         `json:"head_sha"` // of checks/create alone
	DetailsURL  *string        `json:"details_url"`
	ExternalID  *string        `json:"external_id"`
	Status      *string        `json:"status"`
	StartedAt   *time.Time     `json:"started_at"`
	Conclusion  *string        `json:"conclusion"`
	CompletedAt *time.Time     `json:"completed_at"`
	Output      *checkOutput   `json:"output"`
	Actions     *[]CheckAction `json:"actions"`
}

type checkOutput struct {
	Title       *string      `json:"title"`
	Summary     *string      `json:"summary"`
	Text        *string      `json:"text"`
	Annotations []Annotation `json:"annotations"`
	Images      []struct {
		Alt      string `json:"alt"`
		ImageURL string `json:"image_url"`
		Caption  string `json:"caption"`
	} `json:"images"`
}

// An Annotation is a remark of a check run on lines of a file.
type Annotation struct {
	Path        string `json:"path"`
	StartLine   int    `json:"start_line"`
	EndLine     int    `json:"end_line"`
	StartColumn int    `json:"start_column"` // 0 is none, as EndColumn
	EndColumn   int    `json:"end_column"`
	Level       string `json:"annotation_level"`
	Message     string `json:"message"`
	Title       string `json:"title"`
	RawDetails  string `json:"raw_details"`
}

// A CheckAction is a button on a check run's page.
type CheckAction struct {
	Label       string `json:"label"`
	Description string `json:"description"`
	Identifier  string `json:"identifier"`
}

// The words for GitHub's answers to what does not fit the schema of a check run.
const (
	textNotSupplied = "Invalid request.\n\n%q wasn't supplied."
	textTooMany     = "Invalid request.\n\nNo more than %d items are allowed; %d were supplied."
	textCharacters  = "Invalid request.\n\nOnly %d characters are allowed; %d were supplied."
	textNoWord      = "Invalid request.\n\n%s is not a possible value."
	textStale       = "Invalid request.\n\nstale is set by GitHub alone."
	textNoCommit    = "No commit found for SHA: %s"
	textFirstLine   = "Annotation lines start at 1."
	textLineOrder   = "Annotation end_line must not be before start_line."
	textColumnOrder = "Annotation end_column must not be before start_column."
	textColumns     = "Annotation columns need start_line and end_line to be equal."
)

// refuse is GitHub's reason for not taking the request, "" if it takes it.
func (in *checkRequest) refuse() string {
	status, conclusion := word(in.Status), word(in.Conclusion)
	switch {
	case in.Name != nil && *in.Name == "":
		return fmt.Sprintf(textNotSupplied, "name")
	case in.Status != nil && !slices.Contains([]string{"queued", "in_progress", "completed"}, status):
		return fmt.Sprintf(textNoWord, status)
	case status == "completed" && in.Conclusion == nil:
		return fmt.Sprintf(textNotSupplied, "conclusion")
	case conclusion == "stale":
		return textStale
	case in.Conclusion != nil && !slices.Contains(conclusions, conclusion):
		return fmt.Sprintf(textNoWord, conclusion)
	}
	if text := in.Output.refuse(); text != "" || in.Actions == nil {
		return text
	}
	return refuseActions(*in.Actions)
}

var conclusions = []string{"action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"}

func word(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (o *checkOutput) refuse() string {
	if o == nil {
		return ""
	}
	for name, text := range map[string]*string{"title": o.Title, "summary": o.Summary} {
		if word(text) == "" {
			return fmt.Sprintf(textNotSupplied, name)
		}
	}
	for _, text := range []string{*o.Title, *o.Summary, word(o.Text)} {
		if len(text) > maxOutput {
			return fmt.Sprintf(textCharacters, maxOutput, len(text))
		}
	}
	if len(o.Annotations) > maxAnnotations {
		return fmt.Sprintf(textTooMany, maxAnnotations, len(o.Annotations))
	}
	for _, a := range o.Annotations {
		if text := a.refuse(); text != "" {
			return text
		}
	}
	return ""
}

func (a Annotation) refuse() string {
	switch {
	case a.Path == "":
		return fmt.Sprintf(textNotSupplied, "path")
	case a.Message == "":
		return fmt.Sprintf(textNotSupplied, "message")
	case !slices.Contains([]string{"notice", "warning", "failure"}, a.Level):
		return fmt.Sprintf(textNoWord, a.Level)
	case a.StartLine < 1:
		return textFirstLine
	case a.EndLine < a.StartLine:
		return textLineOrder
	case a.StartColumn+a.EndColumn > 0 && a.StartLine != a.EndLine:
		return textColumns
	case a.StartColumn < 0 || a.EndColumn < a.StartColumn:
		return textColumnOrder
	}
	for _, size := range []struct {
		text string
		most int
	}{{a.Title, maxRunTitle}, {a.Message, maxMessage}, {a.RawDetails, maxMessage}} {
		if len(size.text) > size.most {
			return fmt.Sprintf(textCharacters, size.most, len(size.text))
		}
	}
	return ""
}

func refuseActions(actions []CheckAction) string {
	if len(actions) > maxActions {
		return fmt.Sprintf(textTooMany, maxActions, len(actions))
	}
	for _, a := range actions {
		for _, size := range []struct {
			name, text string
			most       int
		}{{"label", a.Label, maxLabel}, {"identifier", a.Identifier, maxIdentifier},
			{"description", a.Description, maxDescription}} {
			n := utf8.RuneCountInString(size.text)
			switch {
			case n == 0:
				return fmt.Sprintf(textNotSupplied, size.name)
			case n > size.most:
				return fmt.Sprintf(textCharacters, size.most, n)
			}
		}
	}
	return ""
}

// addCheck makes a check run on a commit, of the repository or of one of its forks. The caller holds mu.
func (r *Repo) addCheck(in checkRequest) (*checkRun, error) {
	if in.Name == nil {
		return nil, unprocessableAs(fmt.Sprintf(textNotSupplied, "name"))
	}
	if text := in.refuse(); text != "" {
		return nil, unprocessableAs(text)
	}
	if sha, err := r.git.commit(in.HeadSHA); err != nil || sha != in.HeadSHA {
		return nil, unprocessableAs(fmt.Sprintf(textNoCommit, in.HeadSHA))
	}
	suite := r.suite(in.HeadSHA)
	run := &checkRun{id: r.s.id(), suite: suite, status: "queued", started: r.s.now(), detailsURL: r.s.app.Load().url}
	run.set(in, r.s.now())
	suite.runs = append(suite.runs, run)
	suite.prune(run.name, r.s.options.Limits.Runs)
	return run, nil
}

func unprocessableAs(text string) error { return &apiError{status: 422, message: text} }

// suite is the App's suite of a commit; the first check run makes it.
func (r *Repo) suite(sha string) *checkSuite {
	for _, s := range r.suites {
		if s.sha == sha {
			return s
		}
	}
	s := &checkSuite{id: r.s.id(), sha: sha, created: r.s.now()}
	r.suites = append(r.suites, s)
	return s
}

// prune deletes the oldest runs of a name beyond the most that a suite keeps.
func (c *checkSuite) prune(name string, most int) {
	n := 0
	for i := len(c.runs) - 1; i >= 0; i-- {
		if c.runs[i].name != name {
			continue
		}
		if n++; n > most {
			c.runs = slices.Delete(c.runs, i, i+1)
		}
	}
}

// set changes a run as asked. A conclusion completes it; any other status takes the conclusion away. Annotations are
// added to those that are there, never replaced.
func (c *checkRun) set(in checkRequest, now time.Time) {
	give := func(to *string, from *string) {
		if from != nil {
			*to = *from
		}
	}
	give(&c.name, in.Name)
	give(&c.detailsURL, in.DetailsURL)
	give(&c.externalID, in.ExternalID)
	if in.StartedAt != nil {
		c.started = *in.StartedAt
	}
	switch {
	case in.Conclusion != nil:
		c.status, c.conclusion, c.completed = "completed", *in.Conclusion, now
		if in.CompletedAt != nil {
			c.completed = *in.CompletedAt
		}
	case in.Status != nil:
		c.status, c.conclusion, c.completed = *in.Status, "", time.Time{}
	}
	if in.Output != nil {
		annotations := append(c.output.Annotations, in.Output.Annotations...)
		c.output = *in.Output
		c.output.Annotations = annotations
	}
	if in.Actions != nil {
		c.actions = *in.Actions
	}
}

// check is a check run of the repository, nil if there is none.
func (r *Repo) check(id int64) *checkRun {
	for _, s := range r.suites {
		for _, c := range s.runs {
			if c.id == id {
				return c
			}
		}
	}
	return nil
}

// state is a suite's status and conclusion: completed with the last of its runs, with the worst conclusion.
func (c *checkSuite) state() (status, conclusion string) {
	worst := []string{"success", "neutral", "skipped", "cancelled", "timed_out", "action_required", "failure"}
	rank := -1
	for _, run := range c.runs {
		if run.status != "completed" {
			return run.status, ""
		}
		rank = max(rank, slices.Index(worst, run.conclusion))
	}
	if rank < 0 {
		return "queued", ""
	}
	return "completed", worst[rank]
}

// pullsAt are the open pull requests whose head a commit is. Those of forks are not among them: GitHub does not tell
// a check run about them (web-platform-tests/wpt.fyi#754, aws/aws-cdk#33125).
func (r *Repo) pullsAt(sha string) []*Pull {
	var all []*Pull
	for _, p := range r.pulls {
		if p.headSHA == sha && p.head == r && p.state == "open" {
			all = append(all, p)
		}
	}
	return all
}

// A CheckRun is a check run as its page shows it.
type CheckRun struct {
	ID         int64
	Name       string
	HeadSHA    string
	ExternalID string
	DetailsURL string
	Status     string // GitHub's word, as Conclusion
	Conclusion string // "" until it is completed
	Title      string
	Summary    string
	Text       string

	Annotations []Annotation  // of all requests, in the order they came
	Actions     []CheckAction // the buttons: none until it is completed
}

// CheckRuns are all check runs of a commit, oldest first.
func (r *Repo) CheckRuns(sha string) []CheckRun {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	var all []CheckRun
	for _, s := range r.suites {
		if s.sha != sha {
			continue
		}
		for _, c := range s.runs {
			all = append(all, c.show())
		}
	}
	return all
}

// CheckRuns are all check runs of the pull request's head, oldest first.
func (p *Pull) CheckRuns() []CheckRun { return p.repo.CheckRuns(p.Head()) }

func (c *checkRun) show() CheckRun {
	shown := CheckRun{
		ID: c.id, Name: c.name, HeadSHA: c.suite.sha, ExternalID: c.externalID, DetailsURL: c.detailsURL, Status: c.status,
		Conclusion: c.conclusion, Title: word(c.output.Title), Summary: word(c.output.Summary), Text: word(c.output.Text),
		Annotations: slices.Clone(c.output.Annotations),
	}
	if c.status == "completed" {
		shown.Actions = slices.Clone(c.actions)
	}
	return shown
}

// Click presses a button of a check run, which tells the App's webhook.
func (r *Repo) Click(checkRunID int64, identifier, by string) error {
	return r.onCheck(checkRunID, func(c *checkRun) error {
		has := func(a CheckAction) bool { return a.Identifier == identifier }
		if !slices.ContainsFunc(c.show().Actions, has) {
			return fmt.Errorf("click: check run %d shows no button %s", checkRunID, identifier)
		}
		more := obj{"requested_action": obj{"identifier": identifier}}
		return r.notifyCheck("requested_action", by, c, more)
	})
}

// Rerequest asks for a check run again. The run stays as it is until the App changes it.
func (r *Repo) Rerequest(checkRunID int64, by string) error {
	return r.onCheck(checkRunID, func(c *checkRun) error { return r.notifyCheck("rerequested", by, c, nil) })
}

// RerequestSuite asks for all check runs of a commit again.
func (r *Repo) RerequestSuite(sha, by string) error {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	for _, c := range r.suites {
		if c.sha == sha {
			return r.notifySuite("rerequested", by, c)
		}
	}
	return fmt.Errorf("rerequest: no check suite for %s", sha)
}

// Click presses a button of one of the head's check runs, which tells the App's webhook.
func (p *Pull) Click(checkRunID int64, identifier, by string) error {
	return p.repo.Click(checkRunID, identifier, by)
}

// Rerequest asks for a check run again.
func (p *Pull) Rerequest(checkRunID int64, by string) error { return p.repo.Rerequest(checkRunID, by) }

// RerequestSuite asks for all check runs of the head again.
func (p *Pull) RerequestSuite(by string) error { return p.repo.RerequestSuite(p.Head(), by) }

func (r *Repo) onCheck(id int64, do func(*checkRun) error) error {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	c := r.check(id)
	if c == nil {
		return fmt.Errorf("no check run %d in %s", id, r.full())
	}
	return do(c)
}

// branchOf is the branch at whose tip a commit is, "" if there is none in the repository itself: as for a fork's head.
func (r *Repo) branchOf(sha string) string {
	out, err := r.git.line("for-each-ref", "--points-at="+sha, "--format=%(refname)", r.refs)
	first, _, _ := strings.Cut(out, "\n")
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(first, r.refs)
}
