package secret

import (
	"math"
	"strings"
)

// prefixes are the beginnings that issuers give their credentials, by their first byte.
var prefixes = byFirst(`AKIA ASIA ABIA ACCA A3T ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- gldt- glrt- glcbt- glptt- glft-
	glimt- glagent- gloas- glsoat- xoxb- xoxp- xoxa- xoxe xoxo- xoxr- xoxs- xapp- sk_ rk_ sk- npm_ pypi- SG. AIza dop_v1_ doo_v1_
	dor_v1_ hf_ api_org_ shpat_ shpca_ shppa_ shpss_ sq0 EAAA eyJ ya29. dckr_ glsa_ glc_ lin_api_ NRAK- NRJS- NRII- rubygems_
	PMAK- pul- dapi AGE-SECRET-KEY- ops_ hvs. hvb. tfp_ fo1_ fm1 FlyV1 dp. ntn_ secret_ pnu_ key- sgp_ xkeysib- pscale_ rdme_
	duffel_ EZAK EZTK FLWSECK FLWPUBK sntrys_ sntryu_ bkua_ CCIPAT_ p8e- ATATT3 ATCTT3 pat AKCp LTAI tk-us- octo- API-`)

func byFirst(list string) (out [256][]string) {
	for _, p := range strings.Fields(list) {
		out[p[0]] = append(out[p[0]], p)
	}
	return out
}

// hints are words before a value that say that it is a secret.
var hints = [...]string{"secret", "token", "passw", "passphrase", "cred", "key", "auth", "bearer", "access", "private"}

const (
	// minValue is the length from which a word may be a credential.
	minValue = 10
	// reach is how many bytes before a word its name may stand in.
	reach = 48
)

// Suspicious reports whether something in the text may be a credential.
func Suspicious(text string) bool {
	for at := 0; at < len(text); {
		if !inValue(text[at]) {
			at++
			continue
		}
		end := at + 1
		for end < len(text) && inValue(text[end]) {
			end++
		}
		if end-at >= minValue && suspect(text, at, end) {
			return true
		}
		at = end
	}
	return strings.Contains(text, "-----BEGIN") || strings.Contains(text, "hooks.slack.com") ||
		strings.Contains(text, "/api/webhooks/") || userFlag(text, " -u ") || userFlag(text, " --user ")
}

func inValue(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_-+/.~", c) >= 0
}

// suspect reports whether a word begins like a credential, or is mixed enough to be one behind a name that says so.
func suspect(text string, start, end int) bool {
	word := text[start:end]
	for _, p := range prefixes[word[0]] {
		if strings.HasPrefix(word, p) {
			return true
		}
	}
	if !strings.ContainsAny(word, "0123456789") {
		return false
	}
	before := strings.ToLower(text[max(0, start-reach):start])
	if k := strings.LastIndexByte(before, '\n'); k >= 0 {
		before = before[k:]
	}
	for _, h := range hints {
		if strings.Contains(before, h) {
			return entropy(word) >= 3
		}
	}
	return false
}

// userFlag reports whether a flag gives a user and a password, as curl's does.
func userFlag(text, flag string) bool {
	for {
		_, rest, ok := strings.Cut(text, flag)
		if !ok {
			return false
		}
		word, _, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
		if strings.Contains(word, ":") && !strings.Contains(word, "$") {
			return true
		}
		text = rest
	}
}

// entropy is how many bits a byte of s carries (Shannon).
func entropy(s string) float64 {
	var count [256]int
	for k := range len(s) {
		count[s[k]]++
	}
	bits := 0.0
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(s))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}
