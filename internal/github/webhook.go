package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/lighterman/lighterman/internal/forge"
)

// wantedActions are the webhooks that call for a review: GitHub's event and its actions. "edited" counts only when the base
// branch changed. Closed pull requests and drafts need no entry: a job finds out from the pull request itself.
func wantedActions(event string) []string {
	return map[string][]string{
		"pull_request": {"opened", "reopened", "synchronize", "ready_for_review", "edited"},
	}[event]
}

// hook is what is read of a webhook's payload.
type hook struct {
	Action       string
	Number       int
	Installation struct{ ID int64 }
	Repository   *struct {
		Name  string
		Owner struct{ Login string }
	}
	Changes struct{ Base *struct{} }
}

// githubName is what owners' and repositories' names consist of.
var githubName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)

// Decode reads a webhook's payload whose signature was verified. It returns the action ("" where an event has none) and
// the pull request to review, nil when the webhook asks for no review. A payload without an installation, which the
// webhook of a repository sends rather than the App's, gives a Ref whose Installation is 0; calls for it answer
// ErrGone. An error says that the payload is not what GitHub sends.
func Decode(event string, payload []byte) (action string, ref *forge.Ref, err error) {
	var h hook
	if err := json.Unmarshal(payload, &h); err != nil {
		return "", nil, fmt.Errorf("decode webhook %s: %w", event, err)
	}
	if !slices.Contains(wantedActions(event), h.Action) || h.Action == "edited" && h.Changes.Base == nil {
		return h.Action, nil, nil
	}
	if h.Number <= 0 || h.Repository == nil {
		return h.Action, nil, fmt.Errorf("decode webhook %s: %w", event, errors.New("it names no pull request"))
	}
	owner, name := h.Repository.Owner.Login, h.Repository.Name
	if !githubName.MatchString(owner) || !githubName.MatchString(name) {
		return h.Action, nil, fmt.Errorf("decode webhook %s: %q is no repository", event, owner+"/"+name)
	}
	repo := forge.Repo{Installation: h.Installation.ID, Owner: owner, Name: name}
	return h.Action, &forge.Ref{Repo: repo, Number: h.Number}, nil
}
