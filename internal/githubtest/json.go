package githubtest

import (
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"net/url"
	"strings"
	"time"
)

// obj is a JSON object.
type obj = map[string]any

const docs = "https://docs.github.com/rest"

func nodeID(kind string, id int64) string {
	return kind + "_" + base64.RawURLEncoding.EncodeToString(fmt.Append(nil, id))
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// api is the address of a REST resource.
func (s *Server) api(format string, args ...any) string {
	return s.url + "/api/v3" + fmt.Sprintf(format, args...)
}

func (s *Server) user(login string) obj {
	kind, id := "User", s.userID(login)
	if strings.HasSuffix(login, "[bot]") {
		kind = "Bot"
	}
	u := s.api("/users/%s", login)
	return obj{
		"login": login, "id": id, "node_id": nodeID("U", id), "type": kind, "site_admin": false,
		"avatar_url": s.url + "/avatars/" + login, "gravatar_id": "", "url": u, "html_url": s.url + "/" + login,
		"followers_url": u + "/followers", "following_url": u + "/following{/other_user}",
		"gists_url":   u + "/gists{/gist_id}",
		"starred_url": u + "/starred{/owner}{/repo}", "subscriptions_url": u + "/subscriptions",
		"organizations_url": u + "/orgs", "repos_url": u + "/repos", "events_url": u + "/events{/privacy}",
		"received_events_url": u + "/received_events",
	}
}

func (s *Server) userID(login string) int64 {
	if s.ours(login) {
		return botUserID
	}
	h := fnv.New32a()
	h.Write([]byte(login))
	return int64(h.Sum32())
}

// repoURLs are the last words of a repository's URL templates.
const repoURLs = "archive assignees blobs branches collaborators comments commits compare contents contributors " +
	"deployments downloads events forks git_commits git_refs git_tags hooks issue_comment issue_events issues keys " +
	"labels languages merges milestones notifications pulls releases stargazers statuses subscribers subscription " +
	"tags teams trees"

func (r *Repo) json() obj {
	s := r.s
	u, page := s.api("/repos/%s", r.full()), s.url+"/"+r.full()
	o := obj{
		"id": r.id, "node_id": nodeID("R", r.id), "name": r.name, "full_name": r.full(), "owner": s.user(r.owner),
		"private": r.private, "html_url": page, "url": u, "description": nil, "fork": r.fork(),
		"clone_url": page + ".git", "git_url": strings.Replace(page, "http:", "git:", 1) + ".git",
		"ssh_url": "git@127.0.0.1:" + r.full() + ".git", "svn_url": page, "mirror_url": r.mirrorOf(), "homepage": nil, "language": nil,
		"default_branch": r.main, "license": nil, "archived": r.archived, "disabled": r.marks.Disabled, "size": 0,
		"forks": 0, "forks_count": 0, "stargazers_count": 0, "watchers": 0, "watchers_count": 0, "open_issues": r.openIssues(),
		"open_issues_count": r.openIssues(), "has_downloads": true, "has_issues": true, "has_projects": true, "has_wiki": true,
		"has_pages": false, "has_discussions": false, "pushed_at": stamp(s.now()), "created_at": stamp(s.now()),
		"updated_at": stamp(s.now()), "visibility": visibility(r.private), "topics": []any{}, "is_template": false,
		"allow_forking": true, "web_commit_signoff_required": false, "custom_properties": obj{},
	}
	for word := range strings.FieldsSeq(repoURLs) {
		o[word+"_url"] = u + "/" + word
	}
	return o
}

func (r *Repo) fork() bool { return r.parent != nil || r.marks.Fork }

// mirrorOf is the address that a mirror is made from, nil for what is none.
func (r *Repo) mirrorOf() any {
	if r.marks.Mirror {
		return "https://git.example.com/" + r.full()
	}
	return nil
}

func visibility(private bool) string {
	if private {
		return "private"
	}
	return "public"
}

// json is the pull request as GET pulls/{n} answers it, which a webhook carries too.
func (p *Pull) json() (obj, error) {
	base, err := p.baseSHA()
	if err != nil {
		return nil, err
	}
	files, err := p.diff(p.headSHA)
	if err != nil {
		return nil, err
	}
	commits, err := p.commits()
	if err != nil {
		return nil, err
	}
	o := p.links()
	o["base"] = obj{
		"label": p.repo.owner + ":" + p.base, "ref": p.base, "sha": base, "user": p.s.user(p.repo.owner),
		"repo": p.repo.json(),
	}
	head := obj{
		"label": p.head.owner + ":" + p.headBranch, "ref": p.headBranch, "sha": p.headSHA, "user": p.s.user(p.head.owner),
		"repo": nil, // a deleted fork's
	}
	if !p.head.deleted {
		head["repo"] = p.head.json()
	}
	o["head"] = head
	additions, deletions := 0, 0
	for _, f := range files {
		additions, deletions = additions+f.additions, deletions+f.deletions
	}
	o["additions"], o["deletions"], o["changed_files"], o["commits"] = additions, deletions, len(files), len(commits)
	return o, nil
}

func (p *Pull) links() obj {
	u, page := p.s.api("/repos/%s/pulls/%d", p.repo.full(), p.number), p.page()
	issue := p.s.api("/repos/%s/issues/%d", p.repo.full(), p.number)
	statuses := p.s.api("/repos/%s/statuses/%s", p.repo.full(), p.headSHA)
	link := func(to string) obj { return obj{"href": to} }
	o := obj{
		"id": p.id, "node_id": nodeID("PR", p.id), "number": p.number, "state": p.state, "locked": false,
		"active_lock_reason": nil, "title": p.title,
		"body": p.body, "user": p.s.user(p.author), "draft": p.draft, "merged": p.mergeSHA != "", "mergeable": true,
		"mergeable_state": "clean", "merged_by": nil, "merged_at": nil, "merge_commit_sha": none(p.mergeSHA), "assignee": nil,
		"assignees": p.s.users(p.assignees), "requested_reviewers": p.s.users(p.reviewers),
		"requested_teams": p.repo.teamsJSON(p.teams), "labels": p.repo.labelsJSON(p.labels), "milestone": nil,
		"author_association": "CONTRIBUTOR", "auto_merge": nil, "comments": len(p.talk), "review_comments": len(p.threads),
		"maintainer_can_modify": p.modifiable && p.head != p.repo, "rebaseable": nil, "closed_at": nil,
		"created_at": stamp(p.created), "updated_at": stamp(p.updated), "url": u, "html_url": page,
		"diff_url": page + ".diff", "patch_url": page + ".patch", "issue_url": issue, "commits_url": u + "/commits",
		"comments_url": issue + "/comments", "statuses_url": statuses, "review_comments_url": u + "/comments",
		"review_comment_url": p.s.api("/repos/%s/pulls/comments{/number}", p.repo.full()),
		"_links": obj{
			"self": link(u), "html": link(page), "issue": link(issue), "comments": link(issue + "/comments"),
			"review_comments": link(u + "/comments"), "review_comment": link(u + "/comments{/number}"),
			"commits": link(u + "/commits"), "statuses": link(statuses),
		},
	}
	if p.state == "closed" {
		o["closed_at"] = stamp(p.closed)
	}
	if p.mergeSHA != "" {
		o["merged_at"] = stamp(p.closed)
	}
	return o
}

func (p *Pull) page() string { return fmt.Sprintf("%s/%s/pull/%d", p.s.url, p.repo.full(), p.number) }

// fileJSON is a file of the diff between two commits. A file that was removed is shown as it was, so its addresses name
// the old commit: recordings of GitHub's answers in hub4j/github-api do (GHRepositoryTest, listCommitsBetween).
func (r *Repo) fileJSON(f fileDiff, from, to string) obj {
	escaped := url.PathEscape(f.path) // slashes too
	at := to
	if f.status == "removed" {
		at = from
	}
	o := obj{
		"sha": f.sha, "filename": f.path, "status": f.status, "additions": f.additions, "deletions": f.deletions,
		"changes":      f.additions + f.deletions,
		"blob_url":     fmt.Sprintf("%s/%s/blob/%s/%s", r.s.url, r.full(), at, escaped),
		"raw_url":      fmt.Sprintf("%s/%s/raw/%s/%s", r.s.url, r.full(), at, escaped),
		"contents_url": r.s.api("/repos/%s/contents/%s?ref=%s", r.full(), escaped, at),
	}
	if f.patch != "" && strings.Count(f.patch, "\n") < r.s.options.Limits.PatchLines {
		o["patch"] = f.patch
	}
	if f.oldPath != "" {
		o["previous_filename"] = f.oldPath
	}
	return o
}

func (p *Pull) reviewJSON(r *review) obj {
	page := fmt.Sprintf("%s#pullrequestreview-%d", p.page(), r.id)
	u := p.s.api("/repos/%s/pulls/%d", p.repo.full(), p.number)
	o := obj{
		"id": r.id, "node_id": nodeID("PRR", r.id), "user": p.s.user(r.author), "body": r.body, "state": r.state,
		"commit_id": r.commit, "html_url": page, "pull_request_url": u, "author_association": "NONE",
		"_links": obj{"html": obj{"href": page}, "pull_request": obj{"href": u}},
	}
	if r.state != "PENDING" {
		o["submitted_at"] = stamp(r.submitted)
	}
	return o
}

func (p *Pull) commentJSON(t *thread, c *comment) (obj, error) {
	start, line, ok, err := p.place(t)
	if err != nil {
		return nil, err
	}
	u := p.s.api("/repos/%s/pulls/comments/%d", p.repo.full(), c.id)
	page := fmt.Sprintf("%s#discussion_r%d", p.page(), c.id)
	pull := p.s.api("/repos/%s/pulls/%d", p.repo.full(), p.number)
	o := obj{
		"id": c.id, "node_id": nodeID("PRRC", c.id), "url": u, "html_url": page, "pull_request_url": pull,
		"pull_request_review_id": nil, "diff_hunk": t.hunk, "path": t.path, "commit_id": p.headSHA,
		"original_commit_id": t.commit, "user": p.s.user(c.author), "body": c.body, "created_at": stamp(c.created),
		"updated_at": stamp(c.updated()), "author_association": "NONE", "side": t.side, "original_line": t.line,
		"original_start_line": nil, "start_line": nil, "start_side": nil, "original_position": t.position,
		"subject_type": "line", "reactions": c.reactionsJSON(u),
		"_links": obj{"self": obj{"href": u}, "html": obj{"href": page}, "pull_request": obj{"href": pull}},
	}
	if c.review != nil {
		o["pull_request_review_id"] = c.review.id
	}
	if first := t.comments[0]; c != first {
		o["in_reply_to_id"] = first.id
	}
	if ok {
		file, err := p.fileAt(p.headSHA, t.path)
		if err != nil {
			return nil, err
		}
		o["line"], o["position"] = line, file.position(t.side, line)
	}
	if t.start != t.line {
		o["original_start_line"], o["start_side"] = t.start, t.side
		if ok {
			o["start_line"] = start
		}
	}
	return o, nil
}
