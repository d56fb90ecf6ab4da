package queue

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// onSession runs do in a transaction on a queue's database.
func onSession(ctx context.Context, q *Queue, do func(session) error) error {
	switch a := q.engine.(type) {
	case *app[*sql.Tx]:
		return a.db.within(ctx, func(_ *sql.Tx, s session) error { return do(s) })
	case *app[pgx.Tx]:
		return a.db.within(ctx, func(_ pgx.Tx, s session) error { return do(s) })
	}
	return fmt.Errorf("unknown engine %T", q.engine)
}

// leaseOf is the custody of a replica.
func leaseOf(q *Queue) *lease { return q.engine.(*app[pgx.Tx]).db.custody.(*lease) }
