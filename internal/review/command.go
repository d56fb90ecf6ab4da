package review

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/markdown"
	"github.com/lighterman/lighterman/internal/pattern"
)

// Commands are asked for in comments on a pull request, in the bodies of reviews and in review threads. GitHub is the
// memory here too: a command is settled when its comment carries our thumb up, or our confused face, and it was answered
// when a comment of ours names it. A review takes no emoji (there is none in the REST interface), so there the answer
// settles it. Whatever is not settled is carried out by the next review, whether or not its webhook ever came.

// summons begins a command.
const summons = "/lighterman"

// ignoring is the command that dismisses, and unmuting the one that takes back what closing a pull request of a sweep
// declined. The latter is carried out by the next sweep, which reads our thumb up on it.
const (
	ignoring = "ignore"
	unmuting = "unmute"
)

// A command is what can be asked for.
type command struct {
	name   string
	takes  takes
	shows  string // what it takes, as the help shows it
	does   string
	writes bool // it is for those who may push to the repository
}

// takes says which words may follow a command.
type takes int

const (
	nothingMore takes = iota
	oneCheck
	manyChecks
	reasons // a check, "inline", and why
)

// commands are all that there are, in the order of the help.
func commands() []command {
	return []command{
		{"help", nothingMore, "", "list the commands", false},
		{"review", nothingMore, "", "look at the pull request again, in a new check run", true},
		{"fix", manyChecks, "[check…]", "push one commit with the proven fixes: all, or those of the checks", true},
		{ignoring, reasons, "[check] [inline] [because …]",
			"dismiss the finding of the thread, or all of a check on this pull request; `inline` also offers the comment " +
				"line that keeps it dismissed in the file", true},
		{"explain", oneCheck, "[check]", "tell what a check is about, or in a thread what was found and proven", false},
		{unmuting, nothingMore, "", "on a closed pull request of a sweep: what it held may be proposed again", true},
		{"config", nothingMore, "", "show the configuration in effect, and where each value comes from", true},
	}
}

func commandNames() []string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return names
}

// An order is a command as somebody wrote it.
type order struct {
	command
	comment forge.Comment
	thread  *forge.Thread // where it stands; nil on the pull request itself
	line    string        // the command as written
	checks  []string      // as written
	inline  bool
	because string
	wrong   string // why it cannot be understood, as Markdown; "" when it can
}

// maxOrder is how many bytes of a command are read.
const maxOrder = 500

// codeBlock matches what makes the first line of a comment code (GitHub Flavored Markdown, indented code blocks).
var codeBlock = pattern.New(`^(\s*\n)?( {4}| {0,3}\t)`)

// parse reads the first line of a comment. ok is false when it is no command of ours.
func parse(body string) (o order, ok bool) {
	line, _, _ := strings.Cut(strings.TrimSpace(body), "\n")
	rest, ok := strings.CutPrefix(line, summons)
	if codeBlock.MatchString(body) {
		ok = false
	}
	if first, _ := utf8.DecodeRuneInString(rest); !ok || rest != "" && !unicode.IsSpace(first) {
		return order{}, false
	}
	o.line = markdown.OneLine(markdown.Clip(line, maxOrder))
	words := strings.Fields(o.line)[1:]
	if len(words) == 0 {
		words = []string{"help"}
	}
	n := slices.IndexFunc(commands(), func(c command) bool { return strings.EqualFold(c.name, words[0]) })
	if n < 0 {
		o.wrong = fmt.Sprintf("There is no command %s%s", markdown.Code(words[0]), nearest(words[0], commandNames()))
		return o, true
	}
	o.command = commands()[n]
	o.read(words[1:])
	return o, true
}

// nearest ends a sentence about an unknown word with the one that was probably meant.
func nearest(word string, known []string) string {
	if near := config.Nearest(word, known); near != "" {
		return "; did you mean " + markdown.Code(near) + "?"
	}
	return "."
}

// read takes in the words that follow the command.
func (o *order) read(words []string) {
	if o.takes == reasons {
		words = o.readReasons(words)
	}
	for _, word := range words {
		for _, name := range strings.Split(word, ",") {
			if name != "" {
				o.checks = append(o.checks, name)
			}
		}
	}
	switch {
	case o.takes == nothingMore && len(words) > 0:
		o.wrong = fmt.Sprintf("%s takes nothing more.", markdown.Code(summons+" "+o.name))
	case o.takes == reasons && len(o.checks) > 1:
		o.wrong = fmt.Sprintf("%s takes one check; a reason begins with `because`.", markdown.Code(summons+" "+o.name))
	case o.takes == oneCheck && len(o.checks) > 1:
		o.wrong = fmt.Sprintf("%s takes one check.", markdown.Code(summons+" "+o.name))
	}
}

// readReasons takes "inline" and the reason out of the words.
func (o *order) readReasons(words []string) []string {
	if n := slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, "because") }); n >= 0 {
		o.because, words = strings.Join(words[n+1:], " "), words[:n]
	}
	n := slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, "inline") })
	if n < 0 {
		return words
	}
	o.inline = true
	return slices.Delete(slices.Clone(words), n, n+1)
}

const (
	// maxOrders is how many commands one review carries out; more wait for the next.
	maxOrders = 20
	// maxStrangers is how many commands on a pull request are looked at within an hour, but for those of people who may
	// push. Each takes a write or two, of which an installation has 500 an hour for everything.
	maxStrangers = 30
)

// orders are the commands that are not settled, oldest first.
func orders(st *forge.Standing) []order {
	var all []order
	for _, c := range heard(st) {
		if o, ok := parse(c.comment.Body); ok && waiting(c.comment) {
			o.comment, o.thread = c.comment, c.thread
			all = append(all, o)
		}
	}
	slices.SortStableFunc(all, func(a, b order) int { return a.comment.Made.Compare(b.comment.Made) })
	return all
}

// turn are the orders that one review carries out: first those of people who may push. What strangers ask for in a review
// waits while there is no answer left for it, which alone would settle it.
func (k known) turn(st *forge.Standing, now time.Time) []order {
	var first, rest []order
	left := repliesLeft(st, now)
	for _, o := range orders(st) {
		switch {
		case o.writes && k.writes(o.comment.Author):
			first = append(first, o)
		case o.comment.Review && left <= 0:
		default:
			if o.comment.Review {
				left--
			}
			rest = append(rest, o)
		}
	}
	all := append(first, rest[:min(len(rest), welcome(st, now))]...)
	return all[:min(len(all), maxOrders)]
}

// welcome is how many commands of strangers may be looked at now.
func welcome(st *forge.Standing, now time.Time) int {
	left := maxStrangers
	for _, c := range heard(st) {
		if _, ok := parse(c.comment.Body); ok && judged(c.comment) && now.Sub(c.comment.Made) < time.Hour {
			left--
		}
	}
	return max(left, 0)
}

// judged reports whether a comment carries our word on a command.
func judged(c forge.Comment) bool {
	return slices.Contains(c.Reacted, forge.ThumbUp) || slices.Contains(c.Reacted, forge.Confused)
}

// waiting reports whether a comment may be a command that nobody settled yet. One that was edited is none: what it says
// now may be somebody else's words, or come long after everybody read it.
func waiting(c forge.Comment) bool {
	return person(c) && !c.Edited && !judged(c)
}

// person reports whether a person wrote a comment.
func person(c forge.Comment) bool {
	return !c.Ours && c.Author != "" && !strings.HasSuffix(c.Author, "[bot]")
}

// around are the comments among which an order stands.
func (o order) around(st *forge.Standing) []forge.Comment {
	if o.thread != nil {
		return o.thread.Comments
	}
	return st.Comments
}

// begins is the first comment of the thread in which an order stands, 0 on the pull request itself.
func (o order) begins() int64 {
	if o.thread == nil {
		return 0
	}
	return o.thread.Comments[0].ID
}

// finding is the thread in which an order stands, if that tells a finding.
func (o order) finding() (t posted, ok bool) {
	if o.thread == nil {
		return posted{}, false
	}
	return tells(*o.thread)
}
