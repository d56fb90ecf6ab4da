package ecosystem

import (
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/pattern"
)

// A rubyToken is one token of a Ruby program that only declares things.
type rubyToken struct {
	// kind is 's' string, 'v' string with variables in it, ':' symbol, 'k' key, 'i' identifier, 'n' number, 'w' words,
	// 'p' other.
	kind byte
	text string // without quotes and colons
}

// rubySkip matches what stands between tokens; a line end is a token.
var rubySkip = pattern.New(`^([ \t\r]+|#[^\n]*|\\\r?\n)`)

// rubyForms are the tokens that are known, the first match counts. Escapes, expressions in strings, commands, patterns
// and here-documents are not among them.
var rubyForms = []struct {
	kind byte
	form *pattern.Pattern
}{
	{'p', pattern.New(`^\n`)}, // first: a line end is the last character of what is looked at
	{'k', pattern.New(`^([a-z_]\w*):(?:[ \t\n]|$)`)},
	{'k', pattern.New(`^["']([\w-]+)":(?:[ \t\n]|$)`)},
	{'s', pattern.New(`^'([^'\\\n]*)'`)},
	{'s', pattern.New(`^"([^"\\\n#]*(?:#[^{$@"\\\n][^"\\\n#]*)*)"`)},
	{'v', pattern.New(`^"((?:[^"\\\n#]|#\{\w+\})*)"`)},
	{':', pattern.New(`^:([A-Za-z_]\w*[?!]?)`)},
	{'w', pattern.New(`^%[wi](?:\[([\w\s.-]*)\]|\(([\w\s.-]*)\)|\{([\w\s.-]*)\})`)},
	{'i', pattern.New(`^[A-Za-z_]\w*[?!]?`)},
	{'n', pattern.New(`^\d[\d._]*`)},
	{'p', pattern.New(`^(?:=>|==|!=|>=|<=|&&|\|\||[(),.=\[\]{}|!?:<>;])`)},
}

// maxTokens bounds how many tokens of a program are looked at.
const maxTokens = 50_000

// rubyTokens takes a program apart; ok is false when a part of it is not known.
func rubyTokens(text string) (out []rubyToken, ok bool) {
	for text != "" {
		if strings.IndexByte(" \t\r#\\", text[0]) >= 0 {
			skip := rubySkip.FindString(text)
			if text = text[len(skip):]; skip != "" {
				continue
			}
			return nil, false
		}
		t, n := rubyTokenAt(text)
		if n == 0 || len(out) == maxTokens {
			return nil, false
		}
		out, text = append(out, t), text[n:]
	}
	return out, true
}

// rubyTokenAt is the token at the beginning of a text, and how long it is.
func rubyTokenAt(text string) (rubyToken, int) {
	if k := strings.IndexByte(text, '\n'); k >= 0 && text[0] != '%' {
		text = text[:k+1] // only lists of words go on
	}
	for _, f := range rubyForms {
		m := f.form.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		word := m[0]
		if len(m) > 1 {
			word = strings.Join(m[1:], "")
		}
		n := len(m[0])
		if f.kind == 'k' && strings.ContainsAny(m[0][n-1:], " \t\n") {
			n-- // the white space behind a key
		}
		return rubyToken{f.kind, word}, n
	}
	return rubyToken{}, 0
}

// rubyStatements parts a program at its line ends, other than those inside brackets and behind a comma.
func rubyStatements(tokens []rubyToken) [][]rubyToken {
	var out [][]rubyToken
	var now []rubyToken
	depth := 0
	for _, t := range tokens {
		switch {
		case t.kind == 'p' && strings.Contains("([{", t.text):
			depth++
		case t.kind == 'p' && strings.Contains(")]}", t.text):
			depth--
		}
		ends := t.kind == 'p' && (t.text == ";" || t.text == "\n" && depth <= 0 && !goesOn(now))
		if !ends {
			if t.kind != 'p' || t.text != "\n" {
				now = append(now, t)
			}
			continue
		}
		if len(now) > 0 {
			out, now = append(out, now), nil
		}
	}
	if len(now) > 0 {
		out = append(out, now)
	}
	return out
}

// goesOn reports whether the next line belongs to a statement.
func goesOn(statement []rubyToken) bool {
	if len(statement) == 0 {
		return false
	}
	last := statement[len(statement)-1]
	return last.kind == 'p' && slices.Contains([]string{",", "=>", "=", "&&", "||", "."}, last.text) || last.kind == 'k'
}

// shape is a statement with its values left out: "gem s , k s".
func shape(statement []rubyToken) string {
	var out []string
	for _, t := range statement {
		switch t.kind {
		case 'i', 'p':
			out = append(out, t.text)
		default:
			out = append(out, string(t.kind))
		}
	}
	return strings.Join(out, " ")
}
