package server

import (
	"crypto/rand"
	_ "embed"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/lighterman/lighterman/internal/page"
)

//go:embed setup.html
var setupHTML string

var setupPages = page.New(setupHTML, "", nil)

// choice is what the first page shows.
type choice struct {
	Token, Host, Hook, Org, Problem string
	Fixed                           bool   // the address is not to be changed here
	Action                          string // of the form that goes to the code host; "" while something is missing
	Full, ReviewOnly                string // the manifests
	Site                            string
}

// orgName is what names of organisations look like.
var orgName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}$`)

// choice makes the first page of a request that was let in.
func (e *entrance) choice(r *http.Request) (choice, error) {
	q := r.URL.Query()
	here := e.Public
	if here == "" {
		here = origin(r)
	}
	v := choice{
		Token: e.token, Site: e.Site, Host: hostOf(e.Site), Fixed: e.Public != "",
		Hook: strings.TrimRight(strings.TrimSpace(q.Get("url")), "/"), Org: strings.TrimSpace(q.Get("org")),
	}
	if v.Fixed || !q.Has("url") {
		v.Hook = here
	}
	v.Hook = strings.TrimSuffix(v.Hook, "/webhook")
	reach := unreachable(e.Site, v.Hook)
	if reach != "" && !v.Fixed && !q.Has("url") {
		v.Hook = "" // a guess that is of no use
		return v, nil
	}
	switch {
	case v.Org != "" && !orgName.MatchString(v.Org):
		v.Problem = "This is not the name of an organisation: letters, digits and hyphens, at most 39."
		return v, nil
	case reach != "":
		v.Problem = reach
		return v, nil
	}
	return v, e.offer(&v, here)
}

// offer fills in the form that goes to the code host, with a fresh state.
func (e *entrance) offer(v *choice, here string) error {
	o := Registration{Name: appName(v.Org), Page: here, Hook: v.Hook}
	for _, into := range []*string{&v.Full, &v.ReviewOnly} {
		text, err := e.Manifest(o)
		if err != nil {
			return err
		}
		*into = string(text)
		o.ReviewOnly = true
	}
	path := "/settings/apps/new"
	if v.Org != "" {
		path = "/organizations/" + v.Org + path
	}
	v.Action = e.Site + path + "?" + url.Values{"state": {e.newState()}}.Encode()
	return nil
}

// maxAppName is the longest name that GitHub gives to an App.
const maxAppName = 34

// appName is a name that nobody else will have taken: names of Apps are unique on the whole host.
func appName(org string) string {
	tail := "-" + strings.ToLower(rand.Text()[:6])
	name := "lighterman"
	if org != "" {
		name += "-" + org
	}
	return strings.TrimRight(name[:min(len(name), maxAppName-len(tail))], "-") + tail
}

// origin is how the browser reached us. A proxy may speak TLS in our place. Both headers are the token holder's own.
func origin(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

func hostOf(site string) string {
	u, err := url.Parse(site)
	if err != nil {
		return site
	}
	return u.Host
}

// unreachable says why the code host cannot send webhooks to an address, as far as that can be seen, "" when nothing
// speaks against it. github.com refuses what is not on the public Internet; an Enterprise Server may be on the same
// network as we are, never the same machine.
func unreachable(site, address string) string {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return "The address at which webhooks arrive is still missing."
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" ||
		u.Fragment != "":
		return "This is not an address of the form https://HOST."
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	switch {
	case isSelf(host):
		return host + " is this machine's own name for itself; " + hostOf(site) + " cannot send anything there."
	case hostOf(site) == "github.com" && isInside(host):
		return host + " is a name or address inside a network; github.com cannot reach it."
	}
	return ""
}

func isSelf(host string) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host == "localhost" || strings.HasSuffix(host, ".localhost")
	}
	return ip.Unmap().IsLoopback() || ip.IsUnspecified()
}

func isInside(host string) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return !strings.Contains(host, ".")
	}
	return ip.Unmap().IsPrivate() || ip.IsLinkLocalUnicast()
}

// trouble is what a page says when there is no going on.
type trouble struct {
	Title    string
	Lines    []string
	Settings string // where the code host lists the person's Apps, or this one
	Again    string // the first page; only for who has shown to hold the token
}

// strayed is for a browser that comes back with a state which is not ours, or not any more.
func (e *entrance) strayed() trouble {
	return trouble{
		Title: "This link cannot be used",
		Lines: []string{
			"It was used before, is older than an hour, or the server was started again in between.",
			"If an App was created already, its key is lost: delete it, and begin again with the address that the " +
				"server printed when it started.",
		},
		Settings: e.Site + "/settings/apps",
	}
}

// failed says what to do after Register went wrong.
func (e *entrance) failed(err error, again string) trouble {
	t := trouble{Title: "The App is not set up", Settings: e.Site + "/settings/apps", Again: again}
	var unsaved *UnsavedError
	switch {
	case errors.Is(err, ErrCode):
		t.Lines = []string{
			hostOf(e.Site) + " did not take its own code any more: it works once, and for an hour.",
			"If an App was created, delete it before you begin again.",
		}
	case errors.As(err, &unsaved):
		t.Settings = unsaved.Settings
		t.Lines = []string{
			"The App was created, but its credentials could not be kept, and they are given only once. The server's log " +
				"says why.",
			"When that is put right, delete the App and begin again. Or keep it: make a new private key and a new webhook " +
				"secret on its settings page, and start the server with LIGHTERMAN_APP_ID, LIGHTERMAN_PRIVATE_KEY_FILE and " +
				"LIGHTERMAN_WEBHOOK_SECRET_FILE.",
		}
	default:
		t.Lines = []string{
			"Fetching the App's credentials from " + hostOf(e.Site) + " did not work. The server's log says why.",
			"If an App was created, delete it before you begin again.",
		}
	}
	return t
}

// show writes a page. The referrer is cut to the origin, because the address holds the token; without any, browsers send
// "Origin: null" with the form, which a code host may take for a forgery.
func (s *Server) show(w http.ResponseWriter, status int, name string, values any) {
	target := ""
	if v, ok := values.(choice); ok {
		target = v.Site
	}
	w.Header().Set("Referrer-Policy", "strict-origin")
	if err := setupPages.Show(w, status, name, values, target); err != nil {
		s.log.Error("the set-up page cannot be shown", "error", err)
	}
}
