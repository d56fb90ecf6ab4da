package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/lighterman/lighterman/internal/queue"
	"github.com/lighterman/lighterman/internal/report"
	"github.com/lighterman/lighterman/internal/sweep"
)

// sweepStatus prints how far the sweeps of a server have come, which may go on meanwhile.
func sweepStatus(cmd *cobra.Command, where *storage) error {
	return viewQueue(cmd, where, func(ctx context.Context, q *queue.Queue) error {
		all, err := q.Repositories(ctx, 0)
		if err != nil {
			return err
		}
		return printStatus(cmd.OutOrStdout(), all, time.Now())
	})
}

// printStatus prints the sums, and a line for each repository that has something to tell: a job, an open pull request, or
// something to fix.
func printStatus(out io.Writer, all []queue.Repository, now time.Time) error {
	sums, skipped := map[string]int{}, map[string]int{}
	var lines []string
	for _, r := range all {
		w, ok := readSwept(r)
		if why := cmp.Or(r.Skip, string(w.Skipped)); why != "" {
			skipped[why]++
			continue
		}
		if ok {
			sums["swept"]++
		}
		if r.Job != "" {
			sums[r.Job]++
		}
		if r.Job == "" && !r.Due.After(now) {
			sums["due"]++
		}
		sums["open"] += w.Open
		sums["waiting pulls"] += w.Waits
		if w.Consent == sweep.Missing && w.Left > 0 {
			lines = append(lines, fmt.Sprintf("%s  %s\n", r.Repo, whyNothing(w)))
		}
		if r.Job != "" || w.Open > 0 || w.Totals.Fixable > 0 {
			lines = append(lines, fmt.Sprintf("%s  %s  %d open  %d to fix  next %s\n", r.Repo, cmp.Or(r.Job, "at rest"), w.Open,
				w.Totals.Fixable, r.Due.UTC().Format(time.RFC3339)))
		}
	}
	text := fmt.Sprintf("%s known, %d swept, %d due, %d waiting, %d running, %d put off; %s open, %d more to be opened\n",
		report.Counted(len(all), "repository"), sums["swept"], sums["due"], sums["waiting"], sums["running"],
		sums["delayed"], report.Counted(sums["open"], "pull request"), sums["waiting pulls"])
	for _, why := range slices.Sorted(maps.Keys(skipped)) {
		text += fmt.Sprintf("passed over: %d (%s)\n", skipped[why], why)
	}
	for _, line := range lines {
		text += line
	}
	_, err := io.WriteString(out, text)
	return err
}
