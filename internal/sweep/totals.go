package sweep

import "github.com/lighterman/lighterman/internal/check"

// Totals are what the survey comes to.
func (s *Survey) Totals() Totals {
	t := Totals{Dockerfiles: s.Result.Files, Checks: map[string]Count{}, Topics: map[string]Count{}}
	files := map[[2]string]bool{}
	add := func(into map[string]Count, key string, f check.Finding, fixable int) {
		c := into[key]
		c.Findings++
		c.Fixable += fixable
		if at := [2]string{key, f.Path}; !files[at] {
			files[at] = true
			c.Files++
		}
		into[key] = c
	}
	fixed := map[string]bool{}
	for _, b := range s.Bundles {
		for _, f := range b.Covered {
			fixed[f.ID] = true
		}
		t.Gain = t.Gain.Plus(b.Gain)
		t.Topics[b.Topic.Name] = Count{Findings: len(b.Applied), Fixable: len(b.Applied), Files: len(b.Files)}
	}
	for _, f := range s.Result.Findings {
		n := 0
		if fixed[f.ID] {
			n = 1
		}
		t.Findings++
		t.Fixable += n
		add(t.Checks, f.Check.Name, f, n)
	}
	return t
}

// Add puts the totals of another repository on top.
func (t *Totals) Add(o Totals) {
	t.Dockerfiles += o.Dockerfiles
	t.Findings += o.Findings
	t.Fixable += o.Fixable
	t.Gain = t.Gain.Plus(o.Gain)
	t.Checks, t.Topics = added(t.Checks, o.Checks), added(t.Topics, o.Topics)
}

func added(to, from map[string]Count) map[string]Count {
	if to == nil {
		to = map[string]Count{}
	}
	for key, c := range from {
		sum := to[key]
		to[key] = Count{sum.Findings + c.Findings, sum.Fixable + c.Fixable, sum.Files + c.Files}
	}
	return to
}
