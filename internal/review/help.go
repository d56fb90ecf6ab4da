package review

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/markdown"
)

// helpText is the answer to "help".
func helpText() string {
	return markdown.Paragraphs(CommandTable(), "A command is the first line of a comment on the pull request, of a review, or of a "+
		"reply in the thread of a finding. 👀 says that it was seen, 👍 that it was carried out, 😕 that it was not; a "+
		"review gets a comment instead. Deleting an `ignore` takes it back.")
}

// CommandTable lists the commands in Markdown.
func CommandTable() string {
	var b strings.Builder
	b.WriteString("| command | what it does |\n| --- | --- |\n")
	for _, c := range commands() {
		does := c.does
		if c.writes {
			does += " (for those who may push)"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", markdown.Code(strings.TrimSpace(summons+" "+c.name+" "+c.shows)), does)
	}
	return b.String()
}

// explain tells what an order asks about: a check, or the finding of its thread.
func (b *bench) explain(o order, checks []*check.Check) verdict {
	if len(checks) > 0 {
		return o.done(b.reviewer.page(checks[0]))
	}
	if _, in := o.finding(); !in {
		return o.confused("Which? Name a check, or reply in the thread of a finding.")
	}
	c, here := b.told(o)
	if !here {
		return o.done("What this thread was about is not there any more.")
	}
	return o.done(markdown.Paragraphs(b.proof(c), b.reviewer.page(c.Finding.Check)))
}

// page is the beginning of a check's page: what it says and why that matters.
func (r *Reviewer) page(c *check.Check) string {
	link := fmt.Sprintf("[The whole page](%s)", c.Page())
	if r.Page == nil {
		return markdown.Paragraphs("**"+markdown.Code(c.Name)+"**: "+markdown.Sentence(c.Summary), link)
	}
	parts := strings.Split(r.Page(c), "\n## ")
	text := []string{strings.Replace(parts[0], "# ", "### ", 1)}
	for _, p := range parts[1:] {
		if why, ok := strings.CutPrefix(p, "Why it matters\n"); ok {
			text = append(text, clipped(strings.TrimSpace(why)))
		}
	}
	return markdown.Paragraphs(append(text, link)...)
}

// proof is what was shown about the fix of a finding, and how.
func (b *bench) proof(c Comment) string {
	f := c.Finding
	switch {
	case len(f.Fixes) == 0 && f.Refused == "":
		return "There is no fix."
	case len(f.Fixes) == 0:
		return "There is no fix: " + markdown.Sentence(f.Refused)
	}
	said := strings.TrimSpace("**" + markdown.Sentence(f.Fixes[0].Title) + "** " + claim(f.Fixes[0]))
	file, _ := fileOf(b.files(), f.Path)
	by := change(file, f.Fixes[0])
	if by != "" {
		by = markdown.Paragraphs("<details><summary>The change</summary>", by, "</details>")
	}
	return markdown.Paragraphs(said, how(f.Fixes[0]), by)
}

// how tells in what way a fix was proven.
func how(fix fixes.Fix) string {
	if fix.Intent == nil {
		return ""
	}
	const compared = "The file was changed in a copy, looked at again, and what BuildKit would build of it was " +
		"compared with what it builds now: "
	return compared + map[fixes.Class]string{
		fixes.Same:       "every step and the image's configuration are identical.",
		fixes.Equivalent: "the steps are the same; they differ in order, cache or description alone.",
		fixes.Intended:   "there is the difference that is stated here, and no other.",
	}[fix.Intent.Claim().Class]
}

// files are the Dockerfiles that were looked at, with the lines that are not repeated.
func (b *bench) files() []File {
	if b.look.examined == nil {
		return nil
	}
	return secretly(b.look.examined.files, b.look.result.Findings)
}

// maxConfiguration bounds in bytes the configuration in a reply.
const maxConfiguration = 30_000

// configuration shows what is in effect, as it stands on the base branch. It is for those who may push: what an
// organisation decides for all may stand in a private repository, and a comment on a public one is for everybody.
func (b *bench) configuration(ctx context.Context, o order) (verdict, error) {
	c, err := b.reviewer.inEffect(ctx, b.standing.Ref.Repo, b.standing.Base)
	var wrong *config.Error
	switch {
	case errors.As(err, &wrong):
		p := wrong.Problems[0]
		return o.confused("The configuration cannot be used: " + place(p.Path, p.Line) + markdown.Sentence(p.Msg)), nil
	case err != nil && forge.Answer(err):
		return o.confused("The configuration cannot be used: " + markdown.Sentence(err.Error())), nil
	case err != nil:
		return verdict{}, err
	}
	var out bytes.Buffer
	if err := c.Write(&out); err != nil {
		return verdict{}, err
	}
	text := strings.ToValidUTF8(out.String(), "\uFFFD")
	if len(text) > maxConfiguration {
		text = text[:strings.LastIndexByte(text[:maxConfiguration], '\n')+1] + "# and more: lighterman config shows it\n"
	}
	const summary = "<details><summary>The configuration in effect</summary>"
	parts := []string{summary, markdown.Fenced("yaml", text), "</details>"}
	for _, n := range Lacking(c) {
		parts = append(parts, place(n.Path, n.Line)+markdown.Sentence(n.Words))
	}
	return o.done(markdown.Paragraphs(parts...)), nil
}

// inline is the comment line that keeps a finding dismissed in the file: as a suggestion on the lines of its thread, where
// it can be one.
func (b *bench) inline(t posted, c Comment, because string) (words string, offered bool) {
	line := "# lighterman ignore=" + c.Finding.Check.Name
	if because = markdown.Clip(markdown.OneLine(because), 200); because != "" {
		line += " because " + because
	}
	f, ok := fileOf(b.files(), c.Finding.Path)
	const why = "With this line above the instruction the finding stays dismissed after this pull request too:"
	if s := above(f, c, t, line); ok && s != nil {
		return markdown.Paragraphs(why, s.block()), true
	}
	return markdown.Paragraphs(why, markdown.Fenced("dockerfile", line+"\n")), false
}

// above is a suggestion that puts a line above the instruction of a finding. It replaces just the lines on which the thread
// stands, for that is what GitHub's button does; nil when that cannot be.
func above(f File, c Comment, t posted, line string) *Suggestion {
	s := &Suggestion{StartLine: t.Line - t.mark.lines + 1, Line: t.Line}
	lines := splitLines(string(f.Text))
	parsed, err := dockerfile.Parse(f.Path, f.Text)
	if err != nil {
		return nil
	}
	at := instruction(parsed, c.Finding).Start
	if t.Outdated || t.mark.lines < 1 || s.StartLine < 1 || at < s.StartLine || at > s.Line || s.Line > len(lines) {
		return nil
	}
	before, after := lines[s.StartLine-1:at-1], lines[at-1:s.Line]
	s.Text = strings.Join(slices.Concat(before, []string{line + "\n"}, after), "")
	if strings.Contains(string(f.Text), "\r") || f.repeats(s.StartLine, s.Line) || misplaced(f.Diff, lines, s) != "" {
		return nil
	}
	return s
}
