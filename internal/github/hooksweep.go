package github

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/forge"
)

// A hookCommit is a commit of a push, with the paths that it touches.
type hookCommit struct{ Added, Modified, Removed []string }

// maxPushed is how many commits the payload of a push holds at most (content/webhooks/webhook-events-and-payloads.md,
// push).
const maxPushed = 2048

// push is a push to the default branch after which the repository is to be swept: one that touches what decides how images
// are built there, or of which GitHub does not say what it touches.
func (h *hook) push() (forge.Call, error) {
	repo, err := h.repo()
	if err != nil || h.Deleted || h.Ref != "refs/heads/"+h.Repository.DefaultBranch {
		return forge.Call{}, err
	}
	untold := h.Forced || len(h.Commits) == 0 || len(h.Commits) >= maxPushed
	if !untold && !slices.ContainsFunc(h.Commits, hookCommit.counts) {
		return forge.Call{}, nil
	}
	return forge.Call{Refs: []forge.Ref{{Repo: repo}}}, nil
}

func (c hookCommit) counts() bool {
	return slices.ContainsFunc(slices.Concat(c.Added, c.Modified, c.Removed), sweepable)
}

// sweepable reports whether a file is one that sweeps look at, by its name: a Dockerfile, an ignore file, a configuration
// of ours or of hadolint. A Dockerfile that only a configuration calls one is found by the schedule.
func sweepable(name string) bool {
	base := strings.ToLower(path.Base(name))
	return slices.ContainsFunc([]string{"dockerfile", "containerfile", "lighterman", "hadolint"}, func(word string) bool {
		return strings.Contains(base, word)
	}) || strings.HasSuffix(base, "dockerignore") || strings.HasSuffix(base, "containerignore")
}

// sweepMark begins the line that every pull request of a sweep has in its body.
const sweepMark = "<!-- lighterman:v1 sweep="

// ended adds the repository to a call for a pull request that was closed, if a sweep had opened that: it has to be learnt
// what people made of it. A body that only looks so costs a sweep that finds nothing to do.
func (h *hook) ended(call forge.Call) forge.Call {
	if h.Action == "closed" && h.PullRequest != nil && len(call.Refs) > 0 && strings.Contains(h.PullRequest.Body, sweepMark) {
		call.Refs = append(call.Refs, forge.Ref{Repo: call.Refs[0].Repo})
	}
	return call
}

// tick is a box of a dashboard that is ticked, as package sweep writes them.
var tick = regexp.MustCompile(`(?m)^[-*] \[[xX]\] <!-- lighterman:v1 box=`)

// ticked is an issue after whose change the repository is to be swept: a dashboard that a person changed, and in which a box is
// ticked. The sweep finds out whether it is ours and who ticked; an issue that only looks so costs one that has nothing to do.
func (h *hook) ticked() (forge.Call, error) {
	repo, err := h.repo()
	i := h.Issue
	if err != nil || i == nil || i.User.Type != "Bot" || h.Sender.Type == "Bot" || !tick.MatchString(i.Body) {
		return forge.Call{}, err
	}
	return forge.Call{Refs: []forge.Ref{{Repo: repo}}}, nil
}

// unmuting is the command that asks for what people had declined. A review of the pull request answers it, and a sweep of the
// repository carries it out.
const unmuting = prefix + " unmute"

// unmuted adds the repository to a call for a pull request on which somebody asks for what was declined.
func unmuted(call forge.Call) forge.Call {
	if r := call.Request; r != nil && !r.Thread && asksFor(r.Text, unmuting) {
		call.Refs = append(call.Refs, forge.Ref{Repo: call.Refs[0].Repo})
	}
	return call
}

// asksFor reports whether a command has these words, whatever comes after them.
func asksFor(text, words string) bool {
	got, want := strings.Fields(text), strings.Fields(words)
	return len(got) >= len(want) && slices.EqualFunc(got[:len(want)], want, strings.EqualFold)
}
