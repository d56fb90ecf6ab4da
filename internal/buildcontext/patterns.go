package buildcontext

import (
	"bytes"
	"fmt"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// Patterns are the patterns of an ignore file's text as BuildKit reads them, in their order; those that take back begin
// with "!".
func Patterns(text []byte) ([]string, error) {
	patterns, err := ignorefile.ReadAll(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("read the ignore file: %w", err)
	}
	if _, err := patternmatcher.New(patterns); err != nil {
		return nil, fmt.Errorf("read the ignore file: %w", err)
	}
	return patterns, nil
}

// Excludes reports whether an ignore file of these patterns keeps a context-relative name out. Patterns that BuildKit
// would refuse keep out everything.
func Excludes(patterns []string, name string) bool {
	compiled, err := patternmatcher.New(patterns)
	if err != nil {
		return true
	}
	return (&matcher{patterns: patterns, compiled: compiled}).excludes(name)
}
