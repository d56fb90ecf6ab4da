package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lighterman/lighterman/internal/forge"
)

// pullActions are the actions of a pull request after which it is looked at again. "edited" counts only when the base
// branch changed. After "closed" and "converted_to_draft" a job finds out from the pull request what is left to do.
var pullActions = []string{
	"opened", "reopened", "synchronize", "ready_for_review", "edited", "closed", "converted_to_draft",
}

// hook is what is read of a webhook's payload.
type hook struct {
	Action       string
	Number       int
	Installation struct{ ID int64 }
	Repository   *struct {
		ID    int64
		Name  string
		Owner struct{ Login string }

		DefaultBranch string `json:"default_branch"`
	}
	Changes struct{ Base *struct{} }
	Sender  struct{ Login, Type string }

	CheckRun        *hookCheck                  `json:"check_run"`
	CheckSuite      *hookCheck                  `json:"check_suite"`
	RequestedAction struct{ Identifier string } `json:"requested_action"`
	Issue           *struct {
		Number      int
		Body        string
		User        struct{ Type string }
		PullRequest *struct{} `json:"pull_request"`
	}
	PullRequest *struct {
		Number int
		Body   string
		Head   struct{ SHA string }
	} `json:"pull_request"`
	Comment    *hookComment
	Review     *hookComment
	MergeGroup *struct {
		Head string `json:"head_sha"`
		Base string `json:"base_sha"`
	} `json:"merge_group"`

	// of a push
	Ref             string
	Forced, Deleted bool
	Commits         []hookCommit
}

// A hookComment is a comment, or a review, whose body may be null.
type hookComment struct {
	ID   int64
	Body string
}

// A hookCheck is a check run or a check suite. GitHub leaves out pull requests that come from forks, and names some of
// other repositories.
type hookCheck struct {
	Head  string `json:"head_sha"`
	Key   string `json:"external_id"`
	Pulls []struct {
		Number int
		Base   struct{ Repo struct{ ID int64 } }
	} `json:"pull_requests"`
}

// Decode reads a webhook's payload whose signature was verified. A payload without an installation, which the webhook of
// a repository sends rather than the App's, gives Refs whose Installation is 0; calls for them answer ErrGone. A request
// has an ID only when its payload holds one; else the delivery's GUID names it. An error says that the payload is not
// what GitHub sends.
func Decode(event string, payload []byte) (forge.Call, error) {
	var h hook
	if err := json.Unmarshal(payload, &h); err != nil {
		return forge.Call{}, fmt.Errorf("decode webhook %s: %w", event, err)
	}
	call, err := h.call(event)
	call.Action = h.Action
	if err != nil {
		return forge.Call{Action: h.Action}, fmt.Errorf("decode webhook %s: %w", event, err)
	}
	return call, nil
}

func (h *hook) call(event string) (forge.Call, error) {
	switch event + " " + h.Action {
	case "check_run requested_action", "check_run rerequested":
		return h.button()
	case "check_suite rerequested":
		return h.suite()
	case "issue_comment created", "pull_request_review_comment created", "pull_request_review submitted":
		call, err := h.command(event)
		return unmuted(call), err
	case "merge_group checks_requested":
		return h.group()
	case "push ":
		return h.push()
	case "issues edited":
		return h.ticked()
	}
	if event != "pull_request" || !slices.Contains(pullActions, h.Action) || h.Action == "edited" && h.Changes.Base == nil {
		return forge.Call{}, nil
	}
	ref, err := h.ref(h.Number)
	call := forge.Call{Refs: []forge.Ref{ref}}
	if h.PullRequest != nil && commit.MatchString(h.PullRequest.Head.SHA) {
		call.Head = h.PullRequest.Head.SHA
	}
	return h.ended(call), err
}

// githubName is what owners' and repositories' names consist of.
var githubName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)

// repo is the repository that the webhook is about.
func (h *hook) repo() (forge.Repo, error) {
	if h.Repository == nil {
		return forge.Repo{}, errors.New("it names no repository")
	}
	owner, name := h.Repository.Owner.Login, h.Repository.Name
	if !githubName.MatchString(owner) || !githubName.MatchString(name) {
		return forge.Repo{}, fmt.Errorf("%q is no repository", owner+"/"+name)
	}
	return forge.Repo{Installation: h.Installation.ID, Owner: owner, Name: name}, nil
}

func (h *hook) ref(number int) (forge.Ref, error) {
	if number <= 0 || number > math.MaxInt32 { // GraphQL's Int
		return forge.Ref{}, errors.New("it names no pull request")
	}
	repo, err := h.repo()
	return forge.Ref{Repo: repo, Number: number}, err
}

// commit is what a commit's name looks like.
var commit = regexp.MustCompile(`^[0-9a-f]{40,64}$`)

// group is a merge group, whose head a required check must judge lest the merge queue waits for it in vain.
func (h *hook) group() (forge.Call, error) {
	if h.MergeGroup == nil || !commit.MatchString(h.MergeGroup.Head) {
		return forge.Call{}, errors.New("it names no merge group")
	}
	base := h.MergeGroup.Base
	if !commit.MatchString(base) {
		base = ""
	}
	repo, err := h.repo()
	return forge.Call{Refs: []forge.Ref{{Repo: repo, Group: h.MergeGroup.Head, GroupBase: base}}}, err
}

// button is a click on a check run: on one of its buttons, or on GitHub's own that asks for it again.
func (h *hook) button() (forge.Call, error) {
	if h.CheckRun == nil || !commit.MatchString(h.CheckRun.Head) {
		return forge.Call{}, errors.New("it names no check run")
	}
	kind := forge.Rerun
	if h.Action == "requested_action" {
		kind = forge.RequestKind(h.RequestedAction.Identifier)
	}
	if !slices.Contains([]forge.RequestKind{forge.FixAll, forge.FixSafe, forge.Rerun}, kind) {
		return forge.Call{}, nil // a button of a release that this one does not know
	}
	return h.onCheck(kind, h.CheckRun)
}

// suite is a click that asks for all check runs of a commit again.
func (h *hook) suite() (forge.Call, error) {
	if h.CheckSuite == nil || !commit.MatchString(h.CheckSuite.Head) {
		return forge.Call{}, errors.New("it names no check suite")
	}
	return h.onCheck(forge.Rerun, h.CheckSuite)
}

// maxPulls is how many pull requests one webhook brings up to date.
const maxPulls = 20

// onCheck is what was asked for on a check. Our check runs say which pull request they are about, because GitHub names
// none of forks. A suite does not, nor does a run of another release: then it is what has that head.
func (h *hook) onCheck(kind forge.RequestKind, c *hookCheck) (forge.Call, error) {
	repo, err := h.repo()
	if err != nil {
		return forge.Call{}, err
	}
	call := forge.Call{Request: &forge.Request{Kind: kind, By: h.Sender.Login, Commit: c.Head}}
	if n := numberIn(c.Key); n > 0 {
		call.Refs = []forge.Ref{{Repo: repo, Number: n}}
		return call, nil
	}
	for _, p := range c.Pulls[:min(len(c.Pulls), maxPulls)] {
		if p.Number > 0 && p.Base.Repo.ID == h.Repository.ID {
			call.Refs = append(call.Refs, forge.Ref{Repo: repo, Number: p.Number})
		}
	}
	if len(call.Refs) == 0 {
		call.Repo, call.Commit = repo, c.Head
	}
	return call, nil
}

// numberIn is the pull request that the key of a check run of ours begins with, 0 if there is none.
func numberIn(key string) int {
	word, _, _ := strings.Cut(key, " ")
	digits, ok := strings.CutPrefix(word, "#")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n <= 0 || n > math.MaxInt32 {
		return 0
	}
	return n
}

// prefix begins a command to us.
const prefix = "/lighterman"

// command is a comment on a pull request, or the body of a review, that asks us for something. Its id names the request,
// so that a payload that is replayed under another GUID asks for nothing new: a comment is made once.
func (h *hook) command(event string) (forge.Call, error) {
	number, talk, said := 0, event == "issue_comment", h.Comment
	switch {
	case !talk && h.PullRequest != nil:
		number = h.PullRequest.Number
	case talk && h.Issue != nil && h.Issue.PullRequest != nil:
		number = h.Issue.Number
	case talk && h.Issue != nil:
		return forge.Call{}, nil // a comment on an issue
	}
	if event == "pull_request_review" {
		said = h.Review
	}
	if said == nil {
		return forge.Call{}, errors.New("it holds no comment")
	}
	text := order(said.Body)
	if text == "" || h.Sender.Type == "Bot" || strings.HasSuffix(h.Sender.Login, "[bot]") {
		return forge.Call{}, nil
	}
	ref, err := h.ref(number)
	return forge.Call{Refs: []forge.Ref{ref}, Request: &forge.Request{
		ID:   fmt.Sprintf("%s-%d", event, said.ID),
		Kind: forge.Command, By: h.Sender.Login, Comment: said.ID, Text: text,
		Thread: event == "pull_request_review_comment", Review: event == "pull_request_review",
	}}, err
}

// order is the command in a comment, "" when there is none: its first line that is not blank, if that begins with prefix
// as a word.
func order(body string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(body), "\n")
	line = strings.TrimSpace(line)
	rest, ok := strings.CutPrefix(line, prefix)
	if !ok || rest != "" && !unicode.IsSpace(firstRune(rest)) {
		return ""
	}
	for n := min(len(line), forge.MaxRequestText); ; n-- {
		if n == len(line) || utf8.RuneStart(line[n]) {
			return strings.TrimSpace(strings.ToValidUTF8(line[:n], ""))
		}
	}
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}
