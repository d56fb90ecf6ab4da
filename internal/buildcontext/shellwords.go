package buildcontext

import "strings"

// A word is one word of a command line.
type word struct {
	phrase
	quoted bool // some of it is in quotes, so that it is one word whatever its variables hold
}

// bare reports whether the word is nothing but variables, and so may be no word or several.
func (w word) bare() bool {
	return !w.quoted && !w.known() && strings.Trim(w.text, hole) == ""
}

// A lexer splits text into command lines, tolerantly: what it is given are pieces of Makefiles, workflows and the like,
// in which the variables of make, GitHub, GitLab and task runners stand, so that a shell's parser would refuse most of
// it. Its time is linear in the text.
type lexer struct {
	text   string
	at     int
	make   bool                               // $(X) is make's variable, and $$ the shell's dollar sign
	value  func(name string) (phrase, bool)   // of a variable
	github func(expression string) phrase     // of ${{ … }}; nil for a hole
	inner  func(script string)                // takes the text of a command substitution
	out    func(separator byte, words []word) // takes a command line, and what stood behind it
	word   word                               // under construction
	any    bool                               // whether there is a word under construction
	words  []word
}

// run reads all of the text.
func (l *lexer) run() {
	for l.at < len(l.text) {
		l.step()
	}
	l.endCommand('\n')
}

func (l *lexer) step() {
	c := l.text[l.at]
	switch {
	case c == '\\' && l.at+1 < len(l.text):
		if l.at += 2; l.text[l.at-1] == '\r' && l.at < len(l.text) {
			l.at++
		} else if l.text[l.at-1] != '\n' {
			l.add(literal(l.text[l.at-1 : l.at]))
		}
	case c == '\'':
		l.single()
	case c == '"':
		l.double()
	case c == '#' && !l.any:
		l.skipTo('\n')
	case strings.IndexByte(" \t\r", c) >= 0:
		l.endWord()
		l.at++
	case strings.IndexByte("\n;&|()", c) >= 0:
		l.at++
		l.endCommand(c)
	case c == '<' || c == '>':
		l.redirection()
	default:
		l.piece("\\'\" \t\r\n;&|()<>")
	}
}

// piece adds a variable, or plain text up to one of the bytes that end it.
func (l *lexer) piece(ends string) {
	if p, ok := l.variable(); ok {
		l.add(p)
		return
	}
	n := 1 + strings.IndexAny(l.text[l.at+1:], ends+"$`{")
	if n == 0 {
		n = len(l.text) - l.at
	}
	l.add(literal(l.text[l.at : l.at+n]))
	l.at += n
}

func (l *lexer) add(p phrase) { l.word.phrase, l.any = l.word.plus(p), true }

// single reads a text in single quotes; make puts its variables in all the same.
func (l *lexer) single() {
	l.at++
	l.word.quoted, l.any = true, true
	for l.at < len(l.text) && l.text[l.at] != '\'' {
		if l.make && l.text[l.at] == '$' || strings.HasPrefix(l.text[l.at:], "${{") {
			l.piece("'")
			continue
		}
		n := 1 + strings.IndexAny(l.text[l.at+1:], "'$")
		if n == 0 {
			n = len(l.text) - l.at
		}
		l.add(literal(l.text[l.at : l.at+n]))
		l.at += n
	}
	l.at++
}

// double reads a text in double quotes.
func (l *lexer) double() {
	l.at++
	l.word.quoted, l.any = true, true
	for l.at < len(l.text) && l.text[l.at] != '"' {
		if l.text[l.at] == '\\' && l.at+1 < len(l.text) {
			if l.at += 2; l.text[l.at-1] != '\n' {
				l.add(literal(l.text[l.at-1 : l.at]))
			}
			continue
		}
		l.piece("\"\\")
	}
	l.at++
}

// redirection passes over an operator and the file behind it.
func (l *lexer) redirection() {
	if strings.Trim(l.word.text, "0123456789") == "" && !l.word.quoted {
		l.word, l.any = word{}, false // 2>
	}
	l.endWord()
	for l.at < len(l.text) && strings.IndexByte("<>&|-", l.text[l.at]) >= 0 {
		l.at++
	}
	l.words = append(l.words, word{phrase: phrase{text: redirected}})
}

// redirected stands before the file of a redirection, until the command ends.
const redirected = "\x01"

func (l *lexer) endWord() {
	if !l.any {
		return
	}
	if n := len(l.words); n > 0 && l.words[n-1].text == redirected {
		l.words = l.words[:n-1]
	} else {
		l.words = append(l.words, l.word)
	}
	l.word, l.any = word{}, false
}

func (l *lexer) endCommand(separator byte) {
	l.endWord()
	l.out(separator, l.words)
	l.words = nil
}

func (l *lexer) skipTo(c byte) {
	n := strings.IndexByte(l.text[l.at:], c)
	if n < 0 {
		n = len(l.text) - l.at
	}
	l.at += n
}

// variable reads what stands for something else: $x, ${x}, $(x), `x`, ${{ x }}, {{ x }}.
func (l *lexer) variable() (phrase, bool) {
	rest := l.text[l.at:]
	switch {
	case strings.HasPrefix(rest, "${{"):
		inner := l.enclosed("${{", "}}")
		if l.github != nil {
			return l.github(inner), true
		}
		return unknownPhrase("${{" + inner + "}}"), true
	case strings.HasPrefix(rest, "{{"):
		return unknownPhrase("{{" + l.enclosed("{{", "}}") + "}}"), true
	case rest[0] == '`':
		l.inner(l.enclosed("`", "`"))
		return unknownPhrase("`…`"), true
	case rest[0] != '$' || len(rest) == 1:
		return phrase{}, false
	case l.make && rest[1] == '$':
		l.at++
		return l.shellVariable()
	case l.make:
		return l.makeVariable(), true
	}
	return l.shellVariable()
}

// enclosed moves behind the closing mark and returns what stands before it.
func (l *lexer) enclosed(begin, end string) string {
	inner, _, ok := strings.Cut(l.text[l.at+len(begin):], end)
	l.at = min(len(l.text), l.at+len(begin)+len(inner)+len(end))
	if !ok {
		l.at = len(l.text)
	}
	return inner
}

func (l *lexer) makeVariable() phrase {
	open := l.text[l.at+1]
	if open != '(' && open != '{' {
		l.at += 2
		return unknownPhrase("$" + string(open))
	}
	inner := l.nested(open, map[byte]byte{'(': ')', '{': '}'}[open])
	if p, ok := l.value(inner); ok {
		return p
	}
	return unknownPhrase("$(" + inner + ")")
}

// nested moves behind the bracket that closes the one after the dollar sign and returns what stands in between.
func (l *lexer) nested(open, closing byte) string {
	start, depth := l.at+2, 0
	for k := l.at + 1; k < len(l.text); k++ {
		switch l.text[k] {
		case open:
			depth++
		case closing:
			depth--
		}
		if depth == 0 {
			l.at = k + 1
			return l.text[start:k]
		}
	}
	l.at = len(l.text)
	return l.text[min(start, len(l.text)):]
}

func (l *lexer) shellVariable() (phrase, bool) {
	rest := l.text[l.at:]
	switch {
	case len(rest) < 2:
		return phrase{}, false
	case rest[1] == '(':
		inner := l.nested('(', ')')
		if strings.TrimSpace(inner) == "pwd" {
			return l.named("PWD", "$(pwd)"), true
		}
		l.inner(inner)
		return unknownPhrase("$(…)"), true
	case rest[1] == '{':
		inner := l.nested('{', '}')
		return l.parameter(inner), true
	}
	k := 1
	for k < len(rest) && nameByte(rest[k]) {
		k++
	}
	if k == 1 {
		if strings.IndexByte("@*#?!-", rest[1]) < 0 {
			return phrase{}, false
		}
		k = 2
	}
	l.at += k
	return l.named(rest[1:k], rest[:k]), true
}

// parameter is ${name}, or ${name:-default} when the name is not known.
func (l *lexer) parameter(inner string) phrase {
	k := 0
	for k < len(inner) && nameByte(inner[k]) {
		k++
	}
	written := "${" + inner + "}"
	if k == len(inner) {
		return l.named(inner, written)
	}
	fallback, ok := strings.CutPrefix(strings.TrimPrefix(inner[k:], ":"), "-")
	if p, known := l.value(inner[:k]); known && ok {
		return p
	}
	if ok && !strings.ContainsAny(fallback, "$`") {
		return literal(strings.Trim(fallback, `"'`))
	}
	return unknownPhrase(written)
}

func (l *lexer) named(name, written string) phrase {
	if p, ok := l.value(name); ok {
		return p
	}
	return unknownPhrase(written)
}
