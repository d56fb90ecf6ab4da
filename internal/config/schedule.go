package config

import (
	"cmp"
	"errors"
	"hash/fnv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// A plan is a schedule as cron has it, and over how long a time after each of its moments repositories are spread.
type plan struct {
	cron   string
	spread time.Duration
}

// A Timing is when repositories are swept of which neither they nor their organisation say so; "" is weekly, and UTC.
type Timing struct {
	Schedule string // as Sweeps has it
	TimeZone string
}

// Check reports what is wrong with it.
func (t Timing) Check() error {
	wrong := ""
	if t.TimeZone != "" {
		wrong = timeZone(t.TimeZone).rule()
	}
	if t.Schedule != "" {
		wrong = cmp.Or(schedule(t.Schedule).rule(), wrong)
	}
	if wrong != "" {
		return errors.New(wrong)
	}
	return nil
}

// Timed is s with what it leaves open filled in.
func (s Sweeps) Timed(t Timing) Sweeps {
	s.Schedule, s.TimeZone = cmp.Or(s.Schedule, t.Schedule), cmp.Or(s.TimeZone, t.TimeZone)
	return s
}

// planOf is the plan of a schedule. That of cron means what it says, more or less: everybody writes full hours.
func planOf(schedule string) plan {
	const day = 24 * time.Hour
	switch schedule {
	case "daily":
		return plan{"0 0 * * *", day}
	case "monthly":
		return plan{"0 0 1 * *", 28 * day}
	case "weekly", "":
		return plan{"0 0 * * 1", 7 * day}
	}
	return plan{schedule, 10 * time.Minute}
}

// never is when something is due that the schedule has no time for, as on the 30th of February.
const never = 5 * 365 * 24 * time.Hour

// Next is when the repository of a name is to be swept next, after a moment at which it was. A schedule in words spreads
// the repositories evenly over the day, the week or 28 days of the month, each at a time that follows from its name; one
// of cron over the ten minutes after each of its times. What falls into the quiet hours is due at their end.
//
// A time that the clocks pass over is made up for, and one that they show twice comes once.
func (s Sweeps) Next(repo string, after time.Time) time.Time {
	p := planOf(s.Schedule)
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	when, err := cron.ParseStandard(p.cron)
	if err != nil {
		return after.Add(never)
	}
	offset := Jitter(repo, p.spread)
	from := after.Add(-offset)
	// Walls are what clocks show, kept as times in UTC, where no change of the clocks is in the way.
	for wall := shown(from.In(zone), time.UTC).Add(-changes); ; {
		wall = when.Next(wall)
		if wall.IsZero() {
			return after.Add(never)
		}
		if at := shown(wall, zone); at.After(from) {
			return s.Wake(at.Add(offset))
		}
	}
}

// changes is more than clocks are ever put back by.
const changes = 3 * time.Hour

// shown is when clocks in a zone show what a time shows.
func shown(t time.Time, in *time.Location) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), in)
}

// Jitter is the repository's part of a spread, in whole seconds: always the same for a name, and evenly spread among them.
func Jitter(repo string, spread time.Duration) time.Duration {
	if spread < time.Second {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(strings.ToLower(repo))) // never fails
	return time.Duration(h.Sum64()%uint64(spread/time.Second)) * time.Second
}

// Wake is a time, or the end of the quiet hours that it falls into.
func (s Sweeps) Wake(at time.Time) time.Time {
	if !s.Calm(at) {
		return at
	}
	_, to, _ := strings.Cut(s.Quiet, "-")
	end, err := time.Parse("15:04", to)
	zone, errZone := time.LoadLocation(s.TimeZone)
	if err != nil || errZone != nil {
		return at
	}
	local := at.In(zone)
	out := time.Date(local.Year(), local.Month(), local.Day(), end.Hour(), end.Minute(), 0, 0, zone)
	if !out.After(at) {
		out = time.Date(local.Year(), local.Month(), local.Day()+1, end.Hour(), end.Minute(), 0, 0, zone)
	}
	return out
}
