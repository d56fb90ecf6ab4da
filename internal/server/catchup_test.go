package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/lighterman/lighterman/internal/forge"
)

// A harbour is a host with repositories that have one pull request each, of the repository's name as its head.
type harbour struct {
	repos  map[int64][]string
	fails  map[string]error // by repository, or by installation as text
	looked []string
}

func (h *harbour) Installations(context.Context) ([]int64, error) {
	return []int64{1, 2, 3}, h.fails["all"]
}

func (h *harbour) Active(_ context.Context, id int64) (repos []forge.Repo, err error) {
	for _, name := range h.repos[id] {
		repos = append(repos, forge.Repo{Installation: id, Owner: "acme", Name: name})
	}
	return repos, h.fails[fmt.Sprint(id)]
}

func (h *harbour) Open(_ context.Context, repo forge.Repo) ([]forge.Head, error) {
	h.looked = append(h.looked, repo.Name)
	return []forge.Head{{Ref: forge.Ref{Repo: repo, Number: 1}, Commit: repo.Name}}, h.fails[repo.Name]
}

func TestCatchUp(t *testing.T) {
	h := &harbour{
		repos: map[int64][]string{1: {"a", "b", "c", "d"}, 2: {"e"}, 3: {"f", "g"}}, fails: map[string]error{},
	}
	q := &shelf{}
	s := newServer(t, q)
	look := func(fails bool, want ...string) {
		t.Helper()
		h.looked = nil
		if err := s.CatchUp(t.Context(), h); (err != nil) != fails {
			t.Errorf("catch up: %v", err)
		}
		if !slices.Equal(h.looked, want) {
			t.Errorf("looked at %v, want %v", h.looked, want)
		}
	}
	limit := &forge.LimitError{Err: errors.New("the hour is nearly used up")}
	gone := fmt.Errorf("list: %w", forge.ErrGone)
	h.fails = map[string]error{"c": limit, "2": gone, "f": gone}
	look(false, "a", "b", "c", "f", "g")
	if len(q.heads) != 3 || q.heads[2].Commit != "g" || q.heads[2].Ref.Repo.Installation != 3 {
		t.Errorf("caught up with %+v", q.heads)
	}
	look(false, "c", "f", "g") // where it stopped, and no further
	h.fails = map[string]error{"f": errors.New("502"), "d": limit}
	look(true, "c", "d", "e", "f")
	h.fails = nil
	look(false, "d", "e", "f", "g")
	look(false, "a", "b", "c", "d", "e", "f", "g")
	h.repos[1] = []string{"b", "d"}
	h.fails = map[string]error{"d": limit}
	look(false, "b", "d", "e", "f", "g")
	h.repos[1] = []string{"x"} // b, where it stopped, is gone
	look(false, "x", "e", "f", "g")
	h.fails = map[string]error{"all": errors.New("502")}
	look(true)
}
