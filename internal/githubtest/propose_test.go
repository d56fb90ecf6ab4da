package githubtest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/githubtest"
)

const (
	zeros     = "0000000000000000000000000000000000000000"
	pullsPath = "/api/v3/repos/acme/shop/pulls"
	issuePath = "/api/v3/repos/acme/shop/issues/1"
)

// An update is one of updateRefs, for a branch.
type update struct {
	branch, before, after string
	force                 bool
}

// updateRefs sends updates and returns GitHub's errors, "" for none.
func updateRefs(c caller, all ...update) string {
	c.t.Helper()
	id := c.query(`{ repository(owner: "acme", name: "shop") { id } }`, nil)["data"].(obj)["repository"].(obj)["id"]
	var list []obj
	for _, u := range all {
		list = append(list, obj{"name": "refs/heads/" + u.branch, "beforeOid": u.before, "afterOid": u.after, "force": u.force})
	}
	o := c.query(`mutation Point($id: ID!, $all: [RefUpdate!]!) {
		updateRefs(input: {repositoryId: $id, refUpdates: $all}) { clientMutationId } }`, obj{"id": id, "all": list})
	if o["errors"] == nil {
		return ""
	}
	return fmt.Sprint(o["errors"])
}

// TestUpdateRefs: branches are made, moved and deleted if they are where they are said to be, all of them or none.
func TestUpdateRefs(t *testing.T) {
	s, r, p := scene(t, githubtest.Options{})
	c := installation(t, s, obj{})
	base, head := must(r.Head("main"))(t), p.Head()
	aside := commitOf(c, base, "x", "x")
	workflow := commitOf(c, base, ".github/workflows/ci.yml", "x")
	r.Protect("main")
	for _, tc := range []struct {
		updates []update
		want    string
	}{
		{[]update{{"new", zeros, base, false}}, ""},
		{[]update{{"new", zeros, head, true}}, "is at " + base},
		{[]update{{"new", head, aside, true}}, "is at " + base},
		{[]update{{"new", base, head, false}}, ""},
		{[]update{{"new", head, aside, false}}, "not a fast forward"},
		{[]update{{"new", head, aside, true}}, ""},
		{[]update{{"other", zeros, base, false}, {"new", head, base, true}}, "is at " + aside},
		{[]update{{"main", base, head, true}}, "rule violations"},
		{[]update{{"main", base, zeros, true}}, "Cannot delete"},
		{[]update{{"new", aside, workflow, true}}, "workflows"},
		{[]update{{"new", aside, zeros[:39] + "1", true}}, "does not exist"},
		{[]update{{"new/below", zeros, base, false}}, "failed"},
		{[]update{{"gone", head, zeros, true}}, "is at " + zeros},
	} {
		if got := updateRefs(c, tc.updates...); (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%v: %q, want %q", tc.updates, got, tc.want)
		}
	}
	if got := must(r.Head("new"))(t); got != aside {
		t.Errorf("new is at %s, want %s", got, aside)
	}
	if _, err := r.Head("other"); err == nil {
		t.Error("one of two updates was done")
	}
	if got := updateRefs(c, update{"new", aside, zeros, true}); got != "" {
		t.Errorf("delete: %s", got)
	}
	less := installation(t, s, obj{"permissions": obj{"contents": "read"}})
	if got := updateRefs(less, update{"more", zeros, base, false}); !strings.Contains(got, "FORBIDDEN") {
		t.Errorf("with contents: read: %q", got)
	}
	r.Archive()
	if got := updateRefs(c, update{"more", zeros, base, false}); !strings.Contains(got, "read-only") {
		t.Errorf("in an archive: %q", got)
	}
}

// TestPullsEndWithTheirBranches: a deleted head branch closes, a push that brings the head into the base merges; both name
// who did it.
func TestPullsEndWithTheirBranches(t *testing.T) {
	s, r, p := scene(t, githubtest.Options{})
	c := installation(t, s, obj{})
	ended := func() string {
		o := c.query(`{ repository(owner: "acme", name: "shop") { pullRequest(number: 1) { state closedAt mergedAt
			timelineItems(last: 1, itemTypes: [CLOSED_EVENT]) { nodes { ... on ClosedEvent { actor { __typename login } } } } } } }`, nil)
		o = o["data"].(obj)["repository"].(obj)["pullRequest"].(obj)
		return fmt.Sprint(o["state"], o["closedAt"] != nil, o["mergedAt"] != nil, o["timelineItems"])
	}
	if got := ended(); got != "OPENfalse false map[nodes:[]]" {
		t.Errorf("open it is %s", got)
	}
	head := p.Head()
	if got := updateRefs(c, update{"topic", head, zeros, true}); got != "" {
		t.Fatal(got)
	}
	if got := ended(); !strings.HasPrefix(got, "CLOSEDtrue false") || !strings.Contains(got, "__typename:Bot login:lighterman") {
		t.Errorf("after its branch was deleted it is %s", got)
	}
	if a := c.do("PATCH", pullsPath+"/1", obj{"state": "open"}); a.status != 422 {
		t.Errorf("opened again without its branch: %d %s", a.status, a.body)
	}
	if err := r.Branch("topic", head); err != nil {
		t.Fatal(err)
	}
	if a := c.do("PATCH", pullsPath+"/1", obj{"state": "open"}); a.status != 200 {
		t.Errorf("opened again: %d %s", a.status, a.body)
	}
	if err := r.ForcePush("main", head); err != nil {
		t.Fatal(err)
	}
	if got := ended(); !strings.HasPrefix(got, "MERGEDtrue true") || !strings.Contains(got, "login:acme") {
		t.Errorf("after main was pushed to it is %s", got)
	}
	if got := p.Status(); got.State != "merged" || got.ClosedBy != "acme" {
		t.Errorf("status %+v", got)
	}
}

// TestOpenPullByREST: what GitHub takes for a pull request, and its reasons where it does not.
func TestOpenPullByREST(t *testing.T) {
	s, r, _ := scene(t, githubtest.Options{})
	must(r.Push("more", "x", map[string]string{"more": "x"}))(t)
	if err := r.Branch("same", "main"); err != nil {
		t.Fatal(err)
	}
	r.Mark(githubtest.Marks{NoDrafts: true})
	c := installation(t, s, obj{})
	for want, body := range map[string]obj{
		"A pull request already exists for acme:topic.": {"title": "x", "head": "acme:topic", "base": "main"},
		"No commits between main and same":              {"title": "x", "head": "same", "base": "main"},
		`"field":"head"`:                                {"title": "x", "head": "none", "base": "main"},
		`"field":"base"`:                                {"title": "x", "head": "more", "base": "none"},
		"missing_field":                                 {"head": "more", "base": "main"},
		"title is too long":                             {"title": strings.Repeat("x", 257), "head": "more", "base": "main"},
		"body is too long":                              {"title": "x", "body": strings.Repeat("x", 65_537), "head": "more", "base": "main"},
		"Draft pull requests are not supported":         {"title": "x", "head": "more", "base": "main", "draft": true},
	} {
		if a := c.do("POST", pullsPath, body); a.status != 422 || !strings.Contains(a.body, want) {
			t.Errorf("%v: %d %s, want 422 with %q", body, a.status, a.body, want)
		}
	}
	o := c.do("POST", pullsPath, obj{"title": "More", "head": "more", "base": "main", "body": "b"}).value(t)
	if o["number"] != 2.0 || o["mergeable"] != true || o["user"].(obj)["login"] != s.Bot() || o["draft"] != false {
		t.Errorf("opened %v %v %v %v", o["number"], o["mergeable"], o["user"], o["draft"])
	}
	must(r.Push("main", "y", map[string]string{"more": "y"}))(t)
	if o := c.do("GET", pullsPath+"/2", nil).value(t); o["mergeable"] != false || o["mergeable_state"] != "dirty" {
		t.Errorf("in conflict it is %v, %v", o["mergeable"], o["mergeable_state"])
	}
	o = c.do("PATCH", pullsPath+"/2", obj{"title": "Less", "body": "c", "state": "closed"}).value(t)
	if p := r.Pulls()[1].Status(); o["state"] != "closed" || p.Title != "Less" || p.Body != "c" || p.ClosedBy != s.Bot() {
		t.Errorf("changed to %+v", p)
	}
}

// TestNamesOnPulls: labels are made as they are used, assignees that cannot be are passed over, reviewers are all taken or
// none.
func TestNamesOnPulls(t *testing.T) {
	s, r, p := scene(t, githubtest.Options{})
	for n := range 12 {
		r.SetPermission(fmt.Sprint("p", n), "read")
	}
	r.AddTeam("images")
	c := installation(t, s, obj{})
	if a := c.do("POST", issuePath+"/labels", obj{"labels": []string{"docker", "new"}}); a.status != 200 || !strings.Contains(a.body, `"new"`) {
		t.Errorf("labels: %d %s", a.status, a.body)
	}
	if a := c.do("POST", issuePath+"/labels", obj{"labels": []string{strings.Repeat("x", 51)}}); a.status != 422 {
		t.Errorf("a long label: %d", a.status)
	}
	people := []string{"nobody"}
	for n := range 12 {
		people = append(people, fmt.Sprint("p", n))
	}
	if a := c.do("POST", issuePath+"/assignees", obj{"assignees": people}); a.status != 201 {
		t.Errorf("assignees: %d %s", a.status, a.body)
	}
	reviewers := pullsPath + "/1/requested_reviewers"
	for _, in := range []obj{
		{"reviewers": []string{"p1", "nobody"}}, {"reviewers": []string{p.Author()}}, {"team_reviewers": []string{"images", "none"}},
	} {
		if a := c.do("POST", reviewers, in); a.status != 422 {
			t.Errorf("%v: %d %s", in, a.status, a.body)
		}
	}
	if a := c.do("POST", reviewers, obj{"reviewers": []string{"p1"}, "team_reviewers": []string{"images"}}); a.status != 201 {
		t.Errorf("reviewers: %d %s", a.status, a.body)
	}
	got := p.Status()
	if !slices.Equal(got.Labels, []string{"docker", "new"}) || !slices.Equal(got.Assignees, people[1:11]) ||
		!slices.Equal(got.Reviewers, []string{"p1"}) || !slices.Equal(got.Teams, []string{"images"}) {
		t.Errorf("status %+v", got)
	}
}

// TestPushesAreTold: to Apps that asked for them, with the paths that each commit touches.
func TestPushesAreTold(t *testing.T) {
	s, r, _ := scene(t, githubtest.Options{Events: []string{"push"}})
	hook := receive(t)
	s.SetWebhook(hook.URL, "s3cret")
	before := must(r.Head("main"))(t)
	after := must(r.Commit("main", githubtest.Commit{Message: "x", Files: map[string]string{"long.txt": "x", "b/Dockerfile": "FROM x\n"}}))(t)
	if err := r.ForcePush("main", before); err != nil {
		t.Fatal(err)
	}
	updateRefs(installation(t, s, obj{}), update{"new", zeros, after, false})
	updateRefs(installation(t, s, obj{}), update{"new", after, zeros, false})
	_, all := hook.got(t, s)
	var got []string
	for _, o := range all {
		line := fmt.Sprint(o["ref"], o["created"], o["deleted"], o["forced"])
		for _, c := range o["commits"].([]any) {
			c := c.(obj)
			line += fmt.Sprint(" ", c["added"], c["modified"], c["removed"])
		}
		got = append(got, line)
	}
	want := []string{
		"refs/heads/mainfalse false false [b/Dockerfile] [long.txt] []", "refs/heads/mainfalse false true",
		"refs/heads/newtrue false false [b/Dockerfile] [long.txt] []", "refs/heads/newfalse true false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
