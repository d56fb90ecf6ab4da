package github_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
)

// TestDecodeArrival: which webhooks tell of repositories that came within reach.
func TestDecodeArrival(t *testing.T) {
	const one = `,"installation":{"id":5,"account":{"login":"acme"}}`
	added := func(names string) string { return `{"action":"added"` + one + `,"repositories_added":[` + names + `]}` }
	for _, c := range []struct {
		event, payload string
		want           string // "" is no arrival
		bad            bool
	}{
		{"installation", `{"action":"created"` + one + `,"repositories":[{"full_name":"acme/shop"}]}`, "5 all", false},
		{"installation", `{"action":"unsuspend"` + one + `}`, "5 all", false},
		{"installation", `{"action":"deleted"` + one + `}`, "", false},
		{"installation", `{"action":"suspend"` + one + `}`, "", false},
		{"installation", `{"action":"created"}`, "", false},
		{"installation_repositories", added(`{"full_name":"acme/shop"},{"full_name":"acme/till"}`), "5 acme/shop acme/till", false},
		{"installation_repositories", added(`{"full_name":"acme/../x"},{"full_name":"acme"},{"full_name":"a/till"}`), "5 a/till", false},
		{"installation_repositories", added(``), "", false},
		{"installation_repositories", `{"action":"removed"` + one + `,"repositories_added":[{"full_name":"acme/shop"}]}`, "", false},
		{"pull_request", `{"action":"created"` + one + `}`, "", false},
		{"installation", `[]`, "", true},
	} {
		a, ok, err := github.DecodeArrival(c.event, []byte(c.payload))
		got := ""
		if ok {
			got = fmt.Sprint(a.Installation)
			for _, r := range a.Repos {
				got += " " + r.String()
			}
			if a.Repos == nil {
				got += " all"
			}
		}
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("%s %s: %q, %v; want %q", c.event, c.payload, got, err, c.want)
		}
	}
}

// arrivals is a host whose repository has open pull requests, an App on a fake clock, and what the App hands over.
func arrivals(t *testing.T, pulls int) (h *host, c *fakeClock, take func(context.Context, ...forge.Ref) error, taken *[]string) {
	t.Helper()
	h = newHost(t, githubtest.Options{}, nil)
	if _, err := h.repo.Push("topic", "work", map[string]string{"Dockerfile": dockerfile}); err != nil {
		t.Fatal(err)
	}
	for range pulls {
		if _, err := h.repo.OpenPull(githubtest.PullOptions{Title: "Work", Author: "ann", Head: "topic"}); err != nil {
			t.Fatal(err)
		}
	}
	c = newClock()
	h.app = newApp(t, h.Server, github.Options{Clock: c})
	taken = new([]string)
	return h, c, func(_ context.Context, refs ...forge.Ref) error {
		for _, r := range refs {
			*taken = append(*taken, r.String())
			if r.Repo.Installation != h.InstallationID("acme") {
				t.Errorf("%s of the installation %d", r, r.Repo.Installation)
			}
		}
		return nil
	}, taken
}

// TestArrivedIsBounded: of each repository the newest open pull requests, and no more than thirty.
func TestArrivedIsBounded(t *testing.T) {
	h, _, take, taken := arrivals(t, 32)
	if _, err := h.CreateRepo("acme", "empty", nil); err != nil {
		t.Fatal(err)
	}
	// A first page that is not the last.
	h.Inject(githubtest.Fault{
		Operation: "apps/list-repos-accessible-to-installation", Status: 200,
		Header: map[string]string{"Link": `<` + h.URL() + `/api/v3/installation/repositories?page=2&per_page=1>; rel="next"`},
		Body:   `{"total_count":3,"repositories":[{"name":"gone","owner":{"login":"acme"}}]}`,
	})
	h.Inject(githubtest.Fault{Operation: "apps/list-repos-accessible-to-installation", Status: 200,
		Body: `{"total_count":3,"repositories":[{"name":"shop","owner":{"login":"acme"}},{"name":"empty","owner":{"login":"acme"}}]}`})
	h.ForgetRequests()
	if err := h.app.Arrived(t.Context(), github.Arrival{Installation: h.InstallationID("acme")}, take); err != nil {
		t.Fatal(err)
	}
	if len(*taken) != 30 || (*taken)[0] != "acme/shop#32" || (*taken)[29] != "acme/shop#3" {
		t.Errorf("taken %q", *taken)
	}
	var asked []string
	for _, r := range h.Requests() {
		asked = append(asked, r.Operation)
	}
	if got := strings.Count(strings.Join(asked, " "), "list-repos"); got != 2 || len(asked) != 4 {
		t.Errorf("requests %q", asked)
	}
}

// TestArrivedReadsTheList: the true list, with a token that is not narrowed to a repository.
func TestArrivedReadsTheList(t *testing.T) {
	h, _, take, taken := arrivals(t, 1)
	if err := h.app.Arrived(t.Context(), github.Arrival{Installation: h.InstallationID("acme")}, take); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(*taken, []string{"acme/shop#1"}) {
		t.Errorf("taken %q", *taken)
	}
}

// TestArrivedWaitsForLimits, and goes on where it was.
func TestArrivedWaitsForLimits(t *testing.T) {
	h, c, take, taken := arrivals(t, 1)
	h.Inject(githubtest.SecondaryLimit("apps/list-repos-accessible-to-installation", 403, 40))
	h.Inject(githubtest.SecondaryLimit("pulls/list", 429, 50))
	began := c.Now()
	if err := h.app.Arrived(t.Context(), github.Arrival{Installation: h.InstallationID("acme")}, take); err != nil {
		t.Fatal(err)
	}
	if waited := c.Now().Sub(began); waited < 90*time.Second || len(*taken) != 1 {
		t.Errorf("waited %s, taken %q", waited, *taken)
	}
}

// TestArrivedIsOver: a removed installation, an ended context and a full queue end it with an error.
func TestArrivedIsOver(t *testing.T) {
	h, _, take, taken := arrivals(t, 1)
	id := h.InstallationID("acme")
	full := errors.New("full")
	named := github.Arrival{Installation: id, Repos: []forge.Repo{{Installation: id, Owner: "acme", Name: "shop"}}}
	err := h.app.Arrived(t.Context(), named, func(context.Context, ...forge.Ref) error { return full })
	if !errors.Is(err, full) {
		t.Errorf("a queue that takes nothing: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.app.Arrived(ended, named, take); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
	h.Uninstall("acme")
	app := newApp(t, h.Server, github.Options{Clock: newClock()})
	if err := app.Arrived(t.Context(), github.Arrival{Installation: id}, take); !errors.Is(err, forge.ErrGone) {
		t.Errorf("uninstalled: %v", err)
	}
	if err := app.Arrived(t.Context(), named, take); err != nil || len(*taken) > 0 {
		t.Errorf("a repository that is gone is an error: %v, taken %q", err, *taken)
	}
}

// TestRepositoriesOfAllInstallations: every page, with what the listing tells of each, by one request for a hundred.
func TestRepositoriesOfAllInstallations(t *testing.T) {
	h := newHost(t, githubtest.Options{}, nil)
	for n := range 101 {
		_, err := h.CreateEmptyRepo("acme", fmt.Sprintf("r%03d", n))
		must(t, err)
	}
	for name, marks := range map[string]githubtest.Marks{"off": {Disabled: true}, "mirror": {Mirror: true}, "fork": {Fork: true}} {
		r, err := h.CreateEmptyRepo("rival", name)
		must(t, err)
		r.Mark(marks)
	}
	h.repo.Archive()
	var all []forge.Repository
	keep := func(r forge.Repository) error {
		all = append(all, r)
		return nil
	}
	h.ForgetRequests()
	must(t, h.app.Repositories(t.Context(), keep))
	if n := h.operations(); n["apps/list-installations"] != 1 || n["apps/list-repos-accessible-to-installation"] != 3 || len(n) != 2 {
		t.Errorf("requests %v", n)
	}
	if len(all) != 105 || len(map[string]bool{all[0].ID: true, all[1].ID: true, "": true}) != 3 {
		t.Fatalf("%d repositories, the first %+v", len(all), all[0])
	}
	for _, r := range all {
		r.ID = ""
		want := forge.Repository{Repo: r.Repo, Branch: "main"}
		want.Repo.Installation = h.InstallationID(r.Repo.Owner)
		switch r.Repo.Name {
		case "shop":
			want.Archived = true
		case "off":
			want.Disabled = true
		case "mirror":
			want.Mirror = true
		case "fork":
			want.Fork = true
		}
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.Repo, diff)
		}
	}
	stop := errors.New("stop")
	n := 0
	err := h.app.Repositories(t.Context(), func(forge.Repository) error { n++; return stop })
	if !errors.Is(err, stop) || n != 1 {
		t.Errorf("%v after %d repositories", err, n)
	}
	h.Suspend("acme", true)
	all = nil
	must(t, h.app.Repositories(t.Context(), keep))
	if len(all) != 3 {
		t.Errorf("%d repositories besides those of a suspended installation", len(all))
	}
}
