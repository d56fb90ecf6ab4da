package main

import (
	"strings"

	"github.com/spf13/pflag"

	"github.com/lighterman/lighterman/internal/queue"
)

// storage says where the queue lives.
type storage struct {
	dataDir         string
	databaseURL     string
	databaseURLFile string
}

func (s *storage) flags(f *pflag.FlagSet) {
	f.StringVar(&s.dataDir, "data-dir", "data", "the folder of the SQLite database")
	f.StringVar(&s.databaseURL, "database-url", "", "a PostgreSQL URL to use instead of SQLite")
	f.StringVar(&s.databaseURLFile, "database-url-file", "", "a file with the PostgreSQL URL, which holds a password")
}

// postgres reports whether the queue lives in PostgreSQL.
func (s storage) postgres() bool { return s.databaseURL+s.databaseURLFile != "" }

// options are where the queue lives, with the URL read.
func (s storage) options() (queue.Options, error) {
	o := queue.Options{DataDir: s.dataDir}
	if !s.postgres() {
		return o, nil
	}
	url, err := secret("database-url", s.databaseURL, s.databaseURLFile)
	o.DatabaseURL = strings.TrimSpace(url)
	return o, err
}
