package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/lighterman/lighterman/fixes"
	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/sweep"
	"github.com/lighterman/lighterman/internal/sweep/stock"
)

//go:embed sweep.html
var sweepText string

//go:embed sweep.css
var sweepStyle string

// SweepMark is what a sweep's page calls itself, in its head.
const SweepMark = `<meta name="generator" content="lighterman sweep">`

// How much the page shows; the JSON has the rest.
const (
	shownBars         = 12
	shownRepositories = 1000
	shownPassed       = 200
	shownUnread       = 50
)

var sweepPage = template.Must(template.New("sweep").Funcs(template.FuncMap{
	"style":  func() template.CSS { return template.CSS(look + sweepStyle) },
	"policy": sweepPolicy,
	"mark":   func() template.HTML { return template.HTML(SweepMark) },
	"number": func(n int) string { return humanize.Comma(int64(n)) },
	"bytes":  func(n int64) string { return humanize.Bytes(uint64(max(0, n))) },
	"noun":   many,
	"share":  share,
	"page":   pageOf,
	"effect": func(t sweep.Topic) string { return effects[t.Name] },
	"proven": func(f stock.FamilySum, class string) int { return f.Proven[fixes.Class(class)] },
	"rest":   func(all, some int) int { return all - some },
	"clean":  clean,
	"why":    why,
	"web":    web,
	"ticked": func(text string) []string { return strings.Split(text, "`") },
	"odd":    func(n int) bool { return n%2 == 1 },
}).Parse(sweepText))

// sweepPolicy lets the page have its own style, and nothing else.
func sweepPolicy() string {
	sum := sha256.Sum256([]byte(look + sweepStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'"
}

// effects say what the fixes of a topic do for those who build or run the image.
var effects = map[string]string{
	string(check.Caching):      "steps stay cached, and what they downloaded is there the next time",
	string(check.SmallerImage): "caches, package lists and deleted files are not stored in the image",
	"multi-stage":              "the program ships alone, without what it was built with",
	string(check.NonRoot):      "the image, or a part of its build, no longer runs as root",
	string(check.Pinning):      "what is built tomorrow is what is built today",
	string(check.Context):      "less of the repository goes into the build",
	string(check.Hygiene):      "programs that stop when they are told to, steps that fail when a part does, plain spelling",
}

// why is the reason why a repository was passed over, in words.
func why(r sweep.Reason) string {
	switch r {
	case sweep.TooLarge:
		return "too large to be listed"
	case sweep.Misconfigured:
		return "with a configuration that cannot be used"
	}
	return string(r)
}

// A sweepView is the page's sweep with all that is drawn.
type sweepView struct {
	At      time.Time
	Version string
	stock.Stock
	Gains, ByCheck, Spread, Worst, Richest plot
	Repositories                           []stock.Entry // those that were looked at, the most findings first
	Left                                   int           // how many more there are
	Mergeable                              int           // repositories in which there is something to merge
	PassedOver                             []stock.Entry
	PassedLeft                             int
	Unreadable                             []unread
	UnreadLeft                             int
}

// unread is a file that could not be looked at.
type unread struct {
	Repository string
	check.Skip
}

// SweepHTML writes a sweep as one page that needs nothing else and runs nothing.
func SweepHTML(w io.Writer, s Sweep) error {
	var out bytes.Buffer
	if err := sweepPage.Execute(&out, viewOf(s)); err != nil {
		return fmt.Errorf("write the page of a sweep: %w", err)
	}
	_, err := w.Write(out.Bytes())
	return err
}

func viewOf(s Sweep) sweepView {
	t := s.Stock
	v := sweepView{
		At: s.At, Version: s.Version, Stock: t,
		Gains:   bars("gains", "Fixes that a merge would make, by what they are for", gainBars(t.Merges)),
		ByCheck: bars("checks", "Findings by check, those with a proven fix first", checkBars(t.Checks)),
		Spread:  columns("spread", "How many repositories have how many findings", binBars(t.Spread)),
		Worst: bars("worst", "The repositories with the most findings", entryBars(t.Worst(shownBars), func(e stock.Entry) bar {
			return split(e.Findings(), e.Fixable())
		})),
		Richest: bars("richest", "The repositories in which a merge would fix the most", entryBars(t.Richest(shownBars),
			func(e stock.Entry) bar { return single(e.Fixes(), many(e.Fixes(), "fix"), "fix") })),
	}
	v.list(t)
	return v
}

// list fills in what is listed.
func (v *sweepView) list(t stock.Stock) {
	for _, e := range t.Entries {
		if e.Passed != "" {
			v.PassedOver = append(v.PassedOver, e)
			continue
		}
		v.Repositories = append(v.Repositories, e)
		if e.Fixes() > 0 {
			v.Mergeable++
		}
		for _, s := range e.Skips {
			if s.Failed {
				v.Unreadable = append(v.Unreadable, unread{e.Name, s})
			}
		}
	}
	slices.SortStableFunc(v.Repositories, func(a, b stock.Entry) int { return b.Findings() - a.Findings() })
	v.Repositories, v.Left = upTo(v.Repositories, shownRepositories)
	v.PassedOver, v.PassedLeft = upTo(v.PassedOver, shownPassed)
	v.Unreadable, v.UnreadLeft = upTo(v.Unreadable, shownUnread)
}

// upTo is the first n of a list, and how many more there are.
func upTo[T any](all []T, n int) (some []T, left int) {
	n = min(n, len(all))
	return all[:n], len(all) - n
}

func gainBars(merges []stock.MergeSum) (out []bar) {
	for _, m := range merges {
		out = append(out, single(m.Fixes, many(m.Fixes, "fix"), "fix"))
		out[len(out)-1].Label = m.Topic.Name
	}
	return out
}

func checkBars(sums []stock.CheckSum) (out []bar) {
	for _, c := range sums[:min(shownBars, len(sums))] {
		b := split(c.Findings, c.Fixable())
		b.Label = c.Check.Name
		out = append(out, b)
	}
	return out
}

func binBars(bins []stock.Bin) (out []bar) {
	for _, b := range bins {
		one := single(b.Repositories, humanize.Comma(int64(b.Repositories)), "sum")
		switch {
		case b.To < b.From:
			one.Label = fmt.Sprintf("%d+", b.From)
		case b.To == b.From:
			one.Label = fmt.Sprint(b.From)
		default:
			one.Label = fmt.Sprintf("%d–%d", b.From, b.To)
		}
		out = append(out, one)
	}
	return out
}

func entryBars(entries []stock.Entry, draw func(stock.Entry) bar) (out []bar) {
	for _, e := range entries {
		b := draw(e)
		b.Label = clean(e.Name)
		out = append(out, b)
	}
	return out
}

// split is a bar of all, of which some have a fix.
func split(all, some int) bar {
	return bar{
		Value: fmt.Sprintf("%s of %s", humanize.Comma(int64(some)), humanize.Comma(int64(all))),
		Parts: []part{{some, "fix"}, {all - some, "rest"}},
	}
}

func single(n int, value, class string) bar { return bar{Value: value, Parts: []part{{n, class}}} }

// web is an address that a page may lead to, "" for any other.
func web(address string) string {
	if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return address
}

// many is Counted with a number that people can read when it is a large one.
func many(n int, noun string) string {
	return strings.Replace(Counted(n, noun), fmt.Sprint(n), humanize.Comma(int64(n)), 1)
}

// share is some of all in per cent.
func share(some, all int) string {
	if all == 0 {
		return "0 %"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(some)/float64(all))
}
