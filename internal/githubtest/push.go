package githubtest

import (
	"slices"
	"strings"
)

// maxPushed is how many commits the payload of a push holds (content/webhooks/webhook-events-and-payloads.md, push).
const maxPushed = 2048

// notifyPush tells the webhook that a branch moved from one commit to another; noCommit stands for none.
func (r *Repo) notifyPush(branch, before, after, by string) error {
	if !r.told("push") {
		return nil // what it would say takes a log
	}
	commits, err := r.pushedCommits(before, after)
	if err != nil {
		return err
	}
	var newest any
	if after != noCommit {
		if newest, err = r.pushedCommit(after); err != nil {
			return err
		}
	}
	made, gone := before == noCommit, after == noCommit
	return r.notify("push", by, obj{
		"ref": "refs/heads/" + branch, "before": before, "after": after, "created": made, "deleted": gone,
		"forced": !made && !gone && !r.git.contains(after, before), "base_ref": nil, "commits": commits, "head_commit": newest,
		"compare": r.s.url + "/" + r.full() + "/compare/" + before + "..." + after,
		"pusher":  obj{"name": by, "email": by + "@users.noreply.github.com"},
	})
}

// pushedCommits are the commits that a push brought to a branch, oldest first; to a new one those that no branch had.
func (r *Repo) pushedCommits(before, after string) ([]obj, error) {
	list := []obj{}
	if after == noCommit {
		return list, nil
	}
	span := []string{"rev-list", "--reverse", after, "^" + before}
	if before == noCommit {
		span = []string{"rev-list", "--reverse", after, "--not", r.refs + r.main}
	}
	out, err := r.git.line(span...)
	if err != nil {
		return nil, err
	}
	all := strings.Fields(out)
	for _, sha := range all[:min(len(all), maxPushed)] {
		o, err := r.pushedCommit(sha)
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return list, nil
}

// pushedCommit is a commit as the payload of a push shows it.
func (r *Repo) pushedCommit(sha string) (obj, error) {
	c, err := r.git.commitData(sha)
	if err != nil {
		return nil, err
	}
	out, err := r.git.line("diff-tree", "--root", "--no-commit-id", "--name-status", "--no-renames", "-r", "-m", "--first-parent", sha)
	if err != nil {
		return nil, err
	}
	paths := map[string][]string{"A": {}, "M": {}, "D": {}}
	for line := range strings.Lines(out) {
		status, path, _ := strings.Cut(strings.TrimSpace(line), "\t")
		paths[status] = append(paths[status], path)
	}
	who := func(p person) obj { return obj{"name": p.name, "email": p.email, "username": p.name} }
	return obj{
		"id": sha, "tree_id": c.tree, "distinct": true, "message": c.message, "timestamp": stamp(c.committer.when),
		"url": r.s.url + "/" + r.full() + "/commit/" + sha, "author": who(c.author), "committer": who(c.committer),
		"added": paths["A"], "modified": slices.Concat(paths["M"], paths["T"]), "removed": paths["D"],
	}, nil
}
