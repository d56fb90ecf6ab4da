package sweep

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/hidden"
)

// A finding is declined, and not proposed again, when a person closed a pull request that was about it without merging
// it; and when one that was about it was merged and it is there again, for somebody took the fix back. It stays so until
// the words of its instruction change, or somebody who may push writes "/lighterman unmute" on that pull request. What
// this App closed itself declines nothing.

// mutes are what people declined.
type mutes struct {
	ids    map[string]bool
	kin    map[string][]string // the files that a finding was declined in, by what it has in common with others
	topics map[string]bool     // declined as a whole: it is not known, or not all of it, what they were about
}

// unmute is the command that takes back what was declined.
const unmute = "unmute"

// asksUnmute reports whether a comment is that command: its first line, and nothing else in it.
func asksUnmute(body string) bool {
	line, _, _ := strings.Cut(strings.TrimSpace(body), "\n")
	rest, ok := strings.CutPrefix(line, "/lighterman")
	if first, _ := utf8.DecodeRuneInString(rest); !ok || !unicode.IsSpace(first) || strings.HasPrefix(body, "    ") ||
		strings.HasPrefix(body, "\t") {
		return false
	}
	return strings.EqualFold(strings.TrimSpace(rest), unmute)
}

// orders are the comments that ask to take back what closing or merging a pull request declined: a person's, made since,
// and never edited, for what it says now may be somebody else's words.
func orders(p forge.Pull) []forge.Comment {
	var out []forge.Comment
	for _, c := range p.Comments {
		if p.State != forge.PullOpen && !c.Ours && !c.Edited && c.Author != "" && !strings.HasSuffix(c.Author, "[bot]") &&
			!c.Made.Before(p.Ended) && asksUnmute(c.Body) {
			out = append(out, c)
		}
	}
	return out
}

// waiting reports whether nobody judged a command yet.
func waiting(c forge.Comment) bool {
	return !slices.Contains(c.Reacted, forge.ThumbUp) && !slices.Contains(c.Reacted, forge.Confused)
}

// A said comment is one on a pull request.
type spoken struct {
	pull    int
	comment int64
}

// declines reports whether a pull request of a topic declines something.
func (r *run) declines(p proposed, pull forge.Pull) bool {
	return pull.State != forge.PullOpen && !(pull.State == forge.PullClosed && pull.ByUs) && !says(pull, liftedMark(pull)) &&
		!unmuted(pull, r.accepted)
}

// declined reads what people declined by the pull requests of all topics.
func (r *run) declined(all []proposed) mutes {
	m := mutes{ids: map[string]bool{}, kin: map[string][]string{}, topics: map[string]bool{}}
	var heirs []heir
	for _, p := range all {
		for _, pull := range slices.Backward(p.Pulls) {
			if r.lifts(p) || !r.declines(p, pull) {
				continue
			}
			_, n, ok := noteOf(pull.Body)
			if (!ok || len(n.names) == 0 || n.more) && pull.State == forge.PullClosed {
				m.topics[p.topic.Name] = true
			}
			m.take(n, pull.State)
			if pull.State == forge.PullMerged {
				heirs = append(heirs, n.heirs...)
			}
		}
	}
	m.inherit(heirs)
	return m
}

// unmuted reports whether a command took back what a pull request declined; accepted are those that carry no reaction of ours
// yet and hold.
func unmuted(p forge.Pull, accepted map[spoken]bool) bool {
	return slices.ContainsFunc(orders(p), func(c forge.Comment) bool {
		return accepted[spoken{p.Number, c.ID}] || slices.Contains(c.Reacted, forge.ThumbUp)
	})
}

// take adds the findings of a pull request. In a renamed file only what was refused is known again: what was merged
// may be in a file that was always another.
func (m *mutes) take(n note, s forge.PullState) {
	for _, one := range n.names {
		if m.ids[one.id] = true; s == forge.PullClosed {
			m.kin[one.kin] = append(m.kin[one.kin], one.file)
		}
	}
}

// inherit adds what declined findings are called since a pull request of ours changed the words of their instructions.
func (m *mutes) inherit(heirs []heir) {
	for added := true; added; {
		added = false
		for _, h := range heirs {
			if m.ids[h.from] && !m.ids[h.id] {
				m.ids[h.id], added = true, true
				m.kin[h.kin] = append(m.kin[h.kin], h.file)
			}
		}
	}
}

// covers reports whether a finding was declined, in its file or in one that is not there any more and had the same words;
// there are the marks of all Dockerfiles.
func (m mutes) covers(t Topic, f check.Finding, there map[string]bool) bool {
	n := nameOf(f)
	if m.ids[n.id] || m.topics[t.Name] {
		return true
	}
	return slices.ContainsFunc(m.kin[n.kin], func(file string) bool { return !there[file] })
}

// mark is the same for mutes that are the same.
func (m mutes) mark() string {
	var parts []string
	for _, set := range []map[string]bool{m.ids, m.topics} {
		parts = append(parts, strings.Join(slices.Sorted(maps.Keys(set)), ","))
	}
	for _, kin := range slices.Sorted(maps.Keys(m.kin)) {
		parts = append(parts, kin+"="+strings.Join(slices.Compact(slices.Sorted(slices.Values(m.kin[kin]))), ","))
	}
	return hidden.Hash(parts...)
}
