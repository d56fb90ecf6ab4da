// Package demo holds the small repository that "lighterman demo" and the end-to-end tests work on, and the pull request
// that brings the usual mistakes into it.
package demo

import (
	_ "embed"
)

// Base is the repository's default branch, as a txtar archive.
//
//go:embed base.txtar
var Base []byte

// Change is what the pull request adds and changes, as a txtar archive.
//
//go:embed change.txtar
var Change []byte
