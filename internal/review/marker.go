package review

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/hidden"
)

// A marker is what a comment of ours remembers of itself, in an HTML comment at the body's very end. It names the
// finding and hashes the text; neither words of the Dockerfile nor line numbers are in it.
type marker struct {
	id    string // hash of the finding's identity
	text  string // hash of what was said
	lines int    // how many lines the comment stands on; 0 in a summary
}

var markerLine = regexp.MustCompile(
	`^<!-- lighterman:v1 id=([0-9a-f]{16}) text=([0-9a-f]{16})(?: lines=([1-9][0-9]{0,6}))? -->$`)

func (m marker) String() string {
	if m.lines == 0 {
		return fmt.Sprintf("<!-- lighterman:v1 id=%s text=%s -->", m.id, m.text)
	}
	return fmt.Sprintf("<!-- lighterman:v1 id=%s text=%s lines=%d -->", m.id, m.text, m.lines)
}

// An answer is what a comment of ours says, at its body's very end, of the command that it answers: the comment that the
// command stands in, so that none is answered twice; and of one in a review, which takes no emoji, what became of it.
type answer struct {
	to    string // as named gives it
	emoji forge.Emoji
}

var answerLine = regexp.MustCompile(`^<!-- lighterman:v1 answer=((?:review-)?[1-9][0-9]{0,18})(?: (done|refused))? -->$`)

// named is the name of a comment in our answers.
func named(c forge.Comment) string {
	if c.Review {
		return fmt.Sprintf("review-%d", c.ID)
	}
	return strconv.FormatInt(c.ID, 10)
}

func answerMark(c forge.Comment, done bool) string {
	word := ""
	switch {
	case c.Review && done:
		word = " done"
	case c.Review:
		word = " refused"
	}
	return fmt.Sprintf("<!-- lighterman:v1 answer=%s%s -->", named(c), word)
}

// answered reads which command a comment answers; ok is false when it is none of our answers.
func answered(c forge.Comment) (a answer, ok bool) {
	if !c.Ours {
		return answer{}, false
	}
	return answerIn(c.Body)
}

func answerIn(body string) (a answer, ok bool) {
	body = strings.TrimRight(body, "\r\n \t")
	m := answerLine.FindStringSubmatch(body[strings.LastIndexByte(body, '\n')+1:])
	if m == nil {
		return answer{}, false
	}
	emojis := map[string]forge.Emoji{"done": forge.ThumbUp, "refused": forge.Confused}
	return answer{m[1], emojis[m[2]]}, true
}

// markersOf reads the markers at the end of a body. Only the unbroken run of last lines counts: what stands above
// it may come from a Dockerfile and look like a marker.
func markersOf(body string) []marker {
	_, lines := hidden.Tail(body)
	var out []marker
	for n := len(lines) - 1; n >= 0; n-- {
		m := markerLine.FindStringSubmatch(hidden.Line(lines[n]))
		if m == nil {
			break
		}
		count, _ := strconv.Atoi(m[3])
		out = append([]marker{{id: m[1], text: m[2], lines: count}}, out...)
	}
	return out
}

var lineNumber = regexp.MustCompile(`\blines? \d+`)

// unnumbered is a body with the line numbers of its sentences left out; code is kept as it is. A push that only moves
// lines must not look like something new to say.
func unnumbered(body string) string {
	said, block, _ := strings.Cut(body, "\n```")
	return lineNumber.ReplaceAllString(said, "line") + block
}

// short is the hash of the parts in markers.
func short(parts ...string) string { return hidden.Hash(parts...) }
