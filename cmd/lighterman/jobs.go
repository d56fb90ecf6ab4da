package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/lighterman/lighterman/internal/queue"
)

func jobsCommand() *cobra.Command {
	var o storage
	cmd := &cobra.Command{
		Use:   "jobs",
		Short: "List the jobs that failed for good; jobs replay ID runs one again",
		Long: `List the jobs that failed in every attempt. They are kept until they are replayed.

The server may go on meanwhile. To replay with an SQLite database, which belongs to one process, stop it first, or use its
admin page.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return viewQueue(cmd, &o, func(ctx context.Context, q *queue.Queue) error { return listDead(ctx, cmd, q) })
		},
	}
	o.flags(cmd.PersistentFlags())
	cmd.AddCommand(&cobra.Command{
		Use:   "replay ID",
		Short: "Run a dead job again, with all its attempts",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return fmt.Errorf("%q is not the id of a job; lighterman jobs lists them", args[0])
			}
			return withQueue(cmd, &o, func(ctx context.Context, q *queue.Queue) error { return q.Replay(ctx, id) })
		},
	})
	return cmd
}

// withQueue opens the queue without running its jobs.
func withQueue(cmd *cobra.Command, where *storage, do func(context.Context, *queue.Queue) error) error {
	ctx := cmd.Context()
	o, err := still(cmd, where)
	if err != nil {
		return err
	}
	q, err := queue.Open(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, q), q.Stop(ctx))
}

// viewQueue only looks at the queue, which a server may have open.
func viewQueue(cmd *cobra.Command, where *storage, look func(context.Context, *queue.Queue) error) error {
	ctx := cmd.Context()
	o, err := still(cmd, where)
	if err != nil {
		return err
	}
	return queue.View(ctx, o, func(q *queue.Queue) error { return look(ctx, q) })
}

// still are the options of a queue that is there, and runs no jobs.
func still(cmd *cobra.Command, where *storage) (o queue.Options, err error) {
	if err := settle(cmd.Flags(), os.LookupEnv, nil); err != nil {
		return o, err
	}
	if o, err = where.options(); err != nil {
		return o, err
	}
	o.Logger = quiet()
	o.Work = func(context.Context, queue.Job) (queue.Done, error) {
		return queue.Done{}, errors.New("this process runs no jobs")
	}
	if _, err := os.Stat(o.DataDir); o.DatabaseURL == "" && err != nil {
		return o, fmt.Errorf("open the queue: %w", err)
	}
	return o, nil
}

func listDead(ctx context.Context, cmd *cobra.Command, q *queue.Queue) error {
	dead, err := q.Dead(ctx)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	for _, j := range dead {
		fmt.Fprintf(out, "%d  %s  %s  %d attempts  %s\n", j.ID, j.At.UTC().Format(time.RFC3339), j.Ref, j.Attempts, j.Error)
	}
	if len(dead) == 0 {
		fmt.Fprintln(out, "no dead jobs")
	}
	return nil
}
