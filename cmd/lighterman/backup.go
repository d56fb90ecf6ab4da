package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/lighterman/lighterman/internal/queue"
)

func backupCommand() *cobra.Command {
	var where storage
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the SQLite database to a new file, while the server runs or not",
		Long: `Copy the SQLite database to a new file, as it is at one moment. The server may go on meanwhile. The copy is
looked through before it gets its name. It holds what webhooks brought, so keep it as private as the data folder.

The App's credentials are not in the database: keep app.json, or the secrets that the server is given, as well.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := where.sqlite(cmd, `pg_dump --format=custom --file=FILE "$LIGHTERMAN_DATABASE_URL"`)
			if err != nil {
				return err
			}
			if err := queue.Backup(cmd.Context(), dir, args[0]); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "backed up to %s\n", args[0])
			return nil
		},
	}
	where.flags(cmd.Flags())
	return cmd
}

func restoreCommand() *cobra.Command {
	var where storage
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the place of the SQLite database; stop the server first",
		Long: `Put a backup in the place of the SQLite database, which is kept beside it under another name. The server must
not run. A file that is broken, or no database of lighterman's, or written by a newer version, is refused.

At its next start the server looks at all open pull requests, and so makes up for pushes since the backup. A command that
was given since then is to be given again.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			const instead = `pg_restore --clean --if-exists --single-transaction --dbname="$LIGHTERMAN_DATABASE_URL" FILE`
			dir, err := where.sqlite(cmd, instead)
			if err != nil {
				return err
			}
			kept, err := queue.Restore(cmd.Context(), dir, args[0])
			if kept != "" {
				fmt.Fprintf(cmd.OutOrStdout(), "the database that was there is now %s\n", kept)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "restored %s\n", args[0])
			return nil
		},
	}
	where.flags(cmd.Flags())
	return cmd
}

// sqlite is the data folder, or an error that names what to use instead when the database is PostgreSQL's.
func (s *storage) sqlite(cmd *cobra.Command, instead string) (dir string, err error) {
	if err := settle(cmd.Flags(), os.LookupEnv, nil); err != nil {
		return "", err
	}
	if s.postgres() {
		return "", errors.New("the database is PostgreSQL, which has its own tools: " + instead)
	}
	return s.dataDir, nil
}
