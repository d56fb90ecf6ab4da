package github

import (
	"context"

	gogithub "github.com/google/go-github/v60/github"

	"github.com/lighterman/lighterman/internal/forge"
)

// maxCompared is how many files a comparison lists (operation repos/compare-commits).
const maxCompared = 300

// groupChange is what a merge group changes, with one request.
func (i *installation) groupChange(ctx context.Context, ref forge.Ref) (*forge.Change, error) {
	all := &gogithub.ListOptions{PerPage: pageSize}
	compared, _, err := i.client.Repositories.CompareCommits(ctx, ref.Repo.Owner, ref.Repo.Name, ref.GroupBase, ref.Group, all)
	if err != nil {
		return nil, meaning(err)
	}
	c := &forge.Change{Ref: ref, Head: ref.Group, Full: len(compared.Files) >= maxCompared}
	for _, f := range compared.Files {
		c.Files = append(c.Files, changedFile(f))
	}
	return c, nil
}

// groupStanding is a merge group with our check runs. It is open as long as somebody asks: one that was destroyed has
// nobody who reads them.
func (i *installation) groupStanding(ctx context.Context, ref forge.Ref) (*forge.Standing, error) {
	s := &forge.Standing{Ref: ref, Open: true, Base: ref.GroupBase, Head: ref.Group, Checkless: !i.mayCheck()}
	if s.Checkless {
		return s, nil
	}
	o := &gogithub.ListCheckRunsOptions{CheckName: gogithub.String(checkName), AppID: &i.app.options.AppID, Filter: gogithub.String("all")}
	runs, _, err := i.client.Checks.ListCheckRunsForRef(ctx, ref.Repo.Owner, ref.Repo.Name, ref.Group, o)
	if err != nil {
		return nil, meaning(err)
	}
	for _, r := range runs.CheckRuns {
		key, request := keyOf(r.GetExternalID())
		s.Checks = append(s.Checks, forge.CheckRun{
			ID: r.GetID(), Key: key, Request: request, Concluded: r.GetStatus() == "completed",
			Conclusion: forge.Conclusion(r.GetConclusion()), Annotations: r.GetOutput().GetAnnotationsCount(),
		})
	}
	sortChecks(s.Checks)
	return s, nil
}
