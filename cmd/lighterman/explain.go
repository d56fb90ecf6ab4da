package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lighterman/lighterman/internal/checks"
	"github.com/lighterman/lighterman/internal/config"
)

func explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [CHECK]",
		Short: "Print the page of a check; without a name, list the checks",
		Long: `Print the page of a check: why it matters, what is not reported, before and after.
The ids of other tools work too: explain DL3020.`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return checkNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			if len(args) == 0 {
				for _, c := range checks.All() {
					fmt.Fprintf(out, "%-22s %s\n", c.Name, c.Summary)
				}
				return nil
			}
			c := checks.Named(args[0])
			if c == nil {
				return unknownCheck(args[0])
			}
			fmt.Fprint(out, checks.Page(c))
			return nil
		},
	}
}

func checkNames() []string {
	var names []string
	for _, c := range checks.All() {
		names = append(names, c.Name)
	}
	return names
}

func unknownCheck(name string) error {
	return errors.New(config.UnknownCheck(name, checkNames()))
}
