package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/queue"
	"github.com/lighterman/lighterman/internal/review"
	"github.com/lighterman/lighterman/testdata/demo"
)

// A journal is a log that goroutines write to.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// A newcomer is a service that is not an App yet, GitHub where the App is not registered yet, and a person's browser.
type newcomer struct {
	t           *testing.T
	hub         *githubtest.Server
	service     *service
	base        string
	credentials string
	log         *journal
	outcomes    chan review.Outcome
	stop        func()
	secrets     []string // what must be in no line of the log
	known       []string // what the log was told to keep out
}

// publicHost is the name under which the double of GitHub finds the service.
const publicHost = "https://lighterman.example.com"

func newNewcomer(t *testing.T) *newcomer {
	n := &newcomer{t: t, hub: githubtest.Start(t, githubtest.Options{Unregistered: true})}
	n.credentials = filepath.Join(t.TempDir(), "secrets", "app.json")
	n.begin(serviceOptions{GitHub: github.Options{BaseURL: n.hub.URL(), WritePause: -1}})
	return n
}

// begin starts the service, which ends with the test or by stop.
func (n *newcomer) begin(o serviceOptions) {
	n.log, n.outcomes = &journal{}, make(chan review.Outcome, 16)
	o.Queue = queue.Options{DataDir: n.t.TempDir()}
	o.Log = slog.New(slog.NewTextHandler(io.MultiWriter(n.log, &logs), &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Credentials, o.Inspect = n.credentials, true
	o.Secret = func(words ...string) { n.known = append(n.known, words...) }
	o.Reviewed = func(out review.Outcome) { n.outcomes <- out }
	var err error
	n.service, err = newService(n.t.Context(), o)
	must(n.t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(n.t, err)
	n.base = "http://" + l.Addr().String()
	n.hub.Reach(publicHost, n.base)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.service.run(ctx, l) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		must(n.t, <-ended)
	})
	n.t.Cleanup(n.stop)
}

// A page is what the browser shows.
type page struct {
	status int
	header http.Header
	body   string
}

// browse sends a request and follows no redirect.
func (n *newcomer) browse(method, address string, form url.Values) page {
	n.t.Helper()
	req, err := http.NewRequestWithContext(n.t.Context(), method, address, strings.NewReader(form.Encode()))
	must(n.t, err)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	must(n.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(n.t, err)
	return page{res.StatusCode, res.Header, string(body)}
}

func (n *newcomer) get(address string) page {
	n.t.Helper()
	return n.browse(http.MethodGet, address, nil)
}

var (
	actionOf   = regexp.MustCompile(`<form method="post" action="([^"]+)"`)
	manifestOf = regexp.MustCompile(`name="manifest" value="([^"]+)"`)
	codeOf     = regexp.MustCompile(`name="code" value="([^"]+)"`)
)

// field is what a pattern finds in a page, as a browser reads it.
func field(t *testing.T, p page, pattern *regexp.Regexp, nth int) string {
	t.Helper()
	all := pattern.FindAllStringSubmatch(p.body, -1)
	if len(all) <= nth {
		t.Fatalf("no %s in\n%d %s", pattern, p.status, p.body)
	}
	return html.UnescapeString(all[nth][1])
}

// setupURL is the page that serve prints.
func (n *newcomer) setupURL(query string) string {
	path := n.service.server.SetupPath()
	n.secrets = append(n.secrets, strings.TrimPrefix(path, "/setup?token="))
	return n.base + path + query
}

// agreed goes through the set-up page and GitHub's, up to the address at which GitHub sends the browser back.
func (n *newcomer) agreed(query string, variant int) string {
	n.t.Helper()
	back := n.agreedAt(n.setupURL("&url="+url.QueryEscape(publicHost)+query), variant)
	if !strings.HasPrefix(back, n.base+"/setup/done?") {
		n.t.Fatalf("sent back to %s", back)
	}
	return back
}

// agreedAt is agreed from a page's address.
func (n *newcomer) agreedAt(address string, variant int) string {
	n.t.Helper()
	first := n.get(address)
	asks := n.browse(http.MethodPost, field(n.t, first, actionOf, 0), url.Values{
		"manifest": {field(n.t, first, manifestOf, variant)},
	})
	created := n.browse(http.MethodPost, n.hub.URL()+field(n.t, asks, actionOf, 0), url.Values{
		"code": {field(n.t, asks, codeOf, 0)},
	})
	back, err := url.Parse(created.header.Get("Location"))
	must(n.t, err)
	n.secrets = append(n.secrets, back.Query().Get("code"), back.Query().Get("state"))
	return back.String()
}

// quietLog fails the test when a secret stands in the log.
func (n *newcomer) quietLog() {
	n.t.Helper()
	if stored, err := readCredentials(n.credentials, n.hub.URL()); err == nil && stored != nil {
		n.secrets = append(n.secrets, stored.WebhookSecret, strings.Split(stored.PrivateKey, "\n")[1])
		if !slices.Contains(n.known, stored.WebhookSecret) || !slices.Contains(n.known, stored.PrivateKey) {
			n.t.Error("the log was not told of the new secrets")
		}
	}
	for _, s := range n.secrets {
		if s == "" || strings.Contains(n.log.String(), s) {
			n.t.Errorf("the log has the secret %q:\n%s", s, n.log)
		}
	}
	if strings.Contains(n.log.String(), "PRIVATE KEY") || strings.Contains(n.log.String(), "ghs_") {
		n.t.Errorf("the log has a key:\n%s", n.log)
	}
}

// pull opens a pull request with a Dockerfile while nobody listens.
func (n *newcomer) pull(owner, name string) *githubtest.Pull {
	n.t.Helper()
	repo, err := n.hub.CreateRepo(owner, name, archived(demo.Base))
	must(n.t, err)
	_, err = repo.Push("topic", "Change", demoFile("web/Dockerfile"))
	must(n.t, err)
	pull, err := repo.OpenPull(githubtest.PullOptions{Title: "Change", Author: "robin", Head: "topic"})
	must(n.t, err)
	return pull
}

// reviewed waits until these pull requests have a review.
func (n *newcomer) reviewed(pulls ...*githubtest.Pull) {
	n.t.Helper()
	for range pulls {
		select {
		case <-n.outcomes:
		case <-time.After(patience):
			n.t.Fatalf("no review in time; the log:\n%s", n.log)
		}
	}
	for _, p := range pulls {
		if len(p.Reviews()) != 1 {
			n.t.Errorf("%s has %d reviews", p.Repo().Name(), len(p.Reviews()))
		}
	}
}

// TestSetUpInFiveClicks goes from a service without credentials to the first reviews: no restart, nothing typed but the
// address, and the page is shut behind it.
func TestSetUpInFiveClicks(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	waiting := []*githubtest.Pull{n.pull("acme", "shop"), n.pull("acme", "till")}
	n.pull("other", "shop") // where the App will not be installed

	if p := n.browse(http.MethodPost, n.base+"/webhook", nil); p.status != http.StatusServiceUnavailable {
		t.Errorf("a webhook before the set-up: %d", p.status)
	}
	if p := n.get(n.base + "/readyz"); p.status != 200 || p.body != "ready to be set up\n" {
		t.Errorf("/readyz before the set-up: %d %q", p.status, p.body)
	}
	if p := n.get(n.setupURL("")); p.status != 200 || strings.Contains(p.body, `method="post"`) {
		t.Errorf("without an address that GitHub reaches there must be no form for it: %d %s", p.status, p.body)
	}
	back := n.agreed("&org=acme", 0)
	done := n.get(back)
	install := done.header.Get("Location")
	if done.status != http.StatusSeeOther || !strings.HasPrefix(install, n.hub.URL()+"/apps/lighterman-acme-") ||
		!strings.HasSuffix(install, "/installations/new") {
		t.Fatalf("after the set-up: %d to %q\n%s", done.status, install, done.body)
	}
	for _, shut := range []string{back, n.base + "/setup?token=" + n.secrets[0], n.base + "/setup"} {
		if p := n.get(shut); p.status != http.StatusNotFound {
			t.Errorf("%s after the set-up: %d", shut, p.status)
		}
	}
	installed := n.browse(http.MethodPost, install, nil)
	if p := n.get(installed.header.Get("Location")); p.status != 200 || !strings.Contains(p.body, "is installed") {
		t.Errorf("after the installation: %d %s", p.status, p.body)
	}
	n.reviewed(waiting...)

	late := n.pull("acme", "late")
	must(t, n.hub.Announce(late.Repo()))
	n.reviewed(late)
	n.stored()
	n.quietLog()

	// The next process is the App from the start.
	n.stop()
	settings := serveSettings{appSettings: appSettings{githubURL: n.hub.URL(), credentialsFile: n.credentials}}
	o, err := settings.options(quiet())
	must(t, err)
	o.GitHub.WritePause = -1
	n.begin(o)
	if path := n.service.server.SetupPath(); path != "" {
		t.Error("the next process waits to be set up again")
	}
	must(t, waiting[0].Close("robin"))
	must(t, waiting[0].Reopen("robin"))
	n.reviewed(waiting[0])
	n.quietLog()
}

// stored checks the file with the credentials.
func (n *newcomer) stored() {
	n.t.Helper()
	info, err := os.Stat(n.credentials)
	must(n.t, err)
	if info.Mode() != 0o600 {
		n.t.Errorf("the credentials have the mode %v", info.Mode())
	}
	if all, err := filepath.Glob(filepath.Join(filepath.Dir(n.credentials), "*app.json*")); err != nil || len(all) != 1 {
		n.t.Errorf("of the credentials there is %v, %v", all, err)
	}
	c, err := readCredentials(n.credentials, n.hub.URL())
	must(n.t, err)
	if c.AppID != n.hub.AppID() || c.PrivateKey != string(n.hub.PrivateKey()) || len(c.WebhookSecret) < 20 {
		n.t.Errorf("stored App %d, a key of %d bytes", c.AppID, len(c.PrivateKey))
	}
}

// TestSetUpRegistersWhatWasChosen: the account or the organisation, all permissions or only those to review.
func TestSetUpRegistersWhatWasChosen(t *testing.T) {
	t.Parallel()
	for variant, contents := range []string{"write", "read"} {
		for query, page := range map[string]string{"": "/settings/apps/", "&org=acme": "/organizations/acme/settings/apps/"} {
			t.Run(contents+query, func(t *testing.T) {
				t.Parallel()
				n := newNewcomer(t)
				if p := n.get(n.agreed(query, variant)); p.status != http.StatusSeeOther {
					t.Fatalf("%d %s", p.status, p.body)
				}
				must(t, n.hub.Install("acme"))
				i := n.hub.Granted("acme")
				if i["contents"] != contents || i["pull_requests"] != "write" {
					t.Errorf("granted %v", i)
				}
				texts, err := n.service.app.Load().Shortfalls(t.Context(), publicHost+"/webhook")
				if err != nil || len(texts) > 0 {
					t.Errorf("the App falls short from the start: %q, %v", texts, err)
				}
				n.hub.ChangeApp(map[string]string{"contents": "read"}, []string{}, publicHost+"/elsewhere")
				texts, err = n.service.app.Load().Shortfalls(t.Context(), publicHost+"/webhook")
				must(t, err)
				if !slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, n.hub.URL()+page+"lighterman-") }) {
					t.Errorf("no link to %s in %q", page, texts)
				}
			})
		}
	}
}

// TestSetUpGoesWrong: each way is told to the person, leaves nothing half done, and can be gone again.
func TestSetUpGoesWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meddle func(n *newcomer, back string) string // returns where the browser goes
		status int
		says   string
		again  bool
	}{
		"another state": {func(_ *newcomer, back string) string {
			return regexp.MustCompile(`state=[^&]*`).ReplaceAllString(back, "state=AAAA")
		}, 403, "cannot be used", false},
		"no state": {func(_ *newcomer, back string) string {
			return regexp.MustCompile(`&state=[^&]*`).ReplaceAllString(back, "")
		}, 403, "cannot be used", false},
		"no code": {func(_ *newcomer, back string) string {
			return regexp.MustCompile(`code=[^&]*`).ReplaceAllString(back, "code=")
		}, 403, "cannot be used", false},
		"a path for a code": {func(_ *newcomer, back string) string {
			return regexp.MustCompile(`code=[^&]*`).ReplaceAllString(back, "code=..%2F..%2Fapp%3F")
		}, 403, "cannot be used", false},
		"a made-up code": {func(_ *newcomer, back string) string {
			return regexp.MustCompile(`code=[^&]*`).ReplaceAllString(back, "code=0123456789abcdef")
		}, 502, "did not take its own code", true},
		"GitHub is ill": {func(n *newcomer, back string) string {
			n.hub.Inject(githubtest.Fault{Operation: "apps/create-from-manifest", Status: 500})
			return back
		}, 502, "log says why", true},
		"cut off after the code was spent": {func(n *newcomer, back string) string {
			n.hub.Inject(githubtest.Fault{Operation: "apps/create-from-manifest", Cut: true, After: true})
			return back
		}, 502, "log says why", true},
		"no room for the credentials": {func(n *newcomer, back string) string {
			must(n.t, os.WriteFile(filepath.Dir(n.credentials), nil, 0o600)) // a file where the folder would be
			return back
		}, 502, "make a new private key", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNewcomer(t)
			p := n.get(c.meddle(n, n.agreed("", 0)))
			if p.status != c.status || !strings.Contains(p.body, c.says) || strings.Contains(p.body, "Begin again") != c.again {
				t.Errorf("%d %s", p.status, p.body)
			}
			if p.header.Get("Cache-Control") != "no-store" {
				t.Error("the page may be kept")
			}
			if _, err := os.Stat(n.credentials); err == nil {
				t.Error("credentials were kept")
			}
			if p := n.browse(http.MethodPost, n.base+"/webhook", nil); p.status != http.StatusServiceUnavailable {
				t.Errorf("webhooks are let in: %d", p.status)
			}
			if name == "no room for the credentials" {
				must(t, os.Remove(filepath.Dir(n.credentials)))
			}
			if p := n.get(n.agreed("", 0)); p.status != http.StatusSeeOther {
				t.Errorf("the second time: %d %s", p.status, p.body)
			}
			n.quietLog()
		})
	}
}

// TestSetUpStateHoldsOnce: GitHub's answer cannot be used again, not even after one that went wrong, and a process that
// was killed in between leaves a page that says what to do.
func TestSetUpStateHoldsOnce(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	n.hub.Inject(githubtest.Fault{Operation: "apps/create-from-manifest", Cut: true, After: true})
	back := n.agreed("", 0)
	n.get(back)
	if p := n.get(back); p.status != 403 || !strings.Contains(p.body, n.hub.URL()+"/settings/apps") {
		t.Errorf("the same answer again: %d %s", p.status, p.body)
	}
	before := n.base
	n.stop() // the code is spent, nothing was kept
	n.begin(serviceOptions{GitHub: github.Options{BaseURL: n.hub.URL(), WritePause: -1}})
	p := n.get(strings.Replace(back, before, n.base, 1))
	if p.status != 403 || !strings.Contains(p.body, "delete it, and begin again") {
		t.Errorf("after a restart: %d %s", p.status, p.body)
	}
}

// TestSetUpOfAKilledProcess drives the program as operators run it. The first process is killed between GitHub's
// handing out the credentials and their being kept; the second is set up; the third is the App.
func TestSetUpOfAKilledProcess(t *testing.T) {
	t.Parallel()
	n := &newcomer{t: t, hub: githubtest.Start(t, githubtest.Options{Unregistered: true})}
	addr, dir := freeAddr(t), t.TempDir()
	n.base, n.credentials = "http://"+addr, filepath.Join(dir, "app.json")
	n.hub.Reach(publicHost, n.base)
	env := []string{"LIGHTERMAN_GITHUB_URL=" + n.hub.URL(), "LIGHTERMAN_ADDR=" + addr, "LIGHTERMAN_DATA_DIR=" + dir,
		"LIGHTERMAN_PUBLIC_URL=" + publicHost + "/"}

	first := launch(t, env...)
	met := make(chan struct{}, 1)
	n.hub.Inject(githubtest.Fault{Operation: "apps/create-from-manifest", After: true, Hold: t.Context().Done(), Met: met})
	back := n.here(n.agreedAt(n.printed(first), 0))
	var browser sync.WaitGroup
	browser.Go(func() {
		if res, err := http.Get(back); err == nil {
			t.Errorf("a killed process answered %s", res.Status)
			res.Body.Close()
		}
	})
	comes(t, met)
	first.kill()
	browser.Wait()
	if left, err := filepath.Glob(filepath.Join(dir, "*app.json*")); err != nil || len(left) > 0 {
		t.Errorf("the killed process left %v, %v", left, err)
	}

	second := launch(t, env...)
	if p := n.get(back); p.status != 403 || !strings.Contains(p.body, "its key is lost: delete it, and begin again") {
		t.Errorf("GitHub's answer to the killed process: %d %s", p.status, p.body)
	}
	if p := n.get(n.here(n.agreedAt(n.printed(second), 0))); p.status != http.StatusSeeOther {
		t.Fatalf("%d %s", p.status, p.body)
	}
	n.stored()
	second.kill()

	third := launch(t, env...)
	must(t, n.hub.Deliver("ping", map[string]string{"zen": "x"}))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, n.hub.Wait(ctx))
	all := n.hub.Deliveries()
	if d := all[len(all)-1]; d.Status != http.StatusAccepted || strings.Contains(third.said(), "/setup?token=") {
		t.Errorf("the third process answers %d and says\n%s", d.Status, third.said())
	}
}

// printed is the address that a process prints for people, once and in no line of its log.
func (n *newcomer) printed(p *process) string {
	n.t.Helper()
	address := regexp.MustCompile(`\n  (https://\S+/setup\?token=[A-Z0-9]{40,})\n`)
	until(n.t, patience, "the set-up page is printed", p, func() bool { return address.MatchString(p.said()) })
	found := address.FindStringSubmatch(p.said())[1]
	if strings.Count(p.said(), "token=") != 1 {
		n.t.Errorf("the token is printed more than once:\n%s", p.said())
	}
	return n.here(found)
}

// here is where a public address leads.
func (n *newcomer) here(address string) string {
	return strings.Replace(address, publicHost, n.base, 1)
}

// TestSetUpRace sends two finished registrations at once: one becomes the App, the other finds the page shut.
func TestSetUpRace(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	var statuses [2]int
	var wg sync.WaitGroup
	for i, back := range []string{n.agreed("", 0), n.agreed("", 1)} {
		wg.Go(func() { statuses[i] = n.get(back).status })
	}
	wg.Wait()
	slices.Sort(statuses[:])
	if statuses != [2]int{http.StatusSeeOther, http.StatusNotFound} {
		t.Errorf("answers %v", statuses)
	}
	n.stored()
}

// TestReadyNamesWhatIsMissing: a registration that falls short is on /readyz and in the log, and is no reason not to be
// ready.
func TestReadyNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	n := newNewcomer(t)
	n.get(n.agreed("", 0))
	n.stop()
	permissions := githubtest.Full()
	delete(permissions, "merge_queues")
	n.hub.ChangeApp(permissions, []string{"push", "pull_request", "pull_request_review", "pull_request_review_comment"}, publicHost+"/old")
	settings := serveSettings{
		appSettings: appSettings{githubURL: n.hub.URL(), credentialsFile: n.credentials}, publicURL: publicHost + "/",
	}
	o, err := settings.options(quiet())
	must(t, err)
	n.begin(o)
	n.get(n.base + "/healthz") // it serves, so the first look has begun
	n.service.app.Load().notes.wg.Wait()
	p := n.get(n.base + "/readyz")
	slug := strings.TrimSuffix(n.hub.Bot(), "[bot]")
	want := []string{
		"ready",
		"the App is not subscribed to the event issue_comment (commands in comments); set it at " + n.hub.URL() +
			"/settings/apps/" + slug + "/permissions",
		"the App lacks the permission merge_queues: read (the check run in merge queues); set it at " + n.hub.URL() +
			"/settings/apps/" + slug + "/permissions",
		`the App's webhooks go to "` + publicHost + `/old", and are taken at ` + publicHost + "/webhook; set it at " +
			n.hub.URL() + "/settings/apps/" + slug,
	}
	if p.status != 200 || p.body != strings.Join(want, "\n")+"\n" {
		t.Errorf("/readyz %d:\n%s\nwant\n%s", p.status, p.body, strings.Join(want, "\n"))
	}
	for _, text := range want[1:] {
		if !strings.Contains(n.log.String(), strings.ReplaceAll(text, `"`, `\"`)) {
			t.Errorf("the log lacks %q:\n%s", text, n.log)
		}
	}
}

// TestAppFileIsTheManifest holds that app.yml says what the set-up page sends.
func TestAppFileIsTheManifest(t *testing.T) {
	text, err := github.Manifest(github.ManifestOptions{
		Name: "lighterman", Page: publicHost, Hook: publicHost,
	})
	must(t, err)
	var sent, file map[string]any
	must(t, json.Unmarshal(text, &sent))
	readYAML(t, "app.yml", &file)
	for _, key := range slices.Concat(keys(sent), keys(file)) {
		if fmt.Sprint(sent[key]) != fmt.Sprint(file[key]) {
			t.Errorf("%s: the page sends %v, app.yml has %v", key, sent[key], file[key])
		}
	}
}

func keys(m map[string]any) []string {
	var all []string
	for key := range m {
		all = append(all, key)
	}
	return all
}
