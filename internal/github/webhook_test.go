package github_test

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/github"
)

// TestDecodeExamples reads GitHub's own example payloads of every event that the App may be sent.
func TestDecodeExamples(t *testing.T) {
	f, err := os.Open("../../testdata/github/webhooks.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	gz, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var events []struct {
		Name     string
		Examples []json.RawMessage
	}
	if err := json.NewDecoder(gz).Decode(&events); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, e := range events {
		for _, payload := range e.Examples {
			action, ref, err := github.Decode(e.Name, payload)
			if err != nil {
				t.Errorf("%s: %v", e.Name, err)
			}
			seen[e.Name]++
			wanted := e.Name == "pull_request" && strings.Contains("opened reopened synchronize ready_for_review", action)
			if (ref != nil) != wanted {
				t.Errorf("%s %s: %v", e.Name, action, ref)
			}
			if ref != nil && (ref.Number == 0 || ref.Repo.Name == "" || ref.Repo.Owner == "") {
				t.Errorf("%s %s: %+v", e.Name, action, ref)
			}
			if ref != nil {
				seen[action]++
			}
		}
	}
	for _, what := range []string{"check_run", "installation", "issue_comment", "merge_group", "push", "opened",
		"reopened", "synchronize", "ready_for_review"} {
		if seen[what] == 0 {
			t.Errorf("no example of %s", what)
		}
	}
}

// TestDecode: which actions ask for a review, and what is no payload of GitHub's.
func TestDecode(t *testing.T) {
	const repo = `"number":7,"installation":{"id":5},"repository":{"name":"shop","owner":{"login":"acme"}}`
	for _, tc := range []struct{ event, payload, action, ref, err string }{
		{"pull_request", `{"action":"opened",` + repo + `}`, "opened", "acme/shop#7", ""},
		{"pull_request", `{"action":"closed",` + repo + `}`, "closed", "", ""},
		{"pull_request", `{"action":"edited","changes":{"title":{"from":"x"}},` + repo + `}`, "edited", "", ""},
		{"pull_request", `{"action":"edited","changes":{"base":{"ref":{"from":"x"}}},` + repo + `}`, "edited",
			"acme/shop#7", ""},
		{"push", `{"ref":"refs/heads/main",` + repo + `}`, "", "", ""},
		{"nonesuch", `{"action":"opened",` + repo + `}`, "opened", "", ""},
		{"pull_request", `{"action":"opened"}`, "opened", "", "names no pull request"},
		{"pull_request", `{"action":"opened","number":7,"repository":{"name":"a/b","owner":{"login":"acme"}}}`, "opened",
			"", "no repository"},
		{"pull_request", `{"action":`, "", "", "unexpected end"},
		{"pull_request", `[]`, "", "", "cannot unmarshal"},
		{"pull_request", `{"action":"opened","number":"7"}`, "", "", "cannot unmarshal"},
	} {
		action, ref, err := github.Decode(tc.event, []byte(tc.payload))
		got := ""
		if ref != nil {
			got = ref.String()
			if ref.Repo.Installation != 5 {
				t.Errorf("%s: installation %d", tc.payload, ref.Repo.Installation)
			}
		}
		if action != tc.action || got != tc.ref || (err == nil) != (tc.err == "") ||
			err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s %s: %q %q %v, want %q %q %q", tc.event, tc.payload, action, got, err, tc.action, tc.ref, tc.err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("pull_request", []byte(`{"action":"edited","number":7,"changes":{"base":{}},`+
		`"repository":{"name":"a","owner":{"login":"b"}}}`))
	f.Fuzz(func(t *testing.T, event string, payload []byte) {
		_, ref, err := github.Decode(event, payload)
		if ref != nil && (err != nil || ref.Number <= 0 || strings.ContainsAny(ref.Repo.String(), " ?#%") ||
			strings.Count(ref.Repo.String(), "/") != 1) {
			t.Errorf("%q of %q: %+v, %v", event, payload, ref, err)
		}
	})
}
