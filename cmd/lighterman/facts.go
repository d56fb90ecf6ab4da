package main

import (
	"cmp"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/lighterman/lighterman/internal/image"
)

// factsCommand is for people who work on lighterman: what is known of base images, and bringing the table up to date.
func factsCommand() *cobra.Command {
	var s asking
	facts := &cobra.Command{
		Use:    "facts",
		Short:  "Show what is known of base images, and bring the bundled table up to date",
		Hidden: true,
	}
	show := &cobra.Command{
		Use:   "show IMAGE...",
		Short: "Print what is known of images",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			known := s.facts(false)
			for _, ref := range args {
				showFacts(cmd.OutOrStdout(), ref, known)
			}
			return nil
		},
	}
	refresh := &cobra.Command{
		Use:   "refresh FILE",
		Short: "Ask registries about every row of the table and write it to FILE; read the difference before keeping it",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s.online = true
			text, notes := image.Refresh(s.facts(false), today())
			for _, note := range notes {
				fmt.Fprintln(cmd.OutOrStdout(), note)
			}
			return os.WriteFile(args[0], []byte(text), 0o644)
		},
	}
	s.flags(show.Flags())
	s.flags(refresh.Flags())
	facts.AddCommand(show, refresh)
	return facts
}

// showFacts prints what is known of one image, and where it is from.
func showFacts(w io.Writer, ref string, known image.Facts) {
	i, ok := known.Lookup(ref)
	if !ok {
		fmt.Fprintf(w, "%s\n  not known\n", ref)
	} else {
		fmt.Fprintf(w, "%s\n  from    %s\n  user    %s\n  libc    %s\n  shell   %s\n  manager %s\n", ref, i.Source,
			cmp.Or(i.User, "?"), cmp.Or(i.Libc, "?"), cmp.Or(i.Shell, "?"), cmp.Or(i.Manager, "?"))
	}
	if i.Unanswered != "" {
		fmt.Fprintf(w, "  asked   the registry was asked, and %s\n", i.Unanswered)
	}
	if a := i.Answer; a != nil {
		fmt.Fprintf(w, "  digest  %s (%s)\n", a.Digest, cmp.Or(a.Tag, "no tag of a release"))
		for _, p := range a.Platforms {
			fmt.Fprintf(w, "  has     %s %s\n", p.Name, megabytes(p.Size))
		}
	}
	for _, l := range image.Lifetimes(ref) {
		fmt.Fprintf(w, "  ends    %s %s on %s (%s)\n", l.Name, l.Cycle, l.Last.Format("2006-01-02"), l.Source)
	}
}

// megabytes is a compressed size in words, "" when it was not asked for.
func megabytes(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
