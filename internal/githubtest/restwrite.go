package githubtest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

const (
	textWorkflows = "refusing to allow a GitHub App to create or update workflow `%s` without `workflows` permission"
	textNotFast   = "Update is not a fast forward"
	textNoObject  = "Object does not exist"
	textNoRef     = "Reference does not exist"
	textRefExists = "Reference already exists"
	textRefName   = "Reference name must start with 'refs/' and hold at least two slashes."
	textGuarded   = "Repository rule violations found\n\nChanges must be made through a pull request.\n\n"
	textTreePath  = "tree.path contains a malformed path component"
	textTreeBoth  = "Must supply either tree.sha or tree.content, not both"
	textTreeNone  = "Must supply either tree.sha or tree.content"
	textTreeMode  = "tree.mode %q is not a mode that this double writes"
	textTreeSHA   = "tree.sha %s is not a valid blob"
	textTreeGone  = "GitRPC::BadObjectState"
	textNoTree    = "Tree SHA does not exist"
	textNoParent  = "Parent SHA does not exist or is not a commit object"
	textNoBase    = "base_tree is not a valid tree oid"
)

func (s *Server) postBlob(c *call) (int, any, error) {
	var in struct{ Content, Encoding string }
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	data := []byte(in.Content)
	if in.Encoding == "base64" {
		var err error
		if data, err = base64.StdEncoding.DecodeString(strings.ReplaceAll(in.Content, "\n", "")); err != nil {
			return 0, nil, unprocessableAs("content is not valid Base64")
		}
	}
	sha, err := c.repo.git.store(data, "hash-object", "-w", "--stdin")
	return 201, obj{"sha": sha, "url": s.api("/repos/%s/git/blobs/%s", c.repo.full(), sha)}, err
}

// treeRequest is the body of git/create-tree.
type treeRequest struct {
	BaseTree string     `json:"base_tree"`
	Tree     []leafEdit `json:"tree"`
}

// A leafEdit is one path of a new tree. A null SHA deletes it.
type leafEdit struct {
	Path    string   `json:"path"`
	Mode    string   `json:"mode"`
	Type    string   `json:"type"`
	SHA     nullable `json:"sha"`
	Content *string  `json:"content"`
}

// A nullable is a text that may also be null or left out.
type nullable struct {
	given bool
	text  string // "" for null
}

// UnmarshalJSON implements json.Unmarshaler; it is not called for what is left out.
func (n *nullable) UnmarshalJSON(data []byte) error {
	n.given, n.text = true, strings.Trim(string(data), `"`)
	if n.text == "null" {
		n.text = ""
	}
	return nil
}

func (e leafEdit) refuse() string {
	clean := e.Path != "" && path.Clean(e.Path) == e.Path && !strings.HasPrefix(e.Path, "/")
	for part := range strings.SplitSeq(e.Path, "/") {
		clean = clean && part != ".." && part != "." && !strings.EqualFold(part, ".git")
	}
	switch {
	case !clean:
		return textTreePath
	case e.SHA.given && e.Content != nil:
		return textTreeBoth
	case !e.SHA.given && e.Content == nil:
		return textTreeNone
	case !slices.Contains([]string{"100644", "100755", "120000", "160000"}, e.Mode):
		return fmt.Sprintf(textTreeMode, e.Mode)
	}
	return ""
}

func (s *Server) postTree(c *call) (int, any, error) {
	var in treeRequest
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	sha, err := c.repo.makeTree(in)
	if err != nil {
		return 0, nil, err
	}
	entries, err := c.repo.git.tree(sha, false)
	list := []obj{}
	for _, e := range entries {
		list = append(list, s.entryJSON(c.repo, e))
	}
	u := s.api("/repos/%s/git/trees/%s", c.repo.full(), sha)
	return 201, obj{"sha": sha, "url": u, "tree": list, "truncated": false}, err
}

// makeTree puts a tree together in the scratch index.
func (r *Repo) makeTree(in treeRequest) (string, error) {
	if err := r.git.change(nil, "read-tree", "--empty"); err != nil {
		return "", err
	}
	held := make(map[string]bool)
	if in.BaseTree != "" {
		o, ok, err := r.git.object(in.BaseTree + "^{tree}")
		if err != nil || !ok || !shaForm.MatchString(in.BaseTree) {
			return "", unprocessableAs(textNoBase)
		}
		if err := r.git.change(nil, "read-tree", o.sha); err != nil {
			return "", err
		}
		entries, err := r.git.tree(o.sha, true)
		if err != nil {
			return "", err
		}
		for _, e := range entries {
			held[e.Path] = true
		}
	}
	var index bytes.Buffer
	for _, e := range in.Tree {
		line, err := r.indexLine(e, held)
		if err != nil {
			return "", err
		}
		index.WriteString(line)
	}
	if err := r.git.change(index.Bytes(), "update-index", "-z", "--index-info"); err != nil {
		return "", err
	}
	return r.git.store(nil, "write-tree")
}

// indexLine is one path of a new tree for git update-index.
func (r *Repo) indexLine(e leafEdit, held map[string]bool) (string, error) {
	if text := e.refuse(); text != "" {
		return "", unprocessableAs(text)
	}
	sha := e.SHA.text
	switch {
	case e.Content != nil:
		var err error
		if sha, err = r.git.store([]byte(*e.Content), "hash-object", "-w", "--stdin"); err != nil {
			return "", err
		}
	case sha == "" && !held[e.Path]:
		return "", unprocessableAs(textTreeGone)
	case sha == "":
		return fmt.Sprintf("0 %s\t%s\x00", strings.Repeat("0", 40), e.Path), nil
	case e.Mode != "160000":
		if o, ok, err := r.git.object(sha); err != nil || !ok || o.kind != "blob" {
			return "", unprocessableAs(fmt.Sprintf(textTreeSHA, sha))
		}
	}
	return fmt.Sprintf("%s %s\t%s\x00", e.Mode, sha, e.Path), nil
}

// commitRequest is the body of git/create-commit.
type commitRequest struct {
	Message   string        `json:"message"`
	Tree      string        `json:"tree"`
	Parents   []string      `json:"parents"`
	Author    *commitPerson `json:"author"`
	Committer *commitPerson `json:"committer"`
	Signature string        `json:"signature"`
}

type commitPerson struct {
	Name  string     `json:"name"`
	Email string     `json:"email"`
	Date  *time.Time `json:"date"`
}

func (p *commitPerson) line(now time.Time) string {
	if p.Date != nil {
		now = *p.Date
	}
	return fmt.Sprintf("%s <%s> %d +0000", p.Name, p.Email, now.Unix())
}

func (s *Server) postCommit(c *call) (int, any, error) {
	var in commitRequest
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	if o, ok, err := c.repo.git.object(in.Tree); err != nil || !ok || o.kind != "tree" {
		return 0, nil, unprocessableAs(textNoTree)
	}
	for _, parent := range in.Parents {
		if o, ok, err := c.repo.git.object(parent); err != nil || !ok || o.kind != "commit" {
			return 0, nil, unprocessableAs(textNoParent)
		}
	}
	sha, err := c.repo.git.store(s.commitText(in), "hash-object", "-t", "commit", "-w", "--stdin")
	if err != nil {
		return 0, nil, err
	}
	o, err := c.repo.gitCommitJSON(sha)
	return 201, o, err
}

// commitText is the commit as git stores it. As on GitHub one of the App's that names neither author nor committer is
// the bot's and is signed by GitHub; naming either loses the signature.
func (s *Server) commitText(in commitRequest) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree %s\n", in.Tree)
	for _, parent := range in.Parents {
		fmt.Fprintf(&b, "parent %s\n", parent)
	}
	bot := &commitPerson{Name: s.Bot(), Email: fmt.Sprintf("%d+%s@users.noreply.github.com", botUserID, s.Bot())}
	author, committer := in.Author, in.Committer
	if author == nil {
		author = bot
	}
	signed := in.Author == nil && in.Committer == nil
	switch {
	case signed:
		committer = &commitPerson{Name: "GitHub", Email: "noreply@github.com"}
	case committer == nil:
		committer = author
	}
	fmt.Fprintf(&b, "author %s\ncommitter %s\n", author.line(s.now()), committer.line(s.now()))
	if signed {
		b.WriteString("gpgsig -----BEGIN PGP SIGNATURE-----\n \n signed by the double\n -----END PGP SIGNATURE-----\n")
	}
	fmt.Fprintf(&b, "\n%s", in.Message)
	return b.Bytes()
}

func (s *Server) getCommit(c *call) (int, any, error) {
	sha := c.params["commit_sha"]
	if o, ok, err := c.repo.git.object(sha); err != nil || !ok || o.kind != "commit" || o.sha != sha {
		return 0, nil, errNotFound
	}
	o, err := c.repo.gitCommitJSON(sha)
	return 200, o, err
}

// gitCommitJSON is a commit as the git operations show it.
func (r *Repo) gitCommitJSON(sha string) (obj, error) {
	c, err := r.git.commitData(sha)
	if err != nil {
		return nil, err
	}
	o := c.json(r)
	o["sha"], o["node_id"] = sha, "C_"+sha
	o["html_url"] = r.s.url + "/" + r.full() + "/commit/" + sha
	o["parents"] = c.parentsJSON(r)
	delete(o, "comment_count")
	return o, nil
}

// commitJSON is a commit as the operations on repositories show it.
func (r *Repo) commitJSON(sha string) (obj, error) {
	c, err := r.git.commitData(sha)
	if err != nil {
		return nil, err
	}
	u := r.s.api("/repos/%s/commits/%s", r.full(), sha)
	return obj{
		"url": u, "sha": sha, "node_id": "C_" + sha, "html_url": r.s.url + "/" + r.full() + "/commit/" + sha,
		"comments_url": u + "/comments", "commit": c.json(r), "author": r.s.user(c.author.name),
		"committer": r.s.user(c.committer.name), "parents": c.parentsJSON(r),
	}, nil
}

func (c commitData) json(r *Repo) obj {
	who := func(p person) obj { return obj{"name": p.name, "email": p.email, "date": stamp(p.when)} }
	verification := obj{
		"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil,
	}
	if c.signed {
		verification = obj{
			"verified": true, "reason": "valid", "signature": "-----BEGIN PGP SIGNATURE-----", "payload": "tree " + c.tree,
			"verified_at": stamp(c.committer.when),
		}
	}
	return obj{
		"url": r.s.api("/repos/%s/git/commits/%s", r.full(), c.sha), "author": who(c.author), "committer": who(c.committer),
		"message": c.message, "comment_count": 0, "verification": verification,
		"tree": obj{"sha": c.tree, "url": r.s.api("/repos/%s/git/trees/%s", r.full(), c.tree)},
	}
}

func (c commitData) parentsJSON(r *Repo) []obj {
	list := []obj{}
	for _, p := range c.parents {
		list = append(list, obj{
			"sha": p, "url": r.s.api("/repos/%s/commits/%s", r.full(), p),
			"html_url": r.s.url + "/" + r.full() + "/commit/" + p,
		})
	}
	return list
}

func (s *Server) refJSON(r *Repo, name, sha string) obj {
	return obj{
		"ref": name, "node_id": nodeID("REF", r.id) + name, "url": s.api("/repos/%s/git/%s", r.full(), name),
		"object": obj{"type": "commit", "sha": sha, "url": s.api("/repos/%s/git/commits/%s", r.full(), sha)},
	}
}

func (s *Server) getRef(c *call) (int, any, error) {
	name := c.params["ref"]
	if branch, ok := strings.CutPrefix(name, "heads/"); ok {
		if sha, err := c.repo.git.commit(c.repo.refs + branch); err == nil {
			return 200, s.refJSON(c.repo, "refs/"+name, sha), nil
		}
	}
	if pullRef.MatchString(name) {
		if sha, err := c.repo.resolve(name); err == nil {
			return 200, s.refJSON(c.repo, "refs/"+name, sha), nil
		}
	}
	return 0, nil, errNotFound
}

func (s *Server) patchRef(c *call) (int, any, error) {
	in := struct {
		SHA   string `json:"sha"`
		Force bool   `json:"force"`
	}{}
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	branch, before, err := c.branch()
	if err != nil {
		return 0, nil, err
	}
	if err := c.repo.refusePush(c.token, branch, before, in.SHA, in.Force); err != nil {
		return 0, nil, err
	}
	if before != in.SHA {
		if err := c.repo.git.change(nil, "update-ref", c.repo.refs+branch, in.SHA, before); err != nil {
			return 0, nil, err
		}
		if err := c.repo.pushed(branch, before, in.SHA, s.Bot()); err != nil {
			return 0, nil, err
		}
	}
	return 200, s.refJSON(c.repo, "refs/heads/"+branch, in.SHA), nil
}

// branch is the branch that the path names, and the commit at its tip. Refs of pull requests cannot be changed.
func (c *call) branch() (name, sha string, err error) {
	name, ok := strings.CutPrefix(c.params["ref"], "heads/")
	if ok {
		if sha, err = c.repo.git.commit(c.repo.refs + name); err == nil {
			return name, sha, nil
		}
	}
	return "", "", unprocessableAs(textNoRef)
}

// refusePush is GitHub's reason for not moving a branch from before ("" for a new one) to after.
func (r *Repo) refusePush(t *token, branch, before, after string, force bool) error {
	o, ok, err := r.git.object(after)
	switch {
	case err != nil:
		return err
	case !ok || o.kind != "commit" || o.sha != after:
		return unprocessableAs(textNoObject)
	case slices.Contains(r.guarded, branch):
		return unprocessableAs(textGuarded)
	case before != "" && !force && !r.git.contains(after, before):
		return unprocessableAs(textNotFast)
	}
	if allows(t.permissions, "workflows", "write") {
		return nil
	}
	file, err := r.workflowIn(after)
	if err == nil && file != "" {
		err = unprocessableAs(fmt.Sprintf(textWorkflows, file))
	}
	return err
}

// contains reports whether the commit after has before among its ancestors, or is it.
func (g *gitDir) contains(after, before string) bool {
	base, err := g.line("merge-base", before, after)
	return err == nil && base == before
}

// workflowIn is a workflow that one of the commits changes which no branch holds yet, "" if there is none.
func (r *Repo) workflowIn(sha string) (string, error) {
	fresh, err := r.git.line("rev-list", sha, "--not", "--all")
	if err != nil {
		return "", err
	}
	for commit := range strings.FieldsSeq(fresh) {
		out, err := r.git.line("diff-tree", "--root", "--no-commit-id", "--name-only", "-r", commit, "--",
			".github/workflows")
		if err != nil {
			return "", err
		}
		if first, _, _ := strings.Cut(out, "\n"); first != "" {
			return first, nil
		}
	}
	return "", nil
}

func (s *Server) postRef(c *call) (int, any, error) {
	var in struct{ Ref, SHA string }
	if err := c.decode(&in); err != nil {
		return 0, nil, err
	}
	branch, ok := strings.CutPrefix(in.Ref, "refs/heads/")
	if !ok || branch == "" {
		return 0, nil, unprocessableAs(textRefName)
	}
	if _, err := c.repo.git.commit(c.repo.refs + branch); err == nil {
		return 0, nil, unprocessableAs(textRefExists)
	}
	if err := c.repo.refusePush(c.token, branch, "", in.SHA, false); err != nil {
		return 0, nil, err
	}
	if err := c.repo.git.change(nil, "update-ref", c.repo.refs+branch, in.SHA, strings.Repeat("0", 40)); err != nil {
		return 0, nil, unprocessableAs("Reference update failed") // its name is none, or another branch is in its way
	}
	return 201, s.refJSON(c.repo, in.Ref, in.SHA), nil
}

func (s *Server) deleteRef(c *call) (int, any, error) {
	branch, sha, err := c.branch()
	if err != nil {
		return 0, nil, err
	}
	if slices.Contains(c.repo.guarded, branch) {
		return 0, nil, unprocessableAs("Cannot delete this branch")
	}
	if err := c.repo.git.change(nil, "update-ref", "-d", c.repo.refs+branch, sha); err != nil {
		return 0, nil, err
	}
	return 204, nil, c.repo.branchGone(branch, s.Bot())
}
