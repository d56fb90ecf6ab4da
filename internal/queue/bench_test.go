package queue

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/lighterman/lighterman/internal/queue/pgtest"
)

// BenchmarkReceive measures acknowledged deliveries: 32 senders, every commit on disk, jobs of no length running.
func BenchmarkReceive(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) { benchmarkReceive(b, sqlitePlace(b)) })
	b.Run("postgres", func(b *testing.B) {
		benchmarkReceive(b, place{url: pgtest.Start(b, "fsync=on").Database(b)})
	})
}

func benchmarkReceive(b *testing.B, p place) {
	q := open(b, p, Options{Work: new(tally).work, Workers: 8, Logger: slog.New(slog.DiscardHandler)})
	payload := make([]byte, 20_000) // a pull_request event's usual size
	var n atomic.Int64
	b.SetParallelism(16) // times GOMAXPROCS
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			d := push(fmt.Sprint(i), pullRequest(int(i%40)))
			d.Payload = payload
			if _, err := q.Receive(b.Context(), d); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
}
