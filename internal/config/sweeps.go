package config

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Sweeps are the pull requests with fixes for the whole repository.
type Sweeps struct {
	// Enabled is false too where nobody decided; Decided tells that apart.
	Enabled  bool
	Decided  bool
	Schedule string // daily, weekly, monthly, or the five fields of cron
	TimeZone string // as time.LoadLocation takes it
	// Quiet are the hours, as in "22:00-06:00" in TimeZone, in which nothing is opened; "" for none.
	Quiet    string
	Families []string
	// TitlePrefix begins titles and commit messages; "" goes by the repository's log.
	TitlePrefix  string
	BranchPrefix string // begins the names of branches
	Labels       []string
	Assignees    []string // logins
	Reviewers    []string // logins, and "team/NAME" for a team of the owner
	Draft        bool
	OpenPulls    int // how many of our pull requests a repository has open at most
	Dashboard    Dashboard
}

// A Dashboard says where an issue shows how sweeps stand.
type Dashboard string

// The dashboards: none, one in each repository, and one in the owner's repository .github for all of them.
const (
	NoDashboard           Dashboard = "none"
	RepositoryDashboard   Dashboard = "repository"
	OrganisationDashboard Dashboard = "organisation"
)

// DefaultBranchPrefix begins the names of branches when nothing else is said.
const DefaultBranchPrefix = "lighterman/"

// defaultOpenPulls is how many of our pull requests a repository has open at most when nothing else is said.
const defaultOpenPulls = 3

// Calm reports whether a moment lies in the quiet hours.
func (s Sweeps) Calm(at time.Time) bool {
	from, to, ok := strings.Cut(s.Quiet, "-")
	zone, err := time.LoadLocation(s.TimeZone)
	if !ok || err != nil {
		return false
	}
	now := at.In(zone).Format("15:04")
	if from <= to {
		return from <= now && now < to
	}
	return now >= from || now < to
}

type sweeps struct {
	Enabled   bool         `key:"enabled" doc:"Whether pull requests with fixes are opened."`
	Schedule  schedule     `key:"schedule" doc:"When: daily, weekly, monthly, or the five fields of cron."`
	TimeZone  timeZone     `key:"time-zone" doc:"The time zone of the schedule, as in Europe/Berlin."`
	Quiet     hours        `key:"quiet-hours" doc:"When no pull request is opened, as in 22:00-06:00 in the time zone."`
	Families  []family     `key:"families" doc:"The kinds of fixes; all when left out."`
	Title     titlePrefix  `key:"title-prefix" doc:"What titles and commit messages begin with; else they go by the log."`
	Branch    branchPrefix `key:"branch-prefix" doc:"What the names of branches begin with."`
	Labels    []label      `key:"labels" doc:"Labels of the pull requests."`
	Assignees []login      `key:"assignees" doc:"Who is assigned to the pull requests."`
	Reviewers []reviewer   `key:"reviewers" doc:"Who is asked for a review: people, or team/NAME."`
	Draft     bool         `key:"draft" doc:"Whether the pull requests are opened as drafts."`
	OpenPulls amount       `key:"open-pulls" doc:"How many of these pull requests are open at once at most."`
	Dashboard board        `key:"dashboard" doc:"Which issue shows how sweeps stand, with boxes that give orders."`
}

// The kinds of values under sweeps.
type (
	hours        string
	titlePrefix  string
	branchPrefix string
	label        string
	login        string
	reviewer     string
	board        string
)

func (board) words() []string {
	return []string{string(NoDashboard), string(RepositoryDashboard), string(OrganisationDashboard)}
}

const hoursForm = `^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$`

var isHours = regexp.MustCompile(hoursForm)

func (hours) form() string { return hoursForm }

func (h hours) rule() string {
	from, to, _ := strings.Cut(string(h), "-")
	if !isHours.MatchString(string(h)) || from == to {
		return fmt.Sprintf("%q are no hours of a day, as in 22:00-06:00", string(h))
	}
	return ""
}

// A title is one line, of which a prefix is a small part.
const titlePrefixForm = `^[^\x00-\x1f\x7f]{1,40}$`

var isTitlePrefix = regexp.MustCompile(titlePrefixForm)

func (titlePrefix) form() string { return titlePrefixForm }

func (p titlePrefix) rule() string {
	if !isTitlePrefix.MatchString(string(p)) {
		return fmt.Sprintf("%q is not one line of 1 to 40 characters", shortened(string(p)))
	}
	return ""
}

// branchPrefixForm takes what git takes (git-check-ref-format) and no more than people write.
const branchPrefixForm = `^[A-Za-z0-9]([A-Za-z0-9_-]|[./][A-Za-z0-9_-]){0,40}/?$`

var isBranchPrefix = regexp.MustCompile(branchPrefixForm)

func (branchPrefix) form() string { return branchPrefixForm }

func (p branchPrefix) rule() string {
	if !isBranchPrefix.MatchString(string(p)) || strings.Contains(string(p), ".lock/") {
		return fmt.Sprintf("%q cannot begin the name of a branch, as in lighterman/ or bot/docker-", shortened(string(p)))
	}
	return ""
}

// GitHub takes labels of 50 characters.
const labelForm = `^[^\x00-\x1f\x7f,]{1,50}$`

var isLabel = regexp.MustCompile(labelForm)

func (label) form() string { return labelForm }

func (l label) rule() string {
	if !isLabel.MatchString(string(l)) {
		return fmt.Sprintf("%q is not a label: 1 to 50 characters, and no comma", shortened(string(l)))
	}
	return ""
}

const loginPattern = `[A-Za-z0-9][A-Za-z0-9_-]{0,38}`

const (
	loginForm    = `^` + loginPattern + `$`
	reviewerForm = `^(team/[A-Za-z0-9_.-]{1,100}|` + loginPattern + `)$`
)

var (
	isLogin    = regexp.MustCompile(loginForm)
	isReviewer = regexp.MustCompile(reviewerForm)
)

func (login) form() string    { return loginForm }
func (reviewer) form() string { return reviewerForm }

func (l login) rule() string {
	if !isLogin.MatchString(string(l)) {
		return fmt.Sprintf("%q is not somebody's login, which is written without @", shortened(string(l)))
	}
	return ""
}

func (r reviewer) rule() string {
	if !isReviewer.MatchString(string(r)) {
		return fmt.Sprintf("%q is neither somebody's login, without @, nor team/NAME", shortened(string(r)))
	}
	return ""
}

// sweepLists are the lists under sweeps.
var sweepLists = []string{"sweeps.families", "sweeps.labels", "sweeps.assignees", "sweeps.reviewers"}

func (c *Config) takeSweeps(s sweeps, set func(key string) bool) {
	is := func(key string) bool { return set("sweeps." + key) }
	into := &c.Sweeps
	if is("enabled") {
		into.Enabled, into.Decided = s.Enabled, true
	}
	if is("draft") {
		into.Draft = s.Draft
	}
	if is("dashboard") {
		into.Dashboard = Dashboard(s.Dashboard)
	}
	if is("open-pulls") {
		into.OpenPulls = int(s.OpenPulls)
	}
	for _, text := range []struct {
		to *string
		is string
	}{
		{&into.Schedule, string(s.Schedule)}, {&into.TimeZone, string(s.TimeZone)}, {&into.Quiet, string(s.Quiet)},
		{&into.TitlePrefix, string(s.Title)}, {&into.BranchPrefix, string(s.Branch)},
	} {
		if text.is != "" {
			*text.to = text.is
		}
	}
	for _, list := range []struct {
		to  *[]string
		key string
		is  []string
	}{
		{&into.Families, "families", plain(s.Families)}, {&into.Labels, "labels", plain(s.Labels)},
		{&into.Assignees, "assignees", plain(s.Assignees)}, {&into.Reviewers, "reviewers", plain(s.Reviewers)},
	} {
		if is(list.key) {
			*list.to = list.is
		}
	}
}

// enabled is sweeps.enabled as it is written, "" where nobody decided.
func (s Sweeps) enabled() string {
	if !s.Decided {
		return ""
	}
	return fmt.Sprint(s.Enabled)
}

// values are what can differ of sweeps, by key.
func (s Sweeps) values() [][2]string {
	return [][2]string{
		{"enabled", s.enabled()}, {"schedule", s.Schedule}, {"time-zone", s.TimeZone}, {"quiet-hours", s.Quiet},
		{"families", flow(s.Families)}, {"title-prefix", s.TitlePrefix}, {"branch-prefix", s.BranchPrefix},
		{"labels", flow(s.Labels)}, {"assignees", flow(s.Assignees)}, {"reviewers", flow(s.Reviewers)},
		{"draft", fmt.Sprint(s.Draft)}, {"open-pulls", fmt.Sprint(s.OpenPulls)}, {"dashboard", string(s.Dashboard)},
	}
}

// sweeps prints what holds for sweeps. A key without value says nothing, as it is where nobody decided.
func (p *printer) sweeps() {
	s := p.c.Sweeps
	p.head(0, "sweeps")
	single := func(key, value string) {
		if value == "" {
			p.line(1, key+":", p.c.origin("sweeps."+key))
			return
		}
		p.value(1, key, value, "sweeps."+key)
	}
	written := func(value string) string {
		if value == "" {
			return ""
		}
		return text(value)
	}
	single("enabled", s.enabled())
	single("schedule", written(s.Schedule))
	single("time-zone", written(s.TimeZone))
	single("quiet-hours", written(s.Quiet))
	p.list(1, "families", s.Families, "sweeps.families")
	single("title-prefix", written(s.TitlePrefix))
	single("branch-prefix", written(s.BranchPrefix))
	p.list(1, "labels", s.Labels, "sweeps.labels")
	p.list(1, "assignees", s.Assignees, "sweeps.assignees")
	p.list(1, "reviewers", s.Reviewers, "sweeps.reviewers")
	single("draft", fmt.Sprint(s.Draft))
	single("open-pulls", fmt.Sprint(s.OpenPulls))
	single("dashboard", string(s.Dashboard))
}
