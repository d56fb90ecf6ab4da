package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commands are the root and all commands below it, those that cobra adds left out.
func commands(root *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{root}
	for _, c := range root.Commands() {
		all = append(all, commands(c)...)
	}
	return all
}

// hidden reports whether a command is for people who work on lighterman.
func concealed(c *cobra.Command) bool { return c.Hidden || c.HasParent() && concealed(c.Parent()) }

// TestEveryCommandSaysWhatItIsFor holds what help, manual pages and completions are made of.
func TestEveryCommandSaysWhatItIsFor(t *testing.T) {
	for _, c := range commands(rootCommand()) {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: the short text is %q", c.CommandPath(), c.Short)
		}
		if c.Long == "" && c.Example == "" && !concealed(c) && c.HasAvailableFlags() {
			t.Errorf("%s has flags, and neither a long text nor an example", c.CommandPath())
		}
		for line := range strings.Lines(c.Example) {
			args := strings.Fields(line)
			found, rest, err := c.Root().Find(args[1:])
			if err != nil || found != c || found.ParseFlags(rest) != nil {
				t.Errorf("%s: the example %q is another's: %v", c.CommandPath(), line, err)
			}
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || strings.HasSuffix(f.Usage, ".") {
				t.Errorf("%s --%s says %q", c.CommandPath(), f.Name, f.Usage)
			}
		})
	}
}

func TestManual(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man", "man1")
	if out, err := run(t, "man", dir); err != nil || out != "" {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, c := range commands(rootCommand()) {
		if concealed(c) {
			continue
		}
		page, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"))
		must(t, err)
		if text := string(page); !strings.Contains(text, ".SH NAME") || !strings.Contains(text, `.TH "LIGHTERMAN`) ||
			!strings.Contains(text, "Nov 2026") {
			t.Errorf("%s: the page is no manual page of that day:\n%.400s", c.CommandPath(), text)
		}
	}
}

func TestCompletions(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if out, err := run(t, "completion", shell); err != nil || !strings.Contains(out, "lighterman") {
			t.Errorf("%s: %v\n%.200s", shell, err, out)
		}
	}
	if out, err := run(t, "__complete", "expl"); err != nil || !strings.Contains(out, "explain\t") {
		t.Errorf("%v\n%s", err, out)
	}
}
