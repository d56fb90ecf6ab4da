package githubtest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/githubtest"
)

// TestTransfer: a repository that changes hands is its new owner's, and out of reach for the old one's installation.
func TestTransfer(t *testing.T) {
	s, r, _ := scene(t, githubtest.Options{})
	must(s.CreateRepo("globex", "other", map[string]string{"a": "a"}))(t)
	c := installation(t, s, obj{})
	if err := r.Transfer("globex"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/repos/acme/shop/pulls/1": 404, "/repos/globex/shop/pulls/1": 404} {
		if a := c.do("GET", "/api/v3"+path, nil); a.status != want {
			t.Errorf("%s by acme's installation: %d, want %d", path, a.status, want)
		}
	}
	id := s.InstallationID("globex")
	token := app(t, s).do("POST", fmt.Sprintf("/api/v3/app/installations/%d/access_tokens", id), obj{}).value(t)
	theirs := caller{t, s, token["token"].(string)}
	for path, want := range map[string]int{"/repos/acme/shop/pulls/1": 301, "/repos/globex/shop/pulls/1": 200} {
		if a := theirs.do("GET", "/api/v3"+path, nil); a.status != want {
			t.Errorf("%s by globex's installation: %d, want %d", path, a.status, want)
		}
	}
}

// TestBranchRenamed: pull requests into a branch follow its name, those of it end.
func TestBranchRenamed(t *testing.T) {
	s, r, p := scene(t, githubtest.Options{})
	hook := receive(t)
	s.SetWebhook(hook.URL, "s3cret")
	if err := r.RenameBranch("main", "trunk", "acme"); err != nil {
		t.Fatal(err)
	}
	c := installation(t, s, obj{})
	o := c.do("GET", "/api/v3/repos/acme/shop/pulls/1", nil).value(t)
	if o["base"].(obj)["ref"] != "trunk" || o["base"].(obj)["repo"].(obj)["default_branch"] != "trunk" {
		t.Errorf("base %v", o["base"].(obj)["ref"])
	}
	if err := r.RenameBranch("topic", "subject", "acme"); err != nil {
		t.Fatal(err)
	}
	if o := c.do("GET", "/api/v3/repos/acme/shop/pulls/1", nil).value(t); o["state"] != "closed" {
		t.Errorf("state %v", o["state"])
	}
	_, got := hook.got(t, s)
	if len(got) != 2 || got[0]["action"] != "edited" || got[0]["changes"].(obj)["base"] == nil ||
		got[1]["action"] != "closed" {
		t.Errorf("webhooks %v", got)
	}
	q := must(r.OpenPull(githubtest.PullOptions{Title: "Again", Head: "subject"}))(t)
	if must(q.Base())(t) != must(r.Head("trunk"))(t) || q.Head() != p.Head() {
		t.Errorf("opened from %s on %s", q.Head(), must(q.Base())(t))
	}
	hook.got(t, s) // nothing is on its way when the receiver closes
}

// TestInstallationIsTold: what becomes of an installation is told without a subscription.
func TestInstallationIsTold(t *testing.T) {
	s, _, _ := scene(t, githubtest.Options{})
	hook := receive(t)
	s.SetWebhook(hook.URL, "s3cret")
	s.Suspend("acme", true)
	s.Suspend("acme", false)
	s.Grant("acme", githubtest.ReviewOnly())
	s.Uninstall("acme")
	headers, got := hook.got(t, s)
	var told []string
	for i, o := range got {
		told = append(told, fmt.Sprint(headers[i].Get("X-GitHub-Event"), ".", o["action"]))
	}
	want := []string{
		"installation.suspend", "installation.unsuspend", "installation.new_permissions_accepted", "installation.deleted",
	}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	at := func(n int) any { return got[n]["installation"].(obj)["suspended_at"] }
	if at(0) == nil || at(1) != nil {
		t.Errorf("suspended at %v, then %v", at(0), at(1))
	}
}

// TestLFSPointer: a pointer names the content's sum and size.
func TestLFSPointer(t *testing.T) {
	got := githubtest.LFSPointer("FROM x\n")
	if !strings.Contains(got, "\nsize 7\n") || !strings.HasPrefix(got, "version https://git-lfs.github.com/spec/v1\n") {
		t.Errorf("pointer %q", got)
	}
}
