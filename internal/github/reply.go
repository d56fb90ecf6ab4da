package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	gogithub "github.com/google/go-github/v60/github"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/redact"
)

// React puts an emoji on a comment. GitHub keeps one of each kind from everybody, so doing it again changes nothing.
func (a *App) React(ctx context.Context, ref forge.Ref, r forge.Reaction) error {
	i, err := a.installation(ref.Repo)
	if err != nil {
		return err
	}
	w := writer{i, ref}
	return doing(w.react(with(about(ctx, ref.Repo.Name), speaks), r), "react on %s", ref)
}

// answer writes the replies, then the reactions that say what is settled.
func (w writer) answer(ctx context.Context, plan forge.Plan) error {
	for _, r := range plan.Replies {
		if err := w.passOver(ctx, w.reply(ctx, r)); err != nil {
			return fmt.Errorf("reply: %w", err)
		}
	}
	for _, r := range plan.Reactions {
		if err := w.passOver(ctx, w.react(ctx, r)); err != nil {
			return err
		}
	}
	return nil
}

// reply writes a comment: in a thread below its first comment, for GitHub takes no replies to replies (operation
// pulls/create-reply-for-review-comment).
func (w writer) reply(ctx context.Context, r forge.Reply) error {
	owner, name := w.ref.Repo.Owner, w.ref.Repo.Name
	if r.Thread != 0 {
		path := fmt.Sprintf("repos/%s/%s/pulls/%d/comments/%d/replies", owner, name, w.ref.Number, r.Thread)
		req, err := w.client.NewRequest(http.MethodPost, path, map[string]string{"body": r.Body})
		if err != nil {
			return err
		}
		_, err = w.client.Do(ctx, req, nil)
		return meaning(err)
	}
	_, _, err := w.client.Issues.CreateComment(ctx, owner, name, w.ref.Number, &gogithub.IssueComment{Body: &r.Body})
	return meaning(err)
}

func (w writer) react(ctx context.Context, r forge.Reaction) error {
	var err error
	owner, name := w.ref.Repo.Owner, w.ref.Repo.Name
	if r.Thread {
		_, _, err = w.client.Reactions.CreatePullRequestCommentReaction(ctx, owner, name, r.Comment, string(r.Emoji))
	} else {
		_, _, err = w.client.Reactions.CreateIssueCommentReaction(ctx, owner, name, r.Comment, string(r.Emoji))
	}
	return wrapped(meaning(err), fmt.Sprintf("react to comment %d", r.Comment))
}

// passOver drops the error that says that nothing can be said there: what else a review has to do must not hang on it.
func (w writer) passOver(ctx context.Context, err error) error {
	if !unanswerable(err) {
		return err
	}
	w.app.options.Logger.WarnContext(ctx, "nothing can be said there", "pull_request", w.ref.String(), "error", redact.Text(err.Error()))
	return nil
}

// unanswerable reports whether GitHub will have no answer: the comment is gone, or the conversation is locked.
func unanswerable(err error) bool {
	var limit *forge.LimitError
	var no *gogithub.ErrorResponse
	switch {
	case errors.As(err, &limit):
		return false
	case refused(err):
		return true
	}
	return errors.As(err, &no) && (no.Response.StatusCode == http.StatusForbidden || errors.Is(err, forge.ErrGone))
}
