package githubtest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// An app is what GitHub holds of the App. It is replaced as a whole, never changed.
type app struct {
	registered  bool
	slug        string
	name        string
	owner       string
	kind        string // of the owner: User or Organization
	url         string
	permissions map[string]string
	events      []string
	hookURL     string // as registered; where it leads is in hooks.url
	setupURL    string
}

// visitor is who is signed in on the double's web pages.
const visitor = "robin"

// A manifest is what the page "register an App from a manifest" takes
// (content/apps/sharing-github-apps/registering-a-github-app-from-a-manifest.md).
type manifest struct {
	Name           string `json:"name"`
	URL            string `json:"url"`
	Description    string `json:"description"`
	HookAttributes *struct {
		URL    string `json:"url"`
		Active *bool  `json:"active"`
	} `json:"hook_attributes"`
	RedirectURL           string            `json:"redirect_url"`
	CallbackURLs          []string          `json:"callback_urls"`
	SetupURL              string            `json:"setup_url"`
	Public                *bool             `json:"public"`
	DefaultEvents         []string          `json:"default_events"`
	DefaultPermissions    map[string]string `json:"default_permissions"`
	RequestOAuthOnInstall bool              `json:"request_oauth_on_install"`
	SetupOnUpdate         bool              `json:"setup_on_update"`
}

// A registration is an App between the page that asks for it and the call that fetches its credentials.
type registration struct {
	app
	redirect, state string
	expires         time.Time
}

// manifestLife is how long all steps of the manifest flow may take.
const manifestLife = time.Hour

// maxAppName is the longest name of an App. K: the web page's own limit.
const maxAppName = 34

// supports is the permission that an event in default_events takes (webhook schema; derive-to/derive#269). The events
// on installations cannot be subscribed, those on checks come without.
var supports = map[string]string{
	"pull_request": "pull_requests", "pull_request_review": "pull_requests",
	"pull_request_review_comment": "pull_requests",
	"pull_request_review_thread":  "pull_requests", "issue_comment": "issues", "merge_group": "merge_queues",
	"issues": "issues", "push": "contents", "repository": "metadata", "check_run": "checks", "check_suite": "checks",
}

// invalid is an error in the words of GitHub's page.
func invalid(format string, args ...any) error {
	return &apiError{status: http.StatusUnprocessableEntity, message: fmt.Sprintf(format, args...)}
}

// refuse says why a manifest is not taken, as the page would.
func (m *manifest) refuse() error {
	switch {
	case m.Name == "":
		return invalid("Name can't be blank")
	case utf8.RuneCountInString(m.Name) > maxAppName:
		return invalid("Name is too long (maximum is 34 characters)")
	case m.URL == "":
		return invalid("URL can't be blank")
	case m.RedirectURL == "":
		return invalid("redirect_url can't be blank")
	}
	for _, e := range m.DefaultEvents {
		permission, known := supports[e]
		if !known || m.DefaultPermissions[permission] == "" && permission != "metadata" {
			return invalid("Default events are not supported by permissions: %s", e)
		}
	}
	for name, level := range m.DefaultPermissions {
		if level != "read" && level != "write" {
			return invalid("Default permission records %s is not valid", name)
		}
	}
	if m.HookAttributes == nil {
		return nil
	}
	return refuseHook(m.HookAttributes.URL)
}

// refuseHook refuses what GitHub cannot reach.
func refuseHook(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return invalid("Hook url is not a valid URL")
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if u.Hostname() == "localhost" || err == nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsUnspecified()) {
		return invalid("Hook url is not supported because it isn't reachable over the public Internet (localhost)")
	}
	return nil
}

// Reach makes a public address lead to one on this machine, as DNS and a proxy would: webhooks for the one go to the
// other.
func (s *Server) Reach(public, here string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reach[strings.TrimRight(public, "/")] = strings.TrimRight(here, "/")
	if at := s.app.Load().hookURL; at != "" {
		s.hooks.mu.Lock()
		defer s.hooks.mu.Unlock()
		s.hooks.url = s.hookTarget(at)
	}
}

// hookTarget is where an address leads. The caller holds mu.
func (s *Server) hookTarget(address string) string {
	for public, here := range s.reach {
		if rest, ok := strings.CutPrefix(address, public); ok {
			return here + rest
		}
	}
	return address
}

// web answers GitHub's web pages; done is false when the request is for none.
func (s *Server) web(w http.ResponseWriter, r *http.Request, body []byte) (done bool) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return false
	}
	path := strings.Trim(r.URL.Path, "/")
	parts := strings.Split(path, "/")
	switch {
	case r.Method == http.MethodPost && path == "settings/apps/new":
		s.newAppPage(w, r, visitor, "User", form)
	case r.Method == http.MethodPost && len(parts) == 5 && parts[0] == "organizations" &&
		strings.Join(parts[2:], "/") == "settings/apps/new":
		s.newAppPage(w, r, parts[1], "Organization", form)
	case r.Method == http.MethodPost && path == "settings/apps/create":
		s.createApp(w, r, form)
	case len(parts) == 4 && parts[0] == "apps" && parts[2] == "installations" && parts[3] == "new":
		s.installPage(w, r, parts[1])
	default:
		return false
	}
	return true
}

var webPage = template.Must(template.New("").Parse(`<!DOCTYPE html><html lang="en"><title>{{.Title}}</title>
<h1>{{.Title}}</h1><p>{{.Text}}</p>
{{with .Action}}<form method="post" action="{{.}}">
<input type="hidden" name="code" value="{{$.Code}}"><button>{{$.Title}}</button></form>{{end}}
`))

type webValues struct{ Title, Text, Action, Code string }

func showWeb(w http.ResponseWriter, status int, v webValues) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = webPage.Execute(w, v) // the caller went away
}

// newAppPage is what a manifest is posted to: a page that asks whether to create the App.
func (s *Server) newAppPage(w http.ResponseWriter, r *http.Request, owner, kind string, form url.Values) {
	var m manifest
	d := json.NewDecoder(strings.NewReader(form.Get("manifest")))
	d.DisallowUnknownFields()
	err := d.Decode(&m)
	if err == nil {
		err = m.refuse()
	}
	if err != nil {
		showWeb(w, http.StatusUnprocessableEntity, webValues{Title: "Invalid GitHub App configuration", Text: err.Error()})
		return
	}
	a := app{
		registered: true, slug: slugOf(m.Name), name: m.Name, owner: owner, kind: kind, url: m.URL,
		permissions: m.DefaultPermissions, events: m.DefaultEvents, setupURL: m.SetupURL,
	}
	if m.HookAttributes != nil {
		a.hookURL = m.HookAttributes.URL
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.ToLower(rand.Text())
	s.asked[key] = &registration{app: a, redirect: m.RedirectURL, state: r.URL.Query().Get("state")}
	showWeb(w, http.StatusOK, webValues{
		Title: "Create GitHub App for " + owner, Text: m.Name, Action: "/settings/apps/create", Code: key,
	})
}

var notSlug = regexp.MustCompile(`[^a-z0-9]+`)

func slugOf(name string) string {
	return strings.Trim(notSlug.ReplaceAllString(strings.ToLower(name), "-"), "-")
}

// createApp is the button of that page: it goes back to the manifest's redirect_url with a code.
func (s *Server) createApp(w http.ResponseWriter, r *http.Request, form url.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := s.asked[form.Get("code")]
	if wanted == nil {
		http.Error(w, "Not Found", http.StatusNotFound)
		return
	}
	delete(s.asked, form.Get("code"))
	code := strings.ToLower(rand.Text())
	wanted.expires = s.now().Add(manifestLife)
	s.codes[code] = wanted
	to, err := url.Parse(wanted.redirect)
	if err != nil {
		http.Error(w, "redirect_url", http.StatusUnprocessableEntity)
		return
	}
	q := to.Query()
	q.Set("code", code)
	if wanted.state != "" {
		q.Set("state", wanted.state)
	}
	to.RawQuery = q.Encode()
	http.Redirect(w, r, to.String(), http.StatusFound)
}

// postConversion gives the credentials of a new App, once (operation create-a-github-app-from-a-manifest). From then on
// it is the App of this server.
func (s *Server) postConversion(c *call) (int, any, error) {
	found := s.codes[c.params["code"]]
	if found == nil || !s.now().Before(found.expires) {
		return 0, nil, &apiError{status: 404, message: "Not Found"}
	}
	delete(s.codes, c.params["code"])
	a := found.app
	s.app.Store(&a)
	secret := strings.ToLower(rand.Text() + rand.Text())
	s.SetWebhook(s.hookTarget(a.hookURL), secret)
	o := s.appJSON()
	maps.Copy(o, obj{
		"client_id": "Iv23li" + rand.Text()[:14], "client_secret": strings.ToLower(rand.Text() + rand.Text()),
		"webhook_secret": secret, "pem": string(s.PrivateKey()),
	})
	return 201, o, nil
}

func (s *Server) appJSON() obj {
	a := s.app.Load()
	owner := s.user(a.owner)
	owner["type"] = a.kind
	return obj{
		"id": appID, "slug": a.slug, "node_id": nodeID("A", appID), "name": a.name, "owner": owner, "description": nil,
		"external_url": a.url, "html_url": s.url + "/apps/" + a.slug, "created_at": stamp(s.now()),
		"updated_at": stamp(s.now()), "permissions": a.permissions, "events": a.events,
	}
}

func (s *Server) getApp(*call) (int, any, error) { return 200, s.appJSON(), nil }

func (s *Server) getHookConfig(*call) (int, any, error) {
	a := s.app.Load()
	return 200, obj{"url": a.hookURL, "content_type": "json", "insecure_ssl": "0", "secret": "********"}, nil
}

// ChangeApp changes what the App asks for and where its webhooks are to go, as on its settings pages. Installations keep
// what they granted.
func (s *Server) ChangeApp(permissions map[string]string, events []string, hookURL string) {
	a := *s.app.Load()
	a.permissions, a.events, a.hookURL = permissions, events, hookURL
	s.app.Store(&a)
}

// installPage is the page on which a person installs the App, on all repositories of the App's owner.
func (s *Server) installPage(w http.ResponseWriter, r *http.Request, slug string) {
	a := s.app.Load()
	switch {
	case !a.registered || a.slug != slug:
		http.Error(w, "Not Found", http.StatusNotFound)
	case r.Method != http.MethodPost:
		showWeb(w, http.StatusOK, webValues{Title: "Install " + a.name, Text: "on " + a.owner, Action: r.URL.Path})
	default:
		if err := s.Install(a.owner); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		to := fmt.Sprintf("%s?installation_id=%d&setup_action=install", a.setupURL, s.InstallationID(a.owner))
		http.Redirect(w, r, to, http.StatusFound)
	}
}

// Install installs the App on all of an owner's repositories, with the webhook that tells it.
func (s *Server) Install(owner string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.install(owner)
	s.tellInstallation("created", s.installations[owner])
	return nil
}

// tellInstallation sends an installation webhook, which needs no subscription. The caller holds mu.
func (s *Server) tellInstallation(action string, i *installation) {
	all := []obj{}
	for _, r := range s.repos {
		if r.owner == i.owner && !r.deleted {
			all = append(all, r.shortJSON())
		}
	}
	err := s.Deliver("installation", obj{
		"action": action, "installation": i.json(s), "repositories": all, "requester": nil, "sender": s.user(i.owner),
	})
	if err != nil {
		s.broken("%w", err)
	}
}

// Granted is what an installation may do.
func (s *Server) Granted(owner string) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.installations[owner].permissions)
}

// Announce sends the webhook that tells an installation of repositories that it got: CreateRepo does not.
func (s *Server) Announce(repos ...*Repo) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []obj
	for _, r := range repos {
		all = append(all, r.shortJSON())
	}
	i := s.installations[repos[0].owner]
	return s.Deliver("installation_repositories", obj{
		"action": "added", "installation": i.json(s), "repository_selection": "all", "repositories_added": all,
		"repositories_removed": []obj{}, "requester": nil, "sender": s.user(visitor),
	})
}

// shortJSON is a repository as the webhooks on installations name it.
func (r *Repo) shortJSON() obj {
	return obj{
		"id": r.id, "node_id": nodeID("R", r.id), "name": r.name, "full_name": r.full(), "private": r.private,
	}
}

func (i *installation) json(s *Server) obj {
	a := s.app.Load()
	var suspended any
	if i.suspended {
		suspended = stamp(s.now())
	}
	return obj{
		"id": i.id, "account": s.user(i.owner), "repository_selection": "all", "app_id": appID, "app_slug": a.slug,
		"target_id": s.userID(i.owner), "target_type": "User", "permissions": i.permissions, "events": a.events,
		"access_tokens_url": s.api("/app/installations/%d/access_tokens", i.id),
		"repositories_url":  s.api("/installation/repositories"),
		"html_url":          fmt.Sprintf("%s/settings/installations/%d", s.url, i.id),
		"created_at":        stamp(s.now()), "updated_at": stamp(s.now()), "suspended_by": nil, "suspended_at": suspended,
		"single_file_name": nil, "has_multiple_single_files": false, "single_file_paths": []string{},
	}
}

// listInstalled lists the repositories that a token reaches (operation
// list-repositories-accessible-to-the-app-installation).
func (s *Server) listInstalled(c *call) (int, any, error) {
	all := []obj{}
	for _, r := range s.repos {
		if !r.deleted && r.parent == nil && c.token.reaches(r) {
			all = append(all, r.json())
		}
	}
	return 200, obj{"total_count": len(all), "repositories": page(c, all)}, nil
}
