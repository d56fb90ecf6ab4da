package queue

import (
	"context"

	"github.com/riverqueue/river/riverdriver"
)

// A database is what the queue needs of SQLite or PostgreSQL. TTx is the driver's transaction, which River takes too,
// so that jobs and our rows are written together. The statements themselves are the same for both: they use numbered
// parameters and keep times as Unix milliseconds.
type database[TTx any] struct {
	driver riverdriver.Driver[TTx]
	// within runs do in one transaction and commits it when do returns nil. SQLite has one connection, so do must
	// use nothing but what it is given.
	within func(ctx context.Context, do func(TTx, session) error) error
	custody
	forUpdate string // the clause that locks the rows a SELECT finds; "" where transactions do not overlap
	close     func() error
}

// A session runs statements in one transaction.
type session interface {
	// exec returns the number of rows that changed.
	exec(ctx context.Context, statement string, args ...any) (int64, error)
	// one scans the first row into the pointers and reports whether there was one.
	one(ctx context.Context, into []any, statement string, args ...any) (bool, error)
	// all calls each with a function that scans one row, for every row.
	all(ctx context.Context, each func(scan func(...any) error) error, statement string, args ...any) error
}

// A custody settles which process a running job belongs to, so that jobs of a dead one are run again soon and those of
// a live one are not.
type custody interface {
	// take makes this process the owner of what it will run, and frees jobs that belong to nobody.
	take(ctx context.Context) error
	// keep holds on to the ownership until the context ends, and goes on freeing jobs that belong to nobody.
	keep(ctx context.Context)
	// guard returns a context that is cancelled with errLost as its cause when the ownership is lost.
	guard(ctx context.Context) (context.Context, context.CancelFunc)
	// release gives the ownership up, once no job is running.
	release(ctx context.Context) error
}
