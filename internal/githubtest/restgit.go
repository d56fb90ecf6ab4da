package githubtest

import (
	"encoding/base64"
	"regexp"
	"strings"
)

var shaForm = regexp.MustCompile(`^[0-9a-f]{40}$`)

const textSHA = "The sha parameter must be exactly 40 characters and contain only [0-9a-f]."

func (s *Server) getBlob(c *call) (int, any, error) {
	sha := c.params["file_sha"]
	if !shaForm.MatchString(sha) {
		return 0, nil, &apiError{status: 422, message: textSHA}
	}
	o, ok, err := c.repo.git.object(sha)
	if err != nil {
		return 0, nil, err
	}
	if !ok || o.kind != "blob" {
		return 0, nil, &apiError{status: 404, message: "Not Found"}
	}
	return 200, obj{
		"sha": o.sha, "node_id": nodeID("B", c.repo.id) + o.sha, "size": len(o.data), "encoding": "base64",
		"url": s.api("/repos/%s/git/blobs/%s", c.repo.full(), o.sha), "content": lines60(o.data),
	}, nil
}

// lines60 is base64 in lines of 60 characters, as GitHub sends it.
func lines60(data []byte) string {
	text := base64.StdEncoding.EncodeToString(data)
	var b strings.Builder
	for len(text) > 60 {
		b.WriteString(text[:60] + "\n")
		text = text[60:]
	}
	if text != "" {
		b.WriteString(text + "\n")
	}
	return b.String()
}

func (s *Server) getTree(c *call) (int, any, error) {
	rev := c.params["tree_sha"]
	if sha, err := c.repo.resolve(rev); err == nil {
		rev = sha
	}
	o, ok, err := c.repo.git.object(rev + "^{tree}")
	if err != nil {
		return 0, nil, err
	}
	if !ok {
		return 0, nil, &apiError{status: 404, message: "Not Found"}
	}
	entries, err := c.repo.git.tree(o.sha, c.r.URL.Query().Get("recursive") != "")
	truncated := len(entries) > s.options.Limits.TreeEntries
	if truncated {
		entries = entries[:s.options.Limits.TreeEntries]
	}
	list := []obj{}
	for _, e := range entries {
		list = append(list, s.entryJSON(c.repo, e))
	}
	u := s.api("/repos/%s/git/trees/%s", c.repo.full(), o.sha)
	return 200, obj{"sha": o.sha, "url": u, "tree": list, "truncated": truncated}, err
}

func (s *Server) entryJSON(r *Repo, e treeEntry) obj {
	entry := obj{"path": e.Path, "mode": e.Mode, "type": e.Kind, "sha": e.SHA}
	switch e.Kind {
	case "blob":
		entry["size"] = e.Size
		entry["url"] = s.api("/repos/%s/git/blobs/%s", r.full(), e.SHA)
	case "tree":
		entry["url"] = s.api("/repos/%s/git/trees/%s", r.full(), e.SHA)
	}
	return entry
}

func (s *Server) getPull(c *call) (int, any, error) {
	return c.pull.answer(200)
}

// answer is the pull request as the operations on one of them show it: of others it is not known whether it can be merged.
func (p *Pull) answer(status int) (int, any, error) {
	o, err := p.json()
	if err != nil || p.state != "open" {
		return status, o, err
	}
	can, err := p.mergeable()
	o["mergeable"], o["mergeable_state"] = can, "clean"
	if !can {
		o["mergeable_state"] = "dirty"
	}
	return status, o, err
}

func (s *Server) listFiles(c *call) (int, any, error) {
	files, err := c.pull.diff(c.pull.headSHA)
	if err != nil {
		return 0, nil, err
	}
	from, err := c.pull.parted(c.pull.headSHA)
	list := []obj{}
	for _, f := range page(c, files[:min(len(files), s.options.Limits.Files)]) {
		list = append(list, c.repo.fileJSON(f, from, c.pull.headSHA))
	}
	return 200, list, err
}
