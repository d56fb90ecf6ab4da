package sweep

import (
	"fmt"
	"strings"
	"testing"
)

var (
	allTips  = []Tip{NoTip, CurrentTip, OldTip, ForeignTip}
	allLasts = []Last{NoPull, OpenPull, DeclinedPull, WithdrawnPull, MergedPull}
)

const everyFlag = Unsure<<1 - 1

// expected is the next step for each tip (no branch, ours and current, ours and old, a person's), by the newest pull request
// and the flags that are set.
const expected = `
no pull request                 | rest  tidy  tidy  rest
no pull request, wanted         | open  finish open  rest
no pull request, wanted, full   | rest  rest  rest  rest
no pull request, wanted, taken  | rest  rest  rest  rest
no pull request, taken          | rest  rest  rest  rest
no pull request, wanted, hidden | rest  rest  rest  rest
open                            | rest  withdraw withdraw yield
open, wanted                    | rest  rest  renew yield
open, wanted, full              | rest  rest  renew yield
open, wanted, conflicting       | rest  renew renew yield
open, wanted, fresh             | rest  finish renew yield
open, wanted, conflicting, fresh | rest renew renew yield
open, wanted, stale             | rest  retext renew yield
open, wanted, fresh, stale      | rest  finish renew yield
open, wanted, moved             | rest  withdraw withdraw yield
open, wanted, retargeted        | rest  rest  rest  yield
open, retargeted                | rest  rest  rest  yield
open, wanted, taken             | yield yield yield yield
open, taken                     | yield yield yield yield
open, hidden                    | rest  rest  rest  rest
open, unsure                    | rest  rest  rest  yield
open, wanted, unsure, stale     | rest  rest  rest  yield
open, wanted, unsure, moved     | rest  withdraw withdraw yield
open, conflicting               | rest  withdraw withdraw yield
open, fresh                     | rest  withdraw withdraw yield
open, reopened                  | rest  rest  rest  yield
open, said                      | rest  rest  rest  rest
open, wanted, said, conflicting | rest  rest  rest  rest
open, wanted, said, taken       | rest  rest  rest  rest
declined                        | rest  rest  rest  rest
declined, wanted                | open  finish open  rest
declined, wanted, full          | rest  rest  rest  rest
declined, wanted, taken         | rest  rest  rest  rest
declined, taken                 | rest  rest  rest  rest
withdrawn                       | rest  tidy  tidy  rest
withdrawn, wanted               | open  finish open  rest
withdrawn, wanted, full         | rest  tidy  tidy  rest
withdrawn, wanted, taken        | rest  rest  rest  rest
withdrawn, taken                | rest  rest  rest  rest
merged                          | rest  tidy  tidy  rest
merged, wanted                  | open  finish open  rest
merged, wanted, full            | rest  tidy  tidy  rest
merged, wanted, taken           | rest  rest  rest  rest
merged, taken                   | rest  rest  rest  rest
`

var flagWords = map[string]Flag{
	"wanted": Wanted, "taken": Taken, "said": Said, "reopened": Reopened, "retargeted": Retargeted, "moved": Moved,
	"conflicting": Conflicting, "fresh": Fresh, "stale": Stale, "full": Full, "hidden": Hidden, "unsure": Unsure,
}

var lastWords = map[string]Last{
	"no pull request": NoPull, "open": OpenPull, "declined": DeclinedPull, "withdrawn": WithdrawnPull, "merged": MergedPull,
}

func TestStates(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(strings.TrimSpace(expected)) {
		state, acts, _ := strings.Cut(line, "|")
		words := strings.Split(strings.TrimSpace(state), ", ")
		s := State{Last: lastWords[words[0]]}
		for _, word := range words[1:] {
			if flagWords[word] == 0 {
				t.Fatalf("%q is no flag", word)
			}
			s.Flags |= flagWords[word]
		}
		for n, want := range strings.Fields(acts) {
			s.Tip = allTips[n]
			seen[fmt.Sprint(s)] = true
			if got, why := Decide(s); string(got) != want || why == "" {
				t.Errorf("%s, tip %d: %s (%s), want %s", strings.TrimSpace(state), n, got, why, want)
			}
		}
	}
	for _, last := range allLasts {
		for _, tip := range allTips {
			for _, flags := range []Flag{0, Wanted, Taken, Wanted | Taken} {
				if s := (State{tip, last, flags}); !seen[fmt.Sprint(s)] {
					t.Errorf("%v is not in the table", s)
				}
			}
		}
	}
}

// TestEveryStateHasOneStep goes through all of them, and no step does what its state forbids. No row of the steps is idle.
func TestEveryStateHasOneStep(t *testing.T) {
	used := map[int]bool{}
	n := 0
	for _, tip := range allTips {
		for _, last := range allLasts {
			for flags := Flag(0); flags <= everyFlag; flags++ {
				s := State{tip, last, flags}
				n++
				for k, r := range steps {
					if r.fits(s) {
						used[k] = true
						break
					}
				}
				act, _ := Decide(s)
				if why := forbidden(s, act); why != "" {
					t.Fatalf("%+v: %s %s", s, act, why)
				}
			}
		}
	}
	if len(used) != len(steps) || n != 4*5*4096 {
		t.Errorf("%d of %d rows are used, by %d states", len(used), len(steps), n)
	}
}

// forbidden is why an act must not be, "" when it may.
func forbidden(s State, a Act) string {
	open, has := s.Last == OpenPull, func(f Flag) bool { return s.Flags&f != 0 }
	silent := a == Rest || a == Yield
	switch {
	case has(Hidden) && a != Rest:
		return "acts without knowing what became of its pull requests"
	case s.Tip == ForeignTip && !silent:
		return "touches a person's branch"
	case has(Taken) && !silent:
		return "touches somebody else's pull request"
	case open && has(Said|Retargeted|Reopened) && !silent:
		return "touches what a person decided about"
	case open && has(Unsure) && !has(Moved) && !silent:
		return "goes by answers that did not come"
	case open && has(Said) && a != Rest:
		return "says again that it is left alone"
	case open && (a == Open || a == Tidy):
		return "forgets the open pull request"
	case !open && (a == Renew || a == Retext || a == Withdraw || a == Yield):
		return "is about no open pull request"
	case !has(Wanted) && (a == Open || a == Finish || a == Renew || a == Retext):
		return "proposes nothing"
	case has(Full) && s.opens(a):
		return "opens one too many"
	case s.Last == DeclinedPull && a == Tidy:
		return "deletes what a person may want to open again"
	case s.Tip == NoTip && a != Rest && a != Open && !(a == Yield && has(Taken)):
		return "is about a branch that is not there"
	}
	return ""
}
