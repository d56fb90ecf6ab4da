package github_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
)

// A baseless transport answers what GitHub may answer when it does not tell of the base branch.
type baseless struct{ problem any }

func (b baseless) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || r.URL.Path != "/api/graphql" {
		return res, err
	}
	var answer struct {
		Data   map[string]map[string]map[string]any `json:"data"`
		Errors []any                                `json:"errors,omitempty"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return nil, err
	}
	answer.Data["repository"]["pullRequest"]["baseRef"] = nil
	if b.problem != nil {
		answer.Errors = append(answer.Errors, b.problem)
	}
	text, err := json.Marshal(answer)
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return res, err
}

// TestStandingSettings: which configuration files the base branch's tip has, and that a pull request can be read without
// that being known.
func TestStandingSettings(t *testing.T) {
	names := []string{".github/lighterman.yml", ".hadolint.yaml"}
	h := newHost(t, githubtest.Options{}, map[string]string{".github/lighterman.yml": "fail-on: never\n"})
	p, ref := h.open(t, map[string]string{".github/lighterman.yml": "fail-on: info\n"})
	tip, err := h.repo.Push("main", "Decide", map[string]string{".github/lighterman.yml": "fail-on: error\n"})
	if err != nil {
		t.Fatal(err)
	}
	h.app = newApp(t, h.Server, github.Options{Settings: names})
	st := h.standing(t, ref)
	if blob := st.Settings[names[0]]; len(st.Settings) != 1 || !forge.SameBlob(blob, []byte("fail-on: error\n")) || st.Base != tip {
		t.Errorf("settings %v at %s, the tip is %s", st.Settings, st.Base, tip)
	}
	for _, problem := range []any{nil, map[string]any{
		"type": "NOT_FOUND", "message": "x", "path": []any{"repository", "pullRequest", "baseRef", "target", "f1"},
	}} {
		h.app = newApp(t, h.Server, github.Options{Settings: names, Transport: baseless{problem}})
		if st := h.standing(t, ref); st.Settings != nil || st.Head != p.Head() || st.Base != tip {
			t.Errorf("%v: settings %v of %+v", problem, st.Settings, st)
		}
	}
}
