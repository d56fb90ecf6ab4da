// Package redact keeps credentials out of what is written down.
//
// Errors and log lines are written so that no credential is in them; this is the second line of defence, for what a
// library or a code host puts into its words. Text knows credentials by their shape. A Writer, which stands below the
// log, also knows those of this process by heart, whatever they look like.
package redact

import (
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// mark stands for what was there.
const mark = "[redacted]"

// shapes are credentials that are known by what they look like: GitHub's tokens of all kinds (installations' in three
// shapes: v1. and ghs_ with letters, and since 2026 ghs_<APPID>_<JWT>), JSON web tokens, private keys, the password in
// an address or a database's settings, and the header that carries a token. Letters between the lines of a key are those
// of a log's quoting.
var shapes = []struct {
	shape *regexp.Regexp
	to    string
}{
	{regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?(-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)`), mark},
	{regexp.MustCompile(`gh[a-z]_[A-Za-z0-9._-]{20,}|github_pat_[A-Za-z0-9_]{20,}`), mark},
	{regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?`), mark},
	{regexp.MustCompile(`v1\.[0-9a-f]{40}`), mark},
	{regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://[^\s/@:"']*:)[^\s/@"']+@`), "${1}" + mark + "@"},
	{regexp.MustCompile(`(?i)\b((?:ssl)?password=)('[^']*'|[^\s&"'\\]+)`), "${1}" + mark},
	{regexp.MustCompile(`(?i)\b((?:bearer|basic) )[A-Za-z0-9._~+/=-]{16,}`), "${1}" + mark},
}

// Text is s without what looks like a credential.
func Text(s string) string {
	for _, one := range shapes {
		s = one.shape.ReplaceAllString(s, one.to)
	}
	return s
}

// minWord is the shortest secret that is known by heart: shorter ones are parts of other words, which would tell them.
const minWord = 6

// A Writer passes on what is written to it, without credentials. Each Write is one line of a log, which slog's handlers
// promise; it may be used from any goroutine.
type Writer struct {
	next io.Writer

	mu    sync.Mutex
	words []string // the longest first
}

// NewWriter writes to next.
func NewWriter(next io.Writer) *Writer { return &Writer{next: next} }

// Know makes words secret from here on.
func (w *Writer) Know(words ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, word := range words {
		if word = strings.TrimSpace(word); len(word) < minWord {
			continue
		}
		w.words = append(w.words, forms(word)...)
	}
	slices.SortFunc(w.words, func(a, b string) int { return len(b) - len(a) })
	w.words = slices.Compact(w.words)
}

// forms are how a word stands in a line: as it is, and quoted as slog's two handlers do and as other JSON is.
func forms(word string) []string {
	quoted := strconv.Quote(word)
	out := []string{word, quoted[1 : len(quoted)-1]}
	for _, html := range []bool{true, false} {
		var text strings.Builder
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(html)
		if err := e.Encode(word); err == nil {
			out = append(out, text.String()[1:text.Len()-2])
		}
	}
	return out
}

// Write implements io.Writer. It reports the length of p, whatever became of it.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := string(p)
	for _, word := range w.words {
		text = strings.ReplaceAll(text, word, mark)
	}
	if text = Text(text); text != "" && !strings.HasSuffix(text, "\n") && strings.HasSuffix(string(p), "\n") {
		text += "\n"
	}
	if _, err := io.WriteString(w.next, text); err != nil {
		return 0, err
	}
	return len(p), nil
}
