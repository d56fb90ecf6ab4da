package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/term"

	"github.com/lighterman/lighterman/internal/redact"
)

// terminal reports whether w is a terminal that takes colours (https://no-color.org).
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// colourWords are the values of --color.
var colourWords = []string{"auto", "always", "never"}

// colours reports whether to write colours: as --color says, else on a terminal unless NO_COLOR is set.
func colours(w io.Writer, flag string) bool {
	return flag == "always" || flag != "never" && terminal(w) && os.Getenv("NO_COLOR") == ""
}

// progress shows how far a long run has come, on one line of a terminal; elsewhere, and for a few files, it writes nothing.
func progress(w io.Writer, total int) (step func(what string), end func()) {
	if total < 10 {
		return func(string) {}, func() {}
	}
	return gauged(w, total)
}

// gauged is progress for what takes its time, however few there are. Several may step at a time.
func gauged(w io.Writer, total int) (step func(what string), end func()) {
	if !terminal(w) || total == 0 {
		return func(string) {}, func() {}
	}
	var mu sync.Mutex
	n := 0
	show := func(what string) {
		fmt.Fprintf(w, "\r\x1b[K%s %d of %d  %.40s", gauge(n, total, 24), n, total, shown(what))
	}
	step = func(what string) {
		mu.Lock()
		defer mu.Unlock()
		n++
		show(what)
	}
	show("")
	return step, func() { fmt.Fprint(w, "\r\x1b[K") }
}

// gauge draws n of total as a bar of a width.
func gauge(n, total, width int) string {
	full := width * min(n, total) / max(1, total)
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}

// shown is text for a terminal: a name may hold what moves its cursor.
func shown(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}

// quiet is the log of commands that speak through their output: only what went wrong.
func quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(redact.NewWriter(os.Stderr), &slog.HandlerOptions{Level: slog.LevelError}))
}
