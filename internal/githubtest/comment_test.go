package githubtest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/githubtest"
)

const talk = "/api/v3/repos/acme/shop/issues/"

// TestTalk: the App speaks on a timeline, changes its own words and nobody else's.
func TestTalk(t *testing.T) {
	s, r, p := scene(t, githubtest.Options{})
	issue := r.OpenIssue("Slow builds", "robin")
	c := installation(t, s, obj{})
	ours := c.do("POST", talk+"1/comments", obj{"body": "hello"}).value(t)
	hers := must(p.Comment("robin", "hi"))(t)
	for _, tc := range []struct {
		name, method, path, body string
		want                     int
	}{
		{"edit ours", "PATCH", "comments/" + itoa(ours["id"]), "hello again", 200},
		{"edit hers", "PATCH", fmt.Sprint("comments/", hers), "mine now", 403},
		{"edit what is not there", "PATCH", "comments/1", "x", 404},
		{"say nothing", "POST", "1/comments", "", 422},
		{"say too much", "POST", "1/comments", strings.Repeat("x", 65537), 422},
		{"on no issue", "POST", "9/comments", "x", 404},
		{"on an issue with issues: read", "POST", fmt.Sprint(issue.Number(), "/comments"), "x", 403},
	} {
		if a := c.do(tc.method, talk+tc.path, obj{"body": tc.body}); a.status != tc.want {
			t.Errorf("%s: %d %s, want %d", tc.name, a.status, a.body, tc.want)
		}
	}
	if got := p.Comments(); len(got) != 2 || got[0].Body != "hello again" || got[1].Author != "robin" {
		t.Errorf("timeline %+v", got)
	}
	second := filesOf(t, c.do("GET", talk+"1/comments?per_page=1&page=2", nil))
	if len(second) != 1 || second[0]["body"] != "hi" {
		t.Errorf("second page %v", second)
	}
	if list := filesOf(t, c.do("GET", talk+"2/comments", nil)); len(list) != 0 || issue.Number() != 2 {
		t.Errorf("issue %d says %v", issue.Number(), list)
	}
}

// TestReactions: each emoji once by each login, seen in the groups of GraphQL as in Go.
func TestReactions(t *testing.T) {
	s, _, p := scene(t, githubtest.Options{})
	c := installation(t, s, obj{})
	if err := p.Review("robin", "", githubtest.ReviewComment{Path: "Dockerfile", Line: 4, Body: "why"}); err != nil {
		t.Fatal(err)
	}
	word := must(p.Threads())(t)[0].Comments[0].ID
	said := must(p.Comment("robin", "/lighterman help"))(t)
	for _, tc := range []struct {
		path, emoji string
		want        int
	}{
		{fmt.Sprint(talk, "comments/", said), "eyes", 201}, {fmt.Sprint(talk, "comments/", said), "eyes", 200},
		{fmt.Sprint(talk, "comments/", said), "+1", 201}, {fmt.Sprint(talk, "comments/", word), "eyes", 404},
		{fmt.Sprint("/api/v3/repos/acme/shop/pulls/comments/", word), "confused", 201},
		{fmt.Sprint("/api/v3/repos/acme/shop/pulls/comments/", said), "eyes", 404},
	} {
		if a := c.do("POST", tc.path+"/reactions", obj{"content": tc.emoji}); a.status != tc.want {
			t.Errorf("%s on %s: %d %s, want %d", tc.emoji, tc.path, a.status, a.body, tc.want)
		}
	}
	for _, err := range []error{
		p.React(word, "robin", "-1"), p.React(word, "dependabot[bot]", "-1"), p.React(word, "ann", "heart"),
		p.Unreact(word, "ann", "heart"), p.React(said, "ann", "+1"), p.EditComment(word, "robin", "why so"),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	const groups = `reactionGroups { content viewerHasReacted
		reactors(first: 9) { totalCount nodes { __typename ... on User { login } ... on Bot { login } } }
		users(first: 9) { totalCount nodes { login } } }`
	text := fmt.Sprint(c.query(`{ repository(owner: "acme", name: "shop") { pullRequest(number: 1) {
		comments(last: 1) { nodes { fullDatabaseId body viewerDidAuthor lastEditedAt `+groups+` } }
		reviewThreads(first: 1) { nodes { comments(first: 1) { nodes { createdAt lastEditedAt `+groups+` } } } } } } }`, nil))
	for _, want := range []string{
		"content:EYES reactors:map[nodes:[map[__typename:Bot login:lighterman]] totalCount:1]",
		"content:THUMBS_DOWN reactors:map[nodes:[map[__typename:User login:robin] map[__typename:Bot login:dependabot]] " +
			"totalCount:2] users:map[nodes:[map[login:robin]] totalCount:1] viewerHasReacted:false",
		"content:HEART reactors:map[nodes:[] totalCount:0]", "lastEditedAt:<nil>", "lastEditedAt:2", "viewerDidAuthor:false",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	got := p.Comments()[0].Reacted
	want := []githubtest.Reaction{{By: s.Bot(), Emoji: "eyes"}, {By: s.Bot(), Emoji: "+1"}, {By: "ann", Emoji: "+1"}}
	if !slices.Equal(got, want) {
		t.Errorf("reactions %v, want %v", got, want)
	}
}

// TestMinimizeTalk: a comment on the timeline can be minimised as well.
func TestMinimizeTalk(t *testing.T) {
	s, _, p := scene(t, githubtest.Options{})
	c := installation(t, s, obj{})
	ours := c.do("POST", talk+"1/comments", obj{"body": "hello"}).value(t)
	c.query(`mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) {
		minimizedComment { isMinimized } } }`, obj{"id": ours["node_id"]})
	if got := p.Comments()[0].Minimized; got != "outdated" {
		t.Errorf("minimised as %q", got)
	}
}

// TestReplies: a reply stands below the first comment of a thread, and counts as a review of its own.
func TestReplies(t *testing.T) {
	s, _, p := scene(t, githubtest.Options{})
	c := installation(t, s, obj{})
	if err := p.Review("robin", "", githubtest.ReviewComment{Path: "Dockerfile", Line: 4, Body: "why"}); err != nil {
		t.Fatal(err)
	}
	first := must(p.Threads())(t)[0].Comments[0].ID
	path := fmt.Sprint("/api/v3/repos/acme/shop/pulls/1/comments/", first, "/replies")
	reply := c.do("POST", path, obj{"body": "because"}).value(t)
	if reply["in_reply_to_id"] != float64(first) || reply["pull_request_review_id"] == nil {
		t.Errorf("reply %v", reply)
	}
	for to, want := range map[string]int{itoa(reply["id"]): 422, "1": 404} {
		if a := c.do("POST", "/api/v3/repos/acme/shop/pulls/1/comments/"+to+"/replies", obj{"body": "x"}); a.status != want {
			t.Errorf("reply to %s: %d %s, want %d", to, a.status, a.body, want)
		}
	}
	if got := must(p.Threads())(t)[0].Comments; len(got) != 2 || got[1].Body != "because" || len(p.Reviews()) != 1 {
		t.Errorf("thread %+v, reviews %+v", got, p.Reviews())
	}
	if list := filesOf(t, c.do("GET", reviews, nil)); len(list) != 2 {
		t.Errorf("%d reviews listed", len(list))
	}
	c.do("POST", reviews, obj{"comments": at1("Dockerfile", 3)})
	if a := c.do("POST", path, obj{"body": "x"}); a.status != 422 {
		t.Errorf("reply with a pending review: %d %s", a.status, a.body)
	}
}

// TestPermissionLevels: four words under permission, the precise one under role_name.
func TestPermissionLevels(t *testing.T) {
	s, r, _ := scene(t, githubtest.Options{})
	c := installation(t, s, obj{"permissions": obj{"metadata": "read"}})
	for _, level := range []string{"admin", "maintain", "write", "triage", "read", "none"} {
		r.SetPermission(level+"er", level)
	}
	level := func(login string) string {
		o := c.do("GET", "/api/v3/repos/acme/shop/collaborators/"+login+"/permission", nil).value(t)
		return fmt.Sprint(o["permission"], " ", o["role_name"], " ", o["user"].(obj)["permissions"].(obj)["push"])
	}
	for login, want := range map[string]string{
		"acme": "admin admin true", "Acme": "admin admin true", "WriteEr": "write write true",
		"adminer": "admin admin true", "maintainer": "write maintain true",
		"writeer": "write write true", "triageer": "read triage false", "reader": "read read false",
		"noneer": "none none false", "stranger": "read read false",
	} {
		if got := level(login); got != want {
			t.Errorf("%s: %s, want %s", login, got, want)
		}
	}
	if r.SetPrivate(true); level("stranger") != "none none false" {
		t.Errorf("a stranger to a private repository: %s", level("stranger"))
	}
}

// TestWordsAreTold: what is said reaches the App, its own words too, where it is subscribed and may read.
func TestWordsAreTold(t *testing.T) {
	s, r, p := scene(t, githubtest.Options{})
	hook := receive(t)
	s.SetWebhook(hook.URL, "s3cret")
	c := installation(t, s, obj{})
	c.do("POST", reviews, obj{"event": "COMMENT", "comments": at1("Dockerfile", 4)})
	th := must(p.Threads())(t)[0]
	said := must(p.Comment("robin", "/lighterman help"))(t)
	for _, err := range []error{
		p.EditComment(said, "robin", "/lighterman fix"), p.DeleteComment(said), p.Reply(th.ID, "renovate[bot]", "no"),
		p.EditComment(th.Comments[0].ID, "ann", "x"), r.OpenIssue("Slow", "ann").Comment("ann", "/lighterman help"),
		p.DeleteComment(th.Comments[0].ID), p.StartReview("joe", "pending"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	review := must(p.SubmitReview("ann", "APPROVE", "/lighterman review"))(t)
	if err := errors.Join(p.EditReview(review, "robin", "no"), p.DismissReview(review, "ann")); err != nil {
		t.Fatal(err)
	}
	headers, got := hook.got(t, s)
	var told []string
	for i, o := range got {
		sender := o["sender"].(obj)
		told = append(told, fmt.Sprint(headers[i].Get("X-GitHub-Event"), ".", o["action"], " ", sender["login"], " ",
			sender["type"]))
	}
	want := []string{
		"pull_request_review.submitted lighterman[bot] Bot",
		"pull_request_review_comment.created lighterman[bot] Bot", "issue_comment.created robin User",
		"issue_comment.edited robin User", "issue_comment.deleted robin User",
		"pull_request_review.submitted renovate[bot] Bot",
		"pull_request_review_comment.created renovate[bot] Bot", "pull_request_review_comment.edited ann User",
		"issue_comment.created ann User", "pull_request_review_comment.deleted lighterman[bot] Bot",
		"pull_request_review.submitted ann User", "pull_request_review.edited robin User", "pull_request_review.dismissed ann User",
	}
	if !slices.Equal(told, want) {
		t.Fatalf("told %q, want %q", told, want)
	}
	if got[2]["issue"].(obj)["pull_request"] == nil || got[8]["issue"].(obj)["pull_request"] != nil {
		t.Errorf("issues %v and %v", got[2]["issue"], got[8]["issue"])
	}
	if r := got[0]["review"].(obj); r["body"] != nil || r["state"] != "commented" {
		t.Errorf("a review without a body is told as %v", r)
	}
	if r := got[11]["review"].(obj); r["body"] != "no" || r["state"] != "approved" {
		t.Errorf("an edited review is told as %v", r)
	}
	if from := got[3]["changes"].(obj)["body"].(obj)["from"]; from != "/lighterman help" {
		t.Errorf("edited from %v", from)
	}
	s.Grant("acme", map[string]string{"pull_requests": "write"})
	must(p.Comment("robin", "unheard"))(t)
	_, got = hook.got(t, s)
	if more := got[len(want):]; len(more) != 1 || more[0]["action"] != "new_permissions_accepted" {
		t.Errorf("without issues: read %v arrived", more)
	}
}
