// Package secret finds literal credentials in text with the rules of gitleaks, which others keep current.
//
// To read the rules takes longer than all else that happens to a Dockerfile, so text in which nothing looks like a credential
// is never held against them: Suspicious is a cheap first look that lets through too much rather than too little.
package secret

import (
	"fmt"
	"math"
	"regexp"
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

// prefixed matches the beginnings that issuers give their credentials, and the head of a private key.
var prefixed = regexp.MustCompile(`(?:^|[^A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA|gh[pousr]_|github_pat_|gl[a-z]{2,5}-|xox[a-z]|xapp-|` +
	`[sr]k_(?:live|test|prod)_|sk-|npm_|pypi-|SG\.|AIza|dop_v1_|doo_v1_|dor_v1_|hf_|api_org_|shp[a-z]{2}_|sq0|EAAA|eyJ|ya29\.|dckr_|` +
	`glsa_|glc_|lin_api_|NRAK-|NRJS-|rubygems_|PMAK-|pul-|dapi|AGE-SECRET-KEY-|ops_eyJ|hvs\.|hvb\.|tfp_|fo1_|FlyV1|dp\.|` +
	`ntn_|secret_|pnu_|key-|sgp_|xkeysib-|pscale_|rdme_|duffel_|EZAK|EZTK|FLWSECK|sntrys_|sntryu_|bkua_|CCIPAT_|p8e-|` +
	`ATATT3|ATCTT3|pat[A-Za-z0-9]{14}\.|tk-us-|AKCp|LTAI|A3T)[A-Za-z0-9_.+/=-]{10}|-----BEGIN|hooks\.slack\.com|` +
	`discord(?:app)?\.com/api/webhooks|outlook\.office|curl[^\n]{0,200}(?:-u|--user|-H|--header)`)

// assigned matches a name that speaks of a secret and what follows it.
var assigned = regexp.MustCompile(`(?i)(?:secret|token|passw|passphrase|credential|cred|key|auth|bearer|access)[\w.-]{0,30}["']?` +
	`(?:\s*[:=]\s*|\s+)["']?([A-Za-z0-9_.+/=~-]{10,})`)

// Suspicious reports whether something in the text may be a credential.
func Suspicious(text string) bool {
	if prefixed.MatchString(text) {
		return true
	}
	for _, m := range assigned.FindAllStringSubmatch(text, 50) {
		if strings.ContainsAny(m[1], "0123456789") && entropy(m[1]) >= 3 {
			return true
		}
	}
	return false
}

// entropy is how many bits a character of s carries (Shannon).
func entropy(s string) float64 {
	count := map[rune]int{}
	for _, r := range s {
		count[r]++
	}
	bits := 0.0
	for _, n := range count {
		p := float64(n) / float64(len(s))
		bits -= p * math.Log2(p)
	}
	return bits
}
