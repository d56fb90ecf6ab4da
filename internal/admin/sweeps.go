package admin

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/lighterman/lighterman/internal/queue"
)

// sweeps is the page of how far sweeps have come.
func (p *Pages) sweeps(w http.ResponseWriter, r *http.Request) {
	v := struct {
		frame
		All, Shown []queue.Repository
		progress
	}{frame: p.frame(r, "Sweeps", "sweeps")}
	var err error
	if v.All, err = p.options.Queue.Repositories(r.Context(), 0); err != nil {
		p.broken(w, r, err)
		return
	}
	v.progress = progressOf(v.All)
	v.Shown = slices.Clone(v.All)
	slices.SortStableFunc(v.Shown, func(a, b queue.Repository) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), b.Swept.Compare(a.Swept))
	})
	v.Shown = v.Shown[:min(len(v.Shown), maxRepositories)]
	p.show(w, http.StatusOK, "sweeps", v)
}

// maxRepositories is how many repositories the page of sweeps shows.
const maxRepositories = 500

// rank puts what runs before what waits, and what is passed over last.
func rank(r queue.Repository) int {
	switch {
	case r.Job == string(queue.Running):
		return 0
	case r.Job != "":
		return 1
	case r.Skip != "":
		return 3
	}
	return 2
}

// A progress is how far sweeps have come.
type progress struct{ Swept, Waiting, Running, Skipped, Percent int }

func progressOf(all []queue.Repository) progress {
	var p progress
	for _, r := range all {
		switch {
		case r.Job == string(queue.Running):
			p.Running++
		case r.Job != "":
			p.Waiting++
		}
		switch {
		case r.Skip != "":
			p.Skipped++
		case !r.Swept.IsZero():
			p.Swept++
		}
	}
	p.Percent = percent(p.Swept, len(all)-p.Skipped)
	return p
}
