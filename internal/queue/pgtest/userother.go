//go:build !unix

package pgtest

import "os/exec"

// A user is who the server runs as: who we are.
type user struct{}

func (user) run(*exec.Cmd) {}

func unprivileged(string) (user, error) { return user{}, nil }
