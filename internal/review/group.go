package review

import (
	"context"
	"fmt"

	"github.com/lighterman/lighterman/internal/forge"
)

// A merge group is looked at as what it is, a tree that no pull request had, but it never fails: its pull requests were
// judged one by one before they were queued, and what people dismissed there cannot be known here.

// unknown answers for a merge group of which it is not known what it is merged into: a merge queue waits for a required
// check until its time is up.
func (r *Reviewer) unknown(ctx context.Context, ref forge.Ref) (Outcome, error) {
	out := Outcome{End: Published, Head: ref.Group, Plan: forge.Plan{Head: ref.Group, Check: &forge.CheckDraft{
		Key:        fmt.Sprintf("@%.7s", ref.Group),
		Conclusion: forge.Success,
		Title:      "Judged in its pull requests",
		Summary:    "The pull requests of this merge group were looked at one by one.",
	}}}
	if err := r.publish(ctx, ref, out.Plan); err != nil {
		return out, fmt.Errorf("review %s: %w", ref, err)
	}
	out.Posted, out.Why = written(out.Plan), "it is not known what the merge group is merged into"
	r.log(ctx, ref, out)
	return out, nil
}
