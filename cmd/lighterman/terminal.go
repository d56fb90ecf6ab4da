package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

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

// progress shows how far a long run has come, on one line of a terminal; elsewhere it writes nothing.
func progress(w io.Writer, total int) (step func(what string), end func()) {
	if !terminal(w) || total < 10 {
		return func(string) {}, func() {}
	}
	n := 0
	step = func(what string) {
		n++
		fmt.Fprintf(w, "\r\x1b[K%d of %d  %.60s", n, total, what)
	}
	return step, func() { fmt.Fprint(w, "\r\x1b[K") }
}

// quiet is the log of commands that speak through their output: only what went wrong.
func quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(redact.NewWriter(os.Stderr), &slog.HandlerOptions{Level: slog.LevelError}))
}
