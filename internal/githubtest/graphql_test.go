package githubtest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/githubtest"
)

func (c caller) query(text string, variables obj) obj {
	c.t.Helper()
	return c.do("POST", "/api/graphql", obj{"query": text, "variables": variables}).value(c.t)
}

// TestGraphQLReads: aliases, fragments, variables and paging, over true data.
func TestGraphQLReads(t *testing.T) {
	s, _, p := scene(t, githubtest.Options{})
	for _, line := range []int{1, 2, 3} {
		if err := p.Review("robin", "r", githubtest.ReviewComment{Path: "Dockerfile", Line: line, Body: "b"}); err != nil {
			t.Fatal(err)
		}
	}
	c := installation(t, s, obj{})
	o := c.query(`query Q($n: Int!, $after: String) { repository(owner: "acme", name: "shop") {
		pullRequest(number: $n) {
			...pr
			reviews(first: 2, after: $after) {
				totalCount pageInfo { hasNextPage endCursor } nodes { state author { __typename login } }
			}
		}
		a: object(expression: "topic:Dockerfile") { ... on Blob { text isBinary byteSize } }
		b: object(expression: "topic:none") { oid } } }
		fragment pr on PullRequest {
			headRefOid changedFiles state
			reviewThreads(first: 1) { nodes { line comments(first: 1) { nodes { fullDatabaseId } } } }
		}`,
		obj{"n": 1})
	text := fmt.Sprint(o)
	for _, want := range []string{
		"headRefOid:" + p.Head(), "changedFiles:2", "state:OPEN", "line:1", "totalCount:3", "hasNextPage:true", "login:robin",
		"__typename:User", fmt.Sprint("byteSize:", len(app5)), "b:<nil>", "fullDatabaseId:85",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

// TestGraphQLRefuses: queries that GitHub would not run.
func TestGraphQLRefuses(t *testing.T) {
	s, _, _ := scene(t, githubtest.Options{})
	must(s.CreateRepo("rival", "secret", map[string]string{"a": "a"}))(t)
	c := installation(t, s, obj{"permissions": obj{"contents": "read"}})
	for query, want := range map[string]string{
		`{ repository(owner: "rival", name: "secret") { id } }`:                                        "NOT_FOUND",
		`{ repository(owner: "acme", name: "shop") { pullRequest(number: 1) { id } } }`:                "FORBIDDEN",
		`{ node(id: "PRRT_x") { id } }`:                                                                "FORBIDDEN",
		`mutation { minimizeComment(input: {subjectId: "x", classifier: SPAM}) { clientMutationId } }`: "FORBIDDEN",
		`mutation { resolveReviewThread(input: {threadId: "x"}) { clientMutationId } }`:                "NOT_FOUND",
		`{ repository(owner: "acme", name: "none") { id } }`:                                           "NOT_FOUND",
	} {
		if o := c.query(query, nil); !strings.Contains(fmt.Sprint(o["errors"]), want) {
			t.Errorf("%s: %v, want %s", query, o, want)
		}
	}
	full := installation(t, s, obj{})
	for fields, want := range map[string]string{
		`pullRequest(number: 7) { id }`:                                           "NOT_FOUND",
		`pullRequest(number: 1) { reviews { totalCount } }`:                       "PAGINATION",
		`pullRequest(number: 1) { reviews(first: 101) { totalCount } }`:           "PAGINATION",
		`pullRequest(number: 1) { reviews(first: 1, after: "?") { totalCount } }`: "CURSOR",
	} {
		o := full.query(`{ repository(owner: "acme", name: "shop") { `+fields+` } }`, nil)
		if !strings.Contains(fmt.Sprint(o["errors"]), want) {
			t.Errorf("%s: %v, want %s", fields, o, want)
		}
	}
	// On an Enterprise Server GraphQL does not lie below the REST interface.
	if a := full.do("POST", "/api/v3/graphql", obj{"query": "{ id }"}); a.status != 404 {
		t.Errorf("/api/v3/graphql: %d, want 404", a.status)
	}
}

// TestGraphQLCosts: a query costs what its connections may come to, as in GitHub's own example of 5,101 requests, and one
// that asks for too many nodes is not run.
func TestGraphQLCosts(t *testing.T) {
	s, _, _ := scene(t, githubtest.Options{})
	c := installation(t, s, obj{})
	ask := func(threads, comments, reactions int) (int, obj) {
		s.ForgetRequests()
		o := c.query(fmt.Sprintf(`query($t: Int!) { repository(owner: "acme", name: "shop") { pullRequest(number: 1) {
			reviewThreads(first: $t) { nodes { comments(last: %d) { nodes { reactions(first: %d) { nodes { content } } } } } } } } }`,
			comments, reactions), obj{"t": threads})
		return s.Requests()[0].Points, o
	}
	for _, tc := range []struct{ threads, comments, reactions, points int }{{100, 50, 60, 51}, {1, 1, 1, 1}, {100, 1, 100, 2}} {
		if got, o := ask(tc.threads, tc.comments, tc.reactions); got != tc.points || o["errors"] != nil {
			t.Errorf("%+v: %d points, %v", tc, got, o["errors"])
		}
	}
	if _, o := ask(100, 100, 100); !strings.Contains(fmt.Sprint(o["errors"]), "1010100 possible nodes") {
		t.Errorf("a million nodes: %v", o)
	}
}

// TestGraphQLMutations: resolving takes contents: write, minimising does not.
func TestGraphQLMutations(t *testing.T) {
	s, _, p := scene(t, githubtest.Options{})
	installation(t, s, obj{}).do("POST", reviews, obj{"event": "COMMENT", "comments": []obj{comment("Dockerfile", 1)}})
	th := must(p.Threads())(t)[0]
	resolve := fmt.Sprintf(`mutation { resolveReviewThread(input: {threadId: %q}) { thread { isResolved } } }`, th.ID)
	less := installation(t, s, obj{"permissions": obj{"contents": "read", "pull_requests": "write"}})
	o := less.query(resolve, nil)
	if !strings.Contains(fmt.Sprint(o), "FORBIDDEN") || must(p.Threads())(t)[0].ResolvedBy != "" {
		t.Errorf("resolved with contents: read: %v", o)
	}
	const q = `query($id: ID!) { node(id: $id) { ... on PullRequestReviewThread {
		viewerCanResolve comments(first: 1) { nodes { id minimizedReason } } } } }`
	seen := fmt.Sprint(less.query(q, obj{"id": th.ID}))
	if !strings.Contains(seen, "viewerCanResolve:false") {
		t.Errorf("seen with contents: read: %s", seen)
	}
	id := strings.Fields(seen[strings.Index(seen, "PRRC_"):])[0]
	const minimize = `mutation($id: ID!) {
		minimizeComment(input: {subjectId: $id, classifier: OFF_TOPIC}) { minimizedComment { isMinimized } } }`
	less.query(minimize, obj{"id": id})
	if got := must(p.Threads())(t)[0].Comments[0].Minimized; got != "off-topic" {
		t.Errorf("minimised as %q", got)
	}
	if o := installation(t, s, obj{}).query(resolve, nil); !strings.Contains(fmt.Sprint(o), "isResolved:true") {
		t.Errorf("resolve: %v", o)
	}
	if got := must(p.Threads())(t)[0].ResolvedBy; got != s.Bot() {
		t.Errorf("resolved by %q", got)
	}
}
