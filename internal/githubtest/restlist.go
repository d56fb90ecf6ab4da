package githubtest

import (
	"slices"
	"strings"
)

func (s *Server) getRepo(c *call) (int, any, error) {
	o := c.repo.json()
	o["network_count"], o["subscribers_count"] = 0, 0
	return 200, o, nil
}

// listInstallations lists the accounts where the App is (operation list-installations-for-the-authenticated-app).
func (s *Server) listInstallations(c *call) (int, any, error) {
	list := []obj{}
	for _, i := range s.installations {
		list = append(list, i.json(s))
	}
	slices.SortFunc(list, func(a, b obj) int { return int(a["id"].(int64) - b["id"].(int64)) })
	return 200, page(c, list), nil
}

// getOrgInstallation finds no installation: all accounts of the double are people's (operation
// get-an-organization-installation-for-the-authenticated-app).
func (s *Server) getOrgInstallation(*call) (int, any, error) {
	return 0, nil, &apiError{status: 404, message: "Not Found"}
}

// getUserInstallation is where the App is in a person's account (operation
// get-a-user-installation-for-the-authenticated-app).
func (s *Server) getUserInstallation(c *call) (int, any, error) {
	for _, i := range s.installations {
		if strings.EqualFold(i.owner, c.params["username"]) {
			return 200, i.json(s), nil
		}
	}
	return 0, nil, &apiError{status: 404, message: "Not Found"}
}

// listPulls lists pull requests by state, head (owner:branch) and base, the newest first unless asked otherwise
// (operation list-pull-requests).
func (s *Server) listPulls(c *call) (int, any, error) {
	q := c.r.URL.Query()
	pulls := slices.Clone(c.repo.pulls)
	slices.SortStableFunc(pulls, func(a, b *Pull) int {
		if q.Get("sort") == "updated" {
			return a.updated.Compare(b.updated)
		}
		return a.number - b.number
	})
	if q.Get("direction") == "desc" || q.Get("direction") == "" && fits(q.Get("sort"), "created") {
		slices.Reverse(pulls)
	}
	state := q.Get("state")
	if state == "" {
		state = "open"
	}
	list := []obj{}
	for _, p := range pulls {
		label := p.head.owner + ":" + p.headBranch
		if state != "all" && p.state != state || !fits(q.Get("head"), label) || !fits(q.Get("base"), p.base) {
			continue
		}
		o, err := p.json()
		if err != nil {
			return 0, nil, err
		}
		list = append(list, o)
	}
	return 200, page(c, list), nil
}

// listPullsOf lists the open pull requests that hold a commit. As on GitHub those of forks are not found
// (TooTallNate/nx.js#410, retransmission/retransmission#280).
func (s *Server) listPullsOf(c *call) (int, any, error) {
	sha, err := c.repo.resolve(c.params["commit_sha"])
	if err != nil {
		return 0, nil, unprocessableAs("No commit found for SHA: " + c.params["commit_sha"])
	}
	list := []obj{}
	for _, p := range c.repo.pulls {
		if p.head != p.repo || p.state != "open" {
			continue
		}
		commits, err := p.commits()
		if err != nil {
			return 0, nil, err
		}
		if !slices.Contains(commits, sha) {
			continue
		}
		o, err := p.json()
		if err != nil {
			return 0, nil, err
		}
		list = append(list, o)
	}
	return 200, page(c, list), nil
}

func (s *Server) getBranch(c *call) (int, any, error) {
	name := c.params["branch"]
	sha, err := c.repo.git.commit(c.repo.refs + name)
	if err != nil {
		return 0, nil, &apiError{status: 404, message: "Branch not found"}
	}
	commit, err := c.repo.commitJSON(sha)
	if err != nil {
		return 0, nil, err
	}
	u := s.api("/repos/%s/branches/%s", c.repo.full(), name)
	held := slices.Contains(c.repo.guarded, name)
	return 200, obj{
		"name": name, "commit": commit, "protected": held, "protection": obj{"enabled": held},
		"protection_url": u + "/protection",
		"_links":         obj{"self": u, "html": s.url + "/" + c.repo.full() + "/tree/" + name},
	}, nil
}

// maxCompared is how many files a comparison lists (operation compare-two-commits).
const maxCompared = 300

// getComparison compares two commits from where they parted: base...head.
func (s *Server) getComparison(c *call) (int, any, error) {
	r := c.repo
	base, err := r.compared(c.params["base"])
	if err != nil {
		return 0, nil, errNotFound
	}
	head, err := r.compared(c.params["head"])
	if err != nil {
		return 0, nil, errNotFound
	}
	parted, err := r.git.line("merge-base", base, head)
	if err != nil {
		return 0, nil, &apiError{status: 404, message: "No common ancestor between " + base + " and " + head + "."}
	}
	ahead, behind, err := r.git.between(base, head)
	if err != nil {
		return 0, nil, err
	}
	o := obj{
		"ahead_by": len(ahead), "behind_by": len(behind), "total_commits": len(ahead), "status": parting(ahead, behind),
	}
	for key, sha := range map[string]string{"base_commit": base, "merge_base_commit": parted} {
		if o[key], err = r.commitJSON(sha); err != nil {
			return 0, nil, err
		}
	}
	u := s.api("/repos/%s/compare/%s...%s", r.full(), base, head)
	at := s.url + "/" + r.full() + "/compare/" + base + "..." + head
	o["url"], o["html_url"], o["permalink_url"], o["diff_url"], o["patch_url"] = u, at, at, at+".diff", at+".patch"
	commits := []obj{}
	for _, sha := range page(c, ahead[:min(len(ahead), maxPullCommits)]) {
		commit, err := r.commitJSON(sha)
		if err != nil {
			return 0, nil, err
		}
		commits = append(commits, commit)
	}
	o["commits"] = commits
	return s.withFiles(c, o, parted, head)
}

// withFiles adds the files to the first page of a comparison.
func (s *Server) withFiles(c *call, o obj, from, to string) (int, any, error) {
	if number(c, "page", 1) > 1 {
		return 200, o, nil
	}
	diffs, err := c.repo.git.diff(from, to)
	list := []obj{}
	for _, f := range diffs[:min(len(diffs), maxCompared)] {
		list = append(list, c.repo.fileJSON(f, from, to))
	}
	o["files"] = list
	return 200, o, err
}

// compared is a side of a comparison: a branch, a commit, or "owner:branch" of a fork.
func (r *Repo) compared(name string) (string, error) {
	owner, branch, ok := strings.Cut(name, ":")
	if !ok {
		return r.resolve(name)
	}
	for _, f := range r.s.repos {
		if f.git == r.git && f.owner == owner && !f.deleted {
			return f.resolve(branch)
		}
	}
	return "", errNotFound
}

// between are the commits that only head has and those that only base has, oldest first.
func (g *gitDir) between(base, head string) (ahead, behind []string, err error) {
	for list, span := range map[*[]string]string{&ahead: base + ".." + head, &behind: head + ".." + base} {
		out, err := g.line("rev-list", "--reverse", span)
		if err != nil {
			return nil, nil, err
		}
		*list = strings.Fields(out)
	}
	return ahead, behind, nil
}

// parting is GitHub's word for how two commits stand to each other.
func parting(ahead, behind []string) string {
	switch {
	case len(ahead) > 0 && len(behind) > 0:
		return "diverged"
	case len(ahead) > 0:
		return "ahead"
	case len(behind) > 0:
		return "behind"
	}
	return "identical"
}

// openIssues is how many issues and pull requests of the repository are open: GitHub counts both as issues.
func (r *Repo) openIssues() int {
	n := 0
	for _, i := range r.issues {
		if i.state() == "open" && !i.deleted {
			n++
		}
	}
	for _, p := range r.pulls {
		if p.state == "open" {
			n++
		}
	}
	return n
}
