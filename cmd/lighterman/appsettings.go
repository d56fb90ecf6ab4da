package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/lighterman/lighterman/internal/github"
)

// appSettings say which App speaks, and to which GitHub.
type appSettings struct {
	appID           int64
	privateKey      string
	privateKeyFile  string
	githubURL       string
	credentialsFile string
	writePause      time.Duration
	presetOwners    []string
}

func (s *appSettings) flags(f *pflag.FlagSet) {
	f.Int64Var(&s.appID, "app-id", 0, "the GitHub App's id")
	f.StringVar(&s.privateKey, "private-key", "", "the App's private key, PEM")
	f.StringVar(&s.privateKeyFile, "private-key-file", "", "a file with the App's private key")
	f.StringVar(&s.githubURL, "github-url", "https://api.github.com", "GitHub's API, or https://HOST of an Enterprise Server")
	f.StringVar(&s.credentialsFile, "credentials-file", "",
		"where the set-up page keeps the App's credentials (default app.json in the data folder)")
	f.StringSliceVar(&s.presetOwners, "preset-owner", nil,
		"an owner whose presets every repository may extend, private ones included (may be repeated)")
	f.DurationVar(&s.writePause, "write-pause", time.Second,
		"the time between two writes to GitHub, which asks for a second; an Enterprise Server without rate limits needs none")
}

// credentials is the file that the set-up page writes.
func (s appSettings) credentials(where storage) string {
	return cmp.Or(s.credentialsFile, filepath.Join(where.dataDir, "app.json"))
}

// adopt takes what was not set from what the set-up page kept, unless that is another App's, and reports whether it did.
func (s *appSettings) adopt(stored *storedCredentials) bool {
	if stored == nil || s.appID != 0 && s.appID != stored.AppID {
		return false
	}
	s.appID = stored.AppID
	if s.privateKey == "" && s.privateKeyFile == "" {
		s.privateKey = stored.PrivateKey
	}
	return true
}

// options are what the App is made of, with its key read.
func (s appSettings) options() (github.Options, error) {
	o := github.Options{BaseURL: s.githubURL, WritePause: orNone(s.writePause)}
	if s.appID <= 0 {
		return o, fmt.Errorf("LIGHTERMAN_APP_ID is not set: it is the number on the App's settings page")
	}
	key, err := secret("private-key", s.privateKey, s.privateKeyFile)
	o.AppID, o.PrivateKey = s.appID, []byte(key)
	return o, err
}

// orNone is a time as options take it, where 0 stands for the usual one.
func orNone(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}
