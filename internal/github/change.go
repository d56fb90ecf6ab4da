package github

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"regexp"

	gogithub "github.com/google/go-github/v60/github"

	"github.com/lighterman/lighterman/internal/forge"
)

// Change reads what a pull request changes: one REST request for each hundred files. The head that they are of is told
// by the addresses of their contents; when it moves while the pages are read, the reading begins again.
func (a *App) Change(ctx context.Context, ref forge.Ref) (*forge.Change, error) {
	i, err := a.installation(ref.Repo)
	if err != nil {
		return nil, err
	}
	read := i.change
	if ref.Group != "" {
		read = i.groupChange
	}
	c, err := read(about(ctx, ref.Repo.Name), ref)
	return c, doing(err, "read the files of %s", ref)
}

// maxRestarts is how often the list of files is begun again because of pushes.
const maxRestarts = 5

// change reads the REST file list, page by page to the most that GitHub lists.
func (i *installation) change(ctx context.Context, ref forge.Ref) (*forge.Change, error) {
	c := &forge.Change{Ref: ref}
	o := &gogithub.ListOptions{Page: 1, PerPage: pageSize}
	for restarts := 0; o.Page != 0 && len(c.Files) < maxFiles; {
		page, res, err := i.client.PullRequests.ListFiles(ctx, ref.Repo.Owner, ref.Repo.Name, ref.Number, o)
		if err != nil {
			return nil, meaning(err)
		}
		for _, f := range page {
			head := cmp.Or(commitOf(f), c.Head)
			if c.Head != "" && head != c.Head {
				c.Head, c.Files, res.NextPage = "", nil, 1
				if restarts++; restarts > maxRestarts {
					return nil, errors.New("the head moved in every attempt to read them")
				}
				break
			}
			c.Head = head
			c.Files = append(c.Files, changedFile(f))
		}
		o.Page = res.NextPage
	}
	c.Full = len(c.Files) >= maxFiles
	if len(c.Files) > 0 && c.Head == "" {
		head, _, err := i.head(ctx, ref)
		c.Head = head
		return c, err
	}
	return c, nil
}

// commitOf is the head of which GitHub shows a changed file: the "ref" of the address of its contents (schema
// "diff-entry", contents_url). It is "" where the address has another form, and for a file that was removed: its address
// names the commit that still has it (recordings of GitHub's answers in hub4j/github-api).
func commitOf(f *gogithub.CommitFile) string {
	u, err := url.Parse(f.GetContentsURL())
	if err != nil || f.GetStatus() == "removed" || !commitSHA.MatchString(u.Query().Get("ref")) {
		return ""
	}
	return u.Query().Get("ref")
}

var commitSHA = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

func changedFile(f *gogithub.CommitFile) forge.ChangedFile {
	c := forge.ChangedFile{
		Path: f.GetFilename(), OldPath: f.GetPreviousFilename(), Status: forge.Modified, Patch: f.GetPatch(),
		Lines: f.GetChanges(),
	}
	switch s := forge.Status(f.GetStatus()); s {
	case forge.Added, forge.Removed, forge.Renamed, forge.Copied:
		c.Status = s
	}
	return c
}

// MergeBase compares two commits with one request; of the answer only the commit that they have in common is used.
func (a *App) MergeBase(ctx context.Context, repo forge.Repo, base, head string) (string, error) {
	i, err := a.installation(repo)
	if err != nil {
		return "", err
	}
	one := &gogithub.ListOptions{PerPage: 1}
	c, _, err := i.client.Repositories.CompareCommits(about(ctx, repo.Name), repo.Owner, repo.Name, base, head, one)
	return c.GetMergeBaseCommit().GetSHA(), doing(meaning(err), "compare %s and %s of %s", base, head, repo)
}

// Head re-reads a pull request's head and whether it is still open, with one request.
func (a *App) Head(ctx context.Context, ref forge.Ref) (commit string, open bool, err error) {
	i, err := a.installation(ref.Repo)
	if err != nil {
		return "", false, err
	}
	commit, open, err = i.head(about(ctx, ref.Repo.Name), ref)
	return commit, open, doing(err, "read the head of %s", ref)
}

func (i *installation) head(ctx context.Context, ref forge.Ref) (commit string, open bool, err error) {
	p, _, err := i.client.PullRequests.Get(ctx, ref.Repo.Owner, ref.Repo.Name, ref.Number)
	return p.GetHead().GetSHA(), p.GetState() == "open", meaning(err)
}
