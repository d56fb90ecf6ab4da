package review

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/markdown/markdowntest"
)

func TestCommandsAreReadStrictly(t *testing.T) {
	for body, want := range map[string]string{
		"/lighterman help":                                 "help [] false ``",
		"/lighterman":                                      "help [] false ``",
		"/lighterman Review\r\nand some words":             "review [] false ``",
		"/lighterman fix":                                  "fix [] false ``",
		"/lighterman fix copy-order, root-user DL3020":     "fix [copy-order root-user DL3020] false ``",
		"/lighterman ignore":                               "ignore [] false ``",
		"/lighterman ignore because it is inline":          "ignore [] false `it is inline`",
		"/lighterman ignore copy-order inline because a b": "ignore [copy-order] true `a b`",
		"/lighterman explain copy-order":                   "explain [copy-order] false ``",
		"/lighterman\tconfig":                              "config [] false ``",
		"/lighterman config please":                        "config [please] false `` `/lighterman config` takes nothing more.",
		"/lighterman ignore we need it":                    "ignore [we need it] false `` `/lighterman ignore` takes one check; a reason begins with `because`.",
		"/lighterman explain a b":                          "explain [a b] false `` `/lighterman explain` takes one check.",
		"/lighterman expalin":                              " [] false `` There is no command `expalin`; did you mean `explain`?",
		"/lighterman @ann":                                 " [] false `` There is no command `@ann`.",
		"/lighterman2 help":                                "none",
		"/lightermanhelp":                                  "none",
		"\n  /lighterman help":                             "help [] false ``",
		"    /lighterman help":                             "none",
		"\n\n  \t/lighterman help\nis code":                "none",
		"   /lighterman help":                              "help [] false ``",
		"see /lighterman help":                             "none",
		"> /lighterman help":                               "none",
		"thanks\n/lighterman help":                         "none",
		"":                                                 "none",
	} {
		got := "none"
		if o, ok := parse(body); ok {
			got = strings.TrimSpace(fmt.Sprintf("%s %v %t `%s` %s", o.name, o.checks, o.inline, o.because, o.wrong))
			got, want = strings.TrimSpace(got), strings.TrimSpace(want)
		}
		if got != want {
			t.Errorf("%q is read as %q, want %q", body, got, want)
		}
	}
}

func TestALongCommandIsCut(t *testing.T) {
	o, ok := parse("/lighterman ignore because " + strings.Repeat("é", 10_000))
	if !ok || len(o.line) > maxOrder || len(o.because) > maxOrder {
		t.Errorf("%d bytes of reason, %d of line, ok %t", len(o.because), len(o.line), ok)
	}
}

const guilty = "FROM node\nADD . .\nUSER node\n"

// commandDesk is a pull request with one finding in a thread, and a check run.
func commandDesk(t *testing.T) *desk {
	t.Helper()
	d := checkDesk(nil, map[string]string{"Dockerfile": guilty})
	d.mustReview(t, Published, adds, rootly)
	if len(d.threads) != 1 {
		t.Fatalf("threads %+v", d.threads)
	}
	return d
}

// reacted is which of our emojis are on a comment.
func (d *desk) reacted(id int64) string {
	var out []string
	for _, r := range heard(d.standing()) {
		for _, e := range r.comment.Reacted {
			if r.comment.ID == id {
				out = append(out, string(e))
			}
		}
	}
	return strings.Join(out, " ")
}

// replies are our answers to a comment, without their marker.
func (d *desk) replies(id int64) []string {
	var out []string
	for _, c := range heard(d.standing()) {
		if a, ok := answered(c.comment); ok && a.to == named(*d.comment(id)) {
			out = append(out, strings.TrimSpace(strings.TrimSuffix(c.comment.Body, answerMark(*d.comment(id), a.emoji == forge.ThumbUp))))
		}
	}
	return out
}

func TestCommandsAreAnsweredOnce(t *testing.T) {
	for body, want := range map[string]struct {
		by, emoji, reply string
		elsewhere        bool // on the pull request itself
	}{
		"/lighterman help":                      {by: "joe", emoji: "+1", reply: "| `/lighterman explain [check]` | tell what"},
		"/lighterman explain":                   {by: "joe", emoji: "+1", reply: "**Use COPY.** Proven: builds the same image.\n\nThe file was changed in a copy"},
		"/lighterman explain DL3020":            {by: "joe", emoji: "confused", reply: "No check is called `DL3020`."},
		"/lighterman explain root-usr":          {by: "joe", emoji: "confused", reply: "No check is called `root-usr`; did you mean `root-user`?"},
		"/lighterman config":                    {by: "ann", emoji: "+1", reply: "fail-on: warning"},
		"/lighterman config ":                   {by: "joe", emoji: "confused", reply: notAllowed},
		"/lighterman review":                    {by: "ann", emoji: "+1"},
		"/lighterman ignore":                    {by: "ann", emoji: "+1"},
		"/lighterman ignore because":            {by: "joe", emoji: "confused", reply: notAllowed},
		"/lighterman review ":                   {by: "joe", emoji: "confused", reply: notAllowed},
		"/lighterman fix":                       {by: "joe", emoji: "confused", reply: notAllowed},
		"/lighterman ignore root-user":          {by: "ann", emoji: "confused", reply: "This thread is about `add-for-local-files`; `/lighterman ignore root-user` on the"},
		"/lighterman fix root-user":             {by: "ann", emoji: "confused", reply: "There is nothing to fix."},
		"/lighterman hlep":                      {by: "joe", emoji: "confused", reply: "There is no command `hlep`; did you mean `help`? `/lighterman help` lists the commands."},
		"/lighterman explain root-user":         {by: "joe", emoji: "+1", elsewhere: true, reply: "> `/lighterman explain root-user`\n\n**`root-user`**: "},
		"/lighterman explain\n":                 {by: "joe", emoji: "confused", elsewhere: true, reply: "Which? Name a check, or reply in the thread"},
		"/lighterman ignore because of it":      {by: "ann", emoji: "confused", elsewhere: true, reply: "Which? Name a check, or reply in the thread"},
		"/lighterman ignore root-user inline":   {by: "ann", emoji: "confused", elsewhere: true, reply: "`inline` belongs into the thread"},
		"/lighterman ignore add-for-local-file": {by: "ann", emoji: "confused", elsewhere: true, reply: "No check is called"},
	} {
		t.Run(body, func(t *testing.T) {
			d := commandDesk(t)
			var id int64
			if want.elsewhere {
				id = d.say(want.by, body)
			} else {
				id = d.say(want.by, body, 0)
			}
			d.mustReview(t, Published, adds, rootly)
			replies := d.replies(id)
			if d.reacted(id) != want.emoji || (len(replies) == 1) != (want.reply != "") || len(replies) > 1 {
				t.Fatalf("reacted %q, replied %q", d.reacted(id), replies)
			}
			if want.reply != "" && !strings.Contains(replies[0], want.reply) {
				t.Errorf("replied %q, want %q", replies[0], want.reply)
			}
			d.mustReview(t, Unchanged, adds, rootly)
		})
	}
}

// TestACutOffAnswerIsCompleted holds that a command whose review was ended between its writes is neither answered nor
// carried out twice.
func TestACutOffAnswerIsCompleted(t *testing.T) {
	for _, body := range []string{"/lighterman help", "/lighterman review", "/lighterman ignore inline"} {
		d := commandDesk(t)
		id := d.say("ann", body, 0)
		d.mustReview(t, Published, adds)
		runs, replies := len(d.checks), len(d.replies(id))
		d.comment(id).Reacted = nil // as if the process had died before the last write
		out := d.mustReview(t, Published, adds)
		if len(d.checks) != runs || len(d.replies(id)) != replies || d.reacted(id) != "+1" {
			t.Errorf("%s: %d runs after %d, %d replies after %d; plan %+v", body, len(d.checks), runs, len(d.replies(id)), replies, out.Plan)
		}
		d.mustReview(t, Unchanged, adds)
	}
}

// TestCommandsSurviveEveryBreak ends the process after each write, over and over: each command is answered and carried out
// once, whatever else was asked at the same time.
func TestCommandsSurviveEveryBreak(t *testing.T) {
	for _, often := range []int{1, 100} {
		for after := 1; ; after++ {
			d := checkDesk(nil, map[string]string{"Dockerfile": guilty})
			d.mustReview(t, Published, adds)
			runs := len(d.checks)
			asked := map[int64]string{
				d.say("joe", "/lighterman help"): "+1", d.say("ann", "/lighterman config"): "+1", d.say("joe", "/lighterman fix"): "confused",
				d.say("ann", "/lighterman review"): "+1", d.say("ann", "/lighterman ignore inline", 0): "+1",
				d.say("joe", "/lighterman wat", 0): "confused", d.say("joe", "/lighterman explain", 0): "+1",
				d.sayInReview("joe", "/lighterman help"): "+1", d.sayInReview("joe", "/lighterman fix"): "confused",
			}
			d.push(nil, map[string]string{"Dockerfile": guilty + "ADD more .\n"})
			broke := 0
			for n := range often {
				d.breaks = after
				if _, err := d.review(t, adds, rootly); err == nil {
					break
				}
				broke = n + 1
			}
			d.breaks = 0
			if _, err := d.review(t, adds, rootly); err != nil {
				t.Fatal(err)
			}
			for id, want := range asked {
				replies := len(d.replies(id))
				if d.reacted(id) != want || replies > 1 || replies == 0 && !strings.Contains(d.comment(id).Body, "review") {
					t.Errorf("cut off after %d: %s has %q and %d replies", after, d.comment(id).Body, d.reacted(id), replies)
				}
			}
			if len(d.threads) != 2 || len(d.checks) != runs+1 {
				t.Errorf("cut off after %d: %d threads, %d new check runs", after, len(d.threads), len(d.checks)-runs)
			}
			d.mustReview(t, Unchanged, adds, rootly)
			if broke == 0 {
				if after < 15 {
					t.Errorf("there are only %d writes", after)
				}
				break
			}
		}
	}
}

// TestCommandsInReviewsAreAnsweredOnce: a review takes no emoji, so each gets one answer, on the pull request, that settles it.
func TestCommandsInReviewsAreAnsweredOnce(t *testing.T) {
	for body, want := range map[string]struct{ by, emoji, reply string }{
		"/lighterman help\n\nLooks good.":                      {"joe", "+1", "> `/lighterman help`\n\n| command | what it does |"},
		"/lighterman review":                                   {"ann", "+1", "> `/lighterman review`\n\nDone."},
		"/lighterman ignore add-for-local-files because of it": {"ann", "+1", "Done."},
		"/lighterman ignore":                                   {"ann", "confused", "Which? Name a check"},
		"/lighterman fix":                                      {"joe", "confused", notAllowed},
		"/lighterman wat":                                      {"joe", "confused", "There is no command `wat`"},
	} {
		d := commandDesk(t)
		id, twin := d.sayInReview(want.by, body), d.say("ann", "no command")
		d.comment(twin).ID = id // reviews and comments are counted apart
		runs := len(d.checks)
		out := d.mustReview(t, Published, adds, rootly)
		replies := d.replies(id)
		if d.reacted(id) != want.emoji || len(replies) != 1 || !strings.Contains(replies[0], want.reply) {
			t.Fatalf("%s: settled %q, replied %q", body, d.reacted(id), replies)
		}
		if again := len(d.checks) - runs; again != 1 && body == "/lighterman review" {
			t.Errorf("%s: %d check runs more", body, again)
		}
		if !strings.HasSuffix(out.Mark, fmt.Sprintf("\nreview-%d", id)) {
			t.Errorf("%s leaves the mark %q", body, out.Mark)
		}
		d.mustReview(t, Unchanged, adds, rootly)
	}
}

// TestWhatStrangersAskForInReviewsWaitsForAnAnswer: without one left it is neither carried out nor forgotten, and the next
// review is silent.
func TestWhatStrangersAskForInReviewsWaitsForAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := commandDesk(t)
		var asked []int64
		for range maxReplies + 3 {
			asked = append(asked, d.sayInReview("joe", "/lighterman help"))
		}
		mine := d.sayInReview("ann", "/lighterman config")
		answered := func() (n int) {
			for _, id := range asked {
				n += len(d.replies(id))
			}
			return n
		}
		d.mustReview(t, Published, adds, rootly)
		if n := answered(); n != maxReplies || len(d.replies(mine)) != 1 {
			t.Errorf("%d and %d answers", n, len(d.replies(mine)))
		}
		d.mustReview(t, Unchanged, adds, rootly)
		time.Sleep(time.Hour)
		d.mustReview(t, Published, adds, rootly)
		if n := answered(); n != len(asked) {
			t.Errorf("%d of %d are answered after an hour", n, len(asked))
		}
		d.mustReview(t, Unchanged, adds, rootly)
	})
}

func TestReviewCommandMakesANewRun(t *testing.T) {
	d := commandDesk(t)
	d.say("ann", "/lighterman review")
	before := len(d.checks)
	d.mustReview(t, Published, adds, rootly)
	d.mustReview(t, Unchanged, adds, rootly)
	if len(d.checks) != before+1 {
		t.Errorf("%d check runs, were %d", len(d.checks), before)
	}
}

func TestWhatIsNoCommandIsLeftAlone(t *testing.T) {
	for name, c := range map[string]forge.Comment{
		"edited":          {Author: "ann", Edited: true},
		"a bot's":         {Author: "renovate[bot]"},
		"ours":            {Author: botName, Ours: true},
		"a ghost's":       {},
		"carried out":     {Author: "ann", Reacted: []forge.Emoji{forge.ThumbUp}},
		"answered with 😕": {Author: "ann", Reacted: []forge.Emoji{forge.Eyes, forge.Confused}},
	} {
		for _, in := range []bool{true, false} {
			d := commandDesk(t)
			c.ID, c.Body = 99, "/lighterman review"
			if in {
				d.threads[0].Comments = append(d.threads[0].Comments, c)
			} else {
				d.talk = append(d.talk, c)
			}
			if out, err := d.review(t, adds, rootly); err != nil || out.End != Unchanged {
				t.Errorf("%s, in a thread %t: %s, %+v, %v", name, in, out.End, out.Plan, err)
			}
		}
	}
}

func TestASeenCommandIsPickedUpAgain(t *testing.T) {
	d := commandDesk(t)
	id := d.say("joe", "/lighterman help")
	d.react(forge.Reaction{Comment: id, Emoji: forge.Eyes})
	d.mustReview(t, Published, adds, rootly)
	if d.reacted(id) != "eyes +1" || len(d.replies(id)) != 1 {
		t.Errorf("reacted %s, replied %q", d.reacted(id), d.replies(id))
	}
}

func TestACommandIsSeenAtOnce(t *testing.T) {
	d := commandDesk(t)
	id := d.say("joe", "/lighterman help")
	d.asked = nil
	r := &Reviewer{Forge: d, Options: options(adds, rootly)}
	q := forge.Request{ID: "x", Kind: forge.Command, By: "joe", Comment: id, Text: "/lighterman help"}
	if _, err := r.Review(context.Background(), d.change.Ref, q); err != nil {
		t.Fatal(err)
	}
	if want := "Standing React Change"; strings.Join(d.asked[:3], " ") != want || d.reacted(id) != "eyes +1" {
		t.Errorf("asked %v, reacted %s", d.asked, d.reacted(id))
	}
	writes := d.writes
	if out, err := r.Review(context.Background(), d.change.Ref, q); err != nil || out.End != Unchanged || d.writes != writes {
		t.Errorf("asked again: %s, %d writes, %v", out.End, d.writes-writes, err)
	}
	q.By, d.asked = "renovate[bot]", nil
	if _, err := r.Review(context.Background(), d.change.Ref, q); err != nil || d.asked[0] != "Change" {
		t.Errorf("a bot's: asked %v, %v", d.asked, err)
	}
}

// TestACommandThatIsNotShownYetIsWaitedFor holds that reads which lag behind the webhook lose no command.
func TestACommandThatIsNotShownYetIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for late, want := range []string{"eyes +1", "eyes +1", "eyes +1", "eyes +1", "eyes"} {
			d := commandDesk(t)
			id := d.say("joe", "/lighterman help")
			d.late = late
			begin := time.Now()
			r := &Reviewer{Forge: d, Options: options(adds, rootly)}
			q := forge.Request{Kind: forge.Command, By: "joe", Comment: id}
			if _, err := r.Review(t.Context(), d.change.Ref, q); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(begin); d.reacted(id) != want || waited != time.Duration(min(max(late-1, 0), maxLooks-1))*lag {
				t.Errorf("%d readings late: reacted %q after %s", late, d.reacted(id), waited)
			}
		}
	})
}

func TestRepliesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := commandDesk(t)
		var ids []int64
		for range maxReplies + 3 {
			ids = append(ids, d.say("joe", "/lighterman help"))
			time.Sleep(time.Second)
		}
		refused := d.say("ann", "/lighterman explain root-user")
		review := d.say("ann", "/lighterman review")
		d.mustReview(t, Published, adds, rootly)
		replies := 0
		for n, id := range ids {
			replies += len(d.replies(id))
			want := "+1"
			if n >= maxReplies {
				want = "confused"
			}
			if d.reacted(id) != want {
				t.Errorf("command %d: reacted %s, want %s", n, d.reacted(id), want)
			}
		}
		if replies != maxReplies || d.reacted(refused) != "confused" || d.reacted(review) != "+1" {
			t.Errorf("%d replies, fix %s, review %s", replies, d.reacted(refused), d.reacted(review))
		}
		time.Sleep(time.Hour)
		later := d.say("joe", "/lighterman help")
		d.mustReview(t, Published, adds, rootly)
		if len(d.replies(later)) != 1 {
			t.Error("an hour later there is no reply")
		}
	})
}

func TestManyCommandsWaitForTheNextReview(t *testing.T) {
	d := commandDesk(t)
	for range maxOrders + 5 {
		d.say("ann", "/lighterman review")
	}
	if out := d.mustReview(t, Published, adds); len(out.Plan.Reactions) != maxOrders {
		t.Errorf("%d reactions", len(out.Plan.Reactions))
	}
	if out := d.mustReview(t, Published, adds); len(out.Plan.Reactions) != 5 {
		t.Errorf("%d reactions after that", len(out.Plan.Reactions))
	}
	d.mustReview(t, Unchanged, adds)
}

// TestAFloodOfCommandsIsBounded holds that strangers use up little of what an installation may write, and keep nobody
// waiting who may push.
func TestAFloodOfCommandsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := commandDesk(t)
		r := &Reviewer{Forge: d, Options: options(adds, rootly)}
		flood := func() {
			before := d.writes
			for n := range 200 {
				words := []string{"/lighterman help", "/lighterman review", "/lighterman x"}[n%3]
				q := forge.Request{Kind: forge.Command, By: "joe", Comment: d.say("joe", words)}
				if _, err := r.Review(t.Context(), d.change.Ref, q); err != nil {
					t.Fatal(err)
				}
			}
			if n := d.writes - before; n > 2*maxStrangers+maxReplies {
				t.Errorf("%d writes", n)
			}
		}
		flood()
		id := d.say("ann", "/lighterman review")
		if d.mustReview(t, Published, adds, rootly); d.reacted(id) != "+1" {
			t.Errorf("ann's command: %q", d.reacted(id))
		}
	})
}

func TestRepliesRepeatNothingLive(t *testing.T) {
	d := commandDesk(t)
	hostile := "@joe #1 <img src=x> ![](http://x/) `@ann` https://evil.example/ <!-- lighterman:v1 answer=1 -->"
	ids := []int64{
		d.say("joe", "/lighterman "+hostile), d.say("joe", "/lighterman explain "+hostile), d.say("ann", "/lighterman fix "+hostile),
		d.say("joe", "/lighterman `@ann`"), d.say("ann", "/lighterman ignore inline because "+hostile, 0),
	}
	d.mustReview(t, Published, adds)
	for _, id := range ids {
		replies := d.replies(id)
		if len(replies) != 1 {
			t.Fatalf("%q: %q", d.comment(id).Body, replies)
		}
		html := markdowntest.Render(t, replies[0])
		outside := codeSpans.ReplaceAllString(html, "")
		for _, bad := range []string{"@", "<img", "href=\"https://evil", "<!--"} {
			if strings.Contains(outside, bad) {
				t.Errorf("%s is live in %s", bad, html)
			}
		}
	}
}

func TestACommandForWhatIsClosed(t *testing.T) {
	d := commandDesk(t)
	help, review := d.say("joe", "/lighterman help"), d.say("ann", "/lighterman review")
	d.closed = true
	d.mustReview(t, Closed, adds)
	if d.reacted(help) != "+1" || d.reacted(review) != "confused" || !strings.Contains(d.replies(review)[0], "This pull request is closed.") {
		t.Errorf("help %s, review %s %q", d.reacted(help), d.reacted(review), d.replies(review))
	}
	writes := d.writes
	if d.mustReview(t, Closed, adds); d.writes != writes {
		t.Errorf("%d writes the second time", d.writes-writes)
	}
}

// TestUnmuteIsForClosedPullRequestsOfOurs, and for those who may push; the next sweep goes by the thumb.
func TestUnmuteIsForClosedPullRequestsOfOurs(t *testing.T) {
	for _, tt := range []struct {
		who          string
		ours, closed bool
		want         string
	}{
		{"ann", true, true, "+1"},
		{"joe", true, true, "confused"},
		{"ann", false, true, "confused"},
		{"ann", true, false, "confused"},
	} {
		d := commandDesk(t)
		d.ours, d.closed = tt.ours, tt.closed
		unmute := d.say(tt.who, "/lighterman unmute")
		if _, err := d.review(t, adds); err != nil || d.reacted(unmute) != tt.want {
			t.Errorf("%+v: %s, %v", tt, d.reacted(unmute), err)
		}
	}
}

func TestFixCommandPushesWhatItNames(t *testing.T) {
	const two = "FROM node\nADD . .\nEXPOSE 80\nADD a b\nUSER node\n"
	for body, want := range map[string]string{
		"/lighterman fix":                     "FROM node\nCOPY . .\nCOPY a b\nUSER node\n",
		"/lighterman fix add-for-local-files": "FROM node\nCOPY . .\nEXPOSE 80\nCOPY a b\nUSER node\n",
		"/lighterman fix exposes":             "FROM node\nADD . .\nADD a b\nUSER node\n",
	} {
		d := checkDesk(nil, map[string]string{"Dockerfile": two})
		d.mustReview(t, Published, adds, exposes)
		id := d.say("ann", body)
		d.mustReview(t, MovedOn, adds, exposes)
		if len(d.pushed) != 1 || string(d.pushed[0].Files[0].Text) != want {
			t.Fatalf("%s: pushed %+v", body, d.pushed)
		}
		d.push(nil, map[string]string{"Dockerfile": want})
		d.mustReview(t, Published, adds, exposes)
		if len(d.pushed) != 1 || d.reacted(id) != "+1" || len(d.replies(id)) != 0 {
			t.Errorf("%s: %d pushes, reacted %s, replied %q", body, len(d.pushed), d.reacted(id), d.replies(id))
		}
	}
}

func TestFixInAThreadIsThatOfItsFinding(t *testing.T) {
	d := checkDesk(nil, map[string]string{"Dockerfile": "FROM node\nADD . .\nADD a b\nUSER node\n"})
	d.mustReview(t, Published, adds)
	d.say("ann", "/lighterman fix", 1)
	d.mustReview(t, MovedOn, adds)
	if want := "FROM node\nADD . .\nCOPY a b\nUSER node\n"; string(d.pushed[0].Files[0].Text) != want {
		t.Errorf("pushed %q, want %q", d.pushed[0].Files[0].Text, want)
	}
}

// TestACommandThatFailsForeverDoesNotKeepTheReview holds that it is given up, while a limit is waited for.
func TestACommandThatFailsForeverDoesNotKeepTheReview(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := commandDesk(t)
		id := d.say("ann", "/lighterman fix")
		d.fails = map[string]error{"Push": &forge.LimitError{Until: time.Now(), Err: errors.New("wait")}}
		time.Sleep(2 * giveUp)
		if _, err := d.review(t, adds, rootly); err == nil {
			t.Error("a limit is not waited for")
		}
		d.fails["Push"] = errors.New("broken")
		if d.mustReview(t, Published, adds, rootly); d.reacted(id) != "confused" || len(d.replies(id)) != 1 {
			t.Errorf("reacted %q, replied %q", d.reacted(id), d.replies(id))
		}
		d.say("ann", "/lighterman fix")
		if _, err := d.review(t, adds, rootly); err == nil {
			t.Error("a command is given up at once")
		}
	})
}

func TestFixSaysWhyThereIsNone(t *testing.T) {
	d := checkDesk(nil, map[string]string{"Dockerfile": "FROM node\nRUN a\n"})
	d.mustReview(t, Published, rootly)
	id := d.say("ann", "/lighterman fix", 0)
	d.mustReview(t, Published, rootly)
	if r := d.replies(id); d.reacted(id) != "confused" || r[0] != "There is no fix: the account is not known." {
		t.Errorf("reacted %s, replied %q", d.reacted(id), r)
	}
}

func TestFixOnAForkShowsThePatch(t *testing.T) {
	d := commandDesk(t)
	d.fork = true
	id := d.say("ann", "/lighterman fix")
	d.mustReview(t, Published, adds)
	if r := d.replies(id); d.reacted(id) != "confused" || !strings.Contains(r[0], "in a fork") || !strings.Contains(r[0], "-ADD . .\n+COPY . .\n") {
		t.Errorf("reacted %s, replied %q", d.reacted(id), r)
	}
}

func TestConfigShowsTheBaseBranch(t *testing.T) {
	d := commandDesk(t)
	d.base = fstest.MapFS{settingsFile: &fstest.MapFile{Data: []byte("fail-on: error\n")}}
	good := d.say("ann", "/lighterman config")
	d.mustReview(t, Published, adds)
	if r := d.replies(good); len(r) != 1 || !strings.Contains(r[0], "fail-on: error") || !strings.Contains(r[0], "# "+settingsFile+":1\n") ||
		!strings.Contains(r[0], "<details>") {
		t.Errorf("replied %q", r)
	}
	d.base[settingsFile].Data = []byte("fail-on: nonsense\n")
	bad := d.say("ann", "/lighterman config")
	d.mustReview(t, Published, adds)
	if r := d.replies(bad); d.reacted(bad) != "confused" || !strings.Contains(r[0], "cannot be used: `"+settingsFile+"` line 1: ") {
		t.Errorf("replied %q", r)
	}
	d.base[settingsFile].Data = []byte("fail-on: info\nextends: ./none.yml\n")
	partly := d.say("ann", "/lighterman config")
	d.mustReview(t, Published, adds)
	if r := d.replies(partly); d.reacted(partly) != "+1" || !strings.Contains(r[0], "fail-on: info") ||
		!strings.Contains(r[0], "line 2: the configuration holds without a part of it: ./none.yml cannot be read") {
		t.Errorf("replied %q", r)
	}
	d.fails = map[string]error{"Tree base": errors.New("no answer")}
	d.say("ann", "/lighterman config")
	if _, err := d.review(t, adds); err == nil {
		t.Error("what could not be read was answered")
	}
}

func TestExplainTakesTheBeginningOfThePage(t *testing.T) {
	d := commandDesk(t)
	id := d.say("joe", "/lighterman explain add-for-local-files")
	r := &Reviewer{Forge: d, Options: options(adds), Page: func(*check.Check) string {
		return "# the-check\n\nIt is bad.\n\n## Why it matters\n\nBecause.\n\n## What is not reported\n\nOther things.\n"
	}}
	if _, err := r.Review(context.Background(), d.change.Ref); err != nil {
		t.Fatal(err)
	}
	const want = "### the-check\n\nIt is bad.\n\nBecause.\n\n[The whole page]("
	if got := d.replies(id)[0]; !strings.Contains(got, want) || strings.Contains(got, "Other things") {
		t.Errorf("replied %q", got)
	}
}

func TestHelpListsEveryCommand(t *testing.T) {
	text := helpText()
	for _, c := range commands() {
		if _, ok := parse(summons + " " + c.name); !ok || !strings.Contains(text, "`/lighterman "+c.name) {
			t.Errorf("%s is not in\n%s", c.name, text)
		}
	}
	if got := slices.Sorted(slices.Values(commandNames())); !slices.Equal(slices.Compact(got), got) {
		t.Errorf("a command is there twice: %v", got)
	}
}

// codeSpans are the parts of rendered text in which GitHub looks for nothing.
var codeSpans = regexp.MustCompile(`(?s)<code[^>]*>.*?</code>`)

// TestFixShowsTheAuthorThePatch holds that who opened the pull request and may not push gets the change to make by hand, and
// that nobody else does: a stranger cannot fill a page with it.
func TestFixShowsTheAuthorThePatch(t *testing.T) {
	d := commandDesk(t)
	for by, shown := range map[string]bool{author: true, "joe": false} {
		id := d.say(by, "/lighterman fix")
		d.mustReview(t, Published, adds)
		said := strings.Join(d.replies(id), "\n")
		if strings.Contains(said, "+COPY . .") != shown || !strings.Contains(said, notAllowed) || d.reacted(id) != "confused" {
			t.Errorf("%s is told %s %s", by, d.reacted(id), said)
		}
	}
	if len(d.pushed) > 0 {
		t.Errorf("pushed %+v", d.pushed)
	}
}

// TestWhatAPersonEditedIsLeftAlone: a comment of ours whose words somebody changed is neither edited nor hidden.
func TestWhatAPersonEditedIsLeftAlone(t *testing.T) {
	for _, touched := range []bool{false, true} {
		d := commandDesk(t)
		d.threads[0].Comments[0].Touched, d.threads[0].CanResolve = touched, false
		d.push(nil, map[string]string{"Dockerfile": "FROM node\nUSER node\n"})
		out := d.mustReview(t, Published, adds, rootly)
		if n := len(out.Plan.Minimize) + len(out.Plan.Edit); (n == 0) != touched {
			t.Errorf("touched %t: plan %+v", touched, out.Plan)
		}
	}
}
