package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/lighterman/lighterman/internal/check"
)

// maxAnnotations is how many annotations of one kind GitHub makes of a step's output; those behind them are in the log
// only (https://docs.github.com/rest/checks/runs, actions/toolkit's docs/problem-matchers.md).
const maxAnnotations = 10

// GitHub writes v as workflow commands, which GitHub Actions turns into annotations
// (https://docs.github.com/actions/reference/workflow-commands-for-github-actions). Where there are more than it
// shows, a last line of the log says so.
func GitHub(w io.Writer, v View) error {
	out := bufio.NewWriter(w)
	kinds := map[string]int{}
	for _, f := range v.Findings {
		message := f.Message
		if len(f.Fixes) > 0 {
			message += "\nFix: " + f.Fixes[0].Title
		}
		kinds[level(f.Check.Severity)]++
		fmt.Fprintf(out, "::%s file=%s,line=%d,endLine=%d,title=%s::%s\n", level(f.Check.Severity),
			property(f.Path), f.Line, f.EndLine, property("lighterman "+f.Check.Name), data(message))
	}
	for _, s := range v.Skipped {
		kind := "notice"
		if s.Failed {
			kind = "error"
		}
		kinds[kind]++
		fmt.Fprintf(out, "::%s file=%s,line=%d,title=lighterman::%s\n", kind, property(s.Path), max(1, s.Line), data(s.Reason))
	}
	for _, kind := range []string{"error", "warning", "notice"} {
		if n := kinds[kind]; n > maxAnnotations {
			fmt.Fprintf(out, "%s; GitHub shows the first %d of a kind as annotations, the others only in this log\n",
				Counted(n, kind), maxAnnotations)
		}
	}
	return out.Flush()
}

func level(s check.Severity) string {
	return map[check.Severity]string{check.Info: "notice", check.Warning: "warning", check.Error: "error"}[s]
}

// data and property escape as the toolkit does (actions/toolkit, packages/core/src/command.ts).
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func property(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
