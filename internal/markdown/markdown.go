// Package markdown writes what others said into GitHub's Markdown, so that it is shown and not obeyed: no mention, no
// reference, no link, no HTML, no end of a code block that text brings along.
package markdown

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxPhrase bounds in bytes what is taken over from a finding or a fix before it is escaped.
const MaxPhrase = 1000

// apart is a zero-width space. GitHub looks for mentions, issue numbers and the like in the rendered text, where a
// backslash is gone; a character in between is what keeps them from being found.
const apart = "&#8203;"

// Escaped makes Markdown that renders as the words of s and nothing else: no mention, reference, link, image,
// emphasis, mathematics or HTML. White space is one space; control characters and the ends of overlong text are
// dropped.
func Escaped(s string) string { return escapedLine(Clip(OneLine(s), MaxPhrase)) }

func escapedLine(s string) string {
	mark := leadingMark(s)
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '$':
			b.WriteString("&#36;")
		case r == '@' || r == '#':
			b.WriteString(string(r) + apart)
		case r == ':' && strings.HasPrefix(s[i:], "://"):
			b.WriteString("&#58;")
		case r == '.' && endsIn(s[:i], "www"):
			b.WriteString("&#46;")
		case r == '-' && endsIn(s[:i], "gh"):
			b.WriteString("-" + apart)
		case strings.ContainsRune("\\`*_{}[]|~!", r) || i == mark:
			b.WriteString("\\" + string(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// endsIn reports whether s ends in word, in any case.
func endsIn(s, word string) bool {
	return len(s) >= len(word) && strings.EqualFold(s[len(s)-len(word):], word)
}

// leadingMark is the offset of the byte that would make a list item or an underline of the line s, -1 when there
// is none.
func leadingMark(s string) int {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	marks := ".)"
	if digits == 0 {
		marks = "-+="
	}
	if digits < len(s) && strings.IndexByte(marks, s[digits]) >= 0 {
		return digits
	}
	return -1
}

// OneLine is valid UTF-8 with every run of white space made one space and control characters left out.
func OneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(s), " ")
}

// Clip cuts s to at most limit bytes, between characters.
func Clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit - len("…")
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// Code is s as a code span, in which nothing is interpreted.
func Code(s string) string {
	s = Clip(OneLine(s), MaxPhrase)
	if s == "" {
		return ""
	}
	ticks := strings.Repeat("`", longestRun(s)+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return ticks + s + ticks
}

// Fenced is a code block that text cannot end: its fence is longer than any run of backticks in text. Text is
// whole lines.
func Fenced(info, text string) string {
	fence := strings.Repeat("`", max(3, longestRun(text)+1))
	return fence + info + "\n" + text + fence + "\n"
}

// longestRun is the length of the longest run of backticks.
func longestRun(s string) int {
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// Prose is escaped, but for what stands between backticks: that becomes code spans. Whoever's backticks they are,
// what is inside is code and what is outside is escaped.
func Prose(s string) string {
	s = Clip(OneLine(s), MaxPhrase)
	parts := strings.Split(s, "`")
	if len(parts)%2 == 0 {
		return escapedLine(s)
	}
	for n, part := range parts {
		switch {
		case n%2 == 1:
			parts[n] = Code(part)
		case part == "" && n > 0 && n < len(parts)-1:
			parts[n] = apart // backticks that meet would make one span of two
		default:
			parts[n] = escapedLine(part)
		}
	}
	return strings.Join(parts, "")
}

// Sentence is words as prose, with a full stop.
func Sentence(words string) string {
	words = OneLine(words)
	if words == "" || strings.HasSuffix(words, ".") || strings.HasSuffix(words, "?") {
		return Prose(words)
	}
	return Prose(words) + "."
}

// Capital is words with an upper-case first letter.
func Capital(words string) string {
	r, size := utf8.DecodeRuneInString(words)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(r)) + words[size:]
}

// Paragraphs joins the parts that are not empty by an empty line.
func Paragraphs(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p = strings.TrimRight(p, "\n"); p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, "\n\n")
}

// Cell is Prose for a cell of a table, which a bar would end even in a code span: a span with one is not made code.
func Cell(s string) string {
	parts := strings.Split(OneLine(s), "`")
	if len(parts)%2 == 0 {
		return Prose(s)
	}
	for n := 1; n < len(parts); n += 2 {
		if strings.Contains(parts[n], "|") {
			return escapedLine(Clip(OneLine(s), MaxPhrase))
		}
	}
	return Prose(s)
}

// CodeCell is Code for a cell of a table.
func CodeCell(s string) string {
	if strings.Contains(s, "|") {
		return Escaped(s)
	}
	return Code(s)
}
