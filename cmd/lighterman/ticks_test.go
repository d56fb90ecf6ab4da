package main

import (
	"testing"
	"time"
)

// TestWhatWasMissedIsLookedForOften holds how soon a lost webhook is made up for: from the delivery log in some minutes, from
// the open pull requests in an hour.
func TestWhatWasMissedIsLookedForOften(t *testing.T) {
	s := &service{}
	most := map[string]time.Duration{"missed-webhooks": 5 * time.Minute, "open-pulls": time.Hour}
	for _, tick := range s.ticks() {
		if within, ok := most[tick.Name]; ok && tick.Every <= within {
			delete(most, tick.Name)
		}
	}
	if len(most) > 0 {
		t.Errorf("not often enough: %v", most)
	}
}

// TestServeMakesUpForWhatWasMissed holds that serve has that switched on, and the look at the App's registration.
func TestServeMakesUpForWhatWasMissed(t *testing.T) {
	settings := serveSettings{appSettings: appSettings{githubURL: publicHost}, storage: storage{dataDir: t.TempDir()}}
	o, err := settings.options(quiet())
	must(t, err)
	if !o.Recover || !o.Inspect {
		t.Errorf("recover %t, inspect %t", o.Recover, o.Inspect)
	}
}
