package main

import (
	"github.com/spf13/cobra"

	"github.com/lighterman/lighterman/internal/checks"
	"github.com/lighterman/lighterman/internal/config"
)

func configCommand() *cobra.Command {
	var d decisions
	cmd := &cobra.Command{
		Use:   "config [PATH]",
		Short: "Print the configuration in effect, with where each value comes from",
		Long: `Print the configuration in effect for a checkout or folder. Behind each value stands where it comes from:
"default", a file with its line, or a flag. What is printed can be kept as .github/lighterman.yml.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := openCheckout(cmd.Context(), argument(args))
			if err != nil {
				return err
			}
			settings, err := d.load(c.repo, false, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return settings.Write(cmd.OutOrStdout())
		},
	}
	d.flags(cmd.Flags())
	d.failOnFlag(cmd.Flags())
	cmd.AddCommand(&cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of .github/lighterman.yml, for editors",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			schema, err := config.Schema(checks.All())
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(schema)
			return err
		},
	})
	return cmd
}

// argument is the first argument, "." without one.
func argument(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}
