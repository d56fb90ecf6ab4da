package metrics

// Shown counts a finding that a pull request was told for the first time.
func (s *Set) Shown(check, place string) { s.shown.WithLabelValues(check, place).Inc() }

// Suppressed counts a finding that is not told.
func (s *Set) Suppressed(check, reason string) { s.suppressed.WithLabelValues(check, reason).Inc() }

// Offered counts a fix that is offered with a finding.
func (s *Set) Offered(check, class, form string) { s.offered.WithLabelValues(check, class, form).Inc() }

// Withdrawn counts a fix that did not hold.
func (s *Set) Withdrawn(check, class string) { s.withdrawn.WithLabelValues(check, class).Inc() }

// Outcome counts what became of a fix.
func (s *Set) Outcome(check, outcome string) { s.outcomes.WithLabelValues(check, outcome).Inc() }

// Reviewed counts a review that ended.
func (s *Set) Reviewed(end string) { s.reviews.WithLabelValues(end).Inc() }
