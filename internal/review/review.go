package review

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
)

// A Reviewer reviews pull requests. It holds no state between them and may be used by many goroutines.
type Reviewer struct {
	Forge   forge.Forge
	Options check.Options
	Logger  *slog.Logger // nil: nothing is logged
}

// An End says how a review ended.
type End string

// The ends of a review. After each of them the pull request needs nothing more at that head.
const (
	Published End = "published"
	Unchanged End = "nothing new to say"
	Closed    End = "closed"
	MovedOn   End = "moved on" // a newer head, for which there is or will be another job
)

// An Outcome is what came of a review.
type Outcome struct {
	End     End
	Head    string
	Opinion *Opinion   // nil when nothing was looked at
	Plan    forge.Plan // what was written, or would have been had the pull request not moved on
	Refused error      // why the host refused comments on the diff, which are in the summary then; else nil
}

// Review brings the pull request up to date with what there is to say about its head. Running it again changes
// nothing. An error says that it could not; trying again later is right unless the error is forge.ErrGone.
func (r *Reviewer) Review(ctx context.Context, ref forge.Ref) (Outcome, error) {
	out, err := r.review(ctx, ref)
	if errors.Is(err, forge.ErrStale) {
		out.End, err = MovedOn, nil
	}
	if err != nil {
		return out, fmt.Errorf("review %s: %w", ref, err)
	}
	r.log(ref, out)
	return out, nil
}

func (r *Reviewer) review(ctx context.Context, ref forge.Ref) (Outcome, error) {
	change, err := r.Forge.Change(ctx, ref)
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{Head: change.Head, End: Closed}
	if !change.Open {
		return out, nil
	}
	if out.Opinion, err = r.look(ctx, change); err != nil {
		return out, err
	}
	out.Plan = Reconcile(out.Opinion, change.Threads, change.Reviews)
	if out.Plan.Empty() {
		out.End = Unchanged
		return out, nil
	}
	if out.End, err = r.still(ctx, change); err != nil || out.End != Published {
		return out, err
	}
	err = r.Forge.Publish(ctx, ref, out.Plan)
	if errors.Is(err, forge.ErrRefused) && out.Plan.Review != nil && len(out.Plan.Review.Comments) > 0 {
		out.Refused = err
		out.Plan = Reconcile(out.Opinion.Flat(), change.Threads, change.Reviews)
		err = r.Forge.Publish(ctx, ref, out.Plan)
	}
	return out, err
}

// look makes the opinion of a change; the tree is asked for only when there is a Dockerfile to look at.
func (r *Reviewer) look(ctx context.Context, change *forge.Change) (*Opinion, error) {
	o := &Opinion{}
	if picked, _ := pick(change.Files); len(picked) > 0 {
		tree, err := r.Forge.Tree(ctx, change.Ref.Repo, change.Head)
		if err != nil {
			return nil, err
		}
		if err := prefetch(tree, picked); err != nil {
			return nil, err
		}
		watched := &watch{Tree: tree}
		options, note := r.decided(watched, change.Files)
		if o, err = Look(ctx, watched, change.Files, options); err != nil {
			return nil, err
		}
		o.Notes = append(o.Notes, note...)
		if err := watched.failed(); err != nil {
			return nil, err
		}
	}
	o.Head = change.Head
	if change.Truncated {
		o.Partial = true
		const words = "this pull request changes more files than the %d that are listed; the others were not looked at"
		o.Notes = append(o.Notes, Note{Words: fmt.Sprintf(words, len(change.Files))})
	}
	return o, nil
}

// decided are the options with what the repository switched off, as it stood without the pull request: whoever opens one
// cannot switch off what it would be told. A configuration that cannot be read is noted and counts as none.
func (r *Reviewer) decided(head fs.FS, changed []forge.ChangedFile) (check.Options, []Note) {
	o := r.Options
	ignored, err := config.HadolintIgnored(earlier(head, changed, nil))
	if err != nil {
		return o, []Note{{Words: "the list of ignored rules could not be read: " + err.Error()}}
	}
	o.Ignored = slices.Concat(o.Ignored, ignored)
	return o, nil
}

// still re-reads the head: a plan for another one must not be published.
func (r *Reviewer) still(ctx context.Context, change *forge.Change) (End, error) {
	head, open, err := r.Forge.Head(ctx, change.Ref)
	switch {
	case err != nil:
		return "", err
	case !open:
		return Closed, nil
	case head != change.Head:
		return MovedOn, nil
	}
	return Published, nil
}

func (r *Reviewer) log(ref forge.Ref, out Outcome) {
	if r.Logger == nil {
		return
	}
	args := []any{"pull_request", ref.String(), "head", out.Head, "end", string(out.End)}
	if o := out.Opinion; o != nil {
		args = append(args, "files", len(o.Seen), "findings", len(o.Comments), "elsewhere", o.Elsewhere)
	}
	if out.Refused != nil {
		r.Logger.Warn("comments on the diff were refused and are in the summary", append(args, "error", out.Refused)...)
		return
	}
	r.Logger.Info("reviewed", args...)
}
