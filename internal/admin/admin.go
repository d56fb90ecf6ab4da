// Package admin is the operators' page: what is installed, what waits and what failed, what arrived, why nothing was posted
// on a pull request, and how many fixes are taken. It shows what the queue remembers and what the code host tells, and
// does what a button asks for; how either is done is the business of those who made them.
//
// Every request is asked who sends it before anything is looked at (see Access), and a form has to be one that was made for
// its sender. Pages are text and tables without a script. All addresses on them are relative, so that a proxy may put
// them below any path.
package admin

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/page"
)

// Root is the path that all pages lie below.
const Root = "/admin/"

// Options are what the pages are made of. Those who read must answer soon, or when the context ends.
type Options struct {
	Access Access
	Queue  Queue
	Host   Host
	Desk   Desk
	// Notes are how the App's registration falls short; it must not block. Nil is none.
	Notes func() []string
	// Rates are the requests that are left, as this process knows. Nil is none.
	Rates func() []Rate
	// Version is the one that runs.
	Version string
	// Public is how people reach the service: https://HOST; "" is not known.
	Public string
	// Site is the code host's web site; "" has pages link none of it.
	Site string
	// RiverUI is River's own page about its jobs; "" is none.
	RiverUI string
	// Logger is told who did what. Nil discards it.
	Logger *slog.Logger
}

const (
	// maxForm bounds what a form sends.
	maxForm = 16 << 10
	// readTime bounds making a page.
	readTime = 10 * time.Second
)

//go:embed admin.html
var text string

//go:embed admin.css
var style string

// Pages answer requests below Root. They are an http.Handler.
type Pages struct {
	options Options
	entry   *entry
	mux     *http.ServeMux
	set     *page.Set
	origins *http.CrossOriginProtection
	log     *slog.Logger
	now     func() time.Time

	accounts *memo[struct{}, []forge.Installation]
	repos    *memo[int64, []forge.Listed]
	sent     *memo[struct{}, []forge.Sent]
}

// New makes the pages. It refuses settings that let in nobody, or everybody.
func New(o Options) (*Pages, error) {
	if err := o.Access.Check(); err != nil {
		return nil, fmt.Errorf("admin page: %w", err)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Pages{
		options: o, entry: newEntry(o.Access), mux: http.NewServeMux(), origins: http.NewCrossOriginProtection(), log: o.Logger,
		now: time.Now,
	}
	now := func() time.Time { return p.now() }
	p.accounts, p.repos = newMemo[struct{}, []forge.Installation](now), newMemo[int64, []forge.Listed](now)
	p.sent = newMemo[struct{}, []forge.Sent](now)
	p.set = page.New(text, style, p.functions())
	if o.Public != "" {
		if u, err := url.Parse(o.Public); err != nil || p.origins.AddTrustedOrigin(u.Scheme+"://"+u.Host) != nil {
			return nil, fmt.Errorf("admin page: %q is not an address of the form https://HOST", o.Public)
		}
	}
	for _, r := range p.routes() {
		p.mux.HandleFunc(r.method+" "+Root+r.path, r.answer)
	}
	return p, nil
}

// A route is one page, or one thing that a button does.
type route struct {
	method, path string
	answer       http.HandlerFunc
}

// routes are all there are. Each is for administrators only: ServeHTTP asks before any is taken.
func (p *Pages) routes() []route {
	return []route{
		{"GET", "{$}", p.overview},
		{"GET", "pull", p.pull},
		{"GET", "jobs", p.jobs},
		{"GET", "deliveries", p.deliveries},
		{"GET", "installations", p.installations},
		{"GET", "sweeps", p.sweeps},
		{"GET", "repositories", p.repositories},
		{"POST", "replay", p.replay},
		{"POST", "look", p.look},
		{"POST", "again", p.again},
		{"POST", "fetch", p.fetch},
		{"GET", "login", func(w http.ResponseWriter, _ *http.Request) { leave(w, "./") }},
		{"POST", "logout", p.logout},
	}
}

// ServeHTTP lets administrators in, and shows others the way in.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readTime)
	defer cancel()
	r = r.WithContext(ctx)
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	// Not "no-referrer": with that, browsers send "Origin: null" along with a form.
	w.Header().Set("Referrer-Policy", "same-origin")
	if err := p.origins.Check(r); err != nil {
		p.trouble(w, r, http.StatusForbidden, "This form came from another site", "Nothing was done.")
		return
	}
	if r.Method == http.MethodPost && r.URL.Path == Root+"login" {
		p.login(w, r)
		return
	}
	v, err := p.entry.visitor(r)
	if err != nil {
		p.stranger(w, r, err)
		return
	}
	r = r.WithContext(context.WithValue(ctx, visitorKey{}, v))
	if r.Method != http.MethodGet && r.Method != http.MethodHead && !p.entry.genuine(v, r.PostFormValue("stamp")) {
		p.trouble(w, r, http.StatusForbidden, "This form is too old", "Nothing was done. Load the page again, and try once more.")
		return
	}
	p.mux.ServeHTTP(w, r)
}

type visitorKey struct{}

// visitorOf is who sent a request that was let in.
func visitorOf(r *http.Request) visitor {
	v, _ := r.Context().Value(visitorKey{}).(visitor)
	return v
}

// signIn is what the page shows to whoever is not signed in.
type signIn struct {
	Form           bool   // there is a token to be typed
	To             string // where to go on
	Problem, Title string
}

// stranger shows the way in.
func (p *Pages) stranger(w http.ResponseWriter, r *http.Request, why error) {
	v := signIn{Title: "Sign in", Form: p.entry.Token != ""}
	if r.Method == http.MethodGet {
		v.To = strings.TrimPrefix(r.URL.RequestURI(), Root)
	}
	status := http.StatusUnauthorized
	var known *refused
	switch {
	case errors.As(why, &known):
		status = http.StatusForbidden
		v.Problem = "You are signed in as " + known.name + ", who is not an administrator here."
	case errors.Is(why, errTooOften):
		p.tooOften(w)
		status, v.Problem = http.StatusTooManyRequests, "Too many wrong tokens came from your address. Wait five minutes."
	case errors.Is(why, errWrong):
		p.log.Warn("admin page: a wrong token", "from", p.entry.from(r))
		v.Problem = "This is not the token."
	case !v.Form:
		status = http.StatusForbidden
		v.Problem = "Come through the proxy that signs people in."
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	p.show(w, status, "signin", v)
}

func (p *Pages) tooOften(w http.ResponseWriter) {
	w.Header().Set("Retry-After", fmt.Sprint(int(wrongLife.Seconds())))
}

// inside is an address below Root, as links have it.
var inside = regexp.MustCompile(`^[a-z-]*(\?[A-Za-z0-9%&=+._~!*'()-]*)?$`)

// login takes the token. It needs no stamp: whoever has a form of their own sent must know the token.
func (p *Pages) login(w http.ResponseWriter, r *http.Request) {
	if err := p.entry.admits(r, r.PostFormValue("token")); err != nil {
		p.stranger(w, r, err)
		return
	}
	p.log.Info("admin page: signed in", "from", p.entry.from(r))
	http.SetCookie(w, cookie(p.entry.newSession(), p.secure(r)))
	to := r.PostFormValue("to")
	if !inside.MatchString(to) {
		to = ""
	}
	leave(w, "./"+to)
}

// logout ends the session of this browser.
func (p *Pages) logout(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, cookie("", p.secure(r)))
	leave(w, "./")
}

// secure reports whether the browser reached us by TLS, as far as we are told: then the cookie goes no other way.
func (p *Pages) secure(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" || strings.HasPrefix(p.options.Public, "https:")
}

// leave sends the browser on to an address relative to this one, which a proxy may have put below another path.
func leave(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// A frame is what all pages have.
type frame struct {
	Title string
	Here  string // the path of the page in the list of pages
	Who   string
	Leave bool   // there is a session to be ended
	Stamp string // for the page's forms
	Said  string // what the button did
}

// frame is that of the page at a path.
func (p *Pages) frame(r *http.Request, title, here string) frame {
	v := visitorOf(r)
	return frame{Title: title, Here: here, Who: v.name, Leave: v.leave, Stamp: p.entry.stamp(v), Said: said[r.URL.Query().Get("said")]}
}

// said are what a page tells after a button was pressed, by the word in its address.
var said = map[string]string{
	"replayed": "The job runs again.",
	"asked":    "It will be looked at.",
	"again":    "The delivery was handled as if it came now.",
}

// trouble says why something was not done.
func (p *Pages) trouble(w http.ResponseWriter, r *http.Request, status int, title, line string) {
	v := struct {
		frame
		Line string
	}{p.frame(r, title, ""), line}
	p.show(w, status, "trouble", v)
}

// did writes down what a visitor had done.
func (p *Pages) did(r *http.Request, what string, args ...any) {
	p.log.Info("admin page: "+what, append(args, "by", visitorOf(r).name)...)
	p.sent.forget()
}

// broken answers for what could not be read or done.
func (p *Pages) broken(w http.ResponseWriter, r *http.Request, err error) {
	p.log.Error("admin page", "page", r.URL.Path, "error", err)
	p.trouble(w, r, http.StatusBadGateway, "This did not work", "The server's log says why.")
}

func (p *Pages) show(w http.ResponseWriter, status int, name string, values any) {
	if err := p.set.Show(w, status, name, values, ""); err != nil {
		p.log.Error("admin page", "error", err)
	}
}
