package review

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/markdown"
)

// A mended change is what all wanted fixes make of the head together.
type mended struct {
	files   []forge.FileText
	patch   string          // the same in git's format
	private bool            // one of the files has lines that are not repeated
	applied []check.Finding // in the order in which their fixes were made
}

// safe reports whether after a fix the same is built: the same image, or the same steps in another order.
func safe(fix fixes.Fix) bool {
	if fix.Intent == nil || fix.Whole {
		return false
	}
	class := fix.Intent.Claim().Class
	return class == fixes.Same || class == fixes.Equivalent
}

// wantedBy are the findings that a request asks to be fixed: of those that are told and were not dismissed, all with a
// fix or the safe ones. What makes a file another one is only made by name.
func wantedBy(o *Opinion, st *forge.Standing, q forge.Request) func(check.Finding) bool {
	told, twins := map[string]bool{}, map[[3]string]bool{}
	mute := o.known.mute(o.known.remember(st), st)
	for _, c := range o.Comments {
		told[c.Finding.ID] = !mute.covers(c)
		for _, path := range c.Also {
			twins[twin(c.Finding, path)] = !mute.covers(c)
		}
	}
	return func(f check.Finding) bool {
		if len(f.Fixes) == 0 || !told[f.ID] && !twins[twin(f, f.Path)] || f.Fixes[0].Whole {
			return false
		}
		return q.Kind != forge.FixSafe || safe(f.Fixes[0])
	}
}

// twin names a finding of a family, which one comment tells for several files.
func twin(f check.Finding, path string) [3]string { return [3]string{path, f.Check.Name, f.Message} }

// mend makes the wanted fixes.
func (e *examined) mend(ctx context.Context, wanted func(check.Finding) bool) (*mended, error) {
	var paths []string
	for _, f := range e.files {
		if slices.ContainsFunc(e.result.Findings, func(found check.Finding) bool { return found.Path == f.Path && wanted(found) }) {
			paths = append(paths, f.Path)
		}
	}
	made, err := check.Mend(ctx, e.head, paths, wanted, e.settings.Options)
	if err != nil {
		return nil, err
	}
	m := &mended{applied: made.Applied}
	if m.files, err = forge.FileTexts(e.head, made.After); err != nil {
		return nil, err
	}
	for _, f := range m.files {
		m.patch += fixes.Patch(f.Path, f.Before, f.Text)
		m.private = m.private || len(PrivateLines(f.Path, f.Before, e.result.Findings)) > 0
	}
	return m, nil
}

// A response is what is said to a request in the check run.
type response struct {
	request forge.Request
	words   string // in Markdown
	patch   string // what to apply by hand; "" for nothing
}

// trailer ends the message of a commit that answers a request, by which it is known again.
const trailer = "Lighterman-Request: "

// fix pushes what a request asks for. Where it cannot, the answer says why; pushed reports that the head has moved to a
// commit of ours, whose own review follows.
func (r *Reviewer) fix(ctx context.Context, s seen, wanted func(check.Finding) bool, st *forge.Standing, q forge.Request) (
	a response, pushed bool, err error) {
	a.request = q
	may, err := r.Forge.MayWrite(ctx, st.Ref.Repo, q.By)
	if err != nil {
		return a, false, err
	}
	m := &mended{}
	if s.examined != nil {
		if m, err = s.mend(ctx, wanted); err != nil {
			return a, false, err
		}
	}
	if a.words = refused(st, q, may, len(m.files) > 0); a.words != "" {
		return a.with(m), false, nil
	}
	_, err = r.Forge.Push(ctx, st.Ref.Repo, forge.Commit{
		Parent: st.Head, Branch: st.Branch, Message: message(m.applied, q), Files: m.files,
	})
	switch {
	case errors.Is(err, forge.ErrForbidden):
		a.words = "GitHub did not let lighterman push to the branch, which may be protected."
		return a.with(m), false, nil
	case errors.Is(err, forge.ErrStale):
		a.words = "The branch moved meanwhile."
		return a.with(m), false, nil
	}
	return a, err == nil, err
}

// refused is why a request cannot be followed, "" when it can be tried. may says that who asks may push, and any that
// there is something to fix.
func refused(st *forge.Standing, q forge.Request, may, any bool) string {
	switch {
	case !may:
		return notAllowed
	case q.Commit != "" && q.Commit != st.Head:
		return fmt.Sprintf("It was asked for on %s, which is not the head any more.", markdown.Code(q.Commit[:min(7, len(q.Commit))]))
	case !any:
		return "There is nothing to fix."
	}
	return barred(st)
}

// with is the response with the change to make by hand, unless that would repeat a secret, is too long, or is not the same
// any more when it was copied from a page.
func (a response) with(m *mended) response {
	switch {
	case len(m.files) == 0:
	case m.private || len(m.patch) > maxPatch || !utf8.ValidString(m.patch) || strings.ContainsAny(m.patch, "\r\x00"):
		a.words += " The change is not shown here: `lighterman fix` makes it."
	default:
		a.patch = m.patch
	}
	return a
}

// done reports whether a commit of the branch answers the request already. On a fork none can be ours, whatever it says.
func done(st *forge.Standing, q forge.Request) bool {
	return !st.Fork && slices.ContainsFunc(st.Recent, func(c forge.Commit) bool {
		return slices.Contains(strings.Split(c.Message, "\n"), trailer+q.ID)
	})
}

// barred is why nothing can be pushed to the pull request's branch, "" when it can be tried.
func barred(st *forge.Standing) string {
	switch {
	case st.Source == nil:
		return "The repository that the branch was in is gone."
	case st.Fork:
		return "The branch is in a fork, which lighterman cannot push to."
	case st.Pushless:
		return "lighterman was not granted the permission to push (contents: write)."
	}
	return ""
}

// maxSubject is how many fixes a commit's message lists.
const maxSubject = 30

// message is that of the commit that makes fixes.
func message(applied []check.Finding, q forge.Request) string {
	var b strings.Builder
	switch first := applied[0]; len(applied) {
	case 1:
		fmt.Fprintf(&b, "%s in %s\n\n", markdown.Muzzled(first.Fixes[0].Title), markdown.Muzzled(first.Path))
	default:
		fmt.Fprintf(&b, "Make %d fixes to Dockerfiles\n\n", len(applied))
	}
	for _, f := range applied[:min(len(applied), maxSubject)] {
		fmt.Fprintf(&b, "- %s: %s (%s)\n", markdown.Muzzled(f.Path), markdown.Muzzled(f.Fixes[0].Title), f.Check.Name)
	}
	if more := len(applied) - maxSubject; more > 0 {
		fmt.Fprintf(&b, "- and %d more\n", more)
	}
	fmt.Fprintf(&b, "\nAsked for by %s.\n\n%s%s", markdown.Muzzled(q.By), trailer, markdown.OneLine(q.ID))
	return b.String()
}

// maxPatch bounds in bytes a patch in an answer.
const maxPatch = 40_000

// text is the answer in Markdown.
func (a response) text() string {
	what := map[forge.RequestKind]string{forge.FixAll: "Fix all", forge.FixSafe: "Fix safe", forge.Rerun: "Re-run"}[a.request.Kind]
	said := fmt.Sprintf("**%s**, asked for by %s: %s", what, markdown.Code(a.request.By), a.words)
	return markdown.Paragraphs(said, a.byHand())
}

// byHand is the change for those who make it themselves, "" when there is none to show.
func (a response) byHand() string {
	if a.patch == "" {
		return ""
	}
	return markdown.Paragraphs("With this, `git apply` makes the change:", markdown.Fenced("diff", a.patch))
}
