package githubtest

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (s *Server) postCheck(c *call) (int, any, error) {
	var in checkRequest
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	run, err := c.repo.addCheck(in)
	if err != nil {
		return 0, nil, err
	}
	for _, p := range c.repo.pulls {
		if p.outdated(run.suite.sha) {
			s.outdated = append(s.outdated, fmt.Sprintf("check run %d of %s", run.id, run.suite.sha))
		}
	}
	return 201, c.repo.checkJSON(run), nil
}

func (s *Server) patchCheck(c *call) (int, any, error) {
	run, err := checkOf(c)
	if err != nil {
		return 0, nil, err
	}
	var in checkRequest
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	if text := in.refuse(); text != "" {
		return 0, nil, unprocessableAs(text)
	}
	run.set(in, s.now())
	return 200, c.repo.checkJSON(run), nil
}

func (s *Server) getCheck(c *call) (int, any, error) {
	run, err := checkOf(c)
	if err != nil {
		return 0, nil, err
	}
	return 200, c.repo.checkJSON(run), nil
}

func checkOf(c *call) (*checkRun, error) {
	id, _ := strconv.ParseInt(c.params["check_run_id"], 10, 64)
	if run := c.repo.check(id); run != nil {
		return run, nil
	}
	return nil, errNotFound
}

var errNotFound = &apiError{status: 404, message: "Not Found"}

// listChecks lists the check runs of a commit; of several with one name the newest, unless all are asked for.
func (s *Server) listChecks(c *call) (int, any, error) {
	sha, err := c.repo.resolve(c.params["ref"])
	if err != nil {
		return 0, nil, unprocessableAs("No commit found for SHA: " + c.params["ref"])
	}
	list := []obj{}
	for _, run := range c.repo.checksAt(sha, c.r.URL.Query()) {
		list = append(list, c.repo.checkJSON(run))
	}
	return 200, obj{"total_count": len(list), "check_runs": page(c, list)}, nil
}

func (r *Repo) checksAt(sha string, q url.Values) []*checkRun {
	var all []*checkRun
	for _, suite := range r.suites {
		if suite.sha != sha || q.Get("app_id") != "" && q.Get("app_id") != strconv.Itoa(appID) {
			continue
		}
		for _, run := range suite.runs {
			if fits(q.Get("check_name"), run.name) && fits(q.Get("status"), run.status) {
				all = append(all, run)
			}
		}
	}
	if q.Get("filter") != "all" {
		all = latest(all)
	}
	return all
}

func fits(want, is string) bool { return want == "" || want == is }

// latest keeps the newest run of each name.
func latest(runs []*checkRun) []*checkRun {
	newest := make(map[string]*checkRun)
	for _, run := range runs {
		newest[run.name] = run
	}
	return slices.DeleteFunc(runs, func(run *checkRun) bool { return newest[run.name] != run })
}

func (r *Repo) checkJSON(c *checkRun) obj {
	u := r.s.api("/repos/%s/check-runs/%d", r.full(), c.id)
	o := obj{
		"id": c.id, "node_id": nodeID("CR", c.id), "head_sha": c.suite.sha, "external_id": c.externalID, "url": u,
		"html_url": r.s.url + "/" + r.full() + "/runs/" + strconv.FormatInt(c.id, 10), "details_url": c.detailsURL,
		"status": c.status, "conclusion": none(c.conclusion), "started_at": stamp(c.started), "completed_at": nil,
		"name": c.name, "check_suite": obj{"id": c.suite.id}, "app": r.s.appJSON(), "pull_requests": r.pullsJSON(c.suite.sha),
		"output": obj{
			"title": c.output.Title, "summary": c.output.Summary, "text": c.output.Text,
			"annotations_count": len(c.output.Annotations), "annotations_url": u + "/annotations",
		},
	}
	if !c.completed.IsZero() {
		o["completed_at"] = stamp(c.completed)
	}
	return o
}

// none is a text, or null for the empty one.
func none(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// pullsJSON are the pull requests at a commit in the short form that checks carry.
func (r *Repo) pullsJSON(sha string) []obj {
	list := []obj{}
	for _, p := range r.pullsAt(sha) {
		base, err := p.baseSHA()
		if err != nil {
			continue // its base branch is gone
		}
		repo := obj{"id": r.id, "url": r.s.api("/repos/%s", r.full()), "name": r.name}
		list = append(list, obj{
			"id": p.id, "number": p.number, "url": r.s.api("/repos/%s/pulls/%d", r.full(), p.number),
			"head": obj{"ref": p.headBranch, "sha": p.headSHA, "repo": repo},
			"base": obj{"ref": p.base, "sha": base, "repo": repo},
		})
	}
	return list
}

func (r *Repo) suiteJSON(c *checkSuite) obj {
	status, conclusion := c.state()
	return obj{
		"id": c.id, "node_id": nodeID("CS", c.id), "head_branch": none(r.branchOf(c.sha)), "head_sha": c.sha,
		"status": status, "conclusion": none(conclusion), "url": r.s.api("/repos/%s/check-suites/%d", r.full(), c.id),
		"before": strings.Repeat("0", 40), "after": c.sha, "pull_requests": r.pullsJSON(c.sha), "app": r.s.appJSON(),
		"created_at": stamp(c.created), "updated_at": stamp(r.s.now()),
	}
}

// notifyCheck sends a check_run webhook. The caller holds the server's mu.
func (r *Repo) notifyCheck(action, by string, c *checkRun, more obj) error {
	run := r.checkJSON(c)
	run["check_suite"] = r.suiteJSON(c.suite)
	payload := obj{"action": action, "check_run": run}
	for key, value := range more {
		payload[key] = value
	}
	return r.notify("check_run", by, payload)
}

// notifySuite sends a check_suite webhook. The caller holds the server's mu.
func (r *Repo) notifySuite(action, by string, c *checkSuite) error {
	suite := r.suiteJSON(c)
	suite["latest_check_runs_count"] = len(latest(slices.Clone(c.runs)))
	suite["check_runs_url"] = r.s.api("/repos/%s/check-suites/%d/check-runs", r.full(), c.id)
	commit, err := r.git.commitData(c.sha)
	if err != nil {
		return err
	}
	suite["head_commit"] = commit.short()
	return r.notify("check_suite", by, obj{"action": action, "check_suite": suite})
}

// short is a commit as webhooks carry it.
func (c commitData) short() obj {
	person := func(p person) obj { return obj{"name": p.name, "email": p.email} }
	return obj{
		"id": c.sha, "tree_id": c.tree, "message": c.message, "timestamp": c.committer.when.UTC().Format(time.RFC3339),
		"author": person(c.author), "committer": person(c.committer),
	}
}
