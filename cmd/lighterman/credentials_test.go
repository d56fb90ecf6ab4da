package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
)

const corp = "https://git.corp"

func someCredentials(t *testing.T) *storedCredentials {
	hub := githubtest.Start(t, githubtest.Options{})
	return &storedCredentials{GitHub: corp, Credentials: github.Credentials{
		AppID: 7, Slug: "x", Page: corp + "/github-apps/x", PrivateKey: string(hub.PrivateKey()), WebhookSecret: "stored",
	}}
}

// TestCredentialsOfTheSettings: flags and variables win over what the set-up page kept, and never mix two Apps.
func TestCredentialsOfTheSettings(t *testing.T) {
	stored := someCredentials(t)
	path := filepath.Join(t.TempDir(), "app.json")
	must(t, writeCredentials(path, stored))
	for name, c := range map[string]struct {
		settings serveSettings
		id       int64
		key      string // the beginning
		secrets  string
		err      string
	}{
		"stored":           {serveSettings{}, 7, "-----BEGIN", "stored", ""},
		"rotated secret":   {serveSettings{webhookSecret: "new,stored"}, 7, "-----BEGIN", "new stored", ""},
		"new key":          {serveSettings{appSettings: appSettings{privateKey: "another"}}, 7, "another", "stored", ""},
		"the same App":     {serveSettings{appSettings: appSettings{appID: 7}}, 7, "-----BEGIN", "stored", ""},
		"another App":      {serveSettings{appSettings: appSettings{appID: 8, privateKey: "k"}, webhookSecret: "s"}, 8, "k", "s", ""},
		"half another App": {serveSettings{appSettings: appSettings{appID: 8, privateKey: "k"}}, 0, "", "", "LIGHTERMAN_WEBHOOK_SECRET is not set"},
		"another GitHub":   {serveSettings{appSettings: appSettings{githubURL: "https://api.github.com"}}, 0, "", "", "are for https://git.corp"},
		"no address":       {serveSettings{publicURL: "app.example.com"}, 0, "", "", "LIGHTERMAN_PUBLIC_URL"},
		"a secret in it":   {serveSettings{publicURL: "https://a:hunter2@example.com"}, 0, "", "", "LIGHTERMAN_PUBLIC_URL"},
	} {
		c.settings.credentialsFile = path
		if c.settings.githubURL == "" {
			c.settings.githubURL = corp
		}
		o, err := c.settings.options(quiet())
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: error %v", name, err)
			}
			continue
		}
		if err != nil || o.GitHub.AppID != c.id || !strings.HasPrefix(string(o.GitHub.PrivateKey), c.key) ||
			strings.Join(o.Secrets, " ") != c.secrets {
			t.Errorf("%s: App %d, secrets %q, %v", name, o.GitHub.AppID, o.Secrets, err)
		}
	}
}

// TestCredentialsAreNotReplaced, nor is half of them ever there.
func TestCredentialsAreNotReplaced(t *testing.T) {
	stored := someCredentials(t)
	path := filepath.Join(t.TempDir(), "deep", "app.json")
	must(t, canWriteCredentials(path))
	must(t, writeCredentials(path, stored))
	other := *stored
	other.AppID = 8
	if err := writeCredentials(path, &other); err == nil {
		t.Error("credentials were replaced")
	}
	if got, err := readCredentials(path, corp); err != nil || *got != *stored {
		t.Errorf("stored %+v, read %+v, %v", stored, got, err)
	}
	all, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(all) != 1 {
		t.Errorf("left behind: %v, %v", all, err)
	}
	for name, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if err := canWriteCredentials(filepath.Join(path, "below-a-file", "app.json")); err == nil ||
		!strings.Contains(err.Error(), "LIGHTERMAN_CREDENTIALS_FILE") {
		t.Errorf("a place where nothing can be kept: %v", err)
	}
}

// TestCredentialsAreChecked: a file that is no good stops the start and is named; it is not shown.
func TestCredentialsAreChecked(t *testing.T) {
	good := someCredentials(t)
	change := func(c func(*storedCredentials)) string {
		bad := *good
		c(&bad)
		text, err := json.Marshal(bad)
		must(t, err)
		return string(text)
	}
	for name, text := range map[string]string{
		"empty":     "",
		"cut off":   `{"id": 7, "webhook_secret": "hunter2`,
		"no id":     change(func(c *storedCredentials) { c.AppID = 0 }),
		"no key":    change(func(c *storedCredentials) { c.PrivateKey = "hunter2" }),
		"no secret": change(func(c *storedCredentials) { c.WebhookSecret = "" }),
	} {
		path := filepath.Join(t.TempDir(), "app.json")
		must(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := readCredentials(path, corp)
		if err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := readCredentials(filepath.Join(t.TempDir(), "app.json"), corp); got != nil || err != nil {
		t.Errorf("no file: %v, %v", got, err)
	}
}

// TestPageAddress: what can be opened in a browser, from what was listened on.
func TestPageAddress(t *testing.T) {
	for at, want := range map[string]string{
		"[::]:8080": "http://localhost:8080", "0.0.0.0:80": "http://localhost:80", "10.0.0.7:8080": "http://10.0.0.7:8080",
		"[::1]:8080": "http://[::1]:8080",
	} {
		if got := pageAddress("", address(at)); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
	if got := pageAddress("https://l.example.com", address("[::]:8080")); got != "https://l.example.com" {
		t.Error(got)
	}
}

type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }
