package githubtest_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/githubtest"
)

// suggested posts comments on the Dockerfile's lines and returns their ids. An edit is first, last and body.
func suggested(t *testing.T, p *githubtest.Pull, path string, comments ...githubtest.ReviewComment) []int64 {
	t.Helper()
	had := len(must(p.Threads())(t))
	for i := range comments {
		comments[i].Path = path
		if comments[i].StartLine == comments[i].Line {
			comments[i].StartLine = 0
		}
	}
	if err := p.Review("lighterman[bot]", "", comments...); err != nil {
		t.Fatal(err)
	}
	var ids []int64
	for _, th := range must(p.Threads())(t)[had:] {
		ids = append(ids, th.Comments[0].ID)
	}
	return ids
}

func at(first, last int, body string) githubtest.ReviewComment {
	return githubtest.ReviewComment{StartLine: first, Line: last, Body: body}
}

// TestApplySuggestions: whole lines are replaced, a batch is one commit of whoever clicked.
func TestApplySuggestions(t *testing.T) {
	s, r, p := scene(t, githubtest.Options{})
	ids := suggested(t, p, "Dockerfile",
		at(3, 4, "Order.\n```suggestion\nCOPY package.json ./\nRUN npm ci\nCOPY . .\n```\n"),
		at(5, 5, "User.\n````suggestion\nUSER node\nCMD [\"```\"]\n````"),
		at(2, 2, "Gone.\n```suggestion\n```"),
	)
	before := p.Head()
	sha, err := p.ApplySuggestions("robin", ids...)
	if err != nil {
		t.Fatal(err)
	}
	want := "FROM node:22\nCOPY package.json ./\nRUN npm ci\nCOPY . .\nUSER node\nCMD [\"```\"]\n"
	if got := must(r.ReadFile(sha, "Dockerfile"))(t); got != want {
		t.Errorf("Dockerfile is %q, want %q", got, want)
	}
	if p.Head() != sha || sha == before {
		t.Errorf("the head is %s, the commit %s", p.Head(), sha)
	}
	for _, th := range must(p.Suggestions())(t) {
		if !th.Outdated {
			t.Errorf("still applicable: %+v", th)
		}
	}
	if _, err := p.ApplySuggestions("robin", ids[0]); !errors.Is(err, githubtest.ErrOutdated) {
		t.Errorf("applied again: %v", err)
	}
	if err := s.Wait(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestSuggestionsRefused: what the page does not let people do.
func TestSuggestionsRefused(t *testing.T) {
	_, r, p := scene(t, githubtest.Options{})
	ids := suggested(t, p, "Dockerfile",
		at(3, 4, "```suggestion\nRUN true\n```"),
		at(4, 5, "```suggestion\nRUN false\n```"),
		at(4, 4, "```suggestion\nRUN npm ci\n```"),
		at(4, 4, "no block\n```\nsuggestion\n```"),
	)
	for _, tc := range []struct {
		name string
		ids  []int64
		want error
	}{
		{"overlap", ids[:2], githubtest.ErrTwice},
		{"no change", ids[2:3], githubtest.ErrNoChange},
		{"no block", ids[3:], githubtest.ErrNoBlock},
		{"no comment", []int64{1}, githubtest.ErrNoBlock},
	} {
		if _, err := p.ApplySuggestions("robin", tc.ids...); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
	if err := p.Close("robin"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ApplySuggestions("robin", ids[0]); !errors.Is(err, githubtest.ErrClosed) {
		t.Errorf("on a closed pull request: %v", err)
	}
	if got := must(r.ReadFile("topic", "Dockerfile"))(t); got != app5 {
		t.Errorf("something was applied: %q", got)
	}
}

// TestSuggestionBytes: blocks are literal, whatever line ends the file has.
func TestSuggestionBytes(t *testing.T) {
	_, r, p := scene(t, githubtest.Options{})
	files := map[string]string{"crlf": "a\r\nb\r\nc\r\n", "open": "a\nb"}
	must(r.Push("topic", "line ends", files))(t)
	ids := append(suggested(t, p, "crlf", at(2, 2, "```suggestion\nB\n```")),
		suggested(t, p, "open", at(2, 2, "~~~ suggestion\nB\n~~~"))...)
	sha := must(p.ApplySuggestions("robin", ids...))(t)
	if got := must(r.ReadFile(sha, "crlf"))(t); got != "a\r\nB\nc\r\n" {
		t.Errorf("crlf is %q", got)
	}
	if got := must(r.ReadFile(sha, "open"))(t); got != "a\nB" {
		t.Errorf("open is %q", got)
	}
}

// TestSuggestionsOnForks: the branch belongs to its owner, unless maintainers were let in.
func TestSuggestionsOnForks(t *testing.T) {
	_, r, _ := scene(t, githubtest.Options{})
	fork := must(r.Fork("robin"))(t)
	must(fork.Push("fix", "from a fork", map[string]string{"Dockerfile": app5}))(t)
	p := must(r.OpenPull(githubtest.PullOptions{Title: "Fork", Head: "fix", Fork: fork}))(t)
	ids := suggested(t, p, "Dockerfile", at(1, 1, "```suggestion\nFROM node:24\n```"))
	if _, err := p.ApplySuggestions("acme", ids...); !errors.Is(err, githubtest.ErrNoRight) {
		t.Errorf("a maintainer applies it: %v", err)
	}
	sha := must(p.ApplySuggestions("robin", ids...))(t)
	if got := must(fork.ReadFile("fix", "Dockerfile"))(t); !strings.HasPrefix(got, "FROM node:24\n") || p.Head() != sha {
		t.Errorf("the fork's file is %q", got)
	}
	if p.Author() != "robin" {
		t.Errorf("the author is %s", p.Author())
	}
}
