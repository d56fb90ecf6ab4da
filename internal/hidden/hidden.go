// Package hidden is how texts of ours remember what they are about: HTML comments at the very end of a body, which GitHub
// does not show. What is hashed in them is neither words of a Dockerfile nor line numbers.
package hidden

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// Hash is the first 64 bits of the SHA-256 of the parts, in hexadecimal. What stands on one pull request is far too
// little for two of them to meet by chance.
func Hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Finding is the name of a finding in markers, from check.Finding.ID.
func Finding(id string) string { return Hash("finding", id) }

// Line is a marker with some content, which holds no ">" and no line end.
func Line(content string) string { return "<!-- lighterman:v1 " + content + " -->" }

var line = regexp.MustCompile(`^<!-- lighterman:v1 ([^>]*) -->$`)

// Tail is the contents of the markers at the end of a body, and what stands above them. Only the unbroken run of last
// lines counts: what stands higher may come from a Dockerfile and look like a marker.
func Tail(body string) (above string, contents []string) {
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(body, "\r\n", "\n"), "\n \t"), "\n")
	n := len(lines)
	for ; n > 0; n-- {
		m := line.FindStringSubmatch(strings.TrimRight(lines[n-1], " \t"))
		if m == nil {
			break
		}
		contents = append([]string{m[1]}, contents...)
	}
	return strings.TrimRight(strings.Join(lines[:n], "\n"), "\n \t"), contents
}

// Lines is the contents of all markers in a body, wherever they stand on lines of their own, and the body without them. It is
// for bodies into which nobody gets a line without our escaping it, but who may edit them.
func Lines(body string) (rest string, contents []string) {
	var kept []string
	for _, l := range strings.Split(strings.ReplaceAll(body, "\r\n", "\n"), "\n") {
		if m := line.FindStringSubmatch(strings.TrimRight(l, " \t")); m != nil {
			contents = append(contents, m[1])
		} else {
			kept = append(kept, l)
		}
	}
	return strings.TrimSpace(strings.Join(kept, "\n")), contents
}
