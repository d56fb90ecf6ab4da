package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	gogithub "github.com/google/go-github/v60/github"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/redact"
)

// mutationBatch is how many mutations go into one GraphQL request.
const mutationBatch = 20

// Publish carries out a plan: the review first, because it is what GitHub may refuse as a whole, then edits, then the
// threads that are settled, the check run, and last the answers to commands.
//
// A write whose outcome is unknown (a 5xx, a cut connection) is not repeated but returned as an error: the job runs
// again from Change, finds by their markers what did arrive, and plans the rest. What people deleted meanwhile is
// passed over. A refused review is forge.ErrStale when the head is no longer the plan's,
// else forge.ErrRefused with a *RefusedError.
func (a *App) Publish(ctx context.Context, ref forge.Ref, plan forge.Plan) error {
	i, err := a.installation(ref.Repo)
	if err != nil {
		return err
	}
	w := writer{i, ref}
	return doing(w.publish(with(about(ctx, ref.Repo.Name), speaks), plan), "publish on %s", ref)
}

// A writer writes to one pull request.
type writer struct {
	*installation
	ref forge.Ref
}

func (w writer) publish(ctx context.Context, plan forge.Plan) error {
	if plan.Review != nil {
		if err := w.review(ctx, plan.Head, *plan.Review); err != nil {
			return err
		}
	}
	for _, e := range plan.Edit {
		if err := w.editComment(ctx, e); err != nil {
			return err
		}
	}
	for _, e := range plan.EditBody {
		if err := w.editReview(ctx, e); err != nil {
			return err
		}
	}
	if err := w.resolve(ctx, plan.Resolve); err != nil {
		return fmt.Errorf("resolve threads: %w", err)
	}
	if err := w.mutate(ctx, "Minimize", minimizeField, plan.Minimize); err != nil {
		return fmt.Errorf("minimise comments: %w", err)
	}
	if plan.Check != nil {
		if err := w.check(ctx, plan.Head, *plan.Check); err != nil {
			return err
		}
	}
	return w.answer(ctx, plan)
}

// review posts a review. GitHub refuses it while a pending review of ours exists, which only a crash of other software
// under our name can leave; such a one is deleted and the review posted again, since a refusal wrote nothing.
func (w writer) review(ctx context.Context, head string, d forge.Draft) error {
	err := w.post(ctx, head, d)
	if !refused(err) {
		return wrapped(err, "post the review")
	}
	now, open, look := w.head(ctx, w.ref)
	if look != nil {
		return fmt.Errorf("look why the review was refused: %w", look)
	}
	if now != head || !open {
		return fmt.Errorf("post the review: %w: %w", forge.ErrStale, err)
	}
	removed, look := w.deletePending(ctx)
	if look != nil {
		return fmt.Errorf("delete a pending review: %w", look)
	}
	if removed {
		err = w.post(ctx, head, d)
	}
	if refused(err) {
		err = fmt.Errorf("%w: %w", forge.ErrRefused, err)
	}
	return wrapped(err, "post the review")
}

func wrapped(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func (w writer) post(ctx context.Context, head string, d forge.Draft) error {
	in := &gogithub.PullRequestReviewRequest{CommitID: &head, Event: gogithub.String("COMMENT")}
	if d.Body != "" {
		in.Body = &d.Body
	}
	for _, c := range d.Comments {
		in.Comments = append(in.Comments, draftComment(c))
	}
	_, _, err := w.client.PullRequests.CreateReview(ctx, w.ref.Repo.Owner, w.ref.Repo.Name, w.ref.Number, in)
	return meaning(err)
}

// draftComment leaves the start out where it equals the end: GitHub refuses it then.
func draftComment(c forge.DraftComment) *gogithub.DraftReviewComment {
	out := &gogithub.DraftReviewComment{Path: &c.Path, Body: &c.Body, Line: &c.Line, Side: gogithub.String("RIGHT")}
	if c.StartLine != c.Line {
		out.StartLine, out.StartSide = &c.StartLine, gogithub.String("RIGHT")
	}
	return out
}

// deletePending deletes our pending review if there is one. Nobody sees another's, so any pending one is ours.
func (w writer) deletePending(ctx context.Context) (removed bool, err error) {
	owner, name := w.ref.Repo.Owner, w.ref.Repo.Name
	o := &gogithub.ListOptions{Page: 1, PerPage: pageSize}
	for o.Page != 0 {
		page, res, err := w.client.PullRequests.ListReviews(ctx, owner, name, w.ref.Number, o)
		if err != nil {
			return removed, meaning(err)
		}
		for _, r := range page {
			if r.GetState() != "PENDING" {
				continue
			}
			_, _, err := w.client.PullRequests.DeletePendingReview(ctx, owner, name, w.ref.Number, r.GetID())
			if err != nil {
				return removed, meaning(err)
			}
			removed = true
		}
		o.Page = res.NextPage
	}
	return removed, nil
}

func (w writer) editComment(ctx context.Context, e forge.CommentEdit) error {
	c := &gogithub.PullRequestComment{Body: &e.Body}
	_, _, err := w.client.PullRequests.EditComment(ctx, w.ref.Repo.Owner, w.ref.Repo.Name, e.ID, c)
	return wrapped(unlessGone(meaning(err)), fmt.Sprintf("edit comment %d", e.ID))
}

func (w writer) editReview(ctx context.Context, e forge.ReviewEdit) error {
	_, _, err := w.client.PullRequests.UpdateReview(ctx, w.ref.Repo.Owner, w.ref.Repo.Name, w.ref.Number, e.ID, e.Body)
	return wrapped(unlessGone(meaning(err)), fmt.Sprintf("edit review %d", e.ID))
}

// unlessGone drops the error that says that somebody deleted what was to be edited.
func unlessGone(err error) error {
	var no *gogithub.ErrorResponse
	if errors.As(err, &no) && no.Response.StatusCode == http.StatusNotFound {
		return nil
	}
	return err
}

const (
	resolveField  = "resolveReviewThread(input: {threadId: %s}) { clientMutationId }"
	minimizeField = "minimizeComment(input: {subjectId: %s, classifier: RESOLVED}) { clientMutationId }"
)

// resolve resolves threads. Whether an App may is not fully documented (github/gh-aw#35726), so a refusal where
// viewerCanResolve had said yes leaves the threads open and is logged; it must not fail a review that was posted.
func (w writer) resolve(ctx context.Context, threads []string) error {
	err := w.mutate(with(ctx, pushes), "Resolve", resolveField, threads)
	if only(err, "FORBIDDEN", "NOT_FOUND") || errors.Is(err, forge.ErrForbidden) {
		w.app.options.Logger.WarnContext(ctx, "threads stay open", "pull_request", w.ref.String(), "error", redact.Text(err.Error()))
		return nil
	}
	return err
}

// mutate runs the mutation once for each node id, several to a request. What no longer exists is passed over.
func (w writer) mutate(ctx context.Context, name, field string, ids []string) error {
	for batch := range slices.Chunk(ids, mutationBatch) {
		var params, fields strings.Builder
		variables := make(map[string]any)
		for n, id := range batch {
			v := fmt.Sprintf("v%d", n)
			fmt.Fprintf(&params, "$%s: ID! ", v)
			fmt.Fprintf(&fields, "  m%d: "+field+"\n", n, "$"+v)
			variables[v] = id
		}
		document := fmt.Sprintf("mutation %s(%s) {\n%s}", name, strings.TrimSpace(params.String()), fields.String())
		var data map[string]any
		if err := w.query(ctx, document, variables, &data); err != nil && !only(err, "NOT_FOUND") {
			return err
		}
	}
	return nil
}

// only reports whether an error consists of GraphQL problems of these types.
func only(err error, types ...string) bool {
	var all problems
	if !errors.As(err, &all) {
		return false
	}
	return !slices.ContainsFunc(all, func(p graphqlProblem) bool { return !slices.Contains(types, p.Type) })
}
