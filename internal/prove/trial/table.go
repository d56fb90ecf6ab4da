package trial

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// maxListed is how many unexpected differences the text lists; the JSON has them all.
const maxListed = 10

// Write writes reports as a table for people, and below it what did not agree.
func Write(w io.Writer, reports []*Report) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "FILE\tCHECK\tIMAGE\tSTEPS AGAIN\tREBUILD\tDIFFERS\tVERDICT")
	for _, r := range reports {
		for _, x := range r.Results {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Path, x.Check, Sizes(r.Before, x.After), Steps(r.Before, x.After),
				Seconds(r.Before, x.After), count(x), x.Verdict)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, r := range reports {
		r.explain(w)
	}
	return nil
}

// Sizes are the compressed sizes before and after.
func Sizes(b, a Figures) string { return pair(megabytes(b.Size), megabytes(a.Size)) }

func megabytes(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// Steps are how many steps ran again before and after, "" when that was not measured.
func Steps(b, a Figures) string {
	if b.Rebuild == nil || a.Rebuild == nil {
		return ""
	}
	return pair(fmt.Sprint(len(b.Reruns)), fmt.Sprint(len(a.Reruns)))
}

// Seconds are how long the rebuild took before and after, "" when that was not measured.
func Seconds(b, a Figures) string {
	if b.Rebuild == nil || a.Rebuild == nil {
		return ""
	}
	return pair(fmt.Sprintf("%.1f s", *b.Rebuild), fmt.Sprintf("%.1f s", *a.Rebuild))
}

func pair(b, a string) string {
	switch {
	case b == "" && a == "":
		return ""
	case b == "":
		return "→ " + a
	case a == "":
		return b + " →"
	}
	return b + " → " + a
}

func count(x Result) string {
	if x.Failed != "" {
		return ""
	}
	return fmt.Sprint(x.Differences)
}

// explain says how the file was built and what did not go as promised.
func (r *Report) explain(w io.Writer) {
	fmt.Fprintf(w, "\n%s (%s", r.Path, r.Build)
	if r.Touched != "" {
		fmt.Fprintf(w, "; rebuilt after a change to %s", r.Touched)
	}
	fmt.Fprintf(w, "; noise: %d)\n", r.Noise)
	if r.Failed != "" {
		fmt.Fprintf(w, "  before: %s\n", indent(r.Failed))
	}
	for _, x := range r.Results {
		x.explain(w)
	}
}

func (x Result) explain(w io.Writer) {
	fmt.Fprintf(w, "  %s: %s. Expected to differ: %s. %s.\n", x.Check, x.Title, x.Expected, x.Verdict)
	if x.Failed != "" {
		fmt.Fprintf(w, "    %s\n", indent(x.Failed))
	}
	if x.Program != "" {
		fmt.Fprintf(w, "    the program: %s\n", x.Program)
	}
	for _, l := range x.Lacking {
		fmt.Fprintf(w, "    lacking: %s\n", l)
	}
	for n, d := range x.Unexpected {
		if n == maxListed {
			fmt.Fprintf(w, "    and %d more\n", len(x.Unexpected)-n)
			break
		}
		fmt.Fprintf(w, "    unexpected: %s\n", d)
	}
}

// String says in one line what differs.
func (d Difference) String() string {
	switch d.What {
	case added, removed:
		return d.Path + " " + d.What
	case content:
		return d.Path + " has other content"
	case config:
		return fmt.Sprintf("config.%s: %s, was %s", d.Path, d.After, d.Before)
	}
	return fmt.Sprintf("%s has %s %s, was %s", d.Path, d.What, d.After, d.Before)
}

func indent(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n      ") }
