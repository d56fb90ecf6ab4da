package server

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lighterman/lighterman/internal/forge"
)

// A Host lists what the App can reach.
type Host interface {
	// Installations are those that let the App in.
	Installations(ctx context.Context) ([]int64, error)
	// Active are the repositories of one that may have open pull requests, always in the same order.
	Active(ctx context.Context, installation int64) ([]forge.Repo, error)
	// Open are the open pull requests of a repository, those that changed last first.
	Open(ctx context.Context, repo forge.Repo) ([]forge.Head, error)
}

// CatchUp looks at all open pull requests and asks for those to be brought up to date whose heads are not known to be:
// their webhooks were lost, or came before the database. An installation whose limit is reached is left for the next
// time, which goes on where this one stopped.
func (s *Server) CatchUp(ctx context.Context, host Host) error {
	installations, err := host.Installations(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range installations {
		err := s.catchUp(ctx, host, id)
		var limit *forge.LimitError
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &limit):
			s.log.Info("the look at open pull requests goes on another time", "installation", id, "error", err)
		case err != nil && !errors.Is(err, forge.ErrGone):
			errs = append(errs, fmt.Errorf("look at the pull requests of installation %d: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

// catchUp looks at one installation's pull requests, from where the last look stopped.
func (s *Server) catchUp(ctx context.Context, host Host, installation int64) error {
	repos, err := host.Active(ctx, installation)
	if err != nil {
		return err
	}
	key := fmt.Sprintf("open pull requests looked at of %d", installation)
	last, err := s.options.Queue.Recall(ctx, key)
	if err != nil {
		return err
	}
	found, looked := 0, ""
	for _, repo := range after(repos, last) {
		n, err := s.catchUpRepo(ctx, host, repo)
		if err != nil {
			// looked is "" when nothing was looked at: the next look starts where this one did.
			if looked == "" {
				return err
			}
			return errors.Join(err, s.options.Queue.Remember(context.WithoutCancel(ctx), key, looked))
		}
		found, looked = found+n, repo.String()
	}
	if found > 0 {
		s.log.Info("open pull requests found that were not looked at", "installation", installation, "pulls", found)
	}
	if last == "" {
		return nil
	}
	return s.options.Queue.Remember(ctx, key, "")
}

func (s *Server) catchUpRepo(ctx context.Context, host Host, repo forge.Repo) (int, error) {
	heads, err := host.Open(ctx, repo)
	if errors.Is(err, forge.ErrGone) || err == nil && len(heads) == 0 {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return s.options.Queue.CatchUp(ctx, heads)
}

// after are the repositories behind one, all of them when it is not among them.
func after(repos []forge.Repo, last string) []forge.Repo {
	n := slices.IndexFunc(repos, func(r forge.Repo) bool { return r.String() == last })
	return repos[n+1:]
}
