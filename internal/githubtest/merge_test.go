package githubtest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/githubtest"
)

// TestMergeGroup: a queue tests a commit that holds all of its pull requests, and merges it or lets go of it.
func TestMergeGroup(t *testing.T) {
	s, r, p := scene(t, githubtest.Options{})
	must(r.Push("more", "x", map[string]string{"more": "more\n"}))(t)
	q := must(r.OpenPull(githubtest.PullOptions{Title: "More", Head: "more"}))(t)
	must(r.Push("clash", "x", map[string]string{"long.txt": "other\n"}))(t)
	clash := must(r.OpenPull(githubtest.PullOptions{Title: "Clash", Head: "clash"}))(t)
	hook := receive(t)
	s.SetWebhook(hook.URL, "s3cret")
	base := must(r.Head("main"))(t)
	g := must(r.MergeGroup(p, q))(t)
	for path, want := range map[string]string{"Dockerfile": app5, "more": "more\n"} {
		if got := must(r.ReadFile(g.Head(), path))(t); got != want {
			t.Errorf("%s in the group is %q", path, got)
		}
	}
	c := installation(t, s, obj{})
	c.do("POST", checks, check(g.Head(), "conclusion", "success"))
	if runs := g.CheckRuns(); len(runs) != 1 || runs[0].HeadSHA != g.Head() {
		t.Errorf("runs %+v", runs)
	}
	if err := g.Destroy("dequeued"); err != nil {
		t.Fatal(err)
	}
	if got := must(r.Head("main"))(t); got != base {
		t.Errorf("main is %s after the group was let go", got)
	}
	if err := must(r.MergeGroup(p, q))(t).Destroy("merged"); err != nil {
		t.Fatal(err)
	}
	if got := must(r.ReadFile("main", "more"))(t); got != "more\n" {
		t.Errorf("merged %q", got)
	}
	if o := c.do("GET", "/api/v3/repos/acme/shop/pulls/2", nil).value(t); o["merged"] != true || o["state"] != "closed" {
		t.Errorf("pull request %v, %v", o["merged"], o["state"])
	}
	if _, err := r.MergeGroup(clash); err == nil {
		t.Error("a conflict was merged")
	}
	_, got := hook.got(t, s)
	var told []string
	for _, o := range got {
		told = append(told, fmt.Sprint(o["action"], o["reason"]))
	}
	want := "checks_requested<nil> destroyeddequeued checks_requested<nil> destroyedmerged closed<nil> closed<nil>"
	if strings.Join(told, " ") != want {
		t.Fatalf("told %q, want %q", told, want)
	}
	group := got[0]["merge_group"].(obj)
	if group["head_sha"] != g.Head() || group["base_sha"] != base || group["base_ref"] != "refs/heads/main" ||
		group["head_ref"] != "refs/heads/gh-readonly-queue/main/pr-2-"+base || group["head_ref"] != g.Ref() {
		t.Errorf("group %v", group)
	}
}

// TestMerge: a pull request that is merged is closed, and its base moves.
func TestMerge(t *testing.T) {
	s, r, p := scene(t, githubtest.Options{})
	sha := must(p.Merge("ann"))(t)
	if got := must(r.Head("main"))(t); got != sha || must(r.Show(sha))(t).Parents[1] != p.Head() {
		t.Errorf("main is %s, merged as %s", got, sha)
	}
	if files := must(p.Files())(t); len(files) != 2 {
		t.Errorf("its files are %v", files)
	}
	text := fmt.Sprint(installation(t, s, obj{}).query(
		`{ repository(owner: "acme", name: "shop") { pullRequest(number: 1) { state } } }`, nil))
	if !strings.Contains(text, "MERGED") {
		t.Errorf("state %s", text)
	}
}
