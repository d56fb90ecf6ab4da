package githubtest_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/lighterman/lighterman/internal/githubtest"
)

// examples are GitHub's own example payloads, by event and action.
func examples(t *testing.T) map[string][]obj {
	t.Helper()
	f := must(os.Open("../../testdata/github/webhooks.json.gz"))(t)
	defer f.Close()
	var all []struct {
		Name     string
		Examples []obj
	}
	if err := json.NewDecoder(must(gzip.NewReader(f))(t)).Decode(&all); err != nil {
		t.Fatal(err)
	}
	byName := make(map[string][]obj)
	for _, e := range all {
		for _, o := range e.Examples {
			name := fmt.Sprint(e.Name, ".", o["action"])
			byName[name] = append(byName[name], o)
		}
	}
	return byName
}

// lacking are the keys that every example has and the payload has not, down through objects.
func lacking(path string, payload obj, examples []obj) []string {
	var missing []string
	for _, key := range slices.Sorted(maps.Keys(examples[0])) {
		var below []obj
		everywhere := true
		for _, e := range examples {
			value, ok := e[key]
			everywhere = everywhere && ok
			if inner, ok := value.(obj); ok {
				below = append(below, inner)
			}
		}
		value, ok := payload[key]
		inner, isObject := value.(obj)
		switch {
		case !everywhere || absent[path+key]:
		case !ok:
			missing = append(missing, path+key)
		case isObject && len(below) == len(examples):
			missing = append(missing, lacking(path+key+".", inner, below)...)
		}
	}
	return missing
}

// absent is what the examples have and GitHub sends only sometimes: for accounts of organisations, and what an App
// holds.
var absent = map[string]bool{
	"organization": true, "check_run.app.permissions": true, "check_run.check_suite.app.permissions": true,
	"check_suite.app.permissions": true,
}

// TestPayloadShape: what the double sends has every key that all of GitHub's examples of the event have.
func TestPayloadShape(t *testing.T) {
	official := examples(t)
	s, r, p := scene(t, githubtest.Options{Events: []string{
		"pull_request", "pull_request_review", "pull_request_review_comment", "issue_comment", "merge_group", "push",
	}})
	hook := receive(t)
	s.SetWebhook(hook.URL, "s3cret")
	act(t, s, r, p)
	headers, payloads := hook.got(t, s)
	seen := make(map[string]bool)
	for i, payload := range payloads {
		name := fmt.Sprint(headers[i].Get("X-GitHub-Event"), ".", payload["action"])
		if seen[name] {
			continue
		}
		seen[name] = true
		if len(official[name]) == 0 {
			continue // GitHub publishes no example
		}
		if missing := lacking("", payload, official[name]); len(missing) > 0 {
			t.Errorf("%s lacks %v", name, missing)
		}
	}
	if len(seen) < 10 || !seen["push.<nil>"] || !seen["pull_request_review.dismissed"] {
		t.Errorf("only %v were sent", slices.Sorted(maps.Keys(seen)))
	}
}

// act lets everything happen once that the App is told of.
func act(t *testing.T, s *githubtest.Server, r *githubtest.Repo, p *githubtest.Pull) {
	t.Helper()
	c := installation(t, s, obj{})
	c.do("POST", checks, check(p.Head(), "conclusion", "neutral", "actions", []obj{button()}))
	run := p.CheckRuns()[0].ID
	if err := p.Review("robin", "", githubtest.ReviewComment{Path: "Dockerfile", Line: 4, Body: "why"}); err != nil {
		t.Fatal(err)
	}
	word := must(p.Threads())(t)[0].Comments[0].ID
	said := must(p.Comment("robin", "hi"))(t)
	judged := must(p.SubmitReview("ann", "APPROVE", "good"))(t)
	for _, err := range []error{
		p.EditReview(judged, "ann", "x"), p.DismissReview(judged, "robin"),
		p.Click(run, "fix-all", "robin"), p.Rerequest(run, "robin"), p.RerequestSuite("robin"),
		p.EditComment(said, "robin", "x"), p.DeleteComment(said), p.EditComment(word, "robin", "x"), p.DeleteComment(word),
		p.SetDraft(true, "robin"), p.SetDraft(false, "robin"), p.Retitle("x", "robin"), p.Close("robin"), p.Reopen("robin"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(r.Push("topic", "more", map[string]string{"a": "a"}))(t)
	must(r.MergeGroup(p))(t)
}
