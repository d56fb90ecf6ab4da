package sweep

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/hidden"
	"github.com/lighterman/lighterman/internal/markdown"
)

// The dashboard is an issue of a repository that wants one. It tells how all topics stand, and has boxes. Its body is all
// that there is to know of it: a box that is ticked there is an order, which the next sweep carries out and clears, however it
// came to run. No person but who may push can edit an issue of ours (docs.github.com, "Repository roles for an organization");
// programs can, and are not heard. A person who closes or deletes it has no dashboard.

const dashboardTitle = "Dockerfile dashboard"

// dashboardMarker ends the body.
var dashboardMarker = hidden.Line("dashboard")

// The orders that a box stands for.
const (
	orderNow    = "now"    // open a topic's pull request in spite of all limits
	orderUnmute = "unmute" // propose what was declined of a topic again
	orderSweep  = "sweep"  // look at the repository anew
)

// A dashboard is what is known of the issue in one sweep.
type dashboard struct {
	number int          // 0 when it was never seen
	issue  *forge.Issue // as it was read; nil for none
	orders map[string]bool
}

func (d dashboard) ordered(order, topic string) bool { return d.orders[order+" "+topic] }

// box is a line of the body with a box, and what it is about.
var box = regexp.MustCompile(`^[-*] \[([ xX])\] <!-- lighterman:v1 box=([a-z]{1,10}) ?([A-Za-z0-9._-]{0,100}) -->`)

// fence is a line that begins or ends a code block.
var fence = regexp.MustCompile("^ {0,3}(```+|~~~+)(.*)$")

// ordersOf are the boxes that are ticked in a body. What stands in a code block is no box.
func ordersOf(body string) map[string]bool {
	out := map[string]bool{}
	within := "" // the fence of the code block that a line is in
	for _, line := range strings.Split(strings.ReplaceAll(body, "\r\n", "\n"), "\n") {
		f := fence.FindStringSubmatch(line)
		switch {
		case f != nil && within == "":
			within = f[1]
		case f != nil && strings.HasPrefix(f[1], within) && strings.TrimSpace(f[2]) == "":
			within = ""
		case within != "":
		default:
			if m := box.FindStringSubmatch(line); m != nil && m[1] != " " {
				out[m[2]+" "+m[3]] = true
			}
		}
	}
	return out
}

// heard are the orders of an issue's boxes, none when somebody changed it last who may not give any.
func (s *Sweeper) heard(ctx context.Context, repo forge.Repo, issue *forge.Issue) (map[string]bool, error) {
	orders := ordersOf(issue.Body)
	if len(orders) == 0 || issue.Editor == "" {
		return orders, nil
	}
	if strings.HasSuffix(issue.Editor, "[bot]") {
		return nil, nil
	}
	if may, err := s.Host.MayWrite(ctx, repo, issue.Editor); err != nil || !may {
		return nil, err
	}
	return orders, nil
}

// boxed is a line with a box that is not ticked.
func boxed(order, topic, text string) string {
	return "- [ ] " + hidden.Line(strings.TrimSpace("box="+order+" "+topic)) + text
}

// wantsDashboard reports whether somebody decided that the repository has one.
func (r *run) wantsDashboard() bool {
	return r.sweeps.Dashboard == config.RepositoryDashboard && r.out.Consent == Given
}

// consult reads the dashboard and takes its orders.
func (r *run) consult(ctx context.Context) error {
	if len(r.ask.Families) > 0 || !r.wantsDashboard() && r.dashboard.number == 0 {
		return nil
	}
	issue, err := r.Host.Dashboard(ctx, r.there.Repo, r.dashboard.number, dashboardMarker)
	if errors.Is(err, forge.ErrForbidden) {
		r.out.Undisplayed = err
		return nil
	}
	if r.dashboard.issue = issue; err != nil || issue == nil {
		return err
	}
	r.dashboard.number = issue.Number
	if issue.Open && r.wantsDashboard() {
		r.dashboard.orders, err = r.heard(ctx, r.there.Repo, issue)
	}
	return err
}

// display brings the dashboard up to date, or closes one that nobody wants any more.
func (r *run) display(ctx context.Context) error {
	d := &r.dashboard
	to := forge.IssueDraft{Title: dashboardTitle}
	switch {
	case len(r.ask.Families) > 0 || r.ask.DryRun || r.out.Undisplayed != nil:
		return nil
	case !r.wantsDashboard():
		if d.issue == nil || !d.issue.Open {
			d.number = 0
			return nil
		}
		to = retired(d.issue)
	case d.issue == nil && d.number != 0, d.issue != nil && !d.issue.Open:
		return nil // a person closed or deleted it
	default:
		to.Body = r.board()
		if d.issue != nil && textMark(d.issue.Body) == textMark(to.Body) {
			return nil
		}
		if err := r.keepTicks(ctx, &to); err != nil {
			return err
		}
	}
	opened, err := r.Host.SetDashboard(ctx, r.there.Repo, d.number, to)
	if errors.Is(err, forge.ErrForbidden) {
		r.out.Undisplayed = err
		return nil
	}
	if err != nil {
		return err
	}
	r.out.Written++
	if d.number == 0 {
		d.number = opened
	} else if to.Close {
		d.number = 0
	}
	return nil
}

// retired closes a dashboard that nobody wants any more. Without its marker it is not taken for one that a person closed when a
// dashboard is wanted again: that is a new issue.
func retired(issue *forge.Issue) forge.IssueDraft {
	above, _ := hidden.Tail(issue.Body)
	return forge.IssueDraft{Body: above, Close: true}
}

// keepTicks leaves those boxes ticked that a person ticked while the sweep ran: they are the next one's.
func (r *run) keepTicks(ctx context.Context, to *forge.IssueDraft) error {
	if r.dashboard.number == 0 {
		return nil
	}
	issue, err := r.Host.Dashboard(ctx, r.there.Repo, r.dashboard.number, dashboardMarker)
	if err != nil || issue == nil {
		return err
	}
	fresh, err := r.heard(ctx, r.there.Repo, issue)
	if err != nil {
		return err
	}
	lines := strings.Split(to.Body, "\n")
	for n, line := range lines {
		m := box.FindStringSubmatch(line)
		if m != nil && fresh[m[2]+" "+m[3]] && !r.dashboard.ordered(m[2], m[3]) {
			lines[n] = strings.Replace(line, "[ ]", "[x]", 1)
		}
	}
	to.Body = strings.Join(lines, "\n")
	return nil
}

// lifts reports whether it was ordered to take back what was declined of a topic.
func (r *run) lifts(p proposed) bool { return r.dashboard.ordered(orderUnmute, p.topic.Name) }

// lift takes back what was declined of the topics for which that was ordered. On each pull request that declined something it is
// told, which is how the next sweep knows.
func (r *run) lift(all []proposed) (steps []Step) {
	for _, p := range all {
		if !r.lifts(p) {
			continue
		}
		for _, pull := range p.Pulls {
			if r.declines(p, pull) && len(steps) < maxReactions {
				steps = append(steps, Step{Topic: p.topic.Name, Branch: p.Branch, Act: Answer, Number: pull.Number,
					Motion: forge.Motion{Branch: p.Branch, Tip: p.tip(), Number: pull.Number, Tell: lifted(pull, r.dashboard.issue.Editor)},
					Why:    "somebody ticked on the dashboard to take back what was declined"})
			}
		}
	}
	return steps
}

// displayed is the part of the dashboard in which a topic stands.
type displayed int

const (
	isIdle    displayed = iota // there is nothing to propose
	isOpen                     // its pull request is open
	isTheirs                   // its pull request is a person's
	isWaiting                  // it would be opened were there not enough
	isStuck                    // it cannot be opened
)

// A standing is how a topic stands.
type standing struct {
	topic    string
	part     displayed
	number   int // of its pull request
	fixes    int
	why      string
	declined []int // pull requests of it that a person closed, and that still count
}

// standingOf is how a topic stands after its step.
func standingOf(s Step, fixes int) standing {
	st := standing{topic: s.Topic, number: s.Number, fixes: fixes, why: s.Why}
	stands := s.state.Last == OpenPull && s.Act != Withdraw || s.Done && s.state.opens(s.Act)
	switch {
	case s.Failed != nil:
		st.part, st.why = isStuck, "GitHub does not let lighterman: a permission is missing, or a rule forbids it"
	case stands && (s.state.Tip == ForeignTip || s.state.Flags&(Said|Taken|Reopened|Retargeted) != 0):
		st.part = isTheirs
	case stands:
		st.part = isOpen
	case s.Waits:
		st.part = isWaiting
	case s.state.Flags&Wanted != 0:
		st.part = isStuck
	}
	return st
}

// standings are those of all topics.
func (r *run) standings() (all []standing) {
	for _, p := range r.proposed {
		n := slices.IndexFunc(r.out.Steps, func(s Step) bool { return s.Branch == p.Branch && s.Act != Answer })
		if n < 0 || p.former {
			continue
		}
		st := standingOf(r.out.Steps[n], r.out.Totals.Topics[p.topic.Name].Findings)
		for _, pull := range p.Pulls {
			if pull.State == forge.PullClosed && r.declines(p, pull) && !r.lifts(p) {
				st.declined = append(st.declined, pull.Number)
			}
		}
		all = append(all, st)
	}
	return all
}

// board is the body of the dashboard.
func (r *run) board() string {
	t, rows := r.out.Totals, r.standings()
	head := fmt.Sprintf("What lighterman found on %s, and what became of it: %s in %s, %d of them with a proven fix.",
		markdown.Code(r.there.Branch), counted(t.Findings, "finding"), counted(t.Dockerfiles, "Dockerfile"), t.Fixable)
	part := func(title string, of displayed, line func(standing) string) string {
		var lines []string
		for _, st := range rows {
			if st.part == of {
				lines = append(lines, line(st))
			}
		}
		return section(title, lines)
	}
	var declined, nothing []string
	for _, st := range rows {
		if len(st.declined) > 0 {
			declined = append(declined, boxed(orderUnmute, st.topic, subjects(st.topic).title+": "+numbers(st.declined)))
		}
		if st.part == isIdle && len(st.declined) == 0 {
			nothing = append(nothing, subjects(st.topic).title)
		}
	}
	return markdown.Paragraphs(head,
		part("Open", isOpen, func(st standing) string {
			return fmt.Sprintf("- %s: #%d%s", subjects(st.topic).title, st.number, st.fixing())
		}),
		part("Yours", isTheirs, func(st standing) string {
			return fmt.Sprintf("- %s: #%d (%s)", subjects(st.topic).title, st.number, st.why)
		}),
		part("Waiting: tick what is to be opened now", isWaiting, func(st standing) string {
			return boxed(orderNow, st.topic, fmt.Sprintf("%s%s: %s", subjects(st.topic).title, st.fixing(), st.why))
		}),
		part("Not possible", isStuck, func(st standing) string {
			return fmt.Sprintf("- %s%s: %s", subjects(st.topic).title, st.fixing(), st.why)
		}),
		section("Declined: tick what is to be proposed again", declined),
		idle(nothing),
		section("Not up to date? Tick it", []string{boxed(orderSweep, "", "Look at the repository now")}),
		"<sub>Only who may push can tick. This is written anew whenever something changes; close it, or set `sweeps: {dashboard: "+
			"none}` in `.github/lighterman.yml`, to have no dashboard.</sub>",
		dashboardMarker)
}

// fixing says how many fixes a pull request has, as far as that is known.
func (s standing) fixing() string {
	if s.fixes == 0 {
		return ""
	}
	return " (" + counted(s.fixes, "change") + ")"
}

func section(title string, lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return "### " + title + "\n" + strings.Join(lines, "\n")
}

// idle names the topics of which there is nothing to do.
func idle(titles []string) string {
	if len(titles) == 0 {
		return ""
	}
	return "Nothing to do: " + strings.Join(titles, "; ") + "."
}

// maxNumbers is how many pull requests are named in a line.
const maxNumbers = 10

func numbers(of []int) string {
	var out []string
	for _, n := range of[:min(len(of), maxNumbers)] {
		out = append(out, fmt.Sprintf("#%d", n))
	}
	return strings.Join(out, ", ")
}
