package main

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/corpus"
)

func corpusCommand() *cobra.Command {
	var lines string
	var verbose bool
	cmd := &cobra.Command{
		Use:    "corpus DIR",
		Short:  "Run the whole engine over a folder of repositories and count what holds",
		Hidden: true,
		Long: `Run check, fix, verify and prove over every Dockerfile of a folder of repositories and print totals: what was read,
found, offered and refused, and every promise that did not hold: a fixed file that does not parse, a difference outside
what a fix says it changes, a second run that offers more, a crash. Nothing is written and nothing is built.
The exit status is 1 when a promise did not hold.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runCorpus(cmd, args[0], lines, verbose) },
	}
	cmd.Flags().StringVar(&lines, "lines", "", "write a line of JSON for every Dockerfile to this file")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "also count the reasons why there is no fix")
	return cmd
}

func runCorpus(cmd *cobra.Command, dir, lines string, verbose bool) error {
	o, done := newEngine(quiet())
	defer done()
	run := corpus.Run{Dir: dir, Options: func(fs.FS) (check.Options, error) { return o, nil }}
	if lines != "" {
		file, err := os.Create(lines)
		if err != nil {
			return err
		}
		defer file.Close()
		buffered := bufio.NewWriter(file)
		defer buffered.Flush()
		run.Lines = buffered
	}
	totals, err := run.Run(cmd.Context())
	if err != nil {
		return err
	}
	totals.Print(cmd.OutOrStdout(), verbose)
	if n := totals.Broken + totals.Crashes; n > 0 {
		return fmt.Errorf("%d promises did not hold; --lines FILE says which", n)
	}
	return nil
}
