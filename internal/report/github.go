package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/lighterman/lighterman/internal/check"
)

// GitHub writes v as workflow commands, which GitHub Actions turns into annotations
// (https://docs.github.com/actions/reference/workflow-commands-for-github-actions).
func GitHub(w io.Writer, v View) error {
	out := bufio.NewWriter(w)
	for _, f := range v.Findings {
		message := f.Message
		if len(f.Fixes) > 0 {
			message += "\nFix: " + f.Fixes[0].Title
		}
		fmt.Fprintf(out, "::%s file=%s,line=%d,endLine=%d,title=%s::%s\n", level(f.Check.Severity),
			property(f.Path), f.Line, f.EndLine, property("lighterman "+f.Check.Name), data(message))
	}
	for _, s := range v.Skipped {
		kind := "notice"
		if s.Failed {
			kind = "error"
		}
		fmt.Fprintf(out, "::%s file=%s,line=%d,title=lighterman::%s\n", kind, property(s.Path), max(1, s.Line), data(s.Reason))
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
