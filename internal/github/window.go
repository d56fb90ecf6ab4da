package github

import (
	"errors"
	"time"
)

// GitHub's limits on making content, for one installation over REST and GraphQL together. They are nowhere to be read at
// run time (data/reusables/rest-api/secondary-rate-limit-rest-graphql.md).
const (
	writesPerMinute = 80
	writesPerHour   = 500
)

// maxSleep is how long a write may wait for its turn; the job of one that would wait longer is put off instead.
const maxSleep = 5 * time.Second

// A window bounds how much happens within a span of time that ends now.
type window struct {
	span time.Duration
	most int
}

// longest is the longest span of a window.
const longest = time.Hour

// windows are the windows for writes.
func windows() []window { return []window{{time.Minute, writesPerMinute}, {longest, writesPerHour}} }

// rest is how long to wait before the next one fits, after those at these times, oldest first. When that is long it is as
// long as it takes until a tenth of the window is free, because a job that is put off begins anew and must not do so for
// every single write.
func (w window) rest(at []time.Time, now time.Time) time.Duration {
	for len(at) > 0 && now.Sub(at[0]) >= w.span {
		at = at[1:]
	}
	if len(at) < w.most {
		return 0
	}
	if soon := at[0].Add(w.span).Sub(now); soon <= maxSleep {
		return soon
	}
	return at[w.most/10].Add(w.span).Sub(now)
}

var errFull = errors.New("not sent: as much was written as GitHub allows in that time")
