package sweep

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/hidden"
	"github.com/lighterman/lighterman/internal/markdown"
)

const (
	// shown is how many rows of a table are read in a minute; the others are folded.
	shown = 12
	// maxText bounds in bytes what stands above a note. GitHub takes 65,536 characters, and a note has up to 28,500.
	maxText = 36_000
	// maxListed is how many fixes a commit's message lists.
	maxListed = 30
)

// A subject is what a topic is about, in words.
type subject struct{ title, why string }

// subjects are the words of the topics, by name.
func subjects(topic string) subject {
	switch topic {
	case string(check.Caching):
		return subject{"Keep Docker build steps cached", "With these changes fewer build steps run again when nothing changed for them."}
	case string(check.SmallerImage):
		return subject{"Make Docker images smaller", "With these changes the images no longer store what they do not need."}
	case rewrites:
		return subject{"Build Docker images in stages", "With these changes what only the build needs stays out of the images."}
	case string(check.NonRoot):
		return subject{"Run less as root in containers", "With these changes less runs as root in the containers."}
	case string(check.Pinning):
		return subject{"Pin what Docker images are built from", "With these changes what is built tomorrow is what is built today."}
	case string(check.Context):
		return subject{"Keep files out of Docker builds", "With these changes the builds no longer get files that they do not need."}
	}
	return subject{"Tidy up Dockerfiles", "These changes make the Dockerfiles say what they mean."}
}

// body is what a pull request says, without its note.
func (b Bundle) body(known map[string]bool) string {
	const proof = "Each change was made in a copy and looked at again, and what BuildKit would build of it was compared with what " +
		"it builds now; the last column says what that showed."
	why := strings.TrimSpace(subjects(b.Topic.Name).why + " " + b.renewal() + b.Gain.words())
	return markdown.Paragraphs(why+" "+proof, b.table(known, maxText-3000), b.rest(), notWanted)
}

// notWanted is how to say no.
const notWanted = "**Not wanted?** Close this pull request: none of this is proposed again, until the lines change or somebody who " +
	"may push writes `/lighterman unmute` here. A commit of yours on the branch makes it yours: it is left alone then. In " +
	"`.github/lighterman.yml`, `checks` switches off a check, `sweeps: {families: […]}` picks the kinds of fixes, and " +
	"`sweeps: {enabled: false}` ends all of them."

// words say what a gain comes to, "" when nothing is known.
func (g Gain) words() string {
	switch {
	case g.Known == 0 || g.Bytes < 100_000:
		return ""
	case g.Bytes < 1_000_000_000:
		return fmt.Sprintf("The compressed images get %.1f MB smaller by their bases alone.", float64(g.Bytes)/1e6)
	}
	return fmt.Sprintf("The compressed images get %.1f GB smaller by their bases alone.", float64(g.Bytes)/1e9)
}

// renewal says why digests are renewed, "" when none is.
func (b Bundle) renewal() string {
	if slices.ContainsFunc(b.Applied, func(f check.Finding) bool { return f.Check.Aging }) {
		return "Digests that their tags have been moved away from become those of today; closing this declines just these. "
	}
	return ""
}

// rest tells what is left for later.
func (b Bundle) rest() string {
	if b.Left == 0 {
		return ""
	}
	return fmt.Sprintf("There is more of this in %s: it follows once this is merged.", counted(b.Left, "Dockerfile"))
}

func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

const tableHead = "| | What changes, and why | Proof |\n| --- | --- | --- |\n"

// table lists the fixes in at most that many bytes: the first of them open, the others folded. known are the identities of
// the findings of the files as they are: others have no lines there.
func (b Bundle) table(known map[string]bool, limit int) string {
	var open, folded strings.Builder
	n := 0
	for ; n < len(b.Applied); n++ {
		row := tableRow(b.Applied[n], known)
		if limit -= len(row); limit < 0 {
			break
		}
		if n < shown {
			open.WriteString(row)
		} else {
			folded.WriteString(row)
		}
	}
	more := ""
	if folded.Len() > 0 {
		more = markdown.Paragraphs(fmt.Sprintf("<details><summary>%d more</summary>", n-shown), tableHead+folded.String(), "</details>")
	}
	if left := len(b.Applied) - n; left > 0 {
		more = markdown.Paragraphs(more, fmt.Sprintf("%s did not fit here.", counted(left, "more change")))
	}
	return markdown.Paragraphs(tableHead+open.String(), more)
}

// maxCell bounds in bytes a message in a table.
const maxCell = 300

// tableRow is one fix in a table. Where pull requests are squashed it may become a part of a commit's message.
func tableRow(f check.Finding, known map[string]bool) string {
	fix := f.Fixes[0]
	where := f.Path
	if known[f.ID] {
		where = fmt.Sprintf("%s:%d", f.Path, f.Line)
	}
	claim := ""
	if fix.Intent != nil {
		claim = markdown.MessageCell(markdown.Clip(markdown.Capital(fix.Intent.Claim().Words), maxCell))
	}
	why := markdown.MessageCell(markdown.Clip(markdown.Capital(f.Message), maxCell))
	return fmt.Sprintf("| %s | **%s.** %s. [%s](%s) | %s |\n", markdown.MessageCode(markdown.Clip(where, 200)),
		markdown.MessageCell(markdown.Clip(fix.Title, 150)), strings.TrimSuffix(why, "."), f.Check.Name, f.Check.Page(), claim)
}

// message is that of the commit.
func (b Bundle) message(title string) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s\n\n", markdown.OneLine(title))
	for _, f := range b.Applied[:min(len(b.Applied), maxListed)] {
		fmt.Fprintf(&out, "- %s: %s (%s)\n", markdown.Muzzled(f.Path), markdown.Muzzled(f.Fixes[0].Title), f.Check.Name)
	}
	if more := len(b.Applied) - maxListed; more > 0 {
		fmt.Fprintf(&out, "- and %d more\n", more)
	}
	return out.String() + "\n" + bundleTrailer + b.mark()
}

// bundleTrailer ends the message of a commit of a sweep, with the mark of its bundle.
const bundleTrailer = "Lighterman-Bundle: "

// bundleOf is the mark of the bundle that a commit was made of.
func bundleOf(message string) (mark string, ok bool) {
	lines := strings.Split(strings.TrimSpace(message), "\n")
	return strings.CutPrefix(strings.TrimSpace(lines[len(lines)-1]), bundleTrailer)
}

// yielded is said once when a person's commit is on the branch.
func yielded() string {
	return markdown.Paragraphs("This branch has somebody else's commits now, so lighterman leaves the pull request alone from here on: "+
		"it is yours, to change, merge or close.", hidden.Line(yieldedMark))
}

// withdrawn is said when a pull request is closed that is not needed any more.
func withdrawn(why string) string {
	return markdown.Paragraphs("lighterman closes this: "+markdown.Sentence(why)+" That declines nothing.", hidden.Line(withdrawnMark))
}

// lifted is said on a pull request when what it declined is taken back on the dashboard; by is the login of who ticked, "" when that
// is not known. It is no mention: whoever ticked knows.
func lifted(p forge.Pull, by string) string {
	who := "Somebody"
	if by != "" {
		who = markdown.Code(by)
	}
	return markdown.Paragraphs(who+" ticked on the dashboard that this is to be proposed again.", hidden.Line(liftedMark(p)))
}

// liftedMark says that what a pull request declined when it ended, which may happen more than once, was taken back.
func liftedMark(p forge.Pull) string { return "unmuted=" + p.Ended.UTC().Format(time.RFC3339) }
