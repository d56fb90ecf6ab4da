package admin

import (
	"net/http"
	"strconv"

	"github.com/lighterman/lighterman/internal/queue"
)

// maxRows is how many rows a table has.
const maxRows = 100

// jobs is the page of what waits, what failed for good, and what was done last.
func (p *Pages) jobs(w http.ResponseWriter, r *http.Request) {
	v := struct {
		frame
		Depth   queue.Depth
		Dead    []queue.DeadJob
		Live    []queue.LiveJob
		Reports []queue.Report
		Most    int
		RiverUI string
	}{frame: p.frame(r, "Jobs", "jobs"), Most: maxRows, RiverUI: p.options.RiverUI}
	q, ctx := p.options.Queue, r.Context()
	var err error
	if v.Depth, err = q.Depth(ctx); err != nil {
		p.broken(w, r, err)
		return
	}
	if v.Dead, err = q.Dead(ctx); err != nil {
		p.broken(w, r, err)
		return
	}
	v.Dead = v.Dead[:min(len(v.Dead), maxRows)]
	if v.Live, err = q.Live(ctx, maxRows); err != nil {
		p.broken(w, r, err)
		return
	}
	if v.Reports, err = q.Reports(ctx, maxRows); err != nil {
		p.broken(w, r, err)
		return
	}
	p.show(w, http.StatusOK, "jobs", v)
}

// replay runs a dead job again.
func (p *Pages) replay(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PostFormValue("id"), 10, 64)
	if err == nil {
		err = p.options.Queue.Replay(r.Context(), id)
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	p.did(r, "replayed a dead job", "job", id)
	leave(w, "jobs?said=replayed")
}
