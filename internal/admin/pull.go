package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/queue"
)

// pullNames are what people call a pull request: owner/name#n, its address on any host, and owner/name@commit for a merge
// group. owner/name is the repository itself, which is swept.
var pullNames = regexp.MustCompile(
	`^(?:https?://[^/\s]+/)?([A-Za-z0-9_-]{1,100})/([A-Za-z0-9._-]{1,100})(?:(?:#|/pull/|/)([0-9]{1,9})(?:[/?#]\S*)?|@([0-9a-f]{40,64}))?$`)

// parsePull reads what somebody called a pull request.
func parsePull(text string) (ref forge.Ref, ok bool) {
	m := pullNames.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return ref, false
	}
	ref.Repo.Owner, ref.Repo.Name, ref.Group = m[1], m[2], m[4]
	ref.Number, _ = strconv.Atoi(m[3]) // "" for the others
	return ref, m[3] == "" || ref.Number > 0
}

// nameOf is a name that parsePull reads.
func nameOf(ref forge.Ref) string {
	if ref.Group != "" {
		return ref.Repo.String() + "@" + ref.Group
	}
	return ref.String()
}

// pull answers why nothing was posted on a pull request, or what was.
func (p *Pages) pull(w http.ResponseWriter, r *http.Request) {
	v := struct {
		frame
		Query    string
		Problem  string
		Ref      forge.Ref
		Asked    bool
		Answer   answer
		Report   queue.Report
		Reported bool
		Known    queue.Known
		Page     string // of the pull request on the host
	}{frame: p.frame(r, "Why was nothing posted here?", "pull"), Query: strings.TrimSpace(r.URL.Query().Get("q"))}
	if v.Query == "" {
		p.show(w, http.StatusOK, "pull", v)
		return
	}
	ref, ok := parsePull(v.Query)
	if !ok {
		v.Problem = "This names no pull request. Write owner/repository#12, or copy its address."
		p.show(w, http.StatusOK, "pull", v)
		return
	}
	var err error
	if v.Report, v.Reported, err = p.options.Queue.Report(r.Context(), ref); err != nil {
		p.broken(w, r, err)
		return
	}
	if v.Known, err = p.options.Queue.Known(r.Context(), ref); err != nil {
		p.broken(w, r, err)
		return
	}
	v.Ref, v.Asked = spelled(ref, v.Known.Ref), true
	v.Page = p.page(v.Ref)
	v.Answer = why(v.Report, v.Reported, v.Known)
	p.show(w, http.StatusOK, "pull", v)
}

// spelled is a pull request as the host spells it, where that is known.
func spelled(asked, known forge.Ref) forge.Ref {
	if known.Repo.Name != "" {
		return known
	}
	return asked
}

// page is where a pull request is seen on the host; "" is not known.
func (p *Pages) page(ref forge.Ref) string {
	if p.options.Site == "" || ref.Number == 0 {
		return ""
	}
	return fmt.Sprintf("%s/%s/%s/pull/%d", p.options.Site, url.PathEscape(ref.Repo.Owner), url.PathEscape(ref.Repo.Name), ref.Number)
}

// An answer says in a sentence how it stands with a pull request, and what there is to do.
type answer struct {
	Short string
	Next  string
	Bad   bool
}

// why makes the answer of what is known.
func why(r queue.Report, reported bool, k queue.Known) answer {
	if len(k.Live) > 0 {
		return whyLive(k.Live[0], r, reported)
	}
	if len(k.Dead) > 0 {
		return answer{"Its job failed in every attempt and was put aside.", "When what it says below is mended, replay it.", true}
	}
	if !reported {
		return whyNothing(k)
	}
	switch r.Outcome {
	case queue.Finished:
		return whyDone(r, k)
	case queue.Gone:
		return answer{"It cannot be reached: the repository, the pull request or the App's installation there is gone.",
			"Look whether the App is installed on that repository.", true}
	case queue.Buried:
		return answer{"Its job failed in every attempt. It was replayed or removed since.", "", true}
	}
	return answer{"Its last run came to no end, and there is no job for it.", "Have it looked at again.", true}
}

func whyLive(j queue.LiveJob, r queue.Report, reported bool) answer {
	switch {
	case j.State == queue.Running:
		return answer{Short: "It is being looked at now."}
	case j.State == queue.Waiting:
		return answer{Short: "It waits for its turn."}
	case reported && r.Outcome == queue.Limited:
		return answer{Short: "It waits because GitHub asked for fewer requests, or the rest of the hour is kept.", Next: "It goes on by itself."}
	case j.Error != "":
		return answer{"The last run failed; it is tried again by itself.", "The reason is below.", true}
	}
	return answer{Short: "It is put off for a moment, so that pushes which follow one another are looked at once."}
}

func whyNothing(k queue.Known) answer {
	if len(k.Received) > 0 {
		return answer{"Webhooks about it came, and none of them asked for a review.", "Have it looked at.", false}
	}
	return answer{"Nothing is known of it: no webhook about it arrived lately, and no run is remembered.",
		"Look whether the App is installed on that repository, and what GitHub's log under Deliveries says. Then have it looked at.", true}
}

func whyDone(r queue.Report, k queue.Known) answer {
	switch {
	case k.Told != "" && r.Head != "" && k.Told != r.Head:
		return answer{"An older head was looked at than the one that a webhook told of last.", "Have it looked at again.", true}
	case len(r.Posted) > 0:
		return answer{Short: "It was looked at, and something was written."}
	case r.Why != "":
		return answer{Short: "It was looked at, and nothing was written. The reason is below."}
	}
	return answer{Short: "It was looked at, and there was nothing new to say."}
}

// look has a pull request looked at again.
func (p *Pages) look(w http.ResponseWriter, r *http.Request) {
	ref, ok := parsePull(r.PostFormValue("q"))
	if !ok || ref.Whole() {
		p.trouble(w, r, http.StatusBadRequest, "This names no pull request", "Nothing was done.")
		return
	}
	k, err := p.options.Queue.Known(r.Context(), ref)
	if err == nil {
		ref = spelled(ref, k.Ref)
		err = p.options.Desk.Look(r.Context(), ref)
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	p.did(r, "asked for a look", "pull", ref.String())
	leave(w, "pull?"+url.Values{"q": {nameOf(ref)}, "said": {"asked"}}.Encode())
}
