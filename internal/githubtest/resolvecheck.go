package githubtest

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxPullCommits is where GitHub stops listing a pull request's commits (operation pulls/list-commits).
const maxPullCommits = 250

// commitNodes are the pull request's commits, oldest first.
func (s *Server) commitNodes(t *token, p *Pull) ([]*node, error) {
	commits, err := p.commits()
	if err != nil {
		return nil, err
	}
	commits = commits[:min(len(commits), maxPullCommits)]
	var all []*node
	for i := len(commits) - 1; i >= 0; i-- {
		id := "PURC_" + commits[i]
		commit := s.commitNode(t, p.repo, commits[i])
		all = append(all, &node{"PullRequestCommit", map[string]field{"id": value(id), "commit": value(commit)}})
	}
	return all, nil
}

func (s *Server) commitNode(t *token, r *Repo, sha string) *node {
	return &node{"Commit", map[string]field{
		"id": value("C_" + sha), "oid": value(sha),
		"message": func(map[string]any) (any, error) {
			c, err := r.git.commitData(sha)
			return strings.TrimSuffix(c.message, "\n"), err
		},
		"messageHeadline": func(map[string]any) (any, error) {
			c, err := r.git.commitData(sha)
			head, _, _ := strings.Cut(c.message, "\n")
			return head, err
		},
		"tree": func(map[string]any) (any, error) {
			c, err := r.git.commitData(sha)
			return &node{"Tree", map[string]field{"id": value("T_" + c.tree), "oid": value(c.tree)}}, err
		},
		"author":    gitActor(r, sha, func(c commitData) person { return c.author }),
		"committer": gitActor(r, sha, func(c commitData) person { return c.committer }),
		"signature": func(map[string]any) (any, error) {
			c, err := r.git.commitData(sha)
			if err != nil || !c.signed {
				return nil, err
			}
			return &node{"GpgSignature", map[string]field{"isValid": value(true), "wasSignedByGitHub": value(true)}}, nil
		},
		"parents": func(args map[string]any) (any, error) {
			c, err := r.git.commitData(sha)
			if err != nil {
				return nil, err
			}
			return connection("CommitConnection", s.commitsOf(t, r, c.parents), args)
		},
		"history": func(args map[string]any) (any, error) {
			out, err := r.git.line("rev-list", sha)
			if err != nil {
				return nil, err
			}
			return connection("CommitHistoryConnection", s.commitsOf(t, r, strings.Fields(out)), args)
		},
		"file": func(args map[string]any) (any, error) { return entryNode(r, sha, args["path"].(string)) },
		"checkSuites": func(args map[string]any) (any, error) {
			if !allows(t.permissions, "checks", "read") {
				return nil, forbidden()
			}
			filter, _ := args["filterBy"].(map[string]any)
			var all []*node
			for _, suite := range r.suites {
				named := func(c *checkRun) bool { return filtered(filter, "checkName", c.name) }
				if suite.sha == sha && ofApp(filter) && (filter["checkName"] == nil || anyOf(suite.runs, named)) {
					all = append(all, s.suiteNode(r, suite))
				}
			}
			return connection("CheckSuiteConnection", all, args)
		},
	}}
}

func (s *Server) commitsOf(t *token, r *Repo, shas []string) []*node {
	var all []*node
	for _, sha := range shas {
		all = append(all, s.commitNode(t, r, sha))
	}
	return all
}

func gitActor(r *Repo, sha string, of func(commitData) person) field {
	return func(map[string]any) (any, error) {
		c, err := r.git.commitData(sha)
		who := of(c)
		return &node{"GitActor", map[string]field{"name": value(who.name), "email": value(who.email)}}, err
	}
}

// entryNode is what a commit has under a path, null if there is nothing.
func entryNode(r *Repo, sha, name string) (any, error) {
	entries, err := r.git.tree(sha, true)
	n := slices.IndexFunc(entries, func(e treeEntry) bool { return e.Path == name })
	if err != nil || n < 0 {
		return nil, err
	}
	mode, err := strconv.ParseInt(entries[n].Mode, 8, 32)
	return &node{"TreeEntry", map[string]field{
		"mode": value(int(mode)), "name": value(path.Base(name)), "oid": value(entries[n].SHA), "path": value(name),
	}}, err
}

func anyOf(runs []*checkRun, holds func(*checkRun) bool) bool {
	for _, run := range runs {
		if holds(run) {
			return true
		}
	}
	return false
}

func ofApp(filter map[string]any) bool {
	n, _ := whole(filter["appId"])
	return filter["appId"] == nil || n == appID
}

// filtered reports whether a value passes one key of a filter.
func filtered(filter map[string]any, key, is string) bool {
	want, ok := filter[key].(string)
	return !ok || want == is
}

func (s *Server) suiteNode(r *Repo, c *checkSuite) *node {
	status, conclusion := c.state()
	app := &node{"App", map[string]field{"id": value(nodeID("A", appID)), "slug": value(s.app.Load().slug)}}
	return &node{"CheckSuite", map[string]field{
		"id": value(nodeID("CS", c.id)), "databaseId": value(int(c.id)), "app": value(app),
		"status": value(strings.ToUpper(status)), "conclusion": value(none(strings.ToUpper(conclusion))),
		"checkRuns": func(args map[string]any) (any, error) {
			filter, _ := args["filterBy"].(map[string]any)
			runs := append([]*checkRun(nil), c.runs...)
			if filter["checkType"] == "LATEST" {
				runs = latest(runs)
			}
			var all []*node
			for _, run := range runs {
				if ofApp(filter) && filtered(filter, "checkName", run.name) &&
					filtered(filter, "status", strings.ToUpper(run.status)) &&
					wanted(filter["statuses"], strings.ToUpper(run.status)) &&
					wanted(filter["conclusions"], strings.ToUpper(run.conclusion)) {
					all = append(all, checkNode(run))
				}
			}
			return connection("CheckRunConnection", all, args)
		},
	}}
}

// checkNode is a check run. Its databaseId is beyond 32 bits though the schema calls it Int, as on GitHub.
func checkNode(c *checkRun) *node {
	text := func(s *string) field { return value(none(word(s))) }
	at := func(t time.Time) field {
		if t.IsZero() {
			return value(nil)
		}
		return value(stamp(t))
	}
	return &node{"CheckRun", map[string]field{
		"id": value(nodeID("CR", c.id)), "databaseId": value(int(c.id)), "name": value(c.name),
		"status": value(strings.ToUpper(c.status)), "conclusion": value(none(strings.ToUpper(c.conclusion))),
		"externalId": value(none(c.externalID)), "detailsUrl": value(none(c.detailsURL)), "title": text(c.output.Title),
		"summary": text(c.output.Summary), "text": text(c.output.Text), "startedAt": at(c.started),
		"completedAt": at(c.completed),
		"annotations": func(args map[string]any) (any, error) {
			return connection("CheckAnnotationConnection", make([]*node, len(c.output.Annotations)), args)
		},
	}}
}
