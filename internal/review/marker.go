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

// An answer to a command names the comment that it stands in, so that none is answered twice.
var answerLine = regexp.MustCompile(`^<!-- lighterman:v1 answer=([1-9][0-9]{0,18}) -->$`)

func answerMark(comment int64) string {
	return fmt.Sprintf("<!-- lighterman:v1 answer=%d -->", comment)
}

// answered is the comment that one of ours answers.
func answered(c forge.Comment) (comment int64, ok bool) {
	body := strings.TrimRight(c.Body, "\r\n \t")
	m := answerLine.FindStringSubmatch(body[strings.LastIndexByte(body, '\n')+1:])
	if !c.Ours || m == nil {
		return 0, false
	}
	comment, err := strconv.ParseInt(m[1], 10, 64)
	return comment, err == nil
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
