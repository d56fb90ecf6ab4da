package config

import (
	"errors"
	"fmt"
	"testing"
	"testing/fstest"
	"time"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	out, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSweepsAreDueAsTheScheduleSays(t *testing.T) {
	const repo = "acme/shop"
	off := Jitter(repo, 10*time.Minute)
	for _, c := range []struct {
		name     string
		sweeps   Sweeps
		after    string
		want     string // before the jitter of cron
		unmoving bool   // it is the end of quiet hours, to which no jitter is added
	}{
		{name: "later today", sweeps: Sweeps{Schedule: "30 4 * * *"},
			after: "2026-05-04T00:00:00Z", want: "2026-05-04T04:30:00Z"},
		{name: "tomorrow", sweeps: Sweeps{Schedule: "30 4 * * *"},
			after: "2026-05-04T05:00:00Z", want: "2026-05-05T04:30:00Z"},
		{name: "on a weekday in a zone", sweeps: Sweeps{Schedule: "0 9 * * 1-5", TimeZone: "America/New_York"},
			after: "2026-05-01T14:00:00Z", want: "2026-05-04T13:00:00Z"}, // from Friday to Monday
		{name: "a time that the clocks pass over is made up for", sweeps: Sweeps{Schedule: "30 2 * * *", TimeZone: "Europe/Berlin"},
			after: "2026-03-28T12:00:00Z", want: "2026-03-29T01:30:00Z"},
		{name: "and the next one is the usual one", sweeps: Sweeps{Schedule: "30 2 * * *", TimeZone: "Europe/Berlin"},
			after: "2026-03-29T01:45:00Z", want: "2026-03-30T00:30:00Z"},
		{name: "a time that the clocks show twice comes once", sweeps: Sweeps{Schedule: "30 2 * * *", TimeZone: "Europe/Berlin"},
			after: "2026-10-25T01:45:00Z", want: "2026-10-26T01:30:00Z"},
		{name: "no zone is UTC", sweeps: Sweeps{Schedule: "0 12 1 * *"},
			after: "2026-05-04T00:00:00Z", want: "2026-06-01T12:00:00Z"},
		{name: "at the end of the quiet hours", sweeps: Sweeps{Schedule: "30 4 * * *", Quiet: "22:00-06:00"},
			after: "2026-05-04T00:00:00Z", want: "2026-05-04T06:00:00Z", unmoving: true},
		{name: "which may be tomorrow", sweeps: Sweeps{Schedule: "0 23 * * *", Quiet: "22:00-06:00", TimeZone: "Europe/Berlin"},
			after: "2026-05-04T00:00:00Z", want: "2026-05-05T04:00:00Z", unmoving: true},
		{name: "quiet hours within a day", sweeps: Sweeps{Schedule: "0 12 * * *", Quiet: "08:00-18:00"},
			after: "2026-05-04T00:00:00Z", want: "2026-05-04T18:00:00Z", unmoving: true},
		{name: "quiet until the clocks change", sweeps: Sweeps{Schedule: "0 1 * * *", Quiet: "00:00-06:00", TimeZone: "Europe/Berlin"},
			after: "2026-03-28T12:00:00Z", want: "2026-03-29T04:00:00Z", unmoving: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := at(t, c.want)
			if !c.unmoving {
				want = want.Add(off)
			}
			if got := c.sweeps.Next(repo, at(t, c.after)); !got.Equal(want) {
				t.Errorf("next after %s is %s, want %s", c.after, got.UTC(), want)
			}
		})
	}
}

// TestEachSweepIsFollowedByOne walks two years of each schedule, in a zone whose clocks change.
func TestEachSweepIsFollowedByOne(t *testing.T) {
	for schedule, want := range map[string][2]int{ // the fewest and the most in two years
		"daily": {729, 731}, "weekly": {104, 105}, "monthly": {23, 25}, "": {104, 105},
		"0 * * * *": {17515, 17520}, "30 2 * * *": {729, 731},
	} {
		t.Run(schedule, func(t *testing.T) {
			s := Sweeps{Schedule: schedule, TimeZone: "Europe/Berlin"}
			now, n := at(t, "2026-01-01T00:00:00Z"), 0
			for end := now.AddDate(2, 0, 0); ; n++ {
				next := s.Next("acme/shop", now)
				if !next.After(now) {
					t.Fatalf("after %s comes %s", now, next)
				}
				if now = next; now.After(end) {
					break
				}
			}
			if n < want[0] || n > want[1] {
				t.Errorf("%d sweeps in two years, want %d to %d", n, want[0], want[1])
			}
		})
	}
}

func TestRepositoriesAreSpreadOverTheSchedule(t *testing.T) {
	after := at(t, "2026-05-04T00:00:00Z") // a Monday
	days := map[time.Weekday]int{}
	for n := range 700 {
		next := Sweeps{Schedule: "weekly"}.Next(fmt.Sprintf("acme/service-%d", n), after)
		if gone := next.Sub(after); gone <= 0 || gone > 7*24*time.Hour {
			t.Fatalf("the first is due after %s", gone)
		}
		days[next.Weekday()]++
	}
	for day := range time.Saturday + 1 {
		if days[day] < 60 || days[day] > 140 {
			t.Errorf("%d of 700 repositories on a %s", days[day], day)
		}
	}
}

func TestTheTimeOfARepositoryFollowsFromItsName(t *testing.T) {
	s, after := Sweeps{Schedule: "daily"}, at(t, "2026-05-04T00:00:00Z")
	if a, b := s.Next("Acme/Shop", after), s.Next("acme/shop", after); !a.Equal(b) {
		t.Errorf("%s and %s", a, b)
	}
}

func TestAScheduleWithoutTimesIsNeverDue(t *testing.T) {
	after := at(t, "2026-05-04T00:00:00Z")
	if got := (Sweeps{Schedule: "0 0 30 2 *"}).Next("acme/shop", after); got.Before(after.AddDate(1, 0, 0)) {
		t.Errorf("due at %s", got)
	}
}

// TestTimingIsForThoseThatSayNothing: each of the two that a repository or its organisation sets wins.
func TestTimingIsForThoseThatSayNothing(t *testing.T) {
	timing := Timing{Schedule: "0 6 * * 1-5", TimeZone: "Europe/Berlin"}
	for text, want := range map[string]Timing{
		"fail-on: never\n":                                           timing,
		"sweeps: {schedule: weekly}\n":                               {"weekly", "Europe/Berlin"},
		"sweeps: {time-zone: Asia/Tokyo}\n":                          {"0 6 * * 1-5", "Asia/Tokyo"},
		"sweeps: {schedule: \"5 4 * * *\", time-zone: Asia/Tokyo}\n": {"5 4 * * *", "Asia/Tokyo"},
	} {
		repo := fstest.MapFS{".github/lighterman.yml": {Data: []byte(text)}}
		c, err := Load(repo, Settings{Timing: timing})
		if err != nil || (Timing{c.Sweeps.Schedule, c.Sweeps.TimeZone}) != want {
			t.Errorf("%s: %+v, %v", text, c.Sweeps, err)
		}
	}
	c, err := Load(fstest.MapFS{}, Settings{})
	if err != nil || c.Sweeps.Schedule != "weekly" || c.Sweeps.TimeZone != "UTC" {
		t.Errorf("%+v, %v", c, err)
	}
	if got := (Sweeps{TimeZone: "UTC"}).Timed(timing); got.Schedule != timing.Schedule || got.TimeZone != "UTC" {
		t.Errorf("%+v", got)
	}
	for _, wrong := range []Timing{{Schedule: "hourly"}, {Schedule: "0 6 * * 9"}, {TimeZone: "Berlin"}, {"daily", "Local"}} {
		if wrong.Check() == nil {
			t.Errorf("%+v is taken", wrong)
		}
	}
	if err := errors.Join(timing.Check(), Timing{}.Check(), Timing{Schedule: "monthly"}.Check()); err != nil {
		t.Error(err)
	}
}
