package githubtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Merge merges the pull request into its base branch with a merge commit, which it returns, and closes it.
func (p *Pull) Merge(by string) (string, error) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	base, err := p.baseSHA()
	if err != nil {
		return "", err
	}
	sha, err := p.mergeOnto(base)
	if err != nil {
		return "", err
	}
	return sha, p.merged([]*Pull{p}, base, sha, by)
}

// merged moves the base branch to a commit that merges pull requests, and closes them.
func (p *Pull) merged(pulls []*Pull, before, after, by string) error {
	if err := p.repo.git.change(nil, "update-ref", p.repo.refs+p.base, after, before); err != nil {
		return err
	}
	for _, p := range pulls {
		p.close(by)
		p.mergeSHA, p.mergeBase = after, before
		if err := p.notify("closed", by, nil); err != nil {
			return err
		}
	}
	return p.repo.pushed(p.base, before, after, by)
}

// mergedByPush closes the pull requests whose head a push brought into their base branch.
func (r *Repo) mergedByPush(branch, before, after, by string) error {
	var into []*Pull
	for _, p := range r.pulls {
		if p.base == branch && p.state == "open" && p.headSHA != before {
			into = append(into, p)
		}
	}
	if len(into) == 0 {
		return nil
	}
	out, err := r.git.line("rev-list", after, "^"+before)
	if err != nil {
		return err
	}
	fresh := strings.Fields(out)
	for _, p := range into {
		if !slices.Contains(fresh, p.headSHA) {
			continue
		}
		p.close(by)
		p.mergeSHA, p.mergeBase = after, before
		if err := p.notify("closed", by, nil); err != nil {
			return err
		}
	}
	return nil
}

// mergeable reports whether the head can be merged into the base branch as both stand.
func (p *Pull) mergeable() (bool, error) {
	base, err := p.baseSHA()
	if err != nil {
		return false, err
	}
	return p.repo.git.merges(base, p.headSHA)
}

// mergeOnto makes the commit that merges the head into another commit. A conflict is an error.
func (p *Pull) mergeOnto(base string) (string, error) {
	out, err := p.repo.git.store(nil, "merge-tree", "--write-tree", base, p.headSHA)
	if err != nil {
		return "", fmt.Errorf("merge pull request %d: %w", p.number, err)
	}
	tree, _, _ := strings.Cut(out, "\n")
	from := p.head.owner + "/" + p.headBranch
	text := p.s.commitText(commitRequest{
		Message: fmt.Sprintf("Merge pull request #%d from %s\n\n%s", p.number, from, p.title), Tree: tree,
		Parents:   []string{base, p.headSHA},
		Author:    &commitPerson{Name: p.author, Email: p.author + "@users.noreply.github.com"},
		Committer: &commitPerson{Name: "GitHub", Email: "noreply@github.com"},
	})
	return p.repo.git.store(text, "hash-object", "-t", "commit", "-w", "--stdin")
}

// A MergeGroup is what a merge queue tests before it merges: a commit on a branch of its own that holds several pull
// requests.
type MergeGroup struct {
	repo  *Repo
	pulls []*Pull
	base  string // the commit that it starts from
	head  string
	ref   string // with refs/heads/
}

// MergeGroup puts pull requests with one base branch into a merge group, and tells the App's webhook.
func (r *Repo) MergeGroup(pulls ...*Pull) (*MergeGroup, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if len(pulls) == 0 {
		return nil, errors.New("a merge group of nothing")
	}
	last := pulls[len(pulls)-1]
	base, err := last.baseSHA()
	if err != nil {
		return nil, err
	}
	g := &MergeGroup{repo: r, pulls: slices.Clone(pulls), base: base, head: base}
	for _, p := range pulls {
		if g.head, err = p.mergeOnto(g.head); err != nil {
			return nil, err
		}
	}
	g.ref = fmt.Sprintf("refs/heads/gh-readonly-queue/%s/pr-%d-%s", last.base, last.number, base)
	if err := r.git.change(nil, "update-ref", g.ref, g.head); err != nil {
		return nil, err
	}
	return g, g.notify("checks_requested", nil)
}

// Head is the group's commit, on which checks are asked for.
func (g *MergeGroup) Head() string { return g.head }

// Ref is the group's branch, with refs/heads/.
func (g *MergeGroup) Ref() string { return g.ref }

// CheckRuns are all check runs of the group's commit.
func (g *MergeGroup) CheckRuns() []CheckRun { return g.repo.CheckRuns(g.head) }

// Destroy ends the group and tells the webhook why: "merged" also merges its pull requests, "invalidated" and
// "dequeued" leave them open.
func (g *MergeGroup) Destroy(reason string) error {
	g.repo.s.mu.Lock()
	defer g.repo.s.mu.Unlock()
	if err := g.notify("destroyed", obj{"reason": reason}); err != nil {
		return err
	}
	if err := g.repo.git.change(nil, "update-ref", "-d", g.ref); err != nil {
		return err
	}
	if reason != "merged" {
		return nil
	}
	return g.pulls[0].merged(g.pulls, g.base, g.head, queueBot)
}

// queueBot is who acts for a merge queue.
const queueBot = "github-merge-queue[bot]"

func (g *MergeGroup) notify(action string, more obj) error {
	commit, err := g.repo.git.commitData(g.head)
	if err != nil {
		return err
	}
	payload := obj{"action": action, "merge_group": obj{
		"head_sha": g.head, "head_ref": g.ref, "base_sha": g.base, "base_ref": "refs/heads/" + g.pulls[0].base,
		"head_commit": commit.short(),
	}}
	for key, value := range more {
		payload[key] = value
	}
	return g.repo.notify("merge_group", queueBot, payload)
}
