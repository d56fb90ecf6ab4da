package main

import (
	"github.com/spf13/cobra"
)

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "lighterman",
		Short: "Review Dockerfiles, with fixes that were checked before they are shown",
		Long: `lighterman reviews changes to Dockerfiles and offers fixes that were checked against BuildKit's own
build graph before they are shown: as a GitHub App (serve) or on the command line (review, fix, prove).
What the command line prints is what the bot says.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(reviewCommand(), fixCommand(), sweepCommand(), proveCommand(), explainCommand(), configCommand())
	root.AddCommand(serveCommand(), jobsCommand(), backupCommand(), restoreCommand(), demoCommand(), healthcheckCommand())
	root.AddCommand(versionCommand(), manCommand(), corpusCommand(), factsCommand())
	return root
}
