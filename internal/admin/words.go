package admin

import (
	"fmt"
	"html/template"
	"time"

	"github.com/lighterman/lighterman/internal/queue"
)

// A link is a page in the list of pages.
type link struct{ Path, Title string }

// links are the pages in their order.
func (p *Pages) links() []link {
	return []link{
		{"", "Overview"}, {"pull", "Pull request"}, {"jobs", "Jobs"}, {"deliveries", "Deliveries"},
		{"installations", "Installations"}, {"sweeps", "Sweeps"},
	}
}

// functions are what the templates call.
func (p *Pages) functions() template.FuncMap {
	return template.FuncMap{
		"pages": p.links, "span": span, "when": p.when, "name": nameOf, "outcome": outcome, "short": short,
		"pair": func(j queue.DeadJob, stamp string) any {
			return struct {
				Job   queue.DeadJob
				Stamp string
			}{j, stamp}
		},
	}
}

// span is a time that passed, for people.
func span(d time.Duration) string {
	switch d = d.Abs(); {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

// when is a moment: how far away, and when exactly. Which zone a reader is in is not known without a script.
func (p *Pages) when(t time.Time) template.HTML {
	if t.IsZero() {
		return ""
	}
	utc, away := t.UTC(), p.now().Sub(t)
	rough := "now"
	switch {
	case away >= time.Second:
		rough = span(away) + " ago"
	case away <= -time.Second:
		rough = "in " + span(away)
	}
	layout := "15:04:05"
	if away.Abs() >= 24*time.Hour {
		layout = "2 Jan 15:04"
	}
	if away.Abs() >= 300*24*time.Hour {
		layout = "2 Jan 2006"
	}
	// Nothing of this is anybody's text.
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time> <small>%s UTC</small>`,
		utc.Format(time.RFC3339), rough, utc.Format(layout)))
}

// outcome is what became of a run, for people.
func outcome(o queue.Outcome) string {
	words := map[queue.Outcome]string{
		queue.Finished: "done", queue.Gone: "gone", queue.Limited: "asked to wait", queue.Interrupted: "interrupted",
		queue.MovedOn: "moved on", queue.Failed: "failed", queue.Buried: "failed for good",
	}
	if w := words[o]; w != "" {
		return w
	}
	return string(o)
}

// short is the beginning of a commit's name.
func short(commit string) string { return commit[:min(len(commit), 10)] }
