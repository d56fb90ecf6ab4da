package sweep

import (
	"fmt"
	"slices"
)

// decide makes the steps of all topics: first what opens nothing, then what does, in the order of the topics.
func (r *run) decide(all []proposed) []Step {
	var first, opening []Step
	open := 0
	busy := map[string]int{} // topics with an open pull request that stays
	var later []proposed
	for _, p := range all {
		want, asked := r.wantedOf(p)
		s := stateOf(p, want, r.there, r.now())
		s.Flags |= r.unsure(p)
		act, why := Decide(s)
		if !asked {
			act, why = Rest, "it was not asked for"
		}
		if s.Last == OpenPull && act != Withdraw {
			open++
			busy[p.topic.Name] = p.newest().Number
		}
		if s.opens(act) {
			later = append(later, p)
			continue
		}
		if step := r.step(p, s, act, why, want); !p.former || p.Tip != nil || len(p.Pulls) > 0 {
			first = append(first, step)
		}
	}
	r.out.Open = open
	for _, p := range later {
		want, _ := r.wantedOf(p)
		s := stateOf(p, want, r.there, r.now())
		if n := busy[p.topic.Name]; n > 0 {
			step := r.step(p, s, Rest, fmt.Sprintf("#%d is open", n), want)
			opening = append(opening, step)
			continue
		}
		if open >= r.sweeps.OpenPulls && !r.dashboard.ordered(orderNow, p.topic.Name) {
			s.Flags |= Full
		}
		act, why := Decide(s)
		step := r.step(p, s, act, why, want)
		if step.Waits = s.Flags&Full != 0; !step.Waits {
			open++
		}
		opening = append(opening, step)
	}
	return append(first, opening...)
}

// wantedOf is what is wanted of a branch, and whether that is for this sweep to say.
func (r *run) wantedOf(p proposed) (want wanted, asked bool) {
	if !r.ask.covers(p.topic) {
		return wanted{}, false
	}
	if p.former && r.out.Consent != Refused {
		return wanted{why: fmt.Sprintf("names of branches begin with `%s` now, and what is left is proposed from there",
			r.sweeps.BranchPrefix)}, true
	}
	want = r.wanted[p.topic.Name]
	switch {
	case want.bundle != "":
	case r.out.Consent == Refused:
		want.why = "the configuration switches sweeps off"
	case !slices.ContainsFunc(r.topics, func(t Topic) bool { return t.Name == p.topic.Name }):
		want.why = fmt.Sprintf("the configuration does not ask for the family `%s`", p.topic.Family)
	default:
		want.why = "there is nothing of this left to fix"
	}
	return want, true
}

// step is a step with its motion.
func (r *run) step(p proposed, s State, a Act, why string, want wanted) Step {
	step := Step{Topic: p.topic.Name, Branch: p.Branch, Act: a, Why: why, state: s}
	if pull := p.newest(); pull != nil {
		step.Number = pull.Number
	}
	needs := a == Open || a == Finish || a == Renew || a == Retext
	if a != Rest && (!needs || want.made != nil) {
		step.Motion = motion(a, s, p, want, r.there, r.sweeps)
	}
	return step
}
