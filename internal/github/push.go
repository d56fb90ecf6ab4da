package github

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	gogithub "github.com/google/go-github/v60/github"

	"github.com/lighterman/lighterman/internal/forge"
)

// Push makes a commit and moves the branch to it, unless somebody else moved it meanwhile: four requests. Author and
// committer are left to GitHub, which signs the commit then (content/authentication/.../about-commit-signature-verification.md,
// bots). What was made when the branch does not move is garbage that nobody sees.
func (a *App) Push(ctx context.Context, repo forge.Repo, c forge.Commit) (string, error) {
	i, err := a.installation(repo)
	if err != nil {
		return "", err
	}
	commit, err := i.push(with(about(ctx, repo.Name), pushes), repo, c)
	return commit, doing(err, "push to %s of %s", c.Branch, repo)
}

func (i *installation) push(ctx context.Context, repo forge.Repo, c forge.Commit) (string, error) {
	parent, _, err := i.client.Git.GetCommit(ctx, repo.Owner, repo.Name, c.Parent)
	if err != nil { // the commit was read before, so that it is not found says that GitHub is behind
		return "", meaning(err)
	}
	commit, err := i.commit(ctx, repo, c, parent.GetTree().GetSHA())
	if err != nil {
		return "", err
	}
	ref := &gogithub.Reference{
		Ref: gogithub.String("refs/heads/" + c.Branch), Object: &gogithub.GitObject{SHA: &commit},
	}
	_, _, err = i.client.Git.UpdateRef(ctx, repo.Owner, repo.Name, ref, false)
	return commit, refusal(err)
}

// commit makes a commit that no branch has yet, over the tree of its parent.
func (i *installation) commit(ctx context.Context, repo forge.Repo, c forge.Commit, over string) (string, error) {
	entries, err := i.entries(ctx, repo, c.Files)
	if err != nil {
		return "", err
	}
	tree, _, err := i.client.Git.CreateTree(ctx, repo.Owner, repo.Name, over, entries)
	if err != nil {
		return "", refusal(err)
	}
	made := &gogithub.Commit{Message: &c.Message, Tree: tree, Parents: []*gogithub.Commit{{SHA: &c.Parent}}}
	commit, _, err := i.client.Git.CreateCommit(ctx, repo.Owner, repo.Name, made, nil)
	return commit.GetSHA(), refusal(err)
}

// entries are the files of a tree, with their modes. What JSON cannot carry as text is sent before, as a blob.
func (i *installation) entries(ctx context.Context, repo forge.Repo, files []forge.FileText) ([]*gogithub.TreeEntry, error) {
	var out []*gogithub.TreeEntry
	for _, f := range files {
		e := &gogithub.TreeEntry{
			Path: gogithub.String(f.Path), Mode: gogithub.String("100644"), Type: gogithub.String("blob"),
		}
		if f.Executable {
			e.Mode = gogithub.String("100755")
		}
		if utf8.Valid(f.Text) && len(f.Text) > 0 {
			e.Content = gogithub.String(string(f.Text))
		} else {
			text := gogithub.String(base64.StdEncoding.EncodeToString(f.Text))
			blob := &gogithub.Blob{Content: text, Encoding: gogithub.String("base64")}
			blob, _, err := i.client.Git.CreateBlob(ctx, repo.Owner, repo.Name, blob)
			if err != nil {
				return nil, refusal(err)
			}
			e.SHA = blob.SHA
		}
		out = append(out, e)
	}
	return out, nil
}

// refusal says what kept a commit from being made or a branch from moving. GitHub answers 422 both to a branch that
// moved and to a rule that protects it; only the words differ.
func refusal(err error) error {
	var answer *gogithub.ErrorResponse
	if !errors.As(err, &answer) {
		return err
	}
	text := strings.ToLower(answer.Message + " " + strings.Join(messages(answer), " "))
	switch status := answer.Response.StatusCode; {
	case status == http.StatusUnprocessableEntity && strings.Contains(text, "fast forward"),
		status == http.StatusUnprocessableEntity && strings.Contains(text, "reference does not exist"),
		status == http.StatusConflict:
		return fmt.Errorf("%w: %w", forge.ErrStale, err)
	case status == http.StatusForbidden, status == http.StatusNotFound, status == http.StatusUnprocessableEntity:
		return fmt.Errorf("%w: %w", forge.ErrForbidden, err)
	}
	return meaning(err)
}

// permissionLife is how long it is remembered what somebody may do.
const permissionLife = 2 * time.Minute

// MayWrite asks for a collaborator's permission, once in two minutes. Roles between read and write show as the lesser,
// those above as "write" or "admin" (operation repos/get-collaborator-permission-level). Whoever GitHub does not know may
// not; that it gives no answer is an error.
func (a *App) MayWrite(ctx context.Context, repo forge.Repo, login string) (bool, error) {
	i, err := a.installation(repo)
	if err != nil {
		return false, err
	}
	key := permissionKey{i.id, strings.ToLower(repo.String()), strings.ToLower(login)}
	if may, known := a.permissions.get(key, a.options.Clock.Now()); known {
		return may, nil
	}
	level, _, err := i.client.Repositories.GetPermissionLevel(about(ctx, repo.Name), repo.Owner, repo.Name, url.PathEscape(login))
	var answer *gogithub.ErrorResponse
	if err != nil && (!errors.As(err, &answer) || answer.Response.StatusCode >= http.StatusInternalServerError) {
		return false, doing(err, "read what %s may do in %s", login, repo)
	}
	may := err == nil && (level.GetPermission() == "write" || level.GetPermission() == "admin")
	a.permissions.put(key, may, a.options.Clock.Now())
	return may, nil
}

type permissionKey struct {
	installation int64
	repo, login  string
}

// permissions remembers answers about collaborators.
type permissions struct {
	mu    sync.Mutex
	known map[permissionKey]permission
}

type permission struct {
	may   bool
	until time.Time
}

// maxPermissions bounds what is remembered; past it all is forgotten.
const maxPermissions = 10_000

func (p *permissions) get(key permissionKey, now time.Time) (may, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, ok := p.known[key]
	return one.may, ok && now.Before(one.until)
}

func (p *permissions) put(key permissionKey, may bool, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || len(p.known) >= maxPermissions {
		p.known = make(map[permissionKey]permission)
	}
	p.known[key] = permission{may, now.Add(permissionLife)}
}
