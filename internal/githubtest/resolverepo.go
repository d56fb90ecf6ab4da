package githubtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// refNode is a branch, null if there is none.
func (s *Server) refNode(t *token, r *Repo, name string) (any, error) {
	if !allows(t.permissions, "contents", "read") {
		return nil, forbidden()
	}
	branch, ok := strings.CutPrefix(name, "refs/heads/")
	sha, err := r.git.commit(r.refs + branch)
	if !ok || err != nil {
		return nil, nil
	}
	return &node{"Ref", map[string]field{
		"id": value("REF_" + branch), "name": value(branch), "target": value(s.commitNode(t, r, sha)),
	}}, nil
}

// pullNodes are the repository's pull requests as the filters ask, the oldest first unless ordered otherwise.
func (s *Server) pullNodes(t *token, r *Repo, args map[string]any) (any, error) {
	if !allows(t.permissions, "pull_requests", "read") {
		return nil, forbidden()
	}
	var all []*node
	for _, p := range r.pulls {
		if filtered(args, "headRefName", p.headBranch) && filtered(args, "baseRefName", p.base) &&
			wanted(args["states"], p.graphqlState()) {
			all = append(all, s.pullNode(t, p))
		}
	}
	if order, ok := args["orderBy"].(map[string]any); ok && order["direction"] == "DESC" {
		slices.Reverse(all)
	}
	return connection("PullRequestConnection", all, args)
}

// ended is when the pull request was closed, if it was.
func (p *Pull) ended(so bool) field {
	if !so {
		return value(nil)
	}
	return value(stamp(p.closed))
}

// spoken is how many comments the pull request has, those in threads too.
func (p *Pull) spoken() int {
	n := len(p.talk)
	for _, t := range p.threads {
		n += len(t.comments)
	}
	return n
}

func (p *Pull) mergeableState(map[string]any) (any, error) {
	if p.state != "open" {
		return "UNKNOWN", nil
	}
	can, err := p.mergeable()
	if !can {
		return "CONFLICTING", err
	}
	return "MERGEABLE", err
}

// timeline is what happened to a pull request: of it this double keeps who closed it last.
func (s *Server) timeline(p *Pull, args map[string]any) (any, error) {
	var all []*node
	if p.closedBy != "" && wanted(args["itemTypes"], "CLOSED_EVENT") {
		all = append(all, &node{"ClosedEvent", map[string]field{
			"id": value(nodeID("CE", p.id)), "createdAt": value(stamp(p.updated)), "actor": value(s.actor(p.closedBy)),
		}})
	}
	return connection("PullRequestTimelineItemsConnection", all, args)
}

// noCommit stands for no commit in updates of refs.
var noCommit = strings.Repeat("0", 40)

// A refUpdate is one of the updates of updateRefs.
type refUpdate struct {
	branch, before, after string // before is "" for any; noCommit for none
	force                 bool
}

// updateRefs moves, makes and deletes branches, all or none, if each is where it is said to be (schema, updateRefs). The
// types and words of its refusals are not documented, and these are made up; who calls it has to look at the branch.
func (s *Server) updateRefs(t *token, input map[string]any) (any, error) {
	r := s.repoByID(t, fmt.Sprint(input["repositoryId"]))
	switch {
	case r == nil:
		return nil, notFound("Could not resolve to a node with the global id of '%s'", input["repositoryId"])
	case !allows(t.permissions, "contents", "write"):
		return nil, forbidden()
	case r.readOnly() != "":
		return nil, &graphqlError{"FORBIDDEN", r.readOnly()}
	}
	var all []refUpdate
	for _, in := range input["refUpdates"].([]any) {
		u, err := r.refUpdate(t, in.(map[string]any))
		if err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	for _, u := range all {
		if err := r.update(u); err != nil {
			return nil, err
		}
	}
	return &node{"UpdateRefsPayload", map[string]field{"clientMutationId": value(nil)}}, nil
}

func (s *Server) repoByID(t *token, id string) *Repo {
	for _, r := range s.repos {
		if !r.deleted && t.reaches(r) && nodeID("R", r.id) == id {
			return r
		}
	}
	return nil
}

// refUpdate reads an update, and refuses what does not hold.
func (r *Repo) refUpdate(t *token, in map[string]any) (refUpdate, error) {
	name := fmt.Sprint(in["name"])
	branch, ok := strings.CutPrefix(name, "refs/heads/")
	if !ok || branch == "" {
		return refUpdate{}, &graphqlError{"UNPROCESSABLE", textRefName}
	}
	u := refUpdate{branch: branch, after: fmt.Sprint(in["afterOid"]), force: in["force"] == true}
	now, err := r.git.commit(r.refs + branch)
	if err != nil {
		now = noCommit
	}
	u.before, _ = in["beforeOid"].(string)
	if u.before != "" && u.before != now {
		return u, &graphqlError{"UNPROCESSABLE", fmt.Sprintf("%s is at %s and not at %s", name, now, u.before)}
	}
	u.before = now
	if u.after == noCommit {
		if slices.Contains(r.guarded, branch) {
			return u, &graphqlError{"UNPROCESSABLE", "Cannot delete this branch"}
		}
		return u, nil
	}
	before := now
	if now == noCommit {
		before = ""
	}
	var no *apiError
	if err := r.refusePush(t, branch, before, u.after, u.force); errors.As(err, &no) {
		return u, &graphqlError{"UNPROCESSABLE", no.message}
	} else if err != nil {
		return u, err
	}
	return u, nil
}

// update carries an update out.
func (r *Repo) update(u refUpdate) error {
	switch {
	case u.before == u.after:
		return nil
	case u.after == noCommit:
		if err := r.git.change(nil, "update-ref", "-d", r.refs+u.branch, u.before); err != nil {
			return err
		}
		if err := r.notifyPush(u.branch, u.before, noCommit, r.s.Bot()); err != nil {
			return err
		}
		return r.branchGone(u.branch, r.s.Bot())
	}
	if err := r.git.change(nil, "update-ref", r.refs+u.branch, u.after, u.before); err != nil {
		return &graphqlError{"UNPROCESSABLE", "Reference update failed"} // another branch is in its way
	}
	if u.before == noCommit {
		return r.notifyPush(u.branch, noCommit, u.after, r.s.Bot())
	}
	return r.pushed(u.branch, u.before, u.after, r.s.Bot())
}
