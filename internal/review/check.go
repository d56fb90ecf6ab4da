package review

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/markdown"
)

// The check run tells what a review found, on every head and whatever came of it: a required check that is not concluded
// keeps a pull request from being merged for good.

const (
	// maxAnnotations is how many annotations a check run has at most: four requests of fifty.
	maxAnnotations = 200
	// maxTitle and maxMessage bound an annotation's texts in bytes. GitHub takes 255 characters and 64 KB.
	maxTitle   = 200
	maxMessage = 4000
)

// run is the check run that tells all this, nil when one that stands there already does. An answer belongs to what was
// asked once: a run that holds one beside the same findings is left as it is.
func (t *tally) run(st *forge.Standing) *forge.CheckDraft {
	d := t.draft(st)
	plain := subject(st.Ref) + short(said(d)...)
	base := plain + t.share(d)
	d.Key = base
	if len(t.answers) > 0 {
		t.answer(d)
		d.Key = base + " " + short(said(d)...)
	}
	if t.again != "" {
		d.Key = base + " " + short(t.again)
	}
	last, newest, ok := ownRun(st)
	if !ok || !last.Concluded || !strings.HasPrefix(last.Key, plain) {
		t.excuse(d)
	}
	if !ok {
		return d
	}
	same := last.Key == d.Key || d.Key == base && strings.HasPrefix(last.Key, plain) && (base != plain || !shared(last))
	switch {
	case same && last.Concluded && stops(st.Checks[len(st.Checks)-1].Conclusion) == stops(d.Conclusion):
		return nil
	case same && last.Concluded, t.again != "" && !same:
	case same:
		d.ID, d.Written = last.ID, min(last.Annotations, len(d.Annotations))
	case last.Annotations == 0 && newest:
		d.ID = last.ID
	}
	return d
}

// excuse says why a run comes late. Like an answer that is said once: a run that is there already is not written for it.
func (t *tally) excuse(d *forge.CheckDraft) {
	if until := t.opinion.Limited; !until.IsZero() {
		const words = "This comes late: GitHub's rate limit kept lighterman from it until %s."
		d.Summary = clipped(markdown.Paragraphs(fmt.Sprintf(words, until.UTC().Format("15:04 UTC on 2 January")), d.Summary))
	}
}

// said is everything that a check run says.
func said(d *forge.CheckDraft) []string {
	out := []string{string(d.Conclusion), d.Title, d.Summary, d.Text}
	for _, a := range d.Annotations {
		out = append(out, a.Path, strconv.Itoa(a.StartLine), strconv.Itoa(a.EndLine), string(a.Level), a.Title, a.Message)
	}
	for _, a := range d.Actions {
		out = append(out, a.ID, a.Label, a.Description)
	}
	return out
}

// draft is the check run without the name by which it is known again.
func (t *tally) draft(st *forge.Standing) *forge.CheckDraft {
	conclusion := t.conclusion()
	if st.Ref.Group != "" && conclusion == forge.Failure {
		conclusion = forge.Neutral
	}
	return &forge.CheckDraft{
		Conclusion: conclusion, Title: t.title(), Summary: t.table(), Text: t.details(), Annotations: t.annotations(),
		Actions: t.buttons(st),
	}
}

// answer puts the answers above everything else, or below it where they are long.
func (t *tally) answer(d *forge.CheckDraft) {
	for _, a := range t.answers {
		text := a.text()
		if len(text)+len(d.Summary) > maxBody {
			d.Text = clipped(markdown.Paragraphs(text, d.Text))
			continue
		}
		d.Summary = markdown.Paragraphs(text, d.Summary)
	}
}

// clipped is a body cut at the end of a line, under GitHub's limit.
func clipped(body string) string {
	if len(body) <= maxBody {
		return body
	}
	return body[:strings.LastIndexByte(body[:maxBody], '\n')+1]
}

// buttons are what can be asked for with a click. Nothing can be pushed to a fork; "Fix safe" is there when it is not the
// same as "Fix all".
func (t *tally) buttons(st *forge.Standing) []forge.Action {
	if st.Ref.Group != "" {
		return nil
	}
	all, careful := 0, 0
	for _, c := range t.told {
		if len(c.Finding.Fixes) > 0 && !c.Finding.Fixes[0].Whole {
			all++
			if safe(c.Finding.Fixes[0]) {
				careful++
			}
		}
	}
	var out []forge.Action
	if all > 0 && barred(st) == "" {
		out = append(out, forge.Action{ID: string(forge.FixAll), Label: "Fix all", Description: "Push one commit with every proven fix"})
		if 0 < careful && careful < all {
			const what = "Push the fixes that build the same"
			out = append(out, forge.Action{ID: string(forge.FixSafe), Label: "Fix safe", Description: what})
		}
	}
	return append(out, forge.Action{ID: string(forge.Rerun), Label: "Re-run", Description: "Look at the pull request again"})
}

func (t *tally) failOn() check.Severity { return cmp.Or(t.opinion.FailOn, check.Warning) }

// conclusion is Failure when a finding is at or above what the repository fails on, or its configuration is broken; it is
// Neutral when there is anything else to read.
func (t *tally) conclusion() forge.Conclusion {
	if slices.ContainsFunc(t.told, func(c told) bool { return c.Finding.Check.Severity >= t.failOn() }) ||
		slices.ContainsFunc(t.opinion.Notes, func(n Note) bool { return n.Fails }) {
		return forge.Failure
	}
	if len(t.told) > 0 || t.opinion.Cut || slices.ContainsFunc(t.opinion.Notes, func(n Note) bool { return n.Urgent }) {
		return forge.Neutral
	}
	return forge.Success
}

// title is the check run in one line.
func (t *tally) title() string {
	files := t.opinion.Files
	unread := 0
	for _, failed := range t.opinion.Unseen {
		if failed {
			unread++
		}
	}
	switch {
	case t.opinion.Aside != "":
		return t.opinion.Aside
	case len(t.told) > 0 && files == 0:
		return counted(len(t.told), "finding") + " in Dockerfiles that are not changed"
	case len(t.told) > 0:
		return fmt.Sprintf("%s in %s", counted(len(t.told), "finding"), counted(files, "Dockerfile"))
	case unread > 0:
		return fmt.Sprintf("%s could not be looked at", counted(unread, "Dockerfile"))
	case t.opinion.Cut:
		return "Not all changed files were looked at"
	case files == 0:
		return "No Dockerfile is changed"
	case t.dismissed > 0:
		return "Nothing to say that was not dismissed"
	}
	return "Nothing to say about " + counted(files, "Dockerfile")
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// table is the summary: every finding in a row, and in a line each what else there is to know.
func (t *tally) table() string {
	lines := t.remarks()
	left := maxBody - len(lines)
	var rows strings.Builder
	for n, c := range t.told {
		row := t.row(c)
		if len(row) > left-rows.Len() {
			fmt.Fprintf(&rows, "\n%s did not fit here.\n", counted(len(t.told)-n, "more finding"))
			break
		}
		if n == 0 {
			rows.WriteString("| where | what | fix |\n| --- | --- | --- |\n")
		}
		rows.WriteString(row)
	}
	out := markdown.Paragraphs(rows.String(), lines)
	return cmp.Or(out, "Nothing stands out.")
}

// row is one finding in the table.
func (t *tally) row(c told) string {
	what := markdown.Sentence(markdown.Capital(c.Finding.Message)) + " " + fmt.Sprintf("[%s](%s)", c.Finding.Check.Name, c.Finding.Check.Page())
	if more := also(c.Also); more != "" {
		what += " " + more
	}
	fix := "none"
	if len(c.Finding.Fixes) > 0 {
		best := c.Finding.Fixes[0]
		fix = strings.TrimSpace("**" + markdown.Sentence(best.Title) + "** " + claim(best))
	}
	where := fmt.Sprintf("%s line %d", markdown.Code(c.Finding.Path), c.Finding.Line)
	return fmt.Sprintf("| %s | %s | %s |\n", cell(where), cell(what), cell(fix))
}

// cell keeps a text from ending its cell: code spans do not protect a bar there (GitHub Flavored Markdown, tables).
func cell(s string) string {
	var b strings.Builder
	for n := range len(s) {
		if s[n] == '|' && (n == 0 || s[n-1] != '\\') {
			b.WriteByte('\\')
		}
		b.WriteByte(s[n])
	}
	return b.String()
}

// remarks are the lines below the table.
func (t *tally) remarks() string {
	o := t.opinion
	var lines []string
	if t.dismissed > 0 {
		lines = append(lines, fmt.Sprintf("%s dismissed by people and not counted.", were(t.dismissed, "finding was", "findings were")))
	}
	if t.asked > 0 {
		const words = "%s dismissed by the author of the pull request, who may not push, and counts until somebody dismisses it who may."
		lines = append(lines, fmt.Sprintf(words, were(t.asked, "finding was", "findings were")))
	}
	if o.Elsewhere > 0 {
		lines = append(lines, fmt.Sprintf("%s in lines that this pull request leaves alone.",
			were(o.Elsewhere, "more finding is", "more findings are")))
	}
	for _, n := range o.Notes[:min(len(o.Notes), maxWorked)] {
		lines = append(lines, place(n.Path, n.Line)+markdown.Sentence(n.Words))
	}
	if more := len(o.Notes) - maxWorked; more > 0 {
		lines = append(lines, fmt.Sprintf("%s not told here.", were(more, "more remark is", "more remarks are")))
	}
	return strings.Join(lines, "\n\n")
}

func were(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// details are why there is no fix where there is none, folded.
func (t *tally) details() string {
	var rows strings.Builder
	count := 0
	for _, c := range t.told {
		if len(c.Finding.Fixes) > 0 || c.Finding.Refused == "" {
			continue
		}
		count++
		row := fmt.Sprintf("- %s%s: %s\n", place(c.Finding.Path, c.Finding.Line), markdown.Code(c.Finding.Check.Name), markdown.Sentence(c.Finding.Refused))
		if rows.Len()+len(row) < maxBody-1000 {
			rows.WriteString(row)
		}
	}
	if count == 0 {
		return ""
	}
	summary := fmt.Sprintf("<details><summary>Why %s no fix</summary>", were(count, "finding has", "findings have"))
	return markdown.Paragraphs(summary, rows.String(), "</details>")
}

// annotations are the findings that do not stand on the diff, and the notes that name a line, for which there is always room.
func (t *tally) annotations() []forge.Annotation {
	var out, notes []forge.Annotation
	for _, n := range t.opinion.Notes {
		if n.Urgent && n.Path != "" {
			notes = append(notes, noted(n))
		}
	}
	notes = notes[:min(len(notes), maxAnnotations)]
	for _, f := range t.apart() {
		if len(out)+len(notes) == maxAnnotations {
			break
		}
		out = append(out, annotated(f))
	}
	return append(out, notes...)
}

// apart are the findings that no thread stands on: what is told beside the diff, and what a comment tells of other files.
func (t *tally) apart() []check.Finding {
	var out []check.Finding
	for _, c := range t.told {
		if c.outlet == beside {
			out = append(out, c.Finding)
		}
		if c.outlet != asked {
			out = append(out, c.twins...)
		}
	}
	return out
}

func noted(n Note) forge.Annotation {
	line, level := max(n.Line, 1), forge.LevelWarning
	if n.Fails {
		level = forge.LevelFailure
	}
	return forge.Annotation{
		Path: n.Path, StartLine: line, EndLine: line, Level: level, Title: "lighterman",
		Message: markdown.Clip(markdown.OneLine(markdown.Capital(n.Words)), maxMessage),
	}
}

func annotated(f check.Finding) forge.Annotation {
	words := []string{stop(markdown.Capital(f.Message))}
	switch {
	case len(f.Fixes) > 0:
		words = append(words, stop(f.Fixes[0].Title))
	case f.Refused != "":
		words = append(words, "No fix: "+stop(f.Refused))
	}
	level := map[check.Severity]forge.Level{check.Error: forge.LevelFailure, check.Warning: forge.LevelWarning}[f.Check.Severity]
	return forge.Annotation{
		Path: f.Path, StartLine: f.Line, EndLine: max(f.Line, f.EndLine), Level: cmp.Or(level, forge.LevelNotice),
		Title: markdown.Clip(f.Check.Name, maxTitle), Message: markdown.Clip(markdown.OneLine(strings.Join(words, " ")), maxMessage),
	}
}

// stop is words with a full stop, as plain text.
func stop(words string) string {
	if words = markdown.OneLine(words); strings.HasSuffix(words, ".") || strings.HasSuffix(words, "?") {
		return words
	}
	return words + "."
}
