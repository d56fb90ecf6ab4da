package admin

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/queue"
)

// installations is the page of the accounts on which the App is installed.
func (p *Pages) installations(w http.ResponseWriter, r *http.Request) {
	v := struct {
		frame
		All    []forge.Installation
		Absent string
	}{frame: p.frame(r, "Installations", "installations")}
	var err error
	v.All, err = p.accounts.get(struct{}{}, func() ([]forge.Installation, error) { return p.options.Host.Installations(r.Context()) })
	v.Absent = p.absent(r, err)
	p.show(w, http.StatusOK, "installations", v)
}

// A reached is a repository with what was done there last.
type reached struct {
	forge.Listed
	Last *queue.Report
}

// maxRemembered is how many reports are looked through for the last of each repository.
const maxRemembered = 1000

// repositories is the page of one installation.
func (p *Pages) repositories(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.URL.Query().Get("installation"), 10, 64)
	if err != nil || id <= 0 {
		leave(w, "installations")
		return
	}
	v := struct {
		frame
		ID     int64
		All    []reached
		Absent string
	}{frame: p.frame(r, "Repositories", "installations"), ID: id}
	all, err := p.repos.get(id, func() ([]forge.Listed, error) { return p.options.Host.Repositories(r.Context(), id) })
	v.Absent = p.absent(r, err)
	reports, err := p.options.Queue.Reports(r.Context(), maxRemembered)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	v.All = withReports(all, reports)
	p.show(w, http.StatusOK, "repositories", v)
}

// withReports adds to each repository its newest report, and puts those with the newest first. Reports come the newest
// first.
func withReports(all []forge.Listed, reports []queue.Report) []reached {
	last := map[string]*queue.Report{}
	for n, r := range reports {
		if key := strings.ToLower(r.Ref.Repo.String()); last[key] == nil {
			last[key] = &reports[n]
		}
	}
	out := make([]reached, len(all))
	for n, l := range all {
		out[n] = reached{l, last[strings.ToLower(l.Repo.String())]}
	}
	slices.SortStableFunc(out, func(a, b reached) int {
		switch {
		case a.Last != nil && b.Last != nil:
			return b.Last.At.Compare(a.Last.At)
		case a.Last != nil:
			return -1
		case b.Last != nil:
			return 1
		}
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return out
}
