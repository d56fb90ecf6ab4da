// Package secret finds literal credentials in text with the rules of gitleaks, which others keep current.
//
// To read the rules takes longer than all else that happens to a Dockerfile, so text in which nothing looks like a credential
// is never held against them: Suspicious is a cheap first look that lets through too much rather than too little.
package secret

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/zricethezav/gitleaks/v8/detect"
)

// A Credential is a literal one. Its text is never to be shown: only where it stands.
type Credential struct {
	Rule       string // gitleaks' name of the kind: "github-pat"
	Start, End int    // bytes of the text
}

// scanner holds the rules, read at the first need. The detector is used by one at a time.
type scanner struct {
	mu       sync.Mutex
	detector *detect.Detector
	err      error
}

var rules = sync.OnceValue(func() *scanner {
	d, err := detect.NewDetectorDefaultConfig()
	return &scanner{detector: d, err: err}
})

// maxText is the size in bytes above which text is not looked at.
const maxText = 256 << 10

// Find lists the credentials in text, in order. Text that is not Suspicious has none.
func Find(text string) ([]Credential, error) {
	if len(text) > maxText || !Suspicious(text) {
		return nil, nil
	}
	s := rules()
	if s.err != nil {
		return nil, fmt.Errorf("read gitleaks' rules: %w", s.err)
	}
	s.mu.Lock()
	found := s.detector.DetectString(text)
	s.mu.Unlock()
	var out []Credential
	for _, f := range found {
		if at := strings.Index(text, f.Secret); at >= 0 && f.Secret != "" && !standIn(f.Secret) {
			out = append(out, Credential{f.RuleID, at, at + len(f.Secret)})
		}
	}
	slices.SortFunc(out, func(a, b Credential) int { return a.Start - b.Start })
	return slices.CompactFunc(out, func(a, b Credential) bool { return b.Start < a.End }), nil
}

// standIn reports whether a value is made of something else when it is used, or plainly stands for one.
func standIn(value string) bool {
	lower := strings.ToLower(value)
	return strings.ContainsAny(value, "$<>{}") || strings.Contains(lower, "example") || strings.Contains(lower, "changeme") ||
		strings.Contains(lower, "placeholder") || strings.Contains(lower, "your") || strings.Contains(lower, "xxxx") ||
		strings.Contains(lower, "dummy")
}
