package queue

import (
	"context"
	"fmt"
)

// Unknown returns those of the GUIDs under which no delivery is stored, in their order.
func (q *Queue) Unknown(ctx context.Context, guids []string) ([]string, error) {
	unknown, err := q.engine.unknown(ctx, guids)
	if err != nil {
		return nil, fmt.Errorf("look for deliveries: %w", err)
	}
	return unknown, nil
}

// Recall returns what was last remembered under a key, "" for nothing.
func (q *Queue) Recall(ctx context.Context, key string) (string, error) {
	value, err := q.engine.recall(ctx, key)
	if err != nil {
		return "", fmt.Errorf("recall %s: %w", key, err)
	}
	return value, nil
}

// Remember keeps a value under a key, for all processes on the database and those to come.
func (q *Queue) Remember(ctx context.Context, key, value string) error {
	if err := q.engine.remember(ctx, key, value); err != nil {
		return fmt.Errorf("remember %s: %w", key, err)
	}
	return nil
}

// Change hands the value under a key to change, "" for nothing, and keeps what that returns. No other process changes it
// in between.
func (q *Queue) Change(ctx context.Context, key string, change func(value string) string) error {
	if err := q.engine.change(ctx, key, change); err != nil {
		return fmt.Errorf("change %s: %w", key, err)
	}
	return nil
}

func (a *app[TTx]) unknown(ctx context.Context, guids []string) (unknown []string, err error) {
	err = a.db.within(ctx, func(_ TTx, s session) error {
		for _, guid := range guids {
			var one int
			known, err := s.one(ctx, []any{&one}, `SELECT 1 FROM lighterman_delivery WHERE guid = $1`, guid)
			if err != nil {
				return err
			}
			if !known {
				unknown = append(unknown, guid)
			}
		}
		return nil
	})
	return unknown, err
}

func (a *app[TTx]) recall(ctx context.Context, key string) (value string, err error) {
	err = a.db.within(ctx, func(_ TTx, s session) error {
		_, err := s.one(ctx, []any{&value}, `SELECT value FROM lighterman_note WHERE key = $1`, key)
		return err
	})
	return value, err
}

func (a *app[TTx]) remember(ctx context.Context, key, value string) error {
	return a.db.within(ctx, func(_ TTx, s session) error {
		_, err := s.exec(ctx, `
			INSERT INTO lighterman_note (key, value) VALUES ($1, $2)
			ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
		return err
	})
}

func (a *app[TTx]) change(ctx context.Context, key string, change func(string) string) error {
	return a.db.within(ctx, func(_ TTx, s session) error {
		const first = `INSERT INTO lighterman_note (key, value) VALUES ($1, '') ON CONFLICT (key) DO NOTHING`
		if _, err := s.exec(ctx, first, key); err != nil { // so that there is a row to lock
			return err
		}
		var value string
		read := `SELECT value FROM lighterman_note WHERE key = $1` + a.db.forUpdate
		if _, err := s.one(ctx, []any{&value}, read, key); err != nil {
			return err
		}
		next := change(value)
		if next == value {
			return nil
		}
		_, err := s.exec(ctx, `UPDATE lighterman_note SET value = $2 WHERE key = $1`, key, next)
		return err
	})
}
