package review

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/markdown"
)

// failTime bounds telling of a failure.
const failTime = 20 * time.Second

// fail concludes the check run of a head that could not be looked at, so that a required check keeps nobody waiting for a
// mistake of ours. It returns the id under which the failure is told; "" when it was not told: where trying again is a
// matter of time alone, where a check run is concluded already, and where the host cannot be reached anyway.
func (r *Reviewer) fail(ctx context.Context, ref forge.Ref, cause error) string {
	var limit *forge.LimitError
	if errors.As(cause, &limit) || errors.Is(cause, forge.ErrGone) || errors.Is(cause, context.Canceled) {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), failTime)
	defer cancel()
	st, err := r.Forge.Standing(ctx, ref)
	concluded := func(c forge.CheckRun) bool { return c.Concluded }
	if err != nil || !st.Open || st.Checkless || slices.ContainsFunc(st.Checks, concluded) {
		return ""
	}
	id := cmp.Or(r.request, rand.Text()[:10])
	d := &forge.CheckDraft{
		Key: fmt.Sprintf("#%d failed", ref.Number), Conclusion: forge.Neutral, Title: "Could not be reviewed",
		Summary: "Something went wrong; it is tried again. Whoever runs this service finds it in the log as " + markdown.Code(id) + ".",
	}
	if err := r.publish(ctx, ref, forge.Plan{Head: st.Head, Check: d}); err != nil {
		return ""
	}
	return id
}
