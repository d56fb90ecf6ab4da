package github

import (
	"encoding/json"
	"net/url"
	"strings"
)

// A need is a permission that the App asks for, the least it can work with, the events that the permission lets it
// subscribe, and what it is for.
type need struct {
	permission  string
	full, least string
	events      []string
	purpose     string
}

// needs is what app.yml says, with reasons; a test holds the two together. GitHub refuses an event whose permission is
// not asked for (derive-to/derive#269). check_run and check_suite come without subscription, the events on
// installations always.
func needs() []need {
	return []need{
		{"metadata", "read", "read", nil, "who may give commands"},
		{"contents", "write", "read", []string{"push"}, "Dockerfiles, and the files they copy"},
		{"pull_requests", "write", "write", []string{
			"pull_request", "pull_request_review", "pull_request_review_comment",
		}, "reviews"},
		{"checks", "write", "write", nil, "the check run and its buttons"},
		{"issues", "read", "read", []string{"issue_comment"}, "commands in comments"},
		{"merge_queues", "read", "read", []string{"merge_group"}, "the check run in merge queues"},
	}
}

// ManifestOptions are what differs between one App and the next.
type ManifestOptions struct {
	Name       string // unique on GitHub, at most 34 characters; the person can still change it there
	Page       string // where the person's browser reaches us, without a slash at the end
	Hook       string // where GitHub reaches us, likewise
	ReviewOnly bool   // reads contents and never writes them
}

// A manifest is what GitHub registers an App from
// (content/apps/sharing-github-apps/registering-a-github-app-from-a-manifest.md).
type manifest struct {
	Name        string            `json:"name"`
	URL         string            `json:"url"`
	Description string            `json:"description"`
	Public      bool              `json:"public"`
	Hook        manifestHook      `json:"hook_attributes"`
	Redirect    string            `json:"redirect_url"`
	Setup       string            `json:"setup_url"`
	Events      []string          `json:"default_events"`
	Permissions map[string]string `json:"default_permissions"`
}

type manifestHook struct {
	URL    string `json:"url"`
	Active bool   `json:"active"`
}

const (
	homepage    = "https://github.com/lighterman/lighterman"
	description = "Reviews Dockerfiles, with fixes that were checked before they are shown."
)

// Manifest is the manifest of an App, as JSON.
func Manifest(o ManifestOptions) ([]byte, error) {
	m := manifest{
		Name: o.Name, URL: homepage, Description: description, Permissions: make(map[string]string),
		Hook:     manifestHook{URL: o.Hook + "/webhook", Active: true},
		Redirect: o.Page + "/setup/done", Setup: o.Page + "/installed",
	}
	for _, n := range needs() {
		m.Events = append(m.Events, n.events...)
		m.Permissions[n.permission] = n.full
		if o.ReviewOnly {
			m.Permissions[n.permission] = n.least
		}
	}
	return json.Marshal(m)
}

// Site is the web site that belongs to an Options.BaseURL: where people register and install Apps.
func Site(baseURL string) (string, error) {
	base, err := parseBase(baseURL)
	if err != nil {
		return "", err
	}
	if base.Host == "api.github.com" {
		return "https://github.com", nil
	}
	return strings.TrimSuffix((&url.URL{Scheme: base.Scheme, Host: base.Host, Path: base.Path}).String(), "/"), nil
}
