package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

// maxAsked is how many requests one run gets. Those left over make it run again at once.
const maxAsked = 20

// wishes are what a batch of deliveries asks for.
type wishes struct {
	refs   map[string]forge.Ref // by subject, as the two below
	heads  map[string]string    // where they are told
	causes map[string]cause     // the newest deliveries
	asked  []wish
}

func newWishes() wishes {
	return wishes{refs: map[string]forge.Ref{}, heads: map[string]string{}, causes: map[string]cause{}}
}

// A cause is the delivery that asks for a run, and when it came.
type cause struct {
	guid, trace string
	at          time.Time
}

// A wish is one request on one pull request.
type wish struct {
	subject string
	request forge.Request
}

// add notes what a new delivery asks for.
func (w *wishes) add(ctx context.Context, s session, d Delivery, now time.Time) error {
	refs := d.Call.Refs
	if len(refs) == 0 && d.Call.Commit != "" {
		var err error
		if refs, err = headed(ctx, s, d.Call.Repo, d.Call.Commit); err != nil {
			return err
		}
	}
	for _, r := range refs {
		subject := subjectOf(r)
		w.refs[subject] = r
		w.causes[subject] = cause{d.GUID, d.Trace, now}
		if r.Whole() {
			continue // a head and a request are a pull request's
		}
		if d.Call.Head != "" {
			w.heads[subject] = d.Call.Head
		}
		if d.Call.Request == nil {
			continue
		}
		one := wish{subject, *d.Call.Request}
		one.request.ID = cmp.Or(one.request.ID, d.GUID)
		one.request.ID = one.request.ID[:min(len(one.request.ID), forge.MaxRequestID)]
		w.asked = append(w.asked, one)
	}
	return nil
}

// save stores the requests, by subject and id, once their pull requests' rows are locked. One that is known already is
// not asked for again, whatever the GUID of the delivery that brought it.
func (w *wishes) save(ctx context.Context, s session, now time.Time) error {
	slices.SortStableFunc(w.asked, func(a, b wish) int {
		return cmp.Or(cmp.Compare(a.subject, b.subject), cmp.Compare(a.request.ID, b.request.ID))
	})
	for _, one := range w.asked {
		body, err := json.Marshal(one.request)
		if err != nil {
			return fmt.Errorf("store request %s: %w", one.request.ID, err)
		}
		_, err = s.exec(ctx, `
			INSERT INTO lighterman_request (subject, id, body, received_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (subject, id) DO NOTHING`,
			one.subject, one.request.ID, string(body), now.UnixMilli())
		if err != nil {
			return fmt.Errorf("store request %s: %w", one.request.ID, err)
		}
	}
	return nil
}

// headed are the pull requests and merge groups of a repository that are known to have had a commit as their head.
func headed(ctx context.Context, s session, repo forge.Repo, commit string) ([]forge.Ref, error) {
	var refs []forge.Ref
	err := s.all(ctx, func(scan func(...any) error) error {
		var r forge.Ref
		if err := scan(&r.Repo.Owner, &r.Repo.Name, &r.Number, &r.Group, &r.GroupBase); err != nil {
			return err
		}
		r.Repo.Installation = repo.Installation
		refs = append(refs, r)
		return nil
	}, `SELECT owner, name, number, group_head, group_base FROM lighterman_pull
		WHERE done_head = $1 AND lower(owner) = lower($2) AND lower(name) = lower($3) ORDER BY number LIMIT 20`,
		commit, repo.Owner, repo.Name)
	if err != nil {
		return nil, fmt.Errorf("look for the pull requests at %s: %w", commit, err)
	}
	return refs, nil
}

// siblings are the other pull requests of a repository whose head is, or was last told to be, a commit.
func siblings(ctx context.Context, s session, ref forge.Ref, commit string) ([]forge.Ref, error) {
	var refs []forge.Ref
	err := s.all(ctx, func(scan func(...any) error) error {
		r := forge.Ref{Repo: ref.Repo}
		if err := scan(&r.Number); err != nil {
			return err
		}
		refs = append(refs, r)
		return nil
	}, `SELECT number FROM lighterman_pull
		WHERE (told_head = $1 OR done_head = $1) AND lower(owner) = lower($2) AND lower(name) = lower($3)
			AND number > 0 AND number <> $4 ORDER BY number LIMIT 20`,
		commit, ref.Repo.Owner, ref.Repo.Name, ref.Number)
	if err != nil {
		return nil, fmt.Errorf("look for other pull requests at %s: %w", commit, err)
	}
	return refs, nil
}

// requests are what is still to be done for a subject, oldest first.
func requests(ctx context.Context, s session, subject string) ([]forge.Request, error) {
	var out []forge.Request
	err := s.all(ctx, func(scan func(...any) error) error {
		var body string
		if err := scan(&body); err != nil {
			return err
		}
		out = append(out, forge.Request{})
		return json.Unmarshal([]byte(body), &out[len(out)-1])
	}, `SELECT body FROM lighterman_request WHERE subject = $1 AND done = 0 ORDER BY received_at, id LIMIT $2`,
		subject, maxAsked)
	if err != nil {
		return nil, fmt.Errorf("read what was asked for on %s: %w", subject, err)
	}
	return out, nil
}

// rest notes when a run began that ended because the pull request moved on. The next one waits as after any other: during a
// series of pushes every run would end so, and be followed at once.
func (p pull) rest(ctx context.Context, s session) error {
	_, err := s.exec(ctx, `UPDATE lighterman_pull SET began_at = $2 WHERE subject = $1`, subjectOf(p.ref), p.began.UnixMilli())
	if err != nil {
		return fmt.Errorf("note when a run for %s began: %w", p.ref, err)
	}
	return nil
}

// close notes that a run ended for good: what it came to, and that what it was asked for is not to be done
// again. It reports whether something else is still asked for.
func (p pull) close(ctx context.Context, s session, d Done) (more bool, err error) {
	subject := subjectOf(p.ref)
	const ended = `UPDATE lighterman_pull SET began_at = $2, done_head = CASE WHEN $3 = '' THEN done_head ELSE $3 END,
		told_at = CASE WHEN told_head = $3 THEN 0 ELSE told_at END,
		delivery = CASE WHEN generation = $5 THEN '' ELSE delivery END,
		trace = CASE WHEN generation = $5 THEN '' ELSE trace END,
		mark = CASE WHEN $4 = '' THEN mark ELSE $4 END WHERE subject = $1`
	if _, err := s.exec(ctx, ended, subject, p.began.UnixMilli(), d.Head, d.Mark, p.generation); err != nil {
		return false, fmt.Errorf("note the end of a run for %s: %w", p.ref, err)
	}
	for _, r := range p.requests {
		const statement = `UPDATE lighterman_request SET done = 1, body = '' WHERE subject = $1 AND id = $2`
		if _, err := s.exec(ctx, statement, subject, r.ID); err != nil {
			return false, fmt.Errorf("close request %s: %w", r.ID, err)
		}
	}
	const left = `SELECT 1 FROM lighterman_request WHERE subject = $1 AND done = 0 LIMIT 1`
	var one int
	if more, err = s.one(ctx, []any{&one}, left, subject); err != nil {
		return false, fmt.Errorf("look what is asked for on %s: %w", p.ref, err)
	}
	return more, nil
}
