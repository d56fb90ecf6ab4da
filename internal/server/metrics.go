package server

// A Meter counts what becomes of webhooks. What it is told has values from fixed lists only: an event's name is not
// signed.
type Meter interface {
	// Webhook counts a verified one by its event, "other" for one that is not handled.
	Webhook(event, outcome string)
	// Refused counts one that was not taken.
	Refused(reason string)
}

// unmetered counts nothing.
type unmetered struct{}

func (unmetered) Webhook(_, _ string) {}
func (unmetered) Refused(string)      {}
