package queue

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

const (
	// behind is the priority of what a look at all open pull requests found, in River's numbers: webhooks come first.
	behind = 3
	// askedAgain is how long after such a look the next one may ask for the same head.
	askedAgain = 24 * time.Hour
)

func (a *app[TTx]) catchUp(ctx context.Context, heads []forge.Head, now time.Time) (count int, err error) {
	err = a.db.within(ctx, func(tx TTx, s session) error {
		var lacking []forge.Head
		for _, h := range heads {
			done, err := isDone(ctx, s, h, now)
			if err != nil {
				return err
			}
			if !done {
				lacking = append(lacking, h)
			}
		}
		if count = len(lacking); count == 0 {
			return nil
		}
		subjects := make([]string, count)
		byKey := map[string]forge.Head{}
		for n, h := range lacking {
			subjects[n] = subjectOf(h.Ref)
			byKey[subjects[n]] = h
		}
		for _, subject := range slices.Sorted(slices.Values(subjects)) {
			if err := saw(ctx, s, byKey[subject], now); err != nil {
				return err
			}
		}
		_, err := a.insertAt(ctx, tx, subjects, behind)
		return err
	})
	return count, err
}

// isDone reports whether a head needs nothing, or was asked for a short while ago.
func isDone(ctx context.Context, s session, h forge.Head, now time.Time) (bool, error) {
	var one int
	done, err := s.one(ctx, []any{&one}, `
		SELECT 1 FROM lighterman_pull
		WHERE subject = $1 AND (done_head = $2 OR seen_head = $2 AND seen_at > $3)`,
		subjectOf(h.Ref), h.Commit, now.Add(-askedAgain).UnixMilli())
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", h.Ref, err)
	}
	return done, nil
}

// saw notes that a pull request is to be brought up to date because of how it was seen.
func saw(ctx context.Context, s session, h forge.Head, now time.Time) error {
	if err := bump(ctx, s, h.Ref, h.Commit, cause{}); err != nil {
		return err
	}
	const statement = `UPDATE lighterman_pull SET seen_head = $2, seen_at = $3 WHERE subject = $1`
	if _, err := s.exec(ctx, statement, subjectOf(h.Ref), h.Commit, now.UnixMilli()); err != nil {
		return fmt.Errorf("note the head of %s: %w", h.Ref, err)
	}
	return nil
}
