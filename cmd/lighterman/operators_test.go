package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// shellBlocks finds what a page gives to be typed.
var shellBlocks = regexp.MustCompile("(?s)```sh\n(.*?)```")

// substituted finds what a shell puts something in the place of.
var substituted = regexp.MustCompile(`\$\([^)]*\)`)

// TestEachCommandForOperatorsParses reads what the pages of folder deploy give to be typed: our own commands with our own
// command line, and of every other each file of ours that it names has to be there.
func TestEachCommandForOperatorsParses(t *testing.T) {
	ours := 0
	for _, page := range []string{"README.md", "helm/lighterman/README.md"} {
		text, err := os.ReadFile(filepath.Join(deploy, page))
		must(t, err)
		for _, block := range shellBlocks.FindAllStringSubmatch(string(text), -1) {
			for line := range strings.Lines(block[1]) {
				words := strings.Fields(substituted.ReplaceAllString(line, "x"))
				if words[0] == "lighterman" {
					ours++
					parses(t, words[1:])
				}
				for _, word := range words {
					if strings.HasPrefix(word, "deploy/") {
						if _, err := os.Stat(filepath.Join(deploy, "..", word)); err != nil {
							t.Errorf("%s: %v", line, err)
						}
					}
				}
			}
		}
	}
	if ours < 5 {
		t.Errorf("only %d commands of ours were found", ours)
	}
}

// parses holds that a command of ours takes these words.
func parses(t *testing.T, words []string) {
	t.Helper()
	root := rootCommand()
	root.InitDefaultCompletionCmd()
	cmd, rest, err := root.Find(words)
	if err == nil {
		err = cmd.ParseFlags(rest)
	}
	if err == nil {
		err = cmd.ValidateArgs(cmd.Flags().Args())
	}
	if err != nil || !cmd.Runnable() {
		t.Errorf("lighterman %s: %v", strings.Join(words, " "), err)
	}
}

// TestOperatorsPagesLeadSomewhere holds that each file that the page links is there.
func TestOperatorsPagesLeadSomewhere(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(deploy, "README.md"))
	must(t, err)
	for _, m := range regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`).FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat(filepath.Join(deploy, m[1])); err != nil {
			t.Error(err)
		}
	}
}
