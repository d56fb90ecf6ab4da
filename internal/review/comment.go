package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/markdown"
)

// maxAlso is how many other files of a family a comment names before it counts them.
const maxAlso = 5

// write composes the comment's texts, with the change that its fix makes when that is to be worked out.
func (c *Comment) write(files []File, worked bool) {
	f, _ := fileOf(files, c.Finding.Path)
	if worked && c.Suggestion == nil && c.withheld == "" && len(c.Finding.Fixes) > 0 {
		_, c.withheld = suggest(f, c.Finding.Fixes[0], Hunk{c.Finding.Line, c.Finding.EndLine})
	}
	said := markdown.Paragraphs(markdown.Sentence(markdown.Capital(c.Finding.Message)), also(c.Also))
	footer := fmt.Sprintf("<sub>[%s](%s)</sub>", c.Finding.Check.Name, c.Finding.Check.Page())
	by := ""
	if worked && len(c.Finding.Fixes) > 0 {
		by = change(f, c.Finding.Fixes[0])
		if c.Finding.Fixes[0].Whole && by != "" {
			by = markdown.Paragraphs("<details><summary>The change</summary>", by, "</details>")
		}
	}
	c.Entry = markdown.Paragraphs(said, c.offer(by), footer)
	if c.Suggestion != nil {
		by = c.Suggestion.block()
	}
	c.Body = markdown.Paragraphs(said, c.offer(by), footer)
}

// offer is what can be done: the fix with the block that makes or shows it, or why there is none.
func (c Comment) offer(block string) string {
	if len(c.Finding.Fixes) == 0 {
		if c.Finding.Refused == "" {
			return ""
		}
		return "No fix: " + markdown.Sentence(c.Finding.Refused)
	}
	fix := c.Finding.Fixes[0]
	words := []string{"**" + markdown.Sentence(fix.Title) + "**", claim(fix), c.withheld}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	return markdown.Paragraphs(strings.Join(words, " "), block)
}

// claim is what was shown to hold for the fix, in the words of its intent.
func claim(fix fixes.Fix) string {
	if fix.Intent == nil {
		return ""
	}
	return markdown.Sentence(markdown.Capital(fix.Intent.Claim().Words))
}

// also names the other files with the same finding.
func also(paths []string) string {
	if len(paths) == 0 {
		return ""
	}
	var names []string
	for _, p := range paths[:min(len(paths), maxAlso)] {
		names = append(names, markdown.Code(p))
	}
	if more := len(paths) - maxAlso; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return "The same in " + strings.Join(names, ", ") + "."
}
