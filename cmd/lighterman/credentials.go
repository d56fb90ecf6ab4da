package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lighterman/lighterman/internal/github"
)

// storedCredentials are what the set-up page left in a file, for the next start.
type storedCredentials struct {
	GitHub string `json:"github"` // the API that they are for
	github.Credentials
}

// readCredentials reads the file that the set-up page wrote; nil when there is none.
func readCredentials(path, githubURL string) (*storedCredentials, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the App's credentials: %w", err)
	}
	var c storedCredentials
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("the App's credentials in %s cannot be read: %w", path, err)
	}
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("the App's credentials in %s: %w", path, err)
	}
	if c.GitHub != githubURL {
		return nil, fmt.Errorf("the App's credentials in %s are for %s, and LIGHTERMAN_GITHUB_URL says %s",
			path, c.GitHub, githubURL)
	}
	return &c, nil
}

// writeCredentials keeps credentials for the next start: all of them or none, readable by us alone. What is there
// already is not replaced.
func writeCredentials(path string, c *storedCredentials) (err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("%s is there already", path), err)
	}
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	f, err := credentialsTemp(path)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(append(data, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// credentialsTemp makes a file beside path, with mode 0600, in a folder that is made when it is missing.
func credentialsTemp(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
}

// canWriteCredentials finds out before GitHub hands the credentials out, which it does once.
func canWriteCredentials(path string) error {
	f, err := credentialsTemp(path)
	if err != nil {
		return fmt.Errorf("the App's credentials could not be kept; set LIGHTERMAN_CREDENTIALS_FILE to a file that can be "+
			"written: %w", err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// syncDir makes a rename outlast a loss of power.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
