package checks

import (
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
)

var gemDocsKept = &check.Check{
	Name:     "gem-docs-kept",
	Family:   check.SmallerImage,
	Summary:  "gems are installed with their documentation",
	Severity: check.Warning,
	Run:      runGemDocsKept,
}

func runGemDocsKept(p *check.Pass) error {
	for _, s := range p.File.Stages {
		if !shipped(p, s) || gemsWithoutDocuments(s) {
			continue
		}
		for _, i := range s.Instructions {
			if run := bodyOf(i); run != nil {
				gemsIn(p, i, run)
			}
		}
	}
	return nil
}

// gemsWithoutDocuments reports whether a stage's gems come without documentation anyway: the official image of Ruby says
// so in its gemrc (https://github.com/docker-library/ruby), and a file may.
func gemsWithoutDocuments(s *dockerfile.Stage) bool {
	for _, t := range lineage(s) {
		for _, i := range t.Instructions {
			if text := i.File().Text(i.Span); strings.Contains(text, "gemrc") {
				return true
			}
		}
		ref, ok := t.Image()
		name, _, _ := strings.Cut(ref, ":")
		if t.Parent == nil && (!ok || name == "ruby" || strings.HasSuffix(name, "/ruby") || strings.Contains(name, "jekyll")) {
			return true
		}
	}
	return false
}

func gemsIn(p *check.Pass, i, run *dockerfile.Instruction) {
	r := rewording{
		message: "`gem install` also installs the documentation of every gem, which nobody reads in an image",
		title:   "Install gems without documentation", rule: fixes.GemNoDocuments,
	}
	cmds, _ := commands(run)
	for _, c := range cmds {
		if verb, ok := documents(c); ok {
			r.words = append(r.words, fixes.Rewording{At: verb.Span, Text: "--no-document"})
		}
	}
	if len(r.words) > 0 {
		r.report(p, i, run)
	}
}

// documents reports whether a command installs gems with their documentation, and its verb.
func documents(c dockerfile.Command) (verb dockerfile.Argument, ok bool) {
	words := c.Words
	if c.Name() == "sudo" {
		words = c.Args()
	}
	if len(words) < 2 || words[0].Text != "gem" || words[1].Text != "install" {
		return verb, false
	}
	settled := slices.ContainsFunc(words, func(w dockerfile.Argument) bool {
		name, _, _ := strings.Cut(strings.Trim(w.Text, `"'`), "=")
		return slices.Contains([]string{"-N", "--no-document", "--document", "--no-doc", "--no-rdoc", "--no-ri", "--rdoc",
			"--ri"}, name) || strings.HasPrefix(name, "$") && strings.Contains(strings.ToLower(name), "opt")
	})
	return words[1], !settled
}
