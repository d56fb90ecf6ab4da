package sweep

import (
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/forge"
)

const displayedOn = "sweeps: {enabled: true, open-pulls: 1, dashboard: repository}\n"

// boarded is a repository with a dashboard, and with something to fix of three topics.
func boarded(t *testing.T) *town {
	t.Helper()
	h := newTown(map[string]string{".github/lighterman.yml": displayedOn, "Dockerfile": "FROM a\nRUN x LOUD FAT\nRUN y ROOT\n"})
	if _, wrote := h.sweep(t, Ask{}); !strings.HasSuffix(wrote, "open dashboard") {
		t.Fatalf("wrote %q", wrote)
	}
	return h
}

// tick ticks the box of an order.
func (h *town) tick(t *testing.T, order, topic string) {
	t.Helper()
	was := h.board.Body
	for _, line := range strings.Split(was, "\n") {
		if m := box.FindStringSubmatch(line); m != nil && m[2] == order && m[3] == topic {
			h.board.Body = strings.ReplaceAll(strings.Replace(was, line, "- [x]"+line[len("- [ ]"):], 1), "\n", "\r\n")
			return
		}
	}
	t.Fatalf("no box %s %s in\n%s", order, topic, was)
}

// swept sweeps again with what is remembered, and tells what was written.
func (h *town) swept(t *testing.T, memory *[]byte) string {
	t.Helper()
	out, wrote := h.sweep(t, Ask{Memory: *memory})
	*memory = out.Memory
	return wrote
}

func TestTheDashboardShowsAllTopics(t *testing.T) {
	h := boarded(t)
	want := "What lighterman found on `main`, and what became of it: 3 findings in 1 Dockerfile, 3 of them with a proven fix.\n\n" +
		"### Open\n- Keep Docker build steps cached: #1 (1 change)\n\n" +
		"### Waiting: tick what is to be opened now\n" +
		"- [ ] <!-- lighterman:v1 box=now smaller-image -->Make Docker images smaller (1 change): enough pull requests are open, or were opened\n" +
		"- [ ] <!-- lighterman:v1 box=now non-root -->Run less as root in containers (1 change): enough pull requests are open, or were opened\n"
	if !strings.HasPrefix(h.board.Body, want) {
		t.Errorf("got\n%s\nwant\n%s", h.board.Body, want)
	}
	var memory []byte
	for range 2 {
		if wrote := h.swept(t, &memory); wrote != "" {
			t.Errorf("a second sweep writes %q", wrote)
		}
	}
	h.board.Body = strings.ReplaceAll(h.board.Body, "\n", "\r\n")
	if wrote := h.swept(t, &memory); wrote != "" {
		t.Errorf("for other line ends it writes %q", wrote)
	}
}

func TestBoxesAct(t *testing.T) {
	for _, remembers := range []bool{true, false} {
		h := boarded(t)
		var memory []byte
		step := func(what, want string) {
			t.Helper()
			if !remembers {
				memory = nil
			}
			if wrote := h.swept(t, &memory); wrote != want {
				t.Errorf("remembers %t: %s: wrote %q, want %q", remembers, what, wrote, want)
			}
			if wrote := h.swept(t, &memory); wrote != "" {
				t.Errorf("remembers %t: %s: a second sweep writes %q", remembers, what, wrote)
			}
			if len(ordersOf(h.board.Body)) > 0 {
				t.Errorf("%s: a box is still ticked:\n%s", what, h.board.Body)
			}
		}
		h.tick(t, orderNow, "non-root")
		step("now", "commit lighterman/non-root, open lighterman/non-root, text #2, write dashboard")
		h.close(h.pulls[0], false)
		h.drop("lighterman/caching")
		step("closed", "write dashboard")
		if !strings.Contains(h.board.Body, "box=unmute caching -->Keep Docker build steps cached: #1\n") {
			t.Errorf("no declined one in\n%s", h.board.Body)
		}
		h.tick(t, orderUnmute, "caching")
		step("unmute", "tell #1, write dashboard")
		h.tick(t, orderNow, "caching")
		step("now again", "commit lighterman/caching, open lighterman/caching, text #3, write dashboard")
		h.tick(t, orderSweep, "")
		step("sweep", "write dashboard")
	}
}

// TestAnOrderIsCarriedOutOnce breaks down after each part of a sweep that unmutes.
func TestAnOrderIsCarriedOutOnce(t *testing.T) {
	for breaks := 1; breaks < 4; breaks++ {
		h := boarded(t)
		h.close(h.pulls[0], false)
		h.drop("lighterman/caching")
		var memory []byte
		h.swept(t, &memory)
		h.tick(t, orderUnmute, "caching")
		h.breaks = breaks
		if _, err := h.sweeper().Sweep(t.Context(), h.repo.Repo, Ask{Memory: memory}); err == nil {
			continue
		}
		h.breaks = 0
		h.swept(t, &memory)
		told := 0
		for _, c := range h.pulls[0].Comments {
			if tells(c, liftedMark(h.pulls[0].Pull)) {
				told++
			}
		}
		if wrote := h.swept(t, &memory); wrote != "" || told == 0 || strings.Contains(h.board.Body, "Declined") {
			t.Errorf("after %d parts: told %d times, a second sweep writes %q\n%s", breaks, told, wrote, h.board.Body)
		}
	}
}

// TestWhatIsClosedAgainIsDeclinedAgain, and is taken back again.
func TestWhatIsClosedAgainIsDeclinedAgain(t *testing.T) {
	h := boarded(t)
	var memory []byte
	for n := range 2 {
		h.pulls[0].State = forge.PullOpen
		h.close(h.pulls[0], false)
		delete(h.branches, "lighterman/caching")
		if wrote := h.swept(t, &memory); !strings.HasSuffix(wrote, "write dashboard") {
			t.Errorf("closed %d times: wrote %q", n+1, wrote)
		}
		h.tick(t, orderUnmute, "caching")
		if wrote := h.swept(t, &memory); !strings.HasPrefix(wrote, "tell #1, ") {
			t.Errorf("closed %d times, and unmuted: wrote %q", n+1, wrote)
		}
		if wrote := h.swept(t, &memory); wrote != "" {
			t.Errorf("closed %d times: a second sweep writes %q", n+1, wrote)
		}
	}
}

// TestATickDuringASweepIsTheNextOnes is not overwritten.
func TestATickDuringASweepIsTheNextOnes(t *testing.T) {
	h := boarded(t)
	h.tick(t, orderNow, "non-root")
	h.watch = func() {
		h.watch = nil
		h.tick(t, orderNow, "smaller-image")
	}
	var memory []byte
	h.swept(t, &memory)
	if !(dashboard{orders: ordersOf(h.board.Body)}).ordered(orderNow, "smaller-image") {
		t.Errorf("the tick is gone:\n%s", h.board.Body)
	}
	if wrote := h.swept(t, &memory); !strings.HasPrefix(wrote, "commit lighterman/smaller-image, ") || len(ordersOf(h.board.Body)) > 0 {
		t.Errorf("wrote %q, orders %v", wrote, ordersOf(h.board.Body))
	}
}

func TestWhoClosesTheDashboardHasNone(t *testing.T) {
	for name, away := range map[string]func(*town){
		"closed":  func(h *town) { h.board.Open = false },
		"deleted": func(h *town) { h.board = nil },
	} {
		h := boarded(t)
		var memory []byte
		h.swept(t, &memory)
		away(h)
		h.edit(map[string]string{"Dockerfile": "FROM a\nRUN x LOUD FAT\n"})
		if wrote := h.swept(t, &memory); strings.Contains(wrote, "dashboard") {
			t.Errorf("%s: wrote %q", name, wrote)
		}
		if h.board != nil {
			h.tick(t, orderNow, "non-root")
			if wrote := h.swept(t, &memory); wrote != "" {
				t.Errorf("%s: a ticked box writes %q", name, wrote)
			}
		}
	}
}

func TestADashboardThatNobodyWantsIsClosed(t *testing.T) {
	for name, config := range map[string]string{
		"no dashboard": "sweeps: {enabled: true, open-pulls: 1}\n",
		"no sweeps":    "sweeps: {enabled: false, dashboard: repository}\n",
	} {
		h := boarded(t)
		var memory []byte
		h.swept(t, &memory)
		h.edit(map[string]string{".github/lighterman.yml": config})
		if wrote := h.swept(t, &memory); !strings.HasSuffix(wrote, "close dashboard") || h.board.Open {
			t.Errorf("%s: wrote %q", name, wrote)
		}
		if wrote := h.swept(t, &memory); wrote != "" {
			t.Errorf("%s: a second sweep writes %q", name, wrote)
		}
		h.edit(map[string]string{".github/lighterman.yml": displayedOn})
		if wrote := h.swept(t, &memory); !strings.HasSuffix(wrote, "open dashboard") || !h.board.Open {
			t.Errorf("%s: wanted again, it writes %q", name, wrote)
		}
	}
}

// TestWhoUnmutedIsTold on the pull request.
func TestWhoUnmutedIsTold(t *testing.T) {
	for editor, want := range map[string]string{"": "Somebody ticked", "robin": "`robin` ticked"} {
		h := boarded(t)
		h.writers = []string{"robin"}
		h.close(h.pulls[0], false)
		h.drop("lighterman/caching")
		var memory []byte
		h.swept(t, &memory)
		h.tick(t, orderUnmute, "caching")
		h.board.Editor = editor
		h.swept(t, &memory)
		if all := h.pulls[0].Comments; len(all) != 1 || !strings.HasPrefix(all[0].Body, want) {
			t.Errorf("%q: %+v", editor, all)
		}
	}
}

// TestASweepGoesOnWithoutADashboard where the host does not let us have issues, and where only a part is swept.
func TestASweepGoesOnWithoutADashboard(t *testing.T) {
	h := newTown(map[string]string{".github/lighterman.yml": displayedOn, "Dockerfile": "FROM a\nRUN x LOUD\n"})
	h.issueless = true
	out, wrote := h.sweep(t, Ask{})
	if out.Undisplayed == nil || wrote != "commit lighterman/caching, open lighterman/caching, text #1" {
		t.Errorf("%v, wrote %q", out.Undisplayed, wrote)
	}
	h.issueless = false
	if _, wrote := h.sweep(t, Ask{Families: Topics(nil)[0].only()}); wrote != "" {
		t.Errorf("of a part: wrote %q", wrote)
	}
	if _, wrote := h.sweep(t, Ask{DryRun: true}); wrote != "" || h.board != nil {
		t.Errorf("dry: wrote %q", wrote)
	}
	if _, wrote := h.sweep(t, Ask{}); wrote != "open dashboard" {
		t.Errorf("wrote %q", wrote)
	}
}

func TestOrdersAreReadFromBoxes(t *testing.T) {
	line := boxed(orderNow, "caching", "text")
	ticked := strings.Replace(line, "[ ]", "[x]", 1)
	for body, want := range map[string]bool{
		line: false, ticked: true, "a\r\n" + ticked + "\r\nb": true, strings.Replace(ticked, "[x]", "[X]", 1): true,
		"* " + ticked[2:]: true, "> " + ticked: false, "    " + ticked: false, "- [x] box=now caching": false, line + "\n" + ticked: true,
		"```\n" + ticked + "\n```": false, "~~~ md\n```\n" + ticked + "\n~~~ x\n" + ticked: false,
		"````\n```\n" + ticked: false, "```\na\n``` \n" + ticked: true, "```\r\na\r\n````\r\n" + ticked: true,
	} {
		if got := (dashboard{orders: ordersOf(body)}).ordered(orderNow, "caching"); got != want {
			t.Errorf("%q: %t, want %t", body, got, want)
		}
	}
	if (dashboard{}).ordered(orderNow, "caching") {
		t.Error("without a dashboard something is ordered")
	}
}

// TestWhoseOrdersAreHeard clears the boxes that somebody ticked who may not, and does nothing else about them.
func TestWhoseOrdersAreHeard(t *testing.T) {
	for editor, heard := range map[string]bool{"": true, "robin": true, "mallory": false, "robin[bot]": false} {
		h := boarded(t)
		h.writers = []string{"robin", "robin[bot]"}
		var memory []byte
		h.swept(t, &memory)
		h.tick(t, orderNow, "non-root")
		h.board.Editor = editor
		want := "write dashboard"
		if heard {
			want = "commit lighterman/non-root, open lighterman/non-root, text #2, write dashboard"
		}
		if wrote := h.swept(t, &memory); wrote != want || len(ordersOf(h.board.Body)) > 0 {
			t.Errorf("%q: wrote %q, want %q; orders %v", editor, wrote, want, ordersOf(h.board.Body))
		}
		if wrote := h.swept(t, &memory); wrote != "" {
			t.Errorf("%q: a second sweep writes %q", editor, wrote)
		}
	}
}

// TestATickOfAProgramDuringASweepIsCleared by that sweep, or it would be ours for the next one.
func TestATickOfAProgramDuringASweepIsCleared(t *testing.T) {
	h := boarded(t)
	h.tick(t, orderNow, "non-root")
	h.watch = func() {
		h.watch = nil
		h.tick(t, orderNow, "smaller-image")
		h.board.Editor = "tidy[bot]"
	}
	var memory []byte
	h.swept(t, &memory)
	if orders := ordersOf(h.board.Body); len(orders) > 0 {
		t.Errorf("kept %v", orders)
	}
}

func TestStandings(t *testing.T) {
	at := func(l Last, tip Tip, f Flag) State { return State{Last: l, Tip: tip, Flags: f} }
	for name, c := range map[string]struct {
		step Step
		want displayed
	}{
		"open":              {Step{Act: Rest, state: at(OpenPull, CurrentTip, Wanted)}, isOpen},
		"opened just now":   {Step{Act: Open, Done: true, state: at(NoPull, NoTip, Wanted)}, isOpen},
		"begun before":      {Step{Act: Finish, Done: true, state: at(NoPull, CurrentTip, Wanted)}, isOpen},
		"not permitted":     {Step{Act: Open, Failed: forge.ErrForbidden, state: at(NoPull, NoTip, Wanted)}, isStuck},
		"withdrawn":         {Step{Act: Withdraw, Done: true, state: at(OpenPull, CurrentTip, 0)}, isIdle},
		"a person's commit": {Step{Act: Yield, Done: true, state: at(OpenPull, ForeignTip, Wanted)}, isTheirs},
		"said so":           {Step{Act: Rest, state: at(OpenPull, ForeignTip, Wanted|Said)}, isTheirs},
		"opened again":      {Step{Act: Rest, state: at(OpenPull, OldTip, Wanted|Reopened)}, isTheirs},
		"enough are open":   {Step{Act: Rest, Waits: true, state: at(NoPull, NoTip, Wanted|Full)}, isWaiting},
		"a person's branch": {Step{Act: Rest, state: at(NoPull, ForeignTip, Wanted)}, isStuck},
		"nothing wanted":    {Step{Act: Rest, state: at(MergedPull, NoTip, 0)}, isIdle},
	} {
		if got := standingOf(c.step, 1).part; got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
