package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/queue"
)

// hostile is what people may get into our rows.
const hostile = `"><script>alert(1)</script><a href='javascript:x'>&`

// filled is a shelf with so many of everything, each with words that others wrote.
func filled(n int) *shelf {
	s := &shelf{depth: queue.Depth{Waiting: n, Dead: n, Oldest: time.Duration(n) * time.Minute}}
	at := time.Now().Add(-time.Hour)
	for i := range n {
		repo := forge.Repo{Installation: 7, Owner: "acme" + hostile, Name: fmt.Sprint("shop", i)}
		ref := forge.Ref{Repo: repo, Number: i + 1}
		s.counts = append(s.counts, queue.DayCount{Day: at, Count: queue.Count{Name: "root-user" + hostile, What: "shown", N: 3}})
		s.live = append(s.live, queue.LiveJob{ID: int64(i), Ref: ref, State: queue.Delayed, At: at, Attempts: 1, Error: hostile})
		s.dead = append(s.dead, queue.DeadJob{ID: int64(i), Ref: ref, Attempts: 12, Error: hostile, At: at})
		s.reports = append(s.reports, queue.Report{Ref: ref, At: at, Took: time.Second, Outcome: queue.Finished, Job: "1",
			Head: "0123456789abcdef", Posted: []string{hostile}, Why: hostile, Error: hostile, Delivery: hostile})
		s.received = append(s.received, queue.Received{GUID: "g" + hostile, Event: hostile, Action: hostile, Subject: hostile, At: at, Kept: true})
		s.sent = append(s.sent, forge.Sent{ID: int64(i), GUID: hostile, Event: hostile, Action: hostile, At: at, Status: i % 2 * 202})
		s.accounts = append(s.accounts, forge.Installation{ID: 7, Account: hostile, Kind: hostile, Page: "javascript:alert(1)", Suspended: true})
		s.reached = append(s.reached, forge.Listed{Repo: repo, Private: true, Archived: true, Fork: true})
		s.repos = append(s.repos, queue.Repository{Listed: queue.Listed{Repo: repo, Skip: hostile}, Due: at, Job: "running"})
	}
	s.known = queue.Known{Live: s.live[:min(n, 1)], Dead: s.dead, Received: s.received, Told: hostile}
	return s
}

var everyPage = []string{"", "pull", "pull?q=acme/shop%231", "pull?q=" + url.QueryEscape(hostile), "jobs", "deliveries", "deliveries?failed=1",
	"installations", "repositories?installation=7", "sweeps"}

// load asks for a page with the token.
func load(p *Pages, path string) (int, string) {
	r := get(path)
	r.Header.Set("Authorization", "Bearer "+token)
	w := send(p, r)
	return w.Code, w.Body.String()
}

// TestEveryPageTakesAnyWords: with none, one and many rows, whatever others wrote is words and nothing else.
func TestEveryPageTakesAnyWords(t *testing.T) {
	for _, n := range []int{0, 1, 150} {
		p := newPages(t, filled(n), func(o *Options) {
			o.Notes = func() []string { return []string{hostile} }
			o.Rates = func() []Rate { return []Rate{{7, hostile, 1, 5000, time.Now().Add(time.Hour)}} }
		})
		for _, path := range everyPage {
			code, body := load(p, path)
			if code != http.StatusOK || !strings.HasSuffix(body, "</html>\n") {
				t.Errorf("%d rows, %s: %d", n, path, code)
			}
			for _, never := range []string{"<script", "<a href='", `href="javascript`} {
				if strings.Contains(body, never) {
					t.Errorf("%d rows, %s: the page has %s", n, path, never)
				}
			}
			if n > 0 && path != "pull" && !strings.Contains(body, "&lt;script&gt;") {
				t.Errorf("%d rows, %s: what others wrote is not shown", n, path)
			}
		}
	}
}

// TestWhatCannotBeReadIsSaid without the error, which may tell more than a page should.
func TestWhatCannotBeReadIsSaid(t *testing.T) {
	p := newPages(t, &shelf{err: errors.New("dial postgres://me:hunter2@db")})
	for _, path := range everyPage {
		code, body := load(p, path)
		if strings.Contains(body, "hunter2") || code == http.StatusOK && !strings.Contains(body, "log says why") &&
			!strings.HasPrefix(path, "pull") {
			t.Errorf("%s: %d\n%s", path, code, body)
		}
	}
	limited := newPages(t, &shelf{}, func(o *Options) { o.Host = host{&shelf{err: &forge.LimitError{Err: errors.New("403")}}} })
	if _, body := load(limited, "installations"); !strings.Contains(body, "GitHub asks to wait") {
		t.Error(body)
	}
}

// TestButtonsDoWhatTheySay: each does its one thing, and leads back to a page that says so.
func TestButtonsDoWhatTheySay(t *testing.T) {
	s := &shelf{known: queue.Known{Ref: forge.Ref{Repo: forge.Repo{Installation: 7, Owner: "Acme", Name: "shop"}, Number: 3}}}
	p := newPages(t, s)
	c := signedIn(t, p)
	for _, b := range []struct {
		path, field, value, deed, to string
	}{
		{"replay", "id", "9", "replay 9", "jobs?said=replayed"},
		{"look", "q", "https://github.com/acme/shop/pull/3/files", "look Acme/shop#3", "pull?q=Acme%2Fshop%233&said=asked"},
		{"again", "guid", "abc", "again abc", "deliveries?said=again"},
		{"fetch", "id", "8", "fetch 8", "deliveries?said=again"},
	} {
		s.deeds = nil
		r := post(b.path, url.Values{b.field: {b.value}, "stamp": {p.entry.stamp(visitor{proof: "session " + c.Value})}})
		r.AddCookie(c)
		w := send(p, r)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != b.to || len(s.deeds) != 1 || s.deeds[0] != b.deed {
			t.Errorf("%s: %d %v, did %q", b.path, w.Code, w.Header(), s.deeds)
		}
		if _, body := load(p, b.to); !strings.Contains(body, `role="status"`) {
			t.Errorf("%s: nothing is said afterwards", b.path)
		}
	}
	for path, field := range map[string]string{"replay": "id", "fetch": "id", "look": "q"} {
		s.deeds = nil
		r := post(path, url.Values{field: {"acme/shop"}})
		r.Header.Set("Authorization", "Bearer "+token)
		if w := send(p, r); w.Code < 400 || len(s.deeds) > 0 {
			t.Errorf("%s of nonsense: %d, did %q", path, w.Code, s.deeds)
		}
	}
}

// TestTheHostIsAskedOnceAMinute however often pages are loaded, and sooner after it did not answer.
func TestTheHostIsAskedOnceAMinute(t *testing.T) {
	s := &shelf{}
	p := newPages(t, s)
	now := time.Now()
	p.now = func() time.Time { return now }
	ask := func(want int) {
		t.Helper()
		load(p, "installations")
		if s.asked != want {
			t.Errorf("asked %d times, want %d", s.asked, want)
		}
	}
	ask(1)
	ask(1)
	now = now.Add(hostLife)
	s.err = errors.New("no")
	ask(2)
	ask(2)
	now = now.Add(missLife)
	ask(3)
}

// TestNamesOfPulls: how people write down a pull request.
func TestNamesOfPulls(t *testing.T) {
	hash := strings.Repeat("a1", 20)
	for text, want := range map[string]string{
		"acme/shop#12": "acme/shop#12", " acme/shop#12 ": "acme/shop#12", "acme/shop/12": "acme/shop#12",
		"https://github.com/acme/shop/pull/12": "acme/shop#12", "https://ghe.corp/acme/s.h_op/pull/12/files?w=1#r3": "acme/s.h_op#12",
		"acme/shop@" + hash: "acme/shop@" + hash, "acme/shop": "acme/shop",
		"acme/shop#0": "", "shop#1": "", "": "", "acme/shop#x": "", "https://x/acme/shop/issues/1": "", "acme/shop#1234567890": "", "a/b c#1": "",
	} {
		ref, ok := parsePull(text)
		if got := nameOf(ref); ok != (want != "") || ok && got != want {
			t.Errorf("%q is %q, %t; want %q", text, got, ok, want)
		}
	}
}

// TestWhyNothingWasPosted: for every way in which it may stand there is a sentence, and the right one.
func TestWhyNothingWasPosted(t *testing.T) {
	live := func(s queue.JobState, err string) queue.Known {
		return queue.Known{Live: []queue.LiveJob{{State: s, Error: err}}}
	}
	for want, c := range map[string]struct {
		r        queue.Report
		reported bool
		k        queue.Known
	}{
		"looked at now":                {queue.Report{}, false, live(queue.Running, "")},
		"waits for its turn":           {queue.Report{}, false, live(queue.Waiting, "")},
		"GitHub asked for fewer":       {queue.Report{Outcome: queue.Limited}, true, live(queue.Delayed, "")},
		"tried again by itself":        {queue.Report{Outcome: queue.Failed}, true, live(queue.Delayed, "no")},
		"put off for a moment":         {queue.Report{Outcome: queue.Finished}, true, live(queue.Delayed, "")},
		"put aside":                    {queue.Report{Outcome: queue.Buried}, true, queue.Known{Dead: []queue.DeadJob{{}}}},
		"replayed or removed":          {queue.Report{Outcome: queue.Buried}, true, queue.Known{}},
		"none of them asked":           {queue.Report{}, false, queue.Known{Received: []queue.Received{{}}}},
		"Nothing is known":             {queue.Report{}, false, queue.Known{}},
		"cannot be reached":            {queue.Report{Outcome: queue.Gone}, true, queue.Known{}},
		"came to no end":               {queue.Report{Outcome: queue.Interrupted}, true, queue.Known{}},
		"An older head":                {queue.Report{Outcome: queue.Finished, Head: "a"}, true, queue.Known{Told: "b"}},
		"something was written":        {queue.Report{Outcome: queue.Finished, Head: "a", Posted: []string{"x"}}, true, queue.Known{Told: "a"}},
		"The reason is below":          {queue.Report{Outcome: queue.Finished, Why: "draft"}, true, queue.Known{}},
		"there was nothing new to say": {queue.Report{Outcome: queue.Finished}, true, queue.Known{}},
	} {
		if got := why(c.r, c.reported, c.k); !strings.Contains(got.Short, want) {
			t.Errorf("got %q, want %q", got.Short, want)
		}
	}
}

// TestAcceptance sums up days, and takes nothing else for an outcome.
func TestAcceptance(t *testing.T) {
	day := func(name, what string, n int) queue.DayCount {
		return queue.DayCount{Count: queue.Count{Name: name, What: what, N: n}}
	}
	a := acceptanceOf([]queue.DayCount{day("b", "shown", 3), day("b", "applied", 1), day("b", "shown", 5), day("b", "by_hand", 2),
		day("a", "shown", 10), day("a", "applied", 12), day("a", "declined", 1), day("c", "told", 9), day("d", "suppressed duplicate", 9)})
	if len(a.Checks) != 2 || a.Checks[0] != (Taken{"a", 10, 12, 0, 1}) || a.Checks[1] != (Taken{"b", 8, 1, 2, 0}) ||
		a.All != (Taken{"", 18, 13, 2, 1}) {
		t.Errorf("%+v", a)
	}
	if b := a.Checks[1]; b.Rate() != 13 || b.Also() != 25 || a.Checks[0].Rate() != 100 || a.Checks[0].Also() != 0 {
		t.Errorf("%d %d", b.Rate(), b.Also())
	}
}
