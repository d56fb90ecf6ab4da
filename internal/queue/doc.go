// Package queue holds the durable work of the App: which webhook deliveries arrived, and which pull requests are to be
// brought up to date.
//
// A delivery is stored once, by its GUID, and in the same transaction the pull request it names is noted: its
// generation goes up by one and a job for it is inserted, unless one is already live. So there is at most one live job
// for a pull request, however many pushes arrive. A job means "bring this pull request up to date", never "handle push
// seven": it reads the generation before it works and again in the transaction that finishes it. When the generation
// moved meanwhile, that same transaction inserts the next job; a push during a run is never lost and the newest head
// wins. Deliveries that wait while a transaction is being written share the next one (the inbox), so the number of
// fsyncs does not grow with the number of deliveries.
//
// Jobs live in River's tables (github.com/riverqueue/river), beside ours, in one of two databases: SQLite, one file and
// one process, or PostgreSQL, shared by several replicas. What differs between them is small and has one place each:
//
//   - SQLite (sqlite.go) has a single connection, and a lock that one process holds while it lives. Whoever holds it
//     knows that every job marked as running was left by a dead process, and takes it over at once.
//   - PostgreSQL (postgres.go, lease.go) has a row per replica that it renews every beat. Jobs of a replica whose row
//     went stale are taken over by any other, under a new job id, so whatever a paused former owner still writes
//     finds no row. A replica that cannot renew stops its own jobs before others may take them.
//
// Besides, the queue runs ticks (tick.go): what one replica does every so often. River's leader starts them, as jobs in a
// queue of their own.
//
// A job that is taken over runs again from the start, so what it does must be idempotent; that is the contract of
// Options.Work.
package queue
