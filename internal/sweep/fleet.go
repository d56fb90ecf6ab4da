package sweep

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/hidden"
	"github.com/lighterman/lighterman/internal/markdown"
)

// A Member is a repository as the dashboard of its owner shows it.
type Member struct {
	Name   string // without the owner
	Page   string // its web page
	Totals Totals
	Open   int    // pull requests of sweeps that are open
	Waits  int    // pull requests that would be opened were there not too many
	Why    string // why nothing is opened there; "" when it is
}

// A Fleet is the dashboard of an owner: an issue of one repository about all of theirs.
type Fleet struct {
	Home    forge.Repo // where the issue is
	Number  int        // of the issue; 0 when it was never seen
	Wanted  bool       // else the issue is closed
	Members []Member   // those that whoever may read Home may know of
}

// fleetMarker ends the body of the dashboard of an owner.
var fleetMarker = hidden.Line("organisation")

// maxFleet bounds in bytes what is said of all members together.
const maxFleet = 55_000

// Display brings the dashboard of an owner up to date, and returns the number of the issue, 0 for none. The names of members
// whose boxes are ticked go to act, and the boxes are cleared when that gave no error. A person who closed or deleted the issue
// has none. The error is forge.ErrForbidden when the host does not let us have issues. No two processes may do so at once.
func (s *Sweeper) Display(ctx context.Context, f Fleet, act func(names []string) error) (number int, err error) {
	issue, err := s.Host.Dashboard(ctx, f.Home, f.Number, fleetMarker)
	if err != nil {
		return f.Number, err
	}
	to := forge.IssueDraft{Title: dashboardTitle + " of " + f.Home.Owner, Body: f.board()}
	switch {
	case !f.Wanted && (issue == nil || !issue.Open):
		return 0, nil
	case issue == nil && f.Number != 0:
		return f.Number, nil
	case issue == nil:
		return s.Host.SetDashboard(ctx, f.Home, 0, to)
	case !f.Wanted:
		_, err = s.Host.SetDashboard(ctx, f.Home, issue.Number, retired(issue))
		return 0, err
	case !issue.Open:
		return issue.Number, nil
	}
	orders, err := s.heard(ctx, f.Home, issue)
	if err != nil {
		return issue.Number, err
	}
	if names := f.ordered(orders); len(names) > 0 {
		if err := act(names); err != nil {
			return issue.Number, err
		}
	}
	if textMark(issue.Body) != textMark(to.Body) {
		_, err = s.Host.SetDashboard(ctx, f.Home, issue.Number, to)
	}
	return issue.Number, err
}

// ordered are the members whose boxes are ticked.
func (f Fleet) ordered(orders map[string]bool) (names []string) {
	for _, m := range f.Members {
		if orders[orderSweep+" "+m.Name] {
			names = append(names, m.Name)
		}
	}
	return names
}

// board is the body of the dashboard: those first that have most to gain.
func (f Fleet) board() string {
	all := slices.Clone(f.Members)
	slices.SortFunc(all, func(a, b Member) int {
		return cmp.Or(cmp.Compare(b.Totals.Fixable, a.Totals.Fixable), strings.Compare(a.Name, b.Name))
	})
	var total Totals
	var lines, quiet []string
	left, unsaid := maxFleet, 0
	for _, m := range all {
		total.Findings += m.Totals.Findings
		total.Fixable += m.Totals.Fixable
		total.Dockerfiles += m.Totals.Dockerfiles
		line := boxed(orderSweep, m.Name, m.line())
		switch left -= len(line) + 1; {
		case left < 0:
			unsaid++
		case m.Totals.Findings == 0 && m.Open == 0:
			quiet = append(quiet, line)
		default:
			lines = append(lines, line)
		}
	}
	more := ""
	if len(quiet) > 0 {
		more = markdown.Paragraphs(fmt.Sprintf("<details><summary>%s without findings</summary>", markdown.Capital(repositories(len(quiet)))),
			strings.Join(quiet, "\n"), "</details>")
	}
	if unsaid > 0 {
		more = markdown.Paragraphs(more, fmt.Sprintf("%s did not fit here.", markdown.Capital(repositories(unsaid))))
	}
	return markdown.Paragraphs(
		fmt.Sprintf("What lighterman found in %s, and what became of it: %s in %s, %d of them with a proven fix.",
			repositories(len(all)), counted(total.Findings, "finding"), counted(total.Dockerfiles, "Dockerfile"), total.Fixable),
		section("Tick a repository to have it looked at", lines), more,
		"<sub>Only who may push here can tick. This is brought up to date within the hour; close it, or set `sweeps: {dashboard: "+
			"none}` in the configuration of this repository, to have no dashboard.</sub>",
		fleetMarker)
}

// line is what is said of a member.
func (m Member) line() string {
	parts := []string{fmt.Sprintf("%d of %s with a fix", m.Totals.Fixable, counted(m.Totals.Findings, "finding"))}
	if m.Totals.Findings == 0 {
		parts[0] = "nothing found in " + counted(m.Totals.Dockerfiles, "Dockerfile")
	}
	if m.Open > 0 {
		parts = append(parts, fmt.Sprintf("[%d open](%s/pulls)", m.Open, m.Page))
	}
	if m.Waits > 0 {
		parts = append(parts, fmt.Sprintf("%d waiting", m.Waits))
	}
	if m.Why != "" {
		parts = append(parts, markdown.Prose(markdown.Clip(m.Why, 100)))
	}
	return fmt.Sprintf("[%s](%s): %s", markdown.Escaped(m.Name), m.Page, strings.Join(parts, ", "))
}
