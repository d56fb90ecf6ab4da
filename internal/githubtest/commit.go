package githubtest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// commitData is what a commit says.
type commitData struct {
	sha, tree string
	parents   []string
	author    person
	committer person
	signed    bool // by GitHub
	message   string
}

type person struct {
	name, email string
	when        time.Time
}

// commitData reads a commit.
func (g *gitDir) commitData(rev string) (commitData, error) {
	o, ok, err := g.object(rev)
	if err != nil {
		return commitData{}, err
	}
	if !ok || o.kind != "commit" {
		return commitData{}, fmt.Errorf("no commit %s", rev)
	}
	c := commitData{sha: o.sha}
	head, message, _ := strings.Cut(string(o.data), "\n\n")
	c.message = message
	for line := range strings.SplitSeq(head, "\n") {
		key, value, _ := strings.Cut(line, " ")
		switch key {
		case "tree":
			c.tree = value
		case "parent":
			c.parents = append(c.parents, value)
		case "author":
			c.author = personOf(value)
		case "committer":
			c.committer = personOf(value)
		case "gpgsig":
			c.signed = true
		}
	}
	return c, nil
}

// personOf reads "name <email> seconds +0000".
func personOf(text string) person {
	name, rest, _ := strings.Cut(text, " <")
	email, rest, _ := strings.Cut(rest, "> ")
	seconds, _, _ := strings.Cut(rest, " ")
	n, _ := strconv.ParseInt(seconds, 10, 64)
	return person{name: name, email: email, when: time.Unix(n, 0)}
}

// A CommitInfo is a commit as its page shows it.
type CommitInfo struct {
	SHA       string
	Parents   []string
	Author    string // name, as Committer
	Committer string
	Message   string
	Verified  bool
}

// Show is the commit that a branch or a SHA names.
func (r *Repo) Show(rev string) (CommitInfo, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	sha, err := r.resolve(rev)
	if err != nil {
		return CommitInfo{}, err
	}
	c, err := r.git.commitData(sha)
	return CommitInfo{c.sha, c.parents, c.author.name, c.committer.name, c.message, c.signed}, err
}

// Mode is the git mode of a file at a revision, "" if there is none.
func (r *Repo) Mode(rev, path string) (string, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	sha, err := r.resolve(rev)
	if err != nil {
		return "", err
	}
	entries, err := r.git.tree(sha, true)
	for _, e := range entries {
		if e.Path == path {
			return e.Mode, err
		}
	}
	return "", err
}
