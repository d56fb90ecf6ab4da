package sweep

import (
	"slices"

	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
)

// passedOver is why a repository is not looked at, "" when it is.
func passedOver(r *forge.Repository) Reason {
	if why := Unswept(*r); why != "" || r.Head != "" {
		return why
	}
	return Empty
}

// Unswept is why a repository is not looked at, as far as a listing tells of it; "" when it is.
func Unswept(r forge.Repository) Reason {
	switch {
	case r.Archived:
		return Archived
	case r.Disabled:
		return Disabled
	case r.Mirror:
		return Mirrored
	case r.Fork:
		return Forked
	}
	return ""
}

func consentOf(s config.Sweeps, ask Ask) Consent {
	switch {
	case ask.Look:
		return Missing
	case s.Enabled || !s.Decided && ask.Agreed:
		return Given
	case s.Decided:
		return Refused
	}
	return Missing
}

// wantedTopics are the topics of which something may be proposed.
func wantedTopics(s config.Sweeps, ask Ask, c Consent) []Topic {
	if c == Refused {
		return nil
	}
	return slices.DeleteFunc(Topics(nil), func(t Topic) bool {
		return !slices.Contains(s.Families, string(t.Family)) || !ask.covers(t)
	})
}

// covers reports whether a topic was asked for.
func (a Ask) covers(t Topic) bool {
	return len(a.Families) == 0 || slices.Contains(a.Families, t.Family)
}
