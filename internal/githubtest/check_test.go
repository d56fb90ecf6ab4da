package githubtest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/githubtest"
)

const checks = "/api/v3/repos/acme/shop/check-runs"

// loose is scene without the contract: for requests that GitHub's schema refuses as the double must.
func loose(t *testing.T) (*githubtest.Server, *githubtest.Repo, *githubtest.Pull) {
	t.Helper()
	s := must(githubtest.New(githubtest.Options{}))(t)
	t.Cleanup(func() { _ = s.Close() })
	r, p := furnish(t, s)
	return s, r, p
}

func check(head string, more ...any) obj {
	return with(obj{"name": "lighterman", "head_sha": head}, more...)
}

// with adds keys and values to an object.
func with(o obj, more ...any) obj {
	for i := 0; i+1 < len(more); i += 2 {
		o[more[i].(string)] = more[i+1]
	}
	return o
}

func output(more ...any) obj { return with(obj{"title": "t", "summary": "s"}, more...) }

func annotation(more ...any) obj {
	return with(obj{"path": "Dockerfile", "start_line": 3, "end_line": 3, "annotation_level": "warning", "message": "m"},
		more...)
}

func remarks(n int) []obj {
	var all []obj
	for range n {
		all = append(all, annotation())
	}
	return all
}

func button(more ...any) obj {
	return with(obj{"label": "Fix all", "description": "Commit all fixes", "identifier": "fix-all"}, more...)
}

// TestCheckRules: what GitHub refuses of a check run, when it is made and when it is changed.
func TestCheckRules(t *testing.T) {
	s, _, p := loose(t)
	c := installation(t, s, obj{})
	x := func(n int) string { return strings.Repeat("x", n) }
	one := func(more ...any) obj { return obj{"output": output("annotations", []obj{annotation(more...)})} }
	press := func(more ...any) obj { return obj{"actions": []obj{button(more...)}} }
	cases := []struct {
		name   string
		fields obj
		ok     bool
	}{
		{"bare", obj{}, true},
		{"output", obj{"output": output("text", "more")}, true},
		{"title alone", obj{"output": obj{"title": "t"}}, false},
		{"summary alone", obj{"output": obj{"summary": "s"}}, false},
		{"longest summary and text", obj{"output": output("summary", x(65535), "text", x(65535))}, true},
		{"long summary", obj{"output": output("summary", x(65536))}, false},
		{"summary long in bytes", obj{"output": output("summary", strings.Repeat("é", 40000))}, false},
		{"long text", obj{"output": output("text", x(65536))}, false},
		{"50 annotations", obj{"output": output("annotations", remarks(50))}, true},
		{"51 annotations", obj{"output": output("annotations", remarks(51))}, false},
		{"columns of one line", one("start_column", 2, "end_column", 5), true},
		{"columns of two lines", one("end_line", 4, "start_column", 2, "end_column", 5), false},
		{"columns backwards", one("start_column", 5, "end_column", 2), false},
		{"line 0", one("start_line", 0), false},
		{"lines backwards", one("end_line", 2), false},
		{"no such level", one("annotation_level", "error"), false},
		{"no message", one("message", ""), false},
		{"no path", one("path", ""), false},
		{"longest message and title", one("message", x(65536), "title", x(255)), true},
		{"long message", one("message", x(65537)), false},
		{"long raw details", one("raw_details", x(65537)), false},
		{"long title", one("title", x(256)), false},
		{"three buttons", obj{"actions": []obj{button(), button(), button()}}, true},
		{"four buttons", obj{"actions": []obj{button(), button(), button(), button()}}, false},
		{"longest button", press("label", x(20), "identifier", x(20), "description", x(40)), true},
		{"long label", press("label", x(21)), false},
		{"long identifier", press("identifier", x(21)), false},
		{"long description", press("description", x(41)), false},
		{"button without a label", press("label", ""), false},
		{"completed without a conclusion", obj{"status": "completed"}, false},
		{"completed", obj{"status": "completed", "conclusion": "success"}, true},
		{"conclusion alone", obj{"conclusion": "neutral"}, true},
		{"stale", obj{"conclusion": "stale"}, false},
		{"no such status", obj{"status": "done"}, false},
		{"unknown key", obj{"severity": "high"}, false},
	}
	made := c.do("POST", checks, check(p.Head())).value(t)
	for _, tc := range cases {
		created := c.do("POST", checks, with(check(p.Head()), flat(tc.fields)...))
		if (created.status == 201) != tc.ok || !tc.ok && created.status != 422 {
			t.Errorf("%s: created with %d %s", tc.name, created.status, created.body)
		}
		updated := c.do("PATCH", checks+"/"+itoa(made["id"]), tc.fields)
		if (updated.status == 200) != tc.ok || !tc.ok && updated.status != 422 {
			t.Errorf("%s: updated with %d %s", tc.name, updated.status, updated.body)
		}
	}
	for name, body := range map[string]obj{
		"unknown commit": check(strings.Repeat("1", 40)), "a branch": check("topic"), "no name": {"head_sha": p.Head()},
	} {
		if a := c.do("POST", checks, body); a.status != 422 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func flat(o obj) []any {
	var all []any
	for key, value := range o {
		all = append(all, key, value)
	}
	return all
}

// TestCheckLife: annotations are added by every request, a conclusion completes, and buttons show only then.
func TestCheckLife(t *testing.T) {
	s, r, p := scene(t, githubtest.Options{})
	c := installation(t, s, obj{})
	run := c.do("POST", checks, check(p.Head(), "status", "in_progress", "external_id", "acme/shop#1", "output",
		output("annotations", remarks(2)), "actions", []obj{button()})).value(t)
	if run["conclusion"] != nil || run["completed_at"] != nil || len(run["pull_requests"].([]any)) != 1 {
		t.Errorf("made %v", run)
	}
	path := checks + "/" + itoa(run["id"])
	if got := p.CheckRuns(); len(got) != 1 || len(got[0].Actions) != 0 || got[0].Status != "in_progress" {
		t.Errorf("under way %+v", got)
	}
	c.do("PATCH", path, obj{"output": output("title", "done", "annotations", remarks(3))})
	c.do("PATCH", path, obj{"conclusion": "neutral"})
	got := p.CheckRuns()[0]
	if len(got.Annotations) != 5 || got.Title != "done" || got.Status != "completed" || got.Conclusion != "neutral" ||
		len(got.Actions) != 1 || got.ExternalID != "acme/shop#1" {
		t.Errorf("completed %+v", got)
	}
	seen := c.do("GET", path, nil).value(t)
	if seen["output"].(obj)["annotations_count"] != 5.0 || seen["completed_at"] == nil {
		t.Errorf("read %v", seen)
	}
	if c.do("PATCH", path, obj{"status": "queued"}); p.CheckRuns()[0].Conclusion != "" {
		t.Errorf("reset %+v", p.CheckRuns()[0])
	}
	if a := c.do("GET", checks+"/1", nil); a.status != 404 {
		t.Errorf("no such run: %d", a.status)
	}
	if len(r.CheckRuns(must(r.Head("main"))(t))) != 0 {
		t.Error("another commit has runs")
	}
}

// TestCheckPruned: of too many runs of one name the oldest are gone.
func TestCheckPruned(t *testing.T) {
	s, _, p := scene(t, githubtest.Options{Limits: githubtest.Limits{Runs: 2}})
	c := installation(t, s, obj{})
	for _, external := range []string{"1", "2", "3"} {
		c.do("POST", checks, check(p.Head(), "external_id", external))
	}
	c.do("POST", checks, check(p.Head(), "name", "other", "external_id", "4"))
	var left []string
	for _, run := range p.CheckRuns() {
		left = append(left, run.ExternalID)
	}
	if !slices.Equal(left, []string{"2", "3", "4"}) {
		t.Errorf("left are %v", left)
	}
}

// TestCheckAccess: reading takes checks: read, reporting checks: write, and both count as their kind.
func TestCheckAccess(t *testing.T) {
	s, _, p := scene(t, githubtest.Options{Limits: githubtest.Limits{Content: 1}})
	reader := installation(t, s, obj{"permissions": obj{"checks": "read"}})
	if a := reader.do("POST", checks, check(p.Head())); a.status != 403 {
		t.Errorf("reporting with checks: read: %d", a.status)
	}
	none := installation(t, s, obj{"permissions": obj{"contents": "read"}})
	if a := none.do("GET", "/api/v3/repos/acme/shop/commits/"+p.Head()+"/check-runs", nil); a.status != 403 {
		t.Errorf("reading without checks: %d", a.status)
	}
	a := installation(t, s, obj{}).do("POST", checks, check(p.Head()))
	if a.status != 403 || a.header.Get("Retry-After") == "" {
		t.Errorf("second content request of a minute: %d", a.status)
	}
}

// TestCheckList: by a ref that may hold slashes, the newest of each name unless all are asked for.
func TestCheckList(t *testing.T) {
	s, r, p := scene(t, githubtest.Options{})
	c := installation(t, s, obj{})
	if err := r.Branch("feature/x", "topic"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"lighterman", "other", "lighterman"} {
		c.do("POST", checks, check(p.Head(), "name", name, "conclusion", "success"))
	}
	for query, want := range map[string]int{
		"topic/check-runs": 2, "feature/x/check-runs": 2, "feature%2Fx/check-runs": 2, p.Head() + "/check-runs?filter=all": 3,
		"topic/check-runs?check_name=other": 1, "topic/check-runs?status=queued": 0, "main/check-runs": 0,
		"topic/check-runs?app_id=1": 0, fmt.Sprintf("topic/check-runs?app_id=%d", s.AppID()): 2,
	} {
		got := c.do("GET", "/api/v3/repos/acme/shop/commits/"+query, nil).value(t)
		if got["total_count"] != float64(want) || len(got["check_runs"].([]any)) != want {
			t.Errorf("%s: %v of %d", query, got["total_count"], want)
		}
	}
	runs := p.CheckRuns()
	newest := c.do("GET", "/api/v3/repos/acme/shop/commits/topic/check-runs?check_name=lighterman", nil)
	if !strings.Contains(newest.body, fmt.Sprintf(`"id":%d`, runs[2].ID)) {
		t.Errorf("newest is not %d: %s", runs[2].ID, newest.body)
	}
}

// TestCheckGraphQL: one query reads the head's runs of ours, with what a pull request says about its branches.
func TestCheckGraphQL(t *testing.T) {
	s, r, p := scene(t, githubtest.Options{})
	c := installation(t, s, obj{})
	c.do("POST", checks, check(p.Head(), "external_id", "x", "conclusion", "failure",
		"output", output("annotations", remarks(2))))
	fork := must(r.Fork("robin"))(t)
	must(fork.Push("fix", "x", map[string]string{"a": "a"}))(t)
	must(r.OpenPull(githubtest.PullOptions{Title: "Fork", Head: "fix", Fork: fork, Modifiable: true}))(t)
	const q = `query($n: Int!, $app: Int!) { repository(owner: "acme", name: "shop") { pullRequest(number: $n) {
		isCrossRepository headRefName baseRefName maintainerCanModify headRepository { name owner { login } }
		commits(last: 1) { totalCount nodes { commit { oid checkSuites(first: 5, filterBy: {appId: $app}) { nodes {
			status checkRuns(first: 5, filterBy: {checkName: "lighterman"}) { nodes {
				databaseId name status conclusion externalId title summary text annotations(first: 1) { totalCount }
		} } } } } } } } } }`
	text := fmt.Sprint(c.query(q, obj{"n": 1, "app": s.AppID()}))
	for _, want := range []string{
		"oid:" + p.Head(), "status:COMPLETED", "conclusion:FAILURE", "externalId:x", "title:t", "text:<nil>",
		"annotations:map[totalCount:2]", "isCrossRepository:false", "baseRefName:main", "headRefName:topic",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if text := fmt.Sprint(c.query(q, obj{"n": 1, "app": 1})); strings.Contains(text, "externalId") {
		t.Errorf("another App's suite: %s", text)
	}
	text = fmt.Sprint(c.query(q, obj{"n": 2, "app": s.AppID()}))
	if !strings.Contains(text, "isCrossRepository:true") || !strings.Contains(text, "maintainerCanModify:true") ||
		!strings.Contains(text, "login:robin") {
		t.Errorf("fork: %s", text)
	}
	fork.Delete()
	if text := fmt.Sprint(c.query(q, obj{"n": 2, "app": s.AppID()})); !strings.Contains(text, "headRepository:<nil>") {
		t.Errorf("deleted fork: %s", text)
	}
	less := installation(t, s, obj{"permissions": obj{"pull_requests": "read"}})
	if o := less.query(q, obj{"n": 1, "app": s.AppID()}); !strings.Contains(fmt.Sprint(o["errors"]), "FORBIDDEN") {
		t.Errorf("without checks: %v", o)
	}
}

// TestCheckButtons: a click and a re-run reach the App with all that it needs to know; a fork's run names no pull
// request.
func TestCheckButtons(t *testing.T) {
	s, r, p := scene(t, githubtest.Options{})
	c := installation(t, s, obj{})
	hook := receive(t)
	s.SetWebhook(hook.URL, "s3cret")
	c.do("POST", checks, check(p.Head(), "external_id", "acme/shop#1", "actions", []obj{button()}))
	run := p.CheckRuns()[0].ID
	if p.Click(run, "fix-all", "robin") == nil || p.Click(1, "fix-all", "robin") == nil {
		t.Error("a button was pressed that does not show")
	}
	c.do("PATCH", fmt.Sprint(checks, "/", run), obj{"conclusion": "neutral"})
	fork := must(r.Fork("robin"))(t)
	head := must(fork.Push("fix", "x", map[string]string{"a": "a"}))(t)
	c.do("POST", checks, check(head, "conclusion", "success", "actions", []obj{button()}))
	of := r.CheckRuns(head)[0].ID
	for _, err := range []error{
		p.Click(run, "fix-all", "robin"), p.Rerequest(run, "ann"), p.RerequestSuite("ann"), r.Click(of, "fix-all", "robin"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	headers, got := hook.got(t, s)
	var events []string
	for i, o := range got {
		events = append(events, fmt.Sprint(headers[i].Get("X-GitHub-Event"), ".", o["action"]))
	}
	want := []string{
		"check_run.requested_action", "check_run.rerequested", "check_suite.rerequested", "check_run.requested_action",
	}
	if !slices.Equal(events, want) {
		t.Fatalf("events %v, want %v", events, want)
	}
	first := got[0]["check_run"].(obj)
	if first["external_id"] != "acme/shop#1" || first["head_sha"] != p.Head() ||
		len(first["pull_requests"].([]any)) != 1 || got[0]["requested_action"].(obj)["identifier"] != "fix-all" ||
		got[0]["sender"].(obj)["login"] != "robin" || first["check_suite"].(obj)["head_branch"] != "topic" {
		t.Errorf("click %v", got[0])
	}
	theirs := got[3]["check_run"].(obj)
	if len(theirs["pull_requests"].([]any)) != 0 || theirs["check_suite"].(obj)["head_branch"] != nil {
		t.Errorf("click on a fork's run %v", theirs)
	}
	if suite := got[2]["check_suite"].(obj); suite["head_sha"] != p.Head() || suite["head_commit"] == nil {
		t.Errorf("suite %v", suite)
	}
}
