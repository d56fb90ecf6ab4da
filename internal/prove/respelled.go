package prove

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/pattern"
)

// respelled: instruction by instruction the file says the same, by a list of spellings that are known to mean the
// same, and every stage is built the same.
func respelled() predicate {
	return predicate{
		read:  readRespelled,
		text:  (*change).sameSayings,
		image: func(_ *change, b, a image) error { return equal(b, a) },
	}
}

// readRespelled parses both files. Any instruction may differ, FROM too, so the window is all of the file.
func readRespelled(c check.Case) (*change, error) {
	ch, err := parse(c)
	if err != nil {
		return nil, err
	}
	ch.stage = 0
	for _, s := range ch.before.Stages {
		if s.Windows() {
			return nil, errors.New("a stage is for Windows")
		}
	}
	for _, holds := range []func() error{ch.head, ch.lineEnds} {
		if err := holds(); err != nil {
			return nil, err
		}
	}
	return ch, nil
}

// sameSayings compares the files instruction by instruction, and byte by byte what stands between them.
func (c *change) sameSayings() error {
	b, a := c.before.Instructions, c.after.Instructions
	if len(b) != len(a) {
		return errors.New("an instruction is added or removed")
	}
	endB, endA := 0, 0
	for k := range b {
		if c.before.Text(dockerfile.Span{Start: endB, End: b[k].Span.Start}) !=
			c.after.Text(dockerfile.Span{Start: endA, End: a[k].Span.Start}) {
			return fmt.Errorf("what stands above line %d differs", b[k].Line())
		}
		endB, endA = b[k].Span.End, a[k].Span.End
		if !sameText(b[k], a[k]) {
			if err := c.sameSaying(b[k], a[k]); err != nil {
				return fmt.Errorf("line %d %w", b[k].Line(), err)
			}
		}
	}
	if string(c.Before[endB:]) != string(c.After[endA:]) {
		return errors.New("what stands below the last instruction differs")
	}
	return nil
}

// sameSaying compares two instructions that are written differently.
func (c *change) sameSaying(b, a *dockerfile.Instruction) error {
	if b.Keyword != a.Keyword || b.Keyword == "ONBUILD" {
		return errors.New("has another instruction")
	}
	if !slices.Equal(commentsOf(b), commentsOf(a)) {
		return errors.New("has other comments")
	}
	sameDoc := func(x, y dockerfile.Heredoc) bool {
		return x.Name == y.Name && x.Content == y.Content && x.Expand == y.Expand && x.Chomp == y.Chomp
	}
	if !slices.EqualFunc(b.Heredocs, a.Heredocs, sameDoc) {
		return errors.New("has another here-document")
	}
	if !slices.Equal(c.flagsSay(b), c.flagsSay(a)) {
		return errors.New("has other flags")
	}
	if !c.bodiesSay(b, a) {
		return errors.New("says something else")
	}
	return nil
}

// flagsSay are the flags in a spelling that is the same for those that mean the same.
func (c *change) flagsSay(i *dockerfile.Instruction) []string {
	var out []string
	for _, fl := range i.Flags {
		value := fl.Value
		switch {
		case i.Keyword == "FROM" && fl.Name == "platform" && c.redundant(value):
			continue
		case i.Keyword == "COPY" && fl.Name == "from":
			value = c.stageName(value)
		case i.Keyword == "RUN" && fl.Name == "mount":
			fields := strings.Split(value, ",")
			for k, field := range fields {
				if from, ok := strings.CutPrefix(field, "from="); ok {
					fields[k] = "from=" + c.stageName(from)
				}
			}
			value = strings.Join(fields, ",")
		}
		out = append(out, fl.Name+"="+value)
	}
	return out
}

// stageName is a name in lower case if it is a stage's: BuildKit looks stages up so (dispatchStates.findStateByName).
func (c *change) stageName(name string) string {
	for _, s := range c.before.Stages {
		if s.Name != "" && strings.EqualFold(s.Name, name) {
			return s.Name
		}
	}
	return name
}

// redundant reports whether a platform is the one that FROM takes without a flag: the target's, by the variable that
// BuildKit sets, and that neither the file nor a build sets in its place.
func (c *change) redundant(platform string) bool {
	if platform != "$TARGETPLATFORM" && platform != "${TARGETPLATFORM}" {
		return false
	}
	for _, i := range c.before.Args {
		for _, w := range i.Words {
			if !plainName.MatchString(w.Text) || strings.HasPrefix(w.Text, "TARGETPLATFORM") {
				return false
			}
		}
	}
	for _, b := range c.Builds {
		if _, ok := b.Args["TARGETPLATFORM"]; ok {
			return false
		}
	}
	return true
}

// plainName matches an ARG whose name is written without quotes or escapes.
var plainName = pattern.New(`^[A-Za-z_]\w*(=.*)?$`)

// bodiesSay reports whether what follows the flags means the same.
func (c *change) bodiesSay(b, a *dockerfile.Instruction) bool {
	if b.Text() == a.Text() {
		return true
	}
	switch b.Keyword {
	case "FROM":
		return len(b.Words) == 3 && len(a.Words) == 3 && b.Words[0].Text == a.Words[0].Text &&
			strings.EqualFold(b.Words[1].Text, a.Words[1].Text) && strings.EqualFold(b.Words[2].Text, a.Words[2].Text)
	case "EXPOSE":
		return slices.EqualFunc(b.Words, a.Words, func(x, y dockerfile.Word) bool {
			return x.Text == y.Text || samePort(x.Text, y.Text)
		})
	case "ENV", "LABEL":
		key, value, ok := oldPair(b)
		key2, value2, ok2 := newPair(a)
		return ok && ok2 && key == key2 && value == value2
	}
	return false
}

// literalPort matches "[address:][host port:]port[/protocol]" as BuildKit reads it (portSpecs.parsePort), and keeps the
// port and the protocol.
var literalPort = pattern.New(
	`^(?:(?:\[?[0-9A-Fa-f.:]*\]?:)?[0-9-]*:)?(\d+(?:-\d+)?)(?:/((?i:tcp|udp|sctp)))?$`)

func samePort(b, a string) bool {
	x, y := literalPort.FindStringSubmatch(b), literalPort.FindStringSubmatch(a)
	return x != nil && y != nil && x[1] == y[1] && strings.EqualFold(x[2], y[2])
}

// oldPair reads "ENV key value" as a key and what the value is made of.
func oldPair(i *dockerfile.Instruction) (key, value string, ok bool) {
	text := i.Text()
	at := strings.IndexAny(text, " \t")
	if at < 0 {
		return "", "", false
	}
	value, ok = expands(strings.TrimLeft(text[at:], " \t\v\f\r"))
	return text[:at], value, ok && plainLabel.MatchString(text[:at])
}

// newPair reads "ENV key=value".
func newPair(i *dockerfile.Instruction) (key, value string, ok bool) {
	if len(i.Words) != 1 || i.Words[0].Text != i.Text() {
		return "", "", false
	}
	key, value, ok = strings.Cut(i.Text(), "=")
	if !ok || !plainLabel.MatchString(key) {
		return "", "", false
	}
	value, ok = expands(value)
	return key, value, ok
}

// plainLabel matches a key that is neither quoted nor expanded.
var plainLabel = pattern.New(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// expands takes the quotes off a value and marks the variables in it, so that two values with the same result are the
// same whatever the variables hold (shell.Lex). It knows three shapes, of literal text and plain variables: without
// any quotes, all within one pair of double quotes, and, without variables, all within one pair of single quotes.
func expands(value string) (string, bool) {
	if strings.ContainsAny(value, "\\`\x00\r\n") {
		return "", false
	}
	inner := value
	switch {
	case len(value) >= 2 && value[0] == '\'' && value[len(value)-1] == '\'':
		inner = value[1 : len(value)-1]
		return inner, !strings.Contains(inner, "'")
	case len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"':
		inner = value[1 : len(value)-1]
	case strings.Contains(value, "'"), strings.Contains(value, "<<"):
		return "", false
	}
	if strings.Contains(inner, `"`) {
		return "", false
	}
	marked := anyVariable.ReplaceAllString(inner, "\x00$1$2\x00")
	return marked, !strings.Contains(marked, "$")
}

var anyVariable = pattern.New(`\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))`)
